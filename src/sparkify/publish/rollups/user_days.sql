-- name: table
-- Create the table of users' days: all plays in little space, from which all rollups are counted.
CREATE TABLE IF NOT EXISTS analytics.user_days (
    user_id       bigint NOT NULL,
    day           date NOT NULL,
    level         text NOT NULL,
    location      text,
    user_agent_id bigint,
    plays         integer NOT NULL,
    milliseconds  bigint NOT NULL,
    quarters      smallint[] NOT NULL,
    tracks        bigint[] NOT NULL,
    artists       bigint[] NOT NULL,
    lengths       integer[] NOT NULL
) PARTITION BY RANGE (day);
COMMENT ON TABLE analytics.user_days IS 'One row per user, UTC day, level, location and user agent: all plays in little space. Most rollups of listening are counted from it.';
COMMENT ON COLUMN analytics.user_days.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.user_days.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_days.location IS 'The location, as the log says.';
COMMENT ON COLUMN analytics.user_days.user_agent_id IS 'The user agent: analytics.user_agents.';
COMMENT ON COLUMN analytics.user_days.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_days.milliseconds IS 'The total length of the songs played; a song longer than a day counts as a day.';
COMMENT ON COLUMN analytics.user_days.quarters IS 'The quarter of an hour of the UTC day of each play, 0 to 95, in order. The other arrays have the same order.';
COMMENT ON COLUMN analytics.user_days.tracks IS 'The track_id of each play.';
COMMENT ON COLUMN analytics.user_days.artists IS 'The artist_key of each play.';
COMMENT ON COLUMN analytics.user_days.lengths IS 'What each play counts in milliseconds.';
-- No query uses statistics of arrays or sums, and those of arrays would cost more than all others together.
ALTER TABLE analytics.user_days
    ALTER plays SET STATISTICS 0, ALTER milliseconds SET STATISTICS 0,
    ALTER quarters SET STATISTICS 0, ALTER tracks SET STATISTICS 0, ALTER artists SET STATISTICS 0,
    ALTER lengths SET STATISTICS 0;
CREATE INDEX IF NOT EXISTS user_days_user ON analytics.user_days (user_id, day);
CREATE INDEX IF NOT EXISTS user_days_day ON analytics.user_days (day);
-- A location may be too long for an index entry, so the index holds its hash. Questions compare both hash and
-- text; the planner thinks them independent, and expects only a fraction of the rows.
CREATE INDEX IF NOT EXISTS user_days_location ON analytics.user_days ((hashtextextended(location, 0)), day);

-- name: definition
-- Sum up the plays of each user and day. Plays within a quarter of an hour are in the order of tracks. A day's
-- rows of one place are stored together, so that a question about a place reads few pages.
SELECT user_id, day, level, location, analytics.text_id(user_agent) AS user_agent_id, count(*)::integer AS plays,
       sum(length)::bigint AS milliseconds,
       array_agg(quarter ORDER BY quarter, track_id, length) AS quarters,
       array_agg(track_id ORDER BY quarter, track_id, length) AS tracks,
       array_agg(artist_key ORDER BY quarter, track_id, length) AS artists,
       array_agg(length ORDER BY quarter, track_id, length) AS lengths
FROM (SELECT p.user_id, (p.start_time AT TIME ZONE 'UTC')::date AS day, p.level, p.location, p.user_agent, s.track_id, s.artist_key,
             floor(extract(epoch FROM (p.start_time AT TIME ZONE 'UTC')::time) / 900)::smallint AS quarter,
             analytics.milliseconds(s.length) AS length
      FROM {plays} p
      JOIN {heard_plays} h USING (start_time, songplay_id)
      JOIN analytics.heard_songs s USING (heard_song_id)) heard
GROUP BY user_id, day, level, location, user_agent
ORDER BY day, location COLLATE "C", user_id

-- name: merge
-- Merge the parts of a user's day that several batches staged.
WITH several AS (
    SELECT user_id, day FROM {user_days} GROUP BY user_id, day HAVING count(*) > 1
),
parts AS (
    SELECT user_id, day FROM {user_days} JOIN several USING (user_id, day)
    GROUP BY user_id, day HAVING count(*) > count(DISTINCT (level, location, user_agent_id))
),
gone AS (
    DELETE FROM {user_days} d USING parts p WHERE d.user_id = p.user_id AND d.day = p.day RETURNING d.*
)
INSERT INTO {user_days}
SELECT user_id, day, level, location, user_agent_id, count(*), sum(milliseconds) FILTER (WHERE number = 1),
       array_agg(quarter ORDER BY quarter, track, length), array_agg(track ORDER BY quarter, track, length),
       array_agg(artist ORDER BY quarter, track, length), array_agg(length ORDER BY quarter, track, length)
FROM gone, unnest(quarters, tracks, artists, lengths) WITH ORDINALITY AS play (quarter, track, artist, length, number)
GROUP BY user_id, day, level, location, user_agent_id
ORDER BY day, location COLLATE "C", user_id

-- name: remove_staged
-- Delete the staged days that are computed from their plays instead.
DELETE FROM {user_days} WHERE day < {staged_since}

-- name: replace
-- Replace the days whose plays have changed, and keep the old rows.
-- reads: computed_days, old_days, touched_days
WITH gone AS (
    DELETE FROM analytics.user_days d USING touched_days t
    WHERE d.user_id = t.user_id AND d.day = t.day AND t.day < {late_before} RETURNING d.*
)
INSERT INTO old_days SELECT * FROM gone;
INSERT INTO analytics.user_days SELECT * FROM computed_days;
ANALYZE old_days (user_id, day), computed_days (user_id, day)
