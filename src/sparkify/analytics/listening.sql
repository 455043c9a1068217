-- name: range
-- Find the first and the last day with plays. One row.
SELECT min(start) AS first, max(start) AS last FROM analytics.listeners WHERE period = 'day'

-- name: totals
-- Count plays, listeners and seconds. One row.
WITH {listening_by_user},
users AS (
    SELECT user_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds FROM listening GROUP BY user_id
)
SELECT coalesce(sum(plays), 0)::bigint AS plays, count(*) AS listeners,
       round(coalesce(sum(milliseconds), 0) / 1000.0)::bigint AS seconds
FROM users

-- name: sessions
-- Count the sessions that began: by day, and one by one on the days that are cut. One row.
SELECT coalesce(sum(sessions), 0)::bigint
       + (SELECT count(*) FROM unnest(%(cut_begins)s::timestamptz[], %(cut_ends)s::timestamptz[]) AS cut (begins, ends)
          JOIN analytics.sessions ON started_at >= begins AND started_at < ends WHERE {at_level}) AS sessions
FROM analytics.listeners
WHERE period = 'day' AND start >= %(first)s AND start < %(end)s AND level IS NOT DISTINCT FROM %(level)s

-- name: listeners
-- Count the people who listened, and those who had never listened before. One row.
WITH {listening_by_user},
users AS (
    SELECT DISTINCT user_id FROM listening
)
SELECT count(*) AS listeners, count(*) FILTER (WHERE {is_new}) AS new_listeners
FROM users JOIN analytics.first_days USING (user_id)

-- name: top_users
-- Find the users with the most plays. One row per user.
WITH {listening_by_user},
top AS (
    SELECT user_id, sum(plays)::bigint AS plays, round(sum(milliseconds) / 1000.0)::bigint AS seconds
    FROM listening GROUP BY user_id ORDER BY plays DESC, user_id LIMIT %(limit)s
)
SELECT user_id, concat_ws(' ', first_name, last_name) AS name, top.plays, top.seconds, u.level
FROM top JOIN users u USING (user_id)
ORDER BY plays DESC, user_id

-- name: top_devices
-- Find the device families with the most plays. One row per family; NULL is for plays without a user agent.
WITH {listening},
users AS (
    SELECT user_agent_id, user_id, sum(plays) AS plays, sum(milliseconds) AS milliseconds
    FROM listening GROUP BY user_agent_id, user_id
)
SELECT device, sum(plays)::bigint AS plays, count(DISTINCT user_id) AS listeners, round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM (SELECT u.*, CASE WHEN user_agent_id IS NOT NULL THEN coalesce(device, 'Other') END AS device
      FROM users u LEFT JOIN analytics.user_agents USING (user_agent_id)) named
GROUP BY device
ORDER BY plays DESC, device COLLATE "C"
LIMIT %(limit)s

-- name: levels
-- Count plays, listeners and seconds. One row per level.
WITH {listening_by_user},
users AS (
    SELECT level, user_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM listening GROUP BY level, user_id
)
SELECT level, sum(plays)::bigint AS plays, count(*) AS listeners, round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM users GROUP BY level ORDER BY level COLLATE "C"

-- name: genders
-- Count plays and listeners. One row per gender, as in users.
WITH {listening_by_user},
plays_by_user AS (
    SELECT user_id, sum(plays) AS plays FROM listening GROUP BY user_id
)
SELECT gender, sum(plays)::bigint AS plays, count(*) AS listeners
FROM plays_by_user JOIN users USING (user_id)
GROUP BY gender ORDER BY gender COLLATE "C"

-- name: trend
-- Count plays, listeners, sessions and seconds over time. One row per day, week or month; none for an empty selection.
SELECT start, plays, listeners, new_listeners, listeners - new_listeners AS returning_listeners, sessions,
       round(milliseconds / 1000.0)::bigint AS seconds
FROM analytics.listeners
WHERE period = %(period)s AND level IS NOT DISTINCT FROM %(level)s
  AND start >= date_trunc(%(period)s, %(first)s::date) AND start < %(end)s AND %(first)s::date < %(end)s
ORDER BY start

-- name: trend_of_place
-- Count plays, listeners and seconds at one place over time. One row per day, week or month.
WITH users AS (
    SELECT date_trunc(%(period)s, day::timestamp)::date AS start, user_id,
           sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM analytics.user_days
    WHERE day >= date_trunc(%(period)s, %(first)s::date)
      AND day < date_trunc(%(period)s, %(end)s::date - 1) + ('1 ' || %(period)s)::interval
      AND %(first)s::date < %(end)s AND {at_level} AND {at_place}
    GROUP BY 1, 2
)
SELECT start, sum(plays)::bigint AS plays, count(*) AS listeners, count(*) FILTER (WHERE first_day >= start) AS new_listeners,
       count(*) FILTER (WHERE first_day < start) AS returning_listeners,
       NULL::bigint AS sessions, round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM users JOIN analytics.first_days USING (user_id)
GROUP BY start ORDER BY start

-- name: heat_map
-- Count plays. One row per weekday, from 0 for Monday, and hour with plays.
SELECT extract(isodow FROM day)::integer - 1 AS weekday, (quarter / 4)::integer AS hour, sum(plays)::bigint AS plays
FROM analytics.day_quarters
WHERE day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY 1, 2 ORDER BY 1, 2

-- name: heat_map_of_place
-- Count plays at one place. One row per weekday and hour with plays.
WITH hours AS (
    SELECT day, hour, count(*) AS plays
    FROM (SELECT day, unnest(quarters) / 4 AS hour FROM analytics.user_days
          WHERE day >= %(first)s AND day < %(end)s AND {at_level} AND {at_place}) heard
    GROUP BY day, hour
)
SELECT extract(isodow FROM day)::integer - 1 AS weekday, hour::integer, sum(plays)::bigint AS plays
FROM hours GROUP BY 1, 2 ORDER BY 1, 2
