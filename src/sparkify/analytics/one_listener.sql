-- name: person
-- Find what the warehouse knows of a user. One row, or none.
SELECT user_id, concat_ws(' ', first_name, last_name) AS name, gender, level,
       ((first_day + first_quarter * interval '15 minutes') AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS first_day,
       (SELECT (max(day + quarters[plays] * interval '15 minutes') AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date
        FROM analytics.user_days d WHERE d.user_id = u.user_id) AS last_day
FROM users u JOIN analytics.first_days USING (user_id)
WHERE user_id = %(user_id)s

-- name: heard
-- This common table has the user's plays on local days.
heard AS MATERIALIZED (
    SELECT (at AT TIME ZONE %(zone)s)::date AS day, level, length, track AS track_id
    FROM analytics.user_days d
    CROSS JOIN unnest(tracks, quarters, lengths) AS play (track, quarter, length)
    CROSS JOIN LATERAL (SELECT (d.day + quarter * interval '15 minutes') AT TIME ZONE 'UTC' AS at) moments
    WHERE user_id = %(user_id)s AND d.day >= %(begin_day)s AND d.day < %(past_day)s AND at >= %(begins)s AND at < %(ends)s
      AND {at_level}
      AND (%(places)s::text[] = '{{}}' OR location = ANY(%(places)s::text[]))
)

-- name: totals
-- Count the user's plays and seconds, of all levels: rounded once. One row.
WITH {heard}
SELECT count(*) AS plays, coalesce(round(sum(length) / 1000.0), 0)::bigint AS seconds FROM heard

-- name: trend
-- Count the user's plays and seconds. One row per day, week or month with plays.
WITH {heard}
SELECT date_trunc(%(period)s, day::timestamp)::date AS start, count(*) AS plays,
       round(sum(length) / 1000.0)::bigint AS seconds
FROM heard GROUP BY 1 ORDER BY 1

-- name: levels
-- Count the user's plays and seconds. One row per level.
WITH {heard}
SELECT level, count(*) AS plays, round(sum(length) / 1000.0)::bigint AS seconds,
       min(day) AS first_day, max(day) AS last_day
FROM heard GROUP BY level ORDER BY level COLLATE "C"

-- name: songs
-- Find the songs that the user played most. One row per song. OFFSET 0 makes PostgreSQL look up the
-- names of only these songs.
WITH {heard},
most AS MATERIALIZED (
    SELECT track_id, count(*) AS plays FROM heard
    GROUP BY track_id ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)
SELECT title, artist, plays, song_id, track_id
FROM most
CROSS JOIN LATERAL (SELECT title, artist, song_id FROM analytics.tracks t WHERE t.track_id = most.track_id OFFSET 0) named
ORDER BY plays DESC, title COLLATE "C", artist COLLATE "C"
LIMIT %(limit)s
