-- name: listening
-- a part of the queries below: what users heard from a day to another, whole months out of the rollup of months
listening AS (
    SELECT user_id, level, location, user_agent_id, plays, milliseconds FROM analytics.user_months
    WHERE month >= %(months)s AND month < %(months_end)s
      AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
    UNION ALL
    SELECT user_id, level, location, user_agent_id, plays, milliseconds FROM analytics.user_days
    WHERE (day >= %(first)s AND day < %(months)s OR day >= %(months_end)s AND day < %(end)s)
      AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
)

-- name: listening_anywhere
-- the same where places and devices do not matter
listening AS (
    SELECT user_id, level, plays, milliseconds FROM analytics.user_months
    WHERE month >= %(months)s AND month < %(months_end)s AND (%(level)s::text IS NULL OR level = %(level)s)
    UNION ALL
    SELECT user_id, level, plays, milliseconds FROM analytics.user_days
    WHERE (day >= %(first)s AND day < %(months)s OR day >= %(months_end)s AND day < %(end)s)
      AND (%(level)s::text IS NULL OR level = %(level)s)
)

-- name: there
-- a part of the queries around: users' days or months at a place, as the indexes have them
hashtextextended(location, 0) = hashtextextended({place}, 0) AND location = {place}

-- name: range
-- the first and the last day with plays
SELECT min(start) AS first, max(start) AS last FROM analytics.listeners WHERE period = 'day'

-- name: totals
-- all of it in one row
WITH {listening_by_user}
SELECT coalesce(sum(plays), 0)::bigint AS plays, count(*) AS listeners,
       round(coalesce(sum(milliseconds), 0) / 1000.0)::bigint AS seconds
FROM (SELECT sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds FROM listening GROUP BY user_id) u

-- name: sessions
-- how many began
SELECT coalesce(sum(sessions), 0)::bigint AS sessions FROM analytics.listeners
WHERE period = 'day' AND start >= %(first)s AND start < %(end)s AND level IS NOT DISTINCT FROM %(level)s

-- name: listeners
-- how many different people, and how many of them for the first time
WITH {listening_by_user}
SELECT count(*) AS listeners, count(*) FILTER (WHERE first_day >= %(first)s) AS new_listeners
FROM (SELECT DISTINCT user_id FROM listening) u JOIN analytics.first_days USING (user_id)

-- name: top_users
-- who listens most
WITH {listening_by_user},
top AS (
    SELECT user_id, sum(plays)::bigint AS plays, round(sum(milliseconds) / 1000.0)::bigint AS seconds
    FROM listening GROUP BY user_id ORDER BY plays DESC, user_id LIMIT %(limit)s
)
SELECT user_id, concat_ws(' ', first_name, last_name) AS name, top.plays, top.seconds, u.level
FROM top JOIN users u USING (user_id) ORDER BY plays DESC, user_id

-- name: places_to_repair
-- all places whose names are not in ASCII, found by stepping from one to the next in the index
WITH RECURSIVE places AS (
    (SELECT hashtextextended(location, 0) AS key, location FROM analytics.user_months WHERE location IS NOT NULL ORDER BY key LIMIT 1)
    UNION ALL
    SELECT next.key, next.location
    FROM places
    CROSS JOIN LATERAL (
        SELECT hashtextextended(location, 0) AS key, location FROM analytics.user_months
        WHERE hashtextextended(location, 0) > places.key ORDER BY key LIMIT 1
    ) next
)
SELECT location FROM places WHERE octet_length(location) > length(location)

-- name: top_locations
-- where most is heard; of spellings that are shown alike, which are few, the first stands for all
WITH {listening}
SELECT location, sum(plays)::bigint AS plays, count(*) AS listeners,
       round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM (SELECT {place_shown} AS location, user_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
      FROM listening GROUP BY 1, user_id) u
GROUP BY location ORDER BY plays DESC, location COLLATE "C" LIMIT %(limit)s

-- name: top_devices
-- with what most is heard
WITH {listening}
SELECT coalesce(device, 'Other') AS device, sum(plays)::bigint AS plays, count(DISTINCT user_id) AS listeners,
       round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM (SELECT user_agent_id, user_id, sum(plays) AS plays, sum(milliseconds) AS milliseconds
      FROM listening GROUP BY user_agent_id, user_id) u
