-- These tables describe what runs have staged. The rows themselves are in the schema staging (stage/tables.py).
CREATE TABLE IF NOT EXISTS etl.staged_months (
    run_id bigint NOT NULL REFERENCES etl.runs,
    month  date NOT NULL CHECK (extract(day FROM month) = 1),
    PRIMARY KEY (run_id, month)
);
COMMENT ON TABLE etl.staged_months IS 'One row per month that a run has staged and not published yet.';
COMMENT ON COLUMN etl.staged_months.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_months.month IS 'The first day of the month.';

CREATE TABLE IF NOT EXISTS etl.staged_slices (
    run_id            bigint NOT NULL,
    month             date NOT NULL,
    file_id           integer NOT NULL,
    earliest          timestamptz,
    latest            timestamptz,
    catalogue_version bigint NOT NULL,
    plays             bigint NOT NULL,
    matched           bigint NOT NULL,
    times             bigint NOT NULL,
    published         boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS staged_slices_month ON etl.staged_slices (run_id, month);
CREATE INDEX IF NOT EXISTS staged_slices_file ON etl.staged_slices (file_id);
COMMENT ON TABLE etl.staged_slices IS 'One row per chunk, file and month with plays or page views, kept until the run is finished.';
COMMENT ON COLUMN etl.staged_slices.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_slices.month IS 'The first day of the month.';
COMMENT ON COLUMN etl.staged_slices.file_id IS 'The file.';
COMMENT ON COLUMN etl.staged_slices.earliest IS 'The earliest start_time of these plays; NULL when there are page views only.';
COMMENT ON COLUMN etl.staged_slices.latest IS 'The latest start_time of these plays; NULL when there are page views only.';
COMMENT ON COLUMN etl.staged_slices.catalogue_version IS 'The etl.warehouse.catalogue_version with which they were matched.';
COMMENT ON COLUMN etl.staged_slices.plays IS 'How many plays the chunk staged for the month; one of its rows has the count, the others have 0.';
COMMENT ON COLUMN etl.staged_slices.matched IS 'How many of those plays have a song_id.';
COMMENT ON COLUMN etl.staged_slices.times IS 'How many different start_times those plays have.';
COMMENT ON COLUMN etl.staged_slices.published IS 'Whether they are published already; the run may still be going on.';

CREATE TABLE IF NOT EXISTS etl.staged_parts (
    run_id  bigint NOT NULL,
    file_id integer NOT NULL,
    start   bigint NOT NULL,
    size    bigint NOT NULL,
    digest  bytea,
    PRIMARY KEY (run_id, file_id, start)
);
COMMENT ON TABLE etl.staged_parts IS 'One row per part of a large log file, kept until the run is finished. A worker claims a part here, so each is staged once.';
COMMENT ON COLUMN etl.staged_parts.run_id IS 'The run.';
COMMENT ON COLUMN etl.staged_parts.file_id IS 'The file.';
COMMENT ON COLUMN etl.staged_parts.start IS 'The offset of its first byte in the file.';
COMMENT ON COLUMN etl.staged_parts.size IS 'Size in bytes.';
COMMENT ON COLUMN etl.staged_parts.digest IS 'SHA-256 of the bytes that were read.';
