-- There may be millions of files: a row is written once, and has no foreign keys.
CREATE TABLE IF NOT EXISTS etl.known_files (
    file_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('song', 'log')),
    path        text COLLATE "C" NOT NULL,
    version     text,
    size        bigint,
    mtime_ns    bigint,
    digest      bytea,
    run_id      bigint NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    trouble     text CHECK (trouble IN ('unreadable', 'vanished')),
    note        text,
    cuts        bigint[],
    first_run_id bigint NOT NULL
);
-- Runs claim files in the order of their paths. An index in the same order grows at its end, in a third of the time.
CREATE UNIQUE INDEX IF NOT EXISTS known_files_path ON etl.known_files (etl.path_key(path), kind);
COMMENT ON TABLE etl.known_files IS 'One row per input file that was seen: what was read of it, and by which run. A run claims a version of a file here before it reads it, so nothing is loaded twice.';
COMMENT ON COLUMN etl.known_files.file_id IS 'The number of the file.';
COMMENT ON COLUMN etl.known_files.kind IS 'song or log.';
COMMENT ON COLUMN etl.known_files.path IS 'The path or URL.';
COMMENT ON COLUMN etl.known_files.version IS 'Size and modification time, or etag, of the bytes that were read; NULL when the file must be read again, or while it is read in parts.';
COMMENT ON COLUMN etl.known_files.size IS 'Size in bytes.';
COMMENT ON COLUMN etl.known_files.mtime_ns IS 'Modification time in nanoseconds since 1970; NULL for an object.';
COMMENT ON COLUMN etl.known_files.digest IS 'SHA-256 of the bytes that were read.';
COMMENT ON COLUMN etl.known_files.run_id IS 'The run that last read it or tried to.';
COMMENT ON COLUMN etl.known_files.first_run_id IS 'The run that first read it or tried to. A later run reads another version, or the same version again.';
COMMENT ON COLUMN etl.known_files.seen_at IS 'When that run saw it.';
COMMENT ON COLUMN etl.known_files.trouble IS 'unreadable or vanished: the next run tries again; NULL when it was read.';
COMMENT ON COLUMN etl.known_files.note IS 'Why it could not be read.';
COMMENT ON COLUMN etl.known_files.cuts IS 'The byte offsets at which its parts begin, if it was read in parts; digest is then the SHA-256 of the parts'' digests.';

CREATE TABLE IF NOT EXISTS etl.manifest (
    manifest_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id     integer NOT NULL,
    version     text NOT NULL,
    run_id      bigint NOT NULL,
    lines       bigint NOT NULL DEFAULT 0,
    blank       bigint NOT NULL DEFAULT 0,
    page_views  bigint NOT NULL DEFAULT 0,
    bare_pages  bigint NOT NULL DEFAULT 0,
    loaded      bigint NOT NULL DEFAULT 0,
    duplicates  bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    forgotten   bigint NOT NULL DEFAULT 0,
    dismissed   bigint NOT NULL DEFAULT 0,
    UNIQUE (file_id, version),
    CONSTRAINT manifest_books_balance
        CHECK (lines = blank + page_views + bare_pages + loaded + duplicates + rejected + forgotten + dismissed)
);
CREATE INDEX IF NOT EXISTS manifest_run ON etl.manifest (run_id);
COMMENT ON TABLE etl.manifest IS 'One row per staged version of a file: the books of its lines, written in the transaction that stages the file or a part of it.';
COMMENT ON COLUMN etl.manifest.manifest_id IS 'The number of this row.';
COMMENT ON COLUMN etl.manifest.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.manifest.version IS 'The version of the file. While the file is read in parts, it includes the number of the run.';
COMMENT ON COLUMN etl.manifest.run_id IS 'The run that staged it.';
COMMENT ON COLUMN etl.manifest.lines IS 'Lines read: the sum of the next eight columns.';
COMMENT ON COLUMN etl.manifest.blank IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.page_views IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.bare_pages IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.loaded IS 'As in etl.files; before publication, the staged plays.';
COMMENT ON COLUMN etl.manifest.duplicates IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.rejected IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.forgotten IS 'As in etl.files.';
COMMENT ON COLUMN etl.manifest.dismissed IS 'As in etl.files.';

