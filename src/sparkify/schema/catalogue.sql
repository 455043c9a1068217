-- The catalogue as the song files describe it. songs and artists in the star are its winners.
CREATE TABLE IF NOT EXISTS etl.catalogue_records (
    file_id          integer NOT NULL,
    line             bigint NOT NULL,
    song_id          text NOT NULL,
    title            text NOT NULL,
    artist_id        text NOT NULL,
    artist_name      text NOT NULL,
    artist_location  text,
    artist_latitude  double precision,
    artist_longitude double precision,
    year             bigint,
    duration         double precision NOT NULL,
    heard_song_id    uuid NOT NULL,
    PRIMARY KEY (file_id, line)
);
CREATE INDEX IF NOT EXISTS catalogue_records_song ON etl.catalogue_records (song_id);
CREATE INDEX IF NOT EXISTS catalogue_records_artist ON etl.catalogue_records (artist_id);
COMMENT ON TABLE etl.catalogue_records IS 'One row per valid record in the current version of a song file. Where records disagree, songs and artists show the winner.';
COMMENT ON COLUMN etl.catalogue_records.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.catalogue_records.line IS 'Line number in the file, from 1.';
COMMENT ON COLUMN etl.catalogue_records.song_id IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.title IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_id IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_name IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_location IS 'As in the record; NULL when empty.';
COMMENT ON COLUMN etl.catalogue_records.artist_latitude IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_longitude IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.year IS 'As in the record; NULL when 0.';
COMMENT ON COLUMN etl.catalogue_records.duration IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.heard_song_id IS 'Digest of title, artist_name and duration: the key of a play whose log line says the same.';

CREATE TABLE IF NOT EXISTS etl.song_keys (
    heard_song_id uuid NOT NULL,
    song_id       text NOT NULL,
    artist_id     text NOT NULL,
    PRIMARY KEY (heard_song_id, song_id)
);
CREATE INDEX IF NOT EXISTS song_keys_song ON etl.song_keys (song_id);
COMMENT ON TABLE etl.song_keys IS 'One row per song: the key by which plays find it, kept in step with etl.winning_songs.';
COMMENT ON COLUMN etl.song_keys.heard_song_id IS 'Digest of title, artist name and duration.';
COMMENT ON COLUMN etl.song_keys.song_id IS 'The song.';
COMMENT ON COLUMN etl.song_keys.artist_id IS 'Its artist.';

-- Only this view decides which song a play matches if several have the same title, artist name and duration.
CREATE OR REPLACE VIEW etl.catalogue_matches AS
SELECT DISTINCT ON (heard_song_id) heard_song_id, song_id, artist_id
FROM etl.song_keys
ORDER BY heard_song_id, song_id COLLATE "C";
COMMENT ON VIEW etl.catalogue_matches IS 'One row per heard_song_id in the catalogue: the song that its plays match. If there are several, the smallest song_id wins.';
COMMENT ON COLUMN etl.catalogue_matches.heard_song_id IS 'Digest of title, artist name and duration.';
COMMENT ON COLUMN etl.catalogue_matches.song_id IS 'The song.';
COMMENT ON COLUMN etl.catalogue_matches.artist_id IS 'Its artist.';

-- Only this view decides which record wins (docs/rules.md, Catalogue). Publication and `sparkify check` read it.
CREATE OR REPLACE VIEW etl.winning_songs AS
SELECT DISTINCT ON (song_id) song_id, title, artist_id, year, duration, artist_name, heard_song_id
FROM etl.catalogue_records
ORDER BY song_id, year IS NULL, title COLLATE "C", artist_id COLLATE "C", year, duration, artist_name COLLATE "C";
COMMENT ON VIEW etl.winning_songs IS 'One row per song: the record that wins if several describe the song. songs shows it, and plays are matched with it.';
COMMENT ON COLUMN etl.winning_songs.song_id IS 'The song.';
COMMENT ON COLUMN etl.winning_songs.title IS 'Title.';
COMMENT ON COLUMN etl.winning_songs.artist_id IS 'The artist who performs it.';
COMMENT ON COLUMN etl.winning_songs.year IS 'Year of release; NULL when unknown.';
COMMENT ON COLUMN etl.winning_songs.duration IS 'Length in seconds.';
COMMENT ON COLUMN etl.winning_songs.artist_name IS 'The artist''s name in this record; a log line matches only with this name. artists may show another.';
COMMENT ON COLUMN etl.winning_songs.heard_song_id IS 'Digest of title, artist_name and duration: the key of the plays that match.';

CREATE OR REPLACE VIEW etl.winning_artists AS
SELECT DISTINCT ON (artist_id) artist_id, artist_name AS name, artist_location AS location,
       artist_latitude AS latitude, artist_longitude AS longitude
FROM (SELECT *, count(*) OVER (PARTITION BY artist_id, artist_name) AS records_of_name FROM etl.catalogue_records) named
ORDER BY artist_id, records_of_name DESC, artist_name COLLATE "C",
         num_nulls(artist_location, artist_latitude, artist_longitude),
         artist_location COLLATE "C", artist_latitude, artist_longitude;
COMMENT ON VIEW etl.winning_artists IS 'One row per artist: the record that wins if several describe the artist. artists shows it.';
COMMENT ON COLUMN etl.winning_artists.artist_id IS 'The artist.';
COMMENT ON COLUMN etl.winning_artists.name IS 'The name that most records have.';
COMMENT ON COLUMN etl.winning_artists.location IS 'Where the artist comes from; NULL when unknown.';
COMMENT ON COLUMN etl.winning_artists.latitude IS 'Degrees north; NULL when unknown.';
COMMENT ON COLUMN etl.winning_artists.longitude IS 'Degrees east; NULL when unknown.';
