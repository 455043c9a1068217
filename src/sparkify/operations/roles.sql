-- name: find
-- Find a role, and tell whether it is a stranger: it may do more than read and load, or it can log in and is
-- in neither of our groups.
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
       OR rolcanlogin AND NOT EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
           WHERE m.member = r.oid AND g.rolname IN ('sparkify_reader', 'sparkify_loader'))
FROM pg_roles r WHERE rolname = %s

-- name: readers_may_create
-- Return a row if everybody, or the role that reads, may create things in public: in databases from before PostgreSQL 15
-- everybody may. It says who.
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE 'sparkify_reader' END
FROM pg_namespace CROSS JOIN aclexplode(nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE nspname = 'public' AND a.privilege_type = 'CREATE' AND (a.grantee = 0 OR r.rolname = 'sparkify_reader')

-- name: is_handed_over
-- Tell whether the warehouse belongs to the loader's role already.
SELECT nspowner = 'sparkify_loader'::regrole FROM pg_namespace WHERE nspname = 'etl'

-- name: admit
-- Let both roles into the database. The loader needs CREATE on it: PostgreSQL demands that even if the
-- schemas exist.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO sparkify_reader', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY, CREATE ON DATABASE %I TO sparkify_loader', current_database());
END
$$;
GRANT USAGE, CREATE ON SCHEMA public, analytics TO sparkify_loader;
GRANT USAGE ON SCHEMA public, analytics TO sparkify_reader

-- name: hand_over
-- Give the warehouse to the loader's role, whoever created it: only the owner can attach a month or analyze.
-- What others created stays theirs, and so does the schema analytics if it is theirs: a function of theirs that became the loader's
-- would run with its rights.
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        WITH maker AS (
            SELECT nspowner AS oid FROM pg_namespace WHERE nspname = 'etl' AND nspowner <> 'sparkify_loader'::regrole
        ),
        relations AS (
            SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE relkind IN ('r', 'p', 'v', 'm')
              AND (nspname IN ('etl', 'staging', 'partitions')
                   OR nspname || '.' || relname = ANY (string_to_array(current_setting('sparkify.relations'), ',')))
        )
        SELECT * FROM (
            SELECT format('ALTER SCHEMA %I OWNER TO sparkify_loader', nspname) FROM pg_namespace
            WHERE nspname IN ('analytics', 'etl', 'staging', 'partitions') AND nspowner = (SELECT oid FROM maker)
            ORDER BY nspname
        ) schemas
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO sparkify_loader',
                      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, oid::regclass)
        FROM relations WHERE relowner = (SELECT oid FROM maker)
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO sparkify_loader', p.oid::regprocedure)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname || '.' || proname = ANY (string_to_array(current_setting('sparkify.functions'), ','))
          AND proowner = (SELECT oid FROM maker)
    LOOP
        EXECUTE change;
    END LOOP;
END
$$

-- name: read_settings
-- Keep a reader's mistakes from writing or running for ever, and turn off JIT, which takes longer than most
-- queries. A reader can change these settings for a session.
ALTER ROLE {name} IN DATABASE {database} SET default_transaction_read_only = on;
ALTER ROLE {name} IN DATABASE {database} SET statement_timeout = '5min';
ALTER ROLE {name} IN DATABASE {database} SET jit = off;
ALTER ROLE {name} IN DATABASE {database} SET idle_in_transaction_session_timeout = '10min'
