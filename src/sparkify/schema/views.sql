-- Views for BI tools. Names of songs and artists are as the logs say.
CREATE OR REPLACE VIEW analytics.tracks AS
SELECT track_id, min(title) AS title, min(artist) AS artist, min(song_id COLLATE "C") AS song_id
FROM analytics.heard_songs GROUP BY track_id;
COMMENT ON VIEW analytics.tracks IS 'One row per track: a title and artist, as the logs say, whatever its length. A join reads all heard songs; to name a few tracks, look each up: CROSS JOIN LATERAL (SELECT * FROM analytics.tracks t WHERE t.track_id = … OFFSET 0).';
COMMENT ON COLUMN analytics.tracks.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.tracks.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.tracks.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.tracks.song_id IS 'The song in the catalogue; if several lengths match, the smallest song_id; NULL if none does.';

CREATE OR REPLACE VIEW analytics.plays_by_song AS
SELECT month, track_id, title, artist, song_id, level, plays
FROM analytics.track_months JOIN analytics.tracks USING (track_id);
COMMENT ON VIEW analytics.plays_by_song IS 'One row per song (title and artist, as the logs say), UTC month and level.';
COMMENT ON COLUMN analytics.plays_by_song.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_song.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.plays_by_song.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.plays_by_song.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.plays_by_song.song_id IS 'The song of the catalogue; NULL when it is not there. If several lengths match, the smallest song_id.';
COMMENT ON COLUMN analytics.plays_by_song.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_song.plays IS 'Number of plays.';

CREATE OR REPLACE VIEW analytics.plays_by_artist AS
SELECT a.month, a.artist_key, s.artist, a.level, a.plays
FROM analytics.artist_months a
JOIN (SELECT artist_key, min(artist) AS artist FROM analytics.heard_songs GROUP BY artist_key) s USING (artist_key);
COMMENT ON VIEW analytics.plays_by_artist IS 'One row per artist (as the logs say), UTC month and level.';
COMMENT ON COLUMN analytics.plays_by_artist.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_artist.artist_key IS 'Digest of the name: analytics.heard_songs.';
COMMENT ON COLUMN analytics.plays_by_artist.artist IS 'Name, as the log says.';
COMMENT ON COLUMN analytics.plays_by_artist.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_artist.plays IS 'Number of plays.';

CREATE OR REPLACE VIEW analytics.plays_by_day AS
SELECT start AS day, level, plays, round(milliseconds / 1000.0)::bigint AS seconds
FROM analytics.listeners WHERE period = 'day' AND level IS NOT NULL;
COMMENT ON VIEW analytics.plays_by_day IS 'One row per UTC day and level: plays and seconds listened.';
COMMENT ON COLUMN analytics.plays_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.plays_by_day.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_day.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.plays_by_day.seconds IS 'The total length of the songs played; a song longer than a day counts as a day.';

CREATE OR REPLACE VIEW analytics.plays_by_hour AS
SELECT day, extract(isodow FROM day)::integer - 1 AS weekday, (quarter / 4)::smallint AS hour, level, sum(plays)::integer AS plays
FROM analytics.day_quarters GROUP BY day, quarter / 4, level;
COMMENT ON VIEW analytics.plays_by_hour IS 'One row per UTC day, hour and level.';
COMMENT ON COLUMN analytics.plays_by_hour.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.plays_by_hour.weekday IS 'Day of the week, 0 = Monday to 6 = Sunday.';
COMMENT ON COLUMN analytics.plays_by_hour.hour IS 'The hour, 0 to 23, UTC.';
COMMENT ON COLUMN analytics.plays_by_hour.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_hour.plays IS 'Number of plays.';

CREATE OR REPLACE VIEW analytics.active_listeners AS
SELECT period, start, coalesce(level, 'all') AS level, listeners, new_listeners,
       listeners - new_listeners AS returning_listeners, sessions, plays, round(milliseconds / 1000.0)::bigint AS seconds,
       level IS NULL AS all_levels
