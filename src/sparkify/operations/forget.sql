-- name: close_gate
-- wait until nobody stages, and let nobody begin: those who stage afterwards know of the people who were forgotten
SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('forget'))

-- name: key
-- of the digests
SELECT key FROM etl.forgotten_key

-- name: remember
-- their digests, by which later runs know them
INSERT INTO etl.forgotten (digest) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING

-- name: name_users
-- who goes
CREATE TEMP TABLE gone_users ON COMMIT DROP AS SELECT DISTINCT user_id FROM unnest({user_ids}::bigint[]) AS user_id;
ANALYZE gone_users

-- name: find_plays
-- their plays in the star, and the songs heard in them
CREATE TEMP TABLE gone_plays ON COMMIT DROP AS
SELECT start_time, songplay_id, s.song_id IS NOT NULL AS matched, h.heard_song_id, h.file_id
FROM songplays s LEFT JOIN analytics.heard_plays h USING (start_time, songplay_id)
WHERE s.user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE gone_songs ON COMMIT DROP AS
SELECT DISTINCT heard_song_id FROM gone_plays WHERE heard_song_id IS NOT NULL;
CREATE TEMP TABLE gone_files ON COMMIT DROP AS SELECT DISTINCT file_id FROM gone_plays;
ANALYZE gone_plays

-- name: files
-- which files have plays of theirs
SELECT path FROM etl.known_files WHERE file_id IN (SELECT file_id FROM gone_files) ORDER BY path COLLATE "C"

-- name: move_books
-- lines that were loaded are forgotten ones, in the books of the version of the file that has them (as in publish/months.sql)
WITH gone AS (
    SELECT file_id, date_trunc('month', start_time AT TIME ZONE 'UTC')::date AS month, count(*) AS plays
    FROM gone_plays WHERE file_id IS NOT NULL GROUP BY 1, 2
),
present AS (
    SELECT g.plays, max(m.manifest_id) AS manifest_id
    FROM gone g JOIN etl.manifest m USING (file_id) JOIN etl.runs r USING (run_id)
    WHERE r.state = 'published'
       OR EXISTS (SELECT FROM etl.staged_slices s
                  WHERE s.run_id = m.run_id AND s.file_id = m.file_id AND s.month = g.month AND s.published)
    GROUP BY g.file_id, g.month, g.plays
),
sums AS (
    SELECT manifest_id, sum(plays)::bigint AS plays FROM present GROUP BY manifest_id
)
UPDATE etl.manifest m SET loaded = loaded - least(plays, loaded), forgotten = forgotten + least(plays, loaded)
FROM sums WHERE sums.manifest_id = m.manifest_id

-- name: delete_heard_plays
-- what the logs said of their plays
DELETE FROM analytics.heard_plays h USING gone_plays g
WHERE h.start_time = g.start_time AND h.songplay_id = g.songplay_id

-- name: delete_songplays
-- the plays
DELETE FROM songplays s USING gone_plays g WHERE s.start_time = g.start_time AND s.songplay_id = g.songplay_id

-- name: delete_time
-- moments at which nobody else began a song
DELETE FROM time t USING gone_plays g
WHERE t.start_time = g.start_time AND NOT EXISTS (SELECT FROM songplays s WHERE s.start_time = t.start_time)

-- name: delete_users
-- the people
DELETE FROM users WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_latest_plays
-- where users has its values from
DELETE FROM etl.latest_plays WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_levels
-- the history of their levels
DELETE FROM analytics.user_level_days WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_heard_songs
-- songs that only they have heard
DELETE FROM analytics.heard_songs h USING gone_songs g
WHERE h.heard_song_id = g.heard_song_id
  AND NOT EXISTS (SELECT FROM analytics.heard_plays p WHERE p.heard_song_id = h.heard_song_id)

-- name: count_matched
-- how many of their plays have a song
SELECT count(*) FROM gone_plays WHERE matched

-- name: touch_catalogue
-- whoever stages looks again at what he knows of heard songs, and what is staged is counted when it is published
UPDATE etl.warehouse SET catalogue_version = catalogue_version + 1

-- name: staged_months
-- of all runs that are not finished, alive, dead or held
SELECT run_id, month FROM etl.staged_months ORDER BY run_id, month

