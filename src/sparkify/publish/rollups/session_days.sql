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
COMMENT ON TABLE analytics.session_days IS 'Rollup. One row per session of the app, user and UTC day with plays or page views. Page views while logged out count for the user of the session on that day, if there is exactly one.';
COMMENT ON COLUMN analytics.session_days.session_id IS 'The session of the app.';
COMMENT ON COLUMN analytics.session_days.user_id IS 'The user; NULL for page views while logged out whose user is not certain.';
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
-- Sum up the plays and the page views of each session, user and day, and put them together. What was done while logged out is put with
-- its owner first. The text of a moment, with the page after it, finds the first and the last page.
-- core/session_days.c counts the same for new months.
WITH played AS MATERIALIZED (
    SELECT session_id, user_id, day, max(level COLLATE "C") AS level, min(first_at) AS first_at, max(last_at) AS last_at,
           sum(plays)::integer AS plays
    FROM (SELECT session_id, user_id, (start_time AT TIME ZONE 'UTC')::date AS day, level, start_time AS first_at,
                 start_time AS last_at, 1 AS plays
          FROM {plays} p
          UNION ALL
          SELECT session_id, user_id, (started_at AT TIME ZONE 'UTC')::date, level, started_at, last_at, plays
          FROM {staged_sessions} s) events
    WHERE {wanted}
    GROUP BY session_id, user_id, day
),
viewed AS MATERIALIZED (
    SELECT session_id, user_id, day, max(level COLLATE "C") AS level, min(at) AS first_at, max(at) AS last_at,
           min(paged) AS first, max(paged) AS last, count(*)::integer AS views
    FROM (SELECT session_id, user_id, (start_time AT TIME ZONE 'UTC')::date AS day, start_time AS at, level,
                 analytics.sortable(start_time, page) COLLATE "C" AS paged
          FROM {page_views} v) events
    WHERE {wanted}
    GROUP BY session_id, user_id, day
),
logged_out AS MATERIALIZED (
    SELECT DISTINCT session_id FROM viewed WHERE user_id IS NULL
),
owners AS (
    SELECT session_id, day, min(user_id) AS user_id
    FROM (SELECT session_id, user_id, day FROM played UNION ALL SELECT session_id, user_id, day FROM viewed) parts
    JOIN logged_out USING (session_id)
    GROUP BY session_id, day HAVING min(user_id) = max(user_id)
),
owned AS (
    SELECT * FROM viewed WHERE NOT EXISTS (SELECT FROM logged_out l WHERE l.session_id = viewed.session_id)
    UNION ALL
    SELECT session_id, coalesce(v.user_id, o.user_id), day, max(level), min(first_at), max(last_at), min(first), max(last), sum(views)
    FROM viewed v JOIN logged_out USING (session_id) LEFT JOIN owners o USING (session_id, day)
    GROUP BY session_id, coalesce(v.user_id, o.user_id), day
)
SELECT session_id, user_id, day, greatest(p.level COLLATE "C", v.level) AS level,
       least(p.first_at, v.first_at) AS first_at, greatest(p.last_at, v.last_at) AS last_at,
       substr(least(analytics.sortable(p.first_at, 'NextSong') COLLATE "C", v.first), 17) AS first_page,
       substr(greatest(analytics.sortable(p.last_at, 'NextSong') COLLATE "C", v.last), 17) AS last_page,
       coalesce(plays, 0) AS plays, coalesce(views, 0) AS views
FROM played p FULL JOIN owned v USING (session_id, user_id, day)

-- name: scope
-- Return the days themselves.
SELECT day FROM {event_days} e
