-- name: lock_publisher
-- one publisher at a time
SELECT FROM etl.warehouse FOR UPDATE

-- name: lock_month
-- the month is still to be published
SELECT FROM etl.staged_months WHERE run_id = %s AND month = %s FOR UPDATE

-- name: lock_month_if_free
-- the same, when nobody stages for it at this moment, and no file has plays in it that is read again, in parts: nobody could tell those
-- of the part that was published first from those of its earlier version
SELECT FROM etl.staged_months month
WHERE run_id = %s AND month = %s
  AND NOT EXISTS (SELECT FROM etl.staged_slices s
                  JOIN etl.staged_parts p USING (run_id, file_id)
                  JOIN etl.known_files f USING (file_id)
                  WHERE s.run_id = month.run_id AND s.month = month.month AND f.first_run_id <> s.run_id)
FOR UPDATE OF month SKIP LOCKED

-- name: covered_until
-- the end of the last partition that the month has
SELECT max(until) FROM (
    SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM $$TO \('([^']+)'\)$$)::timestamptz AS until
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'public.songplays'::regclass
) partitions
WHERE until > {since} AND until <= {until}

-- name: analyze
-- without this the planner knows nothing of what is to be joined
ANALYZE {songplays}, {heard_plays}

-- name: find_overlaps
-- when different chunks have plays: within a chunk each play and each start_time is there once. A chunk is known by the
-- transaction that wrote it, xmin. Whether the catalogue is still the one by which the plays were matched. And how many
-- plays there are, from when to when.
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
SELECT range_agg(tstzrange(earliest, least(latest, before), '[]')) FILTER (WHERE before >= earliest)::text,
       min(catalogue_version) = (SELECT catalogue_version FROM etl.warehouse),
       sum(plays)::bigint, min(earliest), max(latest)
FROM followed

-- name: find_repeated
-- plays that different chunks staged
CREATE TEMP TABLE twice ON COMMIT DROP AS
SELECT start_time, songplay_id FROM {heard_plays} WHERE start_time <@ {overlaps}::tstzmultirange
GROUP BY start_time, songplay_id HAVING count(*) > 1

-- name: remove_repeated
-- the winner stays: the smallest by what belongs to the play, then the first line. The two rows of one play are known by the
-- transaction that wrote them, xmin: every chunk has its own, and has each identity once.
WITH variants AS (
    SELECT p.ctid AS songplay, h.ctid AS heard_play, start_time, songplay_id, h.file_id,
           row_number() OVER (
               PARTITION BY start_time, songplay_id
               ORDER BY p.level COLLATE "C", p.location COLLATE "C" NULLS FIRST, p.user_agent COLLATE "C" NULLS FIRST,
                        h.heard_song_id, f.path COLLATE "C", h.line
           ) AS variant
    FROM twice
    JOIN {songplays} p USING (start_time, songplay_id)
    JOIN {heard_plays} h USING (start_time, songplay_id)
    JOIN etl.known_files f USING (file_id)
    WHERE p.xmin = h.xmin
),
losers AS (
    SELECT * FROM variants WHERE variant > 1
),
lost_songplays AS (
    DELETE FROM {songplays} p USING losers WHERE p.ctid = losers.songplay
),
lost_heard_plays AS (
    DELETE FROM {heard_plays} h USING losers WHERE h.ctid = losers.heard_play
),
remembered AS (
    INSERT INTO {repeated} (start_time, songplay_id, file_id) SELECT start_time, songplay_id, file_id FROM losers
)
SELECT file_id, count(*) FROM losers GROUP BY file_id

-- name: drop_unheard_songs
-- staged songs that only plays which lost to others had
DELETE FROM {heard_songs} staged
WHERE NOT EXISTS (SELECT FROM {heard_plays_there} h WHERE h.heard_song_id = staged.heard_song_id)

-- name: insert_heard_songs
-- new ones; those that are known keep their row, which follows the catalogue.
INSERT INTO analytics.heard_songs (heard_song_id, title, artist, length, song_id, artist_id, track_id, artist_key)
SELECT DISTINCT ON (heard_song_id) heard_song_id, title, artist, length, song_id, artist_id, track_id, artist_key
FROM {heard_songs} staged
WHERE NOT EXISTS (SELECT FROM analytics.heard_songs known WHERE known.heard_song_id = staged.heard_song_id)
ORDER BY heard_song_id

