-- name: change
-- large files are read in parts; people can be forgotten: the books have a column for their lines, and staged months know of whom a line that lost was
ALTER TABLE etl.manifest
    ADD COLUMN forgotten bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT manifest_books_balance,
    ADD CONSTRAINT manifest_books_balance CHECK (lines = blank + other_pages + loaded + duplicates + rejected + forgotten);
ALTER TABLE etl.known_files ADD COLUMN cuts bigint[];
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
$$;
-- Heard songs know what analysis takes for one song and for one artist.
CREATE FUNCTION analytics.text_id(text text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || substr(md5(text), 1, 16))::bit(64) >> 1)::bigint;

CREATE FUNCTION analytics.track_id(title text, artist text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || substr(md5(md5(title) || artist), 1, 16))::bit(64) >> 1)::bigint;

ALTER TABLE analytics.heard_songs
    ADD COLUMN track_id bigint NOT NULL GENERATED ALWAYS AS (analytics.track_id(title, artist)) STORED,
    ADD COLUMN artist_key bigint NOT NULL GENERATED ALWAYS AS (analytics.text_id(artist)) STORED
