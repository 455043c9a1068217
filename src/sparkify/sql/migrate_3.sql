-- name: change
-- what users heard is kept in partitions: the rollups are made anew, with what is seen of them, and so is what was staged for them
DROP TABLE IF EXISTS analytics.user_days, analytics.track_months, analytics.artist_months CASCADE;
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