FROM analytics.listeners;
COMMENT ON VIEW analytics.active_listeners IS 'One row per UTC day, ISO week or month, and level; and one for all levels together. Do not add up listeners over several rows: one person may be in each.';
COMMENT ON COLUMN analytics.active_listeners.period IS 'day, week or month: choose one.';
COMMENT ON COLUMN analytics.active_listeners.start IS 'The first day of the period; a week begins on Monday.';
COMMENT ON COLUMN analytics.active_listeners.level IS 'free, paid or all: choose one.';
COMMENT ON COLUMN analytics.active_listeners.listeners IS 'How many different users have a play; exact.';
COMMENT ON COLUMN analytics.active_listeners.new_listeners IS 'How many of them have their first play ever, at any level, in the period.';
COMMENT ON COLUMN analytics.active_listeners.returning_listeners IS 'How many of them had listened before.';
COMMENT ON COLUMN analytics.active_listeners.sessions IS 'Sessions that began in the period, by the level of their first play.';
COMMENT ON COLUMN analytics.active_listeners.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.active_listeners.seconds IS 'As in analytics.plays_by_day.';
COMMENT ON COLUMN analytics.active_listeners.all_levels IS 'Whether the row is for all levels together: a log may name a level "all", too.';

CREATE OR REPLACE VIEW analytics.plays_by_location AS
SELECT month, location, level, count(DISTINCT user_id) AS listeners, sum(plays)::bigint AS plays,
       round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM analytics.user_months GROUP BY month, location, level;
COMMENT ON VIEW analytics.plays_by_location IS 'One row per UTC month, location and level.';
COMMENT ON COLUMN analytics.plays_by_location.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_location.location IS 'The location, as the log says; NULL if the log has none.';
COMMENT ON COLUMN analytics.plays_by_location.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_location.listeners IS 'How many different users; do not add them up over several rows.';
COMMENT ON COLUMN analytics.plays_by_location.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.plays_by_location.seconds IS 'As in analytics.plays_by_day.';

CREATE OR REPLACE VIEW analytics.plays_by_device AS
SELECT month, device, browser, system, level, count(DISTINCT user_id) AS listeners, sum(plays)::bigint AS plays,
       round(sum(milliseconds) / 1000.0)::bigint AS seconds
FROM analytics.user_months LEFT JOIN analytics.user_agents USING (user_agent_id)
GROUP BY month, device, browser, system, level;
COMMENT ON VIEW analytics.plays_by_device IS 'One row per UTC month, family of device, browser, operating system and level.';
COMMENT ON COLUMN analytics.plays_by_device.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.plays_by_device.device IS 'Family of the device, like Mac or iPhone; NULL when the log has no user agent.';
COMMENT ON COLUMN analytics.plays_by_device.browser IS 'Family of the browser, like Chrome.';
COMMENT ON COLUMN analytics.plays_by_device.system IS 'Family of the operating system, like Windows.';
COMMENT ON COLUMN analytics.plays_by_device.level IS 'free or paid.';
COMMENT ON COLUMN analytics.plays_by_device.listeners IS 'How many different users; do not add them up over several rows.';
COMMENT ON COLUMN analytics.plays_by_device.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.plays_by_device.seconds IS 'As in analytics.plays_by_day.';

CREATE OR REPLACE VIEW analytics.level_changes AS
SELECT user_id, first_play AS changed_at, level_before, level
FROM (SELECT *, lag(level) OVER (PARTITION BY user_id ORDER BY day, stretch_no) AS level_before
      FROM analytics.user_level_days) days
WHERE level_before <> level;
COMMENT ON VIEW analytics.level_changes IS 'One row per change of a user from one level to another.';
COMMENT ON COLUMN analytics.level_changes.user_id IS 'The user.';
COMMENT ON COLUMN analytics.level_changes.changed_at IS 'The first play at the new level.';
COMMENT ON COLUMN analytics.level_changes.level_before IS 'The old level.';
COMMENT ON COLUMN analytics.level_changes.level IS 'The new level.';

