-- name: tables_there
-- every table, view and column that the program makes is there
-- do: restore the database from a backup; `sparkify create-tables` makes tables and views that are missing, empty
WITH wanted AS (
    SELECT relation, null AS "column" FROM unnest(%(relations)s::text[]) AS w (relation)
    UNION ALL
    SELECT * FROM unnest(%(column_relations)s::text[], %(columns)s::text[]) AS w (relation, "column")
)
SELECT relation, "column" FROM wanted
WHERE to_regclass(relation) IS NULL
   OR ("column" IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_attribute
                       WHERE attrelid = to_regclass(relation) AND attname = "column" AND NOT attisdropped))

-- name: rows_visible
-- no row level security hides rows of the warehouse from those who read it
-- do: ALTER TABLE … DISABLE ROW LEVEL SECURITY; then check again, for the other checks need to see all rows
SELECT oid::regclass::text AS relation, relforcerowsecurity AS "hidden from the owner too"
FROM pg_class WHERE oid IN (SELECT to_regclass(relation) FROM unnest(%(relations)s::text[]) AS w (relation)) AND relrowsecurity

-- name: constraints_there
-- tables have all keys and constraints that the program makes
-- do: add what is missing (ALTER TABLE … ADD CONSTRAINT); a load in between may have let something in
WITH wanted AS (
    SELECT * FROM unnest(%(constraint_relations)s::text[], %(constraint_types)s::text[], %(constraint_counts)s::integer[])
        AS w (relation, type, wanted)
),
there AS (
    SELECT relation, type, wanted,
           (SELECT count(*) FROM pg_constraint
            WHERE conrelid = to_regclass(relation) AND conparentid = 0
              AND contype = CASE type WHEN 'primary key' THEN 'p' WHEN 'unique' THEN 'u' WHEN 'check' THEN 'c'
                                      ELSE 'f' END) AS there
    FROM wanted WHERE to_regclass(relation) IS NOT NULL
)
SELECT relation, type, wanted, there FROM there WHERE there < wanted
UNION ALL
SELECT relation, 'not null of ' || attname, 1, 0
FROM unnest(%(column_relations)s::text[], %(columns)s::text[], %(not_null)s::boolean[]) AS w (relation, "column", wanted)
JOIN pg_attribute ON attrelid = to_regclass(relation) AND attname = "column"
WHERE wanted AND NOT attnotnull

-- name: indexes_valid
-- every index that the program makes is there, and each index of the warehouse is valid
-- do: REINDEX it, or run `sparkify create-tables` where it is missing
SELECT relation AS index, 'missing' AS state FROM unnest(%(indexes)s::text[]) AS w (relation)
WHERE to_regclass(relation) IS NULL
UNION ALL
SELECT relation, 'missing' FROM unnest(%(indexes_of_heard_songs)s::text[]) AS w (relation)
WHERE to_regclass(relation) IS NULL AND EXISTS (SELECT FROM analytics.heard_songs)
UNION ALL
SELECT indexrelid::regclass::text, 'not valid'
FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND NOT (indisvalid AND indisready AND indislive)

-- name: keys_enforced
-- constraints are validated and enforced, and their triggers enabled
-- do: ALTER TABLE … VALIDATE CONSTRAINT, or … ENABLE TRIGGER ALL; then check again
SELECT conrelid::regclass::text AS relation, conname::text AS name, 'not validated' AS state
FROM pg_constraint c
WHERE connamespace::regnamespace::text = ANY(%(schemas)s)
  AND (NOT convalidated OR to_jsonb(c) ->> 'conenforced' = 'false')
UNION ALL
SELECT tgrelid::regclass::text, coalesce(conname, tgname)::text, 'disabled'
FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid LEFT JOIN pg_constraint k ON k.oid = tgconstraint
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND tgenabled NOT IN ('O', 'A')

-- name: tables_logged
-- no table is unlogged: a crash of the server would empty it
-- do: ALTER TABLE … SET LOGGED
SELECT oid::regclass::text AS relation FROM pg_class
WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND relkind IN ('r', 'p', 'S', 'm') AND relpersistence <> 'p'

