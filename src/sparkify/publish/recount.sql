-- name: within
-- Select the rows of a table in some spans of time.
(SELECT * FROM {table} WHERE {in_spans})

-- name: whole_sessions
-- Select all days of sessions that have some of these days. An array, because a join would read all sessions.
(SELECT * FROM analytics.session_days
 WHERE session_id = ANY (ARRAY(SELECT session_id FROM analytics.session_days WHERE {in_spans})))

-- name: plays_before
-- Select the plays of some spans of time before the days that batches summed up by session.
(SELECT * FROM songplays WHERE {in_spans} AND start_time < {staged_since}::timestamp AT TIME ZONE 'UTC')

-- name: staged_sessions
-- Select what batches summed up by session and day, without the days whose plays are counted instead.
(SELECT * FROM {sessions} WHERE started_at >= {staged_since}::timestamp AT TIME ZONE 'UTC')

-- name: no_plays
-- Select no play, where batches summed up all.
(SELECT * FROM songplays WHERE false)

-- name: no_sessions
-- Select no session, where all plays are counted.
(SELECT NULL::bigint AS session_id, NULL::bigint AS user_id, NULL::timestamptz AS started_at, NULL AS level,
        NULL::timestamptz AS last_at, NULL::integer AS plays WHERE false)

-- name: find_scope
-- Note the keys of the rows of a rollup that change, and return the spans of time that they are counted from.
-- makes: scope
DROP TABLE IF EXISTS pg_temp.scope;
CREATE TEMP TABLE scope ON COMMIT DROP AS {scope};
ANALYZE scope;
-- The columns of the scope follow, empty: their names are the keys.
SELECT lower(span), upper(span), scope.*
FROM (SELECT unnest(range_agg(daterange({start}, ({start} + ('1 ' || {period})::interval)::date))) AS span FROM scope) spans
LEFT JOIN scope ON false

-- name: in_scope
-- Select the changed rows, by their keys.
-- reads: scope
({keys}) IN (SELECT {keys} FROM scope)

-- name: recount
-- Recount the changed rows of a rollup.
DELETE FROM {rollup} WHERE {in_spans} AND {wanted};
INSERT INTO {rollup} {definition}
