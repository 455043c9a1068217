-- name: change
-- people can be forgotten: the books have a column for their lines, and staged months know of whom a line that lost was
ALTER TABLE etl.manifest
    ADD COLUMN forgotten bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT manifest_books_balance,
    ADD CONSTRAINT manifest_books_balance CHECK (lines = blank + other_pages + loaded + duplicates + rejected + forgotten);
DO $$
DECLARE
    repeated regclass;
BEGIN
    FOR repeated IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r' AND relname LIKE 'run%\_repeated'
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN user_id bigint, ADD COLUMN heard_song_id uuid', repeated);
    END LOOP;
END
$$
