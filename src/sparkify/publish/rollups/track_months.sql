-- name: table
-- Create the table of plays by track and month.
CREATE TABLE IF NOT EXISTS analytics.track_months (
    track_id bigint NOT NULL,
    month    date NOT NULL,
    level    text NOT NULL,
    plays    integer NOT NULL,
    users    bigint[] NOT NULL,
    days     smallint[] NOT NULL
) PARTITION BY RANGE (month);
COMMENT ON TABLE analytics.track_months IS 'Rollup. One row per track (title and artist, as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.track_months.track_id IS 'The track: analytics.heard_songs.';
COMMENT ON COLUMN analytics.track_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.track_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.track_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.track_months.users IS 'The user of each play, in the order of days.';
COMMENT ON COLUMN analytics.track_months.days IS 'The day of the month of each play, in order.';
ALTER TABLE analytics.track_months ALTER users SET STATISTICS 0, ALTER days SET STATISTICS 0;
-- A level may be too long for an index entry, so the indexes hold its hash.
CREATE UNIQUE INDEX IF NOT EXISTS track_months_key ON analytics.track_months (track_id, month, (hashtextextended(level, 0)));
-- Most tracks are heard once or twice in a month; indexing those too would cost a load more than it is worth.
CREATE INDEX IF NOT EXISTS track_months_plays ON analytics.track_months (month, (hashtextextended(level, 0)), plays DESC)
    WHERE plays >= 5;

-- name: definition
-- Count who heard each track in each month, and when.
-- core/track_months.c counts the same for new days.
SELECT track_id, month, level, count(*)::integer AS plays,
       array_agg(user_id ORDER BY day, user_id) AS users, array_agg(day ORDER BY day, user_id) AS days
FROM (SELECT user_id, extract(day FROM day)::smallint AS day, analytics.month_of(day) AS month, level,
             unnest(tracks) AS track_id
      FROM {user_days} d) plays
WHERE {wanted}
GROUP BY track_id, month, level

-- name: add
-- Add what was counted for later days of a month.
MERGE INTO {rollup} r USING {counted} c ON r.track_id = c.track_id AND r.month = c.month AND r.level = c.level
WHEN MATCHED THEN UPDATE SET plays = r.plays + c.plays, users = r.users || c.users, days = r.days || c.days
WHEN NOT MATCHED THEN INSERT VALUES (c.track_id, c.month, c.level, c.plays, c.users, c.days)

-- name: scope
-- Find the tracks heard on some days, and in which months.
SELECT DISTINCT unnest(tracks) AS track_id, analytics.month_of(day) AS month FROM {days} d
