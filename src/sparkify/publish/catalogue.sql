-- name: is_staged
-- Tell whether the catalogue of a run, by the name of its table, is still to be published.
SELECT to_regclass(%s) IS NOT NULL

-- name: find_touched
-- Find the songs and artists that the run's files name, or named before the files changed.
-- A retry reads only some records of a file, and the others must stay: its manifest entry has another version
-- than the file, so the file is not among files_read.
-- makes: files_read, spoken_of, touched_artists, touched_songs
CREATE TEMP TABLE files_read ON COMMIT DROP AS
SELECT m.file_id FROM etl.manifest m JOIN etl.known_files f USING (file_id, version)
WHERE m.run_id = {run_id} AND f.kind = 'song';
ANALYZE files_read;
CREATE TEMP TABLE spoken_of ON COMMIT DROP AS
SELECT song_id, artist_id FROM etl.catalogue_records WHERE file_id IN (SELECT file_id FROM files_read)
UNION
SELECT song_id, artist_id FROM {catalogue};
CREATE TEMP TABLE touched_songs ON COMMIT DROP AS SELECT DISTINCT song_id FROM spoken_of;
CREATE TEMP TABLE touched_artists ON COMMIT DROP AS SELECT DISTINCT artist_id FROM spoken_of;
ANALYZE touched_songs, touched_artists

-- name: is_large
-- Tell whether the staged catalogue has many records.
SELECT count(*) = {many} FROM (SELECT FROM {catalogue} LIMIT {many}) records

-- name: remove_earlier_records
-- Remove the records of each file's earlier version.
-- reads: files_read
DELETE FROM etl.catalogue_records WHERE file_id IN (SELECT file_id FROM files_read)

-- name: add_records
-- Add the staged records.
INSERT INTO etl.catalogue_records TABLE {catalogue}

-- name: touches_any
-- Tell whether any song is touched. A run that read only logs touches none.
-- reads: touched_songs
SELECT EXISTS (SELECT FROM touched_songs)

-- name: touches_much
-- Tell whether more than a quarter of the songs is touched: then deciding all at once is faster.
-- reads: touched_songs
SELECT 4 * (SELECT count(*) FROM touched_songs) > coalesce(sum(row_count), 0)
FROM etl.row_counts WHERE table_name = 'songs'

-- name: decide_at_once
-- Find the winning records of all touched songs and artists at once.
-- reads: touched_artists, touched_songs
-- makes: winning_artists, winning_songs
CREATE TEMP TABLE winning_songs ON COMMIT DROP AS
SELECT w.* FROM etl.winning_songs w JOIN touched_songs USING (song_id);
CREATE TEMP TABLE winning_artists ON COMMIT DROP AS
SELECT w.* FROM etl.winning_artists w JOIN touched_artists USING (artist_id);
ANALYZE winning_songs, winning_artists

-- name: decide_all
-- Find all winning records.
-- makes: winning_artists, winning_songs
CREATE TEMP TABLE winning_songs ON COMMIT DROP AS TABLE etl.winning_songs;
CREATE TEMP TABLE winning_artists ON COMMIT DROP AS TABLE etl.winning_artists

-- name: decide_one_by_one
-- Find the winning records one by one, through an index; OFFSET 0 keeps PostgreSQL from joining all records.
-- reads: touched_artists, touched_songs
-- makes: winning_artists, winning_songs
CREATE TEMP TABLE winning_songs ON COMMIT DROP AS
SELECT w.* FROM touched_songs t, LATERAL (SELECT * FROM etl.winning_songs w WHERE w.song_id = t.song_id OFFSET 0) w;
CREATE TEMP TABLE winning_artists ON COMMIT DROP AS
SELECT w.* FROM touched_artists t, LATERAL (SELECT * FROM etl.winning_artists w WHERE w.artist_id = t.artist_id OFFSET 0) w;
ANALYZE winning_songs, winning_artists

