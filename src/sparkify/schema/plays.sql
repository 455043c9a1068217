-- Details of each play from the logs, whether or not the catalogue has the song.
CREATE TABLE IF NOT EXISTS analytics.heard_songs (
    heard_song_id uuid PRIMARY KEY,
    title         text NOT NULL,
    artist        text NOT NULL,
    length        double precision NOT NULL,
    song_id       text,
    artist_id     text,
    track_id      bigint NOT NULL,
    artist_key    bigint NOT NULL,
    CHECK ((song_id IS NULL) = (artist_id IS NULL))
);
COMMENT ON TABLE analytics.heard_songs IS 'One row per distinct (title, artist, length) in the logs, whether or not the catalogue has it.';
COMMENT ON COLUMN analytics.heard_songs.heard_song_id IS 'Digest of title, artist and length.';
COMMENT ON COLUMN analytics.heard_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.length IS 'Length in seconds, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.song_id IS 'The song of the catalogue that it matches; NULL if there is none.';
COMMENT ON COLUMN analytics.heard_songs.artist_id IS 'The artist of that song.';
COMMENT ON COLUMN analytics.heard_songs.track_id IS 'Digest of title and artist. Analytics counts all lengths of one title and artist as one song.';
COMMENT ON COLUMN analytics.heard_songs.artist_key IS 'Digest of artist. Analytics counts one name as one artist.';

-- It has no foreign keys: a transaction writes each row together with its play and its heard song, and the keys of the star already cost
-- a load more than anything else.
CREATE TABLE IF NOT EXISTS analytics.heard_plays (
    start_time      timestamptz NOT NULL,
    songplay_id     bigint NOT NULL,
    heard_song_id   uuid NOT NULL,
    item_in_session bigint NOT NULL,
    line            bigint NOT NULL,
    file_id         integer NOT NULL,
    PRIMARY KEY (start_time, songplay_id)
) PARTITION BY RANGE (start_time);
-- Finds the plays of a heard song when a catalogue change matches it with another song.
CREATE INDEX IF NOT EXISTS heard_plays_song ON analytics.heard_plays (heard_song_id);
COMMENT ON TABLE analytics.heard_plays IS 'One row per play in songplays: the song that was heard, and the log line that says so.';
COMMENT ON COLUMN analytics.heard_plays.start_time IS 'The start_time of the play.';
COMMENT ON COLUMN analytics.heard_plays.songplay_id IS 'The songplay_id of the play.';
COMMENT ON COLUMN analytics.heard_plays.heard_song_id IS 'The song that was heard: analytics.heard_songs.';
COMMENT ON COLUMN analytics.heard_plays.item_in_session IS 'The number of the event in its session.';
COMMENT ON COLUMN analytics.heard_plays.line IS 'Line number in the file, from 1.';
COMMENT ON COLUMN analytics.heard_plays.file_id IS 'The file: etl.files.';

-- If several lines have the same play, the smallest variant wins (docs/rules.md, Same identity). Variants are compared by bytes, NULL
-- first. Text has no zero byte, so one ends each field. The core writes the same bytes (core/batch_rows.c).
CREATE OR REPLACE FUNCTION etl.variant(play public.songplays, heard_song_id uuid) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '\x01'::bytea || convert_to((play).level, 'UTF8') || '\x00'::bytea
       || coalesce('\x01'::bytea || convert_to((play).location, 'UTF8'), ''::bytea) || '\x00'::bytea
       || coalesce('\x01'::bytea || convert_to((play).user_agent, 'UTF8'), ''::bytea) || '\x00'::bytea
       || uuid_send(heard_song_id);
COMMENT ON FUNCTION etl.variant IS 'The bytes by which lines with the same play are compared: the smallest wins.';
