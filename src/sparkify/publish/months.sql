-- name: lock_month
-- Lock a month that is still to be published; return no row if it is published already.
SELECT FROM etl.staged_months WHERE run_id = %s AND month = %s FOR UPDATE

-- name: lock_month_if_free
-- Lock the same month, unless a batch is staging for it or has staged a part of a file that was read before.
-- Publishing replaces the plays of such a file's earlier version; a later part could not tell which version a
-- stored play is from.
SELECT FROM etl.staged_months month
WHERE run_id = %s AND month = %s
  AND NOT EXISTS (SELECT FROM etl.staged_slices s
                  JOIN etl.staged_parts p USING (run_id, file_id)
                  JOIN etl.known_files f USING (file_id)
                  WHERE s.run_id = month.run_id AND s.month = month.month AND f.first_run_id <> s.run_id)
FOR UPDATE OF month SKIP LOCKED

-- name: summarize
-- Read what decides the plan; `plays`, `earliest` and `latest` are NULL when no play is staged.
-- The transaction that wrote it, xmin, identifies a chunk. A chunk has each play and each start_time once, so
-- a play can be staged twice only where the spans of chunks overlap.
WITH chunks AS (
    SELECT min(earliest) AS earliest, max(latest) AS latest, sum(plays) AS plays,
           min(catalogue_version) AS catalogue_version
    FROM etl.staged_slices WHERE run_id = {run_id} AND month = {month} AND NOT published
    GROUP BY xmin::text
),
followed AS (
    SELECT *, max(latest) OVER (ORDER BY earliest, latest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM chunks
)
SELECT nullif(sum(plays), 0)::bigint AS plays, min(earliest) AS earliest, max(latest) AS latest,
       range_agg(tstzrange(earliest, least(latest, before), '[]')) FILTER (WHERE before >= earliest)::text AS overlaps,
       min(catalogue_version) = (SELECT catalogue_version FROM etl.warehouse) AS matched,
       (SELECT max(upper(span))
        FROM (SELECT etl.partition_span(inhrelid) AS span FROM pg_inherits
              WHERE inhparent = 'public.songplays'::regclass) partitions
        WHERE upper(span) > {since} AND upper(span) <= {until}) AS covered_until
FROM followed

-- name: end_month
-- Note that the month is published.
WITH slices AS (
    UPDATE etl.staged_slices SET published = true WHERE run_id = {run_id} AND month = {month}
)
DELETE FROM etl.staged_months WHERE run_id = {run_id} AND month = {month}