-- name: sequences
-- numbers are not given twice, and not used up
-- do: SELECT setval(…) to the largest number given; where they are used up, make the column a bigint
WITH largest AS (
    SELECT 'runs_run_id_seq' AS sequencename, max(run_id) AS given FROM etl.runs
    UNION ALL SELECT 'known_files_file_id_seq', max(file_id) FROM etl.known_files
    UNION ALL SELECT 'manifest_manifest_id_seq', max(manifest_id) FROM etl.manifest
)
SELECT sequencename::text AS sequence, last_value, given, max_value
FROM pg_sequences JOIN largest USING (sequencename)
-- last_value is null of a sequence that gave no number yet, or that one may not see.
WHERE schemaname = 'etl' AND has_sequence_privilege('etl.' || sequencename, 'SELECT')
  AND (coalesce(last_value, 0) < given OR last_value > max_value / 10 * 9)

-- name: partitions_complete
-- songplays, time, heard_plays and user_days have the same partitions, and track_months and artist_months those of their months
-- do: find the table in schema partitions and attach it again (ALTER TABLE … ATTACH PARTITION)
WITH parents (parent, monthly) AS (
    VALUES ('public.songplays', false), ('public.time', false), ('analytics.heard_plays', false), ('analytics.user_days', false),
           ('analytics.track_months', true), ('analytics.artist_months', true)
),
bounds AS (
    SELECT parent, monthly, substring(bounds FROM $$FROM \('([^']+)'\)$$)::timestamptz AS since,
           substring(bounds FROM $$TO \('([^']+)'\)$$)::timestamptz AS until
    FROM (SELECT parent, monthly, pg_get_expr(relpartbound, c.oid) AS bounds
          FROM parents JOIN pg_inherits ON inhparent = to_regclass(parent) JOIN pg_class c ON c.oid = inhrelid) partitions
),
wanted AS (
    SELECT DISTINCT false AS monthly, since, until FROM bounds WHERE NOT monthly
    UNION
    SELECT true, date_trunc('month', since), date_trunc('month', since) + interval '1 month' FROM bounds
)
SELECT parent AS lacks, since, until
FROM parents JOIN wanted USING (monthly)
WHERE NOT EXISTS (SELECT FROM bounds b WHERE b.parent = parents.parent AND (b.since, b.until) = (wanted.since, wanted.until))

-- name: partition_bounds
-- every row is in the partition of its time
-- do: move the rows: DELETE them from that partition, INSERT them into the parent table
WITH bounds AS (
    SELECT c.oid AS partition,
           substring(pg_get_expr(relpartbound, c.oid) FROM $$FROM \('([^']+)'\)$$)::timestamptz AS since,
           substring(pg_get_expr(relpartbound, c.oid) FROM $$TO \('([^']+)'\)$$)::timestamptz AS until
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent IN (to_regclass('public.songplays'), to_regclass('public.time'), to_regclass('analytics.heard_plays'))
),
ranges AS (
    SELECT tableoid AS partition, min(start_time) AS first, max(start_time) AS last FROM songplays GROUP BY tableoid
    UNION ALL SELECT tableoid, min(start_time), max(start_time) FROM time GROUP BY tableoid
    UNION ALL SELECT tableoid, min(start_time), max(start_time) FROM analytics.heard_plays GROUP BY tableoid
)
SELECT partition::regclass::text AS partition, first, last, since, until
FROM ranges JOIN bounds USING (partition)
WHERE (first >= since AND last < until) IS NOT TRUE

-- name: books_balance
-- every line of every file is accounted for: lines is the sum of what became of them
-- do: touch the file with a changed byte (a blank line at its end) and load again: its books are made anew
SELECT f.path, m.lines, m.blank, m.other_pages, m.loaded, m.duplicates, m.rejected, m.forgotten, m.dismissed
FROM etl.manifest m JOIN etl.known_files f USING (file_id)
WHERE m.lines <> m.blank + m.other_pages + m.loaded + m.duplicates + m.rejected + m.forgotten + m.dismissed

-- name: files_have_books
-- every loaded file has books, and every entry of the manifest a file and a run
-- do: change a byte of the file (a blank line at its end) and load again
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
-- as many lines are rejected as there are rejected records
-- do: change a byte of the file (a blank line at its end) and load again
SELECT m.manifest_id, (SELECT path FROM etl.known_files f WHERE f.file_id = coalesce(m.file_id, r.file_id)) AS path,
       m.rejected, coalesce(r.records, 0) AS records
