-- name: rollup_days
-- The days of users, and their user agents, follow from the plays.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH real AS (
    SELECT p.user_id, (p.start_time AT TIME ZONE 'UTC')::date AS day, p.level, p.location,
           analytics.text_id(p.user_agent) AS user_agent_id, count(*)::integer AS plays,
           sum(analytics.milliseconds(s.length)) AS milliseconds,
           array_agg(extract(hour FROM p.start_time AT TIME ZONE 'UTC')::smallint
                     ORDER BY extract(hour FROM p.start_time AT TIME ZONE 'UTC')) AS hours,
           array_agg(s.track_id ORDER BY s.track_id) AS tracks,
           array_agg(s.artist_key ORDER BY s.artist_key) AS artists
    FROM songplays p
    JOIN analytics.heard_plays h USING (start_time, songplay_id)
    JOIN analytics.heard_songs s USING (heard_song_id)
    GROUP BY p.user_id, (p.start_time AT TIME ZONE 'UTC')::date, p.level, p.location, analytics.text_id(p.user_agent)
),
kept AS (
    SELECT user_id, day, level, location, user_agent_id, plays, milliseconds, hours, tracks, artists FROM analytics.user_days
)
SELECT user_id, day, level, plays, 'not kept' AS what FROM (TABLE real EXCEPT ALL TABLE kept) missing
UNION ALL
SELECT user_id, day, level, plays, 'wrong' FROM (TABLE kept EXCEPT ALL TABLE real) wrong
UNION ALL
SELECT NULL, NULL, NULL, NULL, 'user agent ' || coalesce(a.user_agent_id, d.user_agent_id)
FROM (SELECT DISTINCT user_agent_id FROM analytics.user_days WHERE user_agent_id IS NOT NULL) d
FULL JOIN analytics.user_agents a USING (user_agent_id)
WHERE d.user_agent_id IS NULL OR (a.user_agent_id = analytics.text_id(a.user_agent)) IS NOT TRUE

-- name: rollup_users
-- First days, sessions, and the months and years of users follow from the days and the plays.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH sessions AS (
    SELECT DISTINCT ON (user_id, session_id) user_id, session_id, start_time AS started_at, level
    FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
    ORDER BY user_id, session_id, start_time, item_in_session
),
months AS (
    SELECT user_id, date_trunc('month', day)::date AS month, level, location, user_agent_id, sum(plays)::bigint AS plays,
           sum(milliseconds)::bigint AS milliseconds
    FROM analytics.user_days GROUP BY user_id, date_trunc('month', day), level, location, user_agent_id
),
kept AS (
    SELECT user_id, month, level, location, user_agent_id, plays, milliseconds FROM analytics.user_months
),
years AS (
    SELECT user_id, date_trunc('year', month)::date AS year, level, sum(plays)::bigint AS plays,
           sum(milliseconds)::bigint AS milliseconds
    FROM months GROUP BY user_id, date_trunc('year', month), level
),
kept_years AS (
    SELECT user_id, year, level, plays, milliseconds FROM analytics.user_years
)
SELECT 'sessions' AS in_table, user_id, session_id, NULL::date AS day
FROM sessions s FULL JOIN analytics.sessions k USING (user_id, session_id)
WHERE (s.started_at, s.level) IS DISTINCT FROM (k.started_at, k.level)
UNION ALL
SELECT 'first_days', user_id, NULL, k.first_day
FROM (SELECT user_id, min(day) AS first_day FROM analytics.user_days GROUP BY user_id) f
FULL JOIN analytics.first_days k USING (user_id)
WHERE f.first_day IS DISTINCT FROM k.first_day
UNION ALL
SELECT 'user_months', user_id, NULL, month
FROM ((TABLE months EXCEPT ALL TABLE kept) UNION ALL (TABLE kept EXCEPT ALL TABLE months)) wrong
UNION ALL
SELECT 'user_years', user_id, NULL, year
FROM ((TABLE years EXCEPT ALL TABLE kept_years) UNION ALL (TABLE kept_years EXCEPT ALL TABLE years)) wrong

-- name: rollup_tracks
-- The months of tracks and artists follow from the days.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH tracks AS (
    SELECT track_id, date_trunc('month', day)::date AS month, level, count(*)::integer AS plays,
           array_agg(user_id ORDER BY day, user_id) AS users,
           array_agg(extract(day FROM day)::smallint ORDER BY day, user_id) AS days
    FROM analytics.user_days, unnest(tracks) AS track_id GROUP BY track_id, date_trunc('month', day), level
),
kept_tracks AS (
    SELECT track_id, month, level, plays, users, days FROM analytics.track_months
),
artists AS (
    SELECT artist_key, month, level, sum(plays)::integer AS plays
    FROM kept_tracks JOIN (SELECT DISTINCT track_id, artist_key FROM analytics.heard_songs) s USING (track_id)
    GROUP BY artist_key, month, level
),
kept_artists AS (
    SELECT artist_key, month, level, plays FROM analytics.artist_months
)
SELECT 'track_months' AS in_table, track_id AS id, month, level, plays
FROM ((TABLE tracks EXCEPT ALL TABLE kept_tracks) UNION ALL (TABLE kept_tracks EXCEPT ALL TABLE tracks)) wrong
UNION ALL
SELECT 'artist_months', artist_key, month, level, plays
FROM ((TABLE artists EXCEPT ALL TABLE kept_artists) UNION ALL (TABLE kept_artists EXCEPT ALL TABLE artists)) wrong

-- name: rollup_periods
-- The plays by hour, and the listeners and sessions by day, week and month, follow from the days.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
WITH hours AS (
    SELECT day, hour, level, count(*)::integer AS plays FROM analytics.user_days, unnest(hours) AS hour GROUP BY day, hour, level
),
kept_hours AS (
    SELECT day, hour, level, plays FROM analytics.day_hours
),
began AS (
    SELECT period, date_trunc(period, started_at AT TIME ZONE 'UTC')::date AS start, level, count(*)::integer AS sessions
    FROM analytics.sessions CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
    GROUP BY GROUPING SETS ((1, 2, level), (1, 2))
),
users AS (
    SELECT period, date_trunc(period, day)::date AS start, level, user_id, sum(plays) AS plays, sum(milliseconds) AS milliseconds
    FROM analytics.user_days CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
    GROUP BY 1, 2, level, user_id
),
heard AS (
    SELECT period, start, level, count(DISTINCT user_id)::integer AS listeners,
           (count(DISTINCT user_id) FILTER (WHERE first_day >= start))::integer AS new_listeners,
           sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM users JOIN analytics.first_days USING (user_id)
    GROUP BY GROUPING SETS ((period, start, level), (period, start))
),
listeners AS (
    SELECT h.period, h.start, h.level, listeners, new_listeners, coalesce(sessions, 0) AS sessions, plays, milliseconds
    FROM heard h LEFT JOIN began b ON (b.period, b.start) = (h.period, h.start) AND b.level IS NOT DISTINCT FROM h.level
),
kept_listeners AS (
    SELECT period, start, level, listeners, new_listeners, sessions, plays, milliseconds FROM analytics.listeners
)
SELECT 'day_hours' AS in_table, day, hour, level, plays
FROM ((TABLE hours EXCEPT ALL TABLE kept_hours) UNION ALL (TABLE kept_hours EXCEPT ALL TABLE hours)) wrong
UNION ALL
SELECT 'listeners, ' || period, start, NULL, level, plays
FROM ((TABLE listeners EXCEPT ALL TABLE kept_listeners) UNION ALL (TABLE kept_listeners EXCEPT ALL TABLE listeners)) wrong
