-- name: lock_files
-- files that have rejects, held against loads and retries until the end; one that somebody else holds is left out, because
-- whoever waits here while holding the publisher's lock could wait for ever
SELECT file_id FROM etl.known_files f
WHERE (%(path)s::text IS NULL OR right(f.path, length(%(path)s)) = %(path)s)
  AND EXISTS (SELECT FROM etl.rejected_records r WHERE r.file_id = f.file_id)
FOR UPDATE SKIP LOCKED

-- name: dismiss
-- the chosen rejects of these files go, and their lines are dismissed ones in the books; by reason, and of how many files.
-- Those of a run that is not published stay: whether it may be published depends on them. The entry gets another version: a file
-- that is touched is read again, perhaps with the very time that it had.
WITH gone AS (
    DELETE FROM etl.rejected_records r USING etl.runs reader
    WHERE reader.run_id = r.run_id AND reader.state = 'published' AND r.file_id = ANY(%(files)s::integer[])
      AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
      AND (%(run)s::bigint IS NULL OR r.run_id = %(run)s)
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
-- chosen rejects that are still there
SELECT count(*) FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE (%(path)s::text IS NULL OR right(f.path, length(%(path)s)) = %(path)s)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(run)s::bigint IS NULL OR r.run_id = %(run)s)
