SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA analytics;
COMMENT ON SCHEMA analytics IS 'What the log said about each play, and everything derived from the star.';
CREATE SCHEMA etl;
COMMENT ON SCHEMA etl IS 'The books of the loader: runs, files, rejected records, catalogue records.';
CREATE SCHEMA partitions;
COMMENT ON SCHEMA partitions IS 'The partitions of songplays, time and heard_plays: months, or some days of one. Query the tables they belong to.';
CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'Rows of runs that are not published yet. Not for readers.';
CREATE FUNCTION analytics.text_id(text text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (((('x'::text || substr(md5(text), 1, 16)))::bit(64) >> 1))::bigint;
COMMENT ON FUNCTION analytics.text_id(text text) IS 'The first 63 bits of the MD5 of a text.';
CREATE FUNCTION analytics.track_id(title text, artist text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (((('x'::text || substr(md5((md5(title) || artist)), 1, 16)))::bit(64) >> 1))::bigint;
COMMENT ON FUNCTION analytics.track_id(title text, artist text) IS 'The first 63 bits of the MD5 of the MD5 of a title, in hexadecimal, followed by an artist.';
CREATE FUNCTION etl.heard_song_id(title text, artist text, length double precision) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (encode(substr(sha256(((((convert_to(title, 'UTF8'::name) || '\x00'::bytea) || convert_to(artist, 'UTF8'::name)) || '\x00'::bytea) || float8send(length))), 1, 16), 'hex'::text))::uuid;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE analytics.listeners (
    period text NOT NULL,
    start date NOT NULL,
    level text,
    listeners integer NOT NULL,
    new_listeners integer NOT NULL,
    sessions integer NOT NULL,
    plays bigint NOT NULL,
    milliseconds bigint NOT NULL,
    CONSTRAINT listeners_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text])))
);
COMMENT ON TABLE analytics.listeners IS 'Rollup. One row per UTC day, ISO week or month with plays, and level; and one for all levels together.';
COMMENT ON COLUMN analytics.listeners.period IS 'day, week or month.';
COMMENT ON COLUMN analytics.listeners.start IS 'Its first day; a week begins on Monday.';
COMMENT ON COLUMN analytics.listeners.level IS 'Only what was on this level; NULL: all.';
COMMENT ON COLUMN analytics.listeners.listeners IS 'Users with a play.';
COMMENT ON COLUMN analytics.listeners.new_listeners IS 'Those whose first play ever, on any level, is in the period. The others are returning.';
COMMENT ON COLUMN analytics.listeners.sessions IS 'Sessions that began in the period, by the level of their first play.';
COMMENT ON COLUMN analytics.listeners.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.listeners.milliseconds IS 'As in analytics.user_days.';
CREATE VIEW analytics.active_listeners AS
 SELECT period,
    start,
    COALESCE(level, 'all'::text) AS level,
    listeners,
    new_listeners,
    (listeners - new_listeners) AS returning_listeners,
    sessions,
    plays,
    (round(((milliseconds)::numeric / 1000.0)))::bigint AS seconds
   FROM analytics.listeners;
COMMENT ON VIEW analytics.active_listeners IS 'One row per UTC day, ISO week or month, and level; and one for all levels together. Listeners of several rows must not be added up: one person may be in each.';
COMMENT ON COLUMN analytics.active_listeners.period IS 'day, week or month: choose one.';
COMMENT ON COLUMN analytics.active_listeners.start IS 'Its first day; a week begins on Monday.';
COMMENT ON COLUMN analytics.active_listeners.level IS 'free, paid or all: choose one.';
COMMENT ON COLUMN analytics.active_listeners.listeners IS 'Different users with a play; exact.';
COMMENT ON COLUMN analytics.active_listeners.new_listeners IS 'Those whose first play ever, on any level, is in the period.';
COMMENT ON COLUMN analytics.active_listeners.returning_listeners IS 'The others.';
COMMENT ON COLUMN analytics.active_listeners.sessions IS 'Sessions that began in the period, by the level of their first play.';
COMMENT ON COLUMN analytics.active_listeners.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.active_listeners.seconds IS 'As in analytics.plays_by_day.';
CREATE TABLE analytics.artist_months (
    artist_key bigint NOT NULL,
    month date NOT NULL,
    level text NOT NULL,
    plays integer NOT NULL
);
COMMENT ON TABLE analytics.artist_months IS 'Rollup. One row per artist (as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.artist_months.artist_key IS 'The artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.artist_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.artist_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.artist_months.plays IS 'How many plays.';
CREATE TABLE analytics.day_hours (
    day date NOT NULL,
    hour smallint NOT NULL,
    level text NOT NULL,
    plays integer NOT NULL
);
COMMENT ON TABLE analytics.day_hours IS 'Rollup. One row per UTC day, hour and level with plays.';
COMMENT ON COLUMN analytics.day_hours.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.day_hours.hour IS 'The hour, 0 to 23, UTC.';
COMMENT ON COLUMN analytics.day_hours.level IS 'free or paid.';
COMMENT ON COLUMN analytics.day_hours.plays IS 'How many plays.';
CREATE TABLE analytics.first_days (
    user_id bigint NOT NULL,
    first_day date NOT NULL
);
COMMENT ON TABLE analytics.first_days IS 'One row per user: the day of the first play.';
COMMENT ON COLUMN analytics.first_days.user_id IS 'Who.';
COMMENT ON COLUMN analytics.first_days.first_day IS 'The day, UTC.';
CREATE TABLE analytics.heard_plays (
    start_time timestamp with time zone NOT NULL,
    songplay_id bigint NOT NULL,
    heard_song_id uuid NOT NULL,
    item_in_session bigint NOT NULL,
    line bigint NOT NULL,
    file_id integer NOT NULL
)
PARTITION BY RANGE (start_time);
COMMENT ON TABLE analytics.heard_plays IS 'One row per row of songplays: which song was heard, and which line of which file said so.';
COMMENT ON COLUMN analytics.heard_plays.start_time IS 'The start_time of the play.';
COMMENT ON COLUMN analytics.heard_plays.songplay_id IS 'The songplay_id of the play.';
COMMENT ON COLUMN analytics.heard_plays.heard_song_id IS 'What was heard: analytics.heard_songs.';
COMMENT ON COLUMN analytics.heard_plays.item_in_session IS 'The number of the event in its session.';
COMMENT ON COLUMN analytics.heard_plays.line IS 'Line of the file, from 1.';
COMMENT ON COLUMN analytics.heard_plays.file_id IS 'The file: etl.files.';
CREATE TABLE analytics.heard_songs (
    heard_song_id uuid NOT NULL,
    title text NOT NULL,
    artist text NOT NULL,
    length double precision NOT NULL,
    song_id text,
    artist_id text,
    track_id bigint GENERATED ALWAYS AS (analytics.track_id(title, artist)) STORED NOT NULL,
    artist_key bigint GENERATED ALWAYS AS (analytics.text_id(artist)) STORED NOT NULL,
    CONSTRAINT heard_songs_check CHECK (((song_id IS NULL) = (artist_id IS NULL)))
);
COMMENT ON TABLE analytics.heard_songs IS 'One row per distinct (title, artist, length) in the logs, in the catalogue or not.';
COMMENT ON COLUMN analytics.heard_songs.heard_song_id IS 'Digest of title, artist and length.';
COMMENT ON COLUMN analytics.heard_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.length IS 'Length in seconds, as the log says.';
COMMENT ON COLUMN analytics.heard_songs.song_id IS 'The song of the catalogue that this is; NULL when there is none.';
COMMENT ON COLUMN analytics.heard_songs.artist_id IS 'The artist of that song.';
COMMENT ON COLUMN analytics.heard_songs.track_id IS 'Digest of title and artist: what analysis takes for one song, whatever its length.';
COMMENT ON COLUMN analytics.heard_songs.artist_key IS 'Digest of artist: what analysis takes for one artist.';
CREATE TABLE analytics.user_level_days (
    user_id bigint NOT NULL,
    day date NOT NULL,
    run_no integer NOT NULL,
    level text NOT NULL,
    first_play timestamp with time zone NOT NULL,
    last_play timestamp with time zone NOT NULL
);
COMMENT ON TABLE analytics.user_level_days IS 'One row per user, UTC day and uninterrupted run of plays at one level on that day.';
COMMENT ON COLUMN analytics.user_level_days.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_level_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.user_level_days.run_no IS 'The number of the run within the day, from 1.';
COMMENT ON COLUMN analytics.user_level_days.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_level_days.first_play IS 'The first play of the run.';
COMMENT ON COLUMN analytics.user_level_days.last_play IS 'The last play of the run.';
CREATE VIEW analytics.user_levels AS
 WITH days AS (
         SELECT user_level_days.user_id,
            user_level_days.day,
            user_level_days.run_no,
            user_level_days.level,
            user_level_days.first_play,
            lag(user_level_days.level) OVER (PARTITION BY user_level_days.user_id ORDER BY user_level_days.day, user_level_days.run_no) AS level_before
           FROM analytics.user_level_days
        ), changes AS (
         SELECT days.user_id,
            days.day,
            days.run_no,
            days.level,
            days.first_play,
            days.level_before
           FROM days
          WHERE (days.level_before IS DISTINCT FROM days.level)
        )
 SELECT user_id,
    level,
    first_play AS valid_from,
    lead(first_play) OVER (PARTITION BY user_id ORDER BY day, run_no) AS valid_to
   FROM changes;
COMMENT ON VIEW analytics.user_levels IS 'One row per user and uninterrupted time at one level, by event time.';
COMMENT ON COLUMN analytics.user_levels.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_levels.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_levels.valid_from IS 'The first play at this level.';
COMMENT ON COLUMN analytics.user_levels.valid_to IS 'The first play at the next level; NULL when this is the present one.';
CREATE VIEW analytics.level_changes AS
 SELECT user_id,
    valid_from AS changed_at,
    level_before,
    level
   FROM ( SELECT user_levels.user_id,
            user_levels.level,
            user_levels.valid_from,
            user_levels.valid_to,
            lag(user_levels.level) OVER (PARTITION BY user_levels.user_id ORDER BY user_levels.valid_from, user_levels.valid_to) AS level_before
           FROM analytics.user_levels) levels
  WHERE (level_before IS NOT NULL);
COMMENT ON VIEW analytics.level_changes IS 'One row per time that a user went from one level to another.';
COMMENT ON COLUMN analytics.level_changes.user_id IS 'Who.';
COMMENT ON COLUMN analytics.level_changes.changed_at IS 'The first play at the new level.';
COMMENT ON COLUMN analytics.level_changes.level_before IS 'The old level.';
COMMENT ON COLUMN analytics.level_changes.level IS 'The new level.';
CREATE VIEW analytics.plays_by_artist AS
 SELECT a.month,
    a.artist_key,
    s.artist,
    a.level,
    a.plays
   FROM (analytics.artist_months a
     JOIN ( SELECT heard_songs.artist_key,
            min(heard_songs.artist) AS artist
           FROM analytics.heard_songs
          GROUP BY heard_songs.artist_key) s USING (artist_key));
