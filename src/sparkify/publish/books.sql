-- name: add_rows
-- Add to the stored row count of a table, so that nobody has to count its rows.
UPDATE etl.row_counts SET row_count = row_count + %s WHERE table_name = %s

-- name: move_to_duplicates
-- Move plays of a file that is being published from loaded to duplicates.
UPDATE etl.manifest SET loaded = loaded - %(count)s, duplicates = duplicates + %(count)s
WHERE file_id = %(file_id)s AND run_id = %(run_id)s

-- name: move_loaded_to_duplicates
-- Move plays of a published file from loaded to duplicates: the warehouse now has them from another file.
-- The file's present version may lack some of them. A version that an unfinished run has staged counts as
-- present once that run has published the file's plays of this month.
WITH present AS (
    SELECT max(manifest_id) AS manifest_id
    FROM etl.manifest m JOIN etl.runs r USING (run_id)
    WHERE file_id = %(file_id)s
      AND (r.state = 'published'
           OR EXISTS (SELECT FROM etl.staged_slices s
                      WHERE s.run_id = m.run_id AND s.file_id = m.file_id AND s.month = %(month)s AND s.published))
)
UPDATE etl.manifest m SET loaded = loaded - least(%(count)s, loaded), duplicates = duplicates + least(%(count)s, loaded)
FROM present WHERE m.manifest_id = present.manifest_id
