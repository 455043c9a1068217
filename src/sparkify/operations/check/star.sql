-- name: plays_have_users
-- Every play has its user, and every user a play.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT user_id, count(*) AS plays, 'no user' AS what FROM songplays p
WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = p.user_id) GROUP BY user_id
UNION ALL
SELECT user_id, 0, 'no play' FROM users u WHERE NOT EXISTS (SELECT FROM songplays p WHERE p.user_id = u.user_id)

-- name: plays_have_time
-- Every play has its row of time, and every row of time a play.
-- do: INSERT the missing rows, DELETE the others, and correct etl.row_counts.
SELECT p.start_time, 'no row of time' AS what FROM songplays p
WHERE NOT EXISTS (SELECT FROM time t WHERE t.start_time = p.start_time)
UNION ALL
SELECT t.start_time, 'no play' FROM time t
WHERE NOT EXISTS (SELECT FROM songplays p WHERE p.start_time = t.start_time)

-- name: time_units
-- The columns of time are the units of start_time in UTC.
-- do: UPDATE time with extract() from start_time AT TIME ZONE 'UTC'.
SELECT start_time, hour, day, week, month, year, weekday
FROM (SELECT *, start_time AT TIME ZONE 'UTC' AS utc FROM time) t
WHERE (hour, day, week, month, year, weekday) IS DISTINCT FROM
      (extract(hour FROM utc), extract(day FROM utc), extract(week FROM utc), extract(month FROM utc),
       extract(year FROM utc), extract(isodow FROM utc) - 1)
   OR date_trunc('milliseconds', utc) <> utc

-- name: songs_have_artists
-- Every song has its artist, and every play the song and the artist of one song of the catalogue.
-- do: Something other than sparkify changed these tables. Load the song files into a new database.
SELECT song_id, artist_id, 'song without artist' AS what FROM songs s
WHERE NOT EXISTS (SELECT FROM artists a WHERE a.artist_id = s.artist_id)
UNION ALL
SELECT song_id, artist_id, count(*) || ' plays' FROM songplays p
WHERE (song_id IS NOT NULL OR artist_id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM songs s WHERE s.song_id = p.song_id AND s.artist_id = p.artist_id)
GROUP BY song_id, artist_id

-- name: plays_have_lines
-- Every play has its row of heard_plays, and every row of heard_plays its play.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT start_time, songplay_id, CASE WHEN h.line IS NULL THEN 'no line' ELSE 'no play' END AS what
FROM songplays p FULL JOIN analytics.heard_plays h USING (start_time, songplay_id)
WHERE p.user_id IS NULL OR h.line IS NULL

-- name: heard_songs
-- Every play has its heard song, every heard song has a play, and its key is the digest of what was heard.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT heard_song_id, count(*) || ' plays without heard song' AS what FROM analytics.heard_plays p
WHERE NOT EXISTS (SELECT FROM analytics.heard_songs h WHERE h.heard_song_id = p.heard_song_id)
GROUP BY heard_song_id
UNION ALL
SELECT heard_song_id, 'no play' FROM analytics.heard_songs h
WHERE NOT EXISTS (SELECT FROM analytics.heard_plays p WHERE p.heard_song_id = h.heard_song_id)
UNION ALL
SELECT heard_song_id, 'not the digest of title, artist and length' FROM analytics.heard_songs
WHERE heard_song_id <> etl.heard_song_id(title, artist, length)
  AND octet_length(title || artist) = length(title || artist)  -- else it is a finding of text_as_read
UNION ALL
SELECT heard_song_id, 'track_id or artist_key is not the digest of title and artist' FROM analytics.heard_songs
WHERE (track_id, artist_key) IS DISTINCT FROM (analytics.track_id(title, artist), analytics.text_id(artist))
  AND heard_song_id = etl.heard_song_id(title, artist, length)

-- name: text_as_read
-- Text beyond ASCII is stored as it was read: its digest is the one that the loader made of the file's bytes.
-- do: A program wrote it with a client_encoding other than UTF8. Drop this warehouse and load all files
-- again: `sparkify create-tables --drop`, then `sparkify etl DATA`.
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
-- Every songplay_id is the digest of user, session, item in session and time.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT start_time, songplay_id, user_id, session_id, item_in_session
FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)
WHERE songplay_id <> etl.songplay_id(user_id, session_id, item_in_session, start_time)
