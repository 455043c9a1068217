-- name: places_to_repair
-- Find the places with names beyond ASCII, stepping through the index from one to the next. One row per place.
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

-- name: locations
-- Count the plays of every place. One row per place, as the logs spell it.
SELECT location, sum(plays)::bigint AS plays FROM analytics.user_months WHERE location IS NOT NULL GROUP BY location

-- name: top_locations
-- Find the places with the most plays. One row per place; `place_shown` replaces the spellings of a place by the first one.
WITH {listening},
users AS (
    SELECT {place_shown} AS location, user_id, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM listening GROUP BY 1, user_id
)
SELECT location, sum(plays)::bigint AS plays, count(*) AS listeners, round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM users GROUP BY location
ORDER BY plays DESC, location COLLATE "C"
LIMIT %(limit)s

-- name: first_spelling
-- This expression replaces a spelling by the first one that is shown alike, for `place_shown`; few places have several.
coalesce((%(firsts)s::text[])[array_position(%(alike)s::text[], location)], location)
