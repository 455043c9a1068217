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
-- Describe files as they were when read, and tell whether any of their rejects were dismissed.
SELECT kind, path, version, size, mtime_ns, digest, cuts,
       coalesce((SELECT dismissed > 0 FROM etl.manifest m
                 WHERE m.file_id = f.file_id ORDER BY manifest_id DESC LIMIT 1), false)
FROM etl.known_files f WHERE path = ANY(%s)

-- name: note_touched
-- Record the new time of a file with the same bytes, and that it is readable.
UPDATE etl.known_files f
SET version = %s, mtime_ns = %s, seen_at = %s, trouble = NULL, note = NULL
WHERE kind = %s AND etl.path_key(path) = etl.path_key(%s)
  AND NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))
