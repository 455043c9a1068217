-- name: create
-- everything beside the five tables of the star; safe to repeat
CREATE SCHEMA IF NOT EXISTS partitions;
CREATE SCHEMA IF NOT EXISTS staging;
CREATE SCHEMA IF NOT EXISTS etl;
CREATE SCHEMA IF NOT EXISTS analytics;

-- One row. Whoever publishes holds its lock, inside a transaction: session locks break behind connection poolers.
CREATE TABLE IF NOT EXISTS etl.warehouse (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    schema_version integer NOT NULL,
    earliest       timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00',
    before         timestamptz NOT NULL DEFAULT '2100-01-01 00:00:00+00',
    catalogue_version bigint NOT NULL DEFAULT 0,
    analyzed_plays bigint NOT NULL DEFAULT 0,
    -- Years that every tool can show: pandas counts nanoseconds, and Python has no year 10000.
    CONSTRAINT range_within_1900_to_2199
        CHECK ('1900-01-01 00:00:00+00' <= earliest AND earliest < before AND before <= '2200-01-01 00:00:00+00')
);

CREATE TABLE IF NOT EXISTS etl.row_counts (
    table_name text PRIMARY KEY,
    row_count  bigint NOT NULL CHECK (row_count >= 0)
);

CREATE TABLE IF NOT EXISTS etl.runs (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state       text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'publishing', 'published', 'held', 'failed', 'dropped')),
    report      jsonb,
    reason      text
);

-- Whether a run still has something staged, and its files with it: alive or dead, held or failed.
CREATE OR REPLACE FUNCTION etl.is_unfinished(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state IN ('open', 'publishing', 'held', 'failed');

-- There may be millions of files: their rows are written once, and have no foreign keys.
CREATE TABLE IF NOT EXISTS etl.known_files (
    file_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('song', 'log')),
    path        text NOT NULL,
    version     text,
    size        bigint,
    mtime_ns    bigint,
    digest      bytea,
    run_id      bigint NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    trouble     text CHECK (trouble IN ('unreadable', 'vanished')),
    note        text,
    cuts        bigint[],
    first_run_id bigint NOT NULL
);
-- A path may be longer than an entry of an index.
CREATE UNIQUE INDEX IF NOT EXISTS known_files_path ON etl.known_files (kind, md5(path));

CREATE TABLE IF NOT EXISTS etl.manifest (
    manifest_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id     integer NOT NULL,
    version     text NOT NULL,
    run_id      bigint NOT NULL,
    staged_at   timestamptz NOT NULL DEFAULT now(),
    lines       bigint NOT NULL DEFAULT 0,
    blank       bigint NOT NULL DEFAULT 0,
    other_pages bigint NOT NULL DEFAULT 0,
    loaded      bigint NOT NULL DEFAULT 0,
    duplicates  bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    forgotten   bigint NOT NULL DEFAULT 0,
    dismissed   bigint NOT NULL DEFAULT 0,
    UNIQUE (file_id, version),
    CONSTRAINT manifest_books_balance
        CHECK (lines = blank + other_pages + loaded + duplicates + rejected + forgotten + dismissed)
);
CREATE INDEX IF NOT EXISTS manifest_run ON etl.manifest (run_id);

CREATE TABLE IF NOT EXISTS etl.rejected_records (
    manifest_id  bigint NOT NULL REFERENCES etl.manifest ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    run_id       bigint NOT NULL,
    file_id      integer NOT NULL,
    line         bigint NOT NULL CHECK (line > 0),
    reason       text NOT NULL,
    detail       text NOT NULL,
    record       bytea NOT NULL,
    record_bytes bigint NOT NULL,
    PRIMARY KEY (manifest_id, line)
);
CREATE INDEX IF NOT EXISTS rejected_records_file ON etl.rejected_records (file_id);
CREATE INDEX IF NOT EXISTS rejected_records_run ON etl.rejected_records (run_id);

CREATE TABLE IF NOT EXISTS etl.staged_months (
    run_id bigint NOT NULL REFERENCES etl.runs,
    month  date NOT NULL CHECK (extract(day FROM month) = 1),
    PRIMARY KEY (run_id, month)
);