FROM etl.manifest m
FULL JOIN (SELECT manifest_id, file_id, count(*) AS records FROM etl.rejected_records GROUP BY manifest_id, file_id) r
    ON r.manifest_id = m.manifest_id AND r.file_id = m.file_id
WHERE coalesce(m.rejected, 0) <> coalesce(r.records, 0)

-- name: books_loaded
-- what a file's books call loaded is in the warehouse, from this file
-- do: change a byte of the file (a blank line at its end) and load again
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
-- every play and catalogue record is of a known file
-- do: change a byte of the files that have these plays (a blank line at their end) and load again
SELECT 'heard_plays' AS in_table, p.file_id, count(*) AS rows FROM analytics.heard_plays p
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = p.file_id AND f.kind = 'log') OR p.line < 1
GROUP BY p.file_id
UNION ALL
SELECT 'catalogue_records', c.file_id, count(*) FROM etl.catalogue_records c
WHERE NOT EXISTS (SELECT FROM etl.known_files f WHERE f.file_id = c.file_id AND f.kind = 'song')
GROUP BY c.file_id

-- name: row_counts
-- the row counts that are kept are those of the tables
-- do: UPDATE etl.row_counts with the real ones, while no load runs
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

-- name: plays_have_users
-- every play has its user, and every user a play
-- do: load the log files again into a new database; something wrote to this one
SELECT user_id, count(*) AS plays, 'no user' AS what FROM songplays p
WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = p.user_id) GROUP BY user_id
UNION ALL
SELECT user_id, 0, 'no play' FROM users u WHERE NOT EXISTS (SELECT FROM songplays p WHERE p.user_id = u.user_id)

-- name: plays_have_time
-- every play has its row of time, and every row of time a play
-- do: INSERT what is missing, DELETE what is too much, and mend etl.row_counts
SELECT p.start_time, 'no row of time' AS what FROM songplays p
WHERE NOT EXISTS (SELECT FROM time t WHERE t.start_time = p.start_time)
UNION ALL
SELECT t.start_time, 'no play' FROM time t
WHERE NOT EXISTS (SELECT FROM songplays p WHERE p.start_time = t.start_time)

-- name: time_units
-- the units of time are those of start_time, in UTC
-- do: UPDATE time with what extract() gives of start_time AT TIME ZONE 'UTC'
SELECT start_time, hour, day, week, month, year, weekday
FROM (SELECT *, start_time AT TIME ZONE 'UTC' AS utc FROM time) t
WHERE (hour, day, week, month, year, weekday) IS DISTINCT FROM
      (extract(hour FROM utc), extract(day FROM utc), extract(week FROM utc), extract(month FROM utc),
       extract(year FROM utc), extract(isodow FROM utc) - 1)
   OR date_trunc('milliseconds', utc) <> utc

-- name: songs_have_artists
-- every song has its artist, every play the song and the artist of one song of the catalogue
-- do: load the song files again into a new database; something wrote to this one
SELECT song_id, artist_id, 'song without artist' AS what FROM songs s
WHERE NOT EXISTS (SELECT FROM artists a WHERE a.artist_id = s.artist_id)
UNION ALL
SELECT song_id, artist_id, count(*) || ' plays' FROM songplays p
WHERE (song_id IS NOT NULL OR artist_id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM songs s WHERE s.song_id = p.song_id AND s.artist_id = p.artist_id)
GROUP BY song_id, artist_id

-- name: plays_have_lines
-- every play has its row of heard_plays, and every row of heard_plays its play
-- do: load the log files again into a new database; something wrote to this one
SELECT start_time, songplay_id, CASE WHEN h.line IS NULL THEN 'no line' ELSE 'no play' END AS what
FROM songplays p FULL JOIN analytics.heard_plays h USING (start_time, songplay_id)
WHERE p.user_id IS NULL OR h.line IS NULL

