-- name: latest_plays
-- The stored latest play of each user is the latest play, and users shows its level.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH last AS (
    SELECT user_id, max(start_time) AS start_time FROM songplays GROUP BY user_id
),
latest AS (
    SELECT DISTINCT ON (user_id) user_id, start_time, session_id, item_in_session, songplay_id, level,
           etl.variant(p, heard_song_id) AS variant
    FROM last JOIN songplays p USING (user_id, start_time) JOIN analytics.heard_plays USING (start_time, songplay_id)
    ORDER BY user_id, session_id DESC, item_in_session DESC, songplay_id DESC
)
SELECT user_id, k.start_time AS kept, r.start_time AS real, u.level AS level_shown, r.level AS level_real
FROM latest r FULL JOIN etl.latest_plays k USING (user_id) LEFT JOIN users u USING (user_id)
WHERE u.level IS DISTINCT FROM r.level
   OR (k.start_time, k.session_id, k.item_in_session, k.songplay_id, k.variant)
      IS DISTINCT FROM (r.start_time, r.session_id, r.item_in_session, r.songplay_id, r.variant)
