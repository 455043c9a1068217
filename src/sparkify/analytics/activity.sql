-- name: days
-- Find the first and the last day with plays or page views. One row.
SELECT least(p.first, h.first) AS first, greatest(p.last, h.last) AS last
FROM (SELECT min(day) AS first, max(day) AS last FROM analytics.page_days) p,
     (SELECT min(start) AS first, max(start) AS last FROM analytics.listeners WHERE period = 'day') h

-- name: viewed
-- This common table has the page views in rows to be added up: whole months come from the rollup of months, cut months from that of days.
viewed AS MATERIALIZED (
    SELECT page, level, views, errors, users FROM analytics.page_months
    WHERE {in_whole_months} AND {at_level}
    UNION ALL
    SELECT page, level, views, errors, users FROM analytics.page_days
    WHERE {on_cut_days} AND {at_level}
)

-- name: pages
-- Count page views, the users who saw each page, and errors. One row per page.
WITH {viewed}
SELECT page, views, (SELECT count(*) FROM (SELECT DISTINCT unnest(v.users) FROM viewed v WHERE v.page = p.page) u) AS users, errors
FROM (SELECT page, sum(views)::bigint AS views, sum(errors)::bigint AS errors FROM viewed GROUP BY page) p
ORDER BY views DESC, page COLLATE "C"

-- name: page_days
-- List the page views of each day. One row per day, page and level.
SELECT day, page, level, views, users, errors
FROM analytics.page_views_by_day
WHERE day >= %(first)s AND day < %(end)s AND {at_level}
ORDER BY day, page COLLATE "C", level COLLATE "C"

-- name: errors
-- Count page views that failed. One row per day and page with errors.
SELECT day, page, sum(errors)::bigint AS errors, sum(views)::bigint AS views,
       (SELECT count(*) FROM (
           SELECT DISTINCT unnest(users) FROM analytics.page_days u WHERE u.day = d.day AND u.page = d.page AND {at_level}) users) AS users
FROM analytics.page_days d
WHERE day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY day, page HAVING sum(errors) > 0
ORDER BY day, page COLLATE "C"

-- name: feedback
-- Count what users said of songs and whom they befriended, also for each hour heard. One row per day and level with either.
SELECT day, level, thumbs_up, thumbs_down, playlist_adds, friends_added, milliseconds / 3600000.0::float AS hours,
       analytics.per_hour(thumbs_up, milliseconds)::float AS thumbs_up_per_hour, analytics.per_hour(thumbs_down, milliseconds)::float AS thumbs_down_per_hour,
       analytics.per_hour(playlist_adds, milliseconds)::float AS playlist_adds_per_hour, analytics.per_hour(friends_added, milliseconds)::float AS friends_added_per_hour
FROM (SELECT day, level, coalesce(sum(views) FILTER (WHERE page = 'Thumbs Up'), 0)::bigint AS thumbs_up,
             coalesce(sum(views) FILTER (WHERE page = 'Thumbs Down'), 0)::bigint AS thumbs_down,
             coalesce(sum(views) FILTER (WHERE page = 'Add to Playlist'), 0)::bigint AS playlist_adds,
             coalesce(sum(views) FILTER (WHERE page = 'Add Friend'), 0)::bigint AS friends_added,
             sum(milliseconds)::bigint AS milliseconds
      FROM {days_and_hours} days
      WHERE page IS NULL OR analytics.is_feedback(page)
      GROUP BY day, level) days
ORDER BY day, level COLLATE "C"

-- name: adverts
-- Count the adverts on the free level, also for each hour heard there. One row per day with either.
SELECT day, adverts, milliseconds / 3600000.0::float AS hours, analytics.per_hour(adverts, milliseconds)::float AS adverts_per_hour
FROM (SELECT day, coalesce(sum(views), 0)::bigint AS adverts, sum(milliseconds)::bigint AS milliseconds
      FROM {days_and_hours} days
      WHERE level = 'free' AND (page IS NULL OR page = 'Roll Advert')
      GROUP BY day) days
ORDER BY day

-- name: days_and_hours
-- These rows have the page views of each day, page and level, and the milliseconds heard at each level, without a page.
(SELECT day, level, page, views, 0 AS milliseconds FROM analytics.page_days
 WHERE day >= %(first)s AND day < %(end)s AND {at_level}
 UNION ALL
 SELECT start, level, NULL, 0, milliseconds FROM analytics.listeners
 WHERE period = 'day' AND level IS NOT NULL AND start >= %(first)s AND start < %(end)s AND {at_level})

-- name: sessions
-- Sum up the sessions that began. One row per day.
SELECT day, sum(sessions)::bigint AS sessions, sum(without_plays)::bigint AS without_plays, sum(plays)::bigint AS plays,
       sum(views)::bigint AS views, sum(seconds)::bigint AS seconds
FROM analytics.sessions_by_day
WHERE day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY day ORDER BY day

-- name: session_ends
-- Sum up the sessions that began. One row per first and last page, the most frequent first.
SELECT first_page, last_page, sum(sessions)::bigint AS sessions, coalesce(sum(sessions) FILTER (WHERE NOT has_plays), 0)::bigint AS without_plays,
       sum(plays)::bigint AS plays, sum(views)::bigint AS views, sum(seconds)::bigint AS seconds
FROM analytics.session_starts
WHERE day >= %(first)s AND day < %(end)s AND {at_level}
GROUP BY first_page, last_page
ORDER BY sessions DESC, first_page COLLATE "C", last_page COLLATE "C"
LIMIT %(limit)s
