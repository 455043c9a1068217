-- name: search
-- Find songs whose artist and title together have all words. One row per song, most plays first. Few names are not ASCII, and only
-- those need the regular expression. One OFFSET 0 keeps the name from being computed for each word, the other makes PostgreSQL look up
-- the names only of these songs.
WITH found AS MATERIALIZED (
    SELECT DISTINCT track_id
    FROM (SELECT track_id, artist || ' ' || title AS name, lower(artist || ' ' || title) AS small FROM analytics.heard_songs OFFSET 0) heard
    WHERE NOT EXISTS (SELECT FROM unnest(%(likes)s::text[], %(expressions)s::text[]) AS word (like_it, expression)
                      WHERE NOT (small LIKE like_it OR octet_length(name) > length(name) AND name ~ expression IS TRUE))
),
most AS MATERIALIZED (
    SELECT track_id, sum(plays)::bigint AS plays FROM found JOIN analytics.track_months USING (track_id)
    GROUP BY track_id ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)
SELECT track_id, title, artist, plays, song_id
FROM most
CROSS JOIN LATERAL (SELECT title, artist, song_id FROM analytics.tracks t WHERE t.track_id = most.track_id OFFSET 0) named
ORDER BY plays DESC, title COLLATE "C", artist COLLATE "C"
LIMIT %(limit)s

-- name: song
-- Find the names of a song and count its plays. One row, or none if nobody heard it.
SELECT track_id, title, artist,
       (SELECT coalesce(sum(plays), 0)::bigint FROM analytics.track_months t WHERE t.track_id = tracks.track_id) AS plays, song_id
FROM analytics.tracks WHERE track_id = %(track_id)s

-- name: artist
-- Find the songs of an artist, by any spelling of the name, and count their plays. One row.
SELECT count(*) AS songs, (SELECT coalesce(sum(plays), 0)::bigint FROM analytics.track_months WHERE track_id = ANY(array_agg(f.track_id))) AS plays,
       array_agg(track_id ORDER BY track_id) AS track_ids
FROM (SELECT DISTINCT track_id FROM analytics.heard_songs
      WHERE artist_key IN (SELECT analytics.text_id(name) FROM unnest(%(names)s::text[]) AS name)) f

-- name: songs
-- Find the most played of the songs. One row per song.
WITH {heard},
top AS (
    SELECT track_id, count(*) AS plays, count(DISTINCT user_id) AS listeners FROM heard GROUP BY track_id
)
{named_tracks}

-- name: heard
-- This common table has one row per play of the songs: who heard it, on which day and at which level.
heard AS (
    SELECT track_id, u.user_id, month + u.day - 1 AS day, level
    FROM analytics.track_months, unnest(users, days) AS u (user_id, day)
    WHERE track_id = ANY(%(track_ids)s::bigint[]) AND month >= analytics.month_of(%(first)s::date) AND month < %(end)s
      AND month + u.day - 1 >= %(first)s AND month + u.day - 1 < %(end)s
      AND {at_level}
)

-- name: heard_there
-- This common table has the plays of the songs on local days, at one place or at any. It looks up the time and the place of each play
-- in the days of the users who heard the songs. MATERIALIZED, because the planner would read all days if it joined users at once.
heard AS MATERIALIZED (
    SELECT track AS track_id, d.user_id, (at AT TIME ZONE %(zone)s)::date AS day, d.level
    FROM (SELECT DISTINCT u.user_id, month + u.day - 1 AS day
          FROM analytics.track_months, unnest(users, days) AS u (user_id, day)
          WHERE track_id = ANY(%(track_ids)s::bigint[]) AND month >= analytics.month_of(%(begin_day)s::date) AND month < %(past_day)s
            AND month + u.day - 1 >= %(begin_day)s AND month + u.day - 1 < %(past_day)s) days
    JOIN analytics.user_days d USING (user_id, day)
    CROSS JOIN unnest(d.tracks, d.quarters) AS play (track, quarter)
    CROSS JOIN LATERAL (SELECT (day + quarter * interval '15 minutes') AT TIME ZONE 'UTC' AS at) moments
    WHERE track = ANY(%(track_ids)s::bigint[]) AND at >= %(begins)s AND at < %(ends)s AND {at_level}
      AND (%(anywhere)s OR d.location = ANY(%(places)s::text[]))
)

-- name: history
-- Count the plays and listeners of the songs. One row per day, week or month with plays.
WITH {heard}
SELECT date_trunc(%(period)s, day)::date AS start, count(*) AS plays, count(DISTINCT user_id) AS listeners
FROM heard GROUP BY 1 ORDER BY 1

-- name: audience
-- Count the plays and listeners of the songs. One row per level and gender.
WITH {heard}
SELECT heard.level, gender, count(*) AS plays, count(DISTINCT user_id) AS listeners
FROM heard JOIN users u USING (user_id)
GROUP BY heard.level, gender ORDER BY heard.level COLLATE "C", gender COLLATE "C"

-- name: fans
-- Find the users with the most plays of the songs. One row per user.
WITH {heard}
SELECT user_id, concat_ws(' ', first_name, last_name) AS name, u.level, count(*) AS plays, min(day) AS first_day, max(day) AS last_day
FROM heard JOIN users u USING (user_id)
GROUP BY user_id, first_name, last_name, u.level ORDER BY plays DESC, user_id LIMIT %(limit)s
