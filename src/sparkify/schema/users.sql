CREATE TABLE IF NOT EXISTS etl.latest_plays (
    user_id         bigint PRIMARY KEY,
    start_time      timestamptz NOT NULL,
    session_id      bigint NOT NULL,
    item_in_session bigint NOT NULL,
    songplay_id     bigint NOT NULL,
    variant         bytea NOT NULL
);
COMMENT ON TABLE etl.latest_plays IS 'One row per user: the latest play, whose values users shows, its level among them.';
COMMENT ON COLUMN etl.latest_plays.user_id IS 'The user.';
COMMENT ON COLUMN etl.latest_plays.start_time IS 'The start_time of the play.';
COMMENT ON COLUMN etl.latest_plays.session_id IS 'The session of the play.';
COMMENT ON COLUMN etl.latest_plays.item_in_session IS 'Its number in the session.';
COMMENT ON COLUMN etl.latest_plays.songplay_id IS 'The songplay_id of the play.';
COMMENT ON COLUMN etl.latest_plays.variant IS 'The etl.variant of the play.';

CREATE TABLE IF NOT EXISTS etl.forgotten (
    digest       bytea PRIMARY KEY,
    forgotten_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE etl.forgotten IS 'One row per forgotten person: a digest by which the loader recognises the user id.';
COMMENT ON COLUMN etl.forgotten.digest IS 'Digest of the user id, made with the key in etl.forgotten_key.';
COMMENT ON COLUMN etl.forgotten.forgotten_at IS 'When the person was forgotten.';

-- While a person is logged out, events have no user; the session tells whose they are.
CREATE TABLE IF NOT EXISTS etl.forgotten_sessions (
    digest     bytea PRIMARY KEY,
    session_id bigint
);
COMMENT ON TABLE etl.forgotten_sessions IS 'One row per session of a forgotten person: a digest by which the loader recognises page views of the session that have no user.';
COMMENT ON COLUMN etl.forgotten_sessions.digest IS 'Digest of the session id, made with the key in etl.forgotten_key.';
COMMENT ON COLUMN etl.forgotten_sessions.session_id IS 'The session, until the end of the run that met it: then the page views of it that were published before are deleted.';

-- User ids are few: without a key, trying them all would soon reveal whose digest it is.
CREATE TABLE IF NOT EXISTS etl.forgotten_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea NOT NULL
);
INSERT INTO etl.forgotten_key (key) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
ON CONFLICT DO NOTHING;
COMMENT ON TABLE etl.forgotten_key IS 'One row: the secret key of this warehouse. With it and etl.forgotten, one can find out who was forgotten by trying ids, and so with sessions.';
COMMENT ON COLUMN etl.forgotten_key.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN etl.forgotten_key.key IS '32 random bytes.';
