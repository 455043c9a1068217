-- name: try_lease
-- a run lives as long as the transaction that holds this lock; its end is the end of the process, however it ends. Whether
-- nobody else has it.
SELECT pg_try_advisory_xact_lock(hashtext('sparkify run'), %s)

-- name: begin_run
-- a new run, unless the warehouse has been upgraded since it was opened
INSERT INTO etl.runs (state) SELECT 'open' FROM etl.warehouse WHERE schema_version = %s RETURNING run_id

-- name: hold_open
-- in every transaction that stages: nobody may begin to publish the run before it ends
SELECT state = 'open' FROM etl.runs WHERE run_id = %s FOR SHARE

-- name: pass_gate
-- the first of every transaction that stages: whoever forgets a person waits until it has ended, and it knows of all
-- who were forgotten before
SELECT pg_advisory_xact_lock_shared(hashtext('sparkify'), hashtext('forget'))

-- name: count_forgotten
-- how many people were forgotten: it only grows
SELECT count(*) FROM etl.forgotten

-- name: forgotten
-- what to recognise them by
SELECT key, array(SELECT digest FROM etl.forgotten) FROM etl.forgotten_key

-- name: staged_months
-- what a run has staged
SELECT month FROM etl.staged_months WHERE run_id = %s ORDER BY month

-- name: add_month
-- the first to add a month makes its tables, in the same transaction; others wait for it here
INSERT INTO etl.staged_months (run_id, month) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true

-- name: create_month
-- the tables of a staged month: bare, no key and no index, with the columns that the star has. Nobody queries them, so
-- autovacuum need not look after them while they grow.
CREATE TABLE {songplays} (LIKE public.songplays INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = false);
CREATE TABLE {heard_plays} (LIKE analytics.heard_plays INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = false);
CREATE TABLE {time} (LIKE public.time INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = false);
CREATE TABLE {users} (
    user_id bigint, first_name text, last_name text, gender text, level text, start_time timestamptz,
    session_id bigint, item_in_session bigint, songplay_id bigint, location text, user_agent text, heard_song_id uuid
);
CREATE TABLE {heard_songs} (
    heard_song_id uuid, title text, artist text, length double precision, song_id text, artist_id text,
    track_id bigint, artist_key bigint
);
CREATE TABLE {levels} (user_id bigint, day date, level text, first_play timestamptz, last_play timestamptz);
CREATE TABLE {repeated} (
    start_time timestamptz, songplay_id bigint, file_id integer, user_id bigint, heard_song_id uuid
);
-- What the rollups of the month are made of. Statistics of arrays are of no use, as in analytics.user_days.
CREATE TABLE {user_days} (LIKE analytics.user_days) WITH (autovacuum_enabled = false);
ALTER TABLE {user_days}
    ALTER plays SET STATISTICS 0, ALTER milliseconds SET STATISTICS 0,
    ALTER hours SET STATISTICS 0, ALTER tracks SET STATISTICS 0, ALTER artists SET STATISTICS 0;
CREATE TABLE {user_agents} (user_agent_id bigint, user_agent text);
CREATE TABLE {sessions} (user_id bigint, session_id bigint, started_at timestamptz, level text)

-- name: hold_months
-- in a transaction that stages: nobody may publish these months before it ends
SELECT month FROM etl.staged_months WHERE run_id = %s AND month = ANY(%s) ORDER BY month FOR SHARE

-- name: add_slices
-- which plays of which files a chunk stages
INSERT INTO etl.staged_slices (run_id, catalogue_version, month, file_id, earliest, latest, plays, matched, times)
SELECT %s, %s, *
FROM unnest(%s::date[], %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[])

-- name: catalogue_version
-- changes when a song may have got another key, or a key another song
SELECT catalogue_version FROM etl.warehouse

-- name: create_catalogue
-- the catalogue records that a run stages
CREATE TABLE {catalogue} (LIKE etl.catalogue_records)

-- name: prepare_claims
-- a place for the files of a chunk
CREATE TEMP TABLE IF NOT EXISTS wanted_files (path text, version text, size bigint, mtime_ns bigint, digest bytea)