-- name: heard_songs
-- every play has its heard song, whose key is the digest of what was heard
-- do: load the log files again into a new database; something wrote to this one
SELECT heard_song_id, count(*) || ' plays without heard song' AS what FROM analytics.heard_plays p
WHERE NOT EXISTS (SELECT FROM analytics.heard_songs h WHERE h.heard_song_id = p.heard_song_id)
GROUP BY heard_song_id
UNION ALL
SELECT heard_song_id, 'not the digest of title, artist and length' FROM analytics.heard_songs
WHERE heard_song_id <> etl.heard_song_id(title, artist, length)
  AND octet_length(title || artist) = length(title || artist)  -- else it is a finding of text_as_read
UNION ALL
SELECT heard_song_id, 'track_id or artist_key is not the digest of title and artist' FROM analytics.heard_songs
WHERE (track_id, artist_key) IS DISTINCT FROM (analytics.track_id(title, artist), analytics.text_id(artist))
  AND heard_song_id = etl.heard_song_id(title, artist, length)

-- name: text_as_read
-- text that is not ASCII is stored as it was read: it gives the digest that the loader made of the bytes of the file
-- do: a program wrote it with another client_encoding than UTF8. Drop this warehouse and load all files again: `sparkify create-tables --drop`, then `sparkify etl DATA`
SELECT 'heard_songs' AS in_table, heard_song_id::text AS id, title || ', ' || artist AS stored FROM analytics.heard_songs
WHERE octet_length(title || artist) > length(title || artist)
  AND heard_song_id <> etl.heard_song_id(title, artist, length)
UNION ALL
SELECT 'catalogue_records', song_id, title || ', ' || artist_name FROM etl.catalogue_records
WHERE octet_length(title || artist_name) > length(title || artist_name)
  AND heard_song_id <> etl.heard_song_id(title, artist_name, duration)
UNION ALL
SELECT 'user_agents', user_agent_id::text, user_agent FROM analytics.user_agents
WHERE octet_length(user_agent) > length(user_agent) AND user_agent_id <> analytics.text_id(user_agent)

-- name: identities
-- songplay_id is the digest of user, session, item and time
-- do: load the log files again into a new database; something wrote to this one
SELECT start_time, songplay_id, user_id, session_id, item_in_session
FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
WHERE songplay_id <> (('x' || encode(substr(sha256(convert_to(concat_ws(
          ',', user_id, session_id, item_in_session, (extract(epoch FROM start_time) * 1000)::bigint), 'UTF8')), 1, 8),
          'hex'))::bit(64) >> 1)::bigint

-- name: catalogue_winners
-- songs and artists are the winners of the catalogue records
-- do: change a byte of the song files concerned (a blank line at their end) and load again
SELECT 'songs' AS in_table, song_id AS id FROM songs s FULL JOIN etl.winning_songs w USING (song_id)
WHERE (s.title, s.artist_id, s.year, s.duration) IS DISTINCT FROM (w.title, w.artist_id, w.year, w.duration)
UNION ALL
SELECT 'artists', artist_id FROM artists a FULL JOIN etl.winning_artists w USING (artist_id)
WHERE (a.name, a.location, a.latitude, a.longitude) IS DISTINCT FROM (w.name, w.location, w.latitude, w.longitude)

-- name: song_keys
-- every song has the key under which its plays are looked up: that of its winning record
-- do: change a byte of the song files concerned (a blank line at their end) and load again
SELECT song_id, k.heard_song_id AS kept, w.heard_song_id AS real
FROM etl.song_keys k
FULL JOIN (
    SELECT song_id, artist_id, etl.heard_song_id(title, artist_name, duration) AS heard_song_id FROM etl.winning_songs
) w USING (song_id)
WHERE (k.heard_song_id, k.artist_id) IS DISTINCT FROM (w.heard_song_id, w.artist_id)

-- name: matches
-- heard songs and plays have the song of the catalogue that they match, and no other
-- do: change a byte of the song files concerned (a blank line at their end) and load again
WITH matches AS (
    SELECT DISTINCT ON (heard_song_id) heard_song_id, song_id, artist_id
    FROM etl.song_keys ORDER BY heard_song_id, song_id COLLATE "C"
)
SELECT h.heard_song_id, h.song_id AS kept, m.song_id AS real, 0 AS plays
FROM analytics.heard_songs h LEFT JOIN matches m USING (heard_song_id)
WHERE (h.song_id, h.artist_id) IS DISTINCT FROM (m.song_id, m.artist_id)
UNION ALL
SELECT h.heard_song_id, p.song_id, h.song_id, count(*)
FROM songplays p JOIN analytics.heard_plays USING (start_time, songplay_id)
JOIN analytics.heard_songs h USING (heard_song_id)
WHERE (p.song_id, p.artist_id) IS DISTINCT FROM (h.song_id, h.artist_id)
GROUP BY h.heard_song_id, p.song_id, h.song_id

