-- name: create
-- Create the macros and tables that a worker keeps. docs/rules.md explains songplay_id, heard_song_id,
-- track_id and artist_key.
-- makes: known_songs, parsed, plays, staged_songs
CREATE MACRO play_id(user_id, session_id, item_in_session, ts) AS
    (('0x' || substr(sha256(concat_ws(',', user_id, session_id, item_in_session, ts)), 1, 16))::UBIGINT >> 1)::BIGINT;
CREATE MACRO song_key(song, artist, length) AS
    unhex(substr(sha256(encode(song) || '\x00'::BLOB || encode(artist) || '\x00'::BLOB || length::BIT::BLOB), 1, 32));
-- The same order as etl.variant (schema/functions.sql): if several lines have the same play, the smallest variant wins.
CREATE MACRO variant(level, location, user_agent, heard_song_id) AS
    encode(level) || '\x00'::BLOB || coalesce('\x01'::BLOB || encode(location), ''::BLOB) || '\x00'::BLOB
    || coalesce('\x01'::BLOB || encode(user_agent), ''::BLOB) || '\x00'::BLOB || heard_song_id;
CREATE MACRO track_key(song, artist) AS
    (('0x' || substr(md5(md5(song) || artist), 1, 16))::UBIGINT >> 1)::BIGINT;
-- The same as analytics.milliseconds (schema/functions.sql).
CREATE MACRO milliseconds(length) AS floor(least(length, 86400) * 1000 + 0.5)::INTEGER;
CREATE MACRO text_id(text) AS (('0x' || substr(md5(text), 1, 16))::UBIGINT >> 1)::BIGINT;
CREATE TEMP TABLE parsed (
    slice INTEGER, line BIGINT, position INTEGER, user_id BIGINT, session_id BIGINT, item_in_session BIGINT, ts BIGINT,
    level VARCHAR, song VARCHAR, artist VARCHAR, length DOUBLE, first_name VARCHAR, last_name VARCHAR, gender VARCHAR,
    location VARCHAR, user_agent VARCHAR, verdict VARCHAR, start_time TIMESTAMP, month DATE, songplay_id BIGINT,
    heard_song_id BLOB
);
CREATE TEMP VIEW plays AS SELECT * FROM parsed WHERE verdict = 'play' OR verdict = 'judged';
CREATE TEMP TABLE known_songs (heard_song_id BLOB, track_id BIGINT, artist_key BIGINT, song_id VARCHAR, artist_id VARCHAR);
CREATE TEMP TABLE staged_songs (heard_song_id BLOB, month DATE)

-- name: begin_batch
-- Empty the tables in which the chunks of a batch are combined.
-- makes: latest_plays, listening
DROP TABLE IF EXISTS user_days;
CREATE OR REPLACE TEMP TABLE latest_plays (
    month DATE, ts BIGINT, user_id BIGINT, first_name VARCHAR, last_name VARCHAR, gender VARCHAR, level VARCHAR,
    start_time TIMESTAMP, session_id BIGINT, item_in_session BIGINT, songplay_id BIGINT, location VARCHAR, user_agent VARCHAR,
    heard_song_id BLOB
);
CREATE OR REPLACE TEMP TABLE listening (
    month DATE, user_id BIGINT, session_id BIGINT, start_time TIMESTAMP, level VARCHAR, location VARCHAR, user_agent VARCHAR,
    milliseconds INTEGER, track_id BIGINT, artist_key BIGINT
)

-- name: count_known_songs
-- Count the cached songs.
-- reads: known_songs, staged_songs
SELECT (SELECT count(*) FROM known_songs) + (SELECT count(*) FROM staged_songs)

-- name: forget_known_songs
-- Empty the caches. Asking for a song, or staging it, a second time does no harm.
-- reads: known_songs, staged_songs
TRUNCATE known_songs;
TRUNCATE staged_songs

