-- name: close_gate
-- Wait until nobody stages, and keep others from starting to. Later staging knows of the forgotten people.
SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('forget'))

-- name: key
-- Read the key of the digests.
SELECT key FROM etl.forgotten_key

-- name: remember
-- Store the digests of the people, by which later runs recognise them.
INSERT INTO etl.forgotten (digest) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING

-- name: name_users
-- List the people to forget.
-- makes: gone_users
CREATE TEMP TABLE gone_users ON COMMIT DROP AS SELECT DISTINCT user_id FROM unnest({user_ids}::bigint[]) AS user_id;
ANALYZE gone_users

-- name: find_plays
-- Find their plays in the star and their page views, with the songs heard, the sessions and the files they are from.
-- reads: gone_users
-- makes: gone_files, gone_plays, gone_sessions, gone_songs, gone_views
CREATE TEMP TABLE gone_plays ON COMMIT DROP AS
SELECT start_time, songplay_id, session_id, s.song_id IS NOT NULL AS matched, h.heard_song_id, h.file_id
FROM songplays s LEFT JOIN analytics.heard_plays h USING (start_time, songplay_id)
WHERE s.user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE gone_views ON COMMIT DROP AS
SELECT start_time, page_view_id, session_id, file_id FROM analytics.page_views
WHERE user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE gone_songs ON COMMIT DROP AS
SELECT DISTINCT heard_song_id FROM gone_plays WHERE heard_song_id IS NOT NULL;
CREATE TEMP TABLE gone_files ON COMMIT DROP AS SELECT file_id FROM gone_plays UNION SELECT file_id FROM gone_views;
CREATE TEMP TABLE gone_sessions ON COMMIT DROP AS
SELECT session_id FROM gone_plays UNION SELECT session_id FROM gone_views;
ANALYZE gone_plays

-- name: list_files
-- List the paths of the files of their plays, page views and rejected lines.
-- reads: gone_files
SELECT path FROM etl.known_files WHERE file_id IN (SELECT file_id FROM gone_files) ORDER BY path COLLATE "C"

-- name: move_books
-- Move their lines from loaded and page views to forgotten, in the books of the file version that the rows are from.
-- reads: gone_plays, gone_views
WITH gone AS (
    SELECT file_id, date_trunc('month', start_time AT TIME ZONE 'UTC')::date AS month,
           count(songplay_id) AS plays, count(page_view_id) AS views
    FROM (SELECT file_id, start_time, songplay_id, NULL::bigint AS page_view_id FROM gone_plays
          UNION ALL SELECT file_id, start_time, NULL, page_view_id FROM gone_views) events
    WHERE file_id IS NOT NULL GROUP BY 1, 2
),
present AS (
    SELECT g.plays, g.views, max(m.manifest_id) AS manifest_id
    FROM gone g JOIN etl.manifest m USING (file_id) JOIN etl.runs r USING (run_id)
    WHERE r.state = 'published'
       OR EXISTS (SELECT FROM etl.staged_slices s
                  WHERE s.run_id = m.run_id AND s.file_id = m.file_id AND s.month = g.month AND s.published)
    GROUP BY g.file_id, g.month, g.plays, g.views
),
sums AS (
    SELECT manifest_id, sum(plays)::bigint AS plays, sum(views)::bigint AS views FROM present GROUP BY manifest_id
)
UPDATE etl.manifest m
SET loaded = loaded - least(plays, loaded), page_views = page_views - least(views, page_views),
    forgotten = forgotten + least(plays, loaded) + least(views, page_views)
FROM sums WHERE sums.manifest_id = m.manifest_id

-- name: find_staged_sessions
-- Find their sessions in a staged month.
-- reads: gone_sessions, gone_users
INSERT INTO gone_sessions
SELECT session_id FROM {songplays} WHERE user_id IN (SELECT user_id FROM gone_users)
UNION
SELECT session_id FROM {page_views} WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: remember_sessions
-- Store the digests of their sessions, by which later runs recognise page views while they were logged out.
-- reads: gone_sessions
INSERT INTO etl.forgotten_sessions (digest)
SELECT DISTINCT etl.session_digest(key, session_id) FROM gone_sessions, etl.forgotten_key
ON CONFLICT (digest) DO UPDATE SET session_id = NULL;
ANALYZE gone_sessions

