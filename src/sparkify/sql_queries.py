"""The CREATE, DROP and INSERT statements of the star schema, by table.

The INSERT statements of `time` and `songplays` move the rows of one staged month into a month that the warehouse already
has; what lies behind the days that it has is not inserted but attached whole (see `sparkify.publish.months`). Names in braces are filled with
`psycopg.sql.Identifier`, never with text.
"""

# --- CREATE: dimensions first, so that the fact's foreign keys find them ------------------------------------------

user_table_create = """
CREATE TABLE IF NOT EXISTS users (
    user_id    bigint PRIMARY KEY,
    first_name text,
    last_name  text,
    gender     text,
    level      text NOT NULL
)
"""

artist_table_create = """
CREATE TABLE IF NOT EXISTS artists (
    artist_id text PRIMARY KEY,
    name      text NOT NULL,
    location  text,
    latitude  double precision,
    longitude double precision
)
"""

# A corrected catalogue moves a song to another artist and its plays with it, in one transaction: hence the key on
# the pair (artist first: it also finds the songs of an artist), and hence DEFERRABLE wherever a catalogue table is referenced.
song_table_create = """
CREATE TABLE IF NOT EXISTS songs (
    song_id   text PRIMARY KEY,
    title     text NOT NULL,
    artist_id text NOT NULL REFERENCES artists DEFERRABLE,
    year      integer,
    duration  double precision NOT NULL CHECK (duration > 0),
    CONSTRAINT songs_artist_song_key UNIQUE (artist_id, song_id)
)
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
) PARTITION BY RANGE (start_time)
"""

# The pair (song_id, artist_id) is one key: a play never has the id of one song with the artist of another.
# The key to artists follows from it; it is declared for the tools that draw the star from its keys.
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
    CONSTRAINT songplays_song_fkey FOREIGN KEY (song_id, artist_id) REFERENCES songs (song_id, artist_id) DEFERRABLE,
    CONSTRAINT songplays_artist_fkey FOREIGN KEY (artist_id) REFERENCES artists DEFERRABLE
) PARTITION BY RANGE (start_time)
"""

# Finds the plays of an artist or of a song, for people and for the foreign keys when the catalogue changes.
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

# --- DROP: the fact first -----------------------------------------------------------------------------------------

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

# --- INSERT -------------------------------------------------------------------------------------------------------

# {staged} holds the decided plays of one month, each identity once and none of them in songplays yet.
songplay_table_insert = """
INSERT INTO songplays (songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent)
SELECT songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent
FROM {staged}
"""

# {staged} holds, for each user that a publication touches, the latest play of all that are known.
user_table_insert = """
INSERT INTO users AS u (user_id, first_name, last_name, gender, level)
SELECT user_id, first_name, last_name, gender, level
FROM {staged}
ON CONFLICT (user_id) DO UPDATE
SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name, gender = EXCLUDED.gender, level = EXCLUDED.level
WHERE (u.first_name, u.last_name, u.gender, u.level)
      IS DISTINCT FROM (EXCLUDED.first_name, EXCLUDED.last_name, EXCLUDED.gender, EXCLUDED.level)
"""

# {staged} holds the winning records of the songs and artists that a publication touches.
song_table_insert = """
INSERT INTO songs AS s (song_id, title, artist_id, year, duration)
SELECT song_id, title, artist_id, year, duration
FROM {staged}
ON CONFLICT (song_id) DO UPDATE
SET title = EXCLUDED.title, artist_id = EXCLUDED.artist_id, year = EXCLUDED.year, duration = EXCLUDED.duration
WHERE (s.title, s.artist_id, s.year, s.duration)
      IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.artist_id, EXCLUDED.year, EXCLUDED.duration)
"""

artist_table_insert = """
INSERT INTO artists AS a (artist_id, name, location, latitude, longitude)
SELECT artist_id, name, location, latitude, longitude
FROM {staged}
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
