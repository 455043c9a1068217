-- name: parse
-- Read one record from each proven line and accept those that are surely valid; the judge decides on the rest.
-- The lines come in the Arrow table `lines`.
-- makes: parsed
CREATE OR REPLACE TEMP TABLE parsed AS
WITH read AS (
    SELECT slice, line, position,
           CASE WHEN proven THEN TRY(from_json(text, '{fields}')) END AS e,
           NOT proven AND regexp_full_match(text, '[ \t\r\x0b\x0c]*\n') AS blank
    FROM lines
)
SELECT slice, line, position, e.song_id AS song_id, e.title AS title, e.artist_id AS artist_id,
       e.artist_name AS artist_name, nullif(e.artist_location, '') AS artist_location,
       -- -0.0 and 0.0 are one number
       CASE WHEN e.artist_latitude = 0 THEN 0 ELSE e.artist_latitude END AS artist_latitude,
       CASE WHEN e.artist_longitude = 0 THEN 0 ELSE e.artist_longitude END AS artist_longitude,
       TRY_CAST(nullif(e.year, 0) AS INTEGER) AS year, e.duration AS duration,
       CASE
           WHEN blank THEN 'blank'
           WHEN strlen(e.song_id) BETWEEN 1 AND 1000 AND strlen(e.artist_id) BETWEEN 1 AND 1000
                AND e.title IS NOT NULL AND e.artist_name IS NOT NULL AND e.duration > 0 AND isfinite(e.duration)
                AND coalesce(isfinite(e.artist_latitude), true) AND coalesce(isfinite(e.artist_longitude), true)
                AND coalesce(e.year BETWEEN 0 AND 9999, true) THEN 'record'
           ELSE 'ask the judge'
       END AS verdict
FROM read

-- name: census
-- Count, for each slice, the lines that are surely other pages (a song file has none) or blank.
-- reads: parsed
SELECT slice, 0, count(*) FROM parsed WHERE verdict = 'blank' GROUP BY slice

-- name: doubtful
-- List the lines that the judge must decide on.
-- reads: parsed
SELECT slice, line, position FROM parsed WHERE verdict = 'ask the judge' ORDER BY position

-- name: add_judged
-- Add the records that the judge accepted, from the Arrow table `judged`.
-- reads: parsed
INSERT INTO parsed BY NAME SELECT *, 'record' AS verdict FROM judged

-- name: books
-- Count the records of each slice.
-- reads: parsed
SELECT slice, count(*) FROM parsed WHERE verdict = 'record' GROUP BY slice

-- name: records
-- Return the rows for etl.catalogue_records; the Arrow table `files` has the file of each slice.
-- reads: parsed
SELECT file_id, line, song_id, title, artist_id, artist_name, artist_location, artist_latitude, artist_longitude, year,
       duration,
       unhex(substr(sha256(encode(title) || '\x00'::BLOB || encode(artist_name) || '\x00'::BLOB
                           || duration::BIT::BLOB), 1, 32)) AS heard_song_id
FROM parsed JOIN files USING (slice) WHERE verdict = 'record' ORDER BY slice, line