-- name: match_again
-- the catalogue has changed since they were staged: what it says now of the songs heard
CREATE TEMP TABLE heard ON COMMIT DROP AS
SELECT h.heard_song_id, m.song_id, m.artist_id
FROM (SELECT DISTINCT heard_song_id FROM {heard_songs}) h
LEFT JOIN (
    SELECT DISTINCT ON (heard_song_id) heard_song_id, song_id, artist_id
    FROM etl.song_keys
    ORDER BY heard_song_id, song_id COLLATE "C"
) m USING (heard_song_id);
ANALYZE heard;
UPDATE {heard_songs} h SET song_id = now.song_id, artist_id = now.artist_id
FROM heard now
WHERE h.heard_song_id = now.heard_song_id AND (h.song_id, h.artist_id) IS DISTINCT FROM (now.song_id, now.artist_id);
UPDATE {songplays} p SET song_id = now.song_id, artist_id = now.artist_id
FROM {heard_plays} h JOIN heard now USING (heard_song_id)
WHERE p.start_time = h.start_time AND p.songplay_id = h.songplay_id
  AND (p.song_id, p.artist_id) IS DISTINCT FROM (now.song_id, now.artist_id)

-- name: decide_users
-- of each user the latest play, of those staged and the one that the warehouse knows
CREATE TEMP TABLE latest ON COMMIT DROP AS
SELECT DISTINCT ON (user_id) *
FROM (
    SELECT user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
           location, user_agent, heard_song_id
    FROM {users}
    UNION ALL
    SELECT l.user_id, u.first_name, u.last_name, u.gender, l.level, l.start_time, l.session_id, l.item_in_session,
           l.songplay_id, l.location, l.user_agent, l.heard_song_id
    FROM etl.latest_plays l JOIN users u USING (user_id)
    WHERE l.user_id IN (SELECT user_id FROM {users})
) candidates
ORDER BY user_id, start_time DESC, session_id DESC, item_in_session DESC, songplay_id DESC,
         level COLLATE "C", location COLLATE "C" NULLS FIRST, user_agent COLLATE "C" NULLS FIRST, heard_song_id,
         first_name COLLATE "C" NULLS FIRST, last_name COLLATE "C" NULLS FIRST, gender COLLATE "C" NULLS FIRST

-- name: count_new_users
-- how many users the month brings
SELECT count(*) FROM latest WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = latest.user_id)

-- name: keep_latest_plays
-- the plays that users shows
INSERT INTO etl.latest_plays AS l
    (user_id, start_time, session_id, item_in_session, songplay_id, level, location, user_agent, heard_song_id)
SELECT user_id, start_time, session_id, item_in_session, songplay_id, level, location, user_agent, heard_song_id
FROM latest
ON CONFLICT (user_id) DO UPDATE
SET start_time = EXCLUDED.start_time, session_id = EXCLUDED.session_id, item_in_session = EXCLUDED.item_in_session,
    songplay_id = EXCLUDED.songplay_id, level = EXCLUDED.level, location = EXCLUDED.location,
    user_agent = EXCLUDED.user_agent, heard_song_id = EXCLUDED.heard_song_id

-- name: find_touched_days
-- the users and days whose levels are to be computed from their plays: where the warehouse has plays already, and days
-- with more than one level
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT user_id, day FROM {levels} GROUP BY user_id, day HAVING day < {staged_since} OR min(level) <> max(level);
ANALYZE touched_days

-- name: set_late_aside
-- plays of days that the warehouse has already, out of those that become a partition
CREATE TEMP TABLE late_time (LIKE {time}) ON COMMIT DROP;
CREATE TEMP TABLE late_heard_plays (LIKE {heard_plays}) ON COMMIT DROP;
CREATE TEMP TABLE late_songplays (LIKE {songplays}) ON COMMIT DROP;
WITH late AS (DELETE FROM {time} WHERE start_time < {covered_until} RETURNING *) INSERT INTO late_time SELECT * FROM late;
WITH late AS (DELETE FROM {heard_plays} WHERE start_time < {covered_until} RETURNING *)
INSERT INTO late_heard_plays SELECT * FROM late;
WITH late AS (DELETE FROM {songplays} WHERE start_time < {covered_until} RETURNING *)
INSERT INTO late_songplays SELECT * FROM late

