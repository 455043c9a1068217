-- name: create
-- songplay_id, heard_song_id, track_id and artist_key are documented in docs/rules.md
CREATE MACRO play_id(user_id, session_id, item_in_session, ts) AS
    (('0x' || substr(sha256(concat_ws(',', user_id, session_id, item_in_session, ts)), 1, 16))::UBIGINT >> 1)::BIGINT;
CREATE MACRO song_key(song, artist, length) AS
    unhex(substr(sha256(encode(song) || '\x00'::BLOB || encode(artist) || '\x00'::BLOB || length::BIT::BLOB), 1, 32));
-- The same order as etl.variant (schema/functions.sql): of several lines with the same play the smallest variant wins.
CREATE MACRO variant(level, location, user_agent, heard_song_id) AS
    encode(level) || '\x00'::BLOB || coalesce('\x01'::BLOB || encode(location), ''::BLOB) || '\x00'::BLOB
    || coalesce('\x01'::BLOB || encode(user_agent), ''::BLOB) || '\x00'::BLOB || heard_song_id;
CREATE MACRO track_key(song, artist) AS
    (('0x' || substr(md5(md5(song) || artist), 1, 16))::UBIGINT >> 1)::BIGINT;
-- the same as analytics.milliseconds (schema/warehouse.sql)
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
-- what the chunks of a batch come to together
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
-- how many songs are remembered
SELECT (SELECT count(*) FROM known_songs) + (SELECT count(*) FROM staged_songs)

-- name: forget_known_songs
-- they may be asked for and staged again, that does no harm
TRUNCATE known_songs;
TRUNCATE staged_songs

-- name: parse
-- the fast path: one row per line, a play with all that is computed from it; what is not surely a play or another page
-- is left to the judge
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
-- how many lines of each slice are surely other pages or blank
SELECT slice, count(*) FILTER (verdict = 'other page'), count(*) FILTER (verdict = 'blank') FROM parsed GROUP BY slice

-- name: doubtful
-- the lines that the judge decides on
SELECT slice, line, position FROM parsed WHERE verdict = 'ask the judge' ORDER BY position

-- name: add_judged
-- the plays that the judge accepts
INSERT INTO parsed BY NAME
SELECT *, 'judged' AS verdict,
       make_timestamp(ts * 1000) AS start_time,
       date_trunc('month', make_timestamp(ts * 1000))::DATE AS month,
       play_id(user_id, session_id, item_in_session, ts) AS songplay_id,
       song_key(song, artist, length) AS heard_song_id
FROM judged

-- name: users
-- who has plays in the chunk
SELECT DISTINCT user_id FROM plays

-- name: drop_forgotten
-- people who were forgotten have none
UPDATE parsed SET verdict = 'forgotten' WHERE verdict IN ('play', 'judged') AND user_id IN (SELECT user_id FROM gone)

-- name: forgotten
-- how many plays of each slice those were
SELECT slice, count(*) FROM parsed WHERE verdict = 'forgotten' GROUP BY slice

-- name: forget_staged_songs
-- the month's tables are new ones: what was staged in earlier ones is not in these
DELETE FROM staged_songs WHERE month = $month

-- name: new_heard_songs
-- songs heard in the chunk that this worker has not staged for the month
CREATE OR REPLACE TEMP TABLE new_heard_songs AS
SELECT heard_song_id, month, any_value(song) AS title, any_value(artist) AS artist, any_value(length) AS length
FROM plays ANTI JOIN staged_songs USING (heard_song_id, month)
GROUP BY heard_song_id, month

-- name: unknown_songs
-- the keys of those that the catalogue has not been asked about
SELECT DISTINCT heard_song_id FROM new_heard_songs ANTI JOIN known_songs USING (heard_song_id)

-- name: know_songs
-- what the catalogue says of them, and their digests; then all songs of the chunk, out of the many that are known
INSERT INTO known_songs
SELECT u.heard_song_id, track_key(n.title, n.artist), text_id(n.artist), m.song_id, m.artist_id
FROM unknown u
JOIN (SELECT DISTINCT heard_song_id, title, artist FROM new_heard_songs) n USING (heard_song_id)
LEFT JOIN matches m ON u.heard_song_id = unhex(m.heard_song_id);
INSERT INTO staged_songs SELECT heard_song_id, month FROM new_heard_songs;
CREATE OR REPLACE TEMP TABLE chunk_songs AS SELECT * FROM known_songs SEMI JOIN plays USING (heard_song_id)

-- name: nothing_repeated
-- the usual case: nothing to rank
CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, 1 AS variant FROM plays LIMIT 0

-- name: identities
-- whether any play occurs twice
SELECT count(*) > count(DISTINCT songplay_id) FROM plays

-- name: rank_repeated
-- of plays with one identity the winner stays: the smallest by what belongs to the play, then the first line
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT *, row_number() OVER (
    PARTITION BY start_time, songplay_id
    ORDER BY variant(level, location, user_agent, heard_song_id), slice, line
) AS variant
FROM plays

-- name: repeated
-- how many plays of each slice lose
SELECT slice, count(*) FROM ranked WHERE variant > 1 GROUP BY slice

-- name: keep_winners
-- each identity once
UPDATE parsed SET verdict = 'repeated' FROM ranked r
WHERE r.variant > 1 AND parsed.slice = r.slice AND parsed.line = r.line

-- name: books
-- how many plays of each slice remain
SELECT slice, count(*) FROM plays GROUP BY slice

