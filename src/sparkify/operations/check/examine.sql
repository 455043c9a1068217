-- name: offences
-- Run a check: count its offences and show some.
WITH offending AS (
{check}
)
SELECT count(*) OVER () AS found_, * FROM offending LIMIT {examples}

-- name: same_partitions
-- Tell whether no partition was attached since the snapshot: a query of pg_inherits sees the snapshot,
-- pg_partition_tree sees the present.
SELECT (SELECT count(*) FROM pg_inherits JOIN unnest(%(partitioned)s::text[]) AS parent ON inhparent = to_regclass(parent)::oid)
       = (SELECT count(*) FROM unnest(%(partitioned)s::text[]) AS parent, pg_partition_tree(to_regclass(parent)) WHERE level = 1)

-- name: follows
-- The table analytics.{name} is what its definition computes from the plays.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH real AS (
{definition}
),
kept AS (
    SELECT * FROM analytics.{name}
)
SELECT 'missing' AS what, {shown} FROM (TABLE real EXCEPT ALL TABLE kept) missing
UNION ALL
SELECT 'wrong', {shown} FROM (TABLE kept EXCEPT ALL TABLE real) wrong
