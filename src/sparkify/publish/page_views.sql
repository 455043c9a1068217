-- name: any_page_view
-- Tell whether page views are staged for the month.
SELECT EXISTS (SELECT FROM {page_views})

-- name: remove_forgotten_views
-- Delete staged page views without a user in sessions of forgotten people.
DELETE FROM {page_views} v USING etl.forgotten_key
WHERE EXISTS (SELECT FROM etl.forgotten_sessions) AND v.user_id IS NULL
  AND EXISTS (SELECT FROM etl.forgotten_sessions s WHERE s.digest = etl.session_digest(key, v.session_id))

-- name: new_sessions
-- Take the sessions of forgotten people that loads have met since the last time.
WITH new AS (SELECT digest, session_id FROM etl.forgotten_sessions WHERE session_id IS NOT NULL ORDER BY digest FOR UPDATE)
UPDATE etl.forgotten_sessions s SET session_id = NULL FROM new WHERE s.digest = new.digest RETURNING new.session_id

-- name: delete_forgotten_views
-- Delete published page views without a user in these sessions, and note their days.
-- reads: events
WITH gone AS (
    DELETE FROM analytics.page_views WHERE user_id IS NULL AND session_id = ANY(%s) RETURNING start_time
)
INSERT INTO events SELECT DISTINCT NULL::bigint, (start_time AT TIME ZONE 'UTC')::date FROM gone

-- name: remove_repeated_views
-- Keep the winning variant of each page view, or the first line of equal ones.
WITH twice AS (
    SELECT start_time, page_view_id FROM {page_views} GROUP BY start_time, page_view_id HAVING count(*) > 1
),
variants AS (
    SELECT v.ctid AS row, row_number() OVER (
               PARTITION BY start_time, page_view_id
               ORDER BY etl.view_variant(ROW(v.*)::analytics.page_views), f.path COLLATE "C", line
           ) AS variant
    FROM twice JOIN {page_views} v USING (start_time, page_view_id) JOIN etl.known_files f USING (file_id)
)
DELETE FROM {page_views} p USING variants WHERE p.ctid = variants.row AND variant > 1

-- name: merge_page_views
-- Insert the winning variant of each staged page view, unless the warehouse has a smaller one. An equal one gets the
-- staged line if the file of its own is now read again, or if the staged line comes first in the same file. Note
-- the users and days of what changes.
-- reads: events
WITH changed AS (
    INSERT INTO analytics.page_views AS there
    SELECT DISTINCT ON (start_time, page_view_id) v.*
    FROM {page_views} v JOIN etl.known_files f USING (file_id)
    ORDER BY start_time, page_view_id, etl.view_variant(ROW(v.*)::analytics.page_views), f.path COLLATE "C", line
    ON CONFLICT (start_time, page_view_id) DO UPDATE
    SET page = EXCLUDED.page, level = EXCLUDED.level, auth = EXCLUDED.auth, method = EXCLUDED.method,
        status = EXCLUDED.status, file_id = EXCLUDED.file_id, line = EXCLUDED.line
    WHERE etl.view_variant(EXCLUDED) < etl.view_variant(there)
       OR (etl.view_variant(EXCLUDED) = etl.view_variant(there)
           AND (EXCLUDED.file_id, EXCLUDED.line) <> (there.file_id, there.line)
           AND ((EXCLUDED.file_id = there.file_id AND EXCLUDED.line < there.line)
                OR there.file_id IN (SELECT file_id FROM {page_views} JOIN etl.known_files USING (file_id)
                                     WHERE first_run_id <> {run_id} AND NOT {retried})))
    RETURNING user_id, start_time
)
INSERT INTO events SELECT DISTINCT user_id, (start_time AT TIME ZONE 'UTC')::date FROM changed
