-- name: table
-- Create the table of page views by month.
CREATE TABLE IF NOT EXISTS analytics.page_months (
    month  date NOT NULL,
    page   text NOT NULL,
    level  text,
    views  integer NOT NULL,
    errors integer NOT NULL,
    users  bigint[] NOT NULL
);
COMMENT ON TABLE analytics.page_months IS 'Rollup. One row per UTC month, page and level with page views.';
COMMENT ON COLUMN analytics.page_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.page_months.page IS 'The page, as the log says.';
COMMENT ON COLUMN analytics.page_months.level IS 'free or paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.page_months.views IS 'How many page views.';
COMMENT ON COLUMN analytics.page_months.errors IS 'As in analytics.page_days.';
COMMENT ON COLUMN analytics.page_months.users IS 'Who saw the page, each user once, in order.';
-- As in analytics.page_days.
ALTER TABLE analytics.page_months ALTER users SET STATISTICS 0;
CREATE UNIQUE INDEX IF NOT EXISTS page_months_key ON analytics.page_months
    (month, (hashtextextended(page, 0)), (hashtextextended(level, 0))) NULLS NOT DISTINCT;

-- name: definition
-- Sum up the days of each page by month. Users are found in the rows of each month and page: in one hash of all, with the page of each,
-- they took four times as long.
SELECT month, page, level, views, errors,
       ARRAY(SELECT DISTINCT user_id FROM unnest(days) AS day CROSS JOIN unnest(day.users) AS user_id ORDER BY user_id) AS users
FROM (SELECT analytics.month_of(day) AS month, page, level, sum(views)::integer AS views, sum(errors)::integer AS errors,
             array_agg(ROW(day, page, level, views, errors, users)::analytics.page_days) AS days
      FROM {page_days} d
      GROUP BY 1, 2, 3) months
WHERE {wanted}

-- name: scope
-- Find the months of some days.
SELECT DISTINCT analytics.month_of(day) AS month FROM {event_days} e
