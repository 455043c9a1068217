-- name: table
-- Create the table of users' levels by day.
CREATE TABLE IF NOT EXISTS analytics.user_level_days (
    user_id    bigint NOT NULL,
    day        date NOT NULL,
    stretch_no integer NOT NULL,
    level      text NOT NULL,
    first_play timestamptz NOT NULL,
    last_play  timestamptz NOT NULL,
    PRIMARY KEY (user_id, day, stretch_no)
);
CREATE INDEX IF NOT EXISTS user_level_days_day ON analytics.user_level_days (day);
COMMENT ON TABLE analytics.user_level_days IS 'One row per user, UTC day and uninterrupted stretch of plays at one level on that day.';
COMMENT ON COLUMN analytics.user_level_days.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_level_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.user_level_days.stretch_no IS 'The number of the stretch within the day, from 1.';
COMMENT ON COLUMN analytics.user_level_days.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_level_days.first_play IS 'The first play of the stretch.';
COMMENT ON COLUMN analytics.user_level_days.last_play IS 'The last play of the stretch.';

-- name: definition
-- Number the stretches of plays at one level on each day. Plays are in one stretch if none at another level lies between them.
WITH numbered AS (
    SELECT user_id, day, level, start_time, row_number() OVER of_day AS position,
           row_number() OVER of_day - row_number() OVER of_level AS stretch
    FROM (SELECT p.user_id, (start_time AT TIME ZONE 'UTC')::date AS day, p.level, start_time, p.session_id, h.item_in_session,
                 songplay_id
          FROM {plays} p JOIN {heard_plays} h USING (start_time, songplay_id)) heard
    WINDOW of_day AS (PARTITION BY user_id, day ORDER BY start_time, session_id, item_in_session, songplay_id),
           of_level AS (PARTITION BY user_id, day, level ORDER BY start_time, session_id, item_in_session, songplay_id)
)
SELECT user_id, day, row_number() OVER (PARTITION BY user_id, day ORDER BY min(position))::integer AS stretch_no, level,
       min(start_time) AS first_play, max(start_time) AS last_play
FROM numbered GROUP BY user_id, day, level, stretch
