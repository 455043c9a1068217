-- name: begin
-- Make the tables for the days that are computed from their plays: as they were, and as they are to be.
-- makes: computed_agents, computed_days, computed_sessions, moved_days, old_days
CREATE TEMP TABLE old_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_agents (user_agent_id bigint, user_agent text) ON COMMIT DROP;
CREATE TEMP TABLE computed_sessions (LIKE analytics.sessions) ON COMMIT DROP;
CREATE TEMP TABLE moved_days (day date NOT NULL) ON COMMIT DROP

-- name: end
-- Free these names for the next month.
-- reads: computed_agents, computed_days, computed_sessions, moved_days, old_days
DROP TABLE old_days, computed_days, computed_agents, computed_sessions, moved_days

-- name: plays_to_compute
-- Select the plays of the days that are computed, as the definitions of days and sessions read them.
-- reads: plays_of_days
(SELECT * FROM plays_of_days WHERE day >= {since} AND day < {until})

-- name: new_days
-- Select the days that were attached, and those that were computed.
-- reads: computed_days
(TABLE computed_days UNION ALL TABLE {attached})

-- name: new_agents
-- Select the user agents of these days, as staged and as computed.
-- reads: computed_agents
(TABLE computed_agents UNION ALL TABLE {user_agents})

-- name: new_sessions
-- Select the sessions of these days, without those staged for days that are computed instead.
-- reads: computed_sessions
(TABLE computed_sessions
 UNION ALL
 SELECT user_id, session_id, started_at, level FROM {sessions} WHERE started_at >= {staged_since}::timestamp AT TIME ZONE 'UTC')

-- name: changed_days
-- Select the days whose counts change, as they were and as they are.
-- reads: old_days
(TABLE old_days UNION ALL SELECT * FROM {new_days} d)

-- name: days_within
-- Select the days in some spans of time.
(SELECT * FROM analytics.user_days WHERE {in_spans})

-- name: sessions_within
-- Select the sessions that began in some spans of time.
(SELECT * FROM analytics.sessions WHERE {in_spans})

-- name: count_month
-- Count a rollup of a staged month that the warehouse has nothing of.
DROP TABLE IF EXISTS {staged};
CREATE TABLE {staged} (LIKE {rollup}) WITH (autovacuum_enabled = false);
INSERT INTO {staged} {definition}

-- name: shape_as_partition
-- Give the statements by which a staged table gets the indexes of its table, and statistics of the same columns.
SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX .* USING', format('INDEX ON %s USING', {staged}))
FROM pg_index WHERE indrelid = {rollup}::regclass
UNION ALL
SELECT format('ALTER TABLE %s ALTER %I SET STATISTICS 0', {staged}, attname)
FROM pg_attribute WHERE attrelid = {rollup}::regclass AND attnum > 0 AND attstattarget = 0

-- name: take_month
-- Insert the rows of a rollup as they were counted.
INSERT INTO {rollup} TABLE {staged}

-- name: find_scope
-- Find the keys of the rows of a rollup that change.
-- makes: scope
DROP TABLE IF EXISTS pg_temp.scope;
CREATE TEMP TABLE scope ON COMMIT DROP AS {scope};
ANALYZE scope

-- name: keys_of_scope
-- Give the names of these keys.
-- reads: scope
SELECT * FROM scope LIMIT 0

-- name: spans_of_scope
-- Find the spans of time whose days the changed rows are counted from.
-- reads: scope
SELECT lower(span), upper(span)
FROM (SELECT unnest(range_agg(daterange({start}, ({start} + ('1 ' || {period})::interval)::date))) AS span FROM scope) spans

-- name: in_scope
-- Select the changed rows, by their keys.
-- reads: scope
({keys}) IN (SELECT {keys} FROM scope)

-- name: recount
-- Count the changed rows of a rollup again.
DELETE FROM {rollup} WHERE {in_spans} AND {wanted};
INSERT INTO {rollup} {definition}

-- name: heard_songs_to_index
-- Tell whether there are heard songs, and one of their later indexes is missing.
SELECT (to_regclass('analytics.heard_songs_track') IS NULL OR to_regclass('analytics.heard_songs_artist') IS NULL)
       AND EXISTS (SELECT FROM analytics.heard_songs)

-- name: index_heard_songs
-- Index heard songs by track and artist, once there are some: an index made at once costs a quarter of one that grows song by song.
CREATE INDEX IF NOT EXISTS heard_songs_track ON analytics.heard_songs (track_id);
CREATE INDEX IF NOT EXISTS heard_songs_artist ON analytics.heard_songs (artist_key)

-- name: days_of_gone_users
-- Take all days of people who are forgotten for changed. They have no plays any more.
-- reads: gone_users
-- makes: plays_of_days, touched_days
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT DISTINCT user_id, day FROM analytics.user_days WHERE user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE plays_of_days ON COMMIT DROP AS
SELECT user_id, NULL::date AS day, level, start_time, session_id, songplay_id, location, user_agent FROM songplays LIMIT 0;
ANALYZE touched_days

-- name: end_of_days
-- Free these names for the next month.
-- reads: plays_of_days, touched_days
DROP TABLE touched_days, plays_of_days