COMMENT ON VIEW analytics.plays_by_artist IS 'One row per artist (as the logs say), UTC month and level.';
COMMENT ON COLUMN analytics.plays_by_artist.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_artist.artist_key IS 'Digest of the name: analytics.heard_songs.';
COMMENT ON COLUMN analytics.plays_by_artist.artist IS 'Name, as the log says.';
COMMENT ON COLUMN analytics.plays_by_artist.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_artist.plays IS 'How many plays.';
CREATE VIEW analytics.plays_by_day AS
 SELECT start AS day,
    level,
    plays,
    (round(((milliseconds)::numeric / 1000.0)))::bigint AS seconds
   FROM analytics.listeners
  WHERE ((period = 'day'::text) AND (level IS NOT NULL));
COMMENT ON VIEW analytics.plays_by_day IS 'One row per UTC day and level: plays and seconds listened.';
COMMENT ON COLUMN analytics.plays_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.plays_by_day.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_day.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.plays_by_day.seconds IS 'How long the songs played are together; one of more than a day counts as a day.';
CREATE TABLE analytics.user_agents (
    user_agent_id bigint NOT NULL,
    user_agent text NOT NULL,
    device text,
    browser text,
    system text
);
COMMENT ON TABLE analytics.user_agents IS 'One row per user agent that a play came with.';
COMMENT ON COLUMN analytics.user_agents.user_agent_id IS 'Digest of the user agent.';
COMMENT ON COLUMN analytics.user_agents.user_agent IS 'As the log says.';
COMMENT ON COLUMN analytics.user_agents.device IS 'Family of the device, like Mac or iPhone, as ua-parser names it; where it knows none, that of the system, like Windows; else Other. NULL for a moment, until the load that brought it has ended.';
COMMENT ON COLUMN analytics.user_agents.browser IS 'Family of the browser, like Chrome.';
COMMENT ON COLUMN analytics.user_agents.system IS 'Family of the operating system, like Windows.';
CREATE TABLE analytics.user_months (
    user_id bigint NOT NULL,
    month date NOT NULL,
    level text NOT NULL,
    location text,
    user_agent_id bigint,
    plays bigint NOT NULL,
    milliseconds bigint NOT NULL
);
COMMENT ON TABLE analytics.user_months IS 'Rollup. One row per user, UTC month, level, location and user agent.';
COMMENT ON COLUMN analytics.user_months.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.user_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_months.location IS 'Where, as the log says.';
COMMENT ON COLUMN analytics.user_months.user_agent_id IS 'With what: analytics.user_agents.';
COMMENT ON COLUMN analytics.user_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_months.milliseconds IS 'As in analytics.user_days.';
CREATE VIEW analytics.plays_by_device AS
 SELECT user_months.month,
    user_agents.device,
    user_agents.browser,
    user_agents.system,
    user_months.level,
    count(DISTINCT user_months.user_id) AS listeners,
    (sum(user_months.plays))::bigint AS plays,
    (round((sum(user_months.milliseconds) / 1000.0)))::bigint AS seconds
   FROM (analytics.user_months
     LEFT JOIN analytics.user_agents USING (user_agent_id))
  GROUP BY user_months.month, user_agents.device, user_agents.browser, user_agents.system, user_months.level;
COMMENT ON VIEW analytics.plays_by_device IS 'One row per UTC month, family of device, browser, operating system and level.';
COMMENT ON COLUMN analytics.plays_by_device.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_device.device IS 'Family of the device, like Mac or iPhone; NULL when the log has no user agent.';
COMMENT ON COLUMN analytics.plays_by_device.browser IS 'Family of the browser, like Chrome.';
COMMENT ON COLUMN analytics.plays_by_device.system IS 'Family of the operating system, like Windows.';
COMMENT ON COLUMN analytics.plays_by_device.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_device.listeners IS 'Different users; not to be added up.';
COMMENT ON COLUMN analytics.plays_by_device.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.plays_by_device.seconds IS 'As in analytics.plays_by_day.';
CREATE VIEW analytics.plays_by_hour AS
 SELECT day,
    ((EXTRACT(isodow FROM day))::integer - 1) AS weekday,
    hour,
    level,
    plays
   FROM analytics.day_hours;
COMMENT ON VIEW analytics.plays_by_hour IS 'One row per UTC day, hour and level.';
COMMENT ON COLUMN analytics.plays_by_hour.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.plays_by_hour.weekday IS 'Day of the week, 0 = Monday to 6 = Sunday.';
COMMENT ON COLUMN analytics.plays_by_hour.hour IS 'The hour, 0 to 23, UTC.';
COMMENT ON COLUMN analytics.plays_by_hour.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_hour.plays IS 'How many plays.';
CREATE VIEW analytics.plays_by_location AS
 SELECT month,
    location,
    level,
    count(DISTINCT user_id) AS listeners,
    (sum(plays))::bigint AS plays,
    (round((sum(milliseconds) / 1000.0)))::bigint AS seconds
   FROM analytics.user_months
  GROUP BY month, location, level;
COMMENT ON VIEW analytics.plays_by_location IS 'One row per UTC month, location and level.';
COMMENT ON COLUMN analytics.plays_by_location.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_location.location IS 'Where, as the log says; NULL when it does not.';
COMMENT ON COLUMN analytics.plays_by_location.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_location.listeners IS 'Different users; not to be added up.';
COMMENT ON COLUMN analytics.plays_by_location.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.plays_by_location.seconds IS 'As in analytics.plays_by_day.';
CREATE TABLE analytics.track_months (
    track_id bigint NOT NULL,
    month date NOT NULL,
    level text NOT NULL,
    plays integer NOT NULL,
    users bigint[] NOT NULL,
    days smallint[] NOT NULL
);
ALTER TABLE ONLY analytics.track_months ALTER COLUMN users SET STATISTICS 0;
ALTER TABLE ONLY analytics.track_months ALTER COLUMN days SET STATISTICS 0;
COMMENT ON TABLE analytics.track_months IS 'Rollup. One row per track (title and artist, as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.track_months.track_id IS 'The track: analytics.heard_songs.';
COMMENT ON COLUMN analytics.track_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.track_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.track_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.track_months.users IS 'Who heard it, play by play, in the order of days.';
COMMENT ON COLUMN analytics.track_months.days IS 'On which day of the month, play by play.';
CREATE VIEW analytics.plays_by_song AS
 SELECT t.month,
    t.track_id,
    s.title,
    s.artist,
    s.song_id,
    t.level,
    t.plays
   FROM (analytics.track_months t
     JOIN ( SELECT heard_songs.track_id,
            min(heard_songs.title) AS title,
            min(heard_songs.artist) AS artist,
            min((heard_songs.song_id COLLATE "C")) AS song_id
           FROM analytics.heard_songs
          GROUP BY heard_songs.track_id) s USING (track_id));
COMMENT ON VIEW analytics.plays_by_song IS 'One row per song (title and artist, as the logs say), UTC month and level.';
COMMENT ON COLUMN analytics.plays_by_song.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_song.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.plays_by_song.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.plays_by_song.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.plays_by_song.song_id IS 'The song of the catalogue; NULL when it lacks it. Of several lengths the smallest.';
COMMENT ON COLUMN analytics.plays_by_song.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_song.plays IS 'How many plays.';
CREATE VIEW analytics.retention_by_month AS
 WITH heard AS (
         SELECT (date_trunc('month'::text, (first_days.first_day)::timestamp with time zone))::date AS cohort,
            (((((EXTRACT(year FROM user_months.month) - EXTRACT(year FROM first_days.first_day)) * (12)::numeric) + EXTRACT(month FROM user_months.month)) - EXTRACT(month FROM first_days.first_day)))::integer AS months_later,
            count(DISTINCT user_months.user_id) AS listeners
           FROM (analytics.user_months
             JOIN analytics.first_days USING (user_id))
          GROUP BY ((date_trunc('month'::text, (first_days.first_day)::timestamp with time zone))::date), ((((((EXTRACT(year FROM user_months.month) - EXTRACT(year FROM first_days.first_day)) * (12)::numeric) + EXTRACT(month FROM user_months.month)) - EXTRACT(month FROM first_days.first_day)))::integer)
        )
 SELECT cohort,
    months_later,
    listeners,
    max(listeners) FILTER (WHERE (months_later = 0)) OVER (PARTITION BY cohort) AS cohort_size
   FROM heard;
COMMENT ON VIEW analytics.retention_by_month IS 'One row per UTC month of first plays (the cohort) and number of months later in which some of them listened.';
COMMENT ON COLUMN analytics.retention_by_month.cohort IS 'The first day of the month in which these users first listened.';
COMMENT ON COLUMN analytics.retention_by_month.months_later IS 'So many months later; 0 is the month of the cohort itself.';
COMMENT ON COLUMN analytics.retention_by_month.listeners IS 'How many of them listened then.';
COMMENT ON COLUMN analytics.retention_by_month.cohort_size IS 'How many they are.';
CREATE TABLE analytics.user_days (
    user_id bigint NOT NULL,
    day date NOT NULL,
    level text NOT NULL,
    location text,
    user_agent_id bigint,
    plays integer NOT NULL,
    milliseconds bigint NOT NULL,
    hours smallint[] NOT NULL,
    tracks bigint[] NOT NULL,
    artists bigint[] NOT NULL
);
ALTER TABLE ONLY analytics.user_days ALTER COLUMN hours SET STATISTICS 0;
ALTER TABLE ONLY analytics.user_days ALTER COLUMN tracks SET STATISTICS 0;
ALTER TABLE ONLY analytics.user_days ALTER COLUMN artists SET STATISTICS 0;
COMMENT ON TABLE analytics.user_days IS 'Rollup. One row per user, UTC day, level, location and user agent: all plays in little space. Every other rollup can be computed from it.';
COMMENT ON COLUMN analytics.user_days.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_days.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.user_days.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_days.location IS 'Where, as the log says.';
COMMENT ON COLUMN analytics.user_days.user_agent_id IS 'With what: analytics.user_agents.';
COMMENT ON COLUMN analytics.user_days.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_days.milliseconds IS 'How long the songs played are together; one of more than a day counts as a day.';
COMMENT ON COLUMN analytics.user_days.hours IS 'The hour of the day of each play, in order.';
COMMENT ON COLUMN analytics.user_days.tracks IS 'The track_id of each play, in order.';
COMMENT ON COLUMN analytics.user_days.artists IS 'The artist_key of each play, in order.';
CREATE VIEW analytics.retention_by_week AS
 WITH heard AS (
         SELECT (date_trunc('week'::text, (first_days.first_day)::timestamp with time zone))::date AS cohort,
            (((date_trunc('week'::text, (user_days.day)::timestamp with time zone))::date - (date_trunc('week'::text, (first_days.first_day)::timestamp with time zone))::date) / 7) AS weeks_later,
            count(DISTINCT user_days.user_id) AS listeners
           FROM (analytics.user_days
             JOIN analytics.first_days USING (user_id))
          GROUP BY ((date_trunc('week'::text, (first_days.first_day)::timestamp with time zone))::date), (((date_trunc('week'::text, (user_days.day)::timestamp with time zone))::date - (date_trunc('week'::text, (first_days.first_day)::timestamp with time zone))::date) / 7)
        )
 SELECT cohort,
    weeks_later,
    listeners,
    max(listeners) FILTER (WHERE (weeks_later = 0)) OVER (PARTITION BY cohort) AS cohort_size
   FROM heard;
