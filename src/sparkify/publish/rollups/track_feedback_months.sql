-- name: table
-- Create the table of feedback by month and track.
CREATE TABLE IF NOT EXISTS analytics.track_feedback_months (
    month         date NOT NULL,
    level         text,
    tracks        bigint[] NOT NULL,
    thumbs_up     integer[] NOT NULL,
    thumbs_down   integer[] NOT NULL,
    playlist_adds integer[] NOT NULL,
    friends_added integer[] NOT NULL,
    most          bigint[] NOT NULL,
    most_given    integer[] NOT NULL
);
COMMENT ON TABLE analytics.track_feedback_months IS 'Rollup. One row per UTC month and level with feedback after a play, as in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.month IS 'The first day of the month.';
COMMENT ON COLUMN analytics.track_feedback_months.level IS 'As in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.tracks IS 'The track_id of each track after which feedback was given, in order. The next four arrays have the same order.';
COMMENT ON COLUMN analytics.track_feedback_months.thumbs_up IS 'As in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.thumbs_down IS 'As in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.playlist_adds IS 'As in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.friends_added IS 'As in analytics.track_feedback_days.';
COMMENT ON COLUMN analytics.track_feedback_months.most IS 'The 4,000 tracks after which most feedback was given, the first first; of equal ones that with the smaller track_id.';
COMMENT ON COLUMN analytics.track_feedback_months.most_given IS 'How much was given after each of these: all four kinds together.';
-- As in analytics.track_feedback_days.
ALTER TABLE analytics.track_feedback_months
    ALTER tracks SET STATISTICS 0, ALTER thumbs_up SET STATISTICS 0, ALTER thumbs_down SET STATISTICS 0,
    ALTER playlist_adds SET STATISTICS 0, ALTER friends_added SET STATISTICS 0, ALTER most SET STATISTICS 0,
    ALTER most_given SET STATISTICS 0;
CREATE UNIQUE INDEX IF NOT EXISTS track_feedback_months_key ON analytics.track_feedback_months (month, (hashtextextended(level, 0)))
    NULLS NOT DISTINCT;

-- name: definition
-- Sum up the days of each month and level. Each is summed up alone: sorting by a level, too, would take twice as long.
WITH days AS MATERIALIZED (
    SELECT d.*, analytics.month_of(day) AS month FROM {track_feedback_days} d
)
SELECT month, level, summed.*
FROM (SELECT DISTINCT month, level FROM days WHERE {wanted}) months
CROSS JOIN LATERAL (
    SELECT array_agg(track_id ORDER BY track_id) AS tracks, array_agg(thumbs_up ORDER BY track_id) AS thumbs_up,
           array_agg(thumbs_down ORDER BY track_id) AS thumbs_down, array_agg(playlist_adds ORDER BY track_id) AS playlist_adds,
           array_agg(friends_added ORDER BY track_id) AS friends_added,
           array_agg(track_id ORDER BY place) FILTER (WHERE place <= 4000) AS most,
           array_agg(given ORDER BY place) FILTER (WHERE place <= 4000) AS most_given
    FROM (SELECT given.*, row_number() OVER (ORDER BY given DESC, track_id) AS place
          FROM (SELECT track_id, sum(up)::integer AS thumbs_up, sum(down)::integer AS thumbs_down,
                       sum(added)::integer AS playlist_adds, sum(friends)::integer AS friends_added,
                       sum(up + down + added + friends)::integer AS given
                FROM (SELECT unnest(tracks) AS track_id, unnest(thumbs_up) AS up, unnest(thumbs_down) AS down,
                             unnest(playlist_adds) AS added, unnest(friends_added) AS friends
                      FROM days WHERE days.month = months.month AND days.level IS NOT DISTINCT FROM months.level) days
                GROUP BY track_id) given) tracks
) summed

-- name: scope
-- Find the months of these days, and of the days after them, that have feedback or had some.
SELECT month FROM (SELECT DISTINCT analytics.month_of(day) AS month FROM {followed} d) months
WHERE EXISTS (SELECT FROM analytics.track_feedback_days d WHERE d.day >= months.month AND d.day < months.month + interval '1 month')
   OR EXISTS (SELECT FROM analytics.track_feedback_months f WHERE f.month = months.month)