-- One row per chunk, file and month, until the run is finished. The counts are those of the chunk, on one of its rows.
CREATE TABLE IF NOT EXISTS etl.staged_slices (
    run_id            bigint NOT NULL,
    month             date NOT NULL,
    file_id           integer NOT NULL,
    earliest          timestamptz NOT NULL,
    latest            timestamptz NOT NULL,
    catalogue_version bigint NOT NULL,
    plays             bigint NOT NULL,
    matched           bigint NOT NULL,
    times             bigint NOT NULL,
    published         boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS staged_slices_month ON etl.staged_slices (run_id, month);
CREATE INDEX IF NOT EXISTS staged_slices_file ON etl.staged_slices (file_id);

-- One row per part of a large file, until the run is finished. Why a part is staged once.
CREATE TABLE IF NOT EXISTS etl.staged_parts (
    run_id  bigint NOT NULL,
    file_id integer NOT NULL,
    start   bigint NOT NULL,
    size    bigint NOT NULL,
    digest  bytea,
    PRIMARY KEY (run_id, file_id, start)
);

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
    year             integer,
    duration         double precision NOT NULL,
    heard_song_id    uuid NOT NULL,
    PRIMARY KEY (file_id, line)
);
CREATE INDEX IF NOT EXISTS catalogue_records_song ON etl.catalogue_records (song_id);
CREATE INDEX IF NOT EXISTS catalogue_records_artist ON etl.catalogue_records (artist_id);

CREATE TABLE IF NOT EXISTS etl.song_keys (
    heard_song_id uuid NOT NULL,
    song_id       text NOT NULL,
    artist_id     text NOT NULL,
    PRIMARY KEY (heard_song_id, song_id)
);
CREATE INDEX IF NOT EXISTS song_keys_song ON etl.song_keys (song_id);

-- The rule which record wins (docs/rules.md, Catalogue): for publication and for the check.
CREATE OR REPLACE VIEW etl.winning_songs AS
SELECT DISTINCT ON (song_id) song_id, title, artist_id, year, duration, artist_name, heard_song_id
FROM etl.catalogue_records
ORDER BY song_id, year IS NULL, title COLLATE "C", artist_id COLLATE "C", year, duration, artist_name COLLATE "C";

CREATE OR REPLACE VIEW etl.winning_artists AS
SELECT DISTINCT ON (artist_id) artist_id, artist_name AS name, artist_location AS location,
       artist_latitude AS latitude, artist_longitude AS longitude
FROM (SELECT *, count(*) OVER (PARTITION BY artist_id, artist_name) AS records_of_name FROM etl.catalogue_records) named
ORDER BY artist_id, records_of_name DESC, artist_name COLLATE "C",
         num_nulls(artist_location, artist_latitude, artist_longitude),
         artist_location COLLATE "C", artist_latitude, artist_longitude;

CREATE TABLE IF NOT EXISTS etl.latest_plays (
    user_id         bigint PRIMARY KEY,
    start_time      timestamptz NOT NULL,
    session_id      bigint NOT NULL,
    item_in_session bigint NOT NULL,
    songplay_id     bigint NOT NULL,
    level           text NOT NULL,
    location        text,
    user_agent      text,
    heard_song_id   uuid NOT NULL
);

-- Without it nobody could say whose heard songs go when a person is forgotten: the line that spoke of them has lost.
CREATE TABLE IF NOT EXISTS etl.lost_variants (
    user_id       bigint NOT NULL,
    heard_song_id uuid NOT NULL,
    PRIMARY KEY (user_id, heard_song_id)
);
CREATE INDEX IF NOT EXISTS lost_variants_song ON etl.lost_variants (heard_song_id);

CREATE TABLE IF NOT EXISTS etl.forgotten (
    digest       bytea PRIMARY KEY,
    forgotten_at timestamptz NOT NULL DEFAULT now()
);

-- Without the key a digest says nothing: there are few user ids, and all of them are quickly tried.
CREATE TABLE IF NOT EXISTS etl.forgotten_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea NOT NULL
);

CREATE OR REPLACE FUNCTION analytics.text_id(text text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || substr(md5(text), 1, 16))::bit(64) >> 1)::bigint;

-- The same number as the loader's own (transform/plays.sql). PostgreSQL inlines what is made of such plain functions.
CREATE OR REPLACE FUNCTION analytics.track_id(title text, artist text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || substr(md5(md5(title) || artist), 1, 16))::bit(64) >> 1)::bigint;