COMMENT ON VIEW analytics.retention_by_week IS 'One row per ISO week of first plays (the cohort) and number of weeks later in which some of them listened.';
COMMENT ON COLUMN analytics.retention_by_week.cohort IS 'The Monday of the week in which these users first listened.';
COMMENT ON COLUMN analytics.retention_by_week.weeks_later IS 'So many weeks later; 0 is the week of the cohort itself.';
COMMENT ON COLUMN analytics.retention_by_week.listeners IS 'How many of them listened then.';
COMMENT ON COLUMN analytics.retention_by_week.cohort_size IS 'How many they are.';
CREATE VIEW analytics.rising_songs AS
 WITH changes AS (
         SELECT months.month,
            months.track_id,
            sum(months.plays) AS plays,
            sum(months.plays_before) AS plays_before
           FROM ( SELECT track_months.month,
                    track_months.track_id,
                    track_months.plays,
                    0 AS plays_before
                   FROM analytics.track_months
                UNION ALL
                 SELECT ((track_months.month + '1 mon'::interval))::date AS date,
                    track_months.track_id,
                    0,
                    track_months.plays
                   FROM analytics.track_months
                  WHERE (track_months.month < ( SELECT max(listeners.start) AS max
                           FROM analytics.listeners
                          WHERE (listeners.period = 'month'::text)))) months
          GROUP BY months.month, months.track_id
        )
 SELECT changes.month,
    changes.track_id,
    s.title,
    s.artist,
    changes.plays,
    changes.plays_before,
    (changes.plays - changes.plays_before) AS change
   FROM (changes
     JOIN ( SELECT heard_songs.track_id,
            min(heard_songs.title) AS title,
            min(heard_songs.artist) AS artist
           FROM analytics.heard_songs
          GROUP BY heard_songs.track_id) s USING (track_id));
COMMENT ON VIEW analytics.rising_songs IS 'One row per song (title and artist) and UTC month in which it was heard, or was heard in the month before.';
COMMENT ON COLUMN analytics.rising_songs.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.rising_songs.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.rising_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.rising_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.rising_songs.plays IS 'Plays in the month.';
COMMENT ON COLUMN analytics.rising_songs.plays_before IS 'Plays in the month before.';
COMMENT ON COLUMN analytics.rising_songs.change IS 'How many more; fewer are negative.';
CREATE TABLE analytics.sessions (
    user_id bigint NOT NULL,
    session_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    level text NOT NULL
);
COMMENT ON TABLE analytics.sessions IS 'One row per user and session with plays.';
COMMENT ON COLUMN analytics.sessions.user_id IS 'Who.';
COMMENT ON COLUMN analytics.sessions.session_id IS 'The session of the app.';
COMMENT ON COLUMN analytics.sessions.started_at IS 'Its first play. A session counts for the day, week and month of this moment, UTC.';
COMMENT ON COLUMN analytics.sessions.level IS 'The level of its first play.';
CREATE VIEW analytics.unmatched_songs AS
 SELECT s.track_id,
    s.title,
    s.artist,
    sum(track_months.plays) AS plays,
    min(track_months.month) AS first_month,
    max(track_months.month) AS last_month
   FROM (( SELECT heard_songs.track_id,
            min(heard_songs.title) AS title,
            min(heard_songs.artist) AS artist
           FROM analytics.heard_songs
          GROUP BY heard_songs.track_id
         HAVING (count(heard_songs.song_id) = 0)) s
     JOIN analytics.track_months USING (track_id))
  GROUP BY s.track_id, s.title, s.artist;