-- name: months
-- the months that the chunk touches
SELECT DISTINCT month FROM plays ORDER BY month

-- name: ranges
-- from when to when, slice by slice
SELECT month, slice, min(start_time), max(start_time) FROM plays GROUP BY month, slice ORDER BY month, slice

-- name: note_users
-- the latest plays of each user in each month, with all their variants: the name may be in a line that loses
INSERT INTO latest_plays
SELECT DISTINCT month, ts, user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
       location, user_agent, heard_song_id
FROM plays SEMI JOIN (
    SELECT user_id, month, max(ts) AS ts FROM plays GROUP BY user_id, month
) latest USING (user_id, month, ts)

-- name: join_as_written
-- DuckDB takes the plays of a chunk for a fifth of what they are, the plays of a month for a twenty-fifth, and would hash them
-- instead of the songs: more than twice the time
SET disabled_optimizers = 'join_order,build_side_probe_side'

-- name: join_as_planned
-- the songs that are known and staged grow, and are not to be hashed for a few new ones
RESET disabled_optimizers

-- name: note_listening
-- who listened to what
INSERT INTO listening
SELECT month, user_id, session_id, start_time, level, location, user_agent,
       milliseconds(length), track_id, artist_key
FROM plays JOIN chunk_songs USING (heard_song_id)

-- name: finish_batch
-- what each user heard on each day, and from when to when. To group plays once is quicker than to group what was grouped of chunks.
CREATE OR REPLACE TEMP TABLE user_days AS
SELECT month, user_id, start_time::DATE AS day, level, location, user_agent, count(*)::INTEGER AS plays,
       sum(milliseconds)::BIGINT AS milliseconds, min(start_time) AS first_play, max(start_time) AS last_play,
       list(hour(start_time)::SMALLINT) AS hours, list(track_id) AS tracks, list(artist_key) AS artists
FROM listening GROUP BY month, user_id, start_time::DATE, level, location, user_agent

-- name: month_songplays
-- rows of songplays; the ids are what the catalogue says now, publication has the last word
SELECT p.songplay_id, p.start_time, p.user_id, p.level, k.song_id, k.artist_id, p.session_id, p.location, p.user_agent
FROM plays p JOIN chunk_songs k USING (heard_song_id)
WHERE p.month = $month

-- name: month_heard_plays
-- rows of heard_plays, in the order of songplays
SELECT p.start_time, p.songplay_id, p.heard_song_id, p.item_in_session, p.line, f.file_id
FROM plays p JOIN files f USING (slice)
WHERE p.month = $month

-- name: month_repeated
-- which files have plays that lost to another line
SELECT r.start_time, r.songplay_id, f.file_id
FROM ranked r JOIN files f USING (slice)
WHERE r.month = $month AND r.variant > 1

-- name: month_time
-- rows of time
SELECT start_time, hour(start_time)::SMALLINT AS hour, day(start_time)::SMALLINT AS day,
       week(start_time)::SMALLINT AS week, month(start_time)::SMALLINT AS month, year(start_time)::SMALLINT AS year,
       (isodow(start_time) - 1)::SMALLINT AS weekday
FROM (SELECT DISTINCT start_time FROM plays WHERE month = $month)

-- name: month_heard_songs
-- rows of heard_songs, with the match that songplays got
SELECT n.heard_song_id, n.title, n.artist, n.length, k.song_id, k.artist_id, k.track_id, k.artist_key
FROM known_songs k JOIN new_heard_songs n USING (heard_song_id)
WHERE n.month = $month

-- name: batch_months
-- the months that the batch touches
SELECT DISTINCT month FROM user_days ORDER BY month

-- name: month_users
-- the latest play of each user in the month
SELECT user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
       location, user_agent, heard_song_id
FROM latest_plays WHERE month = $month
QUALIFY row_number() OVER (
    PARTITION BY user_id
    ORDER BY ts DESC, session_id DESC, item_in_session DESC, songplay_id DESC,
             variant(level, location, user_agent, heard_song_id),
             first_name NULLS FIRST, last_name NULLS FIRST, gender NULLS FIRST
) = 1

-- name: month_levels
-- from when to when each user had which level on each day of the month
SELECT user_id, day, level, min(first_play) AS first_play, max(last_play) AS last_play
FROM user_days WHERE month = $month GROUP BY user_id, day, level

-- name: month_user_days
-- what each user heard on each day of the month. In this order a day's users of one place lie together: whoever asks for a place
-- reads few pages.
SELECT user_id, day, level, location, text_id(user_agent) AS user_agent_id, plays, milliseconds,
       list_sort(hours) AS hours, list_sort(tracks) AS tracks, list_sort(artists) AS artists
FROM user_days WHERE month = $month ORDER BY day, location, user_id

-- name: month_hours
-- plays by day and hour
SELECT start_time::DATE AS day, hour(start_time)::SMALLINT AS hour, level, count(*)::INTEGER AS plays
FROM listening WHERE month = $month GROUP BY start_time::DATE, hour(start_time), level

-- name: month_user_agents
-- with what
SELECT text_id(user_agent) AS user_agent_id, user_agent
FROM (SELECT DISTINCT user_agent FROM user_days WHERE month = $month AND user_agent IS NOT NULL)

-- name: month_sessions
-- the first play of each session in the month, on each level
SELECT user_id, session_id, min(start_time) AS started_at, level
FROM listening WHERE month = $month GROUP BY user_id, session_id, level
