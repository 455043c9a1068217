-- name: lock
-- Lock tables against everybody, or fail at once.
LOCK TABLE {tables}, {referring} IN ACCESS EXCLUSIVE MODE NOWAIT

-- name: any_row
-- Read one row of a table, if it has any.
SELECT true FROM {table} LIMIT 1

-- name: keys
-- List the statements that drop the keys and indexes of tables, and those that make them again; and whether somebody
-- changed a key in a way that its statement does not say. Foreign keys come first, because they need the others.
SELECT drop, make,
       obj_description(index, 'pg_class') IS NOT NULL OR EXISTS (
           SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
           WHERE indexrelid = index AND (indisclustered OR indisreplident OR reltablespace <> 0)
       ) AS is_changed
FROM (
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make,
           contype <> 'f' AS is_needed, CASE WHEN contype <> 'f' THEN conindid END AS index
    FROM pg_constraint
    WHERE conparentid = 0
      AND (contype IN ('p', 'u') AND conrelid = ANY ({names}::regclass[])
           OR contype = 'f' AND confrelid = ANY ({names}::regclass[])
              AND conrelid = ANY ({names}::regclass[] || {referring_name}::regclass))
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), true, indexrelid
    FROM pg_index
    WHERE indrelid = ANY ({names}::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
) keys
ORDER BY is_needed, drop
