-- name: table
-- Create the table of page views by day.
CREATE TABLE IF NOT EXISTS analytics.page_days (
    day    date NOT NULL,
    page   text NOT NULL,
    level  text,
    views  integer NOT NULL,
    errors integer NOT NULL,
    users  bigint[] NOT NULL
);
COMMENT ON TABLE analytics.page_days IS 'Rollup. One row per UTC day, page and level with page views.';
COMMENT ON COLUMN analytics.page_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.page_days.page IS 'The page, as the log says.';
COMMENT ON COLUMN analytics.page_days.level IS 'free or paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.page_days.views IS 'How many page views.';
COMMENT ON COLUMN analytics.page_days.errors IS 'How many of them failed: status 400 to 599, or page Error.';
COMMENT ON COLUMN analytics.page_days.users IS 'Who saw the page, each user once, in order. Views while logged out have no user.';
-- No query uses statistics of the users. A page or a level may be too long for an index entry, so the index holds hashes.
ALTER TABLE analytics.page_days ALTER users SET STATISTICS 0;
CREATE UNIQUE INDEX IF NOT EXISTS page_days_key ON analytics.page_days
    (day, (hashtextextended(page, 0)), (hashtextextended(level, 0))) NULLS NOT DISTINCT;

-- name: definition
-- Count the views of each page on each day, and list who saw it.
-- core/page_days.c counts the same for new months.
SELECT day, page, level, sum(views)::integer AS views, sum(errors)::integer AS errors,
       coalesce(array_agg(user_id ORDER BY user_id) FILTER (WHERE user_id IS NOT NULL), '{{}}') AS users
FROM (SELECT day, page, level, user_id, count(*) AS views, count(*) FILTER (WHERE is_error) AS errors
      FROM (SELECT (start_time AT TIME ZONE 'UTC')::date AS day, page, level, user_id, analytics.is_error(page, status) AS is_error
            FROM {page_views} v) views
      WHERE {wanted}
      GROUP BY day, page, level, user_id) viewed
GROUP BY day, page, level

-- name: scope
-- Return the days themselves.
SELECT day FROM {event_days} e
