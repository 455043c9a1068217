-- name: set_late_aside
-- Move plays of days that the warehouse already has out of the tables that become partitions.
-- makes: late_heard_plays, late_songplays, late_time
CREATE TEMP TABLE late_time (LIKE {time}) ON COMMIT DROP;
CREATE TEMP TABLE late_heard_plays (LIKE {heard_plays}) ON COMMIT DROP;
CREATE TEMP TABLE late_songplays (LIKE {songplays}) ON COMMIT DROP;
WITH late AS (DELETE FROM {time} WHERE start_time < {covered_until} RETURNING *) INSERT INTO late_time SELECT * FROM late;
WITH late AS (DELETE FROM {heard_plays} WHERE start_time < {covered_until} RETURNING *)
INSERT INTO late_heard_plays SELECT * FROM late;
WITH late AS (DELETE FROM {songplays} WHERE start_time < {covered_until} RETURNING *)
INSERT INTO late_songplays SELECT * FROM late

-- name: analyze_late
-- Tell the planner how many plays it will join.
ANALYZE {songplays}, {heard_plays}

-- name: find_clashes
-- Find staged plays that the warehouse already has, and whether the staged content wins.
-- A play is outdated if the warehouse has it from a file that is now read again, so from an earlier version.
-- makes: clashes
CREATE TEMP TABLE clashes ON COMMIT DROP AS
WITH read_again AS MATERIALIZED (
    SELECT file_id
    FROM (SELECT file_id FROM etl.staged_slices WHERE run_id = {run_id} AND month = {month} AND NOT published
          UNION SELECT file_id FROM {repeated}) staged
    JOIN etl.known_files USING (file_id)
    WHERE first_run_id <> {run_id} AND NOT {retried}
),
variants AS (
    SELECT p.*, p.ctid AS songplay, h.ctid AS heard_play, h.heard_song_id, h.file_id, h.line,
           s.song_id AS song_id_there, there.heard_song_id AS heard_song_id_there,
           there.file_id AS file_id_there, there.line AS line_there,
           etl.variant(ROW(p.*)::songplays, h.heard_song_id) AS variant,
           etl.variant(ROW(s.*)::songplays, there.heard_song_id) AS variant_there
    FROM {songplays} p
    JOIN {heard_plays} h USING (start_time, songplay_id)
    JOIN {songplays_there} s USING (start_time, songplay_id)
    JOIN {heard_plays_there} there USING (start_time, songplay_id)
)
SELECT variants.*, variant < variant_there AS wins, variant = variant_there AS same,
       r.file_id IS NOT NULL AS outdated
FROM variants LEFT JOIN read_again r ON r.file_id = file_id_there

-- name: matched_by_replacing
-- Count how many more plays match a song once the winners are stored.
-- reads: clashes
SELECT coalesce(sum((song_id IS NOT NULL)::integer - (song_id_there IS NOT NULL)::integer), 0)
FROM clashes WHERE wins

-- name: replace_heard_plays
-- Replace the line of these plays, and of plays with equal content whose line is outdated or comes later in
-- the same file.
-- reads: clashes
UPDATE analytics.heard_plays h
SET heard_song_id = c.heard_song_id, file_id = c.file_id, line = c.line
FROM clashes c
WHERE (c.wins OR (c.same AND (c.outdated OR (c.file_id = c.file_id_there AND c.line < c.line_there))))
  AND h.start_time = c.start_time AND h.songplay_id = c.songplay_id
  AND (h.heard_song_id, h.file_id, h.line) IS DISTINCT FROM (c.heard_song_id, c.file_id, c.line)

-- name: duplicates_staged
-- Count, by file, the staged plays that the warehouse keeps from another line.
-- reads: clashes
SELECT file_id, count(*) FROM clashes
WHERE NOT wins AND NOT (outdated AND (same OR file_id = file_id_there)) GROUP BY file_id

-- name: still_there
-- Count, by file, plays that a file read again lost to another staged file while the warehouse keeps them
-- from the first. They are no duplicates after all, so the numbers are negative.
-- reads: clashes
SELECT c.file_id_there, -count(DISTINCT (c.start_time, c.songplay_id))
FROM clashes c JOIN {repeated} r USING (start_time, songplay_id)
WHERE NOT c.wins AND NOT c.same AND c.outdated AND c.file_id <> c.file_id_there AND r.file_id = c.file_id_there
GROUP BY c.file_id_there

-- name: duplicates_there
-- Count, by file, the loaded plays that the warehouse now has from a staged file.
-- reads: clashes
SELECT file_id_there, count(*) FROM clashes WHERE wins AND NOT (outdated AND file_id = file_id_there) GROUP BY file_id_there

-- name: remove_clashes
-- Delete the staged plays that the warehouse has; those left are new.
-- reads: clashes
WITH gone AS (
    DELETE FROM {heard_plays} h USING clashes c WHERE h.ctid = c.heard_play
)
DELETE FROM {songplays} p USING clashes c WHERE p.ctid = c.songplay

-- name: insert_heard_plays
-- Insert what the log said about the new plays.
INSERT INTO analytics.heard_plays (start_time, songplay_id, heard_song_id, item_in_session, line, file_id)
SELECT start_time, songplay_id, heard_song_id, item_in_session, line, file_id FROM {heard_plays}