-- name: latest_plays
-- what the loader keeps as a user's latest play is the latest play, and users shows its level
-- do: load the log files again into a new database; something wrote to this one
WITH last AS (
    SELECT user_id, max(start_time) AS start_time FROM songplays GROUP BY user_id
),
latest AS (
    SELECT DISTINCT ON (user_id) user_id, start_time, session_id, item_in_session, songplay_id, level, location,
           user_agent, heard_song_id
    FROM last JOIN songplays USING (user_id, start_time) JOIN analytics.heard_plays USING (start_time, songplay_id)
    ORDER BY user_id, session_id DESC, item_in_session DESC, songplay_id DESC
)
SELECT user_id, k.start_time AS kept, r.start_time AS real, u.level AS level_shown, r.level AS level_real
FROM latest r FULL JOIN etl.latest_plays k USING (user_id) LEFT JOIN users u USING (user_id)
WHERE u.level IS DISTINCT FROM r.level
   OR (k.start_time, k.session_id, k.item_in_session, k.songplay_id, k.level, k.location, k.user_agent, k.heard_song_id)
      IS DISTINCT FROM
      (r.start_time, r.session_id, r.item_in_session, r.songplay_id, r.level, r.location, r.user_agent, r.heard_song_id)

-- name: levels
-- the history of levels is that of the plays
-- do: load the log files again into a new database; something wrote to this one
WITH numbered AS (
    SELECT user_id, (start_time AT TIME ZONE 'UTC')::date AS day, level, start_time,
           row_number() OVER same_day AS position,
           row_number() OVER same_day - row_number() OVER same_level AS island
    FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
    WINDOW same_day AS (PARTITION BY user_id, (start_time AT TIME ZONE 'UTC')::date
                        ORDER BY start_time, session_id, item_in_session, songplay_id),
           same_level AS (PARTITION BY user_id, (start_time AT TIME ZONE 'UTC')::date, level
                          ORDER BY start_time, session_id, item_in_session, songplay_id)
),
real AS (
    SELECT user_id, day, row_number() OVER (PARTITION BY user_id, day ORDER BY min(position))::integer AS stretch_no, level,
           min(start_time) AS first_play, max(start_time) AS last_play
    FROM numbered GROUP BY user_id, day, level, island
)
SELECT user_id, day, stretch_no, k.level AS kept, r.level AS real
FROM analytics.user_level_days k FULL JOIN real r USING (user_id, day, stretch_no)
WHERE (k.level, k.first_play, k.last_play) IS DISTINCT FROM (r.level, r.first_play, r.last_play)

-- name: rollup_days
-- what each user heard on each day is what the plays say: analytics.user_days, and the user agents in it
-- do: load the log files again into a new database; something wrote to this one
WITH real AS (
    SELECT p.user_id, (p.start_time AT TIME ZONE 'UTC')::date AS day, p.level, p.location,
           analytics.text_id(p.user_agent) AS user_agent_id, count(*)::integer AS plays,
           sum(analytics.milliseconds(s.length)) AS milliseconds,
           array_agg(extract(hour FROM p.start_time AT TIME ZONE 'UTC')::smallint
                     ORDER BY extract(hour FROM p.start_time AT TIME ZONE 'UTC')) AS hours,
           array_agg(s.track_id ORDER BY s.track_id) AS tracks,
           array_agg(s.artist_key ORDER BY s.artist_key) AS artists
    FROM songplays p
    JOIN analytics.heard_plays h USING (start_time, songplay_id)
    JOIN analytics.heard_songs s USING (heard_song_id)
    GROUP BY p.user_id, (p.start_time AT TIME ZONE 'UTC')::date, p.level, p.location, analytics.text_id(p.user_agent)
),
kept AS (
    SELECT user_id, day, level, location, user_agent_id, plays, milliseconds, hours, tracks, artists FROM analytics.user_days
)
SELECT user_id, day, level, plays, 'not kept' AS what FROM (TABLE real EXCEPT ALL TABLE kept) missing
UNION ALL
SELECT user_id, day, level, plays, 'wrong' FROM (TABLE kept EXCEPT ALL TABLE real) wrong
UNION ALL
SELECT NULL, NULL, NULL, NULL, 'user agent ' || coalesce(a.user_agent_id, d.user_agent_id)
FROM (SELECT DISTINCT user_agent_id FROM analytics.user_days WHERE user_agent_id IS NOT NULL) d
FULL JOIN analytics.user_agents a USING (user_agent_id)
WHERE d.user_agent_id IS NULL OR (a.user_agent_id = analytics.text_id(a.user_agent)) IS NOT TRUE

