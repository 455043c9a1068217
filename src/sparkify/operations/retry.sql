-- name: files
-- Count the chosen rejects of each file; songs come first, so that the plays find them. A reject is
-- incomplete, and cannot be judged by itself, if it is longer than the text that was kept, or is the rest of
-- a damaged stream.
SELECT f.file_id, f.kind, f.path, m.manifest_id, count(*) AS records,
       count(*) FILTER (WHERE r.record_bytes > length(r.record) OR r.reason = 'truncated_stream') AS incomplete,
       reader.state = 'published' AND NOT etl.is_unfinished(owner.state) AS settled
FROM etl.rejected_records r
JOIN etl.manifest m USING (manifest_id)
JOIN etl.known_files f ON f.file_id = m.file_id
JOIN etl.runs reader ON reader.run_id = m.run_id
JOIN etl.runs owner ON owner.run_id = f.run_id
WHERE etl.is_chosen(r, f.path, %(path)s, %(reason)s, %(run)s)
GROUP BY f.file_id, f.kind, f.path, m.manifest_id, settled
ORDER BY f.kind DESC, f.path COLLATE "C"

-- name: lock_files
-- Lock files in the order in which runs claim them.
SELECT FROM etl.known_files WHERE file_id = ANY(%s) ORDER BY path COLLATE "C" FOR UPDATE

-- name: claim
-- Claim files until their records are in the warehouse, so that no run reads them meanwhile. Skip files that
-- another run has claimed, or has read again since they were listed. Each claimed file gets an extra manifest
-- entry, for the records that pass.
UPDATE etl.known_files f SET run_id = %(run_id)s
FROM unnest(%(files)s::integer[], %(manifests)s::bigint[]) AS wanted (file_id, manifest_id)
WHERE f.file_id = wanted.file_id AND f.version IS NOT NULL
  AND EXISTS (SELECT FROM etl.manifest m WHERE m.manifest_id = wanted.manifest_id)
  AND NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))
RETURNING f.file_id, nextval('etl.manifest_manifest_id_seq'), wanted.manifest_id

-- name: is_committed
-- Return a row if a retry has claimed one of these files.
SELECT FROM etl.known_files WHERE file_id = ANY(%s) AND run_id = %s LIMIT 1

-- name: mark_as_new
-- Mark files as not read, so that the next load reads them. Skip files that another run has claimed.
UPDATE etl.known_files f SET version = NULL
FROM unnest(%(files)s::integer[], %(manifests)s::bigint[]) AS wanted (file_id, manifest_id)
WHERE f.file_id = wanted.file_id AND f.version IS NOT NULL
  AND NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))

-- name: free_versions
-- Rename the version in the manifest entries of these files, so that a load may claim the same version again.
UPDATE etl.manifest m SET version = m.version || '-again'
FROM etl.known_files f
WHERE f.file_id = m.file_id AND f.version IS NULL AND m.manifest_id = ANY(%(manifests)s::bigint[])

-- name: records
-- Read the text of the chosen rejects, in the order in which a load would read them.
SELECT f.file_id, r.line, r.reason, r.detail, r.record
FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE r.manifest_id = ANY(%(manifests)s::bigint[])
  AND etl.is_chosen(r, NULL, NULL, %(reason)s, %(run)s)
  AND r.record_bytes = length(r.record) AND r.reason <> 'truncated_stream'
ORDER BY f.path COLLATE "C", r.line

-- name: delete_passed
-- Delete the rejects that passed.
DELETE FROM etl.rejected_records r
USING unnest(%s::bigint[], %s::bigint[]) AS passed (manifest_id, line)
WHERE r.manifest_id = passed.manifest_id AND r.line = passed.line

-- name: change_reasons
-- Store the reasons of rejects that are now rejected for another reason.
UPDATE etl.rejected_records r SET reason = judged.reason, detail = judged.detail
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[])
    AS judged (manifest_id, line, reason, detail)
WHERE r.manifest_id = judged.manifest_id AND r.line = judged.line

-- name: move_books
-- Move the records that passed into the books of their files.
UPDATE etl.manifest m
SET blank = m.blank + retried.blank, page_views = m.page_views + retried.page_views,
    bare_pages = m.bare_pages + retried.bare_pages, loaded = m.loaded + retried.loaded,
    duplicates = m.duplicates + retried.duplicates, forgotten = m.forgotten + retried.forgotten,
    rejected = m.rejected - retried.lines
FROM unnest(%(retried)s::bigint[], %(manifests)s::bigint[]) AS pair (retried, manifest)
JOIN etl.manifest retried ON retried.manifest_id = pair.retried
WHERE m.manifest_id = pair.manifest

-- name: delete_entries
-- Delete the retry's own entries in the manifest, which are no longer needed.
DELETE FROM etl.manifest WHERE run_id = %s
