-- The schemas beside public. Others may keep things in public and analytics, too; the rest is ours alone.
CREATE SCHEMA IF NOT EXISTS partitions;
COMMENT ON SCHEMA partitions IS 'The partitions of songplays, time, heard_plays, page_views and the large rollups: a month, or some days of one. Query the tables they belong to.';
CREATE SCHEMA IF NOT EXISTS staging;
COMMENT ON SCHEMA staging IS 'Rows of runs that are not published yet. Not for readers.';
CREATE SCHEMA IF NOT EXISTS etl;
COMMENT ON SCHEMA etl IS 'The books of the loader: runs, files, rejected records, catalogue records.';
CREATE SCHEMA IF NOT EXISTS analytics;
-- Somebody else may have created this schema; then the comment is theirs.
DO $$
BEGIN
    IF (SELECT count(DISTINCT nspowner) = 1 FROM pg_namespace WHERE nspname IN ('etl', 'analytics')) THEN
        COMMENT ON SCHEMA analytics IS 'Details of each play from the logs, and everything derived from the star.';
    END IF;
END
$$;
