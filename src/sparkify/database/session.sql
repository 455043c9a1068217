-- name: pin
-- Set every setting that can change the result of a statement, whatever the role, the database, the DSN or the environment says.
-- It skips settings that this server does not know, and those that have the value already: only a superuser may set some.
-- Settings for the machine (memory, costs, workers, other tablespaces than the database's own) stay as they are.
-- Names are found in pg_catalog alone until we act as the owner: whoever may make functions in public could otherwise have one called
-- with the rights of a superuser.
SET search_path = '';
SELECT set_config(name, value, false)
FROM (VALUES
    -- How values are sent and received.
    ('client_encoding', 'UTF8'),
    ('DateStyle', 'ISO, MDY'),
    ('IntervalStyle', 'postgres'),
    ('TimeZone', 'UTC'),
    ('bytea_output', 'hex'),
    ('extra_float_digits', '1'),                    -- every digit of a double
    -- How a statement is understood.
    ('standard_conforming_strings', 'on'),
    ('array_nulls', 'on'),
    ('transform_null_equals', 'off'),
    ('quote_all_identifiers', 'off'),               -- names are compared as text: regclass, partition bounds
    ('default_transaction_isolation', 'read committed'),  -- our locks rely on it
    ('row_security', 'off'),                        -- a policy that hides rows is an error, not a lower count
    ('restrict_nonsystem_relation_kind', ''),
    ('gin_fuzzy_search_limit', '0'),
    ('client_min_messages', 'warning'),
    -- How the planner works: a bad plan takes hours instead of seconds. Single statements switch some off (database/planner.py).
    ('jit', 'off'),  -- compiling takes tenths of a second, most questions take hundredths (docs/performance.md)
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
    -- By default, a server notices only at the end of a statement that its client is gone, and publication has long statements. If the
    -- network goes silent, both ends would wait for hours, and a run without a program would count as alive.
    ('client_connection_check_interval', '1s'),
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '60s')
) AS pinned (name, value)
WHERE current_setting(name, true) <> value

-- name: pin_work
-- Set more for a session that changes or checks the warehouse. It has no time limit: a load that is cut off at the same statement each
-- time would never finish.
SET statement_timeout = 0;  -- first: it limits the statements below, too
SELECT set_config(name, value, false)
FROM (VALUES
    ('lock_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('default_table_access_method', 'heap'),
    ('session_replication_role', 'origin')          -- otherwise no foreign key is checked
) AS pinned (name, value)
WHERE current_setting(name, true) <> value;
-- The tablespace of the database must not be named: PostgreSQL then refuses to make partitioned tables.
SELECT set_config('default_tablespace', '', false)
FROM pg_database JOIN pg_tablespace t ON t.oid = dattablespace
WHERE datname = current_database() AND spcname = current_setting('default_tablespace');
-- A batch that counts as staged must survive a crash of the server. A setting that waits for a standby is kept.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'

-- name: act_as_owner
-- Act as the owner of the warehouse if we may, so that one role owns everything, whoever loads.
SELECT set_config('role', rolname::text, false)
FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner
WHERE nspname = 'etl' AND rolname <> current_user
  AND pg_has_role(nspowner, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: find_star
-- Find the tables of the star by their names.
SET search_path = public

-- name: has_version
-- Return a row if etl.warehouse is a table with a version. A view could call functions of whoever made it.
SELECT FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attrelid = to_regclass('etl.warehouse')::oid AND attname = 'schema_version' AND relkind = 'r'

-- name: room
-- Count the connections that we may still open: those that the server has left, within the limits of the database and the role.
-- The view pg_stat_activity would also look up names.
WITH taken AS MATERIALIZED (SELECT datid, usesysid FROM pg_stat_get_activity(NULL) WHERE datid IS NOT NULL)
SELECT least(
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true)::integer, 0) - (SELECT count(*) FROM taken),
    (SELECT nullif(datconnlimit, -1) - (SELECT count(*) FROM taken WHERE datid = d.oid)
     FROM pg_database d WHERE datname = current_database()),
    (SELECT nullif(rolconnlimit, -1) - (SELECT count(*) FROM taken WHERE usesysid = r.oid)
     FROM pg_roles r WHERE rolname = session_user)
)::integer

-- name: switch
-- Set some settings, for the rest of the transaction or of the session, and return their earlier values (database/planner.py).
-- MATERIALIZED reads the old value of each setting before it is changed.
WITH wanted AS MATERIALIZED (
    SELECT name, value, current_setting(name) AS before FROM unnest(%s::text[], %s::text[]) AS w (name, value)
)
SELECT name, before FROM wanted WHERE set_config(name, value, %s) IS NOT NULL
