-- name: table
-- Create the table of what users did in weeks, by what came after.
CREATE TABLE IF NOT EXISTS analytics.week_outcomes (
    week         date NOT NULL,
    level        text,
    cancels      boolean NOT NULL,
    returns      boolean NOT NULL,
    weeks        integer NOT NULL,
    plays        bigint NOT NULL,
    milliseconds bigint NOT NULL,
    sessions     bigint NOT NULL,
    views        bigint NOT NULL,
    adverts      bigint NOT NULL,
    thumbs_up    bigint NOT NULL,
    thumbs_down  bigint NOT NULL,
    errors       bigint NOT NULL,
    help         bigint NOT NULL
);
COMMENT ON TABLE analytics.week_outcomes IS 'Rollup. One row per ISO week, UTC, level, and what users did in the four weeks after: the sums of their rows of analytics.user_week_counts. Near the end of the data, users may still cancel or return.';
COMMENT ON COLUMN analytics.week_outcomes.week IS 'The Monday of the week.';
COMMENT ON COLUMN analytics.week_outcomes.level IS 'The level at the end of the week, as in analytics.user_week_counts.';
COMMENT ON COLUMN analytics.week_outcomes.cancels IS 'Whether the users cancel in the four weeks after this one.';
COMMENT ON COLUMN analytics.week_outcomes.returns IS 'Whether the users do anything in the four weeks after this one.';
COMMENT ON COLUMN analytics.week_outcomes.weeks IS 'How many users.';
COMMENT ON COLUMN analytics.week_outcomes.plays IS 'How many plays.';
COMMENT ON COLUMN analytics.week_outcomes.milliseconds IS 'As in analytics.user_days.';
COMMENT ON COLUMN analytics.week_outcomes.sessions IS 'As in analytics.user_week_counts, like the columns that follow.';
COMMENT ON COLUMN analytics.week_outcomes.views IS 'Page views.';
COMMENT ON COLUMN analytics.week_outcomes.adverts IS 'Page views of Roll Advert.';
COMMENT ON COLUMN analytics.week_outcomes.thumbs_up IS 'Page views of Thumbs Up.';
COMMENT ON COLUMN analytics.week_outcomes.thumbs_down IS 'Page views of Thumbs Down.';
COMMENT ON COLUMN analytics.week_outcomes.errors IS 'Page views that failed.';
COMMENT ON COLUMN analytics.week_outcomes.help IS 'Page views of Help.';
-- A level may be too long for an index entry, so the index holds its hash.
CREATE UNIQUE INDEX IF NOT EXISTS week_outcomes_key ON analytics.week_outcomes
    (week, (hashtextextended(level, 0)), cancels, returns) NULLS NOT DISTINCT;

-- name: definition
-- Sum up the weeks of users by what came after. The weeks after those that are wanted are read, too.
WITH span AS (
    SELECT min(week) AS first, max(week) + 28 AS last FROM analytics.user_week_counts WHERE {wanted}
)
SELECT week, level, cancels, returns, count(*)::integer AS weeks, sum(plays) AS plays, sum(milliseconds)::bigint AS milliseconds,
       sum(sessions) AS sessions, sum(views) AS views, sum(adverts) AS adverts, sum(thumbs_up) AS thumbs_up,
       sum(thumbs_down) AS thumbs_down, sum(errors) AS errors, sum(help) AS help
FROM (SELECT w.*, coalesce(lead(w.week) OVER (PARTITION BY w.user_id ORDER BY w.week) <= w.week + 28, false) AS returns,
             c.user_id IS NOT NULL AS cancels
      FROM analytics.user_week_counts w
      LEFT JOIN (SELECT DISTINCT user_id, analytics.week_of(day) - 7 * ago AS week
                 FROM analytics.subscription_events CROSS JOIN generate_series(1, 4) AS ago
                 WHERE page = 'Cancellation Confirmation'
                   AND day >= (SELECT first FROM span) AND day < (SELECT last FROM span) + 7) c
          ON c.user_id = w.user_id AND c.week = w.week
      WHERE w.week >= (SELECT first FROM span) AND w.week <= (SELECT last FROM span)) weeks
WHERE {wanted}
GROUP BY week, level, cancels, returns

-- name: scope
-- Find the weeks of some days, and the four weeks before each.
SELECT DISTINCT week - 7 * ago AS week
FROM (SELECT analytics.week_of(day) AS week FROM {event_days} e) weeks CROSS JOIN generate_series(0, 4) AS ago
