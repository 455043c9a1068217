-- name: table
-- Create the table of what each user did in each week.
CREATE TABLE IF NOT EXISTS analytics.user_week_counts (
    user_id           bigint NOT NULL,
    week              date NOT NULL,
    level             text,
    last_day          date NOT NULL,
    plays             integer NOT NULL,
    milliseconds      bigint NOT NULL,
    sessions          integer NOT NULL,
    views             integer NOT NULL,
    adverts           integer NOT NULL,
    thumbs_up         integer NOT NULL,
    thumbs_down       integer NOT NULL,
    playlist_adds     integer NOT NULL,
    friends_added     integer NOT NULL,
    errors            integer NOT NULL,
    help              integer NOT NULL,
    upgrade_views     integer NOT NULL,
    downgrade_views   integer NOT NULL,
    upgrades          integer NOT NULL,
    downgrades        integer NOT NULL,
    cancellations     integer NOT NULL
);
COMMENT ON TABLE analytics.user_week_counts IS 'Rollup. One row per user and ISO week, UTC, with plays or page views. analytics.user_weeks adds what came after.';
COMMENT ON COLUMN analytics.user_week_counts.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_week_counts.week IS 'The Monday of the week.';
COMMENT ON COLUMN analytics.user_week_counts.level IS 'The level at the end of the week: of the last play or page view that has one; of several at that moment, the greatest by name.';
COMMENT ON COLUMN analytics.user_week_counts.last_day IS 'The last day of the week with a play or a page view.';
COMMENT ON COLUMN analytics.user_week_counts.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.user_week_counts.milliseconds IS 'As in analytics.user_days.';
COMMENT ON COLUMN analytics.user_week_counts.sessions IS 'Sessions with plays or page views in the week.';
COMMENT ON COLUMN analytics.user_week_counts.views IS 'Page views, logged in, of any page.';
COMMENT ON COLUMN analytics.user_week_counts.adverts IS 'Page views of Roll Advert.';
COMMENT ON COLUMN analytics.user_week_counts.thumbs_up IS 'Page views of Thumbs Up.';
COMMENT ON COLUMN analytics.user_week_counts.thumbs_down IS 'Page views of Thumbs Down.';
COMMENT ON COLUMN analytics.user_week_counts.playlist_adds IS 'Page views of Add to Playlist.';
COMMENT ON COLUMN analytics.user_week_counts.friends_added IS 'Page views of Add Friend.';
COMMENT ON COLUMN analytics.user_week_counts.errors IS 'Page views that failed: status 400 to 599, or page Error.';
COMMENT ON COLUMN analytics.user_week_counts.help IS 'Page views of Help.';
COMMENT ON COLUMN analytics.user_week_counts.upgrade_views IS 'Page views of Upgrade.';
COMMENT ON COLUMN analytics.user_week_counts.downgrade_views IS 'Page views of Downgrade.';
COMMENT ON COLUMN analytics.user_week_counts.upgrades IS 'Page views of Submit Upgrade.';
COMMENT ON COLUMN analytics.user_week_counts.downgrades IS 'Page views of Submit Downgrade.';
COMMENT ON COLUMN analytics.user_week_counts.cancellations IS 'Page views of Cancellation Confirmation.';
CREATE UNIQUE INDEX IF NOT EXISTS user_week_counts_key ON analytics.user_week_counts (user_id, week);
CREATE INDEX IF NOT EXISTS user_week_counts_week ON analytics.user_week_counts USING brin (week date_minmax_multi_ops) WITH (pages_per_range = 32);

-- name: definition
-- Sum up the plays, page views and sessions of each user and week. The text of a moment, with the level after it, finds the last level.
-- core/user_weeks.c counts the same for whole weeks of new months.
WITH viewed AS (
    SELECT user_id, week, max(at_level) AS at_level, count(*) AS views,
           count(*) FILTER (WHERE page = 'Roll Advert') AS adverts, count(*) FILTER (WHERE page = 'Thumbs Up') AS thumbs_up,
           count(*) FILTER (WHERE page = 'Thumbs Down') AS thumbs_down,
           count(*) FILTER (WHERE page = 'Add to Playlist') AS playlist_adds,
           count(*) FILTER (WHERE page = 'Add Friend') AS friends_added, count(*) FILTER (WHERE is_error) AS errors,
           count(*) FILTER (WHERE page = 'Help') AS help, count(*) FILTER (WHERE page = 'Upgrade') AS upgrade_views,
           count(*) FILTER (WHERE page = 'Downgrade') AS downgrade_views, count(*) FILTER (WHERE page = 'Submit Upgrade') AS upgrades,
           count(*) FILTER (WHERE page = 'Submit Downgrade') AS downgrades,
           count(*) FILTER (WHERE page = 'Cancellation Confirmation') AS cancellations
    FROM (SELECT user_id, day, analytics.week_of(day) AS week, page, analytics.is_error(page, status) AS is_error,
                 analytics.sortable(start_time, level) COLLATE "C" AS at_level
          FROM (SELECT v.*, (start_time AT TIME ZONE 'UTC')::date AS day FROM {page_views} v WHERE user_id IS NOT NULL) days) weeks
    WHERE {wanted}
    GROUP BY user_id, week
),
heard AS (
    SELECT user_id, week, sum(plays) AS plays, sum(milliseconds) AS milliseconds
    FROM (SELECT d.*, analytics.week_of(day) AS week FROM {user_days} d) weeks
    WHERE {wanted}
    GROUP BY user_id, week
),
levels AS (
    SELECT user_id, week, max(analytics.sortable(last_play, level) COLLATE "C") AS at_level
    FROM (SELECT l.*, analytics.week_of(day) AS week FROM {level_days} l) weeks
    WHERE {wanted}
    GROUP BY user_id, week
),
used AS (
    SELECT user_id, week, count(DISTINCT session_id) AS sessions, max(day) AS last_day
    FROM (SELECT user_id, session_id, day, analytics.week_of(day) AS week FROM {session_days} s WHERE user_id IS NOT NULL) weeks
    WHERE {wanted}
    GROUP BY user_id, week
)
SELECT user_id, week, substr(greatest(l.at_level, v.at_level), 17) AS level, last_day,
       coalesce(plays, 0)::integer AS plays, coalesce(milliseconds, 0)::bigint AS milliseconds, sessions::integer AS sessions,
       coalesce(views, 0)::integer AS views, coalesce(adverts, 0)::integer AS adverts,
       coalesce(thumbs_up, 0)::integer AS thumbs_up, coalesce(thumbs_down, 0)::integer AS thumbs_down,
       coalesce(playlist_adds, 0)::integer AS playlist_adds, coalesce(friends_added, 0)::integer AS friends_added,
       coalesce(errors, 0)::integer AS errors, coalesce(help, 0)::integer AS help,
       coalesce(upgrade_views, 0)::integer AS upgrade_views, coalesce(downgrade_views, 0)::integer AS downgrade_views,
       coalesce(upgrades, 0)::integer AS upgrades, coalesce(downgrades, 0)::integer AS downgrades,
       coalesce(cancellations, 0)::integer AS cancellations
FROM used LEFT JOIN viewed v USING (user_id, week) LEFT JOIN heard h USING (user_id, week) LEFT JOIN levels l USING (user_id, week)

-- name: scope
-- Find the weeks of some days.
SELECT DISTINCT analytics.week_of(day) AS week FROM {event_days} e
