-- name: is_known
-- Find out whether the server knows a time zone by this name, which has a region: EST is an abbreviation, of a place without summer time. A
-- name that the server does not list may still mean something to it: it takes "UTC-5" for five hours east. One row.
SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %(zone)s AND name LIKE '%%/%%') AS is_known

-- name: names
-- List the time zones that are named after a continent or ocean and a city. One row per zone.
SELECT name FROM pg_timezone_names WHERE name ~ '^(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/'
ORDER BY name COLLATE "C"

-- name: range
-- Find the first and the last local day with plays. One row. Where clocks go back over midnight, a day begins with the first moment
-- of its date, as in `day_starts`: the hours of the day before that come again belong to it.
SELECT max((date_bin('15 minutes', first, '2000-01-01 00:00Z') - quarters * interval '15 minutes') AT TIME ZONE %(zone)s)::date AS first,
       max((date_bin('15 minutes', last, '2000-01-01 00:00Z') - quarters * interval '15 minutes') AT TIME ZONE %(zone)s)::date AS last
FROM (SELECT min(start_time) AS first, max(start_time) AS last FROM songplays) ends CROSS JOIN generate_series(0, 16) AS quarters

-- name: day_starts
-- Find when local days begin, in quarters of an hour since 2000-01-01 UTC: at the first moment with their date. One row per day, in order.
-- Midnight may not exist, or come twice, up to three hours apart; then PostgreSQL may return a moment that is not the first.
SELECT min(extract(epoch FROM at))::bigint / 900 - extract(epoch FROM timestamptz '2000-01-01 00:00Z')::bigint / 900 AS quarter
FROM unnest(%(days)s::date[]) AS day
CROSS JOIN generate_series(-16, 16) AS quarters
CROSS JOIN LATERAL (SELECT (day::timestamp AT TIME ZONE %(zone)s) + quarters * interval '15 minutes' AS at) moments
WHERE (at AT TIME ZONE %(zone)s)::date >= day
GROUP BY day ORDER BY day

-- name: quarters
-- This subquery has the plays of each quarter of an hour.
analytics.day_quarters quarters

-- name: quarters_of_place
-- This subquery has the plays of each quarter of an hour at one place. It looks up the zone once, as analytics.day_quarters does.
(SELECT day, quarter, level, zone, count(*) AS plays, sum(length)::bigint AS milliseconds
 FROM (SELECT day, level, zone, unnest(quarters) AS quarter, unnest(lengths) AS length
       FROM analytics.user_days
       JOIN (SELECT location, analytics.zone_of(location) AS zone
             FROM (SELECT DISTINCT location FROM analytics.user_months WHERE {at_place}) places OFFSET 0) zones USING (location)
       WHERE {at_place}) heard
 GROUP BY day, quarter, level, zone) quarters

-- name: heat_map
-- Count plays by the clocks of a time zone. One row per weekday, from 0 for Monday, and hour with plays; both are NULL where the zone is.
SELECT extract(isodow FROM at)::integer - 1 AS weekday, extract(hour FROM at)::integer AS hour, sum(plays)::bigint AS plays
FROM (SELECT (day + quarter * interval '15 minutes') AT TIME ZONE 'UTC' AT TIME ZONE {zone} AS at, plays
      FROM {quarters}
      WHERE (day, quarter) >= (%(begin_day)s::date, %(begin_quarter)s) AND (day, quarter) < (%(end_day)s::date, %(end_quarter)s)
        AND day >= %(begin_day)s AND day < %(past_day)s AND {at_level}) heard
GROUP BY 1, 2 ORDER BY 1, 2

-- name: heard
-- This table has the first and the last play of each user on each day, at each level, in a tenth of the space of user_days.
analytics.user_level_days

-- name: heard_at_place
-- This subquery has the same at one place, to a quarter of an hour.
(SELECT user_id, day, level, (day + quarters[1] * interval '15 minutes') AT TIME ZONE 'UTC' AS first_play,
        (day + quarters[plays] * interval '15 minutes') AT TIME ZONE 'UTC' AS last_play
 FROM analytics.user_days WHERE {at_place})

-- name: present
-- This common table has the local days, weeks or months in which each user listened. Periods are numbered from 1. They begin at
-- `moments`: `bounds` are the same in quarters of an hour since 2000. A user's day in UTC lies in two periods at most: those of its
-- first and its last play.
present AS (
    SELECT DISTINCT user_id, generate_series(width_bucket(first_play, %(moments)s::timestamptz[]),
                                             width_bucket(last_play, %(moments)s::timestamptz[])) AS number
    FROM {heard} heard WHERE day >= %(since_day)s AND day <= %(until_day)s AND {at_level}
)

-- name: first_period
-- This is the number of the period in which a user first listened.
width_bucket((first_day - date '2000-01-01') * 96 + first_quarter, %(bounds)s::integer[])

-- name: trend
-- Count plays, listeners, sessions and seconds over time. One row per local day, week or month with plays.
WITH amounts AS (
    SELECT width_bucket((day - date '2000-01-01') * 96 + quarter, %(bounds)s::integer[]) AS number,
           sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM {quarters} WHERE day >= %(since_day)s AND day <= %(until_day)s AND {at_level}
    GROUP BY 1
),
{present},
began_to_listen AS MATERIALIZED (
    SELECT user_id, {first_period} AS number FROM analytics.first_days
),
people AS (
    SELECT number, count(*) AS listeners, count(b.user_id) AS new_listeners
    FROM present LEFT JOIN began_to_listen b USING (user_id, number) GROUP BY number
),
began AS (
    SELECT width_bucket(started_at, %(moments)s::timestamptz[]) AS number, count(*) AS sessions
    FROM analytics.sessions
    WHERE NOT %(has_place)s AND started_at >= %(since_day)s::timestamp AT TIME ZONE 'UTC'
      AND started_at < (%(until_day)s::date + 1)::timestamp AT TIME ZONE 'UTC' AND {at_level}
    GROUP BY 1
)
SELECT (%(starts)s::date[])[number] AS start, plays, listeners, new_listeners, listeners - new_listeners AS returning_listeners,
       CASE WHEN NOT %(has_place)s THEN coalesce(sessions, 0) END AS sessions, round(milliseconds / 1000.0)::bigint AS seconds
FROM amounts JOIN people USING (number) LEFT JOIN began USING (number)
WHERE number BETWEEN 1 AND cardinality(%(starts)s::date[])
ORDER BY number

-- name: retention
-- Count how many of the users who first listened in a period listened in later ones. One row per first period and number of periods
-- later.
WITH {present},
cohorts AS MATERIALIZED (
    SELECT user_id, {first_period} AS first FROM analytics.first_days
    WHERE {is_new} AND (first_day, first_quarter) < (%(end_day)s::date, %(end_quarter)s)
)
SELECT (%(starts)s::date[])[first] AS cohort, number - first AS {later}, count(*) AS listeners
FROM present JOIN cohorts USING (user_id)
GROUP BY first, number ORDER BY first, number
