-- name: begin
-- Create the tables for the days that are computed from their plays, as they were and as they will be.
-- makes: computed_agents, computed_days, computed_sessions, moved_days, old_days
CREATE TEMP TABLE old_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_agents (user_agent_id bigint, user_agent text) ON COMMIT DROP;
CREATE TEMP TABLE computed_sessions (LIKE analytics.sessions) ON COMMIT DROP;
CREATE TEMP TABLE moved_days (day date NOT NULL) ON COMMIT DROP

-- name: plays_to_compute
-- Select the plays of the days that are computed, as the definitions of days and sessions read them.
-- reads: plays_of_days
(SELECT * FROM plays_of_days WHERE day >= {since} AND day < {until})

-- name: new_days
-- Select the attached days and the computed ones.
-- reads: computed_days
(TABLE computed_days UNION ALL TABLE {attached})

-- name: new_agents
-- Select the user agents of these days, staged or computed.
-- reads: computed_agents
(TABLE computed_agents UNION ALL TABLE {user_agents})

-- name: new_sessions
-- Select the sessions of these days, leaving out those staged for days that are computed instead.
-- reads: computed_sessions
(TABLE computed_sessions
 UNION ALL
 SELECT user_id, session_id, started_at, level FROM {sessions} WHERE started_at >= {staged_since}::timestamp AT TIME ZONE 'UTC')

-- name: changed_days
-- Select the days whose counts change, as they were and as they are.
-- reads: old_days
(TABLE old_days UNION ALL SELECT * FROM {new_days} d)

-- name: any_computed
-- Tell whether days were computed from their plays, or are gone.
-- reads: computed_days, old_days
SELECT EXISTS (SELECT FROM old_days) OR EXISTS (SELECT FROM computed_days)

-- name: note_events
-- Note the users' days whose plays changed.
-- reads: events, old_days
INSERT INTO events SELECT user_id, day FROM old_days UNION SELECT user_id, day FROM {new_days} d

-- name: heard_songs_to_index
-- Tell whether heard songs exist and lack one of the indexes below.
SELECT (to_regclass('analytics.heard_songs_track') IS NULL OR to_regclass('analytics.heard_songs_artist') IS NULL)
       AND EXISTS (SELECT FROM analytics.heard_songs)

-- name: index_heard_songs
-- Index heard songs by track and artist after the first load: building an index at once costs a quarter of
-- growing it song by song.
CREATE INDEX IF NOT EXISTS heard_songs_track ON analytics.heard_songs (track_id);
CREATE INDEX IF NOT EXISTS heard_songs_artist ON analytics.heard_songs (artist_key)

-- name: days_of_gone_users
-- List all days of forgotten people as touched, with no plays left.
-- reads: gone_users
-- makes: plays_of_days, touched_days
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT DISTINCT user_id, day FROM analytics.user_days WHERE user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE plays_of_days ON COMMIT DROP AS
SELECT user_id, NULL::date AS day, level, start_time, session_id, songplay_id, location, user_agent FROM songplays LIMIT 0;
ANALYZE touched_days

-- name: summarize_indexes
-- Summarise the new blocks of all BRIN indexes: until then, every search reads all of them. Somebody else's index in the schema is
-- left alone, and one of a partitioned table has no blocks.
SELECT brin_summarize_new_values(indexrelid)
FROM pg_index JOIN pg_class index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE amname = 'brin' AND relnamespace = 'analytics'::regnamespace AND relkind = 'i' AND pg_has_role(relowner, 'USAGE')
