-- name: parse
-- the fast path: one row per line; what is not surely a play or another page is left to the judge
CREATE OR REPLACE TEMP TABLE parsed AS
WITH shaped AS (
    SELECT slice, line, position,
           CASE WHEN regexp_full_match(text, '{shape}') THEN from_json(text, '{fields}') END AS e,
           regexp_full_match(text, '[ \t\r\x0b\x0c]*\n') AS blank
    FROM lines
),
typed AS (
    SELECT slice, line, position,
           e.page AS page,
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
           blank
    FROM shaped
)
SELECT * EXCLUDE (page, blank),
       CASE
           WHEN blank THEN 'blank'
           WHEN page <> 'NextSong' THEN 'other page'
           WHEN page = 'NextSong' AND user_id IS NOT NULL AND session_id IS NOT NULL AND item_in_session IS NOT NULL
                AND ts >= {earliest} AND ts < {before} AND level IS NOT NULL AND song <> '' AND artist IS NOT NULL
                AND length > 0 THEN 'play'
           ELSE 'ask the judge'
       END AS verdict
FROM typed

-- name: census
-- how many lines of each slice are surely other pages or blank
SELECT slice, count(*) FILTER (verdict = 'other page'), count(*) FILTER (verdict = 'blank') FROM parsed GROUP BY slice

-- name: doubtful
-- the lines that the judge decides on
SELECT slice, line, position FROM parsed WHERE verdict = 'ask the judge' ORDER BY position

-- name: plays
-- every valid play with what is computed from it; songplay_id and heard_song_id are documented in docs/rules.md
CREATE OR REPLACE TEMP TABLE plays AS
WITH valid AS (
    SELECT slice, line, user_id, session_id, item_in_session, ts, level, song, artist, length,
           first_name, last_name, gender, location, user_agent
    FROM parsed WHERE verdict = 'play'
    UNION ALL
    SELECT slice, line, user_id, session_id, item_in_session, ts, level, song, artist, length,
           first_name, last_name, gender, location, user_agent
    FROM judged
)
SELECT *,
       make_timestamp(ts * 1000) AS start_time,
       date_trunc('month', make_timestamp(ts * 1000))::DATE AS month,
       (('0x' || substr(sha256(concat_ws(',', user_id, session_id, item_in_session, ts)), 1, 16))::UBIGINT >> 1)::BIGINT
           AS songplay_id,
       unhex(substr(sha256(encode(song) || '\x00'::BLOB || encode(artist) || '\x00'::BLOB || length::BIT::BLOB), 1, 32))
           AS heard_song_id
FROM valid

-- name: nothing_repeated
-- the usual case
CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, 1 AS variant FROM plays LIMIT 0

-- name: identities
-- whether any play occurs twice
SELECT count(*) = count(DISTINCT songplay_id) FROM plays

-- name: heard_songs
-- every song heard in the chunk, those of repeated plays too
CREATE OR REPLACE TEMP TABLE heard_songs AS
SELECT heard_song_id, month, any_value(song) AS title, any_value(artist) AS artist, any_value(length) AS length
FROM plays GROUP BY heard_song_id, month

-- name: rank_repeated
-- of plays with one identity the winner stays: the smallest content by bytes, then the first line
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT *, row_number() OVER (
    PARTITION BY start_time, songplay_id
    ORDER BY level, location NULLS FIRST, user_agent NULLS FIRST, heard_song_id,
             first_name NULLS FIRST, last_name NULLS FIRST, gender NULLS FIRST, slice, line
) AS variant
FROM plays

-- name: repeated
-- how many plays of each slice lose
SELECT slice, count(*) FROM ranked WHERE variant > 1 GROUP BY slice

-- name: keep_winners
-- each identity once
CREATE OR REPLACE TEMP TABLE plays AS SELECT * EXCLUDE (variant) FROM ranked WHERE variant = 1

-- name: books
-- how many plays of each slice remain
SELECT slice, count(*) FROM plays GROUP BY slice

-- name: months
-- the months that the chunk touches
SELECT DISTINCT month FROM plays ORDER BY month

-- name: month_songplays
-- rows of songplays; the ids are what the catalogue says now, publication has the last word
SELECT p.songplay_id, p.start_time, p.user_id, p.level, m.song_id, m.artist_id, p.session_id, p.location, p.user_agent
FROM plays p SEMI JOIN claimed USING (slice) LEFT JOIN matches m USING (heard_song_id)
WHERE p.month = $month

-- name: month_heard_plays
-- rows of heard_plays, in the order of songplays
SELECT p.start_time, p.songplay_id, p.heard_song_id, p.item_in_session, p.line, f.file_id
FROM plays p JOIN claimed f USING (slice)
WHERE p.month = $month

-- name: month_repeated
-- which files have plays that lost to another line
SELECT r.start_time, r.songplay_id, f.file_id
FROM ranked r JOIN claimed f USING (slice)
WHERE r.month = $month AND r.variant > 1

-- name: month_time
-- rows of time
SELECT start_time, hour(start_time)::SMALLINT AS hour, day(start_time)::SMALLINT AS day,
       week(start_time)::SMALLINT AS week, month(start_time)::SMALLINT AS month, year(start_time)::SMALLINT AS year,
       (isodow(start_time) - 1)::SMALLINT AS weekday
FROM (SELECT DISTINCT start_time FROM plays WHERE month = $month)

-- name: month_users
-- the latest play of each user in the month
SELECT user_id, first_name, last_name, gender, level, start_time, session_id, item_in_session, songplay_id,
       location, user_agent, heard_song_id
FROM plays WHERE month = $month
QUALIFY row_number() OVER (
    PARTITION BY user_id ORDER BY ts DESC, session_id DESC, item_in_session DESC, songplay_id DESC
) = 1

-- name: month_heard_songs
-- rows of heard_songs, with the match that songplays got
SELECT h.heard_song_id, h.title, h.artist, h.length, m.song_id, m.artist_id
FROM heard_songs h LEFT JOIN matches m USING (heard_song_id)
WHERE h.month = $month