-- name: find_staged
-- their plays in a staged month, and what was heard in those
CREATE TEMP TABLE gone_staged ON COMMIT DROP AS
SELECT DISTINCT start_time, songplay_id FROM {songplays} WHERE user_id IN (SELECT user_id FROM gone_users);
ANALYZE gone_staged;
INSERT INTO gone_files SELECT DISTINCT file_id FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id);
CREATE TEMP TABLE gone_staged_songs ON COMMIT DROP AS
SELECT DISTINCT heard_song_id FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id)

-- name: move_staged_books
-- staged lines, also those that lost, are forgotten ones
WITH gone AS (
    SELECT file_id, count(*) AS plays FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id) GROUP BY file_id
),
lost AS (
    SELECT file_id, count(*) AS plays FROM {repeated} JOIN gone_staged USING (start_time, songplay_id) GROUP BY file_id
)
UPDATE etl.manifest m
SET loaded = loaded - coalesce(gone.plays, 0), duplicates = duplicates - coalesce(lost.plays, 0),
    forgotten = forgotten + coalesce(gone.plays, 0) + coalesce(lost.plays, 0)
FROM gone FULL JOIN lost USING (file_id)
WHERE m.run_id = {run_id} AND m.file_id = coalesce(gone.file_id, lost.file_id)

-- name: count_staged
-- how many plays that are
SELECT count(*) FROM gone_staged

-- name: delete_staged
-- all that was staged of them
DELETE FROM {heard_plays} h USING gone_staged g WHERE h.start_time = g.start_time AND h.songplay_id = g.songplay_id;
DELETE FROM {repeated} r USING gone_staged g WHERE r.start_time = g.start_time AND r.songplay_id = g.songplay_id;
DELETE FROM {users} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {levels} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {songplays} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {time} t USING gone_staged g
WHERE t.start_time = g.start_time AND NOT EXISTS (SELECT FROM {songplays} s WHERE s.start_time = t.start_time);
DROP TABLE gone_staged

-- name: delete_staged_days
-- what they heard on each day, with what, and when their sessions began; what was counted of it is counted again
DELETE FROM {user_days} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {sessions} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {user_agents} a WHERE NOT EXISTS (SELECT FROM {user_days} d WHERE d.user_agent_id = a.user_agent_id);
DROP TABLE IF EXISTS {track_months}, {artist_months}, {user_months}

-- name: count_staged_hours
-- plays by day and hour without theirs
DELETE FROM {hours};
INSERT INTO {hours} (day, hour, level, plays)
SELECT day, hour, level, count(*) FROM (SELECT day, level, unnest(hours) AS hour FROM {user_days}) plays GROUP BY day, hour, level

-- name: delete_staged_songs
-- songs that nobody else has heard in the month
DELETE FROM {heard_songs} s USING gone_staged_songs g
WHERE s.heard_song_id = g.heard_song_id
  AND NOT EXISTS (SELECT FROM {heard_plays} h WHERE h.heard_song_id = s.heard_song_id);
DROP TABLE gone_staged_songs

-- name: rejects
-- what was set aside, with its text
SELECT manifest_id, line, f.kind = 'song', reason, record, record_bytes
FROM etl.rejected_records JOIN etl.known_files f USING (file_id) WHERE record <> ''

-- name: delete_rejects
-- lines that name them
WITH gone AS (
    DELETE FROM etl.rejected_records r USING unnest(%s::bigint[], %s::bigint[]) AS theirs (manifest_id, line)
    WHERE r.manifest_id = theirs.manifest_id AND r.line = theirs.line
    RETURNING r.manifest_id
),
counts AS (
    SELECT manifest_id, count(*) AS theirs FROM gone GROUP BY manifest_id
)
UPDATE etl.manifest m SET rejected = rejected - theirs, forgotten = forgotten + theirs
FROM counts WHERE counts.manifest_id = m.manifest_id

-- name: withhold_rejects
-- lines that may be theirs
UPDATE etl.rejected_records r SET record = '', detail = %s
FROM unnest(%s::bigint[], %s::bigint[]) AS theirs (manifest_id, line)
WHERE r.manifest_id = theirs.manifest_id AND r.line = theirs.line

