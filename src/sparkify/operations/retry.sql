-- name: files
-- the files that have rejected records to be tried again, with how many; songs first, so that the plays find them.
-- Incomplete is what cannot be judged by itself: a record that is longer than what is kept of it, and the rest of a damaged
-- stream.
SELECT f.file_id, f.kind, f.path, m.manifest_id, count(*) AS records,
       count(*) FILTER (WHERE r.record_bytes > length(r.record) OR r.reason = 'truncated_stream') AS incomplete,
       reader.state = 'published' AND NOT etl.is_unfinished(owner.state) AS settled
FROM etl.rejected_records r
JOIN etl.manifest m USING (manifest_id)
JOIN etl.known_files f ON f.file_id = m.file_id
JOIN etl.runs reader ON reader.run_id = m.run_id
JOIN etl.runs owner ON owner.run_id = f.run_id
WHERE (%(path)s::text IS NULL OR right(f.path, length(%(path)s)) = %(path)s)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(run)s::bigint IS NULL OR r.run_id = %(run)s)
GROUP BY f.file_id, f.kind, f.path, m.manifest_id, settled
ORDER BY f.kind DESC, f.path COLLATE "C"

-- name: lock_files
-- in the order in which runs claim them
SELECT FROM etl.known_files WHERE file_id = ANY(%s) ORDER BY path COLLATE "C" FOR UPDATE

-- name: claim
-- the files are ours until the records are in the warehouse: no run reads them meanwhile. Not those that another run has,
-- or has read again since they were looked for. Each gets an entry of its own in the manifest, for what becomes of its records.
UPDATE etl.known_files f SET run_id = %(run_id)s
FROM unnest(%(files)s::integer[], %(manifests)s::bigint[]) AS wanted (file_id, manifest_id)
WHERE f.file_id = wanted.file_id AND f.version IS NOT NULL
  AND EXISTS (SELECT FROM etl.manifest m WHERE m.manifest_id = wanted.manifest_id)
  AND NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))
RETURNING f.file_id, nextval('etl.manifest_manifest_id_seq'), wanted.manifest_id

-- name: read_again
-- the next load finds these files new, and may claim the same version once more
UPDATE etl.known_files f SET version = NULL
FROM unnest(%(files)s::integer[], %(manifests)s::bigint[]) AS wanted (file_id, manifest_id)
WHERE f.file_id = wanted.file_id AND f.version IS NOT NULL
  AND NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state));
UPDATE etl.manifest m SET version = m.version || '-again'
FROM etl.known_files f
WHERE f.file_id = m.file_id AND f.version IS NULL AND m.manifest_id = ANY(%(manifests)s::bigint[])

-- name: records
-- the evidence, in the order in which a load would read it
SELECT f.file_id, r.line, r.reason, r.detail, r.record
FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE r.manifest_id = ANY(%(manifests)s::bigint[])
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(run)s::bigint IS NULL OR r.run_id = %(run)s)
  AND r.record_bytes = length(r.record) AND r.reason <> 'truncated_stream'
ORDER BY f.path COLLATE "C", r.line

-- name: forget_passed
-- these are no rejects any more
DELETE FROM etl.rejected_records r
USING unnest(%(manifests)s::bigint[], %(lines)s::bigint[]) AS passed (manifest_id, line)
WHERE r.manifest_id = passed.manifest_id AND r.line = passed.line

-- name: explain_anew
-- these still are, for another reason
UPDATE etl.rejected_records r SET reason = judged.reason, detail = judged.detail
FROM unnest(%(manifests)s::bigint[], %(lines)s::bigint[], %(reasons)s::text[], %(details)s::text[])
    AS judged (manifest_id, line, reason, detail)
WHERE r.manifest_id = judged.manifest_id AND r.line = judged.line

-- name: settle
-- the books of each file take over what became of its records
UPDATE etl.manifest m
SET blank = m.blank + retried.blank, other_pages = m.other_pages + retried.other_pages, loaded = m.loaded + retried.loaded,
    duplicates = m.duplicates + retried.duplicates, forgotten = m.forgotten + retried.forgotten,
    rejected = m.rejected - retried.lines
FROM unnest(%(retried)s::bigint[], %(manifests)s::bigint[]) AS pair (retried, manifest)
JOIN etl.manifest retried ON retried.manifest_id = pair.retried
WHERE m.manifest_id = pair.manifest

-- name: totals
-- what became of the records that passed
SELECT coalesce(sum(lines), 0), coalesce(sum(blank), 0), coalesce(sum(other_pages), 0), coalesce(sum(loaded), 0),
       coalesce(sum(duplicates), 0), coalesce(sum(rejected), 0), coalesce(sum(forgotten), 0)
FROM etl.manifest WHERE run_id = %s

-- name: forget_retried
-- their own entries are no longer needed
DELETE FROM etl.manifest WHERE run_id = %s
