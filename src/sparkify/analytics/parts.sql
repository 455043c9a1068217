-- name: at_level
-- This condition selects the level of a question, in any query with a column of that name.
(%(level)s::text IS NULL OR level = %(level)s)

-- name: at_level_key
-- This condition selects the level of a question by its hash, which the indexes of the rollups hold.
(%(level)s::text IS NULL OR hashtextextended(level, 0) = hashtextextended(%(level)s, 0))

-- name: in_whole_months
-- This condition selects the whole months of a question's days.
month >= %(months)s AND month < %(months_end)s

-- name: on_cut_days
-- This condition selects the days outside these months.
(day >= %(first)s AND day < %(months)s OR day >= %(months_end)s AND day < %(end)s)

-- name: at_one_place
-- This condition selects the days or months of users at a place; the indexes hold the hash.
hashtextextended(location, 0) = hashtextextended({place}, 0) AND location = {place}

-- name: cuts
-- This subquery has the users' days that a selection cuts, each with the plays inside: two UTC days at most, and none if the
-- selection is of UTC days itself.
-- Plays are in order of time, so it takes slices of the arrays.
(SELECT user_id, day, level, location, user_agent_id, upto - past AS plays,
        (SELECT sum(length)::bigint FROM unnest(lengths[past + 1:upto]) AS length) AS milliseconds,
        quarters[past + 1:upto] AS quarters, tracks[past + 1:upto] AS tracks, artists[past + 1:upto] AS artists,
        lengths[past + 1:upto] AS lengths
 FROM (SELECT d.*, width_bucket((%(cut_from)s::smallint[])[number] - 1, quarters::integer[]) AS past,
              width_bucket((%(cut_until)s::smallint[])[number] - 1, quarters::integer[]) AS upto
       FROM (SELECT *, array_position(%(cut_days)s::date[], day) AS number
             FROM analytics.user_days
             WHERE day = ANY(%(cut_days)s::date[]) AND day >= %(begin_day)s AND day < %(past_day)s) d) cut
 WHERE upto > past) cuts

-- name: listening
-- This common table has the plays of users, in rows to be added up: whole months come from the rollup, cut months from the days.
listening AS (
    SELECT user_id, level, location, user_agent_id, plays, milliseconds FROM analytics.user_months
    WHERE {in_whole_months} AND {at_level} AND {at_place}
    UNION ALL
    SELECT user_id, level, location, user_agent_id, plays, milliseconds FROM analytics.user_days
    WHERE {on_cut_days} AND {at_level} AND {at_place}
    UNION ALL
    SELECT user_id, level, location, user_agent_id, plays, milliseconds FROM {cuts} WHERE {at_level} AND {at_place}
)

-- name: listening_anywhere
-- This common table is like `listening`, without places and devices, for questions about neither.
listening AS (
    SELECT user_id, level, plays, milliseconds FROM analytics.user_months
    WHERE {in_whole_months} AND {at_level}
    UNION ALL
    SELECT user_id, level, plays, milliseconds FROM analytics.user_days
    WHERE {on_cut_days} AND {at_level}
    UNION ALL
    SELECT user_id, level, plays, milliseconds FROM {cuts} WHERE {at_level}
)

-- name: days
-- This subquery has the users' days of the selection.
(SELECT * FROM analytics.user_days WHERE day >= %(first)s AND day < %(end)s UNION ALL SELECT * FROM {cuts}) days

-- name: is_new
-- This condition selects the users who had not listened before the selection.
(first_day, first_quarter) >= (%(begin_day)s::date, %(begin_quarter)s)

-- name: named_tracks
-- This query adds names to the tracks of a common table `top`, in order. OFFSET 0 makes PostgreSQL look each up: a join would read all
-- heard songs.
SELECT h.title, h.artist, top.plays, top.listeners, h.song_id, top.track_id
FROM top
CROSS JOIN LATERAL (SELECT title, artist, song_id FROM analytics.tracks t WHERE t.track_id = top.track_id OFFSET 0) h
ORDER BY top.plays DESC, top.listeners DESC, h.title COLLATE "C", h.artist COLLATE "C"
LIMIT %(limit)s