CREATE TABLE IF NOT EXISTS etl.rejected_records (
    manifest_id  bigint NOT NULL REFERENCES etl.manifest ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    run_id       bigint NOT NULL,
    file_id      integer NOT NULL,
    line         bigint NOT NULL CHECK (line > 0),
    reason       text NOT NULL,
    detail       text NOT NULL,
    record       bytea NOT NULL,
    record_bytes bigint NOT NULL,
    PRIMARY KEY (manifest_id, line)
);
CREATE INDEX IF NOT EXISTS rejected_records_file ON etl.rejected_records (file_id);
CREATE INDEX IF NOT EXISTS rejected_records_run ON etl.rejected_records (run_id);
COMMENT ON TABLE etl.rejected_records IS 'One row per rejected line: where it was, why it was rejected, and its bytes.';
COMMENT ON COLUMN etl.rejected_records.manifest_id IS 'The version of the file: etl.manifest.';
COMMENT ON COLUMN etl.rejected_records.run_id IS 'The run that read it.';
COMMENT ON COLUMN etl.rejected_records.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN etl.rejected_records.line IS 'Line number in the file, from 1.';
COMMENT ON COLUMN etl.rejected_records.reason IS 'The first reason that applies, in the order of docs/rules.md.';
COMMENT ON COLUMN etl.rejected_records.detail IS 'What exactly is wrong.';
COMMENT ON COLUMN etl.rejected_records.record IS 'The bytes of the line; the first MiB of a longer one.';
COMMENT ON COLUMN etl.rejected_records.record_bytes IS 'The length of the line in bytes.';

CREATE OR REPLACE FUNCTION etl.is_chosen(reject etl.rejected_records, of_file text, path text, reason text, run bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (path IS NULL OR etl.path_ends_with(of_file, path))
       AND (reason IS NULL OR (reject).reason = reason) AND (run IS NULL OR (reject).run_id = run);
COMMENT ON FUNCTION etl.is_chosen IS 'Whether a rejected line of a file is among those with a path, a reason and a run; each may be NULL, for any.';

CREATE OR REPLACE VIEW etl.files AS
SELECT f.file_id, f.kind, f.path,
       CASE
           WHEN f.trouble IS NOT NULL THEN f.trouble
           WHEN f.version IS NULL THEN 'new'
           WHEN etl.is_unfinished(r.state) THEN 'staged'
           ELSE 'loaded'
       END AS state,
       f.version, f.size, f.mtime_ns, f.digest, f.run_id, f.seen_at, f.note,
       coalesce(m.lines, 0) AS lines, coalesce(m.blank, 0) AS blank,
       coalesce(m.page_views, 0) AS page_views, coalesce(m.bare_pages, 0) AS bare_pages,
       coalesce(m.loaded, 0) AS loaded, coalesce(m.duplicates, 0) AS duplicates, coalesce(m.rejected, 0) AS rejected,
       coalesce(m.forgotten, 0) AS forgotten, coalesce(m.dismissed, 0) AS dismissed
FROM etl.known_files f
LEFT JOIN etl.runs r USING (run_id)
LEFT JOIN (SELECT m.* FROM etl.manifest m JOIN etl.runs r USING (run_id) WHERE r.state = 'published') m USING (file_id);
COMMENT ON VIEW etl.files IS 'One row per input file: its state, what was read of it, and its books, which count its lines by outcome.';
COMMENT ON COLUMN etl.files.file_id IS 'The number of the file.';
COMMENT ON COLUMN etl.files.kind IS 'song or log.';
COMMENT ON COLUMN etl.files.path IS 'The path or URL.';
COMMENT ON COLUMN etl.files.state IS 'staged: read, not published yet; loaded; unreadable or vanished: the next run tries again; new: the next run reads it, or reads it again.';
COMMENT ON COLUMN etl.files.version IS 'Size and modification time, or etag, of the bytes that were read; NULL when the file must be read again, or while it is read in parts.';
COMMENT ON COLUMN etl.files.size IS 'Size in bytes.';
COMMENT ON COLUMN etl.files.mtime_ns IS 'Modification time in nanoseconds since 1970; NULL for an object.';
COMMENT ON COLUMN etl.files.digest IS 'SHA-256 of the bytes that were read.';
COMMENT ON COLUMN etl.files.run_id IS 'The run that last read it or tried to.';
COMMENT ON COLUMN etl.files.seen_at IS 'When that run saw it.';
COMMENT ON COLUMN etl.files.note IS 'Why it could not be read.';
COMMENT ON COLUMN etl.files.lines IS 'Lines in the loaded version: the sum of the next eight columns.';
COMMENT ON COLUMN etl.files.blank IS 'Lines of white space only.';
COMMENT ON COLUMN etl.files.page_views IS 'Events of a page other than NextSong. A line counts even if another line says the same.';
COMMENT ON COLUMN etl.files.bare_pages IS 'Such events without a valid session, item in session or time: they are only counted.';
COMMENT ON COLUMN etl.files.loaded IS 'Plays or catalogue records that came from this file.';
COMMENT ON COLUMN etl.files.duplicates IS 'Plays that the warehouse already has from another line.';
COMMENT ON COLUMN etl.files.rejected IS 'Lines set aside in etl.rejected_records.';
COMMENT ON COLUMN etl.files.forgotten IS 'Lines about people who were forgotten; nothing of them is kept.';
COMMENT ON COLUMN etl.files.dismissed IS 'Rejected lines that somebody dismissed; nothing of them is kept unless the file is read again.';
