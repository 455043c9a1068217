-- name: find_repeated
-- Find plays that several chunks staged.
-- makes: twice
CREATE TEMP TABLE twice ON COMMIT DROP AS
SELECT start_time, songplay_id FROM {heard_plays} WHERE start_time <@ {overlaps}::tstzmultirange
GROUP BY start_time, songplay_id HAVING count(*) > 1

-- name: remove_repeated
-- Keep the winning variant of each such play, or the first line of equal ones; return each file's lost plays.
-- Two rows of a play belong together if the same transaction, xmin, wrote both: each chunk has its own.
-- reads: twice
WITH variants AS (
    SELECT p.ctid AS songplay, h.ctid AS heard_play, start_time, songplay_id, h.file_id,
           row_number() OVER (
               PARTITION BY start_time, songplay_id
               ORDER BY etl.variant(ROW(p.*)::songplays, h.heard_song_id), f.path COLLATE "C", h.line
           ) AS rank
    FROM twice
    JOIN {songplays} p USING (start_time, songplay_id)
    JOIN {heard_plays} h USING (start_time, songplay_id)
    JOIN etl.known_files f USING (file_id)
    WHERE p.xmin = h.xmin
),
losers AS (
    SELECT * FROM variants WHERE rank > 1
),
lost_songplays AS (
    DELETE FROM {songplays} p USING losers WHERE p.ctid = losers.songplay
),
lost_heard_plays AS (
    DELETE FROM {heard_plays} h USING losers WHERE h.ctid = losers.heard_play
),
noted AS (
    INSERT INTO {repeated} (start_time, songplay_id, file_id) SELECT start_time, songplay_id, file_id FROM losers
)
SELECT file_id, count(*) FROM losers GROUP BY file_id