LEFT JOIN analytics.user_agents USING (user_agent_id)
GROUP BY coalesce(device, 'Other') ORDER BY plays DESC, coalesce(device, 'Other') COLLATE "C" LIMIT %(limit)s

-- name: levels
-- free and paid
WITH {listening_by_user}
SELECT level, sum(plays)::bigint AS plays, count(*) AS listeners,
       round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM (SELECT level, user_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
      FROM listening GROUP BY level, user_id) u
GROUP BY level ORDER BY level COLLATE "C"

-- name: genders
-- by what the log says of the user
WITH {listening_by_user}
SELECT gender, sum(plays)::bigint AS plays, count(*) AS listeners
FROM (SELECT user_id, sum(plays) AS plays FROM listening GROUP BY user_id) l JOIN users USING (user_id)
GROUP BY gender ORDER BY gender COLLATE "C"

-- name: trend
-- by day, week or month; a selection of no day has none
SELECT start, plays, listeners, new_listeners, listeners - new_listeners AS returning_listeners, sessions,
       round(milliseconds / 1000.0)::bigint AS seconds
FROM analytics.listeners
WHERE period = %(period)s AND level IS NOT DISTINCT FROM %(level)s
  AND start >= date_trunc(%(period)s, %(first)s::date) AND start < %(end)s AND %(first)s::date < %(end)s
ORDER BY start

-- name: trend_of_place
-- the same of one place
SELECT start, sum(plays)::bigint AS plays, count(*) AS listeners, count(*) FILTER (WHERE first_day >= start) AS new_listeners,
       count(*) FILTER (WHERE first_day < start) AS returning_listeners,
       NULL::bigint AS sessions, round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM (
    SELECT date_trunc(%(period)s, day::timestamp)::date AS start, user_id,
           sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM analytics.user_days
    WHERE day >= date_trunc(%(period)s, %(first)s::date)
      AND day < date_trunc(%(period)s, %(end)s::date - 1) + ('1 ' || %(period)s)::interval
      AND %(first)s::date < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
    GROUP BY 1, 2
) heard
JOIN analytics.first_days USING (user_id)
GROUP BY start ORDER BY start

-- name: heat_map
-- by weekday, 0 is Monday, and hour
SELECT extract(isodow FROM day)::integer - 1 AS weekday, hour::integer, sum(plays)::bigint AS plays
FROM analytics.day_hours
WHERE day >= %(first)s AND day < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s)
GROUP BY 1, 2 ORDER BY 1, 2

-- name: heat_map_of_place
-- the same of one place
SELECT extract(isodow FROM day)::integer - 1 AS weekday, hour::integer, sum(plays)::bigint AS plays
FROM (
    SELECT day, hour, count(*) AS plays
    FROM (SELECT day, unnest(hours) AS hour FROM analytics.user_days
          WHERE day >= %(first)s AND day < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}) heard
    GROUP BY day, hour
) hours
GROUP BY 1, 2 ORDER BY 1, 2

-- name: level_changes
-- from free to paid and back, by month: how often, and how many people. Most users have had one level only; of the others, days are looked at in months that
-- are cut or have several levels. Any other month counts as one step, at its beginning.
WITH months AS MATERIALIZED (
    SELECT user_id, month, min(level) AS level, min(level) <> max(level) OR month = ANY(%(cut_months)s::date[]) AS by_days
    FROM analytics.user_months
    WHERE month < %(end)s
      AND user_id IN (SELECT user_id FROM analytics.user_months GROUP BY user_id HAVING min(level) <> max(level))
    GROUP BY user_id, month
),
steps AS (
    SELECT user_id, month AS day, 0 AS stretch_no, level, month::timestamp AT TIME ZONE 'UTC' AS at FROM months WHERE NOT by_days
    UNION ALL
    SELECT user_id, day, stretch_no, level, first_play
    FROM analytics.user_level_days
    JOIN (SELECT user_id, range_agg(daterange(month, (month + interval '1 month')::date)) AS months
          FROM months WHERE by_days GROUP BY user_id) looked_at USING (user_id)
    WHERE day <@ looked_at.months
),
changes AS (
    SELECT user_id, at, level, lag(level) OVER (PARTITION BY user_id ORDER BY day, stretch_no) AS level_before FROM steps
)
SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month, level_before, level, count(*) AS changes,
       count(DISTINCT user_id) AS users
FROM changes
WHERE level_before <> level AND (%(level)s::text IS NULL OR level = %(level)s) AND at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND at < %(end)s::date::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3 ORDER BY 1, level_before COLLATE "C", level COLLATE "C"

