-- name: any_known
-- Read one known file, if there is any.
SELECT true FROM etl.known_files LIMIT 1

-- name: known_files
-- List every known file, and whether size and time are enough to compare it: it was read without trouble, and long enough after its
-- last change.
SELECT kind, path, version,
       trouble IS NULL AND (mtime_ns IS NULL OR mtime_ns < extract(epoch FROM seen_at) * 1000000000 - %s)
FROM etl.known_files

-- name: files_as_read
-- Describe files as they were when read, and tell whether any of their rejects were dismissed. There may be very many:
-- the manifest is asked for all of them at once.
WITH chosen AS MATERIALIZED (SELECT * FROM etl.known_files WHERE path = ANY(%s)),
last_read AS (
    SELECT DISTINCT ON (file_id) file_id, dismissed > 0 AS dismissed
    FROM etl.manifest WHERE file_id IN (SELECT file_id FROM chosen) ORDER BY file_id, manifest_id DESC
)
SELECT kind, path, version, size, mtime_ns, digest, cuts, coalesce(dismissed, false)
FROM chosen LEFT JOIN last_read USING (file_id)

-- name: note_touched
-- Record the new times of files with the same bytes, and that they are readable. They are locked in the order of their
-- paths, as claims are.
WITH touched AS (
    SELECT f.file_id, now.version, now.mtime_ns
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS now (kind, path, version, mtime_ns)
    JOIN etl.known_files f USING (kind, path)
    WHERE NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))
    ORDER BY f.path FOR UPDATE OF f
)
UPDATE etl.known_files f
SET version = touched.version, mtime_ns = touched.mtime_ns, seen_at = %s, trouble = NULL, note = NULL
FROM touched
WHERE f.file_id = touched.file_id
