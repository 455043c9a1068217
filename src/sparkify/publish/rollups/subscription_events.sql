-- name: table
-- Create the table of the page views by which people change their plan, or leave.
CREATE TABLE IF NOT EXISTS analytics.subscription_events (
    user_id bigint NOT NULL,
    at      timestamptz NOT NULL,
    page    text NOT NULL,
    level   text,
    day     date NOT NULL
);
COMMENT ON TABLE analytics.subscription_events IS 'Rollup. One row per page view, of somebody logged in, of Upgrade, Submit Upgrade, Submit Downgrade or Cancellation Confirmation.';
COMMENT ON COLUMN analytics.subscription_events.user_id IS 'The user.';
COMMENT ON COLUMN analytics.subscription_events.at IS 'When.';
COMMENT ON COLUMN analytics.subscription_events.page IS 'The page.';
COMMENT ON COLUMN analytics.subscription_events.level IS 'free or paid, as the log says of this page view.';
COMMENT ON COLUMN analytics.subscription_events.day IS 'The day, UTC.';
CREATE INDEX IF NOT EXISTS subscription_events_day ON analytics.subscription_events (day);
CREATE INDEX IF NOT EXISTS subscription_events_user ON analytics.subscription_events (user_id);

-- name: definition
-- Select these page views.
SELECT user_id, at, page, level, day
FROM (SELECT user_id, start_time AS at, page, level, (start_time AT TIME ZONE 'UTC')::date AS day FROM {page_views} v
      WHERE user_id IS NOT NULL
        AND page IN ('Upgrade', 'Submit Upgrade', 'Submit Downgrade', 'Cancellation Confirmation')) steps
WHERE {wanted}

-- name: scope
-- Return the days themselves.
SELECT day FROM {event_days} e
