-- name: upgrades
-- Follow the ways from free to paid. One row per week in which some began.
SELECT analytics.week_of(day) AS week, count(*) AS ways, count(seen_at) AS seen, count(submitted_at) AS submitted,
       count(paid_at) AS paid, count(back_at) FILTER (WHERE submitted_at IS NOT NULL) AS back,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM submitted_at - seen_at)) AS seconds_to_submit,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM paid_at - submitted_at)) AS seconds_to_play,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM back_at - submitted_at)) AS seconds_to_back
FROM analytics.upgrades
WHERE day >= %(first)s AND day < %(end)s
GROUP BY 1 ORDER BY 1

-- name: churn
-- Count those who cancelled and those who went back to free. One row per week with either.
SELECT analytics.week_of(day) AS week,
       count(*) FILTER (WHERE page = 'Cancellation Confirmation') AS cancellations,
       count(DISTINCT user_id) FILTER (WHERE page = 'Cancellation Confirmation') AS cancelled,
       count(*) FILTER (WHERE page = 'Submit Downgrade') AS downgrades,
       count(DISTINCT user_id) FILTER (WHERE page = 'Submit Downgrade') AS downgraded
FROM analytics.subscription_events
WHERE page IN ('Cancellation Confirmation', 'Submit Downgrade') AND day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY 1 ORDER BY 1

-- name: quiet
-- Count users by whether they did anything on the last days of the data. One row per level, that of the last week of each user.
SELECT level, count(*) AS users, count(*) FILTER (WHERE last_day > %(last)s::date - %(days)s::integer) AS active,
       count(*) FILTER (WHERE last_day <= %(last)s::date - %(days)s::integer) AS quiet,
       100.0::float * count(*) FILTER (WHERE last_day <= %(last)s::date - %(days)s::integer) / count(*) AS percent_quiet
FROM analytics.lifetimes
WHERE {at_level}
GROUP BY level ORDER BY level COLLATE "C"

-- name: cohorts
-- Count who of those that came in a week is left. One row per week of first plays or page views.
WITH users AS (
    SELECT first_week AS week, last_day, c.user_id IS NOT NULL AS has_cancelled
    FROM analytics.lifetimes
    LEFT JOIN (SELECT DISTINCT user_id FROM analytics.subscription_events WHERE page = 'Cancellation Confirmation') c USING (user_id)
    WHERE first_week >= analytics.week_of(%(first)s) AND first_week < %(end)s
)
SELECT week, count(*) AS users, count(*) FILTER (WHERE has_cancelled) AS cancelled,
       count(*) FILTER (WHERE NOT has_cancelled AND last_day <= %(last)s::date - %(days)s::integer) AS quiet,
       count(*) FILTER (WHERE NOT has_cancelled AND last_day > %(last)s::date - %(days)s::integer) AS active,
       100.0::float * count(*) FILTER (WHERE NOT has_cancelled AND last_day > %(last)s::date - %(days)s::integer) / count(*) AS percent_active
FROM users
GROUP BY week ORDER BY week

-- name: before
-- Compare the weeks before people leave with other weeks. One row for each, with means for a user and week. The labels are those of
-- analytics.user_weeks.
SELECT leaves, sum(weeks)::bigint AS weeks, (sum(plays) / sum(weeks))::float AS plays,
       sum(milliseconds) / 3600000.0::float / sum(weeks) AS hours, (sum(sessions) / sum(weeks))::float AS sessions,
       (sum(views) / sum(weeks))::float AS views, (sum(adverts) / sum(weeks))::float AS adverts,
       (sum(thumbs_up) / sum(weeks))::float AS thumbs_up, (sum(thumbs_down) / sum(weeks))::float AS thumbs_down,
       (sum(errors) / sum(weeks))::float AS errors, (sum(help) / sum(weeks))::float AS help
FROM (SELECT *, analytics.has_followed(cancels, week, %(last)s) OR NOT analytics.has_followed(returns, week, %(last)s) AS leaves
      FROM analytics.week_outcomes
      WHERE week >= analytics.week_of(%(first)s) AND week < %(end)s AND {at_level}) labelled
WHERE leaves IS NOT NULL
GROUP BY leaves ORDER BY leaves
