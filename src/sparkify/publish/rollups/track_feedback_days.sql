-- name: table
-- Create the table of feedback by day and track.
CREATE TABLE IF NOT EXISTS analytics.track_feedback_days (
    day           date NOT NULL,
    level         text,
    tracks        bigint[] NOT NULL,
    thumbs_up     integer[] NOT NULL,
    thumbs_down   integer[] NOT NULL,
    playlist_adds integer[] NOT NULL,
    friends_added integer[] NOT NULL
);
COMMENT ON TABLE analytics.track_feedback_days IS 'Rollup. One row per UTC day and level with feedback after a play: the last one that the user began in the same session before it, less than a day before.';
COMMENT ON COLUMN analytics.track_feedback_days.day IS 'The day of the feedback, UTC. The play may be of the day before.';
COMMENT ON COLUMN analytics.track_feedback_days.level IS 'free or paid, as the log says of the feedback; NULL if it has none.';
COMMENT ON COLUMN analytics.track_feedback_days.tracks IS 'The track_id of each track after which feedback was given, in order. The other arrays have the same order.';
COMMENT ON COLUMN analytics.track_feedback_days.thumbs_up IS 'How many page views of Thumbs Up came after each.';
COMMENT ON COLUMN analytics.track_feedback_days.thumbs_down IS 'How many page views of Thumbs Down came after each.';
COMMENT ON COLUMN analytics.track_feedback_days.playlist_adds IS 'How many page views of Add to Playlist came after each.';
COMMENT ON COLUMN analytics.track_feedback_days.friends_added IS 'How many page views of Add Friend came after each.';
-- No query uses statistics of the arrays. A level may be too long for an index entry, so the index holds its hash.
ALTER TABLE analytics.track_feedback_days
    ALTER tracks SET STATISTICS 0, ALTER thumbs_up SET STATISTICS 0, ALTER thumbs_down SET STATISTICS 0,
    ALTER playlist_adds SET STATISTICS 0, ALTER friends_added SET STATISTICS 0;
CREATE UNIQUE INDEX IF NOT EXISTS track_feedback_days_key ON analytics.track_feedback_days (day, (hashtextextended(level, 0)))
    NULLS NOT DISTINCT;

-- name: definition
-- Find the play before each feedback, and count by track. A session's plays are an array in order, in which a search finds the last
-- one; a join would pair all feedback of a session with all its plays. `latest` is materialized because PostgreSQL would otherwise
-- hash all of heard_plays. An array finds the heard songs, because a join would read all of them.
-- core/feedback_days.c counts the same for new months.
WITH given AS MATERIALIZED (
    SELECT user_id, session_id, at, day, level, page
    FROM (SELECT v.*, start_time AS at, (start_time AT TIME ZONE 'UTC')::date AS day FROM {page_views} v
          WHERE user_id IS NOT NULL AND analytics.is_feedback(page)) views
    WHERE {wanted}
),
played AS (
    SELECT session_id, user_id, array_agg(start_time ORDER BY start_time, songplay_id) AS times,
           array_agg(songplay_id ORDER BY start_time, songplay_id) AS songplays
    FROM {recent_plays} p WHERE session_id IN (SELECT session_id FROM given)
    GROUP BY session_id, user_id
),
latest AS MATERIALIZED (
    SELECT at, day, level, page, times[width_bucket(at, times)] AS start_time, songplays[width_bucket(at, times)] AS songplay_id
    FROM given JOIN played USING (session_id, user_id)
),
heard AS MATERIALIZED (
    SELECT day, level, page, heard_song_id
    FROM latest JOIN {recent_heard_plays} h USING (start_time, songplay_id) WHERE start_time > at - interval '1 day'
),
tracks AS (
    SELECT heard_song_id, track_id FROM analytics.heard_songs
    WHERE heard_song_id = ANY (ARRAY(SELECT DISTINCT heard_song_id FROM heard))
),
counted AS (
    SELECT day, level, track_id, count(*) FILTER (WHERE page = 'Thumbs Up')::integer AS thumbs_up,
           count(*) FILTER (WHERE page = 'Thumbs Down')::integer AS thumbs_down,
           count(*) FILTER (WHERE page = 'Add to Playlist')::integer AS playlist_adds,
           count(*) FILTER (WHERE page = 'Add Friend')::integer AS friends_added
    FROM heard JOIN tracks USING (heard_song_id)
    GROUP BY day, level, track_id
)
SELECT day, level, array_agg(track_id ORDER BY track_id) AS tracks, array_agg(thumbs_up ORDER BY track_id) AS thumbs_up,
       array_agg(thumbs_down ORDER BY track_id) AS thumbs_down, array_agg(playlist_adds ORDER BY track_id) AS playlist_adds,
       array_agg(friends_added ORDER BY track_id) AS friends_added
FROM counted GROUP BY day, level

-- name: scope
-- Find those of the days, and of the days after them, that have feedback or had some.
SELECT day FROM {followed} days
WHERE EXISTS (SELECT FROM analytics.page_days p
              WHERE p.day = days.day AND analytics.is_feedback(page))
   OR EXISTS (SELECT FROM analytics.track_feedback_days f WHERE f.day = days.day)
