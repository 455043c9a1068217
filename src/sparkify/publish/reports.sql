-- name: run_totals
-- Count the files that a run has read, and add up their books. Lines dismissed later still count as rejected by the run.
SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(blank), 0), coalesce(sum(page_views), 0), coalesce(sum(bare_pages), 0),
       coalesce(sum(loaded), 0), coalesce(sum(duplicates), 0), coalesce(sum(rejected + dismissed), 0), coalesce(sum(forgotten), 0)
FROM etl.manifest WHERE run_id = %s

-- name: reject_reasons
-- Count the rejects of a run by reason.
SELECT reason, count(*) FROM etl.rejected_records WHERE run_id = %s GROUP BY reason ORDER BY count(*) DESC, reason

-- name: faulty_files
-- List the files of a run in which no line passes, each with its first reject.
SELECT f.path, f.kind, m.rejected, r.line, r.reason, r.beginning
FROM etl.manifest m
JOIN etl.known_files f USING (file_id)
CROSS JOIN LATERAL (
    SELECT line, reason, substring(record FOR 100) AS beginning
    FROM etl.rejected_records WHERE manifest_id = m.manifest_id ORDER BY line LIMIT 1
) r
WHERE m.run_id = %s AND m.rejected > 0 AND m.rejected = m.lines - m.blank
ORDER BY f.path COLLATE "C"

-- name: row_counts
-- Read how many rows the star has.
SELECT table_name, row_count FROM etl.row_counts

-- name: day_to_come
-- Find the day of the last event, if that is still to come: a clock was wrong, or the data is made up.
SELECT (last AT TIME ZONE 'UTC')::date
FROM (SELECT greatest((SELECT max(start_time) FROM songplays), (SELECT max(start_time) FROM analytics.page_views)) AS last) events
WHERE last > now() + interval '1 day'

-- name: keep_report
-- Store the report of a run with the run.
UPDATE etl.runs SET report = %s WHERE run_id = %s
