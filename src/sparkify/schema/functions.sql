-- Rules that several places share: how ids are computed, how long a play counts, which runs are unfinished. The loader
-- computes the first five for whole batches in its compiled core (core/ids.c, songs.c), and so it does what an error
-- is, what feedback is, and the order of `sortable` (page_views.c, feedback_days.c, session_days.c, user_weeks.c);
-- tests hold the two definitions equal. PostgreSQL inlines functions as simple as these. Those that call convert_to are
-- STABLE, as it is: PostgreSQL inlines no IMMUTABLE function that calls a STABLE one.
CREATE OR REPLACE FUNCTION analytics.text_id(text text) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (('x' || encode(substr(sha256(convert_to(text, 'UTF8')), 1, 8), 'hex'))::bit(64) >> 1)::bigint;
COMMENT ON FUNCTION analytics.text_id IS 'The first 63 bits of the SHA-256 of a text.';

CREATE OR REPLACE FUNCTION analytics.track_id(title text, artist text) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (('x' || encode(substr(sha256(convert_to(title, 'UTF8') || '\x00'::bytea || convert_to(artist, 'UTF8')), 1, 8), 'hex')
        )::bit(64) >> 1)::bigint;
COMMENT ON FUNCTION analytics.track_id IS 'The first 63 bits of the SHA-256 of a title and an artist, with a zero byte between them.';

-- A catalogue record and a play of it have the same key, by which they are matched.
CREATE OR REPLACE FUNCTION etl.heard_song_id(title text, artist text, length double precision) RETURNS uuid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN encode(substr(sha256(convert_to(title, 'UTF8') || '\x00'::bytea || convert_to(artist, 'UTF8')
                            || '\x00'::bytea || float8send(length)), 1, 16), 'hex')::uuid;
COMMENT ON FUNCTION etl.heard_song_id IS 'The first 128 bits of the SHA-256 of title, artist and length.';

-- Not STRICT and not IMMUTABLE, or PostgreSQL would not inline it: concat_ws is neither.
CREATE OR REPLACE FUNCTION etl.songplay_id(user_id bigint, session_id bigint, item_in_session bigint, start_time timestamptz)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
RETURN (('x' || encode(substr(sha256(convert_to(concat_ws(
            ',', coalesce(user_id::text, ''), session_id, item_in_session, (extract(epoch FROM start_time) * 1000)::bigint), 'UTF8')), 1, 8), 'hex')
        )::bit(64) >> 1)::bigint;
COMMENT ON FUNCTION etl.songplay_id IS 'The first 63 bits of the SHA-256 of user, session, item in session and milliseconds since 1970, separated by commas. The id of a page view is the same; its user may be NULL, and is then empty.';

