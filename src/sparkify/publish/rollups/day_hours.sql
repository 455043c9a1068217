-- name: table
-- Create the table of plays by day and hour.
CREATE TABLE IF NOT EXISTS analytics.day_hours (
    day   date NOT NULL,
    hour  smallint NOT NULL,
    level text NOT NULL,
    plays integer NOT NULL
);
COMMENT ON TABLE analytics.day_hours IS 'Rollup. One row per UTC day, hour and level with plays.';
COMMENT ON COLUMN analytics.day_hours.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.day_hours.hour IS 'The hour, 0 to 23, UTC.';
COMMENT ON COLUMN analytics.day_hours.level IS 'free or paid.';
COMMENT ON COLUMN analytics.day_hours.plays IS 'How many plays.';
CREATE UNIQUE INDEX IF NOT EXISTS day_hours_key ON analytics.day_hours (day, hour, (hashtextextended(level, 0)));

-- name: definition
-- Count the plays of each day and hour.
SELECT day, hour, level, count(*)::integer AS plays
FROM (SELECT day, level, (unnest(quarters) / 4)::smallint AS hour FROM {user_days} d WHERE {wanted}) plays
GROUP BY day, hour, level

-- name: scope
-- Return the days themselves.
SELECT DISTINCT day FROM {days} d