-- name: retention_week
-- of those who first listened in a week, how many listened in the weeks that follow. Weeks are counted from a Monday: to truncate
-- every day would take half as long again.
SELECT date '0001-01-01' + 7 * cohort AS cohort, week - cohort AS weeks_later, count(*) AS listeners
FROM (SELECT DISTINCT user_id, (first_day - date '0001-01-01') / 7 AS cohort, (day - date '0001-01-01') / 7 AS week
      FROM analytics.user_days JOIN analytics.first_days USING (user_id)
      WHERE first_day >= %(first)s AND first_day < %(end)s) heard
GROUP BY 1, 2 ORDER BY 1, 2

-- name: retention_month
-- of those who first listened in a month, how many listened in the months that follow
SELECT cohort,
       ((extract(year FROM month) - extract(year FROM cohort)) * 12 + extract(month FROM month) - extract(month FROM cohort))::integer
           AS months_later,
       listeners
FROM (
    SELECT cohort, month, count(*) AS listeners
    FROM (SELECT DISTINCT user_id, month FROM analytics.user_months) heard
    -- The first months are computed before the join: once for a user.
    JOIN (SELECT user_id, date_trunc('month', first_day)::date AS cohort FROM analytics.first_days
          WHERE first_day >= %(first)s AND first_day < %(end)s OFFSET 0) began USING (user_id)
    GROUP BY cohort, month
) counted
ORDER BY cohort, months_later

-- name: named
-- a part of the queries below: the tracks of a table `top`, with their names, in order. The smallest song_id, where the
-- catalogue has several lengths.
SELECT h.title, h.artist, top.plays, top.listeners, h.song_id, top.track_id
FROM top
CROSS JOIN LATERAL (SELECT min(title) AS title, min(artist) AS artist, min(song_id COLLATE "C") AS song_id
                    FROM analytics.heard_songs h WHERE h.track_id = top.track_id) h
ORDER BY top.plays DESC, top.listeners DESC, h.title COLLATE "C", h.artist COLLATE "C"
LIMIT %(limit)s

-- name: lacking
-- a part of the queries below: tracks of a table that the catalogue lacks in every length
NOT EXISTS (SELECT FROM analytics.heard_songs h WHERE h.track_id = {table}.track_id AND h.song_id IS NOT NULL)

-- name: most_heard
-- a part of the query below: the first of a table `heard`
most AS MATERIALIZED (
    SELECT track_id, plays FROM heard WHERE {wanted} ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)

-- name: most_lacking
-- the same of a short list of those that the catalogue lacks: looked for among the first of all, and among all when those are too few
first AS MATERIALIZED (
    SELECT track_id, plays FROM heard ORDER BY plays DESC LIMIT %(depth)s
),
first_lacking AS MATERIALIZED (
    SELECT track_id, plays FROM first
    WHERE (SELECT bool_and(song_id IS NULL) FROM analytics.heard_songs h WHERE h.track_id = first.track_id)
),
enough AS MATERIALIZED (
    SELECT count(*) >= %(limit)s AS are_found FROM first_lacking WHERE plays > (SELECT min(plays) FROM first)
),
most AS MATERIALIZED (
    SELECT track_id, plays
    FROM (SELECT track_id, plays FROM first_lacking WHERE (SELECT are_found FROM enough)
          UNION ALL
          SELECT track_id, plays FROM heard WHERE NOT (SELECT are_found FROM enough) AND {wanted}) lacking
    ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)

-- name: scan_songs
-- most played songs, out of users' days. Of a long list nearly every day has some: to look for them first would not pay.
WITH chosen AS MATERIALIZED (
    SELECT user_id, tracks FROM analytics.user_days
    WHERE day >= %(first)s AND day < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
),
heard AS (
    SELECT track_id, count(*) AS plays FROM (SELECT unnest(tracks) AS track_id FROM chosen) plays GROUP BY track_id
),
{most_wanted},
top AS (
    SELECT track_id, m.plays, count(DISTINCT user_id) AS listeners
    FROM (SELECT user_id, unnest(tracks) AS track_id FROM chosen
          WHERE %(limit)s > 100 OR tracks && (SELECT array_agg(track_id) FROM most)) plays
    JOIN most m USING (track_id)
    GROUP BY track_id, m.plays
)
{named}

