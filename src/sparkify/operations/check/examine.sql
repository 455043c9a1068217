-- name: offences
-- Run a check: count its offences and show some.
WITH offending AS (
{check}
)
SELECT count(*) OVER () AS found_, * FROM offending LIMIT {examples}

-- name: same_partitions
-- Tell whether no partition was attached since the snapshot: pg_inherits is read with the snapshot, pg_partition_tree without it.
SELECT (SELECT count(*) FROM pg_inherits
        WHERE inhparent IN (to_regclass('public.songplays'), to_regclass('public.time'), to_regclass('analytics.heard_plays')))
       = (SELECT count(*) FROM unnest(ARRAY['public.songplays', 'public.time', 'analytics.heard_plays']) AS parent,
              pg_partition_tree(to_regclass(parent)) WHERE level = 1)
