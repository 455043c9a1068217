"""The CREATE, DROP and INSERT statements of the star schema, by table.

The INSERT statements of `time` and `songplays` add plays to days that the warehouse already has. Later days
need no INSERT: their staged tables are attached as partitions (see `sparkify.publish.plans`). Names in
braces are filled with `psycopg.sql.Identifier`, never with text.
"""

# --- CREATE: dimensions first, so that the fact's foreign keys find them ----------------------------------

user_table_create = """
CREATE TABLE IF NOT EXISTS users (
    user_id    bigint PRIMARY KEY,
    first_name text,
    last_name  text,
    gender     text,
    level      text NOT NULL
);
COMMENT ON TABLE users IS
    'Dimension. One row per user with at least one play; every value is that of the latest play.';
COMMENT ON COLUMN users.user_id IS 'The number by which the app knows the user.';
COMMENT ON COLUMN users.first_name IS 'First name.';
COMMENT ON COLUMN users.last_name IS 'Last name.';
COMMENT ON COLUMN users.gender IS 'As the log says: F or M.';
COMMENT ON COLUMN users.level IS
    'The plan at the latest play: free or paid. Earlier ones are in analytics.user_levels.'
"""

artist_table_create = """
CREATE TABLE IF NOT EXISTS artists (
    artist_id text PRIMARY KEY,
    name      text NOT NULL,
    location  text,
    latitude  double precision,
    longitude double precision
);
COMMENT ON TABLE artists IS 'Dimension. One row per artist of the catalogue.';
COMMENT ON COLUMN artists.artist_id IS 'The identifier of the artist in the catalogue.';
COMMENT ON COLUMN artists.name IS
    'The name that most records of the artist have. Single songs may have another: see '
    'etl.winning_songs.';
COMMENT ON COLUMN artists.location IS 'Where the artist comes from; NULL when unknown.';
COMMENT ON COLUMN artists.latitude IS 'Degrees north; NULL when unknown.';
COMMENT ON COLUMN artists.longitude IS 'Degrees east; NULL when unknown.'
"""

# A corrected catalogue moves a song and its plays to another artist in one transaction. So the key on the
# pair is unique, and every reference to a catalogue table is DEFERRABLE. The artist comes first: the key also
# finds the songs of an artist.
song_table_create = """
CREATE TABLE IF NOT EXISTS songs (
    song_id   text PRIMARY KEY,
    title     text NOT NULL,
    artist_id text NOT NULL REFERENCES artists DEFERRABLE,
    year      integer,
    duration  double precision NOT NULL CHECK (duration > 0),
    CONSTRAINT songs_artist_song_key UNIQUE (artist_id, song_id)
);
COMMENT ON TABLE songs IS 'Dimension. One row per song of the catalogue.';
COMMENT ON COLUMN songs.song_id IS 'The identifier of the song in the catalogue.';
COMMENT ON COLUMN songs.title IS 'Title, as the catalogue has it.';
COMMENT ON COLUMN songs.artist_id IS 'The artist who performs it.';
COMMENT ON COLUMN songs.year IS 'Year of release; NULL when unknown.';
COMMENT ON COLUMN songs.duration IS 'Length in seconds.'
"""

time_table_create = """
CREATE TABLE IF NOT EXISTS time (
    start_time timestamptz PRIMARY KEY,
    hour       smallint NOT NULL,
    day        smallint NOT NULL,
    week       smallint NOT NULL,
    month      smallint NOT NULL,
    year       smallint NOT NULL,
    weekday    smallint NOT NULL
) PARTITION BY RANGE (start_time);
COMMENT ON TABLE time IS 'Dimension. One row per moment at which a song started; all units in UTC.';
COMMENT ON COLUMN time.start_time IS 'The moment, to the millisecond.';
COMMENT ON COLUMN time.hour IS 'Hour of the day, 0 to 23, UTC.';
COMMENT ON COLUMN time.day IS 'Day of the month, 1 to 31, UTC.';
COMMENT ON COLUMN time.week IS 'ISO 8601 week of the year, 1 to 53, UTC.';
COMMENT ON COLUMN time.month IS 'Month, 1 to 12, UTC.';
COMMENT ON COLUMN time.year IS 'Calendar year, UTC.';
COMMENT ON COLUMN time.weekday IS 'Day of the week, 0 = Monday to 6 = Sunday, UTC.'
"""