-- The same number as the loader's own (transform/plays.sql). A play longer than a day counts as a day, and is cut to one before
-- anything is multiplied: the longest length that a log may say would overflow. Not STRICT, or PostgreSQL would not inline it.
CREATE OR REPLACE FUNCTION analytics.milliseconds(length double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(least(length, 86400) * 1000 + 0.5)::integer;

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

-- No foreign keys here: every row is written in the transaction that writes its play and its heard song, and the keys of the star already cost a load more than anything else does.
CREATE TABLE IF NOT EXISTS analytics.heard_plays (
    start_time      timestamptz NOT NULL,
    songplay_id     bigint NOT NULL,
    heard_song_id   uuid NOT NULL,
    item_in_session bigint NOT NULL,
    line            bigint NOT NULL,
    file_id         integer NOT NULL,
    PRIMARY KEY (start_time, songplay_id)
) PARTITION BY RANGE (start_time);
-- Finds the plays of a heard song when the catalogue changes its mind about it.
CREATE INDEX IF NOT EXISTS heard_plays_song ON analytics.heard_plays (heard_song_id);

CREATE TABLE IF NOT EXISTS analytics.user_level_days (
    user_id    bigint NOT NULL,
    day        date NOT NULL,
    stretch_no     integer NOT NULL,
    level      text NOT NULL,
    first_play timestamptz NOT NULL,
    last_play  timestamptz NOT NULL,
    PRIMARY KEY (user_id, day, stretch_no)
);
CREATE INDEX IF NOT EXISTS user_level_days_day ON analytics.user_level_days (day);

CREATE OR REPLACE VIEW analytics.user_levels AS
WITH days AS (
    SELECT user_id, day, stretch_no, level, first_play,
           lag(level) OVER (PARTITION BY user_id ORDER BY day, stretch_no) AS level_before
    FROM analytics.user_level_days
),
changes AS (
    SELECT * FROM days WHERE level_before IS DISTINCT FROM level
)
SELECT user_id, level, first_play AS valid_from,
       lead(first_play) OVER (PARTITION BY user_id ORDER BY day, stretch_no) AS valid_to
FROM changes;

CREATE OR REPLACE VIEW etl.files AS
SELECT f.file_id, f.kind, f.path,
       CASE
           WHEN f.trouble IS NOT NULL THEN f.trouble
           WHEN f.version IS NULL THEN 'new'
           WHEN etl.is_unfinished(r.state) THEN 'staged'
           ELSE 'loaded'
       END AS state,
       f.version, f.size, f.mtime_ns, f.digest, f.run_id, f.seen_at, f.note,
       coalesce(m.lines, 0) AS lines, coalesce(m.blank, 0) AS blank, coalesce(m.other_pages, 0) AS other_pages,
       coalesce(m.loaded, 0) AS loaded, coalesce(m.duplicates, 0) AS duplicates, coalesce(m.rejected, 0) AS rejected,
       coalesce(m.forgotten, 0) AS forgotten, coalesce(m.dismissed, 0) AS dismissed
FROM etl.known_files f
LEFT JOIN etl.runs r USING (run_id)
LEFT JOIN (SELECT m.* FROM etl.manifest m JOIN etl.runs r USING (run_id) WHERE r.state = 'published') m USING (file_id);

-- The same bytes as the loader's own digest (transform/plays.sql, transform/catalogue.sql), so that catalogue and plays meet on one key.
CREATE OR REPLACE FUNCTION etl.heard_song_id(title text, artist text, length double precision) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN encode(substr(sha256(convert_to(title, 'UTF8') || '\x00'::bytea || convert_to(artist, 'UTF8')
                            || '\x00'::bytea || float8send(length)), 1, 16), 'hex')::uuid;

INSERT INTO etl.forgotten_key (key) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
ON CONFLICT DO NOTHING;
INSERT INTO etl.row_counts (table_name, row_count)
VALUES ('songplays', 0), ('users', 0), ('songs', 0), ('artists', 0), ('time', 0), ('matched', 0)
ON CONFLICT DO NOTHING;

-- name: version
-- what the warehouse is now
INSERT INTO etl.warehouse (schema_version) VALUES (%s)
ON CONFLICT (only_row) DO UPDATE SET schema_version = EXCLUDED.schema_version

-- name: comments
-- what BI tools and the data dictionary show
COMMENT ON SCHEMA partitions IS 'The partitions of songplays, time, heard_plays and of the large rollups: months, or some days of one. Query the tables they belong to.';
COMMENT ON SCHEMA staging IS 'Rows of runs that are not published yet. Not for readers.';
COMMENT ON SCHEMA etl IS 'The books of the loader: runs, files, rejected records, catalogue records.';
-- Somebody else may have made the schema for us, or for more.
DO $$
BEGIN
    IF (SELECT count(DISTINCT nspowner) = 1 FROM pg_namespace WHERE nspname IN ('etl', 'analytics')) THEN
        COMMENT ON SCHEMA analytics IS 'What the log said about each play, and everything derived from the star.';
    END IF;
END
$$;

COMMENT ON TABLE songplays IS 'Fact. One row per song play: one log event with page NextSong.';
COMMENT ON COLUMN songplays.songplay_id IS 'Computed from the event itself (user, session, item in session, ts), the same in every load. Unique together with start_time.';
COMMENT ON COLUMN songplays.start_time IS 'When the song started, to the millisecond.';
COMMENT ON COLUMN songplays.user_id IS 'Who listened.';
COMMENT ON COLUMN songplays.level IS 'The plan of the user at that moment: free or paid.';
COMMENT ON COLUMN songplays.song_id IS 'The song whose record in the catalogue has the title, artist name and duration that the log says; NULL when there is none (see analytics.heard_songs).';
COMMENT ON COLUMN songplays.artist_id IS 'The artist of that song; NULL when the song is not in the catalogue.';
COMMENT ON COLUMN songplays.session_id IS 'The session of the app in which the song was played.';
COMMENT ON COLUMN songplays.location IS 'Where the user was, as the log says: mostly a US metropolitan area.';
COMMENT ON COLUMN songplays.user_agent IS 'The browser or app, as the log says, with the quotes it may come in.';

COMMENT ON TABLE users IS 'Dimension. One row per person with at least one play; every value is that of the latest play.';
COMMENT ON COLUMN users.user_id IS 'The number the app gave to the user.';
COMMENT ON COLUMN users.first_name IS 'First name.';
COMMENT ON COLUMN users.last_name IS 'Last name.';
COMMENT ON COLUMN users.gender IS 'As the log says: F or M.';
COMMENT ON COLUMN users.level IS 'The plan at the latest play: free or paid. Earlier ones are in analytics.user_levels.';

COMMENT ON TABLE songs IS 'Dimension. One row per song of the catalogue.';
COMMENT ON COLUMN songs.song_id IS 'The identifier of the song in the catalogue.';
COMMENT ON COLUMN songs.title IS 'Title, as the catalogue has it.';
COMMENT ON COLUMN songs.artist_id IS 'Who performs it.';
COMMENT ON COLUMN songs.year IS 'Year of release; NULL when the catalogue does not know it.';
COMMENT ON COLUMN songs.duration IS 'Length in seconds.';

COMMENT ON TABLE artists IS 'Dimension. One row per artist of the catalogue.';
COMMENT ON COLUMN artists.artist_id IS 'The identifier of the artist in the catalogue.';
COMMENT ON COLUMN artists.name IS 'The name that most records of the artist have. One song or another may bear another name: see etl.winning_songs.';
COMMENT ON COLUMN artists.location IS 'Where the artist comes from; NULL when unknown.';
COMMENT ON COLUMN artists.latitude IS 'Degrees north; NULL when unknown.';
COMMENT ON COLUMN artists.longitude IS 'Degrees east; NULL when unknown.';

COMMENT ON TABLE time IS 'Dimension. One row per moment at which a song started; all units in UTC.';
COMMENT ON COLUMN time.start_time IS 'The moment, to the millisecond.';
COMMENT ON COLUMN time.hour IS 'Hour of the day, 0 to 23, UTC.';
COMMENT ON COLUMN time.day IS 'Day of the month, 1 to 31, UTC.';
COMMENT ON COLUMN time.week IS 'ISO 8601 week of the year, 1 to 53, UTC.';
COMMENT ON COLUMN time.month IS 'Month, 1 to 12, UTC.';
COMMENT ON COLUMN time.year IS 'Calendar year, UTC.';
COMMENT ON COLUMN time.weekday IS 'Day of the week, 0 = Monday to 6 = Sunday, UTC.';

COMMENT ON TABLE analytics.heard_songs IS 'One row per distinct (title, artist, length) in the logs, in the catalogue or not.';
COMMENT ON COLUMN analytics.heard_songs.heard_song_id IS 'Digest of title, artist and length.';
COMMENT ON COLUMN analytics.heard_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.length IS 'Length in seconds, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.song_id IS 'The song of the catalogue that this is; NULL when there is none.';
COMMENT ON COLUMN analytics.heard_songs.artist_id IS 'The artist of that song.';

COMMENT ON TABLE analytics.heard_plays IS 'One row per row of songplays: which song was heard, and which line of which file said so.';
COMMENT ON COLUMN analytics.heard_plays.start_time IS 'The start_time of the play.';
COMMENT ON COLUMN analytics.heard_plays.songplay_id IS 'The songplay_id of the play.';
COMMENT ON COLUMN analytics.heard_plays.heard_song_id IS 'What was heard: analytics.heard_songs.';
COMMENT ON COLUMN analytics.heard_plays.item_in_session IS 'The number of the event in its session.';
COMMENT ON COLUMN analytics.heard_plays.line IS 'Line of the file, from 1.';
COMMENT ON COLUMN analytics.heard_plays.file_id IS 'The file: etl.files.';

COMMENT ON TABLE analytics.user_level_days IS 'One row per user, UTC day and uninterrupted run of plays at one level on that day.';
COMMENT ON COLUMN analytics.user_level_days.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_level_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.user_level_days.stretch_no IS 'The number of the run within the day, from 1.';
COMMENT ON COLUMN analytics.user_level_days.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_level_days.first_play IS 'The first play of the run.';
COMMENT ON COLUMN analytics.user_level_days.last_play IS 'The last play of the run.';

COMMENT ON VIEW analytics.user_levels IS 'One row per user and uninterrupted time at one level, by event time.';
COMMENT ON COLUMN analytics.user_levels.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_levels.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_levels.valid_from IS 'The first play at this level.';
COMMENT ON COLUMN analytics.user_levels.valid_to IS 'The first play at the next level; NULL when this is the present one.';

COMMENT ON TABLE etl.warehouse IS 'One row: the version of this schema, the accepted range of event times, and what the loader remembers of the whole.';
COMMENT ON COLUMN etl.warehouse.only_row IS 'Always true.';
COMMENT ON COLUMN etl.warehouse.schema_version IS 'The version of this schema.';
COMMENT ON COLUMN etl.warehouse.earliest IS 'Events before this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.before IS 'Events at or after this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.catalogue_version IS 'Grows when a publication may change which song a heard song is.';
COMMENT ON COLUMN etl.warehouse.analyzed_plays IS 'How many plays there were when the tables were last analysed as a whole.';

COMMENT ON TABLE etl.row_counts IS 'One row per table of the star: how many rows it has, kept by the load. And matched: plays with a song_id.';
COMMENT ON COLUMN etl.row_counts.table_name IS 'The table, or matched.';
COMMENT ON COLUMN etl.row_counts.row_count IS 'The number of rows.';

COMMENT ON TABLE etl.runs IS 'One row per run of the loader that had something to load.';
COMMENT ON COLUMN etl.runs.run_id IS 'The number of the run.';
COMMENT ON COLUMN etl.runs.started_at IS 'When it started.';
COMMENT ON COLUMN etl.runs.finished_at IS 'When all it staged was published, held or dropped, or it failed.';
COMMENT ON COLUMN etl.runs.state IS 'open: staging; publishing; published; held: more rejects than allowed, nothing published; failed: some of it cannot be published, see reason; dropped: what it had not published was thrown away.';
COMMENT ON COLUMN etl.runs.report IS 'The report that the run gave.';
COMMENT ON COLUMN etl.runs.reason IS 'Why a failed run failed: what could not be published, and what PostgreSQL said; otherwise NULL.';
COMMENT ON FUNCTION etl.is_unfinished IS 'Whether a run in this state still has something staged.';

COMMENT ON TABLE etl.known_files IS 'One row per input file that was seen: what was read of it, and whose it is. A version is claimed here once: why nothing is loaded twice.';
COMMENT ON COLUMN etl.known_files.file_id IS 'The number of the file.';
COMMENT ON COLUMN etl.known_files.kind IS 'song or log.';
COMMENT ON COLUMN etl.known_files.path IS 'Where it is: a path or URL.';
COMMENT ON COLUMN etl.known_files.version IS 'Size and time of change, or etag, of what was read; NULL when it is to be read again, or while it is read in parts.';
COMMENT ON COLUMN etl.known_files.size IS 'Bytes.';
COMMENT ON COLUMN etl.known_files.mtime_ns IS 'Time of last change, nanoseconds since 1970; NULL for an object.';
COMMENT ON COLUMN etl.known_files.digest IS 'SHA-256 of the bytes that were read.';
COMMENT ON COLUMN etl.known_files.run_id IS 'The run that last read it or tried to.';
COMMENT ON COLUMN etl.known_files.first_run_id IS 'The run that first read it or tried to: what a later one reads is another version, or the same once more.';
COMMENT ON COLUMN etl.known_files.seen_at IS 'When that was.';
COMMENT ON COLUMN etl.known_files.trouble IS 'unreadable or vanished: tried again by the next run; NULL when it was read.';
COMMENT ON COLUMN etl.known_files.note IS 'Why it could not be read.';
COMMENT ON COLUMN etl.known_files.cuts IS 'Where its parts begin when it was read in parts, bytes: the digest is then that of the digests of the parts.';

COMMENT ON VIEW etl.files IS 'One row per input file: its state, what was read of it and the balance of its lines.';
COMMENT ON COLUMN etl.files.file_id IS 'The number of the file.';
COMMENT ON COLUMN etl.files.kind IS 'song or log.';
COMMENT ON COLUMN etl.files.path IS 'Where it is: a path or URL.';
COMMENT ON COLUMN etl.files.state IS 'staged: read, not published yet; loaded; unreadable or vanished: tried again by the next run; new: to be read by the next run, or again.';
COMMENT ON COLUMN etl.files.version IS 'Size and time of change, or etag, of what was read; NULL when it is to be read again, or while it is read in parts.';
COMMENT ON COLUMN etl.files.size IS 'Bytes.';
COMMENT ON COLUMN etl.files.mtime_ns IS 'Time of last change, nanoseconds since 1970; NULL for an object.';
COMMENT ON COLUMN etl.files.digest IS 'SHA-256 of the bytes that were read.';
COMMENT ON COLUMN etl.files.run_id IS 'The run that last read it or tried to.';
COMMENT ON COLUMN etl.files.seen_at IS 'When that was.';
COMMENT ON COLUMN etl.files.note IS 'Why it could not be read.';
COMMENT ON COLUMN etl.files.lines IS 'Lines in the version that is loaded; the sum of the seven following columns.';
COMMENT ON COLUMN etl.files.blank IS 'Lines of white space only.';
COMMENT ON COLUMN etl.files.other_pages IS 'Events of another page than NextSong.';
COMMENT ON COLUMN etl.files.loaded IS 'Plays, or catalogue records, that are in the warehouse from this file.';
COMMENT ON COLUMN etl.files.duplicates IS 'Plays that the warehouse has from another line.';
COMMENT ON COLUMN etl.files.rejected IS 'Lines set aside in etl.rejected_records.';
COMMENT ON COLUMN etl.files.forgotten IS 'Lines of people who were forgotten: nothing of them is kept.';
COMMENT ON COLUMN etl.files.dismissed IS 'Rejected lines that somebody has dismissed: nothing of them is kept until the file is read again.';

COMMENT ON TABLE etl.manifest IS 'One row per version of a file that was staged, written in the transaction that staged it, or a part of it: the books of its lines.';
COMMENT ON COLUMN etl.manifest.manifest_id IS 'The number of the entry.';
COMMENT ON COLUMN etl.manifest.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.manifest.version IS 'The version of the file; with the number of the run while it is read in parts.';
COMMENT ON COLUMN etl.manifest.run_id IS 'The run that staged it.';
COMMENT ON COLUMN etl.manifest.staged_at IS 'When.';
COMMENT ON COLUMN etl.manifest.lines IS 'Lines read; the sum of the seven following columns.';
COMMENT ON COLUMN etl.manifest.blank IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.other_pages IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.loaded IS 'As in etl.files; before publication, the plays that are staged.';
COMMENT ON COLUMN etl.manifest.duplicates IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.rejected IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.forgotten IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.dismissed IS 'As in etl.files.';

COMMENT ON TABLE etl.rejected_records IS 'One row per line that was set aside: where it stood, why, and its bytes.';
COMMENT ON COLUMN etl.rejected_records.manifest_id IS 'The version of the file: etl.manifest.';
COMMENT ON COLUMN etl.rejected_records.run_id IS 'The run that read it.';
COMMENT ON COLUMN etl.rejected_records.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.rejected_records.line IS 'Line of the file, from 1.';
COMMENT ON COLUMN etl.rejected_records.reason IS 'The first reason that applies, in the order of docs/rules.md.';
COMMENT ON COLUMN etl.rejected_records.detail IS 'What exactly was wrong.';
COMMENT ON COLUMN etl.rejected_records.record IS 'The bytes of the line; only the first MiB when it is longer.';
COMMENT ON COLUMN etl.rejected_records.record_bytes IS 'The length of the line in bytes.';

COMMENT ON TABLE etl.staged_months IS 'One row per month that a run has staged and not yet published.';
COMMENT ON COLUMN etl.staged_months.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_months.month IS 'The first day of the month.';

COMMENT ON TABLE etl.staged_slices IS 'One row per chunk, file and month with plays, from when a run stages them until it is finished.';
COMMENT ON COLUMN etl.staged_slices.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_slices.month IS 'The first day of the month.';
COMMENT ON COLUMN etl.staged_slices.file_id IS 'The file.';
COMMENT ON COLUMN etl.staged_slices.earliest IS 'The first of these plays.';
COMMENT ON COLUMN etl.staged_slices.latest IS 'The last of these plays.';
COMMENT ON COLUMN etl.staged_slices.catalogue_version IS 'The state of the catalogue by which they were matched.';
COMMENT ON COLUMN etl.staged_slices.plays IS 'How many plays the chunk staged, on one row of each chunk and month; 0 on the others.';
COMMENT ON COLUMN etl.staged_slices.matched IS 'How many of these have a song.';
COMMENT ON COLUMN etl.staged_slices.times IS 'At how many moments they began.';
COMMENT ON COLUMN etl.staged_slices.published IS 'Whether they are published already, while the run goes on.';

COMMENT ON TABLE etl.staged_parts IS 'One row per part of a large log file, from when a run stages it until the run is finished: why it is staged once.';
COMMENT ON COLUMN etl.staged_parts.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_parts.file_id IS 'The file.';
COMMENT ON COLUMN etl.staged_parts.start IS 'Where it begins in the file, bytes.';
COMMENT ON COLUMN etl.staged_parts.size IS 'Bytes.';
COMMENT ON COLUMN etl.staged_parts.digest IS 'SHA-256 of the bytes that were read.';

COMMENT ON TABLE etl.catalogue_records IS 'One row per valid record in the present version of a song file. Where they disagree, songs and artists have the winner.';
COMMENT ON COLUMN etl.catalogue_records.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.catalogue_records.line IS 'Line of the file, from 1.';
COMMENT ON COLUMN etl.catalogue_records.song_id IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.title IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_id IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_name IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_location IS 'As in the record; NULL when empty.';
COMMENT ON COLUMN etl.catalogue_records.artist_latitude IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.artist_longitude IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.year IS 'As in the record; NULL when 0.';
COMMENT ON COLUMN etl.catalogue_records.duration IS 'As in the record.';
COMMENT ON COLUMN etl.catalogue_records.heard_song_id IS 'Digest of title, artist_name and duration: what a log says when it is heard.';

COMMENT ON VIEW etl.winning_songs IS 'One row per song: the record that wins where several speak of it. songs shows it, and plays are matched with it.';
COMMENT ON COLUMN etl.winning_songs.song_id IS 'The song.';
COMMENT ON COLUMN etl.winning_songs.title IS 'Title.';
COMMENT ON COLUMN etl.winning_songs.artist_id IS 'Who performs it.';
COMMENT ON COLUMN etl.winning_songs.year IS 'Year of release; NULL when the record does not know it.';
COMMENT ON COLUMN etl.winning_songs.duration IS 'Length in seconds.';
COMMENT ON COLUMN etl.winning_songs.artist_name IS 'The artist''s name in this record: what the log must say. artists may have another one.';
COMMENT ON COLUMN etl.winning_songs.heard_song_id IS 'Digest of title, artist_name and duration: the key of plays that match.';

COMMENT ON VIEW etl.winning_artists IS 'One row per artist: the record that wins where several speak of the artist. artists shows it.';
COMMENT ON COLUMN etl.winning_artists.artist_id IS 'The artist.';
COMMENT ON COLUMN etl.winning_artists.name IS 'The name that most records have.';
COMMENT ON COLUMN etl.winning_artists.location IS 'Where the artist comes from; NULL when unknown.';
COMMENT ON COLUMN etl.winning_artists.latitude IS 'Degrees north; NULL when unknown.';
COMMENT ON COLUMN etl.winning_artists.longitude IS 'Degrees east; NULL when unknown.';

COMMENT ON TABLE etl.song_keys IS 'One row per song: the key under which its plays are looked up, kept from etl.winning_songs.';
COMMENT ON COLUMN etl.song_keys.heard_song_id IS 'Digest of title, artist name and duration.';
COMMENT ON COLUMN etl.song_keys.song_id IS 'The song.';
COMMENT ON COLUMN etl.song_keys.artist_id IS 'Its artist.';

COMMENT ON TABLE etl.latest_plays IS 'One row per user: the play that users shows the values of.';
COMMENT ON COLUMN etl.latest_plays.user_id IS 'Who.';
COMMENT ON COLUMN etl.latest_plays.start_time IS 'The start_time of that play.';
COMMENT ON COLUMN etl.latest_plays.session_id IS 'Its session.';
COMMENT ON COLUMN etl.latest_plays.item_in_session IS 'Its number in the session.';
COMMENT ON COLUMN etl.latest_plays.songplay_id IS 'Its songplay_id.';
COMMENT ON COLUMN etl.latest_plays.level IS 'Its level.';
COMMENT ON COLUMN etl.latest_plays.location IS 'Its location.';
COMMENT ON COLUMN etl.latest_plays.user_agent IS 'Its user agent.';
COMMENT ON COLUMN etl.latest_plays.heard_song_id IS 'What was heard.';

COMMENT ON TABLE etl.lost_variants IS 'One row per user and heard song that stood in a line which lost to another line on the same play.';
COMMENT ON COLUMN etl.lost_variants.user_id IS 'Who.';
COMMENT ON COLUMN etl.lost_variants.heard_song_id IS 'What the line said was heard.';

COMMENT ON TABLE etl.forgotten IS 'One row per person who was forgotten: what the loader recognises them by.';
COMMENT ON COLUMN etl.forgotten.digest IS 'Digest of the user id, made with the key in etl.forgotten_key.';
COMMENT ON COLUMN etl.forgotten.forgotten_at IS 'When.';

COMMENT ON TABLE etl.forgotten_key IS 'One row: the key of this warehouse. Who has it and etl.forgotten can find out who was forgotten, by trying ids.';
COMMENT ON COLUMN etl.forgotten_key.only_row IS 'There is one row.';
COMMENT ON COLUMN etl.forgotten_key.key IS '32 random bytes.';

-- name: not_ours
-- what bears a name of ours in public or analytics and is not ours: all of it where there is no warehouse yet, else what has
-- another form or owner
WITH warehouse AS (
    SELECT nspowner AS owner FROM pg_namespace WHERE nspname = 'etl'
),
ours AS (
    SELECT n.oid AS schema_id, split_part(name, '.', 2) AS short_name, o.*
    FROM unnest(%(relations)s::text[], %(kinds)s::text[], %(tables)s::text[]) AS o (name, kind, index_of)
    JOIN pg_namespace n ON nspname = split_part(name, '.', 1) AND nspname IN ('public', 'analytics')
),
columns AS (
    SELECT * FROM unnest(%(column_relations)s::text[], %(columns)s::text[]) AS c (name, "column")
),
there AS (
    SELECT CASE relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS what,
           name, relowner AS owner,
           CASE
               WHEN kind <> replace(relkind::text, 'I', 'i') THEN 'is of another kind'
               WHEN kind = 'i' AND indrelid IS DISTINCT FROM to_regclass(index_of) THEN 'is on ' || indrelid::regclass
               -- A view of ours may be older and have fewer columns; a table has them all.
               WHEN kind <> 'i' THEN (
                   SELECT coalesce('lacks the column ' || "column", 'has a column ' || attname)
                   FROM (SELECT "column" FROM columns WHERE columns.name = ours.name) wanted
                   FULL JOIN (SELECT attname::text FROM pg_attribute
                              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) has ON attname = "column"
                   WHERE CASE kind WHEN 'v' THEN "column" ELSE attname END IS NULL
                   LIMIT 1)
           END AS difference
    FROM ours
    JOIN pg_class c ON relnamespace = schema_id AND relname = short_name
    LEFT JOIN pg_index ON indexrelid = c.oid
    UNION ALL
    SELECT 'type', name, typowner, 'is of another kind'
    FROM ours JOIN pg_type ON typnamespace = schema_id AND typname = short_name AND typrelid = 0
    WHERE kind <> 'i'
    UNION ALL
    SELECT 'function', name, proowner,
           CASE WHEN (pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) IS DISTINCT FROM (arguments, result)
                THEN 'has other arguments' END
    FROM unnest(%(functions)s::text[], %(arguments)s::text[], %(results)s::text[]) AS f (name, arguments, result)
    JOIN pg_namespace n ON nspname = split_part(name, '.', 1) AND nspname = 'analytics'
    JOIN pg_proc p ON pronamespace = n.oid AND proname = split_part(name, '.', 2)
)
SELECT what, name,
       CASE WHEN warehouse.owner IS NOT NULL
            THEN coalesce(difference, 'belongs to the role ' || pg_get_userbyid(there.owner)) END AS why
FROM there LEFT JOIN warehouse ON true
WHERE warehouse.owner IS NULL OR difference IS NOT NULL OR there.owner <> warehouse.owner
ORDER BY name COLLATE "C", what

-- name: schemas_taken
-- schemas that are wholly ours: they are of somebody else where there is no warehouse
SELECT 'schema', nspname::text, NULL FROM pg_namespace WHERE nspname IN ('etl', 'staging', 'partitions') ORDER BY nspname

-- name: remember_forgotten
-- what `drop` kept: who was forgotten stays so
DELETE FROM etl.forgotten_key;
INSERT INTO etl.forgotten_key SELECT * FROM kept_key;
INSERT INTO etl.forgotten SELECT * FROM kept_forgotten

-- name: keep_forgotten
-- before all is dropped. Readers are made to wait for a second at the most.
SET LOCAL lock_timeout = '1s';
CREATE TEMP TABLE kept_key ON COMMIT DROP AS SELECT * FROM etl.forgotten_key;
CREATE TEMP TABLE kept_forgotten ON COMMIT DROP AS SELECT * FROM etl.forgotten

-- name: loose_tables
-- what runs have staged, and partitions that belong to no table any more
SELECT nspname::text, relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND NOT relispartition
  AND CASE nspname WHEN 'staging' THEN relname ~ '^run[0-9]+_'
                   WHEN 'partitions' THEN relname ~ ('^(' || array_to_string(%s::text[], '|') || ')_[0-9]{4}_[0-9]{2}(_[0-9]{2})?$') END
