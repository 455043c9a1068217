-- A publisher locks its one row inside a transaction: session locks break behind connection poolers.
CREATE TABLE IF NOT EXISTS etl.warehouse (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    schema_version integer NOT NULL,
    earliest       timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00',
    before         timestamptz NOT NULL DEFAULT '2100-01-01 00:00:00+00',
    catalogue_version bigint NOT NULL DEFAULT 0,
    -- Every tool can show these years: pandas counts nanoseconds in 64 bits, and Python has no year 10000.
    CONSTRAINT range_within_1900_to_2199
        CHECK ('1900-01-01 00:00:00+00' <= earliest AND earliest < before AND before <= '2200-01-01 00:00:00+00')
);
COMMENT ON TABLE etl.warehouse IS 'One row: the schema version, the accepted range of event times, and counters of the loader.';
COMMENT ON COLUMN etl.warehouse.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN etl.warehouse.schema_version IS 'The version of this schema.';
COMMENT ON COLUMN etl.warehouse.earliest IS 'Events before this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.before IS 'Events at or after this moment are rejected.';
COMMENT ON COLUMN etl.warehouse.catalogue_version IS 'Incremented when a publication may change which song a heard song matches.';

-- Counting 20 million rows takes seconds; a load adds to these counts, and `sparkify check` compares them.
CREATE TABLE IF NOT EXISTS etl.row_counts (
    table_name text PRIMARY KEY,
    row_count  bigint NOT NULL CHECK (row_count >= 0)
);
INSERT INTO etl.row_counts (table_name, row_count)
VALUES ('songplays', 0), ('users', 0), ('songs', 0), ('artists', 0), ('time', 0), ('matched', 0)
ON CONFLICT DO NOTHING;
COMMENT ON TABLE etl.row_counts IS 'One row per table of the star, with the row count that the loader maintains; and one row, matched, for the plays with a song_id.';
COMMENT ON COLUMN etl.row_counts.table_name IS 'The table, or matched.';
COMMENT ON COLUMN etl.row_counts.row_count IS 'The number of rows.';

CREATE TABLE IF NOT EXISTS etl.runs (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state       text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'publishing', 'published', 'held', 'failed', 'dropped')),
    report      jsonb,
    reason      text
);
COMMENT ON TABLE etl.runs IS 'One row per run: a load that had something to load, or a retry of rejects. What a retry loads is counted for the runs that read the lines.';
COMMENT ON COLUMN etl.runs.run_id IS 'The number of the run.';
COMMENT ON COLUMN etl.runs.started_at IS 'When it started.';
COMMENT ON COLUMN etl.runs.finished_at IS 'When everything it staged was published, held or dropped, or when it failed.';
COMMENT ON COLUMN etl.runs.state IS 'open: it stages; publishing; published; held: it has more rejects than allowed, and nothing was published; failed: something cannot be published, see reason; dropped: its unpublished rows were deleted.';
COMMENT ON COLUMN etl.runs.report IS 'The report of the run.';
COMMENT ON COLUMN etl.runs.reason IS 'Why the run failed: what could not be published and the error of PostgreSQL; otherwise NULL.';
