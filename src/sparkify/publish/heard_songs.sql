-- name: match_again
-- Match staged songs and plays again: the catalogue has changed since they were staged.
-- makes: heard
CREATE TEMP TABLE heard ON COMMIT DROP AS
SELECT h.heard_song_id, m.song_id, m.artist_id
FROM (SELECT DISTINCT heard_song_id FROM {heard_songs}) h LEFT JOIN etl.catalogue_matches m USING (heard_song_id);
ANALYZE heard;
UPDATE {heard_songs} h SET song_id = now.song_id, artist_id = now.artist_id
FROM heard now
WHERE h.heard_song_id = now.heard_song_id AND (h.song_id, h.artist_id) IS DISTINCT FROM (now.song_id, now.artist_id);
UPDATE {songplays} p SET song_id = now.song_id, artist_id = now.artist_id
FROM {heard_plays} h JOIN heard now USING (heard_song_id)
WHERE p.start_time = h.start_time AND p.songplay_id = h.songplay_id
  AND (p.song_id, p.artist_id) IS DISTINCT FROM (now.song_id, now.artist_id)

-- name: insert_heard_songs
-- Insert songs that were not heard before. Known songs keep their row, which follows the catalogue.
INSERT INTO analytics.heard_songs (heard_song_id, title, artist, length, song_id, artist_id, track_id, artist_key)
SELECT DISTINCT ON (heard_song_id) heard_song_id, title, artist, length, song_id, artist_id, track_id, artist_key
FROM {heard_songs} staged
WHERE NOT EXISTS (SELECT FROM analytics.heard_songs known WHERE known.heard_song_id = staged.heard_song_id)
ORDER BY heard_song_id

-- name: remove_unheard_songs
-- Delete staged songs whose plays have all lost to other variants, unless they were heard in another month.
DELETE FROM analytics.heard_songs s
USING (
    SELECT DISTINCT heard_song_id FROM {heard_songs} staged
    WHERE NOT EXISTS (SELECT FROM {heard_plays_there} h WHERE h.heard_song_id = staged.heard_song_id)
) unheard
WHERE s.heard_song_id = unheard.heard_song_id
  AND NOT EXISTS (SELECT FROM analytics.heard_plays h WHERE h.heard_song_id = s.heard_song_id)

-- name: remove_replaced_songs
-- Delete the songs of replaced plays that no play has any more.
-- reads: clashes
DELETE FROM analytics.heard_songs s USING clashes c
WHERE c.wins AND s.heard_song_id = c.heard_song_id_there
  AND NOT EXISTS (SELECT FROM analytics.heard_plays h WHERE h.heard_song_id = s.heard_song_id)
