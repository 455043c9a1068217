-- name: columns_ours
-- The tables in public and analytics have our columns in our order, and no others: COPY sends no names.
-- do: Drop the column that sparkify did not make, and keep its values in a table beside it. If one of ours is
-- missing or in another place, restore the table from a backup.
WITH ours AS (
    SELECT to_regclass(relation) AS relation, string_agg("column", ', ' ORDER BY number) AS wanted
    FROM unnest(%(column_relations)s::text[], %(columns)s::text[]) WITH ORDINALITY AS c (relation, "column", number)
    WHERE relation ~ '^(public|analytics)[.]'
    GROUP BY relation
)
SELECT relation::text, wanted, there
FROM ours, LATERAL (
    SELECT string_agg(attname::text, ', ' ORDER BY attnum) AS there
    FROM pg_attribute WHERE attrelid = relation::oid AND attnum > 0 AND NOT attisdropped
) columns
WHERE wanted <> there
ORDER BY relation::text COLLATE "C"