CREATE OR REPLACE VIEW analytics.retention_by_month AS
WITH heard AS (
    SELECT analytics.month_of(first_day) AS cohort,
           analytics.months_between(first_day, month) AS months_later,
           count(DISTINCT user_id) AS listeners
    FROM analytics.user_months JOIN analytics.first_days USING (user_id) GROUP BY 1, 2
)
SELECT cohort, months_later, listeners, max(listeners) FILTER (WHERE months_later = 0) OVER (PARTITION BY cohort) AS cohort_size
FROM heard;
COMMENT ON VIEW analytics.retention_by_month IS 'One row per cohort and later month in which some of its users listened. A cohort is the users whose first play is in the same UTC month.';
COMMENT ON COLUMN analytics.retention_by_month.cohort IS 'The first day of the month in which these users first listened.';
COMMENT ON COLUMN analytics.retention_by_month.months_later IS 'How many months later; 0 is the month of the first play.';
COMMENT ON COLUMN analytics.retention_by_month.listeners IS 'How many users of the cohort listened in that month.';
COMMENT ON COLUMN analytics.retention_by_month.cohort_size IS 'How many users the cohort has.';

CREATE OR REPLACE VIEW analytics.retention_by_week AS
WITH heard AS (
    SELECT analytics.week_of(first_day) AS cohort, (week - analytics.week_of(first_day)) / 7 AS weeks_later,
           count(*) AS listeners
    FROM analytics.user_week_counts JOIN analytics.first_days USING (user_id) WHERE plays > 0 GROUP BY 1, 2
)
SELECT cohort, weeks_later, listeners, max(listeners) FILTER (WHERE weeks_later = 0) OVER (PARTITION BY cohort) AS cohort_size
FROM heard;
COMMENT ON VIEW analytics.retention_by_week IS 'One row per cohort and later week in which some of its users listened. A cohort is the users whose first play is in the same ISO week.';
COMMENT ON COLUMN analytics.retention_by_week.cohort IS 'The Monday of the week in which these users first listened.';
COMMENT ON COLUMN analytics.retention_by_week.weeks_later IS 'How many weeks later; 0 is the week of the first play.';
COMMENT ON COLUMN analytics.retention_by_week.listeners IS 'How many users of the cohort listened in that week.';
COMMENT ON COLUMN analytics.retention_by_week.cohort_size IS 'How many users the cohort has.';

CREATE OR REPLACE VIEW analytics.rising_songs AS
WITH changes AS (
    SELECT month, track_id, sum(plays)::bigint AS plays, sum(plays_before)::bigint AS plays_before
    FROM (
        SELECT month, track_id, plays, 0 AS plays_before FROM analytics.track_months
        UNION ALL
        SELECT (month + interval '1 month')::date, track_id, 0, plays FROM analytics.track_months
        WHERE month < (SELECT max(start) FROM analytics.listeners WHERE period = 'month')
    ) months
    GROUP BY month, track_id
)
SELECT month, track_id, title, artist, plays, plays_before, plays - plays_before AS change
FROM changes JOIN analytics.tracks USING (track_id);
COMMENT ON VIEW analytics.rising_songs IS 'One row per song (title and artist) and UTC month in which it was heard, or was heard the month before.';
COMMENT ON COLUMN analytics.rising_songs.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.rising_songs.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.rising_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.rising_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.rising_songs.plays IS 'Plays in the month.';
COMMENT ON COLUMN analytics.rising_songs.plays_before IS 'Plays in the month before.';
COMMENT ON COLUMN analytics.rising_songs.change IS 'The difference in plays; negative for fewer.';

CREATE OR REPLACE VIEW analytics.unmatched_songs AS
SELECT track_id, title, artist, sum(plays)::bigint AS plays, min(month) AS first_month, max(month) AS last_month
FROM analytics.tracks JOIN analytics.track_months USING (track_id)
WHERE song_id IS NULL
GROUP BY track_id, title, artist;
COMMENT ON VIEW analytics.unmatched_songs IS 'One row per song (title and artist) that was heard but is not in the catalogue at any length.';
COMMENT ON COLUMN analytics.unmatched_songs.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.unmatched_songs.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.unmatched_songs.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.unmatched_songs.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.unmatched_songs.first_month IS 'The first month with plays.';
COMMENT ON COLUMN analytics.unmatched_songs.last_month IS 'The last month with plays.';

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
COMMENT ON VIEW analytics.user_levels IS 'One row per user and uninterrupted period at one level, by event time.';
COMMENT ON COLUMN analytics.user_levels.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_levels.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_levels.valid_from IS 'The first play at this level.';
COMMENT ON COLUMN analytics.user_levels.valid_to IS 'The first play at the next level; NULL for the current level.';
