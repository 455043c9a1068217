-- name: has_grown
-- Return a row if there are a tenth more plays than at the last ANALYZE of songplays. After a restore there was none.
SELECT true FROM etl.row_counts, pg_class
WHERE table_name = 'songplays' AND oid = 'public.songplays'::regclass AND row_count > 1.1 * greatest(reltuples, 0)

-- name: analyze_star
-- Analyze partitioned tables, which autovacuum never does. The last one is what `has_grown` looks at.
ANALYZE {only} time, {only} analytics.heard_plays, {only} analytics.page_views, {only} songplays

-- name: files_of_month
-- Count the files that have plays or page views in a staged month, and name the first.
SELECT count(DISTINCT file_id), min(path COLLATE "C")
FROM etl.staged_slices s JOIN etl.known_files USING (file_id)
WHERE s.run_id = {run_id} AND month = {month} AND NOT published

-- name: files_of_catalogue
-- Count the files that have staged catalogue records, and name the first.
SELECT count(DISTINCT file_id), min(path COLLATE "C") FROM {catalogue} JOIN etl.known_files USING (file_id)

-- name: files_of_run
-- List the files that a run staged, with the staged version; with `all`, also files read in part.
SELECT kind, path, m.version, digest, cuts
FROM etl.manifest m JOIN etl.known_files f USING (file_id)
WHERE m.run_id = %(run_id)s AND (f.version IS NOT NULL OR %(all)s)
