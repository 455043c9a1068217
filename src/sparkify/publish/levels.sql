-- name: find_touched_days
-- Find the users' days whose levels are computed from their plays: days that the warehouse already has, and
-- days with several levels.
-- makes: touched_days
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT user_id, day FROM {levels} GROUP BY user_id, day HAVING day < {staged_since} OR min(level) <> max(level);
ANALYZE touched_days

-- name: find_plays
-- Find all plays of these days.
-- reads: touched_days
-- makes: plays_of_days
CREATE TEMP TABLE plays_of_days ON COMMIT DROP AS
SELECT s.user_id, d.day, s.level, s.start_time, s.session_id, s.songplay_id, s.location, s.user_agent
FROM (SELECT user_id, day, day::timestamp AT TIME ZONE 'UTC' AS since, (day + 1)::timestamp AT TIME ZONE 'UTC' AS until
      FROM touched_days) d
JOIN {songplays_there} s ON s.user_id = d.user_id AND s.start_time >= d.since AND s.start_time < d.until
WHERE s.start_time >= (SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM touched_days)
  AND s.start_time < (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM touched_days);
ANALYZE plays_of_days

-- name: compute_levels
-- Compute the stretches of plays at one level on these days.
-- reads: plays_of_days, touched_days
DELETE FROM analytics.user_level_days l USING touched_days d WHERE l.user_id = d.user_id AND l.day = d.day;
WITH numbered AS (
    SELECT user_id, day, level, start_time,
           row_number() OVER (PARTITION BY user_id, day ORDER BY start_time, session_id, item_in_session, songplay_id)
           - row_number() OVER (PARTITION BY user_id, day, level ORDER BY start_time, session_id, item_in_session, songplay_id)
               AS island,
           row_number() OVER (PARTITION BY user_id, day ORDER BY start_time, session_id, item_in_session, songplay_id)
               AS position
    FROM plays_of_days p JOIN {heard_plays_there} h USING (start_time, songplay_id)
)
INSERT INTO analytics.user_level_days (user_id, day, stretch_no, level, first_play, last_play)
SELECT user_id, day, row_number() OVER (PARTITION BY user_id, day ORDER BY min(position)), level,
       min(start_time), max(start_time)
FROM numbered GROUP BY user_id, day, level, island

-- name: take_levels
-- Insert the other days, which have one level each, as staged. A user's days are stored together, which makes
-- the key cheaper to build and the days of a month cheaper to read.
INSERT INTO analytics.user_level_days (user_id, day, stretch_no, level, first_play, last_play)
SELECT user_id, day, 1, min(level), min(first_play), max(last_play)
FROM {levels} WHERE day >= {staged_since} GROUP BY user_id, day HAVING min(level) = max(level)
ORDER BY user_id, day