-- name: delete_page_views
-- Delete their page views, and those without a user in their sessions.
-- reads: gone_sessions, gone_users
DELETE FROM {page_views}
WHERE user_id IN (SELECT user_id FROM gone_users)
   OR (user_id IS NULL AND session_id IN (SELECT session_id FROM gone_sessions))

-- name: delete_heard_plays
-- Delete what the logs said about their plays.
-- reads: gone_plays
DELETE FROM analytics.heard_plays h USING gone_plays g
WHERE h.start_time = g.start_time AND h.songplay_id = g.songplay_id

-- name: delete_songplays
-- Delete their plays.
-- reads: gone_plays
DELETE FROM songplays s USING gone_plays g WHERE s.start_time = g.start_time AND s.songplay_id = g.songplay_id

-- name: delete_time
-- Delete the moments at which nobody else began a song.
-- reads: gone_plays
DELETE FROM time t USING gone_plays g
WHERE t.start_time = g.start_time AND NOT EXISTS (SELECT FROM songplays s WHERE s.start_time = t.start_time)

-- name: delete_users
-- Delete the people from users.
-- reads: gone_users
DELETE FROM users WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_latest_plays
-- Delete their latest plays, from which users got its values.
-- reads: gone_users
DELETE FROM etl.latest_plays WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_levels
-- Delete the history of their levels.
-- reads: gone_users
DELETE FROM analytics.user_level_days WHERE user_id IN (SELECT user_id FROM gone_users)

-- name: delete_heard_songs
-- Delete the songs that only they heard.
-- reads: gone_songs
DELETE FROM analytics.heard_songs h USING gone_songs g
WHERE h.heard_song_id = g.heard_song_id
  AND NOT EXISTS (SELECT FROM analytics.heard_plays p WHERE p.heard_song_id = h.heard_song_id)

-- name: count_matched
-- Count their plays that match a song.
-- reads: gone_plays
SELECT count(*) FROM gone_plays WHERE matched

-- name: touch_catalogue
-- Make workers drop their caches of heard songs, and make publishing recount what was staged before.
UPDATE etl.warehouse SET catalogue_version = catalogue_version + 1

-- name: staged_months
-- List the staged months of all unfinished runs, alive, dead or held.
SELECT run_id, month FROM etl.staged_months ORDER BY run_id, month

-- name: find_staged
-- Find their plays in a staged month, with the songs heard in them and the files they are from.
-- reads: gone_files, gone_users
-- makes: gone_staged, gone_staged_songs
CREATE TEMP TABLE gone_staged ON COMMIT DROP AS
SELECT DISTINCT start_time, songplay_id FROM {songplays} WHERE user_id IN (SELECT user_id FROM gone_users);
ANALYZE gone_staged;
INSERT INTO gone_files
SELECT file_id FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id)
UNION
SELECT file_id FROM {page_views} WHERE user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE gone_staged_songs ON COMMIT DROP AS
SELECT DISTINCT heard_song_id FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id)

-- name: move_staged_books
-- Count their staged lines, also those that lost to another line, as forgotten.
-- reads: gone_staged, gone_users
WITH gone AS (
    SELECT file_id, count(*) FILTER (WHERE what = 'loaded') AS loaded,
           count(*) FILTER (WHERE what = 'duplicate') AS duplicates, count(*) FILTER (WHERE what = 'view') AS views
    FROM (
        SELECT file_id, 'loaded' AS what FROM {heard_plays} JOIN gone_staged USING (start_time, songplay_id)
        UNION ALL
        SELECT file_id, 'duplicate' FROM {repeated} JOIN gone_staged USING (start_time, songplay_id)
        UNION ALL
        SELECT file_id, 'view' FROM {page_views} WHERE user_id IN (SELECT user_id FROM gone_users)
    ) lines
    GROUP BY file_id
)
UPDATE etl.manifest m
SET loaded = m.loaded - gone.loaded, duplicates = m.duplicates - gone.duplicates,
    page_views = m.page_views - gone.views, forgotten = m.forgotten + gone.loaded + gone.duplicates + gone.views
