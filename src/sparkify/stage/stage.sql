-- name: pass_gate
-- Block `forget` until this staging transaction has ended. It runs first, so that the transaction knows of
-- everyone who was forgotten before.
SELECT pg_advisory_xact_lock_shared(hashtext('sparkify'), hashtext('forget'))

-- name: count_forgotten
-- Count the forgotten people; the number only grows.
SELECT count(*) FROM etl.forgotten

-- name: forgotten
-- Read the key and the digests that recognise them.
SELECT key, array(SELECT digest FROM etl.forgotten) FROM etl.forgotten_key

-- name: remember_sessions
-- Store the digests of sessions of forgotten people: page views without a user in these sessions are not published.
INSERT INTO etl.forgotten_sessions (digest, session_id)
SELECT etl.session_digest(key, session_id) AS digest, session_id FROM etl.forgotten_key, unnest(%s::bigint[]) AS session_id
ORDER BY digest ON CONFLICT DO NOTHING

-- name: staged_months
-- List the months that a run has staged and not yet published.
SELECT month FROM etl.staged_months WHERE run_id = %s ORDER BY month

-- name: add_month
-- Add a month to a run. Only the first worker gets a row, and creates the month's tables in the same
-- transaction; the others wait here for it.
INSERT INTO etl.staged_months (run_id, month) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true

-- name: create_month
-- Create the tables of a staged month, like those of the star but without keys, indexes and constraints, so that COPY
-- is fast, and rows that break a constraint of somebody else fail when they are published. Nobody queries these tables
-- while they grow, so autovacuum is off.
CREATE TABLE {songplays} WITH (autovacuum_enabled = false) AS TABLE public.songplays WITH NO DATA;
CREATE TABLE {heard_plays} WITH (autovacuum_enabled = false) AS TABLE analytics.heard_plays WITH NO DATA;
CREATE TABLE {time} WITH (autovacuum_enabled = false) AS TABLE public.time WITH NO DATA;
CREATE TABLE {users} WITH (autovacuum_enabled = false) AS SELECT * FROM public.users JOIN etl.latest_plays USING (user_id) WITH NO DATA;
CREATE TABLE {heard_songs} (
    heard_song_id uuid, title text, artist text, length double precision, song_id text, artist_id text,
    track_id bigint, artist_key bigint
) WITH (autovacuum_enabled = false);
CREATE TABLE {levels} WITH (autovacuum_enabled = false) AS TABLE analytics.user_level_days WITH NO DATA;
CREATE TABLE {repeated} (start_time timestamptz, songplay_id bigint, file_id integer) WITH (autovacuum_enabled = false);
CREATE TABLE {page_views} WITH (autovacuum_enabled = false) AS TABLE analytics.page_views WITH NO DATA;
-- The month's rollups are counted from these.
CREATE TABLE {user_days} WITH (autovacuum_enabled = false) AS TABLE analytics.user_days WITH NO DATA;
CREATE TABLE {user_agents} (user_agent_id bigint, user_agent text) WITH (autovacuum_enabled = false);
CREATE TABLE {sessions} (user_id bigint, session_id bigint, started_at timestamptz, level text, last_at timestamptz, plays integer)
WITH (autovacuum_enabled = false)

-- name: lock_months
-- Keep these months from being published until this staging transaction has ended.
-- The transaction that created them, xmin, identifies the tables of a month: a month that was published in
-- the middle of a run gets new ones.
SELECT month, xmin::text FROM etl.staged_months WHERE run_id = %s AND month = ANY(%s) ORDER BY month FOR SHARE

-- name: add_slices
-- Note of which files a chunk stages plays or page views.
INSERT INTO etl.staged_slices (run_id, catalogue_version, month, file_id, earliest, latest, plays, matched, times)
SELECT %s, %s, *
FROM unnest(%s::date[], %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[])

-- name: warehouse
-- Read the version of the catalogue, which changes when a heard song may match another song; and the accepted range of
-- event times, in milliseconds since 1970.
SELECT catalogue_version, (extract(epoch FROM earliest) * 1000)::bigint, (extract(epoch FROM before) * 1000)::bigint FROM etl.warehouse

-- name: catalogue_size
-- Read how many songs the catalogue has: another run may have published many since the batch began.
SELECT row_count FROM etl.row_counts WHERE table_name = 'songs'

-- name: catalogue_bytes
-- Read how many bytes the ids in the catalogue have: one may have a thousand.
SELECT coalesce(sum(octet_length(song_id) + octet_length(artist_id)), 0) FROM etl.song_keys

-- name: new_numbers
-- Reserve numbers for new files and their manifest entries; tell whether somebody has put a trigger on the table of files.
SELECT (SELECT relhastriggers FROM pg_class WHERE oid = 'etl.known_files'::regclass),
       array_agg(nextval('etl.known_files_file_id_seq')::integer), array_agg(nextval('etl.manifest_manifest_id_seq'))
FROM generate_series(1, %s)

-- name: prepare_claims
-- Make an empty table for the files of a chunk.
-- makes: wanted_files
CREATE TEMP TABLE IF NOT EXISTS wanted_files (path text, version text, size bigint, mtime_ns bigint, digest bytea);
TRUNCATE wanted_files

