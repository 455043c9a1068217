-- name: create_counted
-- Create the table for a rollup's new month, which becomes a partition. One may be left by a publication that
-- failed: it may still count people who were forgotten since.
DROP TABLE IF EXISTS {counted};
CREATE TABLE {counted} (LIKE {rollup}) WITH (autovacuum_enabled = false)

-- name: count_month
-- Count a rollup of a month that is new to the warehouse.
INSERT INTO {target} {definition}

-- name: analyze
-- Analyze staged days or a counted month before it is attached.
ANALYZE {table}
