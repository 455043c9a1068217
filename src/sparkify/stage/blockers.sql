-- name: clear_snapshot
-- Drop what this transaction knows of the other sessions: it would never see them change.
SELECT pg_stat_clear_snapshot()

-- name: blockers
-- List the sessions of other programs whose locks have kept one of ours waiting for some seconds.
WITH waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_locks
    WHERE NOT granted AND clock_timestamp() - waitstart > make_interval(secs => %s)
)
SELECT DISTINCT other.pid, other.usename, other.application_name
FROM waiting
JOIN pg_stat_activity ours ON ours.pid = waiting.pid
JOIN pg_stat_activity other ON other.pid = ANY(blockers)
WHERE ours.application_name = 'sparkify' AND ours.datname = current_database() AND other.application_name <> 'sparkify'
  AND other.usename IS NOT NULL  -- not a process of the server itself; its type is hidden from most roles
