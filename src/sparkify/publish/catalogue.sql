-- name: find_touched
-- the songs and artists that the run's files speak of, or spoke of before they changed. Where only rejected records of a file
-- were retried, its other records stay: the entry in the manifest is not of the file's version.
CREATE TEMP TABLE files_read ON COMMIT DROP AS
SELECT m.file_id FROM etl.manifest m JOIN etl.known_files f USING (file_id, version)
WHERE m.run_id = {run_id} AND f.kind = 'song';
CREATE TEMP TABLE spoken_of ON COMMIT DROP AS
SELECT song_id, artist_id FROM etl.catalogue_records WHERE file_id IN (SELECT file_id FROM files_read)
UNION
SELECT song_id, artist_id FROM {catalogue};
CREATE TEMP TABLE touched_songs ON COMMIT DROP AS SELECT DISTINCT song_id FROM spoken_of;
CREATE TEMP TABLE touched_artists ON COMMIT DROP AS SELECT DISTINCT artist_id FROM spoken_of;
ANALYZE files_read, touched_songs, touched_artists

-- name: replace_records
-- a file's present version replaces what its earlier version said
DELETE FROM etl.catalogue_records WHERE file_id IN (SELECT file_id FROM files_read);
INSERT INTO etl.catalogue_records
    (file_id, line, song_id, title, artist_id, artist_name, artist_location, artist_latitude, artist_longitude,
     year, duration, heard_song_id)
SELECT file_id, line, song_id, title, artist_id, artist_name, artist_location, artist_latitude, artist_longitude,
       year, duration, heard_song_id
FROM {catalogue}

-- name: touches_much
-- whether more than a quarter of the songs is touched: then to find all winners is quicker than one after the other
SELECT 4 * (SELECT count(*) FROM touched_songs) > coalesce(sum(row_count), 0)
FROM etl.row_counts WHERE table_name = 'songs'

-- name: decide_at_once
-- the winning records of the touched songs and artists, where most are touched
CREATE TEMP TABLE winning_songs ON COMMIT DROP AS
SELECT w.* FROM etl.winning_songs w JOIN touched_songs USING (song_id);
CREATE TEMP TABLE winning_artists ON COMMIT DROP AS
SELECT w.* FROM etl.winning_artists w JOIN touched_artists USING (artist_id);
ANALYZE winning_songs, winning_artists

-- name: decide_one_by_one
-- the same where few are touched: each by an index, apart from the others because of OFFSET 0
SET LOCAL enable_seqscan = off;
CREATE TEMP TABLE winning_songs ON COMMIT DROP AS
SELECT w.* FROM touched_songs t, LATERAL (SELECT * FROM etl.winning_songs w WHERE w.song_id = t.song_id OFFSET 0) w;
CREATE TEMP TABLE winning_artists ON COMMIT DROP AS
SELECT w.* FROM touched_artists t, LATERAL (SELECT * FROM etl.winning_artists w WHERE w.artist_id = t.artist_id OFFSET 0) w;
SET LOCAL enable_seqscan = on;
ANALYZE winning_songs, winning_artists

-- name: rekey
-- touched songs get the key of their winning record. The keys that they had or have now may find another song than before.
CREATE TEMP TABLE moved_keys ON COMMIT DROP AS
SELECT heard_song_id FROM etl.song_keys JOIN touched_songs USING (song_id)
UNION
SELECT heard_song_id FROM winning_songs;
DELETE FROM etl.song_keys k USING touched_songs t
WHERE k.song_id = t.song_id
  AND NOT EXISTS (SELECT FROM winning_songs w
                  WHERE w.song_id = k.song_id AND w.heard_song_id = k.heard_song_id AND w.artist_id = k.artist_id);
INSERT INTO etl.song_keys (heard_song_id, song_id, artist_id)
SELECT heard_song_id, song_id, artist_id FROM winning_songs
ON CONFLICT DO NOTHING;
ANALYZE moved_keys

-- name: note_change
-- plays that were matched by the catalogue as it was are matched again when they are published
UPDATE etl.warehouse SET catalogue_version = catalogue_version + 1 WHERE EXISTS (SELECT FROM moved_keys)

-- name: rematch
-- heard songs that the catalogue now says otherwise of
CREATE TEMP TABLE rematched ON COMMIT DROP AS
SELECT h.heard_song_id, m.song_id, m.artist_id, h.song_id AS song_id_before
FROM analytics.heard_songs h
LEFT JOIN (
    SELECT DISTINCT ON (heard_song_id) heard_song_id, song_id, artist_id
    FROM etl.song_keys
    WHERE heard_song_id IN (SELECT heard_song_id FROM moved_keys)
    ORDER BY heard_song_id, song_id COLLATE "C"
) m USING (heard_song_id)
WHERE h.heard_song_id IN (SELECT heard_song_id FROM moved_keys)
  AND (h.song_id, h.artist_id) IS DISTINCT FROM (m.song_id, m.artist_id);
ANALYZE rematched

-- name: matched_by_catalogue
-- how many more plays have a song
SELECT coalesce(sum((r.song_id IS NOT NULL)::integer - (r.song_id_before IS NOT NULL)::integer), 0)
FROM rematched r JOIN analytics.heard_plays USING (heard_song_id)

-- name: apply_matches
-- to the heard songs and their plays
UPDATE analytics.heard_songs h
SET song_id = r.song_id, artist_id = r.artist_id
FROM rematched r WHERE h.heard_song_id = r.heard_song_id;
UPDATE songplays s
SET song_id = r.song_id, artist_id = r.artist_id
FROM analytics.heard_plays p JOIN rematched r USING (heard_song_id)
WHERE s.start_time = p.start_time AND s.songplay_id = p.songplay_id

-- name: remove_songs
-- songs and artists that no file speaks of any more
DELETE FROM songs s USING touched_songs t
WHERE s.song_id = t.song_id AND NOT EXISTS (SELECT FROM winning_songs w WHERE w.song_id = s.song_id);
DELETE FROM artists a USING touched_artists t
WHERE a.artist_id = t.artist_id AND NOT EXISTS (SELECT FROM winning_artists w WHERE w.artist_id = a.artist_id)

-- name: count
-- rows of the catalogue's tables
UPDATE etl.row_counts SET row_count = (SELECT count(*) FROM songs) WHERE table_name = 'songs';
UPDATE etl.row_counts SET row_count = (SELECT count(*) FROM artists) WHERE table_name = 'artists'
