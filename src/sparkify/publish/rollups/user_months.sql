-- name: table
-- Create the table of plays by user and month.
CREATE TABLE IF NOT EXISTS analytics.user_months (
    user_id       bigint NOT NULL,
    month         date NOT NULL,
    level         text NOT NULL,
    location      text,
    user_agent_id bigint,
    plays         bigint NOT NULL,
    milliseconds  bigint NOT NULL
);
COMMENT ON TABLE analytics.user_months IS 'Rollup. One row per user, UTC month, level, location and user agent.';
COMMENT ON COLUMN analytics.user_months.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.user_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_months.location IS 'The location, as the log says.';
COMMENT ON COLUMN analytics.user_months.user_agent_id IS 'The user agent: analytics.user_agents.';
COMMENT ON COLUMN analytics.user_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_months.milliseconds IS 'As in analytics.user_days.';
CREATE INDEX IF NOT EXISTS user_months_user ON analytics.user_months (user_id, month);
CREATE INDEX IF NOT EXISTS user_months_month ON analytics.user_months (month);
CREATE INDEX IF NOT EXISTS user_months_location ON analytics.user_months ((hashtextextended(location, 0)), month);

-- name: definition
-- Sum up each user's days by month. Rows of one place are stored together, as in analytics.user_days.
SELECT user_id, month, level, location, user_agent_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
FROM (SELECT d.*, analytics.month_of(day) AS month FROM {user_days} d) days
WHERE {wanted}
GROUP BY user_id, month, level, location, user_agent_id
ORDER BY location COLLATE "C", user_id

-- name: scope
-- Find the users and months that some days belong to.
SELECT DISTINCT user_id, analytics.month_of(day) AS month FROM {days} d
