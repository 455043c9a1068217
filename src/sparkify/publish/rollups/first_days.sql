-- name: table
-- Create the table of users' first days.
CREATE TABLE IF NOT EXISTS analytics.first_days (
    user_id   bigint PRIMARY KEY,
    first_day date NOT NULL
);
COMMENT ON TABLE analytics.first_days IS 'One row per user: the day of the first play.';
COMMENT ON COLUMN analytics.first_days.user_id IS 'The user.';
COMMENT ON COLUMN analytics.first_days.first_day IS 'The day, UTC.';
CREATE INDEX IF NOT EXISTS first_days_day ON analytics.first_days (first_day);

-- name: definition
-- Find the first day of each user.
SELECT user_id, min(day) AS first_day FROM {user_days} d GROUP BY user_id

-- name: replace
-- Move users' first days to earlier new days, look them up again for users who lost a day, and note the days
-- that were first before.
-- reads: moved_days, old_days
WITH firsts AS (
    SELECT u.user_id, f.first_day AS before,
           CASE
               WHEN lost THEN (SELECT min(day) FROM analytics.user_days d WHERE d.user_id = u.user_id)
               ELSE least(u.first_day, f.first_day)
           END AS first_day
    FROM (SELECT user_id, bool_or(lost) AS lost, min(day) AS first_day
          FROM (SELECT user_id, day, false AS lost FROM {new_days} d
                UNION ALL SELECT user_id, NULL, true FROM old_days) days
          GROUP BY user_id) u
    LEFT JOIN analytics.first_days f USING (user_id)
),
gone AS (
    DELETE FROM analytics.first_days f USING firsts n WHERE n.user_id = f.user_id AND n.first_day IS NULL
),
changed AS (
    INSERT INTO analytics.first_days AS f (user_id, first_day)
    SELECT user_id, first_day FROM firsts WHERE first_day IS NOT NULL AND first_day IS DISTINCT FROM before
    ON CONFLICT (user_id) DO UPDATE SET first_day = EXCLUDED.first_day
)
INSERT INTO moved_days SELECT before FROM firsts WHERE before <> first_day
