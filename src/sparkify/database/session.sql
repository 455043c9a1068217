-- name: pin
-- what the result, or the end, of our statements depends on, whatever the role, the database, the DSN or the environment has set; a
-- setting that this server does not know is left out, and one that stands already is not set: some only a superuser may set.
-- What suits the machine (memory, costs, workers, tablespaces) stays as it is.
SET search_path = public;
SELECT set_config(name, value, false)
FROM (VALUES
    -- What is sent and what comes back.
    ('client_encoding', 'UTF8'),
    ('DateStyle', 'ISO, MDY'),
    ('IntervalStyle', 'postgres'),
    ('TimeZone', 'UTC'),
    ('bytea_output', 'hex'),
    ('extra_float_digits', '1'),                    -- every digit of a double
    -- What a statement means.
    ('standard_conforming_strings', 'on'),
    ('array_nulls', 'on'),
    ('transform_null_equals', 'off'),
    ('quote_all_identifiers', 'off'),               -- names are compared as text: regclass, partition bounds
    ('default_transaction_isolation', 'read committed'),  -- the locks count on it
    ('row_security', 'off'),                        -- a row that a policy hides is an error, not a play less
    ('restrict_nonsystem_relation_kind', ''),
    ('gin_fuzzy_search_limit', '0'),
    ('client_min_messages', 'warning'),
    -- How the planner works: the wrong way takes hours instead of seconds. Some statements switch a way off, and on again.
    ('jit', 'off'),  -- compiling takes tenths of a second, and most questions hundredths (docs/performance.md)
    ('plan_cache_mode', 'auto'),
    ('constraint_exclusion', 'partition'),
    ('from_collapse_limit', '8'),
    ('join_collapse_limit', '8'),
    ('enable_async_append', 'on'),
    ('enable_bitmapscan', 'on'),
    ('enable_distinct_reordering', 'on'),
    ('enable_gathermerge', 'on'),
    ('enable_group_by_reordering', 'on'),
    ('enable_hashagg', 'on'),
    ('enable_hashjoin', 'on'),
    ('enable_incremental_sort', 'on'),
    ('enable_indexonlyscan', 'on'),
    ('enable_indexscan', 'on'),
    ('enable_material', 'on'),
    ('enable_memoize', 'on'),
    ('enable_mergejoin', 'on'),
    ('enable_nestloop', 'on'),
    ('enable_parallel_append', 'on'),
    ('enable_parallel_hash', 'on'),
    ('enable_partition_pruning', 'on'),
    ('enable_partitionwise_aggregate', 'off'),
    ('enable_partitionwise_join', 'off'),
    ('enable_presorted_aggregate', 'on'),
    ('enable_self_join_elimination', 'on'),
    ('enable_seqscan', 'on'),
    ('enable_sort', 'on'),
    ('enable_tidscan', 'on'),
    -- A server notices by itself only at the end of a statement that its client is gone; publication has long ones. And where the
    -- network goes silent, both ends would wait for each other for hours: a run would stay alive that nobody runs.
    ('client_connection_check_interval', '1s'),
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '60s')
) AS pinned (name, value)
WHERE current_setting(name, true) <> value

-- name: pin_work
-- the same for what changes the warehouse or examines it. Nothing ends it but its end: it takes as long as its data, and a load
-- that is ended at the same statement each time never gets further.
SET statement_timeout = 0;  -- the first: it ends the statements that follow, too
SELECT set_config(name, value, false)
FROM (VALUES
    ('lock_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('default_table_access_method', 'heap'),
    ('session_replication_role', 'origin')          -- else no foreign key is checked
) AS pinned (name, value)
WHERE current_setting(name, true) <> value;
-- A batch that counts as staged must not be lost with the server. Whoever waits for a standby goes on doing so.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'

-- name: act_as_owner
-- who may act as the owner of the warehouse does, so that all that is made belongs to one role, whoever loads
SELECT set_config('role', rolname, false)
FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner
WHERE nspname = 'etl' AND rolname <> current_user
  AND pg_has_role(nspowner, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: room
-- how many more connections we may open: what the server has left, and the limits of the database and the role
SELECT least(
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true)::integer, 0)
    - (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL),
    (SELECT nullif(datconnlimit, -1) - (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid)
     FROM pg_database d WHERE datname = current_database()),
    (SELECT nullif(rolconnlimit, -1) - (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)
     FROM pg_roles r WHERE rolname = session_user)
)::integer

-- name: switch
-- Set some settings for the rest of the transaction, and give the values that they had before (database/planner.py).
-- MATERIALIZED reads the old value of each setting before it is changed.
WITH wanted AS MATERIALIZED (
    SELECT name, value, current_setting(name) AS before FROM unnest(%s::text[], %s::text[]) AS w (name, value)
)
SELECT name, before FROM wanted WHERE set_config(name, value, true) IS NOT NULL
