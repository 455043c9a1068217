-- name: table
-- Create the table of plays by artist and month.
CREATE TABLE IF NOT EXISTS analytics.artist_months (
    artist_key bigint NOT NULL,
    month      date NOT NULL,
    level      text NOT NULL,
    plays      integer NOT NULL
) PARTITION BY RANGE (month);
COMMENT ON TABLE analytics.artist_months IS 'Rollup. One row per artist (as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.artist_months.artist_key IS 'The artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.artist_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.artist_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.artist_months.plays IS 'How many plays.';
-- As in analytics.track_months.
CREATE UNIQUE INDEX IF NOT EXISTS artist_months_key ON analytics.artist_months (artist_key, month, (hashtextextended(level, 0)));
CREATE INDEX IF NOT EXISTS artist_months_plays ON analytics.artist_months (month, (hashtextextended(level, 0)), plays DESC)
    WHERE plays >= 5;

-- name: definition
-- Count the plays of each artist in each month.
-- core/track_months.c counts the same for new days.
SELECT artist_key, month, level, count(*)::integer AS plays
FROM (SELECT level, analytics.month_of(day) AS month, unnest(artists) AS artist_key FROM {user_days} d) plays
WHERE {wanted}
GROUP BY artist_key, month, level

-- name: add
-- Add what was counted for later days of a month.
MERGE INTO {rollup} r USING {counted} c ON r.artist_key = c.artist_key AND r.month = c.month AND r.level = c.level
WHEN MATCHED THEN UPDATE SET plays = r.plays + c.plays
WHEN NOT MATCHED THEN INSERT VALUES (c.artist_key, c.month, c.level, c.plays)

-- name: scope
-- Find the artists heard on some days, and in which months.
SELECT DISTINCT unnest(artists) AS artist_key, analytics.month_of(day) AS month FROM {days} d
