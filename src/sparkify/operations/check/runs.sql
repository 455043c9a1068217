-- name: staging_left
-- Nothing is staged for runs that are finished.
-- do: DROP these tables and DELETE these rows: a run that ends publishes or drops all it has staged.
WITH unfinished AS (
    SELECT run_id FROM etl.runs WHERE etl.is_unfinished(state)
)
SELECT 'staging.' || relname AS what FROM pg_class
WHERE relnamespace = to_regnamespace('staging') AND relkind IN ('r', 'p')
  AND split_part(relname, '_', 1) NOT IN (SELECT 'run' || run_id FROM unfinished)
UNION ALL
SELECT 'etl.staged_months, run ' || run_id FROM etl.staged_months WHERE run_id NOT IN (SELECT run_id FROM unfinished)
UNION ALL
SELECT DISTINCT 'etl.staged_slices, run ' || run_id FROM etl.staged_slices
WHERE run_id NOT IN (SELECT run_id FROM unfinished)
UNION ALL
SELECT DISTINCT 'etl.staged_parts, run ' || run_id FROM etl.staged_parts
WHERE run_id NOT IN (SELECT run_id FROM unfinished)

-- name: dead_runs
-- Every run is finished, held, failed or alive. A standby cannot see which runs are alive, so
-- nothing is reported there.
-- do: Run `sparkify etl`: it publishes what the dead run had staged.
SELECT run_id, state, started_at FROM etl.runs r
WHERE etl.is_at_work(state) AND NOT pg_is_in_recovery()
  AND NOT EXISTS (
      SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND objsubid = 2 AND datname = current_database()
        AND classid::bigint = hashtext('sparkify run')::bigint & 4294967295 AND objid::bigint = r.run_id
  )