FROM gone WHERE m.run_id = {run_id} AND m.file_id = gone.file_id

-- name: count_staged
-- Count their plays in the staged month.
-- reads: gone_staged
SELECT count(*) FROM gone_staged

-- name: delete_staged
-- Delete their plays from the staged month, with their users, levels and moments.
-- reads: gone_staged, gone_users
DELETE FROM {heard_plays} h USING gone_staged g WHERE h.start_time = g.start_time AND h.songplay_id = g.songplay_id;
DELETE FROM {repeated} r USING gone_staged g WHERE r.start_time = g.start_time AND r.songplay_id = g.songplay_id;
DELETE FROM {users} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {levels} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {songplays} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {time} t USING gone_staged g
WHERE t.start_time = g.start_time AND NOT EXISTS (SELECT FROM {songplays} s WHERE s.start_time = t.start_time);
DROP TABLE gone_staged

-- name: delete_staged_days
-- Delete their days and sessions from the staged month.
-- reads: gone_users
DELETE FROM {user_days} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {sessions} WHERE user_id IN (SELECT user_id FROM gone_users);
DELETE FROM {user_agents} a WHERE NOT EXISTS (SELECT FROM {user_days} d WHERE d.user_agent_id = a.user_agent_id)

-- name: delete_staged_songs
-- Delete the songs that nobody else has heard in the staged month.
-- reads: gone_staged_songs
DELETE FROM {heard_songs} s USING gone_staged_songs g
WHERE s.heard_song_id = g.heard_song_id
  AND NOT EXISTS (SELECT FROM {heard_plays} h WHERE h.heard_song_id = s.heard_song_id);
DROP TABLE gone_staged_songs

-- name: rejects
-- List all rejected lines whose text is kept.
SELECT manifest_id, line, kind, reason, record, record_bytes
FROM etl.rejected_records JOIN etl.known_files f USING (file_id) WHERE record <> ''

-- name: delete_rejects
-- Delete the rejected lines that name them, and count these as forgotten; note their files.
-- reads: gone_files
WITH gone AS (
    DELETE FROM etl.rejected_records r USING unnest(%s::bigint[], %s::bigint[]) AS theirs (manifest_id, line)
    WHERE r.manifest_id = theirs.manifest_id AND r.line = theirs.line
    RETURNING r.manifest_id, r.file_id
),
noted AS (
    INSERT INTO gone_files SELECT file_id FROM gone
),
counts AS (
    SELECT manifest_id, count(*) AS theirs FROM gone GROUP BY manifest_id
)
UPDATE etl.manifest m SET rejected = rejected - theirs, forgotten = forgotten + theirs
FROM counts WHERE counts.manifest_id = m.manifest_id

-- name: withhold_rejects
-- Remove the text of rejected lines that may be theirs.
UPDATE etl.rejected_records r SET record = '', detail = %s
FROM unnest(%s::bigint[], %s::bigint[]) AS theirs (manifest_id, line)
WHERE r.manifest_id = theirs.manifest_id AND r.line = theirs.line

-- name: changed_tables
-- List the tables and partitions in which this transaction has deleted or changed rows, for VACUUM. With track_counts off
-- it lists all our tables.
SELECT schemaname, relname FROM pg_stat_xact_user_tables
WHERE (n_tup_del + n_tup_upd > 0 OR NOT current_setting('track_counts')::boolean)
  AND (schemaname IN ('partitions', 'staging') OR schemaname || '.' || relname = ANY ({tables}))
ORDER BY 1, 2

-- name: clear_statistics
-- Remove the statistics of a table. ANALYZE keeps those of a table that has become empty.
SELECT pg_clear_attribute_stats(schemaname, tablename, attname, inherited) FROM pg_stats
WHERE (schemaname, tablename) = (
    SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = %s::regclass
)

-- name: drop_counted
-- Drop the counts of a staged month.
DROP TABLE IF EXISTS {counted}
