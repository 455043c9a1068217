-- name: table
-- Create the table of users' ways from free to paid.
CREATE TABLE IF NOT EXISTS analytics.upgrades (
    user_id      bigint NOT NULL,
    day          date NOT NULL,
    seen_at      timestamptz,
    submitted_at timestamptz,
    paid_at      timestamptz,
    back_at      timestamptz
);
COMMENT ON TABLE analytics.upgrades IS 'Rollup. One row per way of a user from free to paid. It begins with Upgrade, or with Submit Upgrade if the user had not seen that, and ends with Submit Downgrade.';
COMMENT ON COLUMN analytics.upgrades.user_id IS 'The user.';
COMMENT ON COLUMN analytics.upgrades.day IS 'The day on which the way begins, UTC.';
COMMENT ON COLUMN analytics.upgrades.seen_at IS 'The first page view of Upgrade, if it is not after the first Submit Upgrade.';
COMMENT ON COLUMN analytics.upgrades.submitted_at IS 'The first page view of Submit Upgrade.';
COMMENT ON COLUMN analytics.upgrades.paid_at IS 'The first play, neither before submitted_at nor after back_at, that begins a stretch of plays at level paid (analytics.user_level_days).';
COMMENT ON COLUMN analytics.upgrades.back_at IS 'The page view of Submit Downgrade that ends the way, also one without submitted_at.';
CREATE INDEX IF NOT EXISTS upgrades_day ON analytics.upgrades (day);
CREATE INDEX IF NOT EXISTS upgrades_user ON analytics.upgrades (user_id);

-- name: definition
-- Find the ways of each user. Several steps at one moment come in the order of their names. All steps of a user are wanted, or none.
WITH steps AS (
    SELECT user_id, at, page, count(*) FILTER (WHERE page = 'Submit Downgrade') OVER earlier AS ways_before
    FROM analytics.subscription_events
    WHERE page IN ('Upgrade', 'Submit Upgrade', 'Submit Downgrade') AND {wanted}
    WINDOW earlier AS (PARTITION BY user_id ORDER BY at, page COLLATE "C" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
ways AS (
    SELECT user_id, min(at) FILTER (WHERE page = 'Upgrade') AS seen_at, min(at) FILTER (WHERE page = 'Submit Upgrade') AS submitted_at,
           min(at) FILTER (WHERE page = 'Submit Downgrade') AS back_at
    FROM steps GROUP BY user_id, ways_before
)
SELECT user_id, (least(seen_at, submitted_at) AT TIME ZONE 'UTC')::date AS day,
       CASE WHEN seen_at <= submitted_at OR submitted_at IS NULL THEN seen_at END AS seen_at, submitted_at, paid_at, back_at
FROM ways
LEFT JOIN LATERAL (
    SELECT first_play AS paid_at FROM analytics.user_level_days d
    WHERE d.user_id = ways.user_id AND d.day >= (submitted_at AT TIME ZONE 'UTC')::date AND d.level = 'paid' AND first_play >= submitted_at
      AND (back_at IS NULL OR first_play <= back_at)
    ORDER BY d.user_id, d.day, d.stretch_no LIMIT 1
) paid ON submitted_at IS NOT NULL
WHERE seen_at IS NOT NULL OR submitted_at IS NOT NULL

-- name: scope
-- Find the days of all steps and ways of users who have a step on one of these days, or a way that a play or a lost step on them changes.
-- New plays change a way until its first paid play is found, or the user goes back. Arrays, because joins would read all steps and ways.
WITH concerned AS (
    SELECT user_id FROM analytics.subscription_events s JOIN {events} e USING (user_id, day)
    WHERE s.day = ANY (ARRAY(SELECT DISTINCT day FROM {events} e))
    UNION
    SELECT user_id FROM analytics.upgrades w JOIN {events} e USING (user_id)
    WHERE w.user_id = ANY (ARRAY(SELECT DISTINCT user_id FROM {events} e)) AND e.day >= w.day
      AND (submitted_at IS NOT NULL AND paid_at IS NULL AND back_at IS NULL
           OR e.day <= (greatest(seen_at, submitted_at, paid_at, back_at) AT TIME ZONE 'UTC')::date)
)
SELECT user_id, day FROM analytics.subscription_events WHERE user_id = ANY (ARRAY(SELECT user_id FROM concerned))
UNION
SELECT user_id, day FROM analytics.upgrades WHERE user_id = ANY (ARRAY(SELECT user_id FROM concerned))
