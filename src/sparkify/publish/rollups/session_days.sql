-- name: table
-- Create the table of sessions by day, plays and page views together.
CREATE TABLE IF NOT EXISTS analytics.session_days (
    session_id bigint NOT NULL,
    user_id    bigint,
    day        date NOT NULL,
    level      text,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    first_page text NOT NULL,
    last_page  text NOT NULL,
    plays      integer NOT NULL,
    views      integer NOT NULL
);
COMMENT ON TABLE analytics.session_days IS 'Rollup. One row per session of the app, user and UTC day with plays or page views. Page views while logged out are with the only user who has others in the session on that day, if there is one.';
COMMENT ON COLUMN analytics.session_days.session_id IS 'The session of the app.';
COMMENT ON COLUMN analytics.session_days.user_id IS 'The user; NULL for page views while logged out that are with nobody''s.';
COMMENT ON COLUMN analytics.session_days.day IS 'The day, UTC. A session that lasts over midnight has several.';
COMMENT ON COLUMN analytics.session_days.level IS 'The greatest level by name, so paid if any event was at level paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.session_days.first_at IS 'The first event.';
COMMENT ON COLUMN analytics.session_days.last_at IS 'The last event. A play counts by its beginning.';
COMMENT ON COLUMN analytics.session_days.first_page IS 'The page of the first event, NextSong for a play; of several at that moment, the first by name.';
COMMENT ON COLUMN analytics.session_days.last_page IS 'The page of the last event; of several at that moment, the last by name.';
COMMENT ON COLUMN analytics.session_days.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.session_days.views IS 'How many page views.';
CREATE INDEX IF NOT EXISTS session_days_session ON analytics.session_days (session_id, day);
CREATE INDEX IF NOT EXISTS session_days_day ON analytics.session_days USING brin (day date_minmax_multi_ops) WITH (pages_per_range = 32);

-- name: definition
-- Sum up the plays and page views of each session, user and day, then add what was done while logged out. The text of a moment, with
-- the page after it, finds the first and the last page.
WITH parts AS (
    SELECT session_id, user_id, day, max(level COLLATE "C") AS level, min(at) AS first_at, max(at) AS last_at,
           min(paged) AS first, max(paged) AS last, 0 AS plays, count(*) AS views
    FROM (SELECT session_id, user_id, (start_time AT TIME ZONE 'UTC')::date AS day, start_time AS at, level,
                 to_char(start_time, 'YYYYMMDDHH24MISSMS') || page COLLATE "C" AS paged
          FROM {page_views} v OFFSET 0) viewed
    WHERE {wanted}
    GROUP BY session_id, user_id, day
    UNION ALL
    SELECT session_id, user_id, day, level, first_at, last_at, to_char(first_at, 'YYYYMMDDHH24MISSMS') || 'NextSong',
           to_char(last_at, 'YYYYMMDDHH24MISSMS') || 'NextSong', plays, 0
    FROM (SELECT session_id, user_id, day, max(level COLLATE "C") AS level, min(at) AS first_at, max(at) AS last_at, count(*) AS plays
          FROM (SELECT session_id, user_id, (start_time AT TIME ZONE 'UTC')::date AS day, start_time AS at, level
                FROM {plays} p) played
          WHERE {wanted}
          GROUP BY session_id, user_id, day) heard
),
owners AS (
    SELECT session_id, day, min(user_id) AS user_id FROM parts GROUP BY session_id, day
    HAVING min(user_id) = max(user_id) AND count(*) > count(user_id)
)
SELECT session_id, coalesce(parts.user_id, owners.user_id) AS user_id, day, max(level COLLATE "C") AS level,
       min(first_at) AS first_at, max(last_at) AS last_at,
       substr(min(first COLLATE "C"), 18) AS first_page, substr(max(last COLLATE "C"), 18) AS last_page,
       sum(plays)::integer AS plays, sum(views)::integer AS views
FROM parts LEFT JOIN owners USING (session_id, day)
GROUP BY session_id, coalesce(parts.user_id, owners.user_id), day

-- name: scope
-- Return the days themselves.
SELECT DISTINCT day FROM {events} e
