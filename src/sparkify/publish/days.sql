-- name: create_counted
-- Create the table for what staged days come to: the partition of a new month, or rows that are added to one. One may be
-- left by a publication that failed: it may still count people who were forgotten since.
DROP TABLE IF EXISTS {counted};
CREATE TABLE {counted} (LIKE {rollup}) WITH (autovacuum_enabled = false)

-- name: count_month
-- Count a rollup from staged days.
INSERT INTO {target} {definition}

-- name: analyze
-- Analyze staged days, or what they come to, before it is attached or added.
ANALYZE {table}