-- name: find_clashes
-- staged plays that the warehouse has already, and whether the staged content wins. Outdated: the file that the warehouse has the play
-- from is read again, and its lines are those of an earlier version.
CREATE TEMP TABLE clashes ON COMMIT DROP AS
WITH read_again AS MATERIALIZED (
    SELECT file_id
    FROM (SELECT file_id FROM etl.staged_slices WHERE run_id = {run_id} AND month = {month} AND NOT published
          UNION SELECT file_id FROM {repeated}) staged
    JOIN etl.known_files USING (file_id)
    WHERE first_run_id <> {run_id} AND NOT {retried}
)
SELECT p.ctid AS songplay, h.ctid AS heard_play, p.start_time, p.songplay_id, p.user_id,
       p.level, p.song_id, p.artist_id, p.location, p.user_agent, h.heard_song_id,
       h.file_id, h.line, there.file_id AS file_id_there, there.line AS line_there,
       there.file_id IN (SELECT file_id FROM read_again) AS outdated, s.song_id AS song_id_there,
       there.heard_song_id AS heard_song_id_there,
       (p.level COLLATE "C", p.location IS NOT NULL, coalesce(p.location, '') COLLATE "C",
        p.user_agent IS NOT NULL, coalesce(p.user_agent, '') COLLATE "C", h.heard_song_id)
       < (s.level COLLATE "C", s.location IS NOT NULL, coalesce(s.location, '') COLLATE "C",
          s.user_agent IS NOT NULL, coalesce(s.user_agent, '') COLLATE "C", there.heard_song_id) AS wins,
       (p.level, p.location, p.user_agent, h.heard_song_id)
       IS NOT DISTINCT FROM (s.level, s.location, s.user_agent, there.heard_song_id) AS same
FROM {songplays} p
JOIN {heard_plays} h USING (start_time, songplay_id)
JOIN {songplays_there} s USING (start_time, songplay_id)
JOIN {heard_plays_there} there USING (start_time, songplay_id)

-- name: replace_songplays
-- the staged content wins
UPDATE songplays s
SET level = c.level, song_id = c.song_id, artist_id = c.artist_id, location = c.location, user_agent = c.user_agent
FROM clashes c
WHERE c.wins AND s.start_time = c.start_time AND s.songplay_id = c.songplay_id

-- name: replace_heard_plays
-- with its line; and the same content may stand on another line now, or on an earlier one of those that are retried
UPDATE analytics.heard_plays h
SET heard_song_id = c.heard_song_id, file_id = c.file_id, line = c.line
FROM clashes c
WHERE (c.wins OR (c.same AND (c.outdated OR (c.file_id = c.file_id_there AND c.line < c.line_there))))
  AND h.start_time = c.start_time AND h.songplay_id = c.songplay_id
  AND (h.heard_song_id, h.file_id, h.line) IS DISTINCT FROM (c.heard_song_id, c.file_id, c.line)

-- name: duplicates_staged
-- plays of staged files that the warehouse has from another line
SELECT file_id, count(*) FROM clashes
WHERE NOT wins AND NOT (outdated AND (same OR file_id = file_id_there)) GROUP BY file_id

-- name: still_there
-- a file that is read again may lose to another one now, and yet be the one that the warehouse has the play from:
-- such a play is no duplicate
SELECT c.file_id_there, -count(DISTINCT (c.start_time, c.songplay_id))
FROM clashes c JOIN {repeated} r USING (start_time, songplay_id)
WHERE NOT c.wins AND NOT c.same AND c.outdated AND c.file_id <> c.file_id_there AND r.file_id = c.file_id_there
GROUP BY c.file_id_there

-- name: duplicates_there
-- plays of loaded files that it now has from a staged one
SELECT file_id_there, count(*) FROM clashes WHERE wins AND NOT (outdated AND file_id = file_id_there) GROUP BY file_id_there

