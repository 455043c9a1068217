-- name: tables_there
-- Every table, view and column of the warehouse exists.
-- do: Restore the database from a backup. `sparkify create-tables` creates missing tables and views, but
-- empty.
WITH wanted AS (
    SELECT relation, null AS "column" FROM unnest(%(relations)s::text[]) AS w (relation)
    UNION ALL
    SELECT * FROM unnest(%(column_relations)s::text[], %(columns)s::text[]) AS w (relation, "column")
)
SELECT relation, "column" FROM wanted
WHERE to_regclass(relation) IS NULL
   OR ("column" IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_attribute
                       WHERE attrelid = to_regclass(relation) AND attname = "column" AND NOT attisdropped))

-- name: rows_visible
-- No row level security hides rows of the warehouse from those who read it.
-- do: ALTER TABLE … DISABLE ROW LEVEL SECURITY. Then check again: the other checks must see all rows.
SELECT oid::regclass::text AS relation, relforcerowsecurity AS "hidden from the owner too"
FROM pg_class WHERE oid IN (SELECT to_regclass(relation)::oid FROM unnest(%(relations)s::text[]) AS w (relation)) AND relrowsecurity

-- name: constraints_there
-- Tables have all their keys and constraints.
-- do: Add what is missing (ALTER TABLE … ADD CONSTRAINT). That fails if a load has stored rows that break it.
WITH wanted AS (
    SELECT * FROM unnest(%(constraint_relations)s::text[], %(constraint_types)s::text[], %(constraint_counts)s::integer[])
        AS w (relation, type, wanted)
),
there AS (
    SELECT relation, type, wanted,
           (SELECT count(*) FROM pg_constraint
            WHERE conrelid = to_regclass(relation) AND conparentid = 0
              AND contype = CASE type WHEN 'primary key' THEN 'p' WHEN 'unique' THEN 'u' WHEN 'check' THEN 'c'
                                      ELSE 'f' END) AS there
    FROM wanted WHERE to_regclass(relation) IS NOT NULL
)
SELECT relation, type, wanted, there FROM there WHERE there < wanted
UNION ALL
SELECT relation, 'not null of ' || attname, 1, 0
FROM unnest(%(column_relations)s::text[], %(columns)s::text[], %(not_null)s::boolean[]) AS w (relation, "column", wanted)
JOIN pg_attribute ON attrelid = to_regclass(relation) AND attname = "column"
WHERE wanted AND NOT attnotnull

-- name: indexes_valid
-- Every index of the warehouse exists and is valid.
-- do: REINDEX an invalid one; `sparkify create-tables` creates missing ones.
SELECT relation AS index, 'missing' AS state FROM unnest(%(indexes)s::text[]) AS w (relation)
WHERE to_regclass(relation) IS NULL
UNION ALL
SELECT relation, 'missing' FROM unnest(%(indexes_of_heard_songs)s::text[]) AS w (relation)
WHERE to_regclass(relation) IS NULL AND EXISTS (SELECT FROM analytics.heard_songs)
UNION ALL
SELECT indexrelid::regclass::text, 'not valid'
FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND NOT (indisvalid AND indisready AND indislive)

-- name: keys_enforced
-- Constraints are validated and enforced, and their triggers are enabled.
-- do: ALTER TABLE … VALIDATE CONSTRAINT, or … ENABLE TRIGGER ALL. Then check again.
SELECT conrelid::regclass::text AS relation, conname::text AS name, 'not validated' AS state
FROM pg_constraint c
WHERE connamespace::regnamespace::text = ANY(%(schemas)s)
  AND (NOT convalidated OR to_jsonb(c) ->> 'conenforced' = 'false')
UNION ALL
SELECT tgrelid::regclass::text, coalesce(conname, tgname)::text, 'disabled'
FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid LEFT JOIN pg_constraint k ON k.oid = tgconstraint
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND tgenabled NOT IN ('O', 'A')

-- name: tables_logged
-- No table is unlogged: a crash of the server would empty it.
-- do: ALTER TABLE … SET LOGGED.
SELECT oid::regclass::text AS relation FROM pg_class
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND relkind IN ('r', 'p', 'S', 'm') AND relpersistence <> 'p'

-- name: sequences
-- Sequences are ahead of the numbers in use, and not nearly used up.
-- do: SELECT setval(…) to the largest number in use. If they are used up, make the column a bigint.
WITH largest AS (
    SELECT 'runs_run_id_seq' AS sequencename, max(run_id) AS given FROM etl.runs
    UNION ALL SELECT 'known_files_file_id_seq', max(file_id) FROM etl.known_files
    UNION ALL SELECT 'manifest_manifest_id_seq', max(manifest_id) FROM etl.manifest
)
SELECT sequencename::text AS sequence, last_value, given, max_value
FROM pg_sequences JOIN largest USING (sequencename)
-- last_value is null if the sequence has given no number yet, or this role may not see it.
WHERE schemaname = 'etl' AND has_sequence_privilege('etl.' || sequencename, 'SELECT')
  AND (coalesce(last_value, 0) < given OR last_value > max_value / 10 * 9)

-- name: partitions_complete
-- The partitioned tables of plays have the same partitions; those by month have one for each month of the others.
-- Page views have months of their own.
-- do: Find the table in the schema partitions and attach it again (ALTER TABLE … ATTACH PARTITION).
WITH parents (parent, monthly) AS (
    SELECT * FROM unnest(%(partitioned)s::text[], %(partitioned_by_month)s::boolean[]) AS p (parent, monthly)
    WHERE parent <> 'analytics.page_views'
),
spans AS (
    SELECT parent, monthly, etl.partition_span(inhrelid) AS span
    FROM parents JOIN pg_inherits ON inhparent = to_regclass(parent)
),
wanted AS (
    SELECT DISTINCT false AS monthly, span FROM spans WHERE NOT monthly
    UNION
    SELECT true, tstzrange(month, month + interval '1 month')
    FROM spans, date_trunc('month', lower(span)) AS month
)
SELECT parent AS lacks, lower(span) AS since, upper(span) AS until
FROM parents JOIN wanted USING (monthly)
WHERE NOT EXISTS (SELECT FROM spans s WHERE s.parent = parents.parent AND s.span = wanted.span)

-- name: partition_bounds
-- Every row is in the partition for its time.
-- do: Move the rows: DELETE them from the partition and INSERT them into the parent table.
WITH ranges AS (
    SELECT tableoid AS partition, min(start_time) AS first, max(start_time) AS last FROM songplays GROUP BY tableoid
    UNION ALL SELECT tableoid, min(start_time), max(start_time) FROM time GROUP BY tableoid
    UNION ALL SELECT tableoid, min(start_time), max(start_time) FROM analytics.heard_plays GROUP BY tableoid
    UNION ALL SELECT tableoid, min(start_time), max(start_time) FROM analytics.page_views GROUP BY tableoid
),
spans AS (
    SELECT partition, first, last, etl.partition_span(partition) AS span FROM ranges
)
SELECT partition::regclass::text AS partition, first, last, lower(span) AS since, upper(span) AS until
FROM spans WHERE (first <@ span AND last <@ span) IS NOT TRUE
