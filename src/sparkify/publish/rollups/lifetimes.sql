-- name: table
-- Create the table of users' first weeks and last days.
CREATE TABLE IF NOT EXISTS analytics.lifetimes (
    user_id    bigint PRIMARY KEY,
    first_week date NOT NULL,
    last_day   date NOT NULL,
    level      text
);
COMMENT ON TABLE analytics.lifetimes IS 'One row per user with plays or page views: the first week and the last day.';
COMMENT ON COLUMN analytics.lifetimes.user_id IS 'The user.';
COMMENT ON COLUMN analytics.lifetimes.first_week IS 'The Monday of the first ISO week, UTC, with a play or a page view.';
COMMENT ON COLUMN analytics.lifetimes.last_day IS 'The last day, UTC, with a play or a page view.';
COMMENT ON COLUMN analytics.lifetimes.level IS 'The level at the end of the last week, as in analytics.user_week_counts.';

-- name: definition
-- Find the first and the last week of each user.
SELECT user_id, first_week, last_day, level
FROM (SELECT user_id, first_value(week) OVER weeks AS first_week, last_day, level, lead(week) OVER weeks IS NULL AS is_last
      FROM analytics.user_week_counts
      WHERE {wanted}
      WINDOW weeks AS (PARTITION BY user_id ORDER BY week)) ends
WHERE is_last

-- name: changed_weeks
-- Find the first and the last week with changes. One row.
-- reads: event_days
SELECT analytics.week_of(min(day)) AS first, analytics.week_of(max(day)) AS last FROM event_days

-- name: in_changed_weeks
-- This condition selects the weeks from the first to the last with changes.
week >= {first} AND week <= {last}

-- name: replace
-- Move the ends of users to what is found in changed weeks, unless they lie further out. A user's weeks disappear only when the user is
-- forgotten, all at once. So delete users whose first or last week is changed but who have no week there. Arrays, because a join would
-- read all users.
-- reads: events
WITH found AS (
    {definition}
),
known AS (
    SELECT user_id FROM analytics.lifetimes WHERE user_id = ANY (ARRAY(SELECT user_id FROM found))
),
moved AS (
    UPDATE analytics.lifetimes l
    SET first_week = least(l.first_week, f.first_week),
        last_day = CASE WHEN l.last_day > {last} + 6 THEN l.last_day ELSE f.last_day END,
        level = CASE WHEN l.last_day > {last} + 6 THEN l.level ELSE f.level END
    FROM found f
    WHERE l.user_id = f.user_id AND l.user_id = ANY (ARRAY(SELECT user_id FROM found))
      AND (f.first_week < l.first_week
           OR l.last_day <= {last} + 6 AND (l.last_day, l.level) IS DISTINCT FROM (f.last_day, f.level))
),
came AS (
    INSERT INTO analytics.lifetimes SELECT * FROM found f WHERE NOT EXISTS (SELECT FROM known k WHERE k.user_id = f.user_id)
)
DELETE FROM analytics.lifetimes l
WHERE user_id = ANY (ARRAY(SELECT DISTINCT user_id FROM events))
  AND (first_week >= {first} AND first_week <= {last} OR last_day >= {first} AND last_day <= {last} + 6)
  AND NOT EXISTS (SELECT FROM found f WHERE f.user_id = l.user_id)