-- name: matched_by_replacing
-- how many more plays have a song
SELECT coalesce(sum((song_id IS NOT NULL)::integer - (song_id_there IS NOT NULL)::integer), 0)
FROM clashes WHERE wins

-- name: remove_unheard_songs
-- songs of plays that were replaced, and that no other play has
DELETE FROM analytics.heard_songs s USING clashes c
WHERE c.wins AND s.heard_song_id = c.heard_song_id_there
  AND NOT EXISTS (SELECT FROM analytics.heard_plays h WHERE h.heard_song_id = s.heard_song_id)

-- name: remove_clashes
-- what remains is new
WITH gone AS (
    DELETE FROM {heard_plays} h USING clashes c WHERE h.ctid = c.heard_play
)
DELETE FROM {songplays} p USING clashes c WHERE p.ctid = c.songplay

-- name: insert_heard_plays
-- the lines of the new plays
INSERT INTO analytics.heard_plays (start_time, songplay_id, heard_song_id, item_in_session, line, file_id)
SELECT start_time, songplay_id, heard_song_id, item_in_session, line, file_id FROM {heard_plays}

-- name: unique_times
-- plays at the same millisecond may have been staged by several chunks
DELETE FROM {time} t
USING (
    SELECT start_time, min(ctid) AS kept FROM {time} WHERE start_time <@ {overlaps}::tstzmultirange
    GROUP BY start_time HAVING count(*) > 1
) twice
WHERE t.start_time = twice.start_time AND t.ctid <> twice.kept

-- name: attach
-- a staged table becomes a partition of the warehouse: its keys are made and checked as a whole, not row by row.
-- The bounds stand as a constraint first, so that ATTACH need not look at every row once more.
ALTER TABLE {staged} ADD CONSTRAINT bounds CHECK ({key} >= {part_since} AND {key} < {part_until});
ALTER TABLE {staged} RENAME TO {partition};
ALTER TABLE staging.{partition} SET SCHEMA partitions;
ALTER TABLE {parent} ATTACH PARTITION partitions.{partition} FOR VALUES FROM ({part_since}) TO ({part_until});
ALTER TABLE partitions.{partition} DROP CONSTRAINT bounds, RESET (autovacuum_enabled)

-- name: count_times
-- how many rows time has
SELECT row_count FROM etl.row_counts WHERE table_name = 'time'

-- name: check_by_index
-- keys are checked by looking up each row
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off

-- name: check_by_any
-- as the planner likes
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on

-- name: sum_counts
-- what a month brings, as it was staged
SELECT sum(plays)::bigint, sum(matched)::bigint, sum(times)::bigint
FROM etl.staged_slices WHERE run_id = {run_id} AND month = {month} AND NOT published

-- name: count_rows
-- what a month brings, where some of it was not taken or changed
SELECT (SELECT count(*) FROM {songplays}), (SELECT count(song_id) FROM {songplays}), (SELECT count(*) FROM {time})

-- name: take_levels
-- the other days are as they were staged
INSERT INTO analytics.user_level_days (user_id, day, stretch_no, level, first_play, last_play)
SELECT user_id, day, 1, min(level), min(first_play), max(last_play)
FROM {levels} WHERE day >= {staged_since} GROUP BY user_id, day HAVING min(level) = max(level)

-- name: find_plays
-- all plays of some users' days, among those of the month
CREATE TEMP TABLE plays_of_days ON COMMIT DROP AS
SELECT s.user_id, d.day, s.level, s.start_time, s.session_id, s.songplay_id, s.location, s.user_agent
FROM (SELECT user_id, day, day::timestamp AT TIME ZONE 'UTC' AS since, (day + 1)::timestamp AT TIME ZONE 'UTC' AS until
      FROM touched_days) d
JOIN {songplays_there} s ON s.user_id = d.user_id AND s.start_time >= d.since AND s.start_time < d.until
WHERE s.start_time >= (SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM touched_days)
  AND s.start_time < (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM touched_days);
ANALYZE plays_of_days

