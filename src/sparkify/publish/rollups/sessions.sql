-- name: table
-- Create the table of sessions, each with the moment of its first play.
CREATE TABLE IF NOT EXISTS analytics.sessions (
    user_id    bigint NOT NULL,
    session_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    level      text NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
COMMENT ON TABLE analytics.sessions IS 'One row per user and session with plays.';
COMMENT ON COLUMN analytics.sessions.user_id IS 'The user.';
COMMENT ON COLUMN analytics.sessions.session_id IS 'The session of the app.';
COMMENT ON COLUMN analytics.sessions.started_at IS 'Its first play. A session counts for the day, week and month of this moment, UTC.';
COMMENT ON COLUMN analytics.sessions.level IS 'The level of its first play.';
-- Sessions arrive nearly in order of time, so BRIN costs next to nothing; a B-tree took two fifths of the
-- cost of a session. With several spans per block, one session of another time does not hide the rest.
CREATE INDEX IF NOT EXISTS sessions_started ON analytics.sessions USING brin (started_at timestamptz_minmax_multi_ops)
    WITH (pages_per_range = 32);

-- name: definition
-- Find the first play of each session; docs/rules.md, Users, defines the order of plays.
SELECT DISTINCT ON (user_id, session_id) user_id, session_id, start_time AS started_at, level
FROM {plays} p JOIN {heard_plays} h USING (start_time, songplay_id)
ORDER BY user_id, session_id, start_time, item_in_session

-- name: compute
-- Find the first play of each session on each level among the plays of computed days, as batches stage it.
-- reads: computed_sessions, plays_of_days
INSERT INTO computed_sessions
SELECT user_id, session_id, min(start_time), level
FROM plays_of_days WHERE day < {staged_since} GROUP BY user_id, session_id, level

-- name: replace
-- Replace the sessions that began on changed days, and note the days on which a session began before or
-- begins now. New sessions need no ON CONFLICT: only one publisher runs at a time.
-- reads: moved_days, touched_days
WITH gone AS (
    DELETE FROM analytics.sessions s USING touched_days t
    WHERE s.user_id = t.user_id AND (s.started_at AT TIME ZONE 'UTC')::date = t.day AND t.day < {late_before}
      AND s.started_at >= (SELECT min(day) FROM touched_days)::timestamp AT TIME ZONE 'UTC'
      AND s.started_at < (SELECT max(day) + 1 FROM touched_days)::timestamp AT TIME ZONE 'UTC'
    RETURNING s.started_at
)
INSERT INTO moved_days SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date FROM gone;
WITH starts AS (
    SELECT session_id, user_id, started_at, level,
           row_number() OVER session AS number, lead(started_at) OVER session = started_at AS is_tied
    FROM {new_sessions} s
    WINDOW session AS (PARTITION BY session_id, user_id ORDER BY started_at)
),
first AS (
    -- If a session has several levels at its first moment, the order of plays decides.
    SELECT session_id, user_id, started_at,
           CASE WHEN is_tied THEN (
               SELECT p.level FROM {songplays_there} p JOIN {heard_plays_there} h USING (start_time, songplay_id)
               WHERE start_time = s.started_at AND p.user_id = s.user_id AND p.session_id = s.session_id
               ORDER BY item_in_session LIMIT 1
           ) ELSE level END AS level
    FROM starts s WHERE number = 1
),
earlier AS (
    SELECT f.*, s.started_at AS before FROM first f LEFT JOIN analytics.sessions s USING (session_id, user_id)
    WHERE s.session_id IS NULL OR f.started_at < s.started_at
),
taken AS (
    INSERT INTO analytics.sessions (user_id, session_id, started_at, level)
    SELECT user_id, session_id, started_at, level FROM earlier WHERE before IS NULL
),
moved AS (
    UPDATE analytics.sessions s SET started_at = e.started_at, level = e.level
    FROM earlier e WHERE s.session_id = e.session_id AND s.user_id = e.user_id AND before IS NOT NULL
)
INSERT INTO moved_days
SELECT (started_at AT TIME ZONE 'UTC')::date FROM earlier
UNION
SELECT (before AT TIME ZONE 'UTC')::date FROM earlier WHERE before IS NOT NULL
