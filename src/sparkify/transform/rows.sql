-- name: month_songplays
-- Return the rows for songplays, with the song ids of the current catalogue; publishing corrects them if it changes.
-- reads: chunk_songs, plays
SELECT p.songplay_id, p.start_time, p.user_id, p.level, k.song_id, k.artist_id, p.session_id, p.location, p.user_agent
FROM plays p JOIN chunk_songs k USING (heard_song_id)
WHERE p.month = $month

-- name: month_heard_plays
-- Return the rows for heard_plays, in the order of songplays.
-- reads: plays
SELECT p.start_time, p.songplay_id, p.heard_song_id, p.item_in_session, p.line, f.file_id
FROM plays p JOIN files f USING (slice)
WHERE p.month = $month

-- name: month_repeated
-- List plays that lost to another line, with their file.
-- reads: ranked
SELECT r.start_time, r.songplay_id, f.file_id
FROM ranked r JOIN files f USING (slice)
WHERE r.month = $month AND r.variant > 1

-- name: month_time
-- Return the rows for time.
-- reads: plays
SELECT start_time, hour(start_time)::SMALLINT AS hour, day(start_time)::SMALLINT AS day,
       week(start_time)::SMALLINT AS week, month(start_time)::SMALLINT AS month, year(start_time)::SMALLINT AS year,
       (isodow(start_time) - 1)::SMALLINT AS weekday
FROM (SELECT DISTINCT start_time FROM plays WHERE month = $month)

-- name: month_heard_songs
-- Return the rows for heard_songs, with the same song ids as in songplays.
-- reads: known_songs, new_heard_songs
SELECT n.heard_song_id, n.title, n.artist, n.length, k.song_id, k.artist_id, k.track_id, k.artist_key
FROM known_songs k JOIN new_heard_songs n USING (heard_song_id)
WHERE n.month = $month

-- name: month_users
-- Find the latest play of each user in the month.
-- reads: latest_plays
SELECT user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
       location, user_agent, heard_song_id
FROM latest_plays WHERE month = $month
QUALIFY row_number() OVER (
    PARTITION BY user_id
    ORDER BY ts DESC, session_id DESC, item_in_session DESC, songplay_id DESC,
             variant(level, location, user_agent, heard_song_id),
             first_name NULLS FIRST, last_name NULLS FIRST, gender NULLS FIRST
) = 1

-- name: month_levels
-- Find the first and last play of each user on each day and level.
-- reads: user_days
SELECT user_id, day, level, min(first_play) AS first_play, max(last_play) AS last_play
FROM user_days WHERE month = $month GROUP BY user_id, day, level

-- name: month_user_days
-- Return the rows for user_days. A day's users at one place lie together, so that questions about a place read few pages.
-- reads: user_days
SELECT user_id, day, level, location, text_id(user_agent) AS user_agent_id, plays, milliseconds,
       list_sort(hours) AS hours, list_sort(tracks) AS tracks, list_sort(artists) AS artists
FROM user_days WHERE month = $month ORDER BY day, location, user_id

-- name: month_user_agents
-- Find the user agents of the month and their ids.
-- reads: user_days
SELECT text_id(user_agent) AS user_agent_id, user_agent
FROM (SELECT DISTINCT user_agent FROM user_days WHERE month = $month AND user_agent IS NOT NULL)

-- name: month_sessions
-- Find the first play of each session in the month, for each level.
-- reads: listening
SELECT user_id, session_id, min(start_time) AS started_at, level
FROM listening WHERE month = $month GROUP BY user_id, session_id, level