-- name: parse
-- Read one event from each proven line, decide which are surely plays or other pages, and compute the ids
-- of plays; the judge decides on the rest. The lines come in the Arrow table `lines`.
-- makes: parsed
CREATE OR REPLACE TEMP TABLE parsed AS
WITH read AS (
    SELECT slice, line, position,
           CASE WHEN proven THEN TRY(from_json(text, '{fields}')) END AS e,
           NOT proven AND regexp_full_match(text, '[ \t\r\x0b\x0c]*\n') AS blank
    FROM lines
),
typed AS (
    SELECT slice, line, position,
           TRY_CAST(e.userId AS BIGINT) AS user_id,
           e.sessionId AS session_id,
           e.itemInSession AS item_in_session,
           e.ts AS ts,
           e.level AS level,
           e.song AS song,
           e.artist AS artist,
           e.length AS length,
           e.firstName AS first_name,
           e.lastName AS last_name,
           e.gender AS gender,
           nullif(e.location, '') AS location,
           e.userAgent AS user_agent,
           CASE
               WHEN blank THEN 'blank'
               WHEN e.page <> 'NextSong' THEN 'other page'
               WHEN e.page = 'NextSong' AND TRY_CAST(e.userId AS BIGINT) IS NOT NULL AND e.sessionId IS NOT NULL
                    AND e.itemInSession IS NOT NULL AND e.ts >= {earliest} AND e.ts < {before}
                    AND e.level IS NOT NULL AND e.song <> '' AND e.artist IS NOT NULL AND e.length > 0
                    AND isfinite(e.length) THEN 'play'
               ELSE 'ask the judge'
           END AS verdict
    FROM read
)
SELECT *,
       CASE WHEN verdict = 'play' THEN make_timestamp(ts * 1000) END AS start_time,
       CASE WHEN verdict = 'play' THEN date_trunc('month', make_timestamp(ts * 1000))::DATE END AS month,
       CASE WHEN verdict = 'play' THEN play_id(user_id, session_id, item_in_session, ts) END AS songplay_id,
       CASE WHEN verdict = 'play' THEN song_key(song, artist, length) END AS heard_song_id
FROM typed

-- name: census
-- Count, for each slice, the lines that are surely other pages or blank.
-- reads: parsed
SELECT slice, count(*) FILTER (verdict = 'other page'), count(*) FILTER (verdict = 'blank') FROM parsed GROUP BY slice

-- name: doubtful
-- List the lines that the judge must decide on.
-- reads: parsed
SELECT slice, line, position FROM parsed WHERE verdict = 'ask the judge' ORDER BY position

-- name: add_judged
-- Add the plays that the judge accepted, from the Arrow table `judged`.
-- reads: parsed
INSERT INTO parsed BY NAME
SELECT *, 'judged' AS verdict,
       make_timestamp(ts * 1000) AS start_time,
       date_trunc('month', make_timestamp(ts * 1000))::DATE AS month,
       play_id(user_id, session_id, item_in_session, ts) AS songplay_id,
       song_key(song, artist, length) AS heard_song_id
FROM judged

-- name: users
-- List the users with plays in the chunk.
-- reads: plays
SELECT DISTINCT user_id FROM plays

-- name: drop_forgotten
-- Remove the plays of forgotten people, whose ids are in the Arrow table `gone`.
-- reads: parsed
UPDATE parsed SET verdict = 'forgotten' WHERE verdict IN ('play', 'judged') AND user_id IN (SELECT user_id FROM gone)

-- name: forgotten
-- Count the removed plays of each slice.
-- reads: parsed
SELECT slice, count(*) FROM parsed WHERE verdict = 'forgotten' GROUP BY slice

-- name: forget_staged_songs
-- Forget which songs are staged for a month whose tables were created again.
-- reads: staged_songs
DELETE FROM staged_songs WHERE month = $month

-- name: new_heard_songs
-- Collect the songs heard in the chunk that this worker has not staged for their month.
-- reads: plays, staged_songs
-- makes: new_heard_songs
CREATE OR REPLACE TEMP TABLE new_heard_songs AS
SELECT heard_song_id, month, any_value(song) AS title, any_value(artist) AS artist, any_value(length) AS length
FROM plays ANTI JOIN staged_songs USING (heard_song_id, month)
GROUP BY heard_song_id, month

-- name: unknown_songs
-- List the keys of the new songs that were not looked up in the catalogue yet.
-- reads: known_songs, new_heard_songs
SELECT DISTINCT heard_song_id FROM new_heard_songs ANTI JOIN known_songs USING (heard_song_id)

