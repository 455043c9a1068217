-- name: create
-- the rollups and the views on them; safe to repeat.
-- Keys that text is a part of have a hash of it: text of a log may be longer than an entry of an index.
CREATE TABLE IF NOT EXISTS analytics.user_days (
    user_id       bigint NOT NULL,
    day           date NOT NULL,
    level         text NOT NULL,
    location      text,
    user_agent_id bigint,
    plays         integer NOT NULL,
    milliseconds  bigint NOT NULL,
    hours         smallint[] NOT NULL,
    tracks        bigint[] NOT NULL,
    artists       bigint[] NOT NULL
) PARTITION BY RANGE (day);
-- Statistics of arrays would cost more than all others; nobody uses them, nor those of what is only added up or shown.
ALTER TABLE analytics.user_days
    ALTER plays SET STATISTICS 0, ALTER milliseconds SET STATISTICS 0,
    ALTER hours SET STATISTICS 0, ALTER tracks SET STATISTICS 0, ALTER artists SET STATISTICS 0;
CREATE INDEX IF NOT EXISTS user_days_user ON analytics.user_days (user_id, day);
CREATE INDEX IF NOT EXISTS user_days_day ON analytics.user_days (day);
-- The planner takes the hash and the text for independent of each other, and expects a fraction of the rows.
CREATE INDEX IF NOT EXISTS user_days_location ON analytics.user_days ((hashtextextended(location, 0)), day);

CREATE TABLE IF NOT EXISTS analytics.user_agents (
    user_agent_id  bigint PRIMARY KEY,
    user_agent     text NOT NULL,
    device         text,
    browser        text,
    system         text
);