-- Cap the length at a day before multiplying: the longest length in a log would overflow. Not STRICT, or PostgreSQL would not inline it.
CREATE OR REPLACE FUNCTION analytics.milliseconds(length double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(least(length, 86400) * 1000 + 0.5)::integer;
COMMENT ON FUNCTION analytics.milliseconds IS 'The milliseconds that a play of this length in seconds counts: a day at most.';

CREATE OR REPLACE FUNCTION analytics.is_error(page text, status integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN page = 'Error' OR coalesce(status BETWEEN 400 AND 599, false);
COMMENT ON FUNCTION analytics.is_error IS 'Whether a page view failed: status 400 to 599, or page Error.';

CREATE OR REPLACE FUNCTION analytics.is_feedback(page text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN page IN ('Thumbs Up', 'Thumbs Down', 'Add to Playlist', 'Add Friend');
COMMENT ON FUNCTION analytics.is_feedback IS 'Whether a page is feedback: Thumbs Up, Thumbs Down, Add to Playlist or Add Friend.';

-- In a fraction of the time of date_trunc. 0001-01-01 was a Monday.
CREATE OR REPLACE FUNCTION analytics.week_of(day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN day - mod(day - date '0001-01-01', 7);
COMMENT ON FUNCTION analytics.week_of IS 'The Monday of the ISO week of a day.';

CREATE OR REPLACE FUNCTION analytics.month_of(day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_trunc('month', day::timestamp)::date;
COMMENT ON FUNCTION analytics.month_of IS 'The first day of the month of a day.';

CREATE OR REPLACE FUNCTION analytics.months_between(earlier date, later date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 12 * (extract(year FROM later) - extract(year FROM earlier)) + extract(month FROM later) - extract(month FROM earlier);
COMMENT ON FUNCTION analytics.months_between IS 'How many months lie between the months of two days.';

CREATE OR REPLACE FUNCTION analytics.has_followed(seen boolean, week date, last_day date) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN last_day >= week + 34 THEN coalesce(seen, false) END;
COMMENT ON FUNCTION analytics.has_followed IS 'Whether something was seen in the four weeks after a week; NULL if the data ends before they do, whether or not it was seen. Otherwise the last weeks would be known only of users who leave.';

CREATE OR REPLACE FUNCTION analytics.per_hour(count bigint, milliseconds bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN count * 3600000.0 / nullif(milliseconds, 0);
COMMENT ON FUNCTION analytics.per_hour IS 'How many for each hour heard; NULL if nothing was heard.';

-- In half the time of to_char. With this number added, every year from 1 to 9999 has sixteen digits. The type has the name by which
-- create_tables.sql finds it.
CREATE OR REPLACE FUNCTION analytics.sortable(moment timestamp with time zone, name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (2000000000000000 + (date_part('epoch', moment) * 1000)::bigint)::text || name;
COMMENT ON FUNCTION analytics.sortable IS 'A text that sorts by a moment, in the sixteen digits before the name, and then by the name.';

CREATE OR REPLACE FUNCTION etl.is_unfinished(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state IN ('open', 'publishing', 'held', 'failed');
COMMENT ON FUNCTION etl.is_unfinished IS 'Whether a run in this state, alive or dead, still has staged rows.';

CREATE OR REPLACE FUNCTION etl.is_at_work(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state IN ('open', 'publishing');
COMMENT ON FUNCTION etl.is_at_work IS 'Whether a run in this state stages or publishes, unless its process has died.';

CREATE OR REPLACE FUNCTION etl.session_digest(key bytea, session_id bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(key || int8send(session_id));
COMMENT ON FUNCTION etl.session_digest IS 'The digest of a session of a forgotten person, made with the key in etl.forgotten_key.';

-- A path may be longer than an index entry can be. No path looks like a digest: it begins with a slash, a scheme or "bytes:".
CREATE OR REPLACE FUNCTION etl.path_key(path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(path) <= 1000 THEN path ELSE md5(path) END;
COMMENT ON FUNCTION etl.path_key IS 'The path, or the MD5 of a path of more than 1000 bytes: what the index of etl.known_files holds.';

CREATE OR REPLACE FUNCTION etl.path_ends_with(path text, names text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN right('/' || path, length(names) + 1) = '/' || names;
COMMENT ON FUNCTION etl.path_ends_with IS 'Whether a path is this one, or ends with these whole names: /x/1.json ends with 1.json and x/1.json, /x/11.json does not.';

-- PostgreSQL shows the bounds of a partition only as text.
CREATE OR REPLACE FUNCTION etl.partition_span(partition oid) RETURNS tstzrange
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (SELECT tstzrange(substring(bounds FROM $$FROM \('([^']+)'\)$$)::timestamptz,
                         substring(bounds FROM $$TO \('([^']+)'\)$$)::timestamptz)
        FROM (SELECT pg_get_expr(relpartbound, oid) AS bounds FROM pg_class WHERE pg_class.oid = partition) p);
COMMENT ON FUNCTION etl.partition_span IS 'The range of times that a partition holds; a session in UTC reads dates as midnights.';
