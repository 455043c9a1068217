-- name: top_songs
-- most played songs, in the catalogue or not; one row per song of the catalogue, or per (title, artist) of the logs
WITH plays AS (
    SELECT s.user_id, s.song_id, s.artist_id, h.title, h.artist
    FROM songplays s
    JOIN analytics.heard_plays p USING (start_time, songplay_id)
    JOIN analytics.heard_songs h USING (heard_song_id)
    WHERE (%(since)s::timestamptz IS NULL OR s.start_time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR s.start_time < %(until)s)
      AND (%(since)s::timestamptz IS NULL OR p.start_time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR p.start_time < %(until)s)
      AND (%(level)s::text IS NULL OR s.level = %(level)s)
),
named AS (
    SELECT plays.user_id, plays.song_id,
           coalesce(songs.title, plays.title) AS title, coalesce(artists.name, plays.artist) AS artist
    FROM plays
    LEFT JOIN songs USING (song_id)
    LEFT JOIN artists ON artists.artist_id = plays.artist_id
)
SELECT title, artist, count(*) AS plays, count(DISTINCT user_id) AS listeners, song_id
FROM named
GROUP BY title, artist, song_id
ORDER BY plays DESC, listeners DESC, title COLLATE "C", artist COLLATE "C", song_id COLLATE "C"
LIMIT %(limit)s

-- name: top_artists
-- most played artists, in the catalogue or not; one row per artist of the catalogue, or per name in the logs
WITH plays AS (
    SELECT s.user_id, s.artist_id, h.artist
    FROM songplays s
    JOIN analytics.heard_plays p USING (start_time, songplay_id)
    JOIN analytics.heard_songs h USING (heard_song_id)
    WHERE (%(since)s::timestamptz IS NULL OR s.start_time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR s.start_time < %(until)s)
      AND (%(since)s::timestamptz IS NULL OR p.start_time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR p.start_time < %(until)s)
      AND (%(level)s::text IS NULL OR s.level = %(level)s)
),
named AS (
    SELECT plays.user_id, plays.artist_id, coalesce(artists.name, plays.artist) AS artist
    FROM plays LEFT JOIN artists USING (artist_id)
)
SELECT artist, count(*) AS plays, count(DISTINCT user_id) AS listeners, artist_id
FROM named
GROUP BY artist, artist_id
ORDER BY plays DESC, listeners DESC, artist COLLATE "C", artist_id COLLATE "C"
LIMIT %(limit)s

-- name: status_files
-- files by kind and state, with their books
SELECT kind, state, count(*) AS files, sum(lines)::bigint AS lines, sum(blank)::bigint AS blank,
       sum(other_pages)::bigint AS other_pages, sum(loaded)::bigint AS loaded, sum(duplicates)::bigint AS duplicates,
       sum(rejected)::bigint AS rejected, sum(forgotten)::bigint AS forgotten
FROM etl.files GROUP BY kind, state ORDER BY kind, state

-- name: status_runs
-- the last runs
SELECT run_id, started_at, finished_at, state FROM etl.runs ORDER BY run_id DESC LIMIT 5

-- name: status_rows
-- rows in the star
SELECT table_name, row_count FROM etl.row_counts ORDER BY table_name

-- name: status_range
-- from when to when there are plays
SELECT min(start_time) AS first_play, max(start_time) AS last_play FROM songplays

-- name: rejects_list
-- rejected lines by file and reason
SELECT path, reason, count(*) AS lines, min(line) AS first_line, min(detail) AS example
FROM etl.rejected_records JOIN etl.known_files USING (file_id)
WHERE (%(path)s::text IS NULL OR right(path, length(%(path)s)) = %(path)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(run)s::bigint IS NULL OR rejected_records.run_id = %(run)s)
GROUP BY path, reason
ORDER BY lines DESC, path COLLATE "C", reason
LIMIT %(limit)s

-- name: rejects_show
-- rejected lines with their evidence
SELECT path, line, reason, detail, record, record_bytes, rejected_records.run_id
FROM etl.rejected_records JOIN etl.known_files USING (file_id)
WHERE (%(path)s::text IS NULL OR right(path, length(%(path)s)) = %(path)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(run)s::bigint IS NULL OR rejected_records.run_id = %(run)s)
ORDER BY path COLLATE "C", line
LIMIT %(limit)s