-- name: rollup_users
-- first days, sessions and what each user heard in each month and year follow from the days and the plays
-- do: load the log files again into a new database; something wrote to this one
WITH sessions AS (
    SELECT DISTINCT ON (user_id, session_id) user_id, session_id, start_time AS started_at, level
    FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
    ORDER BY user_id, session_id, start_time, item_in_session
),
months AS (
    SELECT user_id, date_trunc('month', day)::date AS month, level, location, user_agent_id, sum(plays)::bigint AS plays,
           sum(milliseconds)::bigint AS milliseconds
    FROM analytics.user_days GROUP BY user_id, date_trunc('month', day), level, location, user_agent_id
),
kept AS (
    SELECT user_id, month, level, location, user_agent_id, plays, milliseconds FROM analytics.user_months
),
years AS (
    SELECT user_id, date_trunc('year', month)::date AS year, level, sum(plays)::bigint AS plays,
           sum(milliseconds)::bigint AS milliseconds
    FROM months GROUP BY user_id, date_trunc('year', month), level
),
kept_years AS (
    SELECT user_id, year, level, plays, milliseconds FROM analytics.user_years
)
SELECT 'sessions' AS in_table, user_id, session_id, NULL::date AS day
FROM sessions s FULL JOIN analytics.sessions k USING (user_id, session_id)
WHERE (s.started_at, s.level) IS DISTINCT FROM (k.started_at, k.level)
UNION ALL
SELECT 'first_days', user_id, NULL, k.first_day
FROM (SELECT user_id, min(day) AS first_day FROM analytics.user_days GROUP BY user_id) f
FULL JOIN analytics.first_days k USING (user_id)
WHERE f.first_day IS DISTINCT FROM k.first_day
UNION ALL
SELECT 'user_months', user_id, NULL, month
FROM ((TABLE months EXCEPT ALL TABLE kept) UNION ALL (TABLE kept EXCEPT ALL TABLE months)) wrong
UNION ALL
SELECT 'user_years', user_id, NULL, year
FROM ((TABLE years EXCEPT ALL TABLE kept_years) UNION ALL (TABLE kept_years EXCEPT ALL TABLE years)) wrong

-- name: rollup_tracks
-- who heard each track and each artist in each month, and when, follows from the days
-- do: load the log files again into a new database; something wrote to this one
WITH tracks AS (
    SELECT track_id, date_trunc('month', day)::date AS month, level, count(*)::integer AS plays,
           array_agg(user_id ORDER BY day, user_id) AS users,
           array_agg(extract(day FROM day)::smallint ORDER BY day, user_id) AS days
    FROM analytics.user_days, unnest(tracks) AS track_id GROUP BY track_id, date_trunc('month', day), level
),
kept_tracks AS (
    SELECT track_id, month, level, plays, users, days FROM analytics.track_months
),
artists AS (
    SELECT artist_key, month, level, sum(plays)::integer AS plays
    FROM kept_tracks JOIN (SELECT DISTINCT track_id, artist_key FROM analytics.heard_songs) s USING (track_id)
    GROUP BY artist_key, month, level
),
kept_artists AS (
    SELECT artist_key, month, level, plays FROM analytics.artist_months
)
SELECT 'track_months' AS in_table, track_id AS id, month, level, plays
FROM ((TABLE tracks EXCEPT ALL TABLE kept_tracks) UNION ALL (TABLE kept_tracks EXCEPT ALL TABLE tracks)) wrong
UNION ALL
SELECT 'artist_months', artist_key, month, level, plays
FROM ((TABLE artists EXCEPT ALL TABLE kept_artists) UNION ALL (TABLE kept_artists EXCEPT ALL TABLE artists)) wrong

