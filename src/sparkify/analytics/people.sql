-- name: level_changes
-- Count level changes, and the users who made them. One row per month and pair of levels.
-- It first skips users who have had only one level. Of the others it needs the months from the selection's first on, and the last one
-- before. It reads days only in months with several levels and in months that the selection cuts; any other month is one step, at its
-- beginning. OFFSET 0 makes PostgreSQL look up the days of one month after the other: a join would read the days of all months.
WITH users AS (
    SELECT user_id, coalesce(max(month) FILTER (WHERE month < analytics.month_of(%(begin_day)s::date)), '-infinity') AS since
    FROM analytics.user_months WHERE month < %(past_day)s
    GROUP BY user_id HAVING min(level) <> max(level) AND max(month) >= analytics.month_of(%(begin_day)s::date)
),
months AS MATERIALIZED (
    SELECT user_id, month, min(level) AS level, {by_days} AS by_days
    FROM analytics.user_months JOIN users USING (user_id)
    WHERE month >= since AND month < %(past_day)s
    GROUP BY user_id, month WINDOW earlier AS (PARTITION BY user_id ORDER BY month)
),
steps AS (
    SELECT user_id, month AS day, 0 AS stretch_no, level, month::timestamp AT TIME ZONE 'UTC' AS at FROM months WHERE NOT by_days
    UNION ALL
    SELECT user_id, days.*
    FROM months, LATERAL (
        SELECT day, stretch_no, level, first_play FROM analytics.user_level_days d
        WHERE d.user_id = months.user_id AND day >= month AND day < (month + interval '1 month')::date OFFSET 0
    ) days
    WHERE by_days
),
changes AS (
    SELECT user_id, at, level, lag(level) OVER (PARTITION BY user_id ORDER BY day, stretch_no) AS level_before FROM steps
)
SELECT date_trunc('month', at AT TIME ZONE %(zone)s)::date AS month, level_before, level, count(*) AS changes,
       count(DISTINCT user_id) AS users
FROM changes
WHERE level_before <> level AND {at_level} AND at >= %(begins)s AND at < %(ends)s
GROUP BY 1, 2, 3 ORDER BY 1, level_before COLLATE "C", level COLLATE "C"

-- name: by_days
-- This condition selects the months of which `level_changes` reads the days.
min(level) <> max(level) OR month = ANY(%(cut_months)s::date[])

-- name: by_days_in_zone
-- This condition is like `by_days` for local months: a change between two months in UTC has the time of the first play after it.
min(level) <> max(level) OR month = ANY(%(cut_months)s::date[])
OR ROW(min(level), max(level)) IS DISTINCT FROM ROW(lag(min(level)) OVER earlier, lag(max(level)) OVER earlier)

-- name: retention_week
-- Count how many of the users who first listened in a week listened in later weeks. One row per first week and number of weeks later.
WITH heard AS (
    SELECT analytics.week_of(first_day) AS cohort, week
    FROM analytics.user_week_counts JOIN analytics.first_days USING (user_id)
    WHERE plays > 0 AND first_day >= %(first)s AND first_day < %(end)s
)
SELECT cohort, (week - cohort) / 7 AS weeks_later, count(*) AS listeners
FROM heard GROUP BY 1, 2 ORDER BY 1, 2

-- name: retention_month
-- Count how many of the users who first listened in a month listened in later months. One row per first month and number of months
-- later. A user has several rows in a month, one for each level, location and user agent. Users with equal arrays are counted together,
-- because there are fewer different arrays than users and months.
WITH users_months AS (
    SELECT analytics.month_of(min(first_day)) AS cohort, array_agg(month) AS months
    FROM analytics.user_months JOIN analytics.first_days USING (user_id)
    WHERE first_day >= %(first)s AND first_day < %(end)s
    GROUP BY user_id
),
alike AS (
    SELECT cohort, months, count(*) AS users FROM users_months GROUP BY cohort, months
)
SELECT cohort, analytics.months_between(cohort, month) AS months_later, sum(users)::bigint AS listeners
FROM alike CROSS JOIN LATERAL (SELECT DISTINCT unnest(months) AS month) heard
GROUP BY cohort, month ORDER BY cohort, month