-- name: claim
-- the right to stage one version of a file, given once, and to one unfinished run at a time: what another run has
-- staged and not yet published is not in the answer. In the order of the paths: two runs that want the same files wait
-- for each other, never in a circle, and then see the row as the other has left it.
WITH seen AS (
    INSERT INTO etl.known_files AS f (kind, path, version, size, mtime_ns, digest, run_id, first_run_id, seen_at)
    SELECT %(kind)s, path, version, size, mtime_ns, digest, %(run_id)s, %(run_id)s, %(seen_at)s
    FROM wanted_files ORDER BY path COLLATE "C"
    ON CONFLICT (kind, md5(path)) DO UPDATE
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
-- files that were not given: whether the run itself has staged them, for it was not told that the COMMIT had succeeded, and
-- then their books
SELECT path, m.run_id IS NOT NULL, lines, blank, other_pages, loaded, duplicates, rejected, forgotten
FROM etl.known_files f LEFT JOIN etl.manifest m ON m.file_id = f.file_id AND m.run_id = %s
WHERE f.kind = %s AND f.path = ANY(%s)

-- name: not_read_yet
-- files that are claimed now and read in parts
UPDATE etl.known_files SET version = NULL WHERE file_id = ANY(%s)

-- name: claim_part
-- the right to stage a part of a file, given once
INSERT INTO etl.staged_parts (run_id, file_id, start, size) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: digest_part
-- what its bytes were
UPDATE etl.staged_parts SET digest = %s WHERE run_id = %s AND file_id = %s AND start = %s

-- name: hold_file
-- whoever has staged another part of it waits here until we have committed
SELECT FROM etl.known_files WHERE file_id = %s FOR UPDATE

-- name: add_books
-- of a part to those of its file, which is held: of two that find none at the same moment one would fail, for ON CONFLICT
-- looks at one key, and the other would be there twice, too
INSERT INTO etl.manifest AS m
    (manifest_id, file_id, version, run_id, lines, blank, other_pages, loaded, duplicates, rejected, forgotten)
OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (manifest_id) DO UPDATE
SET lines = m.lines + EXCLUDED.lines, blank = m.blank + EXCLUDED.blank,
    other_pages = m.other_pages + EXCLUDED.other_pages, loaded = m.loaded + EXCLUDED.loaded,
    duplicates = m.duplicates + EXCLUDED.duplicates, rejected = m.rejected + EXCLUDED.rejected,
    forgotten = m.forgotten + EXCLUDED.forgotten

-- name: complete
-- the file is read, when all its parts are staged
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
-- what the bytes of a claimed file were
UPDATE etl.known_files SET digest = %s WHERE file_id = %s

-- name: unread
-- a file that vanished or cannot be read: a state, tried again by the next run. What another run has staged of it stays.
INSERT INTO etl.known_files AS f (kind, path, trouble, run_id, first_run_id, note)
VALUES (%(kind)s, %(path)s, %(trouble)s, %(run_id)s, %(run_id)s, %(note)s)
ON CONFLICT (kind, md5(path)) DO UPDATE
SET trouble = EXCLUDED.trouble, run_id = EXCLUDED.run_id, note = EXCLUDED.note, seen_at = now()
WHERE f.run_id = EXCLUDED.run_id
   OR NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id AND etl.is_unfinished(r.state))

-- name: find_unpublished
-- the files that a run which is dropped has not published: all of a held run; song files when the catalogue is still staged
CREATE TEMP TABLE unpublished ON COMMIT DROP AS
SELECT file_id FROM etl.manifest m JOIN etl.runs r USING (run_id) JOIN etl.known_files f USING (file_id)
WHERE m.run_id = {run_id} AND (r.state <> 'failed' OR (f.kind = 'song' AND to_regclass({catalogue}) IS NOT NULL))

-- name: find_unpublished_logs
-- and those with lines in a month that is still staged, also lines that lost there
INSERT INTO unpublished SELECT file_id FROM {heard_plays} UNION SELECT file_id FROM {repeated}

-- name: forget_files
-- files of a run that is dropped: as they were loaded before, or new again. Their rows stay: a number is given once. Where a month
-- of the run is published, log files are new without books: those of an earlier version do not say any more what is there, since the
-- month may hold a part of the file, or have a play of it from another one.
CREATE TEMP TABLE partly_published ON COMMIT DROP AS
SELECT DISTINCT file_id FROM unpublished JOIN etl.known_files USING (file_id)
WHERE kind = 'log' AND EXISTS (SELECT FROM etl.staged_slices s WHERE s.run_id = {run_id} AND published);
DELETE FROM etl.manifest WHERE file_id IN (SELECT file_id FROM partly_published);
DELETE FROM etl.manifest WHERE run_id = {run_id} AND file_id IN (SELECT file_id FROM unpublished);
UPDATE etl.known_files f
SET version = before.version, digest = NULL, cuts = NULL, run_id = coalesce(before.run_id, f.run_id),
    -- The time of a file from before 1970 has a minus of its own.
    size = substring(before.version FROM '^[0-9]+')::bigint,
    mtime_ns = substring(before.version FROM '^[0-9]+-(-?[0-9]+)')::bigint
FROM (SELECT DISTINCT file_id FROM unpublished) dropped
LEFT JOIN LATERAL (
    SELECT version, run_id FROM etl.manifest m WHERE m.file_id = dropped.file_id ORDER BY m.manifest_id DESC LIMIT 1
) before ON true
WHERE f.file_id = dropped.file_id;
DROP TABLE unpublished, partly_published

-- name: prepare_batch
-- a place for the heard songs of a chunk. They are looked up one by one: a join with all of the catalogue would cost by
-- its size, chunk after chunk.
CREATE TEMP TABLE IF NOT EXISTS wanted (heard_song_id uuid);
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off

-- name: matches
-- of these, those that the catalogue has: with several songs the smallest song_id, with its own artist
SELECT DISTINCT ON (k.heard_song_id) encode(uuid_send(k.heard_song_id), 'hex'), song_id, artist_id
FROM wanted JOIN etl.song_keys k USING (heard_song_id)
ORDER BY k.heard_song_id, song_id COLLATE "C"

-- name: ts_range
-- the accepted range of event times, milliseconds
SELECT (extract(epoch FROM earliest) * 1000)::bigint, (extract(epoch FROM before) * 1000)::bigint FROM etl.warehouse

-- name: table_exists
-- whether there is such a table
SELECT to_regclass(%s) IS NOT NULL
