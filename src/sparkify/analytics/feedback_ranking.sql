-- name: given
-- These rows have the feedback by track of whole months, and of the days of cut months.
(SELECT tracks, thumbs_up, thumbs_down, playlist_adds, friends_added FROM analytics.track_feedback_months
 WHERE {in_whole_months} AND {at_level}
 UNION ALL
 SELECT tracks, thumbs_up, thumbs_down, playlist_adds, friends_added FROM analytics.track_feedback_days
 WHERE {on_cut_days} AND {at_level})

-- name: add_up
-- Add up the feedback after each track. One row per song with most.
WITH songs AS (
    SELECT track_id, sum(up)::bigint AS thumbs_up, sum(down)::bigint AS thumbs_down, sum(added)::bigint AS playlist_adds,
           sum(friends)::bigint AS friends_added
    FROM (SELECT unnest(tracks) AS track_id, unnest(thumbs_up) AS up, unnest(thumbs_down) AS down, unnest(playlist_adds) AS added,
                 unnest(friends_added) AS friends
          FROM {given} given) tracks
    GROUP BY track_id
)
{named}

-- name: rank
-- Find the songs with most feedback in the lists of the months. One row per song. A track that is not in a list has at most as much
-- as the last one there. The tracks that may have most are counted; none of the others has more than `others`. To read an element,
-- PostgreSQL reads the whole array: so the arrays of a month are read once, and all tracks are looked for in them.
WITH lists AS MATERIALIZED (
    SELECT most, most_given, most_given[cardinality(most_given)] AS lowest
    FROM analytics.track_feedback_months
    WHERE month >= analytics.month_of(%(first)s::date) AND month < %(end)s AND {at_level}
),
estimates AS MATERIALIZED (
    SELECT track_id, sum(given - lowest) + (SELECT sum(lowest) FROM lists) AS given
    FROM (SELECT unnest(most) AS track_id, unnest(most_given) AS given, lowest FROM lists) listed
    GROUP BY track_id ORDER BY 2 DESC LIMIT %(depth)s + 1
),
chosen AS MATERIALIZED (
    SELECT track_id FROM estimates ORDER BY given DESC LIMIT %(depth)s
),
songs AS (
    SELECT track_id, sum(up)::bigint AS thumbs_up, sum(down)::bigint AS thumbs_down, sum(added)::bigint AS playlist_adds,
           sum(friends)::bigint AS friends_added
    FROM (SELECT track_id, thumbs_up[place] AS up, thumbs_down[place] AS down, playlist_adds[place] AS added, friends_added[place] AS friends
          FROM (SELECT tracks || '{{}}' AS tracks, thumbs_up || '{{}}' AS thumbs_up, thumbs_down || '{{}}' AS thumbs_down,
                       playlist_adds || '{{}}' AS playlist_adds, friends_added || '{{}}' AS friends_added
                FROM analytics.track_feedback_months
                WHERE {in_whole_months} AND {at_level} OFFSET 0) months
          CROSS JOIN LATERAL (SELECT track_id, width_bucket(track_id, tracks) AS place FROM chosen OFFSET 0) found
          WHERE tracks[place] = track_id
          UNION ALL
          SELECT * FROM (
              SELECT unnest(tracks) AS track_id, unnest(thumbs_up), unnest(thumbs_down), unnest(playlist_adds), unnest(friends_added)
              FROM analytics.track_feedback_days
              WHERE {on_cut_days} AND {at_level}) days
          WHERE track_id IN (SELECT track_id FROM chosen)) tracks
    GROUP BY track_id
),
named AS (
    {named}
)
SELECT named.*, others.given::bigint AS others
FROM (SELECT greatest((SELECT sum(lowest) FROM lists), (SELECT given FROM estimates ORDER BY given DESC OFFSET %(depth)s)) AS given) others
LEFT JOIN named ON true

-- name: named
-- This query adds names to the tracks with most feedback of a common table `songs`, in order. OFFSET 0 makes PostgreSQL look each up.
SELECT title, artist, thumbs_up, thumbs_down, playlist_adds, friends_added, track_id
FROM (SELECT * FROM songs ORDER BY thumbs_up + thumbs_down + playlist_adds + friends_added DESC FETCH FIRST %(limit)s ROWS WITH TIES) top
CROSS JOIN LATERAL (SELECT title, artist FROM analytics.tracks t WHERE t.track_id = top.track_id OFFSET 0) h
ORDER BY thumbs_up + thumbs_down + playlist_adds + friends_added DESC, title COLLATE "C", artist COLLATE "C"
LIMIT %(limit)s
