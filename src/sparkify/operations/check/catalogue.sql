-- name: catalogue_winners
-- The tables songs and artists show the winners among the catalogue records.
-- do: Change a byte of the song files concerned (add a blank line at their end) and load again.
SELECT 'songs' AS in_table, song_id AS id FROM songs s FULL JOIN etl.winning_songs w USING (song_id)
WHERE ROW(s.*, w.artist_name, w.heard_song_id) IS DISTINCT FROM ROW(w.*)
UNION ALL
SELECT 'artists', artist_id FROM artists a FULL JOIN etl.winning_artists w USING (artist_id)
WHERE ROW(a.*) IS DISTINCT FROM ROW(w.*)

-- name: song_keys
-- Every song has the key of its winning record, by which plays find it.
-- do: Change a byte of the song files concerned (add a blank line at their end) and load again.
SELECT song_id, k.heard_song_id AS kept, w.heard_song_id AS real
FROM etl.song_keys k
FULL JOIN (
    SELECT song_id, artist_id, etl.heard_song_id(title, artist_name, duration) AS heard_song_id FROM etl.winning_songs
) w USING (song_id)
WHERE (k.heard_song_id, k.artist_id) IS DISTINCT FROM (w.heard_song_id, w.artist_id)

-- name: matches
-- Heard songs and plays have the song of the catalogue that they match, and no other.
-- do: Change a byte of the song files concerned (add a blank line at their end) and load again.
SELECT h.heard_song_id, h.song_id AS kept, m.song_id AS real, 0 AS plays
FROM analytics.heard_songs h LEFT JOIN etl.catalogue_matches m USING (heard_song_id)
WHERE (h.song_id, h.artist_id) IS DISTINCT FROM (m.song_id, m.artist_id)
UNION ALL
SELECT h.heard_song_id, p.song_id, h.song_id, count(*)
FROM songplays p JOIN analytics.heard_plays USING (start_time, songplay_id)
JOIN analytics.heard_songs h USING (heard_song_id)
WHERE (p.song_id, p.artist_id) IS DISTINCT FROM (h.song_id, h.artist_id)
GROUP BY h.heard_song_id, p.song_id, h.song_id