-- name: scan_artists
-- most played artists, out of users' days
WITH chosen AS MATERIALIZED (
    SELECT user_id, artists FROM analytics.user_days
    WHERE day >= %(first)s AND day < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
),
heard AS (
    SELECT artist_key, count(*) AS plays FROM (SELECT unnest(artists) AS artist_key FROM chosen) plays GROUP BY artist_key
),
most AS MATERIALIZED (
    SELECT artist_key, plays FROM heard ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
),
top AS (
    SELECT artist_key, m.plays, count(DISTINCT user_id) AS listeners
    FROM (SELECT user_id, unnest(artists) AS artist_key FROM chosen
          WHERE %(limit)s > 100 OR artists && (SELECT array_agg(artist_key) FROM most)) plays
    JOIN most m USING (artist_key)
    GROUP BY artist_key, m.plays
)
{named_artists}

-- name: named_artists
-- a part of the queries above and below: the artists of a table `top`
SELECT h.artist, top.plays, top.listeners, h.artist_id
FROM top
CROSS JOIN LATERAL (SELECT min(artist) AS artist, min(artist_id COLLATE "C") AS artist_id
                    FROM analytics.heard_songs h WHERE h.artist_key = top.artist_key) h
ORDER BY top.plays DESC, top.listeners DESC, h.artist COLLATE "C"
LIMIT %(limit)s

-- name: candidates
-- a part of the queries below. Of each month and level the `depth` most played of those that are `listed`; what is in none
-- of these lists has at most `bound` plays, what is in some at most `most`. Some are counted exactly, and then all those that
-- can have as many as the `threshold`; none, when what is in no list can have as many, too.
parts AS MATERIALIZED (
    SELECT start AS month, level
    FROM analytics.listeners
    WHERE period = 'month' AND level IS NOT NULL AND (%(level)s::text IS NULL OR level = %(level)s)
      AND start >= date_trunc('month', %(first)s::date) AND start < %(end)s
),
lists AS MATERIALIZED (
    SELECT p.month, p.level, l.key, l.plays,
           CASE WHEN count(*) OVER w = %(depth)s THEN min(l.plays) OVER w ELSE %(unlisted)s END AS lowest
    FROM parts p
    LEFT JOIN LATERAL (
        SELECT {key} AS key, plays FROM {rollup} r
        WHERE r.month = p.month AND hashtextextended(r.level, 0) = hashtextextended(p.level, 0) AND {listed}
        ORDER BY plays DESC LIMIT %(depth)s
    ) l ON true
    WINDOW w AS (PARTITION BY p.month, p.level)
),
bound AS MATERIALIZED (
    SELECT coalesce(sum(lowest), 0) AS plays FROM (SELECT DISTINCT month, level, lowest FROM lists) l
),
estimates AS MATERIALIZED (
    SELECT key, (SELECT plays FROM bound) + sum(plays - lowest) AS most
    FROM lists WHERE key IS NOT NULL GROUP BY key
),
probe AS MATERIALIZED (
    SELECT key FROM estimates ORDER BY most DESC LIMIT 2 * %(limit)s
),
threshold AS MATERIALIZED (
    SELECT coalesce((SELECT plays FROM ({count_probe}) p ORDER BY plays DESC OFFSET %(limit)s - 1 LIMIT 1), 0) AS plays
),
candidates AS MATERIALIZED (
    SELECT key FROM estimates CROSS JOIN threshold CROSS JOIN bound
    WHERE most >= threshold.plays AND (threshold.plays > bound.plays OR bound.plays = 0)
),
most AS MATERIALIZED (
    SELECT key, plays FROM ({count_candidates}) c ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)

-- name: in_part
-- a part of the queries below: of a month that is cut, the plays on the days that are chosen; `days` is in order, so none is looked at
width_bucket(least(%(end)s::date - month, 31)::smallint, days) - width_bucket(greatest(%(first)s::date - month, 0)::smallint, days)

-- name: on_level
-- a part of the queries below, as the keys of the rollups have it
(%(level)s::text IS NULL OR hashtextextended(level, 0) = hashtextextended(%(level)s, 0))

-- name: count_songs
-- a part of the queries around: exact plays of the tracks in a table
SELECT key, sum(CASE WHEN month = ANY(%(cut_months)s::date[]) THEN {in_part} ELSE plays END)::bigint AS plays
FROM {table} JOIN analytics.track_months ON track_id = key
WHERE month >= date_trunc('month', %(first)s::date) AND month < %(end)s AND {on_level}
GROUP BY key

