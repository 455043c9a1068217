-- name: begin
-- Create the table for the users and days whose plays or page views change.
-- makes: events
CREATE TEMP TABLE events (user_id bigint, day date) ON COMMIT DROP

-- name: note_views
-- Note the users and days of staged page views; the user is NULL while logged out.
-- reads: events
INSERT INTO events SELECT DISTINCT user_id, (start_time AT TIME ZONE 'UTC')::date FROM {page_views}

-- name: note_gone_users
-- Note all days of forgotten people, and of their sessions: what was done in these while logged out is gone, too.
-- reads: events, gone_sessions, gone_users
INSERT INTO events
SELECT user_id, day FROM analytics.session_days
WHERE user_id IN (SELECT user_id FROM gone_users) OR session_id IN (SELECT session_id FROM gone_sessions)

-- name: of_gone_sessions
-- This condition selects the sessions of forgotten people.
-- reads: gone_sessions
session_id IN (SELECT session_id FROM gone_sessions)

-- name: find_days
-- Find the days among them. Tell the planner how many there are.
-- reads: events
-- makes: event_days
ANALYZE events;
CREATE TEMP TABLE event_days ON COMMIT DROP AS SELECT DISTINCT day FROM events;
ANALYZE event_days

-- name: followed
-- Select these days, and the day after each: what is done after midnight may follow a play before it.
-- reads: event_days
(SELECT DISTINCT day + later AS day FROM event_days CROSS JOIN generate_series(0, 1) AS later)

-- name: followed_elsewhere
-- Select the days that the core did not count: the first day of the month, and those outside it.
(SELECT day FROM {followed} days WHERE day <= {first} OR day >= {until})

-- name: days_of_cut_weeks
-- Select the days that the core did not count: those of weeks that are not all in the month.
-- reads: event_days
(SELECT day FROM event_days WHERE analytics.week_of(day) < {first} OR analytics.week_of(day) + 7 > {until})

-- name: days_of_shared_sessions
-- Select the days of the month whose sessions also have days in another one. The first month has no other.
(SELECT DISTINCT day
 FROM (SELECT array_agg(day) AS days FROM analytics.session_days
       WHERE user_id IS NOT NULL AND session_id = ANY (ARRAY(
                 SELECT session_id FROM analytics.session_days
                 WHERE day >= {first} AND day < {until}
                   AND EXISTS (SELECT FROM analytics.session_days WHERE day < {first} OR day >= {until})))
       GROUP BY session_id, user_id
       HAVING min(day) < {first} OR max(day) >= {until}) shared
      CROSS JOIN unnest(days) AS day
 WHERE day >= {first} AND day < {until})

-- name: count_views
-- Count the staged page views.
SELECT count(*) FROM {page_views}
