-- name: may_become
-- Tell whether we may act as a role.
SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
FROM pg_roles WHERE rolname = %s

-- name: are_admitted
-- Tell whether the roles were made for this database (sparkify.operations.roles).
SELECT EXISTS (
    SELECT FROM pg_database, aclexplode(datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE datname = current_database() AND rolname = 'sparkify_reader' AND privilege_type = 'CONNECT'
)

-- name: name_ours
-- Store the names of our relations and functions for `hand_over` and `grant` in the same transaction: DO takes no parameters.
SELECT set_config('sparkify.relations', array_to_string(%(relations)s::text[], ','), true),
       set_config('sparkify.functions', array_to_string(%(functions)s::text[], ','), true)

-- name: grant
-- Let the readers' role see the star, our part of analytics and the books, but neither the text of rejected lines nor who was forgotten.
-- A new table in etl is hidden from it unless it is added here.
GRANT USAGE ON SCHEMA analytics, etl TO sparkify_reader;
GRANT SELECT ON etl.warehouse, etl.row_counts, etl.runs, etl.files, etl.known_files, etl.manifest, etl.catalogue_records,
    etl.winning_songs, etl.winning_artists
TO sparkify_reader;
GRANT SELECT (manifest_id, run_id, file_id, line, reason, record_bytes) ON etl.rejected_records TO sparkify_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO sparkify_reader;
-- Objects that others have made in public or analytics are theirs to grant.
DO $$
DECLARE
    ours text;
BEGIN
    FOR ours IN
        SELECT format('SELECT ON %s', c.oid::regclass) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname IN ('public', 'analytics') AND relkind IN ('r', 'p', 'v')
          AND nspname || '.' || relname = ANY (string_to_array(current_setting('sparkify.relations'), ','))
        UNION ALL
        -- PUBLIC usually may, but that can be revoked, and views and questions call functions with the rights of whoever reads.
        SELECT format('EXECUTE ON FUNCTION %s', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname || '.' || proname = ANY (string_to_array(current_setting('sparkify.functions'), ','))
    LOOP
        EXECUTE format('GRANT %s TO sparkify_reader', ours);
    END LOOP;
END
$$
