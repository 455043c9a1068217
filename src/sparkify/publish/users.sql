-- name: decide_users
-- Find the latest play of each staged user, among the staged plays and the latest one in the warehouse.
-- Names do not belong to the play, so among equal variants the smallest name wins.
-- makes: latest
CREATE TEMP TABLE latest ON COMMIT DROP AS
SELECT DISTINCT ON (user_id) *
FROM (
    TABLE {users}
    UNION ALL
    SELECT * FROM users JOIN etl.latest_plays USING (user_id) WHERE user_id IN (SELECT user_id FROM {users})
) candidates
ORDER BY user_id, start_time DESC, session_id DESC, item_in_session DESC, songplay_id DESC, variant,
         first_name COLLATE "C" NULLS FIRST, last_name COLLATE "C" NULLS FIRST, gender COLLATE "C" NULLS FIRST

-- name: count_new_users
-- Count the users who are new to the warehouse.
-- reads: latest
SELECT count(*) FROM latest WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = latest.user_id)

-- name: keep_latest_plays
-- Store the plays from which users takes its values.
-- reads: latest
INSERT INTO etl.latest_plays AS l
    (user_id, start_time, session_id, item_in_session, songplay_id, variant)
SELECT user_id, start_time, session_id, item_in_session, songplay_id, variant FROM latest
ON CONFLICT (user_id) DO UPDATE
SET start_time = EXCLUDED.start_time, session_id = EXCLUDED.session_id, item_in_session = EXCLUDED.item_in_session,
    songplay_id = EXCLUDED.songplay_id, variant = EXCLUDED.variant
