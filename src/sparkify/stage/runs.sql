-- name: try_lease
-- Take the lease of a run, unless another session has it. The lock ends with the transaction, and so with the
-- process.
SELECT pg_try_advisory_xact_lock(hashtext('sparkify run'), {run_id})

-- name: begin_run
-- Begin a run, unless the warehouse was upgraded after it was opened.
INSERT INTO etl.runs (state) SELECT 'open' FROM etl.warehouse WHERE schema_version = %s RETURNING run_id

-- name: create_catalogue
-- Create the table for the catalogue records that a run stages.
CREATE TABLE {catalogue} (LIKE etl.catalogue_records)

-- name: can_run
-- Tell whether the warehouse has what every run needs: it may be damaged.
SELECT to_regclass('etl.runs') IS NOT NULL AND to_regprocedure('etl.is_unfinished(text)') IS NOT NULL

-- name: let_none_begin
-- Keep other transactions from adding or changing a run until this one ends.
LOCK TABLE etl.runs IN SHARE MODE

-- name: keep_open
-- Keep the run open until the transaction ends: nobody can begin to publish it earlier.
SELECT state = 'open' FROM etl.runs WHERE run_id = %s FOR SHARE

-- name: lock_publisher
-- Wait until no other transaction publishes, and keep others from publishing until this one ends.
SELECT FROM etl.warehouse FOR UPDATE

-- name: unfinished_runs
-- List the runs with something staged, oldest first.
SELECT run_id, state FROM etl.runs WHERE etl.is_unfinished(state) ORDER BY run_id

-- name: state_of
-- Read the state of a run, and whether a run in this state is at work unless it is dead.
SELECT state, etl.is_at_work(state) FROM etl.runs WHERE run_id = %s

-- name: set_state
-- Set the state of a run.
UPDATE etl.runs
SET state = %(state)s, reason = %(reason)s, finished_at = CASE WHEN NOT etl.is_at_work(%(state)s) THEN now() END
WHERE run_id = %(run_id)s

-- name: reason_of
-- Read why a run failed.
SELECT reason FROM etl.runs WHERE run_id = %s

-- name: end_staging
-- Delete the notes that a run needs only until it ends.
DELETE FROM etl.staged_months WHERE run_id = {run_id};
DELETE FROM etl.staged_slices WHERE run_id = {run_id};
DELETE FROM etl.staged_parts WHERE run_id = {run_id}

-- name: drop_old_versions
-- Delete the books and rejects of earlier versions of the files that a run has read.
DELETE FROM etl.manifest old USING etl.manifest m
WHERE m.run_id = {run_id} AND old.file_id = m.file_id AND old.manifest_id < m.manifest_id

-- name: find_unpublished
-- Find the files that a run has not published: all files of a held run; of others the song files, if the catalogue
-- is still staged, and files that were read in part.
-- makes: unpublished
CREATE TEMP TABLE unpublished ON COMMIT DROP AS
SELECT file_id FROM etl.manifest m JOIN etl.runs r USING (run_id) JOIN etl.known_files f USING (file_id)
WHERE m.run_id = {run_id} AND (r.state = 'held' OR f.version IS NULL OR (f.kind = 'song' AND to_regclass({catalogue_name}) IS NOT NULL))

-- name: find_unpublished_logs
-- Add the files that have lines in a staged month, including lines that lost to others.
-- reads: unpublished
INSERT INTO unpublished SELECT file_id FROM {heard_plays} UNION SELECT file_id FROM {repeated} UNION SELECT file_id FROM {page_views}

-- name: reset_files
-- Reset the files of a dropped run to what they were before it: loaded, or new. Their rows stay, because a
-- file_id is never given to another file. If the run has published a month, its log files become new and lose
-- their books: the month may have plays of the new version, or a play from another file instead, so the old
-- books are wrong.
-- reads: unpublished
-- makes: partly_published
CREATE TEMP TABLE partly_published ON COMMIT DROP AS
SELECT DISTINCT file_id FROM unpublished JOIN etl.known_files USING (file_id)
WHERE kind = 'log' AND EXISTS (SELECT FROM etl.staged_slices s WHERE s.run_id = {run_id} AND published);
DELETE FROM etl.manifest WHERE file_id IN (SELECT file_id FROM partly_published);
DELETE FROM etl.manifest WHERE run_id = {run_id} AND file_id IN (SELECT file_id FROM unpublished);
UPDATE etl.known_files f
SET version = before.version, digest = NULL, cuts = NULL, run_id = coalesce(before.run_id, f.run_id),
    -- A file from before 1970 has a negative time.
    size = substring(before.version FROM '^[0-9]+')::bigint,
    mtime_ns = substring(before.version FROM '^[0-9]+-(-?[0-9]+)')::bigint
FROM (SELECT DISTINCT file_id FROM unpublished) dropped
LEFT JOIN (
    SELECT DISTINCT ON (file_id) file_id, version, run_id FROM etl.manifest
    WHERE file_id IN (SELECT file_id FROM unpublished) ORDER BY file_id, manifest_id DESC
) before USING (file_id)
WHERE f.file_id = dropped.file_id

-- name: has_files
-- Tell whether a run has files left in the manifest.
SELECT EXISTS (SELECT FROM etl.manifest WHERE run_id = {run_id})