COMMENT ON VIEW analytics.unmatched_songs IS 'One row per song (title and artist) that was heard and that the catalogue lacks, in any length.';
COMMENT ON COLUMN analytics.unmatched_songs.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.unmatched_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.unmatched_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.unmatched_songs.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.unmatched_songs.first_month IS 'The first month with plays.';
COMMENT ON COLUMN analytics.unmatched_songs.last_month IS 'The last month with plays.';
CREATE TABLE analytics.user_years (
    user_id bigint NOT NULL,
    year date NOT NULL,
    level text NOT NULL,
    plays bigint NOT NULL,
    milliseconds bigint NOT NULL
);
COMMENT ON TABLE analytics.user_years IS 'Rollup. One row per user, UTC year and level.';
COMMENT ON COLUMN analytics.user_years.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_years.year IS 'The first day of the year.';
COMMENT ON COLUMN analytics.user_years.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_years.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_years.milliseconds IS 'As in analytics.user_days.';
CREATE TABLE etl.catalogue_records (
    file_id integer NOT NULL,
    line bigint NOT NULL,
    song_id text NOT NULL,
    title text NOT NULL,
    artist_id text NOT NULL,
    artist_name text NOT NULL,
    artist_location text,
    artist_latitude double precision,
    artist_longitude double precision,
    year integer,
    duration double precision NOT NULL,
    heard_song_id uuid NOT NULL
);
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
CREATE TABLE etl.known_files (
    file_id integer NOT NULL,
    kind text NOT NULL,
    path text NOT NULL,
    version text,
    size bigint,
    mtime_ns bigint,
    digest bytea,
    run_id bigint NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    trouble text,
    note text,
    cuts bigint[],
    CONSTRAINT known_files_kind_check CHECK ((kind = ANY (ARRAY['song'::text, 'log'::text]))),
    CONSTRAINT known_files_trouble_check CHECK ((trouble = ANY (ARRAY['unreadable'::text, 'vanished'::text])))
);
COMMENT ON TABLE etl.known_files IS 'One row per input file that was seen: what was read of it, and whose it is. A version is claimed here once: why nothing is loaded twice.';
COMMENT ON COLUMN etl.known_files.file_id IS 'The number of the file.';
COMMENT ON COLUMN etl.known_files.kind IS 'song or log.';
COMMENT ON COLUMN etl.known_files.path IS 'Where it is: a path or URL.';
COMMENT ON COLUMN etl.known_files.version IS 'Size and time of change, or etag, of what was read; NULL when it is to be read again, or while it is read in parts.';
COMMENT ON COLUMN etl.known_files.size IS 'Bytes.';
COMMENT ON COLUMN etl.known_files.mtime_ns IS 'Time of last change, nanoseconds since 1970; NULL for an object.';
COMMENT ON COLUMN etl.known_files.digest IS 'SHA-256 of the bytes that were read.';
COMMENT ON COLUMN etl.known_files.run_id IS 'The run that last read it or tried to.';
COMMENT ON COLUMN etl.known_files.seen_at IS 'When that was.';
COMMENT ON COLUMN etl.known_files.trouble IS 'unreadable or vanished: tried again by the next run; NULL when it was read.';
COMMENT ON COLUMN etl.known_files.note IS 'Why it could not be read.';
COMMENT ON COLUMN etl.known_files.cuts IS 'Where its parts begin when it was read in parts, bytes: the digest is then that of the digests of the parts.';
CREATE TABLE etl.manifest (
    manifest_id bigint NOT NULL,
    file_id integer NOT NULL,
    version text NOT NULL,
    run_id bigint NOT NULL,
    staged_at timestamp with time zone DEFAULT now() NOT NULL,
    lines bigint DEFAULT 0 NOT NULL,
    blank bigint DEFAULT 0 NOT NULL,
    other_pages bigint DEFAULT 0 NOT NULL,
    loaded bigint DEFAULT 0 NOT NULL,
    duplicates bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    forgotten bigint DEFAULT 0 NOT NULL,
    CONSTRAINT manifest_books_balance CHECK ((lines = (((((blank + other_pages) + loaded) + duplicates) + rejected) + forgotten)))
);
COMMENT ON TABLE etl.manifest IS 'One row per version of a file that was staged, written in the transaction that staged it, or a part of it: the books of its lines.';
COMMENT ON COLUMN etl.manifest.manifest_id IS 'The number of the entry.';
COMMENT ON COLUMN etl.manifest.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.manifest.version IS 'The version of the file; with the number of the run while it is read in parts.';
COMMENT ON COLUMN etl.manifest.run_id IS 'The run that staged it.';
COMMENT ON COLUMN etl.manifest.staged_at IS 'When.';
COMMENT ON COLUMN etl.manifest.lines IS 'Lines read; the sum of the six following columns.';
COMMENT ON COLUMN etl.manifest.blank IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.other_pages IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.loaded IS 'As in etl.files; before publication, the plays that are staged.';
COMMENT ON COLUMN etl.manifest.duplicates IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.rejected IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.forgotten IS 'As in etl.files.';
CREATE TABLE etl.runs (
    run_id bigint NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    state text DEFAULT 'open'::text NOT NULL,
    report jsonb,
    CONSTRAINT runs_state_check CHECK ((state = ANY (ARRAY['open'::text, 'publishing'::text, 'published'::text, 'held'::text, 'dropped'::text])))
);
COMMENT ON TABLE etl.runs IS 'One row per run of the loader that had something to load.';
COMMENT ON COLUMN etl.runs.run_id IS 'The number of the run.';
COMMENT ON COLUMN etl.runs.started_at IS 'When it started.';
COMMENT ON COLUMN etl.runs.finished_at IS 'When all it staged was published, held or dropped.';
COMMENT ON COLUMN etl.runs.state IS 'open: staging; publishing; published; held: more rejects than allowed, nothing published; dropped: what it held was thrown away.';
COMMENT ON COLUMN etl.runs.report IS 'The report that the run gave.';
CREATE VIEW etl.files AS
 SELECT f.file_id,
    f.kind,
    f.path,
        CASE
            WHEN (f.trouble IS NOT NULL) THEN f.trouble
            WHEN (f.version IS NULL) THEN 'new'::text
            WHEN (r.state = ANY (ARRAY['open'::text, 'publishing'::text, 'held'::text])) THEN 'staged'::text
            ELSE 'loaded'::text
        END AS state,
    f.version,
    f.size,
    f.mtime_ns,
    f.digest,
    f.run_id,
    f.seen_at,
    f.note,
    COALESCE(m.lines, (0)::bigint) AS lines,
    COALESCE(m.blank, (0)::bigint) AS blank,
    COALESCE(m.other_pages, (0)::bigint) AS other_pages,
    COALESCE(m.loaded, (0)::bigint) AS loaded,
    COALESCE(m.duplicates, (0)::bigint) AS duplicates,
    COALESCE(m.rejected, (0)::bigint) AS rejected,
    COALESCE(m.forgotten, (0)::bigint) AS forgotten
   FROM ((etl.known_files f
     LEFT JOIN etl.runs r USING (run_id))
     LEFT JOIN ( SELECT m_1.manifest_id,
            m_1.file_id,
            m_1.version,
            m_1.run_id,
            m_1.staged_at,
            m_1.lines,
            m_1.blank,
            m_1.other_pages,
            m_1.loaded,
            m_1.duplicates,
            m_1.rejected,
            m_1.forgotten
           FROM (etl.manifest m_1
             JOIN etl.runs r_1 USING (run_id))
          WHERE (r_1.state = 'published'::text)) m USING (file_id));
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
COMMENT ON COLUMN etl.files.lines IS 'Lines in the version that is loaded; the sum of the six following columns.';
COMMENT ON COLUMN etl.files.blank IS 'Lines of white space only.';
COMMENT ON COLUMN etl.files.other_pages IS 'Events of another page than NextSong.';
COMMENT ON COLUMN etl.files.loaded IS 'Plays, or catalogue records, that are in the warehouse from this file.';
COMMENT ON COLUMN etl.files.duplicates IS 'Plays that the warehouse has from another line.';
COMMENT ON COLUMN etl.files.rejected IS 'Lines set aside in etl.rejected_records.';
COMMENT ON COLUMN etl.files.forgotten IS 'Lines of people who were forgotten: nothing of them is kept.';
CREATE TABLE etl.forgotten (
    digest bytea NOT NULL,
    forgotten_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE etl.forgotten IS 'One row per person who was forgotten: what the loader recognises them by.';
COMMENT ON COLUMN etl.forgotten.digest IS 'Digest of the user id, made with the key in etl.forgotten_key.';
COMMENT ON COLUMN etl.forgotten.forgotten_at IS 'When.';
CREATE TABLE etl.forgotten_key (
    only_row boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT forgotten_key_only_row_check CHECK (only_row)
);
COMMENT ON TABLE etl.forgotten_key IS 'One row: the key of this warehouse. Who has it and etl.forgotten can find out who was forgotten, by trying ids.';
COMMENT ON COLUMN etl.forgotten_key.only_row IS 'There is one row.';
COMMENT ON COLUMN etl.forgotten_key.key IS '32 random bytes.';
ALTER TABLE etl.known_files ALTER COLUMN file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME etl.known_files_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE etl.latest_plays (
    user_id bigint NOT NULL,
    start_time timestamp with time zone NOT NULL,
    session_id bigint NOT NULL,
    item_in_session bigint NOT NULL,
    songplay_id bigint NOT NULL,
    level text NOT NULL,
    location text,
    user_agent text,
    heard_song_id uuid NOT NULL
);
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
CREATE TABLE etl.lost_variants (
    user_id bigint NOT NULL,
    heard_song_id uuid NOT NULL
);
COMMENT ON TABLE etl.lost_variants IS 'One row per user and heard song that stood in a line which lost to another line on the same play.';
COMMENT ON COLUMN etl.lost_variants.user_id IS 'Who.';
COMMENT ON COLUMN etl.lost_variants.heard_song_id IS 'What the line said was heard.';
ALTER TABLE etl.manifest ALTER COLUMN manifest_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME etl.manifest_manifest_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE etl.rejected_records (
    manifest_id bigint NOT NULL,
    run_id bigint NOT NULL,
    file_id integer NOT NULL,
    line bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    record bytea NOT NULL,
    record_bytes bigint NOT NULL,
    CONSTRAINT rejected_records_line_check CHECK ((line > 0))
);
COMMENT ON TABLE etl.rejected_records IS 'One row per line that was set aside: where it stood, why, and its bytes.';
COMMENT ON COLUMN etl.rejected_records.manifest_id IS 'The version of the file: etl.manifest.';
COMMENT ON COLUMN etl.rejected_records.run_id IS 'The run that read it.';
COMMENT ON COLUMN etl.rejected_records.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.rejected_records.line IS 'Line of the file, from 1.';
COMMENT ON COLUMN etl.rejected_records.reason IS 'The first reason that applies, in the order of docs/rules.md.';
COMMENT ON COLUMN etl.rejected_records.detail IS 'What exactly was wrong.';
COMMENT ON COLUMN etl.rejected_records.record IS 'The bytes of the line; only the first MiB when it is longer.';
COMMENT ON COLUMN etl.rejected_records.record_bytes IS 'The length of the line in bytes.';
CREATE TABLE etl.row_counts (
    table_name text NOT NULL,
    row_count bigint NOT NULL,
    CONSTRAINT row_counts_row_count_check CHECK ((row_count >= 0))
);
COMMENT ON TABLE etl.row_counts IS 'One row per table of the star: how many rows it has, kept by the load. And matched: plays with a song_id.';
COMMENT ON COLUMN etl.row_counts.table_name IS 'The table, or matched.';
COMMENT ON COLUMN etl.row_counts.row_count IS 'The number of rows.';
ALTER TABLE etl.runs ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME etl.runs_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE etl.song_keys (
    heard_song_id uuid NOT NULL,
    song_id text NOT NULL,
    artist_id text NOT NULL
);
COMMENT ON TABLE etl.song_keys IS 'One row per song: the digest that a play of it has.';
COMMENT ON COLUMN etl.song_keys.heard_song_id IS 'Digest of title, artist name and duration.';
COMMENT ON COLUMN etl.song_keys.song_id IS 'The song.';
COMMENT ON COLUMN etl.song_keys.artist_id IS 'Its artist.';
CREATE TABLE etl.staged_months (
    run_id bigint NOT NULL,
    month date NOT NULL,
    CONSTRAINT staged_months_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);
COMMENT ON TABLE etl.staged_months IS 'One row per month that a run has staged and not yet published.';
COMMENT ON COLUMN etl.staged_months.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_months.month IS 'The first day of the month.';
CREATE TABLE etl.staged_parts (
    run_id bigint NOT NULL,
    file_id integer NOT NULL,
    start bigint NOT NULL,
    size bigint NOT NULL,
    digest bytea
);
COMMENT ON TABLE etl.staged_parts IS 'One row per part of a large log file, from when a run stages it until the run is finished: why it is staged once.';
COMMENT ON COLUMN etl.staged_parts.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_parts.file_id IS 'The file.';
COMMENT ON COLUMN etl.staged_parts.start IS 'Where it begins in the file, bytes.';
COMMENT ON COLUMN etl.staged_parts.size IS 'Bytes.';
COMMENT ON COLUMN etl.staged_parts.digest IS 'SHA-256 of the bytes that were read.';
CREATE TABLE etl.staged_slices (
    run_id bigint NOT NULL,
    month date NOT NULL,
    file_id integer NOT NULL,
    earliest timestamp with time zone NOT NULL,
    latest timestamp with time zone NOT NULL,
    catalogue_version bigint NOT NULL,
    plays bigint NOT NULL,
    matched bigint NOT NULL,
    times bigint NOT NULL,
    published boolean DEFAULT false NOT NULL
);
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
CREATE TABLE etl.warehouse (
    only_row boolean DEFAULT true NOT NULL,
    schema_version integer NOT NULL,
    earliest timestamp with time zone DEFAULT '2000-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    before timestamp with time zone DEFAULT '2100-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    catalogue_version bigint DEFAULT 0 NOT NULL,
    analyzed_plays bigint DEFAULT 0 NOT NULL,
    CONSTRAINT warehouse_check CHECK ((earliest < before)),
    CONSTRAINT warehouse_only_row_check CHECK (only_row)
);
COMMENT ON TABLE etl.warehouse IS 'One row: the version of this schema, the accepted range of event times, and what the loader remembers of the whole.';
COMMENT ON COLUMN etl.warehouse.only_row IS 'Always true.';
COMMENT ON COLUMN etl.warehouse.schema_version IS 'The version of this schema.';
COMMENT ON COLUMN etl.warehouse.earliest IS 'Events before this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.before IS 'Events at or after this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.catalogue_version IS 'Grows when a publication may change which song a heard song is.';
COMMENT ON COLUMN etl.warehouse.analyzed_plays IS 'How many plays there were when the tables were last analysed as a whole.';
CREATE TABLE partitions.heard_plays_2018_11 (
    start_time timestamp with time zone CONSTRAINT heard_plays_start_time_not_null NOT NULL,
    songplay_id bigint CONSTRAINT heard_plays_songplay_id_not_null NOT NULL,
    heard_song_id uuid CONSTRAINT heard_plays_heard_song_id_not_null NOT NULL,
    item_in_session bigint CONSTRAINT heard_plays_item_in_session_not_null NOT NULL,
    line bigint CONSTRAINT heard_plays_line_not_null NOT NULL,
    file_id integer CONSTRAINT heard_plays_file_id_not_null NOT NULL
);
CREATE TABLE partitions.heard_plays_2018_12 (
    start_time timestamp with time zone CONSTRAINT heard_plays_start_time_not_null NOT NULL,
    songplay_id bigint CONSTRAINT heard_plays_songplay_id_not_null NOT NULL,
    heard_song_id uuid CONSTRAINT heard_plays_heard_song_id_not_null NOT NULL,
    item_in_session bigint CONSTRAINT heard_plays_item_in_session_not_null NOT NULL,
    line bigint CONSTRAINT heard_plays_line_not_null NOT NULL,
    file_id integer CONSTRAINT heard_plays_file_id_not_null NOT NULL
);
CREATE TABLE public.songplays (
    songplay_id bigint NOT NULL,
    start_time timestamp with time zone NOT NULL,
    user_id bigint NOT NULL,
    level text NOT NULL,
    song_id text,
    artist_id text,
    session_id bigint NOT NULL,
    location text,
    user_agent text,
    CONSTRAINT songplays_song_has_artist CHECK (((song_id IS NULL) = (artist_id IS NULL)))
)
PARTITION BY RANGE (start_time);
COMMENT ON TABLE public.songplays IS 'Fact. One row per song play: one log event with page NextSong.';
COMMENT ON COLUMN public.songplays.songplay_id IS 'Computed from the event itself (user, session, item in session, ts), the same in every load. Unique together with start_time.';
COMMENT ON COLUMN public.songplays.start_time IS 'When the song started, to the millisecond.';
COMMENT ON COLUMN public.songplays.user_id IS 'Who listened.';
COMMENT ON COLUMN public.songplays.level IS 'The plan of the user at that moment: free or paid.';
COMMENT ON COLUMN public.songplays.song_id IS 'The song of the catalogue with the same title, artist name and duration as the log says; NULL when there is none (see analytics.heard_songs).';
COMMENT ON COLUMN public.songplays.artist_id IS 'The artist of that song; NULL when the song is not in the catalogue.';
COMMENT ON COLUMN public.songplays.session_id IS 'The session of the app in which the song was played.';
COMMENT ON COLUMN public.songplays.location IS 'Where the user was, as the log says: mostly a US metropolitan area.';
COMMENT ON COLUMN public.songplays.user_agent IS 'The browser or app, as the log says, with the quotes it may come in.';
CREATE TABLE partitions.songplays_2018_11 (
    songplay_id bigint CONSTRAINT songplays_songplay_id_not_null NOT NULL,
    start_time timestamp with time zone CONSTRAINT songplays_start_time_not_null NOT NULL,
    user_id bigint CONSTRAINT songplays_user_id_not_null NOT NULL,
    level text CONSTRAINT songplays_level_not_null NOT NULL,
    song_id text,
    artist_id text,
    session_id bigint CONSTRAINT songplays_session_id_not_null NOT NULL,
    location text,
    user_agent text,
    CONSTRAINT songplays_song_has_artist CHECK (((song_id IS NULL) = (artist_id IS NULL)))
);
CREATE TABLE partitions.songplays_2018_12 (
    songplay_id bigint CONSTRAINT songplays_songplay_id_not_null NOT NULL,
    start_time timestamp with time zone CONSTRAINT songplays_start_time_not_null NOT NULL,
    user_id bigint CONSTRAINT songplays_user_id_not_null NOT NULL,
    level text CONSTRAINT songplays_level_not_null NOT NULL,
    song_id text,
    artist_id text,
    session_id bigint CONSTRAINT songplays_session_id_not_null NOT NULL,
    location text,
    user_agent text,
    CONSTRAINT songplays_song_has_artist CHECK (((song_id IS NULL) = (artist_id IS NULL)))
);
CREATE TABLE public."time" (
    start_time timestamp with time zone NOT NULL,
    hour smallint NOT NULL,
    day smallint NOT NULL,
    week smallint NOT NULL,
    month smallint NOT NULL,
    year smallint NOT NULL,
    weekday smallint NOT NULL
)
PARTITION BY RANGE (start_time);
COMMENT ON TABLE public."time" IS 'Dimension. One row per moment at which a song started; all units in UTC.';
COMMENT ON COLUMN public."time".start_time IS 'The moment, to the millisecond.';
COMMENT ON COLUMN public."time".hour IS 'Hour of the day, 0 to 23, UTC.';
COMMENT ON COLUMN public."time".day IS 'Day of the month, 1 to 31, UTC.';
COMMENT ON COLUMN public."time".week IS 'ISO 8601 week of the year, 1 to 53, UTC.';
COMMENT ON COLUMN public."time".month IS 'Month, 1 to 12, UTC.';
COMMENT ON COLUMN public."time".year IS 'Calendar year, UTC.';
COMMENT ON COLUMN public."time".weekday IS 'Day of the week, 0 = Monday to 6 = Sunday, UTC.';
CREATE TABLE partitions.time_2018_11 (
    start_time timestamp with time zone CONSTRAINT time_start_time_not_null NOT NULL,
    hour smallint CONSTRAINT time_hour_not_null NOT NULL,
    day smallint CONSTRAINT time_day_not_null NOT NULL,
    week smallint CONSTRAINT time_week_not_null NOT NULL,
    month smallint CONSTRAINT time_month_not_null NOT NULL,
    year smallint CONSTRAINT time_year_not_null NOT NULL,
    weekday smallint CONSTRAINT time_weekday_not_null NOT NULL
);
CREATE TABLE partitions.time_2018_12 (
    start_time timestamp with time zone CONSTRAINT time_start_time_not_null NOT NULL,
    hour smallint CONSTRAINT time_hour_not_null NOT NULL,
    day smallint CONSTRAINT time_day_not_null NOT NULL,
    week smallint CONSTRAINT time_week_not_null NOT NULL,
    month smallint CONSTRAINT time_month_not_null NOT NULL,
    year smallint CONSTRAINT time_year_not_null NOT NULL,
    weekday smallint CONSTRAINT time_weekday_not_null NOT NULL
);
CREATE TABLE public.artists (
    artist_id text NOT NULL,
    name text NOT NULL,
    location text,
    latitude double precision,
    longitude double precision
);
COMMENT ON TABLE public.artists IS 'Dimension. One row per artist of the catalogue.';
COMMENT ON COLUMN public.artists.artist_id IS 'The identifier of the artist in the catalogue.';
COMMENT ON COLUMN public.artists.name IS 'Name, as the catalogue has it.';
COMMENT ON COLUMN public.artists.location IS 'Where the artist comes from; NULL when unknown.';
COMMENT ON COLUMN public.artists.latitude IS 'Degrees north; NULL when unknown.';
COMMENT ON COLUMN public.artists.longitude IS 'Degrees east; NULL when unknown.';
CREATE TABLE public.songs (
    song_id text NOT NULL,
    title text NOT NULL,
    artist_id text NOT NULL,
    year integer,
    duration double precision NOT NULL,
    CONSTRAINT songs_duration_check CHECK ((duration > (0)::double precision))
);
COMMENT ON TABLE public.songs IS 'Dimension. One row per song of the catalogue.';
COMMENT ON COLUMN public.songs.song_id IS 'The identifier of the song in the catalogue.';
COMMENT ON COLUMN public.songs.title IS 'Title, as the catalogue has it.';
COMMENT ON COLUMN public.songs.artist_id IS 'Who performs it.';
COMMENT ON COLUMN public.songs.year IS 'Year of release; NULL when the catalogue does not know it.';
COMMENT ON COLUMN public.songs.duration IS 'Length in seconds.';
CREATE TABLE public.users (
    user_id bigint NOT NULL,
    first_name text,
    last_name text,
    gender text,
    level text NOT NULL
);
COMMENT ON TABLE public.users IS 'Dimension. One row per person with at least one play; every value is that of the latest play.';
COMMENT ON COLUMN public.users.user_id IS 'The number the app gave to the user.';
COMMENT ON COLUMN public.users.first_name IS 'First name.';
COMMENT ON COLUMN public.users.last_name IS 'Last name.';
COMMENT ON COLUMN public.users.gender IS 'As the log says: F or M.';
COMMENT ON COLUMN public.users.level IS 'The plan at the latest play: free or paid. Earlier ones are in analytics.user_levels.';
CREATE TABLE staging.run2_2019_01_heard_plays (
    start_time timestamp with time zone CONSTRAINT heard_plays_start_time_not_null NOT NULL,
    songplay_id bigint CONSTRAINT heard_plays_songplay_id_not_null NOT NULL,
    heard_song_id uuid CONSTRAINT heard_plays_heard_song_id_not_null NOT NULL,
    item_in_session bigint CONSTRAINT heard_plays_item_in_session_not_null NOT NULL,
    line bigint CONSTRAINT heard_plays_line_not_null NOT NULL,
    file_id integer CONSTRAINT heard_plays_file_id_not_null NOT NULL
)
WITH (autovacuum_enabled='false');
CREATE TABLE staging.run2_2019_01_heard_songs (
    heard_song_id uuid,
    title text,
    artist text,
    length double precision,
    song_id text,
    artist_id text
);
CREATE TABLE staging.run2_2019_01_levels (
    user_id bigint,
    day date,
    level text,
    first_play timestamp with time zone,
    last_play timestamp with time zone
);
CREATE TABLE staging.run2_2019_01_repeated (
    start_time timestamp with time zone,
    songplay_id bigint,
    file_id integer,
    user_id bigint,
    heard_song_id uuid
);
CREATE TABLE staging.run2_2019_01_sessions (
    user_id bigint,
    session_id bigint,
    started_at timestamp with time zone,
    level text
);
CREATE TABLE staging.run2_2019_01_songplays (
    songplay_id bigint CONSTRAINT songplays_songplay_id_not_null NOT NULL,
    start_time timestamp with time zone CONSTRAINT songplays_start_time_not_null NOT NULL,
    user_id bigint CONSTRAINT songplays_user_id_not_null NOT NULL,
    level text CONSTRAINT songplays_level_not_null NOT NULL,
    song_id text,
    artist_id text,
    session_id bigint CONSTRAINT songplays_session_id_not_null NOT NULL,
    location text,
    user_agent text,
    CONSTRAINT songplays_song_has_artist CHECK (((song_id IS NULL) = (artist_id IS NULL)))
)
WITH (autovacuum_enabled='false');
CREATE TABLE staging.run2_2019_01_time (
    start_time timestamp with time zone CONSTRAINT time_start_time_not_null NOT NULL,
    hour smallint CONSTRAINT time_hour_not_null NOT NULL,
    day smallint CONSTRAINT time_day_not_null NOT NULL,
    week smallint CONSTRAINT time_week_not_null NOT NULL,
    month smallint CONSTRAINT time_month_not_null NOT NULL,
    year smallint CONSTRAINT time_year_not_null NOT NULL,
    weekday smallint CONSTRAINT time_weekday_not_null NOT NULL
)
WITH (autovacuum_enabled='false');
CREATE TABLE staging.run2_2019_01_user_days (
    user_id bigint,
    day date,
    level text,
    location text,
    user_agent text,
    plays integer,
    milliseconds bigint,
    hours smallint[],
    tracks bigint[],
    artists bigint[]
);
CREATE TABLE staging.run2_2019_01_users (
    user_id bigint,
    first_name text,
    last_name text,
    gender text,
    level text,
    start_time timestamp with time zone,
    session_id bigint,
    item_in_session bigint,
    songplay_id bigint,
    location text,
    user_agent text,
    heard_song_id uuid
);
CREATE TABLE staging.run2_catalogue (
    file_id integer CONSTRAINT catalogue_records_file_id_not_null NOT NULL,
    line bigint CONSTRAINT catalogue_records_line_not_null NOT NULL,
    song_id text CONSTRAINT catalogue_records_song_id_not_null NOT NULL,
    title text CONSTRAINT catalogue_records_title_not_null NOT NULL,
    artist_id text CONSTRAINT catalogue_records_artist_id_not_null NOT NULL,
    artist_name text CONSTRAINT catalogue_records_artist_name_not_null NOT NULL,
    artist_location text,
    artist_latitude double precision,
    artist_longitude double precision,
    year integer,
    duration double precision CONSTRAINT catalogue_records_duration_not_null NOT NULL,
    heard_song_id uuid CONSTRAINT catalogue_records_heard_song_id_not_null NOT NULL
);
ALTER TABLE ONLY analytics.heard_plays ATTACH PARTITION partitions.heard_plays_2018_11 FOR VALUES FROM ('2018-11-01 00:00:00+00') TO ('2018-12-01 00:00:00+00');
ALTER TABLE ONLY analytics.heard_plays ATTACH PARTITION partitions.heard_plays_2018_12 FOR VALUES FROM ('2018-12-01 00:00:00+00') TO ('2019-01-01 00:00:00+00');
ALTER TABLE ONLY public.songplays ATTACH PARTITION partitions.songplays_2018_11 FOR VALUES FROM ('2018-11-01 00:00:00+00') TO ('2018-12-01 00:00:00+00');
ALTER TABLE ONLY public.songplays ATTACH PARTITION partitions.songplays_2018_12 FOR VALUES FROM ('2018-12-01 00:00:00+00') TO ('2019-01-01 00:00:00+00');
ALTER TABLE ONLY public."time" ATTACH PARTITION partitions.time_2018_11 FOR VALUES FROM ('2018-11-01 00:00:00+00') TO ('2018-12-01 00:00:00+00');
ALTER TABLE ONLY public."time" ATTACH PARTITION partitions.time_2018_12 FOR VALUES FROM ('2018-12-01 00:00:00+00') TO ('2019-01-01 00:00:00+00');
INSERT INTO analytics.artist_months VALUES (8222611069375190772, '2018-11-01', 'free', 4);
INSERT INTO analytics.artist_months VALUES (8222611069375190772, '2018-11-01', 'paid', 6);
INSERT INTO analytics.artist_months VALUES (8222611069375190772, '2018-12-01', 'paid', 3);
INSERT INTO analytics.day_hours VALUES ('2018-11-02', 0, 'paid', 4);
INSERT INTO analytics.day_hours VALUES ('2018-11-01', 0, 'paid', 2);
INSERT INTO analytics.day_hours VALUES ('2018-11-01', 0, 'free', 4);
INSERT INTO analytics.day_hours VALUES ('2018-12-02', 0, 'paid', 3);
INSERT INTO analytics.first_days VALUES (15, '2018-11-01');
INSERT INTO analytics.first_days VALUES (16, '2018-11-02');
INSERT INTO analytics.heard_songs VALUES ('0d39fe14-772e-13a2-ece9-da5a93801353', 'Blue', 'Elena', 269.58322, NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO analytics.heard_songs VALUES ('954a3d1a-73ac-329b-ea9e-254eef4fc49d', 'Other', 'Elena', 269.58322, NULL, NULL, DEFAULT, DEFAULT);
INSERT INTO analytics.heard_songs VALUES ('a9733e88-e4dd-7552-109d-c7386a2a3eaa', 'Setanta matins', 'Elena', 269.58322, 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', DEFAULT, DEFAULT);
INSERT INTO analytics.listeners VALUES ('day', '2018-11-01', 'free', 1, 1, 0, 4, 1078332);
INSERT INTO analytics.listeners VALUES ('day', '2018-11-01', 'paid', 1, 1, 1, 2, 539166);
INSERT INTO analytics.listeners VALUES ('day', '2018-11-01', NULL, 1, 1, 1, 6, 1617498);
INSERT INTO analytics.listeners VALUES ('day', '2018-11-02', 'paid', 1, 1, 1, 4, 1078332);
INSERT INTO analytics.listeners VALUES ('day', '2018-11-02', NULL, 1, 1, 1, 4, 1078332);
INSERT INTO analytics.listeners VALUES ('month', '2018-11-01', 'free', 1, 1, 0, 4, 1078332);
INSERT INTO analytics.listeners VALUES ('month', '2018-11-01', 'paid', 2, 2, 2, 6, 1617498);
INSERT INTO analytics.listeners VALUES ('month', '2018-11-01', NULL, 2, 2, 2, 10, 2695830);
INSERT INTO analytics.listeners VALUES ('week', '2018-10-29', 'free', 1, 1, 0, 4, 1078332);
INSERT INTO analytics.listeners VALUES ('week', '2018-10-29', 'paid', 2, 2, 2, 6, 1617498);
INSERT INTO analytics.listeners VALUES ('week', '2018-10-29', NULL, 2, 2, 2, 10, 2695830);
INSERT INTO analytics.listeners VALUES ('day', '2018-12-02', 'paid', 1, 0, 0, 3, 808749);
INSERT INTO analytics.listeners VALUES ('day', '2018-12-02', NULL, 1, 0, 0, 3, 808749);
INSERT INTO analytics.listeners VALUES ('month', '2018-12-01', 'paid', 1, 0, 0, 3, 808749);
INSERT INTO analytics.listeners VALUES ('month', '2018-12-01', NULL, 1, 0, 0, 3, 808749);
INSERT INTO analytics.listeners VALUES ('week', '2018-11-26', 'paid', 1, 0, 0, 3, 808749);
INSERT INTO analytics.listeners VALUES ('week', '2018-11-26', NULL, 1, 0, 0, 3, 808749);
INSERT INTO analytics.sessions VALUES (15, 818, '2018-11-01 00:00:00+00', 'paid');
INSERT INTO analytics.sessions VALUES (16, 900, '2018-11-02 00:00:00+00', 'paid');
INSERT INTO analytics.track_months VALUES (1020666682228483266, '2018-11-01', 'paid', 4, '{16,16,16,16}', '{2,2,2,2}');
INSERT INTO analytics.track_months VALUES (9120879389737182656, '2018-11-01', 'free', 4, '{15,15,15,15}', '{1,1,1,1}');
INSERT INTO analytics.track_months VALUES (9120879389737182656, '2018-11-01', 'paid', 2, '{15,15}', '{1,1}');
INSERT INTO analytics.track_months VALUES (9120879389737182656, '2018-12-01', 'paid', 3, '{15,15,15}', '{2,2,2}');
INSERT INTO analytics.user_agents VALUES (3171945643038304488, '"Mozilla/5.0"', 'Other', 'Other', 'Other');
INSERT INTO analytics.user_days VALUES (15, '2018-11-01', 'free', 'Chicago, IL', 3171945643038304488, 4, 1078332, '{0,0,0,0}', '{9120879389737182656,9120879389737182656,9120879389737182656,9120879389737182656}', '{8222611069375190772,8222611069375190772,8222611069375190772,8222611069375190772}');
INSERT INTO analytics.user_days VALUES (15, '2018-11-01', 'paid', 'Chicago, IL', 3171945643038304488, 2, 539166, '{0,0}', '{9120879389737182656,9120879389737182656}', '{8222611069375190772,8222611069375190772}');
INSERT INTO analytics.user_days VALUES (16, '2018-11-02', 'paid', 'Chicago, IL', 3171945643038304488, 4, 1078332, '{0,0,0,0}', '{1020666682228483266,1020666682228483266,1020666682228483266,1020666682228483266}', '{8222611069375190772,8222611069375190772,8222611069375190772,8222611069375190772}');
INSERT INTO analytics.user_days VALUES (15, '2018-12-02', 'paid', 'Chicago, IL', 3171945643038304488, 3, 808749, '{0,0,0}', '{9120879389737182656,9120879389737182656,9120879389737182656}', '{8222611069375190772,8222611069375190772,8222611069375190772}');
INSERT INTO analytics.user_level_days VALUES (15, '2018-11-01', 1, 'paid', '2018-11-01 00:00:00+00', '2018-11-01 00:00:00+00');
INSERT INTO analytics.user_level_days VALUES (15, '2018-11-01', 2, 'free', '2018-11-01 00:00:00.001+00', '2018-11-01 00:00:00.002+00');
INSERT INTO analytics.user_level_days VALUES (15, '2018-11-01', 3, 'paid', '2018-11-01 00:00:00.003+00', '2018-11-01 00:00:00.003+00');
INSERT INTO analytics.user_level_days VALUES (15, '2018-11-01', 4, 'free', '2018-11-01 00:00:00.004+00', '2018-11-01 00:00:00.005+00');
INSERT INTO analytics.user_level_days VALUES (16, '2018-11-02', 1, 'paid', '2018-11-02 00:00:00+00', '2018-11-02 00:00:00.003+00');
INSERT INTO analytics.user_level_days VALUES (15, '2018-12-02', 1, 'paid', '2018-12-02 00:00:00+00', '2018-12-02 00:00:00.002+00');
INSERT INTO analytics.user_months VALUES (15, '2018-11-01', 'free', 'Chicago, IL', 3171945643038304488, 4, 1078332);
INSERT INTO analytics.user_months VALUES (16, '2018-11-01', 'paid', 'Chicago, IL', 3171945643038304488, 4, 1078332);
INSERT INTO analytics.user_months VALUES (15, '2018-11-01', 'paid', 'Chicago, IL', 3171945643038304488, 2, 539166);
INSERT INTO analytics.user_months VALUES (15, '2018-12-01', 'paid', 'Chicago, IL', 3171945643038304488, 3, 808749);
INSERT INTO analytics.user_years VALUES (16, '2018-01-01', 'paid', 4, 1078332);
INSERT INTO analytics.user_years VALUES (15, '2018-01-01', 'free', 4, 1078332);
INSERT INTO analytics.user_years VALUES (15, '2018-01-01', 'paid', 5, 1347915);
INSERT INTO etl.catalogue_records VALUES (1, 1, 'SOZCTXZ12AB0182364', 'Setanta matins', 'AR5KOSW1187FB35FF4', 'Elena', 'Dubai UAE', 49.80388, 15.47491, NULL, 269.58322, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa');
INSERT INTO etl.catalogue_records VALUES (1, 2, 'S2', 'Blue', 'A2', 'Second', 'Dubai UAE', 49.80388, 15.47491, 1999, 269.58322, '564be502-f314-5c57-9b73-a286078a4011');
INSERT INTO etl.forgotten_key VALUES (true, '\x7fc5cca157fb4c7ba14eb64322eed54cbf17ad08c6be463eacf17b8f64aa9dea');
INSERT INTO etl.known_files OVERRIDING SYSTEM VALUE VALUES (1, 'song', '/root-of-the-data/song_data/a.json', '484-1546214400000000000', 484, 1546214400000000000, '\xfe716dff35572cb7a54d95391f036a76d269e3a0b92042b9dd562f2477bcc593', 1, '2026-11-25 07:13:17.901019+00', NULL, NULL, NULL);
INSERT INTO etl.known_files OVERRIDING SYSTEM VALUE VALUES (2, 'log', '/root-of-the-data/log_data/2018-11.json', '4537-1546214400000000000', 4537, 1546214400000000000, '\x500e47fd858bac37e1ad435c425ae240d487f45bb3f4ec4b8c4c67a9a1177a69', 1, '2026-11-25 07:13:17.901019+00', NULL, NULL, NULL);
INSERT INTO etl.known_files OVERRIDING SYSTEM VALUE VALUES (3, 'log', '/root-of-the-data/log_data/2018-12.json', '1140-1546214400000000000', 1140, 1546214400000000000, '\x5540d80a888d36f584e6d5c51c4426a54fc6f229547c1c2373e1936d18d3c304', 1, '2026-11-25 07:13:17.901019+00', NULL, NULL, NULL);
INSERT INTO etl.known_files OVERRIDING SYSTEM VALUE VALUES (4, 'log', '/root-of-the-data/log_data/2019-01.json', '2263-1546214400000000000', 2263, 1546214400000000000, '\x6a8ec99ed5ef719a852fcbaf534f1e5d2385c16d33ce5fb96e0be309d2a25321', 2, '2026-11-25 07:13:22.683216+00', NULL, NULL, NULL);
INSERT INTO etl.latest_plays VALUES (16, '2018-11-02 00:00:00.003+00', 900, 3, 1530253804441231871, 'paid', 'Chicago, IL', '"Mozilla/5.0"', '0d39fe14-772e-13a2-ece9-da5a93801353');
INSERT INTO etl.latest_plays VALUES (15, '2018-12-02 00:00:00.002+00', 818, 2, 6489450525022563887, 'paid', 'Chicago, IL', '"Mozilla/5.0"', 'a9733e88-e4dd-7552-109d-c7386a2a3eaa');
INSERT INTO etl.lost_variants VALUES (15, '954a3d1a-73ac-329b-ea9e-254eef4fc49d');
INSERT INTO etl.manifest OVERRIDING SYSTEM VALUE VALUES (1, 1, '484-1546214400000000000', 1, '2026-11-25 07:13:20.110386+00', 2, 0, 0, 2, 0, 0, 0);
INSERT INTO etl.manifest OVERRIDING SYSTEM VALUE VALUES (2, 2, '4537-1546214400000000000', 1, '2026-11-25 07:13:20.435709+00', 15, 1, 1, 10, 1, 2, 0);
INSERT INTO etl.manifest OVERRIDING SYSTEM VALUE VALUES (3, 3, '1140-1546214400000000000', 1, '2026-11-25 07:13:20.435709+00', 3, 0, 0, 3, 0, 0, 0);
INSERT INTO etl.manifest OVERRIDING SYSTEM VALUE VALUES (4, 4, '2263-1546214400000000000', 2, '2026-11-25 07:13:22.744303+00', 6, 0, 0, 4, 1, 1, 0);
INSERT INTO etl.rejected_records VALUES (2, 1, 2, 14, 'invalid_json', 'character 10: Unterminated string starting at', '\x7b22746f726e223a20224c696c79', 14);
INSERT INTO etl.rejected_records VALUES (2, 1, 2, 15, 'empty_field', 'userId is empty', '\x7b22617274697374223a2022456c656e61222c202261757468223a20224c6f6767656420496e222c202266697273744e616d65223a20224c696c79222c202267656e646572223a202246222c20226974656d496e53657373696f6e223a20302c20226c6173744e616d65223a20224b6f6368222c20226c656e677468223a203236392e35383332322c20226c6576656c223a202270616964222c20226c6f636174696f6e223a20224368696361676f2c20494c222c20226d6574686f64223a2022505554222c202270616765223a20224e657874536f6e67222c2022726567697374726174696f6e223a20313534313034383031303739362e302c202273657373696f6e4964223a203831382c2022736f6e67223a2022536574616e7461206d6174696e73222c2022737461747573223a203230302c20227473223a20313534313033303430303030302c2022757365724167656e74223a20225c224d6f7a696c6c612f352e305c22222c2022757365724964223a2022227d', 377);
INSERT INTO etl.rejected_records VALUES (4, 2, 4, 6, 'out_of_range', 'length is -1.0: a length is above 0', '\x7b22617274697374223a2022456c656e61222c202261757468223a20224c6f6767656420496e222c202266697273744e616d65223a20224c696c79222c202267656e646572223a202246222c20226974656d496e53657373696f6e223a20302c20226c6173744e616d65223a20224b6f6368222c20226c656e677468223a202d312c20226c6576656c223a202270616964222c20226c6f636174696f6e223a20224368696361676f2c20494c222c20226d6574686f64223a2022505554222c202270616765223a20224e657874536f6e67222c2022726567697374726174696f6e223a20313534313034383031303739362e302c202273657373696f6e4964223a203831382c2022736f6e67223a2022536574616e7461206d6174696e73222c2022737461747573223a203230302c20227473223a20313534313033303430303030302c2022757365724167656e74223a20225c224d6f7a696c6c612f352e305c22222c2022757365724964223a20223135227d', 372);
INSERT INTO etl.row_counts VALUES ('songs', 2);
INSERT INTO etl.row_counts VALUES ('artists', 2);
INSERT INTO etl.row_counts VALUES ('users', 2);
INSERT INTO etl.row_counts VALUES ('songplays', 13);
INSERT INTO etl.row_counts VALUES ('matched', 9);
INSERT INTO etl.row_counts VALUES ('time', 13);
INSERT INTO etl.runs OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-25 07:13:18.00615+00', '2026-11-25 07:13:22.630058+00', 'published', '{"rows": {"time": 13, "songs": 2, "users": 2, "artists": 2, "songplays": 13}, "files": {"new": 3, "found": 3, "loaded": 3, "unread": {}, "left_to_others": 0}, "lines": {"read": 20, "blank": 1, "loaded": 15, "rejected": 2, "forgotten": 0, "duplicates": 1, "other_pages": 1}, "run_id": 1, "status": "done", "matched": 9, "seconds": 0.0, "held_runs": [], "reject_reasons": {"empty_field": 1, "invalid_json": 1}}');
INSERT INTO etl.runs OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-25 07:13:22.704462+00', '2026-11-25 07:13:23.008299+00', 'held', '{"rows": {"time": 13, "songs": 2, "users": 2, "artists": 2, "songplays": 13}, "files": {"new": 1, "found": 4, "loaded": 0, "unread": {}, "left_to_others": 0}, "lines": {"read": 6, "blank": 0, "loaded": 4, "rejected": 1, "forgotten": 0, "duplicates": 1, "other_pages": 0}, "run_id": 2, "status": "held", "matched": 9, "seconds": 0.0, "held_runs": [2], "reject_reasons": {"out_of_range": 1}}');
INSERT INTO etl.song_keys VALUES ('564be502-f314-5c57-9b73-a286078a4011', 'S2', 'A2');
INSERT INTO etl.song_keys VALUES ('a9733e88-e4dd-7552-109d-c7386a2a3eaa', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4');
INSERT INTO etl.staged_months VALUES (2, '2019-01-01');
INSERT INTO etl.staged_slices VALUES (2, '2019-01-01', 4, '2019-01-02 00:00:00+00', '2019-01-02 00:00:00.003+00', 1, 4, 3, 4, false);
INSERT INTO etl.warehouse VALUES (true, 2, '2000-01-01 00:00:00+00', '2100-01-01 00:00:00+00', 1, 13);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00+00', 8235228159878171588, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 0, 1, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00.001+00', 4732629736434185728, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 1, 2, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00.002+00', 4141478715020698401, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 2, 3, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00.003+00', 5340890458154086339, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 3, 4, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00.004+00', 6306828380238063751, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 4, 5, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-01 00:00:00.005+00', 5355344541961630833, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 5, 6, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-02 00:00:00+00', 2438016744150519674, '0d39fe14-772e-13a2-ece9-da5a93801353', 0, 7, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-02 00:00:00.001+00', 4329677814230024885, '0d39fe14-772e-13a2-ece9-da5a93801353', 1, 8, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-02 00:00:00.002+00', 4923952557356416184, '0d39fe14-772e-13a2-ece9-da5a93801353', 2, 9, 2);
INSERT INTO partitions.heard_plays_2018_11 VALUES ('2018-11-02 00:00:00.003+00', 1530253804441231871, '0d39fe14-772e-13a2-ece9-da5a93801353', 3, 10, 2);
INSERT INTO partitions.heard_plays_2018_12 VALUES ('2018-12-02 00:00:00+00', 3165392473632322868, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 0, 1, 3);
INSERT INTO partitions.heard_plays_2018_12 VALUES ('2018-12-02 00:00:00.001+00', 8183676089448909803, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 1, 2, 3);
INSERT INTO partitions.heard_plays_2018_12 VALUES ('2018-12-02 00:00:00.002+00', 6489450525022563887, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 2, 3, 3);
INSERT INTO partitions.songplays_2018_11 VALUES (8235228159878171588, '2018-11-01 00:00:00+00', 15, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (4732629736434185728, '2018-11-01 00:00:00.001+00', 15, 'free', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (4141478715020698401, '2018-11-01 00:00:00.002+00', 15, 'free', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (5340890458154086339, '2018-11-01 00:00:00.003+00', 15, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (6306828380238063751, '2018-11-01 00:00:00.004+00', 15, 'free', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (5355344541961630833, '2018-11-01 00:00:00.005+00', 15, 'free', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (2438016744150519674, '2018-11-02 00:00:00+00', 16, 'paid', NULL, NULL, 900, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (4329677814230024885, '2018-11-02 00:00:00.001+00', 16, 'paid', NULL, NULL, 900, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (4923952557356416184, '2018-11-02 00:00:00.002+00', 16, 'paid', NULL, NULL, 900, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_11 VALUES (1530253804441231871, '2018-11-02 00:00:00.003+00', 16, 'paid', NULL, NULL, 900, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_12 VALUES (3165392473632322868, '2018-12-02 00:00:00+00', 15, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_12 VALUES (8183676089448909803, '2018-12-02 00:00:00.001+00', 15, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.songplays_2018_12 VALUES (6489450525022563887, '2018-12-02 00:00:00.002+00', 15, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 818, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00.001+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00.002+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00.003+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00.004+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-01 00:00:00.005+00', 0, 1, 44, 11, 2018, 3);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-02 00:00:00+00', 0, 2, 44, 11, 2018, 4);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-02 00:00:00.001+00', 0, 2, 44, 11, 2018, 4);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-02 00:00:00.002+00', 0, 2, 44, 11, 2018, 4);
INSERT INTO partitions.time_2018_11 VALUES ('2018-11-02 00:00:00.003+00', 0, 2, 44, 11, 2018, 4);
INSERT INTO partitions.time_2018_12 VALUES ('2018-12-02 00:00:00+00', 0, 2, 48, 12, 2018, 6);
INSERT INTO partitions.time_2018_12 VALUES ('2018-12-02 00:00:00.001+00', 0, 2, 48, 12, 2018, 6);
INSERT INTO partitions.time_2018_12 VALUES ('2018-12-02 00:00:00.002+00', 0, 2, 48, 12, 2018, 6);
INSERT INTO public.artists VALUES ('A2', 'Second', 'Dubai UAE', 49.80388, 15.47491);
INSERT INTO public.artists VALUES ('AR5KOSW1187FB35FF4', 'Elena', 'Dubai UAE', 49.80388, 15.47491);
INSERT INTO public.songs VALUES ('S2', 'Blue', 'A2', 1999, 269.58322);
INSERT INTO public.songs VALUES ('SOZCTXZ12AB0182364', 'Setanta matins', 'AR5KOSW1187FB35FF4', NULL, 269.58322);
INSERT INTO public.users VALUES (16, 'Ana', 'Koch', 'F', 'paid');
INSERT INTO public.users VALUES (15, 'Lily', 'Koch', 'F', 'paid');
INSERT INTO staging.run2_2019_01_heard_plays VALUES ('2019-01-02 00:00:00.001+00', 4770339902784248696, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 1, 2, 4);
INSERT INTO staging.run2_2019_01_heard_plays VALUES ('2019-01-02 00:00:00.002+00', 939666571463417891, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 2, 3, 4);
INSERT INTO staging.run2_2019_01_heard_plays VALUES ('2019-01-02 00:00:00.003+00', 6642526472568697667, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa', 3, 4, 4);
INSERT INTO staging.run2_2019_01_heard_plays VALUES ('2019-01-02 00:00:00+00', 4164126218473776049, 'a7aa9658-a430-4909-e5eb-ab0ce7b2a510', 0, 5, 4);
INSERT INTO staging.run2_2019_01_heard_songs VALUES ('a9733e88-e4dd-7552-109d-c7386a2a3eaa', 'Setanta matins', 'Elena', 269.58322, 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4');
INSERT INTO staging.run2_2019_01_heard_songs VALUES ('a7aa9658-a430-4909-e5eb-ab0ce7b2a510', 'Lost', 'Elena', 269.58322, NULL, NULL);
INSERT INTO staging.run2_2019_01_levels VALUES (17, '2019-01-02', 'paid', '2019-01-02 00:00:00.001+00', '2019-01-02 00:00:00.003+00');
INSERT INTO staging.run2_2019_01_levels VALUES (16, '2019-01-02', 'paid', '2019-01-02 00:00:00+00', '2019-01-02 00:00:00.002+00');
INSERT INTO staging.run2_2019_01_repeated VALUES ('2019-01-02 00:00:00+00', 4164126218473776049, 4, 16, 'a9733e88-e4dd-7552-109d-c7386a2a3eaa');
INSERT INTO staging.run2_2019_01_sessions VALUES (16, 901, '2019-01-02 00:00:00+00', 'paid');
INSERT INTO staging.run2_2019_01_sessions VALUES (17, 901, '2019-01-02 00:00:00.001+00', 'paid');
INSERT INTO staging.run2_2019_01_songplays VALUES (4770339902784248696, '2019-01-02 00:00:00.001+00', 17, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 901, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO staging.run2_2019_01_songplays VALUES (939666571463417891, '2019-01-02 00:00:00.002+00', 16, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 901, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO staging.run2_2019_01_songplays VALUES (6642526472568697667, '2019-01-02 00:00:00.003+00', 17, 'paid', 'SOZCTXZ12AB0182364', 'AR5KOSW1187FB35FF4', 901, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO staging.run2_2019_01_songplays VALUES (4164126218473776049, '2019-01-02 00:00:00+00', 16, 'paid', NULL, NULL, 901, 'Chicago, IL', '"Mozilla/5.0"');
INSERT INTO staging.run2_2019_01_time VALUES ('2019-01-02 00:00:00.001+00', 0, 2, 1, 1, 2019, 2);
INSERT INTO staging.run2_2019_01_time VALUES ('2019-01-02 00:00:00.002+00', 0, 2, 1, 1, 2019, 2);
INSERT INTO staging.run2_2019_01_time VALUES ('2019-01-02 00:00:00.003+00', 0, 2, 1, 1, 2019, 2);
INSERT INTO staging.run2_2019_01_time VALUES ('2019-01-02 00:00:00+00', 0, 2, 1, 1, 2019, 2);
INSERT INTO staging.run2_2019_01_user_days VALUES (17, '2019-01-02', 'paid', 'Chicago, IL', '"Mozilla/5.0"', 2, 539166, '{0,0}', '{9120879389737182656,9120879389737182656}', '{8222611069375190772,8222611069375190772}');
INSERT INTO staging.run2_2019_01_user_days VALUES (16, '2019-01-02', 'paid', 'Chicago, IL', '"Mozilla/5.0"', 2, 539166, '{0,0}', '{4833340540174782226,9120879389737182656}', '{8222611069375190772,8222611069375190772}');
INSERT INTO staging.run2_2019_01_users VALUES (17, 'Lily', 'Koch', 'F', 'paid', '2019-01-02 00:00:00.003+00', 901, 3, 6642526472568697667, 'Chicago, IL', '"Mozilla/5.0"', 'a9733e88-e4dd-7552-109d-c7386a2a3eaa');
INSERT INTO staging.run2_2019_01_users VALUES (16, 'Lily', 'Koch', 'F', 'paid', '2019-01-02 00:00:00.002+00', 901, 2, 939666571463417891, 'Chicago, IL', '"Mozilla/5.0"', 'a9733e88-e4dd-7552-109d-c7386a2a3eaa');
SELECT pg_catalog.setval('etl.known_files_file_id_seq', 4, true);
SELECT pg_catalog.setval('etl.manifest_manifest_id_seq', 4, true);
SELECT pg_catalog.setval('etl.runs_run_id_seq', 2, true);
ALTER TABLE ONLY analytics.first_days
    ADD CONSTRAINT first_days_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY analytics.heard_plays
    ADD CONSTRAINT heard_plays_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY analytics.heard_songs
    ADD CONSTRAINT heard_songs_pkey PRIMARY KEY (heard_song_id);
ALTER TABLE ONLY analytics.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (session_id, user_id);
ALTER TABLE ONLY analytics.user_agents
    ADD CONSTRAINT user_agents_pkey PRIMARY KEY (user_agent_id);
ALTER TABLE ONLY analytics.user_level_days
    ADD CONSTRAINT user_level_days_pkey PRIMARY KEY (user_id, day, run_no);
ALTER TABLE ONLY etl.catalogue_records
    ADD CONSTRAINT catalogue_records_pkey PRIMARY KEY (file_id, line);
ALTER TABLE ONLY etl.forgotten_key
    ADD CONSTRAINT forgotten_key_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY etl.forgotten
    ADD CONSTRAINT forgotten_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY etl.known_files
    ADD CONSTRAINT known_files_pkey PRIMARY KEY (file_id);
ALTER TABLE ONLY etl.latest_plays
    ADD CONSTRAINT latest_plays_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY etl.lost_variants
    ADD CONSTRAINT lost_variants_pkey PRIMARY KEY (user_id, heard_song_id);
ALTER TABLE ONLY etl.manifest
    ADD CONSTRAINT manifest_file_id_version_key UNIQUE (file_id, version);
ALTER TABLE ONLY etl.manifest
    ADD CONSTRAINT manifest_pkey PRIMARY KEY (manifest_id);
ALTER TABLE ONLY etl.rejected_records
    ADD CONSTRAINT rejected_records_pkey PRIMARY KEY (manifest_id, line);
ALTER TABLE ONLY etl.row_counts
    ADD CONSTRAINT row_counts_pkey PRIMARY KEY (table_name);
ALTER TABLE ONLY etl.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY etl.song_keys
    ADD CONSTRAINT song_keys_pkey PRIMARY KEY (heard_song_id, song_id);
ALTER TABLE ONLY etl.staged_months
    ADD CONSTRAINT staged_months_pkey PRIMARY KEY (run_id, month);
ALTER TABLE ONLY etl.staged_parts
    ADD CONSTRAINT staged_parts_pkey PRIMARY KEY (run_id, file_id, start);
ALTER TABLE ONLY etl.warehouse
    ADD CONSTRAINT warehouse_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY partitions.heard_plays_2018_11
    ADD CONSTRAINT heard_plays_2018_11_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY partitions.heard_plays_2018_12
    ADD CONSTRAINT heard_plays_2018_12_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY public.songplays
    ADD CONSTRAINT songplays_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY partitions.songplays_2018_11
    ADD CONSTRAINT songplays_2018_11_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY partitions.songplays_2018_12
    ADD CONSTRAINT songplays_2018_12_pkey PRIMARY KEY (start_time, songplay_id);
ALTER TABLE ONLY public."time"
    ADD CONSTRAINT time_pkey PRIMARY KEY (start_time);
ALTER TABLE ONLY partitions.time_2018_11
    ADD CONSTRAINT time_2018_11_pkey PRIMARY KEY (start_time);
ALTER TABLE ONLY partitions.time_2018_12
    ADD CONSTRAINT time_2018_12_pkey PRIMARY KEY (start_time);
ALTER TABLE ONLY public.artists
    ADD CONSTRAINT artists_pkey PRIMARY KEY (artist_id);
ALTER TABLE ONLY public.songs
    ADD CONSTRAINT songs_artist_song_key UNIQUE (artist_id, song_id);
ALTER TABLE ONLY public.songs
    ADD CONSTRAINT songs_pkey PRIMARY KEY (song_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);
CREATE UNIQUE INDEX artist_months_key ON analytics.artist_months USING btree (artist_key, month, hashtextextended(level, (0)::bigint));
CREATE INDEX artist_months_plays ON analytics.artist_months USING btree (month, hashtextextended(level, (0)::bigint), plays DESC) WHERE (plays >= 5);
CREATE UNIQUE INDEX day_hours_key ON analytics.day_hours USING btree (day, hour, hashtextextended(level, (0)::bigint));
CREATE INDEX first_days_day ON analytics.first_days USING btree (first_day);
CREATE INDEX heard_plays_song ON ONLY analytics.heard_plays USING btree (heard_song_id);
CREATE INDEX heard_songs_artist ON analytics.heard_songs USING btree (artist_key);
CREATE INDEX heard_songs_track ON analytics.heard_songs USING btree (track_id);
CREATE UNIQUE INDEX listeners_key ON analytics.listeners USING btree (period, start, hashtextextended(level, (0)::bigint)) NULLS NOT DISTINCT;
CREATE INDEX sessions_started_at ON analytics.sessions USING btree (started_at);
CREATE UNIQUE INDEX track_months_key ON analytics.track_months USING btree (track_id, month, hashtextextended(level, (0)::bigint));
CREATE INDEX track_months_plays ON analytics.track_months USING btree (month, hashtextextended(level, (0)::bigint), plays DESC) WHERE (plays >= 5);
CREATE INDEX user_days_day ON analytics.user_days USING btree (day);
CREATE INDEX user_days_user ON analytics.user_days USING btree (user_id, day);
CREATE INDEX user_level_days_day ON analytics.user_level_days USING btree (day);
CREATE INDEX user_months_month ON analytics.user_months USING btree (month);
CREATE INDEX user_months_user ON analytics.user_months USING btree (user_id, month);
CREATE INDEX user_years_user ON analytics.user_years USING btree (user_id, year);
CREATE INDEX user_years_year ON analytics.user_years USING btree (year);
CREATE INDEX catalogue_records_artist ON etl.catalogue_records USING btree (artist_id);
CREATE INDEX catalogue_records_song ON etl.catalogue_records USING btree (song_id);
CREATE UNIQUE INDEX known_files_path ON etl.known_files USING btree (kind, md5(path));
CREATE INDEX lost_variants_song ON etl.lost_variants USING btree (heard_song_id);
CREATE INDEX manifest_run ON etl.manifest USING btree (run_id);
CREATE INDEX rejected_records_file ON etl.rejected_records USING btree (file_id);
CREATE INDEX rejected_records_run ON etl.rejected_records USING btree (run_id);
CREATE INDEX song_keys_song ON etl.song_keys USING btree (song_id);
CREATE INDEX staged_slices_file ON etl.staged_slices USING btree (file_id);
CREATE INDEX staged_slices_month ON etl.staged_slices USING btree (run_id, month);
CREATE INDEX heard_plays_2018_11_heard_song_id_idx ON partitions.heard_plays_2018_11 USING btree (heard_song_id);
CREATE INDEX heard_plays_2018_12_heard_song_id_idx ON partitions.heard_plays_2018_12 USING btree (heard_song_id);
CREATE INDEX songplays_artist_song ON ONLY public.songplays USING btree (artist_id, song_id) WHERE (artist_id IS NOT NULL);
CREATE INDEX songplays_2018_11_artist_id_song_id_idx ON partitions.songplays_2018_11 USING btree (artist_id, song_id) WHERE (artist_id IS NOT NULL);
CREATE INDEX songplays_2018_12_artist_id_song_id_idx ON partitions.songplays_2018_12 USING btree (artist_id, song_id) WHERE (artist_id IS NOT NULL);
ALTER INDEX analytics.heard_plays_song ATTACH PARTITION partitions.heard_plays_2018_11_heard_song_id_idx;
ALTER INDEX analytics.heard_plays_pkey ATTACH PARTITION partitions.heard_plays_2018_11_pkey;
ALTER INDEX analytics.heard_plays_song ATTACH PARTITION partitions.heard_plays_2018_12_heard_song_id_idx;
ALTER INDEX analytics.heard_plays_pkey ATTACH PARTITION partitions.heard_plays_2018_12_pkey;
ALTER INDEX public.songplays_artist_song ATTACH PARTITION partitions.songplays_2018_11_artist_id_song_id_idx;
ALTER INDEX public.songplays_pkey ATTACH PARTITION partitions.songplays_2018_11_pkey;
ALTER INDEX public.songplays_artist_song ATTACH PARTITION partitions.songplays_2018_12_artist_id_song_id_idx;
ALTER INDEX public.songplays_pkey ATTACH PARTITION partitions.songplays_2018_12_pkey;
ALTER INDEX public.time_pkey ATTACH PARTITION partitions.time_2018_11_pkey;
ALTER INDEX public.time_pkey ATTACH PARTITION partitions.time_2018_12_pkey;
ALTER TABLE ONLY etl.rejected_records
    ADD CONSTRAINT rejected_records_manifest_id_fkey FOREIGN KEY (manifest_id) REFERENCES etl.manifest(manifest_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY etl.staged_months
    ADD CONSTRAINT staged_months_run_id_fkey FOREIGN KEY (run_id) REFERENCES etl.runs(run_id);
ALTER TABLE public.songplays
    ADD CONSTRAINT songplays_artist_fkey FOREIGN KEY (artist_id) REFERENCES public.artists(artist_id) DEFERRABLE;
ALTER TABLE public.songplays
    ADD CONSTRAINT songplays_song_fkey FOREIGN KEY (song_id, artist_id) REFERENCES public.songs(song_id, artist_id) DEFERRABLE;
ALTER TABLE public.songplays
    ADD CONSTRAINT songplays_time_fkey FOREIGN KEY (start_time) REFERENCES public."time"(start_time);
ALTER TABLE public.songplays
    ADD CONSTRAINT songplays_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id);
ALTER TABLE ONLY public.songs
    ADD CONSTRAINT songs_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES public.artists(artist_id) DEFERRABLE;
