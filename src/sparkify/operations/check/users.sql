-- name: latest_plays
-- The stored latest play of each user is the latest play, and users shows its level.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH last AS (
    SELECT user_id, max(start_time) AS start_time FROM songplays GROUP BY user_id
),
latest AS (
    SELECT DISTINCT ON (user_id) user_id, start_time, session_id, item_in_session, songplay_id, level, location,
           user_agent, heard_song_id
    FROM last JOIN songplays USING (user_id, start_time) JOIN analytics.heard_plays USING (start_time, songplay_id)
    ORDER BY user_id, session_id DESC, item_in_session DESC, songplay_id DESC
)
SELECT user_id, k.start_time AS kept, r.start_time AS real, u.level AS level_shown, r.level AS level_real
FROM latest r FULL JOIN etl.latest_plays k USING (user_id) LEFT JOIN users u USING (user_id)
WHERE u.level IS DISTINCT FROM r.level
   OR (k.start_time, k.session_id, k.item_in_session, k.songplay_id, k.location, k.user_agent, k.heard_song_id)
      IS DISTINCT FROM
      (r.start_time, r.session_id, r.item_in_session, r.songplay_id, r.location, r.user_agent, r.heard_song_id)

-- name: levels
-- The history of levels follows from the plays.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH numbered AS (
    SELECT user_id, (start_time AT TIME ZONE 'UTC')::date AS day, level, start_time,
           row_number() OVER same_day AS position,
           row_number() OVER same_day - row_number() OVER same_level AS island
    FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
    WINDOW same_day AS (PARTITION BY user_id, (start_time AT TIME ZONE 'UTC')::date
                        ORDER BY start_time, session_id, item_in_session, songplay_id),
           same_level AS (PARTITION BY user_id, (start_time AT TIME ZONE 'UTC')::date, level
                          ORDER BY start_time, session_id, item_in_session, songplay_id)
),
real AS (
    SELECT user_id, day, row_number() OVER (PARTITION BY user_id, day ORDER BY min(position))::integer AS stretch_no, level,
           min(start_time) AS first_play, max(start_time) AS last_play
    FROM numbered GROUP BY user_id, day, level, island
)
SELECT user_id, day, stretch_no, k.level AS kept, r.level AS real
FROM analytics.user_level_days k FULL JOIN real r USING (user_id, day, stretch_no)
WHERE (k.level, k.first_play, k.last_play) IS DISTINCT FROM (r.level, r.first_play, r.last_play)