-- name: compute_levels
-- runs of plays at one level
DELETE FROM analytics.user_level_days l USING touched_days d WHERE l.user_id = d.user_id AND l.day = d.day;
WITH numbered AS (
    SELECT user_id, day, level, start_time,
           row_number() OVER (PARTITION BY user_id, day ORDER BY start_time, session_id, item_in_session, songplay_id)
           - row_number() OVER (PARTITION BY user_id, day, level ORDER BY start_time, session_id, item_in_session, songplay_id)
               AS island,
           row_number() OVER (PARTITION BY user_id, day ORDER BY start_time, session_id, item_in_session, songplay_id)
               AS position
    FROM plays_of_days p JOIN {heard_plays_there} h USING (start_time, songplay_id)
)
INSERT INTO analytics.user_level_days (user_id, day, stretch_no, level, first_play, last_play)
SELECT user_id, day, row_number() OVER (PARTITION BY user_id, day ORDER BY min(position)), level,
       min(start_time), max(start_time)
FROM numbered GROUP BY user_id, day, level, island

-- name: move_to_duplicates
-- plays of a file that is being published turn out to be duplicates
UPDATE etl.manifest SET loaded = loaded - %(count)s, duplicates = duplicates + %(count)s
WHERE file_id = %(file_id)s AND run_id = %(run_id)s

-- name: move_loaded_to_duplicates
-- plays of a loaded file are now held from another. Its present version may not have had all of them any more; a version
-- that an unfinished run has staged counts when that run has published its plays of this month.
WITH present AS (
    SELECT max(manifest_id) AS manifest_id
    FROM etl.manifest m JOIN etl.runs r USING (run_id)
    WHERE file_id = %(file_id)s
      AND (r.state = 'published'
           OR EXISTS (SELECT FROM etl.staged_slices s
                      WHERE s.run_id = m.run_id AND s.file_id = m.file_id AND s.month = %(month)s AND s.published))
)
UPDATE etl.manifest m SET loaded = loaded - least(%(count)s, loaded), duplicates = duplicates + least(%(count)s, loaded)
FROM present WHERE m.manifest_id = present.manifest_id

-- name: add_rows
-- the number of rows, kept so that nobody needs to count them
UPDATE etl.row_counts SET row_count = row_count + %s WHERE table_name = %s

-- name: forget_month
-- it is published
WITH slices AS (
    UPDATE etl.staged_slices SET published = true WHERE run_id = {run_id} AND month = {month}
)
DELETE FROM etl.staged_months WHERE run_id = {run_id} AND month = {month}

-- name: forget_old_versions
-- what an earlier version of these files said, and its rejects
DELETE FROM etl.manifest old USING etl.manifest m
WHERE m.run_id = %(run_id)s AND old.file_id = m.file_id AND old.manifest_id < m.manifest_id

-- name: to_analyze
-- whether there are so many more plays than at the last time that the statistics of the whole are out of date
UPDATE etl.warehouse SET analyzed_plays = row_count
FROM etl.row_counts WHERE table_name = 'songplays' AND row_count > 1.1 * analyzed_plays
RETURNING true

-- name: files_of_month
-- the files that a staged month is of: how many, and the first
SELECT count(DISTINCT file_id), min(path COLLATE "C")
FROM etl.staged_slices s JOIN etl.known_files USING (file_id)
WHERE s.run_id = {run_id} AND month = {month} AND NOT published

-- name: files_of_catalogue
-- those that the catalogue records of a run are of
SELECT count(DISTINCT file_id), min(path COLLATE "C") FROM {catalogue} JOIN etl.known_files USING (file_id)

-- name: run_totals
-- what became of the lines of a run; those dismissed since were rejected by it
SELECT coalesce(sum(lines), 0), coalesce(sum(blank), 0), coalesce(sum(other_pages), 0), coalesce(sum(loaded), 0),
       coalesce(sum(duplicates), 0), coalesce(sum(rejected + dismissed), 0), coalesce(sum(forgotten), 0)
FROM etl.manifest WHERE run_id = %s

-- name: reject_reasons
-- of a run
SELECT reason, count(*) FROM etl.rejected_records WHERE run_id = %s GROUP BY reason ORDER BY count(*) DESC, reason

-- name: faulty_files
-- the files of a run of which no line passes, with the first that does not
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
-- rows in the star
SELECT table_name, row_count FROM etl.row_counts
