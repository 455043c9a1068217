-- name: search
-- songs of which title and artist together have all of some words, most plays first
WITH found AS (
    SELECT track_id, min(title) AS title, min(artist) AS artist, min(song_id COLLATE "C") AS song_id
    FROM analytics.heard_songs
    WHERE lower(artist || ' ' || title) LIKE ALL (%(words)s::text[])
       OR lower(artist || ' ' || title) LIKE ALL (%(doubled)s::text[])
    GROUP BY track_id
)
SELECT track_id, title, artist, sum(plays)::bigint AS plays, song_id
FROM found JOIN analytics.track_months USING (track_id)
GROUP BY track_id, title, artist, song_id
ORDER BY plays DESC, title COLLATE "C", artist COLLATE "C"
LIMIT %(limit)s

-- name: heard
-- a part of the queries below: who heard the track, on which day, a row for each play
heard AS (
    SELECT u.user_id, month + u.day - 1 AS day, level
    FROM analytics.track_months, unnest(users, days) AS u (user_id, day)
    WHERE track_id = %(track_id)s AND month >= date_trunc('month', %(first)s::date) AND month < %(end)s
      AND month + u.day - 1 >= %(first)s AND month + u.day - 1 < %(end)s
      AND (%(level)s::text IS NULL OR level = %(level)s)
)

-- name: heard_at_place
-- the same at one place
heard AS (
    SELECT user_id, day, level
    FROM analytics.user_days, unnest(tracks) AS track
    WHERE track = %(track_id)s AND location = %(location)s AND day >= %(first)s AND day < %(end)s
      AND (%(level)s::text IS NULL OR level = %(level)s)
)

-- name: history
-- its plays and listeners by day, week or month
WITH {heard}
SELECT date_trunc(%(period)s, day)::date AS start, count(*) AS plays, count(DISTINCT user_id) AS listeners
FROM heard GROUP BY 1 ORDER BY 1

-- name: audience
-- how many listen to it, by level and gender
WITH {heard}
SELECT heard.level, gender, count(*) AS plays, count(DISTINCT user_id) AS listeners
FROM heard JOIN users u USING (user_id)
GROUP BY heard.level, gender ORDER BY heard.level COLLATE "C", gender COLLATE "C"

-- name: fans
-- who listens to it most
WITH {heard}
SELECT user_id, concat_ws(' ', first_name, last_name) AS name, u.level, count(*) AS plays, min(day) AS first_day, max(day) AS last_day
FROM heard JOIN users u USING (user_id)
GROUP BY user_id, first_name, last_name, u.level ORDER BY plays DESC, user_id LIMIT %(limit)s
