-- name: page_view_ids
-- Every page_view_id is the digest of user, session, item in session and time.
-- do: Something other than sparkify changed this table. Load the log files into a new database.
SELECT start_time, page_view_id, user_id, session_id, item_in_session FROM analytics.page_views
WHERE page_view_id <> etl.songplay_id(user_id, session_id, item_in_session, start_time)

-- name: page_view_months
-- Every partition of page_views is a month.
-- do: Something other than sparkify made it. Move its rows into a partition for the month.
SELECT partition::text, lower(span) AS since, upper(span) AS until
FROM (SELECT inhrelid::regclass AS partition, etl.partition_span(inhrelid) AS span FROM pg_inherits
      WHERE inhparent = to_regclass('analytics.page_views')) partitions
-- A default partition has neither bound.
WHERE lower(span) IS NULL OR span <> tstzrange(date_trunc('month', lower(span)), date_trunc('month', lower(span)) + interval '1 month')

-- name: page_views_of_forgotten
-- No page view without a user is of a session of somebody who was forgotten.
-- do: Run `sparkify forget` for the person again.
SELECT start_time, page_view_id, session_id
FROM analytics.page_views, etl.forgotten_key
WHERE user_id IS NULL AND EXISTS (SELECT FROM etl.forgotten_sessions)
  AND etl.session_digest(key, session_id) IN (SELECT digest FROM etl.forgotten_sessions WHERE forgotten_sessions.session_id IS NULL)

-- name: books_page_views
-- The warehouse has no more page views of a file than its books count.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT f.path, m.page_views, there.page_views AS there
FROM (SELECT file_id, count(*) AS page_views FROM analytics.page_views GROUP BY file_id) there
JOIN etl.known_files f USING (file_id)
JOIN etl.manifest m USING (file_id) JOIN etl.runs r ON r.run_id = m.run_id
-- A file that was read again may have lost lines, whose page views stay.
WHERE r.state = 'published' AND f.first_run_id = f.run_id AND there.page_views > m.page_views
