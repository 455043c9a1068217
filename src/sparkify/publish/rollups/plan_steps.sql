-- name: table
-- Create the table of the steps by which people change their plan, or leave.
CREATE TABLE IF NOT EXISTS analytics.plan_steps (
    user_id bigint NOT NULL,
    at      timestamptz NOT NULL,
    page    text NOT NULL,
    level   text,
    day     date NOT NULL
);
COMMENT ON TABLE analytics.plan_steps IS 'Rollup. One row per page view, of somebody logged in, of Upgrade, Submit Upgrade, Submit Downgrade or Cancellation Confirmation.';
COMMENT ON COLUMN analytics.plan_steps.user_id IS 'The user.';
COMMENT ON COLUMN analytics.plan_steps.at IS 'When.';
COMMENT ON COLUMN analytics.plan_steps.page IS 'The page.';
COMMENT ON COLUMN analytics.plan_steps.level IS 'free or paid, as the log says of this page view.';
COMMENT ON COLUMN analytics.plan_steps.day IS 'The day, UTC.';
CREATE INDEX IF NOT EXISTS plan_steps_day ON analytics.plan_steps (day);
CREATE INDEX IF NOT EXISTS plan_steps_user ON analytics.plan_steps (user_id);

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
