-- name: change
-- what users heard is kept in partitions. The tables of version 2 stand aside until all of it is moved (rollups.sql, repartition);
-- what was staged for them is computed from the plays instead.
ALTER TABLE etl.manifest
    ADD COLUMN dismissed bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT manifest_books_balance,
    ADD CONSTRAINT manifest_books_balance
        CHECK (lines = blank + other_pages + loaded + duplicates + rejected + forgotten + dismissed);
ALTER TABLE etl.known_files ADD COLUMN first_run_id bigint;
UPDATE etl.known_files SET first_run_id = run_id;
ALTER TABLE etl.known_files ALTER first_run_id SET NOT NULL;
ALTER TABLE IF EXISTS analytics.user_days SET SCHEMA staging;
ALTER TABLE IF EXISTS analytics.track_months SET SCHEMA staging;
ALTER TABLE IF EXISTS analytics.artist_months SET SCHEMA staging;
-- A run can fail; the range of event times has bounds.
ALTER TABLE etl.runs
    ADD COLUMN reason text,
    DROP CONSTRAINT runs_state_check,
    ADD CHECK (state IN ('open', 'publishing', 'published', 'held', 'failed', 'dropped'));
ALTER TABLE etl.warehouse
    DROP CONSTRAINT warehouse_check,
    ADD CONSTRAINT range_within_1900_to_2199
        CHECK ('1900-01-01 00:00:00+00' <= earliest AND earliest < before AND before <= '2200-01-01 00:00:00+00');
-- Partitioned tables have no statistics but those that a load makes: the next one is to.
UPDATE etl.warehouse SET analyzed_plays = 0;
-- The loader has computed what heard songs are known by; PostgreSQL need not do it again.
ALTER TABLE analytics.heard_songs ALTER track_id DROP EXPRESSION, ALTER artist_key DROP EXPRESSION;
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        SELECT format(CASE WHEN relname LIKE '%heard\_songs' THEN 'ALTER TABLE %s ADD COLUMN track_id bigint, ADD COLUMN artist_key bigint'
                           ELSE 'DROP TABLE %s' END, oid::regclass)
        FROM pg_class
        WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r'
          AND relname ~ '^run\d+_\d+_\d+_(heard_songs|user_days|sessions)$'
    LOOP
        EXECUTE change;
    END LOOP;
END
$$
