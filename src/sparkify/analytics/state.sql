-- name: status_files
-- Count files and add up their books. One row per kind and state.
SELECT kind, state, count(*) AS files, sum(lines)::bigint AS lines, sum(blank)::bigint AS blank,
       sum(page_views)::bigint AS page_views, sum(bare_pages)::bigint AS bare_pages, sum(loaded)::bigint AS loaded, sum(duplicates)::bigint AS duplicates,
       sum(rejected)::bigint AS rejected, sum(forgotten)::bigint AS forgotten,
       sum(dismissed)::bigint AS dismissed
FROM etl.files GROUP BY kind, state ORDER BY kind, state

-- name: status_runs
-- List the last five runs. One row per run.
SELECT run_id, started_at, finished_at, state, reason FROM etl.runs ORDER BY run_id DESC LIMIT 5

-- name: status_rows
-- Read the stored row counts. One row per table of the star, and one for matched plays.
SELECT table_name, row_count FROM etl.row_counts ORDER BY table_name

-- name: status_range
-- Find the first and the last play. One row.
SELECT min(start_time) AS first_play, max(start_time) AS last_play FROM songplays

-- name: rejects_list
-- Count rejected lines. One row per file and reason.
SELECT path, reason, count(*) AS lines, min(line) AS first_line, min(detail) AS example
FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE etl.is_chosen(r, f.path, %(path)s, %(reason)s, %(run)s)
GROUP BY file_id, path, reason
ORDER BY lines DESC, path COLLATE "C", reason
LIMIT %(limit)s

-- name: rejects_show
-- List rejected lines with their evidence. One row per line.
SELECT path, line, reason, detail, record, record_bytes, r.run_id
FROM etl.rejected_records r JOIN etl.known_files f USING (file_id)
WHERE etl.is_chosen(r, f.path, %(path)s, %(reason)s, %(run)s)
ORDER BY path COLLATE "C", line
LIMIT %(limit)s

-- name: reasons
-- Count rejected lines. One row per reason.
SELECT reason, count(*) AS lines FROM etl.rejected_records GROUP BY reason ORDER BY lines DESC, reason COLLATE "C"

-- name: list_runs
-- List the last runs, with the books of the files whose current version they read; lines dismissed later count as rejected.
-- Of a run that still has staged rows, these do not tell what is loaded. One row per run.
SELECT run_id, state, started_at, reason, count(m.*) AS files, coalesce(sum(lines), 0)::bigint AS lines,
       CASE WHEN NOT etl.is_unfinished(state) THEN coalesce(sum(loaded), 0)::bigint END AS loaded,
       coalesce(sum(page_views), 0)::bigint AS page_views, coalesce(sum(duplicates), 0)::bigint AS duplicates, coalesce(sum(rejected + dismissed), 0)::bigint AS rejected
FROM (SELECT * FROM etl.runs ORDER BY run_id DESC LIMIT %s) last LEFT JOIN etl.manifest m USING (run_id)
GROUP BY run_id, state, started_at, reason ORDER BY run_id DESC

-- name: quality
-- Summarize the state of the data. One row.
SELECT (SELECT row_count FROM etl.row_counts WHERE table_name = 'songplays') AS plays,
       (SELECT row_count FROM etl.row_counts WHERE table_name = 'matched') AS matched,
       page_views, rejected, lines,
       (SELECT coalesce(max(finished_at) FILTER (WHERE state = 'published'), max(started_at)) FROM etl.runs) AS loaded_at
FROM (SELECT coalesce(sum(page_views), 0)::bigint AS page_views, coalesce(sum(rejected), 0)::bigint AS rejected,
             coalesce(sum(lines), 0)::bigint AS lines
      FROM etl.manifest JOIN etl.runs USING (run_id) WHERE state = 'published') books

-- name: unpublished_runs
-- List the runs that are held or failed. One row per run.
SELECT run_id, state, reason FROM etl.runs WHERE state IN ('held', 'failed') ORDER BY run_id