-- name: claim
-- Claim files: a version of a file is claimed once, and only one unfinished run at a time has the file. Files
-- that another run has staged and not yet published are not returned. Claiming in the order of paths keeps
-- two runs that want the same files from a deadlock.
-- reads: wanted_files
WITH seen AS (
    INSERT INTO etl.known_files AS f (kind, path, version, size, mtime_ns, digest, run_id, first_run_id, seen_at)
    SELECT %(kind)s, path, version, size, mtime_ns, digest, %(run_id)s, %(run_id)s, %(seen_at)s
    FROM wanted_files ORDER BY path COLLATE "C"
    ON CONFLICT (etl.path_key(path), kind) DO UPDATE
    SET version = EXCLUDED.version, size = EXCLUDED.size, mtime_ns = EXCLUDED.mtime_ns, digest = EXCLUDED.digest,
        cuts = NULL, run_id = EXCLUDED.run_id, seen_at = EXCLUDED.seen_at, trouble = NULL, note = NULL
    WHERE f.version IS DISTINCT FROM EXCLUDED.version
      AND (f.run_id = EXCLUDED.run_id
           OR NOT EXISTS (SELECT FROM etl.runs r
                          WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state)))
    RETURNING file_id, path
)
SELECT path, nextval('etl.manifest_manifest_id_seq'), file_id FROM seen

-- name: staged_earlier
-- Look up files that could not be claimed, with their books if this run staged them: the answer to its COMMIT
-- may have been lost.
SELECT path, m.run_id IS NOT NULL, lines, blank, page_views, bare_pages, loaded, duplicates, rejected, forgotten
FROM etl.known_files f LEFT JOIN etl.manifest m ON m.file_id = f.file_id AND m.run_id = %s
WHERE f.kind = %s AND f.path = ANY(%s)

-- name: not_read_yet
-- Mark files as not read yet, because they are read in parts.
UPDATE etl.known_files SET version = NULL WHERE file_id = ANY(%s)

-- name: claim_part
-- Claim a part of a file; each part is claimed once.
INSERT INTO etl.staged_parts (run_id, file_id, start, size) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: digest_part
-- Note the digest of the bytes of a part.
UPDATE etl.staged_parts SET digest = %s WHERE run_id = %s AND file_id = %s AND start = %s

-- name: lock_file
-- Wait for transactions that staged other parts of the file, and make later ones wait.
SELECT FROM etl.known_files WHERE file_id = %s FOR UPDATE

-- name: add_books
-- Add the books of a part to those of its file, which `lock_file` has locked. Without the lock, two
-- transactions could insert the first row at once, and ON CONFLICT covers only one of the two keys.
INSERT INTO etl.manifest AS m
    (manifest_id, file_id, version, run_id, lines, blank, page_views, bare_pages, loaded, duplicates, rejected, forgotten)
OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (manifest_id) DO UPDATE
SET lines = m.lines + EXCLUDED.lines, blank = m.blank + EXCLUDED.blank,
    page_views = m.page_views + EXCLUDED.page_views, bare_pages = m.bare_pages + EXCLUDED.bare_pages, loaded = m.loaded + EXCLUDED.loaded,
    duplicates = m.duplicates + EXCLUDED.duplicates, rejected = m.rejected + EXCLUDED.rejected,
    forgotten = m.forgotten + EXCLUDED.forgotten

-- name: complete
-- Mark the file as read if all its parts are staged.
WITH parts AS (
    SELECT sum(size) AS size, array_agg(start ORDER BY start) AS cuts,
           sha256(string_agg(digest, ''::bytea ORDER BY start)) AS digest
    FROM etl.staged_parts WHERE run_id = %(run_id)s AND file_id = %(file_id)s
),
known AS (
    UPDATE etl.known_files f SET version = %(version)s, digest = parts.digest, cuts = parts.cuts
    FROM parts WHERE parts.size = %(size)s AND f.file_id = %(file_id)s
    RETURNING file_id
)
UPDATE etl.manifest m SET version = %(version)s
FROM known WHERE m.file_id = known.file_id AND m.run_id = %(run_id)s

-- name: digest
-- Note the digest of the bytes of a claimed file.
UPDATE etl.known_files SET digest = %s WHERE file_id = %s

-- name: note_trouble
-- Note that a file vanished or cannot be read; the next run tries again. If another unfinished run has the
-- file, nothing changes.
INSERT INTO etl.known_files AS f (kind, path, trouble, run_id, first_run_id, note)
VALUES (%(kind)s, %(path)s, %(trouble)s, %(run_id)s, %(run_id)s, %(note)s)
ON CONFLICT (etl.path_key(path), kind) DO UPDATE
SET trouble = EXCLUDED.trouble, run_id = EXCLUDED.run_id, note = EXCLUDED.note, seen_at = now()
WHERE f.run_id = EXCLUDED.run_id
   OR NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))

-- name: prepare_matches
-- Make an empty table for the heard songs of a chunk.
-- makes: unknown_songs
CREATE TEMP TABLE IF NOT EXISTS unknown_songs (number integer, heard_song_id uuid);
TRUNCATE unknown_songs

-- name: matches
-- Match the heard songs of a chunk with the catalogue; the numbers are the worker's.
-- OFFSET 0 makes PostgreSQL look each up by itself: a join would read the whole catalogue for each chunk.
-- reads: unknown_songs
SELECT s.number, m.song_id, m.artist_id
FROM unknown_songs s
CROSS JOIN LATERAL (SELECT * FROM etl.catalogue_matches c WHERE c.heard_song_id = s.heard_song_id OFFSET 0) m

-- name: all_matches
-- Fetch all that heard songs may match, in up to 256 rows: a worker takes Python's global lock for each row, and
-- would wait for it a million times.
COPY (
    SELECT string_agg(
        uuid_send(heard_song_id)
        || int4send(octet_length(textsend(song_id))) || textsend(song_id)
        || int4send(octet_length(textsend(artist_id))) || textsend(artist_id),
        ''::bytea
    )
    FROM etl.catalogue_matches
    GROUP BY get_byte(uuid_send(heard_song_id), 0)
) TO STDOUT (FORMAT binary)
