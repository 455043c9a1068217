-- name: named_artists
-- This query adds names to the artists of a common table `top`, in order.
SELECT h.artist, top.plays, top.listeners, h.artist_id
FROM top
CROSS JOIN LATERAL (SELECT min(artist) AS artist, min(artist_id COLLATE "C") AS artist_id
                    FROM analytics.heard_songs h WHERE h.artist_key = top.artist_key) h
ORDER BY top.plays DESC, top.listeners DESC, h.artist COLLATE "C"
LIMIT %(limit)s

-- name: lacking
-- This condition selects the tracks that are not in the catalogue at any length.
NOT EXISTS (SELECT FROM analytics.heard_songs h WHERE h.track_id = {table}.track_id AND h.song_id IS NOT NULL)

-- name: most_heard
-- This common table has the most played tracks of a common table `heard`.
most AS MATERIALIZED (
    SELECT track_id, plays FROM heard WHERE {wanted} ORDER BY plays DESC FETCH FIRST %(limit)s ROWS WITH TIES
)

-- name: most_lacking
-- These common tables find the most played tracks of `heard` that the catalogue lacks. They look among the most played tracks first, and
-- among all only if they find too few. This pays only for a short list.
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
-- Find the most played songs by counting all plays of the users' days. One row per song. For a long list, it does not first select
-- the days that have some of its songs: nearly every day has one.
WITH chosen AS MATERIALIZED (
    SELECT user_id, tracks FROM {days} WHERE {at_level} AND {at_place}
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
{named_tracks}

-- name: scan_artists
-- Find the most played artists by counting all plays of the users' days. One row per artist.
WITH chosen AS MATERIALIZED (
    SELECT user_id, artists FROM {days} WHERE {at_level} AND {at_place}
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

-- name: candidates
-- These common tables find the first keys of a rollup without adding up all of it. They take the `depth` most
-- played keys of each month and level, as far as `listed`. A key in none of these lists has at most `bound`
-- plays; a key in some has at most `most`. They count a few exactly, to find the `threshold`; then they count
-- all keys that can reach it. If a key that is in no list could reach it, too, the lists are not deep enough,
-- and there are no candidates.
{cut_plays}
parts AS MATERIALIZED (
    SELECT start AS month, level
    FROM analytics.listeners
    WHERE period = 'month' AND level IS NOT NULL AND {at_level}
      AND start >= analytics.month_of(%(first)s::date) AND start < %(end)s
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
    UNION ALL
    SELECT NULL, NULL, key, count(*), 0 FROM (SELECT key, key AS {key} FROM cut_plays) cut WHERE {cut_wanted} GROUP BY key
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
-- This expression counts the plays of a cut month on the days of the selection. `days` is sorted, so two searches are enough.
width_bucket(least(%(end)s::date - month, 31)::smallint, days) - width_bucket(greatest(%(first)s::date - month, 0)::smallint, days)

-- name: count_songs
-- Count the plays of the tracks whose keys are in a table. One row per track.
SELECT key, sum(plays)::bigint AS plays
FROM (
    SELECT key, CASE WHEN month = ANY(%(cut_months)s::date[]) THEN {in_part} ELSE plays END AS plays
    FROM {table} JOIN analytics.track_months ON track_id = key
    WHERE month >= analytics.month_of(%(first)s::date) AND month < %(end)s AND {at_level_key}
    UNION ALL
    SELECT key, 1 FROM cut_plays WHERE (key IN (SELECT key FROM {table})) IS TRUE
) counted
GROUP BY key

-- name: count_artists
-- Count the plays of the artists whose keys are in a table; in cut months, those of their tracks. One row per artist.
SELECT key, sum(plays)::bigint AS plays
FROM (
    SELECT key, t.plays FROM {table} JOIN analytics.artist_months t ON t.artist_key = key
    WHERE %(months)s::date < %(months_end)s::date AND {in_whole_months} AND {at_level_key}
    UNION ALL
    SELECT key, {in_part}
    FROM (SELECT DISTINCT key, track_id FROM {table} JOIN analytics.heard_songs ON artist_key = key
          WHERE cardinality(%(cut_months)s::date[]) > 0) tracks
    JOIN analytics.track_months USING (track_id)
    WHERE month = ANY(%(cut_months)s::date[]) AND {at_level_key}
    UNION ALL
    SELECT key, 1 FROM cut_plays WHERE (key IN (SELECT key FROM {table})) IS TRUE
) counted
GROUP BY key

-- name: count_artists_by_days
-- Count the plays of the artists whose keys are in a table, play by play, on days of one month. One row per artist.
SELECT key, count(*) AS plays
FROM (SELECT unnest(artists) AS key FROM {days} WHERE {at_level_key}) heard
JOIN {table} USING (key)
GROUP BY key

-- name: rank_songs
-- Find the most played songs in the rollup of months. One row per song; `bound` tells whether the lists were deep enough.
WITH {candidates},
top AS (
    SELECT key AS track_id, plays, count(DISTINCT user_id) AS listeners
    FROM (
        SELECT key, m.plays, e.user_id
        FROM most m JOIN analytics.track_months t ON t.track_id = key CROSS JOIN unnest(t.users, t.days) AS e (user_id, day)
        WHERE month >= analytics.month_of(%(first)s::date) AND month < %(end)s
          AND month + e.day - 1 >= %(first)s AND month + e.day - 1 < %(end)s AND {at_level}
        UNION ALL
        SELECT m.key, m.plays, c.user_id
        FROM most m JOIN (SELECT * FROM cut_plays WHERE (key IN (SELECT key FROM most)) IS TRUE) c ON c.key = m.key
    ) users
    GROUP BY key, plays
),
named AS (
    {named_tracks}
)
SELECT named.*, bound.plays::bigint AS bound FROM bound LEFT JOIN named ON true

-- name: rank_artists
-- Find the most played artists in the rollups of months. One row per artist, with `bound` as for songs.
WITH {candidates},
top AS (
    SELECT key AS artist_key, plays, count(DISTINCT user_id) AS listeners
    FROM (
        SELECT key, m.plays, e.user_id
        FROM (SELECT DISTINCT key, m.plays, track_id FROM most m JOIN analytics.heard_songs ON artist_key = key) m
        JOIN analytics.track_months t USING (track_id) CROSS JOIN unnest(t.users, t.days) AS e (user_id, day)
        WHERE month >= analytics.month_of(%(first)s::date) AND month < %(end)s
          AND month + e.day - 1 >= %(first)s AND month + e.day - 1 < %(end)s AND {at_level}
        UNION ALL
        SELECT m.key, m.plays, c.user_id
        FROM most m JOIN (SELECT * FROM cut_plays WHERE (key IN (SELECT key FROM most)) IS TRUE) c ON c.key = m.key
    ) users
    GROUP BY key, plays
),
named AS (
    {named_artists}
)
SELECT named.*, bound.plays::bigint AS bound FROM bound LEFT JOIN named ON true

-- name: scan_plays
-- Count the plays of some tracks in the users' days. One row per track with plays. Comparing tracks costs most, so a separate
-- query selects the place first: in one WHERE, PostgreSQL would look at the place last.
WITH chosen AS MATERIALIZED (
    SELECT tracks FROM {days} WHERE {at_level} AND {at_place}
)
SELECT track_id AS key, count(*) AS plays
FROM (SELECT unnest(tracks) AS track_id FROM chosen WHERE tracks && %(tracks)s::bigint[]) plays
WHERE track_id = ANY(%(tracks)s::bigint[])
GROUP BY track_id

-- name: rank_plays
-- Count the plays of some tracks in the rollup of months. One row per track with plays.
WITH {cut_plays}
wanted AS (
    SELECT unnest(%(tracks)s::bigint[]) AS key
)
{count_wanted}

-- name: cut_plays
-- This common table has the plays on the days that a selection cuts. None is missing, so it adds nothing to the bound.
-- Where its keys are compared with others, IS TRUE makes PostgreSQL hash these: a join would compare each with each, since hash joins
-- are off.
cut_plays AS MATERIALIZED (
    SELECT user_id, unnest({keys}) AS key FROM {cuts} WHERE {at_level}
),
