-- name: matching_paths
-- List the paths of the files that have chosen rejects.
SELECT DISTINCT f.path FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE etl.is_chosen(r, f.path, %(path)s, %(reason)s, %(run)s)
ORDER BY f.path

-- name: lock_files
-- Lock the files that have rejects, to keep loads and retries away, and skip files that others have locked:
-- waiting for them while holding the publisher's lock could deadlock.
SELECT file_id FROM etl.known_files f
WHERE EXISTS (SELECT FROM etl.rejected_records r WHERE r.file_id = f.file_id AND etl.is_chosen(r, f.path, %(path)s, NULL, NULL))
FOR UPDATE SKIP LOCKED

-- name: dismiss
-- Delete the chosen rejects of these files, count their lines as dismissed, and return their number by reason
-- and the number of files. Rejects of an unpublished run stay, because they decide whether it may be
-- published. The manifest entry gets another version, so that a touched file is read again even if its time
-- is the one it had.
WITH gone AS (
    DELETE FROM etl.rejected_records r USING etl.runs reader
    WHERE reader.run_id = r.run_id AND reader.state = 'published' AND r.file_id = ANY(%(files)s::integer[])
      AND etl.is_chosen(r, NULL, NULL, %(reason)s, %(run)s)
    RETURNING r.manifest_id, r.reason
),
counts AS (
    SELECT manifest_id, count(*) AS lines FROM gone GROUP BY manifest_id
),
moved AS (
    UPDATE etl.manifest m SET rejected = m.rejected - counts.lines, dismissed = m.dismissed + counts.lines,
        version = m.version || '-dismissed'
    FROM counts WHERE counts.manifest_id = m.manifest_id
)
SELECT reason, count(*), (SELECT count(*) FROM counts) FROM gone GROUP BY reason ORDER BY count(*) DESC, reason COLLATE "C"

-- name: count_left
-- Count the chosen rejects that are left.
SELECT count(*) FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE etl.is_chosen(r, f.path, %(path)s, %(reason)s, %(run)s)