-- name: know_songs
-- Cache the catalogue's answers (Arrow tables `unknown` and `matches`) with the digests of the songs; then
-- pick the songs of the chunk, so that its plays need not join the whole cache.
-- reads: known_songs, new_heard_songs, plays, staged_songs
-- makes: chunk_songs
INSERT INTO known_songs
SELECT u.heard_song_id, track_key(n.title, n.artist), text_id(n.artist), m.song_id, m.artist_id
FROM unknown u
JOIN (SELECT DISTINCT heard_song_id, title, artist FROM new_heard_songs) n USING (heard_song_id)
LEFT JOIN matches m ON u.heard_song_id = unhex(m.heard_song_id);
INSERT INTO staged_songs SELECT heard_song_id, month FROM new_heard_songs;
CREATE OR REPLACE TEMP TABLE chunk_songs AS SELECT * FROM known_songs SEMI JOIN plays USING (heard_song_id)

-- name: nothing_repeated
-- Create an empty table of repeated plays: usually there are none to rank.
-- reads: plays
-- makes: ranked
CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, 1 AS variant FROM plays LIMIT 0

-- name: identities
-- Tell whether any play occurs twice.
-- reads: plays
SELECT count(*) > count(DISTINCT songplay_id) FROM plays

-- name: rank_repeated
-- Rank plays with the same identity. The winner is the smallest by the play's own fields, then the first
-- line.
-- reads: plays
-- makes: ranked
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT *, row_number() OVER (
    PARTITION BY start_time, songplay_id
    ORDER BY variant(level, location, user_agent, heard_song_id), slice, line
) AS variant
FROM plays

-- name: repeated
-- Count the plays of each slice that lose to another.
-- reads: ranked
SELECT slice, count(*) FROM ranked WHERE variant > 1 GROUP BY slice

-- name: keep_winners
-- Remove the losing plays from the chunk.
-- reads: parsed, ranked
UPDATE parsed SET verdict = 'repeated' FROM ranked r
WHERE r.variant > 1 AND parsed.slice = r.slice AND parsed.line = r.line

-- name: books
-- Count the plays of each slice that are left.
-- reads: plays
SELECT slice, count(*) FROM plays GROUP BY slice

-- name: months
-- List the months of the chunk's plays.
-- reads: plays
SELECT DISTINCT month FROM plays ORDER BY month

-- name: ranges
-- Find the first and last start_time of each month and slice.
-- reads: plays
SELECT month, slice, min(start_time), max(start_time) FROM plays GROUP BY month, slice ORDER BY month, slice

-- name: note_users
-- Keep the latest plays of each user in each month, in all variants, because the user's name may be in a
-- line that loses.
-- reads: latest_plays, plays
INSERT INTO latest_plays
SELECT DISTINCT month, ts, user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
       location, user_agent, heard_song_id
FROM plays SEMI JOIN (
    SELECT user_id, month, max(ts) AS ts FROM plays GROUP BY user_id, month
) latest USING (user_id, month, ts)

-- name: join_as_written
-- Make DuckDB join in the order of the query. It underestimates the plays of a chunk five times, and those of a month 25 times. So it
-- would hash them instead of the songs, which takes more than twice the time.
SET disabled_optimizers = 'join_order,build_side_probe_side'

-- name: join_as_planned
-- Let DuckDB choose the order of joins again, so that it does not hash the large caches for a few new songs.
RESET disabled_optimizers

-- name: note_listening
-- Add the chunk's plays to those of the batch, with the keys of their songs.
-- reads: chunk_songs, listening, plays
INSERT INTO listening
SELECT month, user_id, session_id, start_time, level, location, user_agent,
       milliseconds(length), track_id, artist_key
FROM plays JOIN chunk_songs USING (heard_song_id)

-- name: finish_batch
-- Sum up what each user heard on each day. Grouping all plays of the batch once is quicker than grouping the
-- groups of its chunks.
-- reads: listening
-- makes: user_days
CREATE OR REPLACE TEMP TABLE user_days AS
SELECT month, user_id, start_time::DATE AS day, level, location, user_agent, count(*)::INTEGER AS plays,
       sum(milliseconds)::BIGINT AS milliseconds, min(start_time) AS first_play, max(start_time) AS last_play,
       list(hour(start_time)::SMALLINT) AS hours, list(track_id) AS tracks, list(artist_key) AS artists
FROM listening GROUP BY month, user_id, start_time::DATE, level, location, user_agent

-- name: batch_months
-- List the months of the batch's plays.
-- reads: user_days
SELECT DISTINCT month FROM user_days ORDER BY month
