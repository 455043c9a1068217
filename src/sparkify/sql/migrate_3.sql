-- name: change
-- what users heard is kept in partitions. The tables of version 2 stand aside until all of it is moved (rollups.sql, repartition);
-- what was staged for them is computed from the plays instead.
ALTER TABLE IF EXISTS analytics.user_days SET SCHEMA staging;
ALTER TABLE IF EXISTS analytics.track_months SET SCHEMA staging;
ALTER TABLE IF EXISTS analytics.artist_months SET SCHEMA staging;
DO $$
DECLARE
    staged regclass;
BEGIN
    FOR staged IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r' AND relname ~ '^run\d+_\d+_\d+_(user_days|sessions)$'
    LOOP
        EXECUTE format('DROP TABLE %s', staged);
    END LOOP;
END
$$
