-- name: table
-- Create the table of users' first days.
CREATE TABLE IF NOT EXISTS analytics.first_days (
    user_id       bigint PRIMARY KEY,
    first_day     date NOT NULL,
    first_quarter smallint NOT NULL
);
COMMENT ON TABLE analytics.first_days IS 'One row per user: the day and quarter of an hour of the first play.';
COMMENT ON COLUMN analytics.first_days.user_id IS 'The user.';
COMMENT ON COLUMN analytics.first_days.first_day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.first_days.first_quarter IS 'The quarter of an hour of the day, 0 to 95.';
CREATE INDEX IF NOT EXISTS first_days_day ON analytics.first_days (first_day);

-- name: definition
-- Find the first day of each user, and the first quarter of an hour on it. Both are one number, of quarters since 0001-01-01.
SELECT user_id, date '0001-01-01' + first / 96 AS first_day, mod(first, 96)::smallint AS first_quarter
FROM (SELECT user_id, min((day - date '0001-01-01') * 96 + quarters[1]) AS first FROM {user_days} d GROUP BY user_id) firsts

-- name: replace
-- Move users' first days to earlier new days, look them up again for users who lost a day, and note the days
-- that were first before.
-- reads: moved_days, old_days
WITH firsts AS (
    SELECT u.user_id, (f.first_day - date '0001-01-01') * 96 + f.first_quarter AS before,
           CASE
               WHEN lost THEN (SELECT min((day - date '0001-01-01') * 96 + quarters[1])
                               FROM analytics.user_days d WHERE d.user_id = u.user_id)
               ELSE least(u.first, (f.first_day - date '0001-01-01') * 96 + f.first_quarter)
           END AS first
    FROM (SELECT user_id, bool_or(lost) AS lost, min(first) AS first
          FROM (SELECT user_id, (day - date '0001-01-01') * 96 + quarters[1] AS first, false AS lost FROM {new_days} d
                UNION ALL SELECT user_id, NULL, true FROM old_days) days
          GROUP BY user_id) u
    LEFT JOIN analytics.first_days f USING (user_id)
),
gone AS (
    DELETE FROM analytics.first_days f USING firsts n WHERE n.user_id = f.user_id AND n.first IS NULL
),
changed AS (
    INSERT INTO analytics.first_days AS f (user_id, first_day, first_quarter)
    SELECT user_id, date '0001-01-01' + first / 96, mod(first, 96)
    FROM firsts WHERE first IS NOT NULL AND first IS DISTINCT FROM before
    ON CONFLICT (user_id) DO UPDATE SET first_day = EXCLUDED.first_day, first_quarter = EXCLUDED.first_quarter
)
INSERT INTO moved_days SELECT date '0001-01-01' + before / 96 FROM firsts WHERE before / 96 <> first / 96
