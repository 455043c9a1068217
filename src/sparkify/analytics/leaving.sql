-- name: upgrades
-- Follow the ways from free to paid. One row per week in which some began. A way begins with Upgrade, or with Submit Upgrade if
-- the user had not seen that, and ends with Submit Downgrade. The play that follows begins a stretch of plays at level paid.
WITH steps AS (
    SELECT user_id, at, page, count(*) FILTER (WHERE page = 'Submit Downgrade') OVER before AS number
    FROM analytics.plan_steps
    WHERE page IN ('Upgrade', 'Submit Upgrade', 'Submit Downgrade')
    WINDOW before AS (PARTITION BY user_id ORDER BY at, page COLLATE "C" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
ways AS (
    SELECT user_id, min(at) FILTER (WHERE page = 'Upgrade') AS seen_at, min(at) FILTER (WHERE page = 'Submit Upgrade') AS submitted_at,
           min(at) FILTER (WHERE page = 'Submit Downgrade') AS back_at
    FROM steps GROUP BY user_id, number
),
chosen AS (
    SELECT *, date_trunc('week', least(seen_at, submitted_at) AT TIME ZONE 'UTC')::date AS week
    FROM ways
    WHERE least(seen_at, submitted_at) >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
      AND least(seen_at, submitted_at) < %(end)s::date::timestamp AT TIME ZONE 'UTC'
),
followed AS (
    SELECT week, user_id, submitted_at, paid_at, CASE WHEN submitted_at IS NOT NULL THEN back_at END AS back_at,
           CASE WHEN seen_at <= submitted_at THEN submitted_at - seen_at END AS until_submitted,
           seen_at <= submitted_at OR submitted_at IS NULL AS has_seen
    FROM chosen
    LEFT JOIN LATERAL (
        SELECT first_play AS paid_at FROM analytics.user_level_days d
        WHERE d.user_id = chosen.user_id AND d.day >= (submitted_at AT TIME ZONE 'UTC')::date AND d.level = 'paid' AND first_play >= submitted_at
          AND (back_at IS NULL OR first_play <= back_at)
        ORDER BY d.user_id, d.day, d.stretch_no LIMIT 1
    ) paid ON submitted_at IS NOT NULL
)
SELECT week, count(*) AS ways, count(*) FILTER (WHERE has_seen) AS seen, count(submitted_at) AS submitted, count(paid_at) AS paid,
       count(back_at) AS back,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM until_submitted)) AS seconds_to_submit,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM paid_at - submitted_at)) AS seconds_to_play,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM back_at - submitted_at)) AS seconds_to_back
FROM followed GROUP BY week ORDER BY week

-- name: churn
-- Count those who cancelled and those who went back to free. One row per week with either.
SELECT date_trunc('week', day)::date AS week,
       count(*) FILTER (WHERE page = 'Cancellation Confirmation') AS cancellations,
       count(DISTINCT user_id) FILTER (WHERE page = 'Cancellation Confirmation') AS cancelled,
       count(*) FILTER (WHERE page = 'Submit Downgrade') AS downgrades,
       count(DISTINCT user_id) FILTER (WHERE page = 'Submit Downgrade') AS downgraded
FROM analytics.plan_steps
WHERE page IN ('Cancellation Confirmation', 'Submit Downgrade') AND day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY 1 ORDER BY 1

-- name: quiet
-- Count users by whether they did anything on the last days of the data. One row per level, that of the last week of each user.
WITH users AS (
    SELECT user_id, max(week) AS week, max(last_day) AS last_day FROM analytics.user_week_counts GROUP BY user_id
)
SELECT level, count(*) AS users, count(*) FILTER (WHERE u.last_day > %(last)s::date - %(days)s::integer) AS active,
       count(*) FILTER (WHERE u.last_day <= %(last)s::date - %(days)s::integer) AS quiet,
       100.0::float * count(*) FILTER (WHERE u.last_day <= %(last)s::date - %(days)s::integer) / count(*) AS percent_quiet
FROM users u JOIN analytics.user_week_counts USING (user_id, week)
WHERE {at_level}
GROUP BY level ORDER BY level COLLATE "C"

-- name: cohorts
-- Count who of those that came in a week is left. One row per week of first plays or page views.
WITH users AS (
    SELECT user_id, min(week) AS week, max(last_day) AS last_day, max(cancellations) > 0 AS has_cancelled
    FROM analytics.user_week_counts GROUP BY user_id
)
SELECT week, count(*) AS users, count(*) FILTER (WHERE has_cancelled) AS cancelled,
       count(*) FILTER (WHERE NOT has_cancelled AND last_day <= %(last)s::date - %(days)s::integer) AS quiet,
       count(*) FILTER (WHERE NOT has_cancelled AND last_day > %(last)s::date - %(days)s::integer) AS active,
       100.0::float * count(*) FILTER (WHERE NOT has_cancelled AND last_day > %(last)s::date - %(days)s::integer) / count(*) AS percent_active
FROM users
WHERE week >= date_trunc('week', %(first)s::date) AND week < %(end)s
GROUP BY week ORDER BY week

-- name: before
-- Compare the weeks before people leave with other weeks. One row for each, with means for a user and week. The labels are those of
-- analytics.user_weeks. Few weeks have none in the four weeks after, or a cancellation: these are found first.
WITH quiet AS MATERIALIZED (
    SELECT user_id, week
    FROM (SELECT user_id, week, lead(week) OVER (PARTITION BY user_id ORDER BY week) AS next_week
          FROM analytics.user_week_counts
          WHERE week >= date_trunc('week', %(first)s::date)::date AND week < %(end)s::date + 28) weeks
    WHERE (next_week > week + 28 OR next_week IS NULL) AND week < %(end)s
),
cancelled AS MATERIALIZED (
    SELECT DISTINCT user_id, day - mod(day - date '0001-01-01', 7) - 7 * ago AS week
    FROM analytics.plan_steps CROSS JOIN generate_series(1, 4) AS ago WHERE page = 'Cancellation Confirmation'
),
labelled AS (
    SELECT w.*, analytics.has_followed((user_id, week) IN (SELECT user_id, week FROM cancelled), week, %(last)s)
                OR NOT analytics.has_followed((user_id, week) NOT IN (SELECT user_id, week FROM quiet), week, %(last)s) AS leaves
    FROM analytics.user_week_counts w
    WHERE week >= date_trunc('week', %(first)s::date)::date AND week < %(end)s AND {at_level}
),
means AS (
    SELECT leaves, count(*) AS weeks, avg(plays)::float AS plays, sum(milliseconds / 3600000.0::float) / count(*) AS hours,
           avg(sessions)::float AS sessions, avg(views)::float AS views, avg(adverts)::float AS adverts,
           avg(thumbs_up)::float AS thumbs_up, avg(thumbs_down)::float AS thumbs_down, avg(errors)::float AS errors,
           avg(help)::float AS help
    FROM labelled GROUP BY leaves
)
SELECT * FROM means WHERE leaves IS NOT NULL ORDER BY leaves
