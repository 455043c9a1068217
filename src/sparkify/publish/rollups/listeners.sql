-- name: table
-- Create the table of listeners by day, week and month.
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
COMMENT ON TABLE analytics.listeners IS 'Rollup. One row per UTC day, ISO week or month with plays, and level; and one for all levels together.';
COMMENT ON COLUMN analytics.listeners.period IS 'day, week or month.';
COMMENT ON COLUMN analytics.listeners.start IS 'The first day of the period; a week begins on Monday.';
COMMENT ON COLUMN analytics.listeners.level IS 'free or paid; NULL: all levels together.';
COMMENT ON COLUMN analytics.listeners.listeners IS 'Users with a play.';
COMMENT ON COLUMN analytics.listeners.new_listeners IS 'Users whose first play ever, on any level, is in the period. The others are returning.';
COMMENT ON COLUMN analytics.listeners.sessions IS 'Sessions that began in the period, by the level of their first play.';
COMMENT ON COLUMN analytics.listeners.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.listeners.milliseconds IS 'As in analytics.user_days.';
CREATE UNIQUE INDEX IF NOT EXISTS listeners_key ON analytics.listeners (period, start, (hashtextextended(level, 0))) NULLS NOT DISTINCT;

-- name: definition
-- Count the listeners of each day, week and month. A user counts once in a period, on the first day with a
-- play: the day played before it, on any level or on the same one, is outside the period. Each day and level
-- is counted for all three periods, and the counts are added up: a fifth faster than counting each user's day
-- three times.
WITH heard AS (
    SELECT d.day, analytics.week_of(d.day) AS week, analytics.month_of(d.day) AS month,
           d.level, d.plays, d.milliseconds, f.first_day,
           lag(d.day, 1, '-infinity') OVER (PARTITION BY d.user_id ORDER BY d.day) AS before,
           lag(d.day, 1, '-infinity') OVER (PARTITION BY d.user_id, d.level ORDER BY d.day) AS before_on_level
    FROM {user_days} d JOIN analytics.first_days f USING (user_id)
),
days AS (
    -- Each array holds listeners, new listeners, and both again for the level alone.
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
    SELECT begins.period AS of_period, begins.start AS from_day, level AS on_level, sum(sessions)::integer AS sessions
    FROM (SELECT (started_at AT TIME ZONE 'UTC')::date AS day, level, count(*) AS sessions FROM {sessions} s GROUP BY 1, 2) days
    CROSS JOIN LATERAL (VALUES ('day', day), ('week', analytics.week_of(day)),
                               ('month', analytics.month_of(day))) AS begins (period, start)
    GROUP BY GROUPING SETS ((begins.period, begins.start, level), (begins.period, begins.start))
)
SELECT period, start, level, CASE WHEN level IS NULL THEN listeners ELSE listeners_on_level END AS listeners,
       CASE WHEN level IS NULL THEN new_listeners ELSE new_on_level END AS new_listeners,
       coalesce(sessions, 0) AS sessions, plays, milliseconds
FROM counted LEFT JOIN began ON of_period = period AND from_day = start AND on_level IS NOT DISTINCT FROM level
WHERE {wanted}

-- name: scope
-- Find the periods of some days, and of days that are or were a user's first day or the start of a session.
-- reads: moved_days
SELECT DISTINCT period, date_trunc(period, day::timestamp)::date AS start
FROM (SELECT day FROM {days} d UNION SELECT day FROM moved_days) days CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
