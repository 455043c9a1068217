-- name: table
-- Create the table of sessions by the day on which they began.
CREATE TABLE IF NOT EXISTS analytics.session_starts (
    day        date NOT NULL,
    level      text,
    first_page text NOT NULL,
    last_page  text NOT NULL,
    has_plays  boolean NOT NULL,
    sessions   integer NOT NULL,
    plays      integer NOT NULL,
    views      integer NOT NULL,
    seconds    bigint NOT NULL
);
COMMENT ON TABLE analytics.session_starts IS 'Rollup. One row per UTC day, level, first page and last page of the sessions that began on the day, with and without plays.';
COMMENT ON COLUMN analytics.session_starts.day IS 'The day of the first event, UTC.';
COMMENT ON COLUMN analytics.session_starts.level IS 'The greatest level by name, so paid if any event was at level paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.session_starts.first_page IS 'The page of the first event, NextSong for a play.';
COMMENT ON COLUMN analytics.session_starts.last_page IS 'The page of the last event.';
COMMENT ON COLUMN analytics.session_starts.has_plays IS 'Whether the sessions have plays.';
COMMENT ON COLUMN analytics.session_starts.sessions IS 'How many sessions.';
COMMENT ON COLUMN analytics.session_starts.plays IS 'Their plays.';
COMMENT ON COLUMN analytics.session_starts.views IS 'Their page views.';
COMMENT ON COLUMN analytics.session_starts.seconds IS 'The time from the first event to the last one, each session rounded to seconds, added up.';
CREATE INDEX IF NOT EXISTS session_starts_day ON analytics.session_starts (day);

-- name: definition
-- Sum up the sessions of each day. A session of a user counts on its first day, with what follows on later days; page views
-- without a user count as one session a day. The text of a moment, with the page after it, finds the first and the last page.
SELECT day, level, first_page, last_page, plays > 0 AS has_plays, count(*)::integer AS sessions, sum(plays)::integer AS plays,
       sum(views)::integer AS views, sum(seconds)::bigint AS seconds
FROM (SELECT min(day) AS day, max(level COLLATE "C") AS level,
             substr(min(analytics.sortable(first_at, first_page) COLLATE "C"), 17) AS first_page,
             substr(max(analytics.sortable(last_at, last_page) COLLATE "C"), 17) AS last_page,
             sum(plays) AS plays, sum(views) AS views, round(extract(epoch FROM max(last_at) - min(first_at))) AS seconds
      FROM {whole_session_days} d
      GROUP BY session_id, user_id, CASE WHEN user_id IS NULL THEN day END) sessions
WHERE {wanted}
GROUP BY day, level, first_page, last_page, plays > 0

-- name: scope
-- Find these days, and the first days of sessions that have events on them: that of now, and that without these days.
WITH days AS MATERIALIZED (
    SELECT day FROM {event_days} e
),
there AS MATERIALIZED (
    SELECT session_id, user_id FROM analytics.session_days
    WHERE day >= (SELECT min(day) FROM days) AND day <= (SELECT max(day) FROM days) AND day IN (SELECT day FROM days)
      AND user_id IS NOT NULL
      -- The first load has no other days.
      AND EXISTS (SELECT FROM analytics.session_days WHERE day NOT IN (SELECT day FROM days))
),
firsts AS (
    SELECT min(day) AS day, min(day) FILTER (WHERE day NOT IN (SELECT day FROM days)) AS day_before
    FROM analytics.session_days
    WHERE session_id = ANY (ARRAY(SELECT session_id FROM there)) AND (session_id, user_id) IN (SELECT session_id, user_id FROM there)
    GROUP BY session_id, user_id
)
SELECT day FROM days UNION SELECT day FROM firsts UNION SELECT day_before FROM firsts WHERE day_before IS NOT NULL