CREATE TABLE IF NOT EXISTS analytics.sessions (
    user_id    bigint NOT NULL,
    session_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    level      text NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
-- Sessions come in the order of time, more or less: an index of blocks costs next to nothing, one of rows two fifths of what a
-- session costs. Of each block it has several spans: one session of another time, where another was deleted, does not hide the rest.
CREATE INDEX IF NOT EXISTS sessions_started ON analytics.sessions USING brin (started_at timestamptz_minmax_multi_ops)
    WITH (pages_per_range = 32);

CREATE TABLE IF NOT EXISTS analytics.first_days (
    user_id   bigint PRIMARY KEY,
    first_day date NOT NULL
);
CREATE INDEX IF NOT EXISTS first_days_day ON analytics.first_days (first_day);

CREATE TABLE IF NOT EXISTS analytics.user_months (
    user_id       bigint NOT NULL,
    month         date NOT NULL,
    level         text NOT NULL,
    location      text,
    user_agent_id bigint,
    plays         bigint NOT NULL,
    milliseconds  bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS user_months_user ON analytics.user_months (user_id, month);
CREATE INDEX IF NOT EXISTS user_months_month ON analytics.user_months (month);
CREATE INDEX IF NOT EXISTS user_months_location ON analytics.user_months ((hashtextextended(location, 0)), month);

CREATE TABLE IF NOT EXISTS analytics.user_years (
    user_id      bigint NOT NULL,
    year         date NOT NULL,
    level        text NOT NULL,
    plays        bigint NOT NULL,
    milliseconds bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS user_years_user ON analytics.user_years (user_id, year);
CREATE INDEX IF NOT EXISTS user_years_year ON analytics.user_years (year);

CREATE TABLE IF NOT EXISTS analytics.track_months (
    track_id bigint NOT NULL,
    month    date NOT NULL,
    level    text NOT NULL,
    plays    integer NOT NULL,
    users    bigint[] NOT NULL,
    days     smallint[] NOT NULL
) PARTITION BY RANGE (month);
ALTER TABLE analytics.track_months ALTER users SET STATISTICS 0, ALTER days SET STATISTICS 0;
CREATE UNIQUE INDEX IF NOT EXISTS track_months_key ON analytics.track_months (track_id, month, (hashtextextended(level, 0)));
-- Most are heard once or twice: to have those in order, too, would cost a load more than it is worth.
CREATE INDEX IF NOT EXISTS track_months_plays ON analytics.track_months (month, (hashtextextended(level, 0)), plays DESC)
    WHERE plays >= 5;

CREATE TABLE IF NOT EXISTS analytics.artist_months (
    artist_key bigint NOT NULL,
    month      date NOT NULL,
    level      text NOT NULL,
    plays      integer NOT NULL
) PARTITION BY RANGE (month);
CREATE UNIQUE INDEX IF NOT EXISTS artist_months_key ON analytics.artist_months (artist_key, month, (hashtextextended(level, 0)));
CREATE INDEX IF NOT EXISTS artist_months_plays ON analytics.artist_months (month, (hashtextextended(level, 0)), plays DESC)
    WHERE plays >= 5;

CREATE TABLE IF NOT EXISTS analytics.day_hours (
    day   date NOT NULL,
    hour  smallint NOT NULL,
    level text NOT NULL,
    plays integer NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS day_hours_key ON analytics.day_hours (day, hour, (hashtextextended(level, 0)));

CREATE TABLE IF NOT EXISTS analytics.listeners (
    period        text NOT NULL CHECK (period IN ('day', 'week', 'month')),
    start         date NOT NULL,
    level         text,
    listeners     integer NOT NULL,
    new_listeners integer NOT NULL,
    sessions      integer NOT NULL,
    plays         bigint NOT NULL,
    milliseconds  bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS listeners_key ON analytics.listeners (period, start, (hashtextextended(level, 0))) NULLS NOT DISTINCT

-- name: summarize
-- of the blocks of sessions that are new, the index says so far that they may hold anything.
SELECT brin_summarize_new_values(to_regclass('analytics.sessions_started'))

-- name: heard_songs_to_index
-- whether there are songs, and an index of what they are known by is missing
SELECT (to_regclass('analytics.heard_songs_track') IS NULL OR to_regclass('analytics.heard_songs_artist') IS NULL)
       AND EXISTS (SELECT FROM analytics.heard_songs)

-- name: index_heard_songs
-- made when there are songs, and not with the table: many at once are a quarter of the work
CREATE INDEX IF NOT EXISTS heard_songs_track ON analytics.heard_songs (track_id);
CREATE INDEX IF NOT EXISTS heard_songs_artist ON analytics.heard_songs (artist_key)

-- name: new_days
-- the users' days that were attached, and those that were computed
(TABLE computed_days UNION ALL TABLE {attached})

-- name: new_agents
-- their user agents, as staged and as computed; some of those staged may be of plays that are gone
(TABLE computed_agents UNION ALL TABLE {user_agents})

-- name: new_sessions
-- and their sessions, without what was staged of days that are computed from their plays
(TABLE computed_sessions
 UNION ALL
 SELECT user_id, session_id, started_at, level FROM {sessions} WHERE started_at >= {staged_since}::timestamp AT TIME ZONE 'UTC')

-- name: remove_staged
-- users' days that are computed from their plays instead
DELETE FROM {user_days} WHERE day < {staged_since};
DELETE FROM {hours} WHERE day < {staged_since}

-- name: hold_days
-- nobody may change them, or count them a second time, until this transaction ends: it may outlive the publisher that wants it,
-- and who forgets a person then waits here
LOCK TABLE {user_days} IN SHARE ROW EXCLUSIVE MODE

-- name: merge_days
-- a user's day of which several batches have a part becomes one. By hashing: nothing is known of the table.
SET LOCAL enable_nestloop = off;
WITH several AS (
    SELECT user_id, day FROM {user_days} GROUP BY user_id, day HAVING count(*) > 1
),
parts AS (
    SELECT user_id, day FROM {user_days} JOIN several USING (user_id, day)
    GROUP BY user_id, day HAVING count(*) > count(DISTINCT (level, location, user_agent_id))
),
gone AS (
    DELETE FROM {user_days} d USING parts p WHERE d.user_id = p.user_id AND d.day = p.day RETURNING d.*
)
INSERT INTO {user_days}
SELECT user_id, day, level, location, user_agent_id, count(*), sum(milliseconds) FILTER (WHERE number = 1),
       array_agg(hour ORDER BY hour), array_agg(track ORDER BY track), array_agg(artist ORDER BY artist)
FROM gone, unnest(hours, tracks, artists) WITH ORDINALITY AS play (hour, track, artist, number)
GROUP BY user_id, day, level, location, user_agent_id
ORDER BY day, location COLLATE "C", user_id;
SET LOCAL enable_nestloop = on;
-- A tenth of the usual sample gives the same plans, in a fifth of the time.
SET LOCAL default_statistics_target = 10;
ANALYZE {user_days};
SET LOCAL default_statistics_target TO DEFAULT

-- name: find_levels
-- the levels of most users' days. Plays are sorted level by level: with one column less to sort by, a third faster. Of a log that
-- has more levels than these, the plays on the others are sorted together, so that users' days are read a few times at most;
-- where there are no others, nobody looks for them.
DROP TABLE IF EXISTS pg_temp.common_levels;
CREATE TEMP TABLE common_levels ON COMMIT DROP AS
SELECT level, count(*) OVER () > 8 AS are_others FROM {user_days} GROUP BY level ORDER BY count(*) DESC LIMIT 8;
ANALYZE common_levels

-- name: count_tracks
-- what was heard on some users' days of the month, by whom and when
DROP TABLE IF EXISTS {track_months};
CREATE TABLE {track_months} (LIKE analytics.track_months) WITH (autovacuum_enabled = false);
INSERT INTO {track_months} (track_id, month, level, plays, users, days)
SELECT track_id, {month}, level, plays, users, days
FROM common_levels CROSS JOIN LATERAL (
    SELECT track_id, count(*) AS plays, array_agg(user_id ORDER BY day, user_id) AS users,
           array_agg(day ORDER BY day, user_id) AS days
    FROM (SELECT user_id, (day - {month} + 1)::smallint AS day, unnest(tracks) AS track_id
          FROM {user_days} d WHERE d.level = common_levels.level) plays
    GROUP BY track_id
) heard
UNION ALL
SELECT track_id, {month}, level, count(*), array_agg(user_id ORDER BY day, user_id), array_agg(day ORDER BY day, user_id)
FROM (SELECT level, user_id, (day - {month} + 1)::smallint AS day, unnest(tracks) AS track_id
      FROM {user_days}
      WHERE (SELECT bool_or(are_others) FROM common_levels) AND level NOT IN (SELECT level FROM common_levels)) plays
GROUP BY track_id, level

-- name: count_artists
-- the same of artists. By sorting: numbers alone are sorted faster than they are hashed, unless they are few, and then it is little.
DROP TABLE IF EXISTS {artist_months};
CREATE TABLE {artist_months} (LIKE analytics.artist_months) WITH (autovacuum_enabled = false);
SET LOCAL enable_hashagg = off;
INSERT INTO {artist_months} (artist_key, month, level, plays)
SELECT artist_key, {month}, level, plays
FROM common_levels CROSS JOIN LATERAL (
    SELECT artist_key, count(*) AS plays
    FROM (SELECT unnest(artists) AS artist_key FROM {user_days} d WHERE d.level = common_levels.level) plays
    GROUP BY artist_key
) heard
UNION ALL
SELECT artist_key, {month}, level, count(*)
FROM (SELECT level, unnest(artists) AS artist_key
      FROM {user_days}
      WHERE (SELECT bool_or(are_others) FROM common_levels) AND level NOT IN (SELECT level FROM common_levels)) plays
GROUP BY artist_key, level;
SET LOCAL enable_hashagg = on

-- name: count_hours
-- plays by day and hour, where they are not as they were staged
DROP TABLE IF EXISTS {hours};
CREATE TABLE {hours} (LIKE analytics.day_hours) WITH (autovacuum_enabled = false);
INSERT INTO {hours} (day, hour, level, plays)
SELECT day, hour, level, count(*)
FROM (SELECT day, level, unnest(hours) AS hour FROM {user_days}) plays
GROUP BY day, hour, level

-- name: count_months
-- how much each user listened, of a month that the warehouse has nothing of; place by place, as users' days
DROP TABLE IF EXISTS {user_months};
CREATE TABLE {user_months} (LIKE analytics.user_months) WITH (autovacuum_enabled = false);
INSERT INTO {user_months} (user_id, month, level, location, user_agent_id, plays, milliseconds)
SELECT user_id, {month}, level, location, user_agent_id, sum(plays), sum(milliseconds)
FROM {user_days} GROUP BY user_id, level, location, user_agent_id
ORDER BY location COLLATE "C", user_id

-- name: index_counted
-- what becomes a partition: the indexes that partitions have, and then statistics, of what is indexed, too
CREATE UNIQUE INDEX ON {track_months} (track_id, month, (hashtextextended(level, 0)));
CREATE INDEX ON {track_months} (month, (hashtextextended(level, 0)), plays DESC) WHERE plays >= 5;
CREATE UNIQUE INDEX ON {artist_months} (artist_key, month, (hashtextextended(level, 0)));
CREATE INDEX ON {artist_months} (month, (hashtextextended(level, 0)), plays DESC) WHERE plays >= 5;
ALTER TABLE {track_months} ALTER users SET STATISTICS 0, ALTER days SET STATISTICS 0;
SET LOCAL default_statistics_target = 10; -- as in merge_days
ANALYZE {track_months}, {artist_months};
SET LOCAL default_statistics_target TO DEFAULT

-- name: begin
-- what each user heard on the days that are computed from their plays: as it was, and as it is to be
CREATE TEMP TABLE old_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_days (LIKE analytics.user_days) ON COMMIT DROP;
CREATE TEMP TABLE computed_agents (user_agent_id bigint, user_agent text) ON COMMIT DROP;
CREATE TEMP TABLE computed_sessions (LIKE analytics.sessions) ON COMMIT DROP;
CREATE TEMP TABLE counted_days (day date NOT NULL) ON COMMIT DROP

-- name: end
-- free the names for the next month
DROP TABLE old_days, computed_days, computed_agents, computed_sessions, counted_days

-- name: compute_days
-- some days from their plays, those of plays_of_days
WITH agents AS (
    SELECT user_agent, analytics.text_id(user_agent) AS user_agent_id
    FROM (SELECT DISTINCT user_agent FROM plays_of_days WHERE user_agent IS NOT NULL) agents
)
INSERT INTO {computed}
SELECT p.user_id, p.day, p.level, p.location, a.user_agent_id, count(*),
       sum(analytics.milliseconds(s.length)),
       array_agg(extract(hour FROM p.start_time AT TIME ZONE 'UTC')::smallint
                 ORDER BY extract(hour FROM p.start_time AT TIME ZONE 'UTC')),
       array_agg(s.track_id ORDER BY s.track_id), array_agg(s.artist_key ORDER BY s.artist_key)
FROM plays_of_days p
JOIN {heard_plays_there} h USING (start_time, songplay_id)
JOIN analytics.heard_songs s USING (heard_song_id)
LEFT JOIN agents a USING (user_agent)
WHERE p.day >= {computed_from} AND p.day < {computed_until}
GROUP BY p.user_id, p.day, p.level, p.location, a.user_agent_id
ORDER BY p.day, p.location COLLATE "C", p.user_id

-- name: compute_sessions
-- and their user agents, and the first play of each session on each level, as they are staged
INSERT INTO computed_agents
SELECT analytics.text_id(user_agent), user_agent
FROM (SELECT DISTINCT user_agent FROM plays_of_days WHERE user_agent IS NOT NULL AND day < {staged_since}) agents;
INSERT INTO computed_sessions (user_id, session_id, started_at, level)
SELECT user_id, session_id, min(start_time), level
FROM plays_of_days WHERE day < {staged_since} GROUP BY user_id, session_id, level

-- name: replace_days
-- the users' days that were touched, and the days and users whose counts change
WITH gone AS (
    DELETE FROM analytics.user_days d USING touched_days t
    WHERE d.user_id = t.user_id AND d.day = t.day AND t.day < {late_before} RETURNING d.*
)
INSERT INTO old_days SELECT * FROM gone;
INSERT INTO analytics.user_days SELECT * FROM computed_days;
ANALYZE old_days (user_id, day), computed_days (user_id, day);
INSERT INTO analytics.user_agents (user_agent_id, user_agent)
SELECT DISTINCT user_agent_id, user_agent FROM {new_agents} a
WHERE user_agent_id IN (SELECT user_agent_id FROM {new_days} d)
ON CONFLICT DO NOTHING;
DELETE FROM analytics.user_agents a
WHERE user_agent_id IN (SELECT user_agent_id FROM old_days)
  AND NOT EXISTS (SELECT FROM analytics.user_days d WHERE d.user_agent_id = a.user_agent_id);
INSERT INTO counted_days SELECT day FROM old_days UNION SELECT day FROM {new_days} d;
WITH firsts AS (
    SELECT u.user_id, f.first_day AS before,
           CASE
               WHEN lost THEN (SELECT min(day) FROM analytics.user_days d WHERE d.user_id = u.user_id)
               ELSE least(u.first_day, f.first_day)
           END AS first_day
    FROM (SELECT user_id, bool_or(lost) AS lost, min(day) AS first_day
          FROM (SELECT user_id, day, false AS lost FROM {new_days} d
                UNION ALL SELECT user_id, NULL, true FROM old_days) days
          GROUP BY user_id) u
    LEFT JOIN analytics.first_days f USING (user_id)
),
gone AS (
    DELETE FROM analytics.first_days f USING firsts n WHERE n.user_id = f.user_id AND n.first_day IS NULL
),
changed AS (
    INSERT INTO analytics.first_days AS f (user_id, first_day)
    SELECT user_id, first_day FROM firsts WHERE first_day IS NOT NULL AND first_day IS DISTINCT FROM before
    ON CONFLICT (user_id) DO UPDATE SET first_day = EXCLUDED.first_day
)
INSERT INTO counted_days SELECT before FROM firsts WHERE before <> first_day

-- name: replace_sessions
-- sessions that begin on another day than was known, or on no day. Only one publishes at a time, so what is new is known, and
-- need not be looked up once more when it is inserted.
WITH gone AS (
    DELETE FROM analytics.sessions s USING touched_days t
    WHERE s.user_id = t.user_id AND (s.started_at AT TIME ZONE 'UTC')::date = t.day AND t.day < {late_before}
      AND s.started_at >= (SELECT min(day) FROM touched_days)::timestamp AT TIME ZONE 'UTC'
      AND s.started_at < (SELECT max(day) + 1 FROM touched_days)::timestamp AT TIME ZONE 'UTC'
    RETURNING s.started_at
)
INSERT INTO counted_days SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date FROM gone;
WITH starts AS (
    SELECT session_id, user_id, started_at, level,
           row_number() OVER session AS number, lead(started_at) OVER session = started_at AS is_tied
    FROM {new_sessions} s
    WINDOW session AS (PARTITION BY session_id, user_id ORDER BY started_at)
),
first AS (
    -- On several levels at its first moment: the order of the plays decides.
    SELECT session_id, user_id, started_at,
           CASE WHEN is_tied THEN (
               SELECT p.level FROM {songplays_there} p JOIN {heard_plays_there} h USING (start_time, songplay_id)
               WHERE start_time = s.started_at AND p.user_id = s.user_id AND p.session_id = s.session_id
               ORDER BY item_in_session LIMIT 1
           ) ELSE level END AS level
    FROM starts s WHERE number = 1
),
earlier AS (
    SELECT f.*, s.started_at AS before FROM first f LEFT JOIN analytics.sessions s USING (session_id, user_id)
    WHERE s.session_id IS NULL OR f.started_at < s.started_at
),
taken AS (
    INSERT INTO analytics.sessions (user_id, session_id, started_at, level)
    SELECT user_id, session_id, started_at, level FROM earlier WHERE before IS NULL
),
moved AS (
    UPDATE analytics.sessions s SET started_at = e.started_at, level = e.level
    FROM earlier e WHERE s.session_id = e.session_id AND s.user_id = e.user_id AND before IS NOT NULL
)
INSERT INTO counted_days
SELECT (started_at AT TIME ZONE 'UTC')::date FROM earlier
UNION
SELECT (before AT TIME ZONE 'UTC')::date FROM earlier WHERE before IS NOT NULL

-- name: sum_months
-- months of the users that were touched, anew from the days
CREATE TEMP TABLE touched_months ON COMMIT DROP AS
SELECT user_id, date_trunc('month', day::timestamp)::date AS month FROM old_days
UNION
SELECT user_id, date_trunc('month', day::timestamp)::date AS month FROM {new_days} d;
ANALYZE touched_months;
DELETE FROM analytics.user_months u USING touched_months t WHERE u.user_id = t.user_id AND u.month = t.month;
INSERT INTO analytics.user_months (user_id, month, level, location, user_agent_id, plays, milliseconds)
SELECT d.user_id, t.month, d.level, d.location, d.user_agent_id, sum(d.plays), sum(d.milliseconds)
FROM touched_months t
JOIN analytics.user_days d ON d.user_id = t.user_id AND date_trunc('month', d.day::timestamp)::date = t.month
WHERE d.day >= (SELECT min(month) FROM touched_months)
  AND d.day < (SELECT max(month) + interval '1 month' FROM touched_months)
GROUP BY d.user_id, t.month, d.level, d.location, d.user_agent_id
ORDER BY d.location COLLATE "C", d.user_id

-- name: take_months
-- the same, as they were counted
CREATE TEMP TABLE touched_months ON COMMIT DROP AS SELECT DISTINCT user_id, month FROM {user_months};
ANALYZE touched_months;
INSERT INTO analytics.user_months (user_id, month, level, location, user_agent_id, plays, milliseconds)
SELECT user_id, month, level, location, user_agent_id, plays, milliseconds FROM {user_months}

-- name: sum_years
-- and their years from the months
CREATE TEMP TABLE touched_years ON COMMIT DROP AS
SELECT DISTINCT user_id, date_trunc('year', month::timestamp)::date AS year FROM touched_months;
ANALYZE touched_years;
DELETE FROM analytics.user_years u USING touched_years t WHERE u.user_id = t.user_id AND u.year = t.year;
INSERT INTO analytics.user_years (user_id, year, level, plays, milliseconds)
SELECT m.user_id, t.year, m.level, sum(m.plays), sum(m.milliseconds)
FROM touched_years t
JOIN analytics.user_months m
    ON m.user_id = t.user_id AND m.month >= t.year AND m.month < (t.year + interval '1 year')::date
GROUP BY m.user_id, t.year, m.level;
DROP TABLE touched_months, touched_years

-- name: count_lost
-- what was heard on the users' days that were touched, as it was known
CREATE TEMP TABLE lost_tracks ON COMMIT DROP AS
SELECT track_id, date_trunc('month', day::timestamp)::date AS month, level, count(*)::integer AS plays
FROM (SELECT day, level, unnest(tracks) AS track_id FROM old_days) plays GROUP BY 1, 2, 3;
CREATE TEMP TABLE lost_artists ON COMMIT DROP AS
SELECT artist_key, date_trunc('month', day::timestamp)::date AS month, level, count(*)::integer AS plays
FROM (SELECT day, level, unnest(artists) AS artist_key FROM old_days) plays GROUP BY 1, 2, 3;
ANALYZE lost_tracks, lost_artists

-- name: lose_tracks
-- without what was heard on the users' days that were touched
WITH kept AS (
    SELECT m.track_id, m.month, m.level, k.*
    FROM analytics.track_months m
    JOIN lost_tracks l
        ON l.track_id = m.track_id AND l.month = m.month AND hashtextextended(l.level, 0) = hashtextextended(m.level, 0)
    CROSS JOIN LATERAL (
        SELECT count(*)::integer AS plays, coalesce(array_agg(e.user_id ORDER BY e.day, e.user_id), '{{}}') AS users,
               coalesce(array_agg(e.day ORDER BY e.day, e.user_id), '{{}}') AS days
        FROM unnest(m.users, m.days) AS e (user_id, day)
        WHERE NOT EXISTS (SELECT FROM touched_days t
                          WHERE t.user_id = e.user_id AND t.day = m.month + e.day - 1 AND t.day < {late_before})
    ) k
)
UPDATE analytics.track_months m SET plays = kept.plays, users = kept.users, days = kept.days
FROM kept
WHERE m.track_id = kept.track_id AND m.month = kept.month AND hashtextextended(m.level, 0) = hashtextextended(kept.level, 0)

-- name: lose_artists
-- the same of artists
UPDATE analytics.artist_months m SET plays = m.plays - l.plays
FROM lost_artists l
WHERE m.artist_key = l.artist_key AND m.month = l.month AND hashtextextended(m.level, 0) = hashtextextended(l.level, 0)

-- name: lose_hours
-- plays by day and hour without what was heard on the users' days that were touched
UPDATE analytics.day_hours h SET plays = h.plays - l.plays
FROM (SELECT day, hour, level, count(*) AS plays FROM (SELECT day, level, unnest(hours) AS hour FROM old_days) plays
      GROUP BY day, hour, level) l
WHERE h.day = l.day AND h.hour = l.hour AND hashtextextended(h.level, 0) = hashtextextended(l.level, 0)

-- name: has_lost
-- whether something was known of the days that change
SELECT EXISTS (SELECT FROM old_days)

-- name: has_computed
-- whether there are plays on them now
SELECT EXISTS (SELECT FROM computed_days)

-- name: add_tracks
-- to what is known of the month: later days are put behind what is there, others in their place
INSERT INTO analytics.track_months AS m (track_id, month, level, plays, users, days)
SELECT track_id, month, level, plays, users, days FROM {track_months}
ON CONFLICT (track_id, month, hashtextextended(level, 0)) DO UPDATE
SET plays = m.plays + EXCLUDED.plays,
    users = CASE
        WHEN m.plays = 0 OR m.days[cardinality(m.days)] < EXCLUDED.days[1] THEN m.users || EXCLUDED.users
        ELSE (SELECT array_agg(user_id ORDER BY day, user_id)
              FROM unnest(m.users || EXCLUDED.users, m.days || EXCLUDED.days) AS e (user_id, day))
    END,
    days = CASE
        WHEN m.plays = 0 OR m.days[cardinality(m.days)] < EXCLUDED.days[1] THEN m.days || EXCLUDED.days
        ELSE (SELECT array_agg(day ORDER BY day) FROM unnest(m.days || EXCLUDED.days) AS day)
    END;
DROP TABLE {track_months}

-- name: add_artists
-- the same of artists
INSERT INTO analytics.artist_months AS m (artist_key, month, level, plays)
SELECT artist_key, month, level, plays FROM {artist_months}
ON CONFLICT (artist_key, month, hashtextextended(level, 0)) DO UPDATE SET plays = m.plays + EXCLUDED.plays;
DROP TABLE {artist_months}

-- name: add_hours
-- plays by day and hour to those that are known
INSERT INTO analytics.day_hours AS h (day, hour, level, plays)
SELECT day, hour, level, sum(plays) FROM {hours} GROUP BY day, hour, level
ON CONFLICT (day, hour, hashtextextended(level, 0)) DO UPDATE SET plays = h.plays + EXCLUDED.plays;
DROP TABLE {hours}

-- name: drop_lost
-- tracks and artists of a month, and hours of a day, that have no plays any more
DELETE FROM analytics.track_months m USING lost_tracks l
WHERE m.track_id = l.track_id AND m.month = l.month AND hashtextextended(m.level, 0) = hashtextextended(l.level, 0) AND m.plays = 0;
DELETE FROM analytics.artist_months m USING lost_artists l
WHERE m.artist_key = l.artist_key AND m.month = l.month AND hashtextextended(m.level, 0) = hashtextextended(l.level, 0) AND m.plays = 0;
DELETE FROM analytics.day_hours h USING old_days o WHERE h.day = o.day AND h.plays = 0;
DROP TABLE lost_tracks, lost_artists

-- name: count_listeners
-- who listened on the days, in the weeks and in the months whose counts change. A user counts for a period with the first of his days
-- in it: the day before it in order, on any level or on the same, is not in the period. Each day and level is counted for all three
-- periods, and these are added up: a fifth faster than to count each user's day three times. Weeks are counted from a Monday,
-- 0001-01-01, as for retention (analytics/questions.sql).
CREATE TEMP TABLE counted_periods ON COMMIT DROP AS
SELECT DISTINCT period, date_trunc(period, day::timestamp)::date AS start,
       (date_trunc(period, day::timestamp) + ('1 ' || period)::interval)::date AS until
FROM (SELECT DISTINCT day FROM counted_days) days CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period;
DELETE FROM analytics.listeners l USING counted_periods p WHERE l.period = p.period AND l.start = p.start;
WITH spans AS (
    SELECT lower(span) AS since, upper(span) AS until
    FROM (SELECT unnest(range_agg(daterange(start, until))) AS span FROM counted_periods) spans
),
heard AS (
    SELECT d.day, d.day - (d.day - date '0001-01-01') % 7 AS week, date_trunc('month', d.day::timestamp)::date AS month,
           d.level, d.plays, d.milliseconds, f.first_day,
           lag(d.day, 1, '-infinity') OVER (PARTITION BY d.user_id ORDER BY d.day) AS before,
           lag(d.day, 1, '-infinity') OVER (PARTITION BY d.user_id, d.level ORDER BY d.day) AS before_on_level
    FROM spans
    JOIN analytics.user_days d ON d.day >= since AND d.day < until
    JOIN analytics.first_days f USING (user_id)
),
days AS (
    -- Of each period: those who count, those of them who are new, and both on the level.
    SELECT day, week, month, level, sum(plays) AS plays, sum(milliseconds) AS milliseconds,
           ARRAY[count(*) FILTER (WHERE before < day),
                 count(*) FILTER (WHERE before < day AND first_day >= day),
                 count(*) FILTER (WHERE before_on_level < day),
                 count(*) FILTER (WHERE before_on_level < day AND first_day >= day)] AS of_day,
           ARRAY[count(*) FILTER (WHERE before < week),
                 count(*) FILTER (WHERE before < week AND first_day >= week),
                 count(*) FILTER (WHERE before_on_level < week),
                 count(*) FILTER (WHERE before_on_level < week AND first_day >= week)] AS of_week,
           ARRAY[count(*) FILTER (WHERE before < month),
                 count(*) FILTER (WHERE before < month AND first_day >= month),
                 count(*) FILTER (WHERE before_on_level < month),
                 count(*) FILTER (WHERE before_on_level < month AND first_day >= month)] AS of_month
    FROM heard GROUP BY day, week, month, level
),
counted AS (
    SELECT period, start, level, sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds,
           sum(users[1])::integer AS listeners, sum(users[2])::integer AS new_listeners,
           sum(users[3])::integer AS listeners_on_level, sum(users[4])::integer AS new_on_level
    FROM days
    CROSS JOIN LATERAL (VALUES ('day', day, of_day), ('week', week, of_week), ('month', month, of_month))
        AS periods (period, start, users)
    GROUP BY GROUPING SETS ((period, start, level), (period, start))
),
began AS (
    SELECT period, start, level, sum(sessions)::integer AS sessions
    FROM (SELECT (started_at AT TIME ZONE 'UTC')::date AS day, level, count(*) AS sessions
          FROM spans
          JOIN analytics.sessions
              ON started_at >= since::timestamp AT TIME ZONE 'UTC' AND started_at < until::timestamp AT TIME ZONE 'UTC'
          GROUP BY 1, 2) days
    CROSS JOIN LATERAL (VALUES ('day', day), ('week', date_trunc('week', day::timestamp)::date),
                               ('month', date_trunc('month', day::timestamp)::date)) AS periods (period, start)
    GROUP BY GROUPING SETS ((period, start, level), (period, start))
)
INSERT INTO analytics.listeners (period, start, level, listeners, new_listeners, sessions, plays, milliseconds)
SELECT c.period, c.start, c.level, CASE WHEN c.level IS NULL THEN c.listeners ELSE c.listeners_on_level END,
       CASE WHEN c.level IS NULL THEN c.new_listeners ELSE c.new_on_level END, coalesce(b.sessions, 0), c.plays, c.milliseconds
FROM counted c
JOIN counted_periods p USING (period, start)
LEFT JOIN began b ON b.period = c.period AND b.start = c.start AND b.level IS NOT DISTINCT FROM c.level;
DROP TABLE counted_periods

-- name: days_of_gone_users
-- all days of people who go; they have no plays any more
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT DISTINCT user_id, day FROM analytics.user_days WHERE user_id IN (SELECT user_id FROM gone_users);
CREATE TEMP TABLE plays_of_days ON COMMIT DROP AS
SELECT user_id, NULL::date AS day, level, start_time, session_id, songplay_id, location, user_agent FROM songplays LIMIT 0;
ANALYZE touched_days

-- name: end_of_days
-- free the names for the next month
DROP TABLE touched_days, plays_of_days

-- name: analyze
-- statistics of what questions join; of partitions they are made before they are attached
ANALYZE {only} analytics.user_days, {only} analytics.track_months, {only} analytics.artist_months, analytics.heard_songs,
    analytics.user_months, analytics.user_years, analytics.sessions, analytics.first_days, analytics.day_hours

-- name: comments
-- the grain of each, and what its columns are
COMMENT ON FUNCTION analytics.text_id IS 'The first 63 bits of the MD5 of a text.';
COMMENT ON FUNCTION analytics.milliseconds IS 'How long a play of this length in seconds counts, in whole milliseconds: a day at most.';
COMMENT ON FUNCTION analytics.track_id IS 'The first 63 bits of the MD5 of the MD5 of a title, in hexadecimal, followed by an artist.';
COMMENT ON COLUMN analytics.heard_songs.track_id IS 'Digest of title and artist: what analysis takes for one song, whatever its length.';
COMMENT ON COLUMN analytics.heard_songs.artist_key IS 'Digest of artist: what analysis takes for one artist.';

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

COMMENT ON TABLE analytics.user_agents IS 'One row per user agent that a play came with.';
COMMENT ON COLUMN analytics.user_agents.user_agent_id IS 'Digest of the user agent.';
COMMENT ON COLUMN analytics.user_agents.user_agent IS 'As the log says.';
COMMENT ON COLUMN analytics.user_agents.device IS 'Family of the device, like Mac or iPhone, as ua-parser names it; where it knows none, that of the system, like Windows; else Other. NULL for a moment, until the load that brought it has ended.';
COMMENT ON COLUMN analytics.user_agents.browser IS 'Family of the browser, like Chrome.';
COMMENT ON COLUMN analytics.user_agents.system IS 'Family of the operating system, like Windows.';

COMMENT ON TABLE analytics.sessions IS 'One row per user and session with plays.';
COMMENT ON COLUMN analytics.sessions.user_id IS 'Who.';
COMMENT ON COLUMN analytics.sessions.session_id IS 'The session of the app.';
COMMENT ON COLUMN analytics.sessions.started_at IS 'Its first play. A session counts for the day, week and month of this moment, UTC.';
COMMENT ON COLUMN analytics.sessions.level IS 'The level of its first play.';

COMMENT ON TABLE analytics.first_days IS 'One row per user: the day of the first play.';
COMMENT ON COLUMN analytics.first_days.user_id IS 'Who.';
COMMENT ON COLUMN analytics.first_days.first_day IS 'The day, UTC.';

COMMENT ON TABLE analytics.user_months IS 'Rollup. One row per user, UTC month, level, location and user agent.';
COMMENT ON COLUMN analytics.user_months.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.user_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_months.location IS 'Where, as the log says.';
COMMENT ON COLUMN analytics.user_months.user_agent_id IS 'With what: analytics.user_agents.';
COMMENT ON COLUMN analytics.user_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_months.milliseconds IS 'As in analytics.user_days.';

COMMENT ON TABLE analytics.user_years IS 'Rollup. One row per user, UTC year and level.';
COMMENT ON COLUMN analytics.user_years.user_id IS 'Who.';
COMMENT ON COLUMN analytics.user_years.year IS 'The first day of the year.';
COMMENT ON COLUMN analytics.user_years.level IS 'free or paid.';
COMMENT ON COLUMN analytics.user_years.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_years.milliseconds IS 'As in analytics.user_days.';

COMMENT ON TABLE analytics.track_months IS 'Rollup. One row per track (title and artist, as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.track_months.track_id IS 'The track: analytics.heard_songs.';
COMMENT ON COLUMN analytics.track_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.track_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.track_months.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.track_months.users IS 'Who heard it, play by play, in the order of days.';
COMMENT ON COLUMN analytics.track_months.days IS 'On which day of the month, play by play.';

COMMENT ON TABLE analytics.artist_months IS 'Rollup. One row per artist (as the log says), UTC month and level.';
COMMENT ON COLUMN analytics.artist_months.artist_key IS 'The artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.artist_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.artist_months.level IS 'free or paid.';
COMMENT ON COLUMN analytics.artist_months.plays IS 'How many plays.';

COMMENT ON TABLE analytics.day_hours IS 'Rollup. One row per UTC day, hour and level with plays.';
COMMENT ON COLUMN analytics.day_hours.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.day_hours.hour IS 'The hour, 0 to 23, UTC.';
COMMENT ON COLUMN analytics.day_hours.level IS 'free or paid.';
COMMENT ON COLUMN analytics.day_hours.plays IS 'How many plays.';

COMMENT ON TABLE analytics.listeners IS 'Rollup. One row per UTC day, ISO week or month with plays, and level; and one for all levels together.';
COMMENT ON COLUMN analytics.listeners.period IS 'day, week or month.';
COMMENT ON COLUMN analytics.listeners.start IS 'Its first day; a week begins on Monday.';
COMMENT ON COLUMN analytics.listeners.level IS 'Only what was on this level; NULL: all.';
COMMENT ON COLUMN analytics.listeners.listeners IS 'Users with a play.';
COMMENT ON COLUMN analytics.listeners.new_listeners IS 'Those whose first play ever, on any level, is in the period. The others are returning.';
COMMENT ON COLUMN analytics.listeners.sessions IS 'Sessions that began in the period, by the level of their first play.';
COMMENT ON COLUMN analytics.listeners.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.listeners.milliseconds IS 'As in analytics.user_days.';

-- name: unnamed_agents
-- whose device nobody has named yet
SELECT user_agent_id, left(user_agent, 1000) FROM analytics.user_agents WHERE device IS NULL ORDER BY 1

-- name: name_agents
-- say what they are
UPDATE analytics.user_agents a SET device = n.device, browser = n.browser, system = n.system
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS n (user_agent_id, device, browser, system)
WHERE a.user_agent_id = n.user_agent_id
