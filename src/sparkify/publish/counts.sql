-- name: create
-- Create the table for what staged rows come to: the partition of a new month, or rows that are added. One may be
-- left by a publication that failed: it may still count people who were forgotten since.
DROP TABLE IF EXISTS {counted};
CREATE TABLE {counted} (LIKE {rollup}) WITH (autovacuum_enabled = false)

-- name: fill
-- Count a rollup from what is staged.
INSERT INTO {target} {definition}

-- name: insert
-- Insert what was counted.
INSERT INTO {rollup} TABLE {counted}

-- name: analyze
-- Analyze staged days, or what they come to, before it is attached or added.
ANALYZE {table}
