-- name: attach
-- Attach a staged table as a partition: keys are built and checked for all rows together.
-- The constraint proves the bounds, so that ATTACH need not scan the rows for them.
ALTER TABLE {staged} ADD CONSTRAINT sparkify_bounds CHECK ({key} >= {part_since} AND {key} < {part_until});
ALTER TABLE {staged} RENAME TO {partition};
ALTER TABLE staging.{partition} SET SCHEMA partitions;
ALTER TABLE {parent} ATTACH PARTITION partitions.{partition} FOR VALUES FROM ({part_since}) TO ({part_until});
ALTER TABLE partitions.{partition} DROP CONSTRAINT sparkify_bounds, RESET (autovacuum_enabled)

-- name: keys
-- Build the statements that give a staged table the keys and indexes of its parent, or only those that let equal rows
-- in; and skip the same statistics. A publication that failed may have made some already. Their names have the number
-- of the run, because another run that failed may have keys for the same days. PostgreSQL would cut a name that is
-- too long (somebody may have made an index of a long name), and then two months would have the same.
SELECT CASE
    WHEN c.oid IS NULL THEN
        replace(pg_get_indexdef(indexrelid), format('INDEX %I ON ONLY %I.%I USING', i.relname, nspname, parent.relname), format('INDEX %I ON %s USING', name, {staged}))
    ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', {staged}, name, pg_get_constraintdef(c.oid))
END
FROM pg_index p JOIN pg_class i ON i.oid = indexrelid JOIN pg_class parent ON parent.oid = indrelid
JOIN pg_namespace n ON n.oid = parent.relnamespace LEFT JOIN pg_constraint c ON c.conindid = indexrelid AND c.conrelid = indrelid
CROSS JOIN LATERAL concat(i.relname, {suffix}, '_', substring({staged} FROM 'run[0-9]+')) AS whole
CROSS JOIN LATERAL (SELECT CASE WHEN octet_length(whole) < 64 THEN whole ELSE left(encode(sha256(convert_to(whole, 'UTF8')), 'hex'), 32) END AS name) names
WHERE indrelid = {parent}::regclass AND ({with_unique} OR NOT indisunique)
  AND NOT EXISTS (SELECT FROM pg_index there
                  WHERE there.indrelid = {staged}::regclass AND there.indisunique = p.indisunique
                    AND substring(pg_get_indexdef(there.indexrelid) FROM ' USING .*') = substring(pg_get_indexdef(p.indexrelid) FROM ' USING .*'))
UNION ALL
SELECT format('ALTER TABLE %s %s', {staged}, string_agg(format('ALTER %I SET STATISTICS 0', attname), ', '))
FROM pg_attribute WHERE attrelid = {parent}::regclass AND attnum > 0 AND attstattarget = 0 HAVING count(*) > 0

-- name: constraints
-- Build the statements that give a staged table the constraints of its parent on its rows, and no others: it was made
-- without any, and somebody may have added or dropped one since it was given these.
WITH checks AS (
    SELECT conrelid, conname, regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', '') AS definition
    FROM pg_constraint WHERE contype = 'c' AND conrelid IN ({staged}::regclass, {parent}::regclass)
),
nulls AS (
    SELECT attname, of_parent.attnotnull AS refused FROM pg_attribute of_parent JOIN pg_attribute of_staged USING (attname)
    WHERE of_parent.attrelid = {parent}::regclass AND of_staged.attrelid = {staged}::regclass
      AND of_parent.attnum > 0 AND of_parent.attnotnull <> of_staged.attnotnull
),
changes AS (
    SELECT CASE WHEN p.conrelid IS NULL THEN format('DROP CONSTRAINT %I', conname) ELSE format('ADD CONSTRAINT %I %s', conname, definition) END AS change
    FROM (SELECT * FROM checks WHERE conrelid = {staged}::regclass) s
    FULL JOIN (SELECT * FROM checks WHERE conrelid = {parent}::regclass) p USING (conname, definition)
    WHERE s.conrelid IS NULL OR p.conrelid IS NULL
    UNION ALL
    SELECT format('ALTER %I %s NOT NULL', attname, CASE WHEN refused THEN 'SET' ELSE 'DROP' END) FROM nulls
)
SELECT format('ALTER TABLE %s %s', {staged}, string_agg(change, ', ')) FROM changes HAVING count(*) > 0

-- name: is_attached
-- Tell whether a table is a partition of its parent.
SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass({partition}) AND inhparent = to_regclass({parent}))
