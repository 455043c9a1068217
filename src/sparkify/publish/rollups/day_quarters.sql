-- name: table
-- Create the table of plays by quarter of an hour. Local days begin with a quarter, with few exceptions (analytics/zones.py).
CREATE TABLE IF NOT EXISTS analytics.day_quarters (
    day          date NOT NULL,
    quarter      smallint NOT NULL,
    level        text NOT NULL,
    zone         text,
    plays        integer NOT NULL,
    milliseconds bigint NOT NULL
);
COMMENT ON TABLE analytics.day_quarters IS 'Rollup. One row per UTC day, quarter of an hour, level and time zone of the place, with plays.';
COMMENT ON COLUMN analytics.day_quarters.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.day_quarters.quarter IS 'The quarter of an hour of the day, 0 to 95, UTC.';
COMMENT ON COLUMN analytics.day_quarters.level IS 'free or paid.';
COMMENT ON COLUMN analytics.day_quarters.zone IS 'The time zone in which the place of the plays lies; NULL if it is not certain: analytics.zone_of.';
COMMENT ON COLUMN analytics.day_quarters.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.day_quarters.milliseconds IS 'As in analytics.user_days.';
CREATE UNIQUE INDEX IF NOT EXISTS day_quarters_key ON analytics.day_quarters (day, quarter, (hashtextextended(level, 0)), zone)
    NULLS NOT DISTINCT;

-- name: definition
-- Count the plays of each quarter of an hour. OFFSET 0 makes PostgreSQL look up the zone of a place once, before the join: a look-up
-- takes 0.2 ms.
SELECT day, quarter, level, zone, count(*)::integer AS plays, sum(length)::bigint AS milliseconds
FROM (SELECT day, level, zone, unnest(quarters) AS quarter, unnest(lengths) AS length
      FROM {user_days} d
      LEFT JOIN (SELECT location, analytics.zone_of(location) AS zone
                 FROM (SELECT DISTINCT location FROM {user_days} d WHERE {wanted}) places OFFSET 0) zones USING (location)
      WHERE {wanted}) plays
GROUP BY day, quarter, level, zone

-- name: scope
-- Return the days themselves.
SELECT DISTINCT day FROM {days} d
