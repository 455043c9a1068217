-- name: books_balance
-- The books of every file balance: its lines are the sum of what became of them.
-- do: Change a byte of the file (add a blank line at its end) and load again.
SELECT f.path, m.lines, m.blank, m.page_views, m.bare_pages, m.loaded, m.duplicates, m.rejected, m.forgotten, m.dismissed
FROM etl.manifest m JOIN etl.known_files f USING (file_id)
WHERE m.lines <> m.blank + m.page_views + m.bare_pages + m.loaded + m.duplicates + m.rejected + m.forgotten + m.dismissed

-- name: files_have_books
-- Every loaded file has books, and every row of the manifest has a file and a run.
-- do: Change a byte of the file (add a blank line at its end) and load again.
SELECT f.path, 'no books' AS what
FROM etl.known_files f JOIN etl.runs r USING (run_id)
WHERE f.version IS NOT NULL AND f.trouble IS NULL AND r.state = 'published'
  AND NOT EXISTS (SELECT FROM etl.manifest m WHERE m.file_id = f.file_id)
UNION ALL
SELECT f.path, 'of no run' FROM etl.known_files f WHERE NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = f.run_id)
UNION ALL
SELECT 'file ' || m.file_id, 'books of no file or run' FROM etl.manifest m
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = m.file_id)
   OR NOT EXISTS (SELECT FROM etl.runs r WHERE r.run_id = m.run_id)
UNION ALL
SELECT path, 'books of ' || count(*) || ' versions'
FROM etl.manifest m JOIN etl.known_files f USING (file_id) JOIN etl.runs r ON r.run_id = m.run_id
WHERE r.state = 'published' GROUP BY file_id, path HAVING count(*) > 1

-- name: books_rejected
-- The books count as many rejected lines as there are rejected records.
-- do: Change a byte of the file (add a blank line at its end) and load again.
SELECT m.manifest_id, (SELECT path FROM etl.known_files f WHERE f.file_id = coalesce(m.file_id, r.file_id)) AS path,
       m.rejected, coalesce(r.records, 0) AS records
FROM etl.manifest m
FULL JOIN (SELECT manifest_id, file_id, count(*) AS records FROM etl.rejected_records GROUP BY manifest_id, file_id) r
    ON r.manifest_id = m.manifest_id AND r.file_id = m.file_id
WHERE coalesce(m.rejected, 0) <> coalesce(r.records, 0)

-- name: books_loaded
-- The warehouse has every row that the books of a file call loaded.
-- do: Change a byte of the file (add a blank line at its end) and load again.
WITH loaded AS (
    SELECT f.file_id, f.kind, f.path, m.loaded
    FROM etl.manifest m JOIN etl.known_files f USING (file_id)
    JOIN etl.runs r ON r.run_id = m.run_id JOIN etl.runs last ON last.run_id = f.run_id
    WHERE r.state = 'published' AND NOT etl.is_unfinished(last.state)
),
there AS MATERIALIZED (
    SELECT 'log' AS kind, file_id, count(*) AS there FROM analytics.heard_plays GROUP BY file_id
    UNION ALL
    SELECT 'song', file_id, count(*) FROM etl.catalogue_records GROUP BY file_id
)
SELECT path, loaded, coalesce(there, 0) AS there
FROM loaded LEFT JOIN there USING (kind, file_id)
-- A log file that lost lines keeps their plays: there may be more than its present version has.
WHERE loaded > coalesce(there, 0) OR (kind = 'song' AND loaded <> coalesce(there, 0))

-- name: lineage
-- Every play, page view and catalogue record comes from a known file.
-- do: Change a byte of the files concerned (add a blank line at their end) and load again.
SELECT 'heard_plays' AS in_table, p.file_id, count(*) AS rows FROM analytics.heard_plays p
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = p.file_id AND f.kind = 'log') OR p.line < 1
GROUP BY p.file_id
UNION ALL
SELECT 'page_views', v.file_id, count(*) FROM analytics.page_views v
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = v.file_id AND f.kind = 'log') OR v.line < 1
GROUP BY v.file_id
UNION ALL
SELECT 'catalogue_records', c.file_id, count(*) FROM etl.catalogue_records c
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = c.file_id AND f.kind = 'song')
GROUP BY c.file_id

-- name: row_counts
-- The stored row counts are those of the tables.
-- do: While no load runs, UPDATE etl.row_counts with the real ones.
SELECT table_name, row_count AS kept, rows AS real
FROM etl.row_counts
FULL JOIN (
    SELECT 'songplays' AS table_name, count(*) AS rows FROM songplays
    UNION ALL SELECT 'matched', count(song_id) FROM songplays
    UNION ALL SELECT 'time', count(*) FROM time
    UNION ALL SELECT 'users', count(*) FROM users
    UNION ALL SELECT 'songs', count(*) FROM songs
    UNION ALL SELECT 'artists', count(*) FROM artists
) real USING (table_name)
WHERE row_count IS DISTINCT FROM rows
