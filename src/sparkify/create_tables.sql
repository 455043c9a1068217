-- name: schemas_taken
-- Find schemas that have the names of ours. If there is no warehouse, somebody else created them.
SELECT 'schema', nspname::text, NULL FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY nspname

-- name: not_ours
-- Find objects in public or analytics that have one of our names and are not ours: any object if there is no warehouse yet, otherwise
-- those with another form or another owner.
WITH warehouse AS (
    SELECT nspowner AS owner FROM pg_namespace WHERE nspname = 'etl'
),
ours AS (
    SELECT n.oid AS schema_id, split_part(name, '.', 2) AS short_name, o.*
    FROM unnest(%(relations)s::text[], %(kinds)s::text[], %(tables)s::text[]) AS o (name, kind, index_of)
    JOIN pg_namespace n ON nspname = split_part(name, '.', 1) AND nspname IN ('public', 'analytics')
),
columns AS (
    SELECT * FROM unnest(%(column_relations)s::text[], %(columns)s::text[]) AS c (name, "column")
),
there AS (
    SELECT CASE relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS what,
           name, relowner AS owner,
           CASE
               WHEN kind <> replace(relkind::text, 'I', 'i') THEN 'is of another kind'
               WHEN kind = 'i' AND indrelid IS DISTINCT FROM to_regclass(index_of) THEN 'is on ' || indrelid::regclass
               -- A view of ours may be older and have fewer columns; a table has them all.
               WHEN kind <> 'i' THEN (
                   SELECT coalesce('lacks the column ' || "column", 'has a column ' || attname)
                   FROM (SELECT "column" FROM columns WHERE columns.name = ours.name) wanted
                   FULL JOIN (SELECT attname::text FROM pg_attribute
                              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) has ON attname = "column"
                   WHERE CASE kind WHEN 'v' THEN "column" ELSE attname END IS NULL
                   LIMIT 1)
           END AS difference
    FROM ours
    JOIN pg_class c ON relnamespace = schema_id AND relname = short_name
    LEFT JOIN pg_index ON indexrelid = c.oid
    UNION ALL
    SELECT 'type', name, typowner, 'is of another kind'
    FROM ours JOIN pg_type ON typnamespace = schema_id AND typname = short_name AND typrelid = 0
    WHERE kind <> 'i'
    UNION ALL
    SELECT 'function', name, proowner,
           CASE WHEN (pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) IS DISTINCT FROM (arguments, result)
                THEN 'has other arguments' END
    FROM unnest(%(functions)s::text[], %(arguments)s::text[], %(results)s::text[]) AS f (name, arguments, result)
    JOIN pg_namespace n ON nspname = split_part(name, '.', 1) AND nspname = 'analytics'
    JOIN pg_proc p ON pronamespace = n.oid AND proname = split_part(name, '.', 2)
)
SELECT what, name,
       CASE WHEN warehouse.owner IS NOT NULL
            THEN coalesce(difference, 'belongs to the role ' || pg_get_userbyid(there.owner)) END AS why
FROM there LEFT JOIN warehouse ON true
WHERE warehouse.owner IS NULL OR difference IS NOT NULL OR there.owner <> warehouse.owner
ORDER BY name COLLATE "C", what

-- name: wait_briefly
-- Limit the wait for a lock to the deadlock_timeout and a moment more, at most five seconds in all: readers queue meanwhile.
SELECT set_config('lock_timeout', (1000 * extract(epoch FROM least(current_setting('deadlock_timeout')::interval + %s::interval, '5s')))::integer::text, true)

-- name: version
-- Record the version of the schema.
INSERT INTO etl.warehouse (schema_version) VALUES (%s)
ON CONFLICT (only_row) DO UPDATE SET schema_version = EXCLUDED.schema_version

-- name: keep_forgotten
-- Save the digests of forgotten people before the warehouse is dropped.
-- makes: kept_forgotten, kept_key, kept_sessions
CREATE TEMP TABLE kept_key ON COMMIT DROP AS SELECT * FROM etl.forgotten_key;
CREATE TEMP TABLE kept_forgotten ON COMMIT DROP AS SELECT * FROM etl.forgotten;
CREATE TEMP TABLE kept_sessions ON COMMIT DROP AS SELECT * FROM etl.forgotten_sessions

-- name: loose_tables
-- Find the tables that runs have staged, and partitions that are no longer attached to a table.
SELECT nspname::text, relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND NOT relispartition
  AND CASE nspname WHEN 'staging' THEN relname ~ '^run[0-9]+_'
                   WHEN 'partitions' THEN relname ~ ('^(' || array_to_string(%s::text[], '|') || ')_[0-9]{4}_[0-9]{2}(_[0-9]{2})?$') END

-- name: remember_forgotten
-- Restore the digests of forgotten people: a drop must not bring anybody back.
-- reads: kept_forgotten, kept_key, kept_sessions
DELETE FROM etl.forgotten_key;
INSERT INTO etl.forgotten_key SELECT * FROM kept_key;
INSERT INTO etl.forgotten SELECT * FROM kept_forgotten;
INSERT INTO etl.forgotten_sessions SELECT * FROM kept_sessions
