-- name: freeze
-- Freeze staged plays and times: the server then knows that everybody may see them, and can read their indexes alone. A table
-- that somebody has locked is left as it is: they may wait for the publication, which waits for this.
VACUUM (FREEZE, SKIP_LOCKED, TRUNCATE false) {songplays}, {time}

-- name: is_frozen
-- Tell whether most plays are frozen: they are not if a transaction is open that is older than they are.
SELECT relallvisible > relpages / 2 FROM pg_class WHERE oid = {staged}::regclass

-- name: unique_times
-- Keep one row for each moment: several chunks may have staged plays of the same millisecond.
DELETE FROM {time} t
USING (
    SELECT start_time, min(ctid) AS kept FROM {time} WHERE start_time <@ {overlaps}::tstzmultirange
    GROUP BY start_time HAVING count(*) > 1
) twice
WHERE t.start_time = twice.start_time AND t.ctid <> twice.kept

-- name: counts_as_staged
-- Add up the chunks' own counts: rows of songplays, those with a song, rows of time without those that are deleted again.
SELECT sum(plays)::bigint, sum(matched)::bigint, sum(times)::bigint - {times_twice}
FROM etl.staged_slices WHERE run_id = {run_id} AND month = {month} AND NOT published

-- name: counts_now
-- Count the same rows in the staged tables, if some were removed or changed after staging.
SELECT (SELECT count(*) FROM {songplays}), (SELECT count(song_id) FROM {songplays}), (SELECT count(*) FROM {time})

-- name: times_there
-- Read the row count of time.
SELECT row_count FROM etl.row_counts WHERE table_name = 'time'
