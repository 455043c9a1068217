-- Events that are no plays (docs/rules.md, Page views). They are not part of the star.
CREATE TABLE IF NOT EXISTS analytics.page_views (
    start_time      timestamptz NOT NULL,
    page_view_id    bigint NOT NULL,
    session_id      bigint NOT NULL,
    item_in_session bigint NOT NULL,
    user_id         bigint,
    level           text,
    page            text NOT NULL,
    auth            text,
    method          text,
    status          integer,
    file_id         integer NOT NULL,
    line            bigint NOT NULL,
    PRIMARY KEY (start_time, page_view_id)
) PARTITION BY RANGE (start_time);
-- Finds what was done while logged out in the sessions of somebody who was forgotten.
CREATE INDEX IF NOT EXISTS page_views_without_user ON analytics.page_views (session_id) WHERE user_id IS NULL;
COMMENT ON TABLE analytics.page_views IS 'One row per page view: one log event with a page other than NextSong.';
COMMENT ON COLUMN analytics.page_views.start_time IS 'When the page was opened, to the millisecond.';
COMMENT ON COLUMN analytics.page_views.page_view_id IS 'Computed from the event itself (user, session, item in session, ts), the same in every load. Unique together with start_time.';
COMMENT ON COLUMN analytics.page_views.session_id IS 'The session of the app. It goes on while nobody is logged in.';
COMMENT ON COLUMN analytics.page_views.item_in_session IS 'The number of the event in its session.';
COMMENT ON COLUMN analytics.page_views.user_id IS 'The user; NULL when nobody was logged in.';
COMMENT ON COLUMN analytics.page_views.level IS 'The user''s plan at that moment, as the log says: free or paid.';
COMMENT ON COLUMN analytics.page_views.page IS 'The page, as the log says: Home, Login, Upgrade and so on.';
COMMENT ON COLUMN analytics.page_views.auth IS 'As the log says: Logged In, Logged Out and so on.';
COMMENT ON COLUMN analytics.page_views.method IS 'The HTTP method: GET or PUT.';
COMMENT ON COLUMN analytics.page_views.status IS 'The HTTP status, such as 200, 307 or 404.';
COMMENT ON COLUMN analytics.page_views.file_id IS 'The file: etl.files.';
COMMENT ON COLUMN analytics.page_views.line IS 'Line number in the file, from 1.';

-- The smallest variant of a page view wins, as of a play (plays.sql). The bytes of a number are in its order once its sign bit is flipped.
CREATE OR REPLACE FUNCTION etl.view_variant(seen analytics.page_views) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN convert_to((seen).page, 'UTF8') || '\x00'::bytea
       || coalesce('\x01'::bytea || convert_to((seen).level, 'UTF8'), ''::bytea) || '\x00'::bytea
       || coalesce('\x01'::bytea || convert_to((seen).auth, 'UTF8'), ''::bytea) || '\x00'::bytea
       || coalesce('\x01'::bytea || convert_to((seen).method, 'UTF8'), ''::bytea) || '\x00'::bytea
       || coalesce('\x01'::bytea || int4send((seen).status # -2147483648), ''::bytea);
COMMENT ON FUNCTION etl.view_variant IS 'The bytes by which lines with the same page view are compared: the smallest wins.';