-- name: rollup_periods
-- plays by hour, and listeners and sessions of days, weeks and months, follow from the days
-- do: load the log files again into a new database; something wrote to this one
WITH hours AS (
    SELECT day, hour, level, count(*)::integer AS plays FROM analytics.user_days, unnest(hours) AS hour GROUP BY day, hour, level
),
kept_hours AS (
    SELECT day, hour, level, plays FROM analytics.day_hours
),
began AS (
    SELECT period, date_trunc(period, started_at AT TIME ZONE 'UTC')::date AS start, level, count(*)::integer AS sessions
    FROM analytics.sessions CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
    GROUP BY GROUPING SETS ((1, 2, level), (1, 2))
),
users AS (
    SELECT period, date_trunc(period, day)::date AS start, level, user_id, sum(plays) AS plays, sum(milliseconds) AS milliseconds
    FROM analytics.user_days CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
    GROUP BY 1, 2, level, user_id
),
heard AS (
    SELECT period, start, level, count(DISTINCT user_id)::integer AS listeners,
           (count(DISTINCT user_id) FILTER (WHERE first_day >= start))::integer AS new_listeners,
           sum(plays)::bigint AS plays, sum(milliseconds)::bigint AS milliseconds
    FROM users JOIN analytics.first_days USING (user_id)
    GROUP BY GROUPING SETS ((period, start, level), (period, start))
),
listeners AS (
    SELECT h.period, h.start, h.level, listeners, new_listeners, coalesce(sessions, 0) AS sessions, plays, milliseconds
    FROM heard h LEFT JOIN began b ON (b.period, b.start) = (h.period, h.start) AND b.level IS NOT DISTINCT FROM h.level
),
kept_listeners AS (
    SELECT period, start, level, listeners, new_listeners, sessions, plays, milliseconds FROM analytics.listeners
)
SELECT 'day_hours' AS in_table, day, hour, level, plays
FROM ((TABLE hours EXCEPT ALL TABLE kept_hours) UNION ALL (TABLE kept_hours EXCEPT ALL TABLE hours)) wrong
UNION ALL
SELECT 'listeners, ' || period, start, NULL, level, plays
FROM ((TABLE listeners EXCEPT ALL TABLE kept_listeners) UNION ALL (TABLE kept_listeners EXCEPT ALL TABLE listeners)) wrong

-- name: staging_left
-- nothing is staged for runs that are finished
-- do: DROP these tables, DELETE these rows: all that runs stage is published or dropped when they end
WITH unfinished AS (
    SELECT run_id FROM etl.runs WHERE etl.is_unfinished(state)
)
SELECT 'staging.' || relname AS what FROM pg_class
WHERE relnamespace = to_regnamespace('staging') AND relkind IN ('r', 'p')
  AND split_part(relname, '_', 1) NOT IN (SELECT 'run' || run_id FROM unfinished)
UNION ALL
SELECT 'etl.staged_months, run ' || run_id FROM etl.staged_months WHERE run_id NOT IN (SELECT run_id FROM unfinished)
UNION ALL
SELECT DISTINCT 'etl.staged_slices, run ' || run_id FROM etl.staged_slices
WHERE run_id NOT IN (SELECT run_id FROM unfinished)
UNION ALL
SELECT DISTINCT 'etl.staged_parts, run ' || run_id FROM etl.staged_parts
WHERE run_id NOT IN (SELECT run_id FROM unfinished)

-- name: dead_runs
-- runs that are not finished are alive, held or failed
-- do: run `sparkify etl`: it publishes what the dead run had staged
SELECT run_id, state, started_at FROM etl.runs r
WHERE state IN ('open', 'publishing')
  AND NOT EXISTS (
      SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND objsubid = 2 AND datname = current_database()
        AND classid::bigint = hashtext('sparkify run')::bigint & 4294967295 AND objid::bigint = r.run_id
  )
