-- name: find
-- whether a role is something else than what was made here: it may more than read and load, or logs in for another reason
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
       OR rolcanlogin AND NOT EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
           WHERE m.member = r.oid AND g.rolname IN ('sparkify_reader', 'sparkify_loader'))
FROM pg_roles r WHERE rolname = %s

-- name: act_as_owner
-- who may act as the owner of the warehouse does, so that all that is made belongs to one role, whoever loads
SELECT set_config('role', rolname, false)
FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner
WHERE nspname = 'etl' AND rolname <> current_user
  AND pg_has_role(nspowner, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: may_become
-- whether we may act as a role
SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
FROM pg_roles WHERE rolname = %s

-- name: admit
-- the database is open to both. Who makes tables needs CREATE on it: PostgreSQL asks for that even where a schema exists.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO sparkify_reader', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY, CREATE ON DATABASE %I TO sparkify_loader', current_database());
END
$$;
GRANT USAGE, CREATE ON SCHEMA public, analytics TO sparkify_loader;
GRANT USAGE ON SCHEMA analytics TO sparkify_reader

-- name: name_ours
-- what the program makes, for `hand_over` and `grant`
SELECT set_config('sparkify.relations', array_to_string(%(relations)s::text[], ','), true),
       set_config('sparkify.functions', array_to_string(%(functions)s::text[], ','), true)

-- name: are_admitted
-- whether that was done in this database
SELECT EXISTS (
    SELECT FROM pg_database, aclexplode(datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE datname = current_database() AND rolname = 'sparkify_reader' AND privilege_type = 'CONNECT'
)

-- name: hand_over
-- the warehouse, whoever made it, to the role that loads: a month can be attached, or statistics made, by the owner alone.
-- What others have made in analytics, or the schema itself, stays theirs.
DO $$
DECLARE
    change text;
BEGIN
    SET LOCAL lock_timeout = '1s';
    FOR change IN
        WITH maker AS (
            SELECT nspowner AS oid FROM pg_namespace WHERE nspname = 'etl'
        ),
        relations AS (
            SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE relkind IN ('r', 'p', 'v', 'm')
              AND (nspname IN ('etl', 'staging', 'partitions')
                   OR nspname || '.' || relname = ANY (string_to_array(current_setting('sparkify.relations'), ',')))
        )
        SELECT * FROM (
            SELECT format('ALTER SCHEMA %I OWNER TO sparkify_loader', nspname) FROM pg_namespace
            WHERE nspname IN ('analytics', 'etl', 'staging', 'partitions') AND nspowner <> 'sparkify_loader'::regrole
              AND nspowner = (SELECT oid FROM maker)
            ORDER BY nspname
        ) schemas
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO sparkify_loader',
                      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, oid::regclass)
        FROM relations WHERE relowner <> 'sparkify_loader'::regrole
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO sparkify_loader', p.oid::regprocedure)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname || '.' || proname = ANY (string_to_array(current_setting('sparkify.functions'), ','))
          AND proowner <> 'sparkify_loader'::regrole
    LOOP
        EXECUTE change;
    END LOOP;
END
$$

-- name: grant
-- what analysts may see: the star, what stands beside it, and the books; neither lines as they came nor who was forgotten
GRANT USAGE ON SCHEMA public, analytics, etl TO sparkify_reader;
GRANT SELECT ON songplays, users, songs, artists, time TO sparkify_reader;
GRANT SELECT ON etl.warehouse, etl.row_counts, etl.runs, etl.files, etl.known_files, etl.manifest, etl.catalogue_records,
    etl.winning_songs, etl.winning_artists
TO sparkify_reader;
GRANT SELECT (manifest_id, run_id, file_id, line, reason, record_bytes) ON etl.rejected_records TO sparkify_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO sparkify_reader;
-- What others have made in analytics is theirs to grant.
DO $$
DECLARE
    ours text;
BEGIN
    FOR ours IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = 'analytics' AND relkind IN ('r', 'p', 'v')
          AND nspname || '.' || relname = ANY (string_to_array(current_setting('sparkify.relations'), ','))
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO sparkify_reader', ours);
    END LOOP;
END
$$

-- name: read_settings
-- a mistake neither writes nor runs for ever, and no time is lost by compiling queries, most of which are quicker than that; everybody
-- can change it for himself
ALTER ROLE {name} IN DATABASE {database} SET default_transaction_read_only = on;
ALTER ROLE {name} IN DATABASE {database} SET statement_timeout = '5min';
ALTER ROLE {name} IN DATABASE {database} SET jit = off;
ALTER ROLE {name} IN DATABASE {database} SET idle_in_transaction_session_timeout = '10min'

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