-- name: drop_old_keys
-- Remove the keys that touched songs no longer have, and list the keys that may now find another song.
-- reads: touched_songs, winning_songs
-- makes: moved_keys
CREATE TEMP TABLE moved_keys ON COMMIT DROP AS
SELECT heard_song_id FROM etl.song_keys JOIN touched_songs USING (song_id)
UNION
SELECT heard_song_id FROM winning_songs;
DELETE FROM etl.song_keys k USING touched_songs t
WHERE k.song_id = t.song_id
  AND NOT EXISTS (SELECT FROM winning_songs w
                  WHERE w.song_id = k.song_id AND w.heard_song_id = k.heard_song_id AND w.artist_id = k.artist_id);
ANALYZE moved_keys

-- name: add_keys
-- Give songs the key of their winning record.
-- reads: winning_songs
INSERT INTO etl.song_keys (heard_song_id, song_id, artist_id)
SELECT heard_song_id, song_id, artist_id FROM winning_songs
ON CONFLICT DO NOTHING

-- name: note_change
-- Raise the catalogue's version, so that publishing matches plays again that are staged now.
-- reads: moved_keys
UPDATE etl.warehouse SET catalogue_version = catalogue_version + 1 WHERE EXISTS (SELECT FROM moved_keys)

-- name: note_new_catalogue
-- Raise the catalogue's version: plays that are staged now found no song.
UPDATE etl.warehouse SET catalogue_version = catalogue_version + 1

-- name: rematch
-- Find heard songs that now match another song, or none; OFFSET 0 looks each key up through an index.
-- reads: moved_keys
-- makes: rematched
CREATE TEMP TABLE rematched ON COMMIT DROP AS
SELECT h.heard_song_id, m.song_id, m.artist_id, h.song_id AS song_id_before
FROM analytics.heard_songs h
LEFT JOIN LATERAL (
    SELECT song_id, artist_id FROM etl.catalogue_matches c WHERE c.heard_song_id = h.heard_song_id OFFSET 0
) m ON true
WHERE h.heard_song_id IN (SELECT heard_song_id FROM moved_keys)
  AND (h.song_id, h.artist_id) IS DISTINCT FROM (m.song_id, m.artist_id);
ANALYZE rematched

-- name: matched_by_catalogue
-- Count how many more plays will match a song.
-- reads: rematched
SELECT coalesce(sum((r.song_id IS NOT NULL)::integer - (r.song_id_before IS NOT NULL)::integer), 0)
FROM rematched r JOIN analytics.heard_plays USING (heard_song_id)

-- name: apply_matches
-- Give heard songs and their plays the song that they now match.
-- reads: rematched
UPDATE analytics.heard_songs h
SET song_id = r.song_id, artist_id = r.artist_id
FROM rematched r WHERE h.heard_song_id = r.heard_song_id;
UPDATE songplays s
SET song_id = r.song_id, artist_id = r.artist_id
FROM analytics.heard_plays p JOIN rematched r USING (heard_song_id)
WHERE s.start_time = p.start_time AND s.songplay_id = p.songplay_id

-- name: remove_songs
-- Delete songs and artists that no file names any more.
-- reads: touched_artists, touched_songs, winning_artists, winning_songs
DELETE FROM songs s USING touched_songs t
WHERE s.song_id = t.song_id AND NOT EXISTS (SELECT FROM winning_songs w WHERE w.song_id = s.song_id);
DELETE FROM artists a USING touched_artists t
WHERE a.artist_id = t.artist_id AND NOT EXISTS (SELECT FROM winning_artists w WHERE w.artist_id = a.artist_id)

-- name: count
-- Store the row counts of songs and artists.
UPDATE etl.row_counts SET row_count = (SELECT count(*) FROM songs) WHERE table_name = 'songs';
UPDATE etl.row_counts SET row_count = (SELECT count(*) FROM artists) WHERE table_name = 'artists'