-- name: count_artists
-- the same of artists; of months that are cut, by way of their tracks
SELECT key, sum(plays)::bigint AS plays
FROM (
    SELECT key, t.plays FROM {table} JOIN analytics.artist_months t ON t.artist_key = key
    WHERE %(months)s::date < %(months_end)s::date AND month >= %(months)s AND month < %(months_end)s AND {on_level}
    UNION ALL
    SELECT key, {in_part}
    FROM (SELECT DISTINCT key, track_id FROM {table} JOIN analytics.heard_songs ON artist_key = key
          WHERE cardinality(%(cut_months)s::date[]) > 0) tracks
    JOIN analytics.track_months USING (track_id)
    WHERE month = ANY(%(cut_months)s::date[]) AND {on_level}
) counted
GROUP BY key

-- name: count_artists_by_days
-- the same of artists, play by play, on days of one month
SELECT key, count(*) AS plays
FROM (SELECT unnest(artists) AS key FROM analytics.user_days WHERE day >= %(first)s AND day < %(end)s AND {on_level}) heard
JOIN {table} USING (key)
GROUP BY key

-- name: rank_songs
-- most played songs, out of the rollup of months; `bound` says whether the lists were deep enough
WITH {candidates},
top AS (
    SELECT key AS track_id, m.plays, count(DISTINCT e.user_id) AS listeners
    FROM most m JOIN analytics.track_months t ON t.track_id = key CROSS JOIN unnest(t.users, t.days) AS e (user_id, day)
    WHERE month >= date_trunc('month', %(first)s::date) AND month < %(end)s
      AND month + e.day - 1 >= %(first)s AND month + e.day - 1 < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s)
    GROUP BY key, m.plays
),
named AS (
    {named}
)
SELECT named.*, bound.plays::bigint AS bound FROM bound LEFT JOIN named ON true

-- name: rank_artists
-- most played artists, out of the rollups of months
WITH {candidates},
top AS (
    SELECT key AS artist_key, m.plays, count(DISTINCT e.user_id) AS listeners
    FROM (SELECT DISTINCT key, m.plays, track_id FROM most m JOIN analytics.heard_songs ON artist_key = key) m
    JOIN analytics.track_months t USING (track_id) CROSS JOIN unnest(t.users, t.days) AS e (user_id, day)
    WHERE month >= date_trunc('month', %(first)s::date) AND month < %(end)s
      AND month + e.day - 1 >= %(first)s AND month + e.day - 1 < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s)
    GROUP BY key, m.plays
),
named AS (
    {named_artists}
)
SELECT named.*, bound.plays::bigint AS bound FROM bound LEFT JOIN named ON true

-- name: scan_plays
-- how often some tracks were heard, out of users' days. To compare the tracks costs most, so only those of the place are compared:
-- in one WHERE, PostgreSQL would look at the place last.
WITH chosen AS MATERIALIZED (
    SELECT tracks FROM analytics.user_days
    WHERE day >= %(first)s AND day < %(end)s AND (%(level)s::text IS NULL OR level = %(level)s) AND {at_place}
)
SELECT track_id AS key, count(*) AS plays
FROM (SELECT unnest(tracks) AS track_id FROM chosen WHERE tracks && %(tracks)s::bigint[]) plays
WHERE track_id = ANY(%(tracks)s::bigint[])
GROUP BY track_id

-- name: rank_plays
-- how often some tracks were heard, out of the rollup of months
WITH wanted AS (
    SELECT unnest(%(tracks)s::bigint[]) AS key
)
{count_wanted}

-- name: locations
-- all places
SELECT location, sum(plays)::bigint AS plays FROM analytics.user_months WHERE location IS NOT NULL GROUP BY location

-- name: quality
-- the state of the data
SELECT (SELECT row_count FROM etl.row_counts WHERE table_name = 'songplays') AS plays,
       (SELECT row_count FROM etl.row_counts WHERE table_name = 'matched') AS matched,
       rejected, lines,
       (SELECT max(finished_at) FROM etl.runs WHERE state = 'published') AS loaded_at,
       (SELECT count(*) FROM etl.runs WHERE state = 'held') AS held_runs,
       (SELECT count(*) FROM etl.runs WHERE state = 'failed') AS failed_runs
FROM (SELECT sum(rejected)::bigint AS rejected, sum(lines)::bigint AS lines FROM etl.files) files
