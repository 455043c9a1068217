-- name: find_touched_days
-- Find the users' days whose levels are computed from their plays: days that the warehouse already has, and
-- days at several levels of which several batches staged stretches, each batch from number 1.
-- makes: touched_days
CREATE TEMP TABLE touched_days ON COMMIT DROP AS
SELECT user_id, day FROM {levels} GROUP BY user_id, day
HAVING day < {staged_since} OR (count(*) > max(stretch_no) AND min(level) <> max(level));
ANALYZE touched_days

-- name: take_levels
-- Insert the stretches of the other days as staged; if several batches staged a day at one level, it is one
-- stretch. A user's days are stored together, which makes the key cheaper to build and the days of a month
-- cheaper to read.
-- reads: touched_days
INSERT INTO analytics.user_level_days (user_id, day, stretch_no, level, first_play, last_play)
SELECT user_id, day, stretch_no, min(level), min(first_play), max(last_play)
FROM {levels} l
WHERE day >= {staged_since} AND NOT EXISTS (SELECT FROM touched_days t WHERE t.user_id = l.user_id AND t.day = l.day)
GROUP BY user_id, day, stretch_no ORDER BY user_id, day, stretch_no

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

-- name: plays_of_touched_days
-- Select the plays of the touched days, as the definition of levels reads them.
-- reads: plays_of_days
(TABLE plays_of_days)

-- name: heard_plays_of_touched_days
-- Select what was heard from the first of these days to the last: a join would read the whole month.
-- reads: touched_days
(SELECT * FROM {heard_plays_there} there
 WHERE start_time >= (SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM touched_days)
   AND start_time < (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM touched_days))

-- name: compute_levels
-- Compute the stretches of plays at one level on these days.
-- reads: touched_days
DELETE FROM analytics.user_level_days l USING touched_days d WHERE l.user_id = d.user_id AND l.day = d.day;
INSERT INTO analytics.user_level_days {definition}