# The pair (song_id, artist_id) is one key, so a play never has the id of one song and the artist of another.
# The key to artists follows from it; it is declared for tools that draw the star from its keys.
songplay_table_create = """
CREATE TABLE IF NOT EXISTS songplays (
    songplay_id bigint NOT NULL,
    start_time  timestamptz NOT NULL,
    user_id     bigint NOT NULL,
    level       text NOT NULL,
    song_id     text,
    artist_id   text,
    session_id  bigint NOT NULL,
    location    text,
    user_agent  text,
    CONSTRAINT songplays_pkey PRIMARY KEY (start_time, songplay_id),
    CONSTRAINT songplays_song_has_artist CHECK ((song_id IS NULL) = (artist_id IS NULL)),
    CONSTRAINT songplays_time_fkey FOREIGN KEY (start_time) REFERENCES time,
    CONSTRAINT songplays_user_fkey FOREIGN KEY (user_id) REFERENCES users,
    CONSTRAINT songplays_song_fkey
        FOREIGN KEY (song_id, artist_id) REFERENCES songs (song_id, artist_id) DEFERRABLE,
    CONSTRAINT songplays_artist_fkey FOREIGN KEY (artist_id) REFERENCES artists DEFERRABLE
) PARTITION BY RANGE (start_time);
COMMENT ON TABLE songplays IS 'Fact. One row per song play: one log event with page NextSong.';
COMMENT ON COLUMN songplays.songplay_id IS
    'Computed from the event itself (user, session, item in session, ts), the same in every load. Unique '
    'together with start_time.';
COMMENT ON COLUMN songplays.start_time IS 'When the song started, to the millisecond.';
COMMENT ON COLUMN songplays.user_id IS 'The user who listened.';
COMMENT ON COLUMN songplays.level IS 'The user''s plan at that moment: free or paid.';
COMMENT ON COLUMN songplays.song_id IS
    'The song whose record in the catalogue has the title, artist name and duration that the log says; '
    'NULL when there is none (see analytics.heard_songs).';
COMMENT ON COLUMN songplays.artist_id IS
    'The artist of that song; NULL when the song is not in the catalogue.';
COMMENT ON COLUMN songplays.session_id IS 'The session of the app in which the song was played.';
COMMENT ON COLUMN songplays.location IS 'Where the user was, as the log says: mostly a US metropolitan area.';
COMMENT ON COLUMN songplays.user_agent IS
    'The browser or app, as the log says; quotes around it are kept.'
"""

# Finds the plays of an artist or song, for questions, and for the foreign keys when the catalogue changes.
songplay_index_create = """
CREATE INDEX IF NOT EXISTS songplays_artist_song ON songplays (artist_id, song_id) WHERE artist_id IS NOT NULL
"""

create_table_queries = [
    user_table_create,
    artist_table_create,
    song_table_create,
    time_table_create,
    songplay_table_create,
    songplay_index_create,
]

# --- DROP: the fact first ---------------------------------------------------------------------------------

songplay_table_drop = "DROP TABLE IF EXISTS songplays"
user_table_drop = "DROP TABLE IF EXISTS users"
song_table_drop = "DROP TABLE IF EXISTS songs"
artist_table_drop = "DROP TABLE IF EXISTS artists"
time_table_drop = "DROP TABLE IF EXISTS time"

drop_table_queries = [
    songplay_table_drop,
    time_table_drop,
    song_table_drop,
    artist_table_drop,
    user_table_drop,
]

# --- INSERT -----------------------------------------------------------------------------------------------

# {staged} holds the decided plays of one month, each identity once and none of them in songplays yet.
songplay_table_insert = """
INSERT INTO songplays
    (songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent)
SELECT songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent
FROM {staged}
"""

# {staged} holds plays that songplays already has. Those that win replace the stored ones.
songplay_table_update = """
UPDATE songplays s
SET level = staged.level, song_id = staged.song_id, artist_id = staged.artist_id,
    location = staged.location, user_agent = staged.user_agent
FROM {staged} staged
WHERE staged.wins AND s.start_time = staged.start_time AND s.songplay_id = staged.songplay_id
"""

# {staged} holds the latest known play of each user that a publication touches.
user_table_insert = """
INSERT INTO users AS u (user_id, first_name, last_name, gender, level)
SELECT user_id, first_name, last_name, gender, level
FROM {staged}
ON CONFLICT (user_id) DO UPDATE
SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name,
    gender = EXCLUDED.gender, level = EXCLUDED.level
WHERE (u.first_name, u.last_name, u.gender, u.level)
      IS DISTINCT FROM (EXCLUDED.first_name, EXCLUDED.last_name, EXCLUDED.gender, EXCLUDED.level)
"""

# {staged} holds the winning records of the songs and artists that a publication touches.
song_table_insert = """
INSERT INTO songs AS s (song_id, title, artist_id, year, duration)
SELECT song_id, title, artist_id, year, duration
FROM {staged}
"""

# Added to the statement above when the warehouse may have the songs already.
song_table_update = """
ON CONFLICT (song_id) DO UPDATE
SET title = EXCLUDED.title, artist_id = EXCLUDED.artist_id, year = EXCLUDED.year, duration = EXCLUDED.duration
WHERE (s.title, s.artist_id, s.year, s.duration)
      IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.artist_id, EXCLUDED.year, EXCLUDED.duration)
"""

artist_table_insert = """
INSERT INTO artists AS a (artist_id, name, location, latitude, longitude)
SELECT artist_id, name, location, latitude, longitude
FROM {staged}
"""

# Added to the statement above when the warehouse may have the artists already.
artist_table_update = """
ON CONFLICT (artist_id) DO UPDATE
SET name = EXCLUDED.name, location = EXCLUDED.location,
    latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude
WHERE (a.name, a.location, a.latitude, a.longitude)
      IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.location, EXCLUDED.latitude, EXCLUDED.longitude)
"""

time_table_insert = """
INSERT INTO time (start_time, hour, day, week, month, year, weekday)
SELECT start_time, hour, day, week, month, year, weekday
FROM {staged}
ON CONFLICT (start_time) DO NOTHING
"""
