-- name: attach
-- Attach a staged table as a partition: keys are built and checked for all rows together.
-- The constraint proves the bounds, so that ATTACH need not scan the rows for them.
ALTER TABLE {staged} ADD CONSTRAINT bounds CHECK ({key} >= {part_since} AND {key} < {part_until});
ALTER TABLE {staged} RENAME TO {partition};
ALTER TABLE staging.{partition} SET SCHEMA partitions;
ALTER TABLE {parent} ATTACH PARTITION partitions.{partition} FOR VALUES FROM ({part_since}) TO ({part_until});
ALTER TABLE partitions.{partition} DROP CONSTRAINT bounds, RESET (autovacuum_enabled)

-- name: is_attached
-- Tell whether a table is a partition of its parent.
SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass({partition}) AND inhparent = to_regclass({parent}))
