-- Views of what users do beside listening, for BI tools and modellers.
CREATE OR REPLACE VIEW analytics.page_views_by_day AS
SELECT day, page, level, views, cardinality(users) AS users, errors FROM analytics.page_days;
COMMENT ON VIEW analytics.page_views_by_day IS 'One row per UTC day, page and level.';
COMMENT ON COLUMN analytics.page_views_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.page_views_by_day.page IS 'The page, as the log says.';
COMMENT ON COLUMN analytics.page_views_by_day.level IS 'free or paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.page_views_by_day.views IS 'Number of page views.';
COMMENT ON COLUMN analytics.page_views_by_day.users IS 'How many different users; do not add them up over several rows.';
COMMENT ON COLUMN analytics.page_views_by_day.errors IS 'How many of the views failed: status 400 to 599, or page Error.';

CREATE OR REPLACE VIEW analytics.activity_by_day AS
SELECT day, level, coalesce(seconds, 0) AS seconds, coalesce(adverts, 0) AS adverts, coalesce(thumbs_up, 0) AS thumbs_up,
       coalesce(thumbs_down, 0) AS thumbs_down, coalesce(playlist_adds, 0) AS playlist_adds, coalesce(friends_added, 0) AS friends_added,
       coalesce(errors, 0) AS errors
FROM (SELECT day, level, sum(views) FILTER (WHERE page = 'Roll Advert') AS adverts,
             sum(views) FILTER (WHERE page = 'Thumbs Up') AS thumbs_up, sum(views) FILTER (WHERE page = 'Thumbs Down') AS thumbs_down,
             sum(views) FILTER (WHERE page = 'Add to Playlist') AS playlist_adds,
             sum(views) FILTER (WHERE page = 'Add Friend') AS friends_added, sum(errors) AS errors
      FROM analytics.page_days GROUP BY day, level) viewed
FULL JOIN (SELECT start AS day, level, round(milliseconds / 1000.0)::bigint AS seconds
           FROM analytics.listeners WHERE period = 'day' AND level IS NOT NULL) heard USING (day, level);
COMMENT ON VIEW analytics.activity_by_day IS 'One row per UTC day and level with plays or page views: how long was listened, and what was done beside it.';
COMMENT ON COLUMN analytics.activity_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN analytics.activity_by_day.level IS 'free or paid; NULL if the log has none.';
COMMENT ON COLUMN analytics.activity_by_day.seconds IS 'As in analytics.plays_by_day.';
COMMENT ON COLUMN analytics.activity_by_day.adverts IS 'Page views of Roll Advert.';
COMMENT ON COLUMN analytics.activity_by_day.thumbs_up IS 'Page views of Thumbs Up.';
COMMENT ON COLUMN analytics.activity_by_day.thumbs_down IS 'Page views of Thumbs Down.';
COMMENT ON COLUMN analytics.activity_by_day.playlist_adds IS 'Page views of Add to Playlist.';
COMMENT ON COLUMN analytics.activity_by_day.friends_added IS 'Page views of Add Friend.';
COMMENT ON COLUMN analytics.activity_by_day.errors IS 'Page views that failed: status 400 to 599, or page Error.';

CREATE OR REPLACE VIEW analytics.sessions_by_day AS
SELECT day, level, sum(sessions)::bigint AS sessions, coalesce(sum(sessions) FILTER (WHERE NOT has_plays), 0)::bigint AS without_plays,
       sum(plays)::bigint AS plays, sum(views)::bigint AS views, sum(seconds)::bigint AS seconds
FROM analytics.session_starts GROUP BY day, level;
COMMENT ON VIEW analytics.sessions_by_day IS 'One row per UTC day and level: the sessions that began on it, with plays or page views.';
COMMENT ON COLUMN analytics.sessions_by_day.day IS 'The day of the first event, UTC.';
COMMENT ON COLUMN analytics.sessions_by_day.level IS 'As in analytics.session_starts.';
COMMENT ON COLUMN analytics.sessions_by_day.sessions IS 'Number of sessions.';
COMMENT ON COLUMN analytics.sessions_by_day.without_plays IS 'How many of them have no play.';
COMMENT ON COLUMN analytics.sessions_by_day.plays IS 'Their plays.';
COMMENT ON COLUMN analytics.sessions_by_day.views IS 'Their page views.';
COMMENT ON COLUMN analytics.sessions_by_day.seconds IS 'The time from the first event to the last one, added up.';

CREATE OR REPLACE VIEW analytics.feedback_by_song AS
SELECT month, level, track_id, title, artist, thumbs_up, thumbs_down, playlist_adds, friends_added
FROM (SELECT month, level, unnest(tracks) AS track_id, unnest(thumbs_up) AS thumbs_up, unnest(thumbs_down) AS thumbs_down,
             unnest(playlist_adds) AS playlist_adds, unnest(friends_added) AS friends_added
      FROM analytics.track_feedback_months) given
JOIN analytics.tracks USING (track_id);
COMMENT ON VIEW analytics.feedback_by_song IS 'One row per song (title and artist, as the log says), UTC month and level with feedback after it. The song is that of the last play that the user began in the same session before the feedback, less than a day before.';
COMMENT ON COLUMN analytics.feedback_by_song.month IS 'The first day of the month of the feedback.';
COMMENT ON COLUMN analytics.feedback_by_song.level IS 'free or paid, as the log says of the feedback; NULL if it has none.';
COMMENT ON COLUMN analytics.feedback_by_song.track_id IS 'Digest of title and artist: analytics.heard_songs.';
COMMENT ON COLUMN analytics.feedback_by_song.title IS 'Title, as the log says.';
COMMENT ON COLUMN analytics.feedback_by_song.artist IS 'Name of the artist, as the log says.';
COMMENT ON COLUMN analytics.feedback_by_song.thumbs_up IS 'Page views of Thumbs Up after the song.';
COMMENT ON COLUMN analytics.feedback_by_song.thumbs_down IS 'Page views of Thumbs Down after the song.';
COMMENT ON COLUMN analytics.feedback_by_song.playlist_adds IS 'Page views of Add to Playlist after the song.';
COMMENT ON COLUMN analytics.feedback_by_song.friends_added IS 'Page views of Add Friend after the song.';

CREATE OR REPLACE VIEW analytics.upgrades_by_week AS
SELECT analytics.week_of(day) AS week, count(*) AS ways, count(seen_at) AS seen, count(submitted_at) AS submitted,
       count(paid_at) AS paid, count(back_at) FILTER (WHERE submitted_at IS NOT NULL) AS back,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM submitted_at - seen_at)) AS seconds_to_submit,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM paid_at - submitted_at)) AS seconds_to_play,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM back_at - submitted_at)) AS seconds_to_back
FROM analytics.upgrades GROUP BY 1;
COMMENT ON VIEW analytics.upgrades_by_week IS 'One row per ISO week, UTC, in which ways from free to paid began. A way begins when a user sees Upgrade, or with Submit Upgrade, and ends with Submit Downgrade; all of it counts for the week in which it began.';
COMMENT ON COLUMN analytics.upgrades_by_week.week IS 'The Monday of the week.';
COMMENT ON COLUMN analytics.upgrades_by_week.ways IS 'Number of ways that began.';
COMMENT ON COLUMN analytics.upgrades_by_week.seen IS 'How many of them began with a page view of Upgrade.';
COMMENT ON COLUMN analytics.upgrades_by_week.submitted IS 'How many have a page view of Submit Upgrade.';
COMMENT ON COLUMN analytics.upgrades_by_week.paid IS 'How many have a play at level paid after it, which begins a stretch of such plays.';
COMMENT ON COLUMN analytics.upgrades_by_week.back IS 'How many of those that were submitted end with Submit Downgrade.';
COMMENT ON COLUMN analytics.upgrades_by_week.seconds_to_submit IS 'From Upgrade to Submit Upgrade: the median, in seconds.';
COMMENT ON COLUMN analytics.upgrades_by_week.seconds_to_play IS 'From Submit Upgrade to the paid play: the median, in seconds.';
COMMENT ON COLUMN analytics.upgrades_by_week.seconds_to_back IS 'From Submit Upgrade to Submit Downgrade: the median, in seconds.';

CREATE OR REPLACE VIEW analytics.user_weeks AS
SELECT user_id, week, level, last_day, plays, round(milliseconds / 1000.0)::bigint AS seconds, sessions, views, adverts, thumbs_up,
       thumbs_down, playlist_adds, friends_added, errors, help, upgrade_views, downgrade_views, upgrades, downgrades, cancellations,
       analytics.has_followed(cancellations_later > 0, week, data_until) AS cancels,
       analytics.has_followed(downgrades_later > 0, week, data_until) AS goes_back,
       NOT analytics.has_followed(weeks_later > 0, week, data_until) AS goes_quiet,
       analytics.has_followed(cancellations_later > 0, week, data_until)
       OR NOT analytics.has_followed(weeks_later > 0, week, data_until) AS leaves
FROM (SELECT counts.*, count(*) OVER later AS weeks_later, sum(cancellations) OVER later AS cancellations_later,
             sum(downgrades) OVER later AS downgrades_later
      FROM analytics.user_week_counts counts
      WINDOW later AS (PARTITION BY user_id ORDER BY week
                       RANGE BETWEEN interval '7 days' FOLLOWING AND interval '28 days' FOLLOWING)) weeks
CROSS JOIN (SELECT greatest((SELECT max(day) FROM analytics.page_days),
                            (SELECT max(start) FROM analytics.listeners WHERE period = 'day')) AS data_until) data;
COMMENT ON VIEW analytics.user_weeks IS 'One row per user and ISO week, UTC, with plays or page views: what the user did, and what came in the four weeks after. For models of who leaves.';
COMMENT ON COLUMN analytics.user_weeks.user_id IS 'The user.';
COMMENT ON COLUMN analytics.user_weeks.week IS 'The Monday of the week.';
COMMENT ON COLUMN analytics.user_weeks.level IS 'The level at the end of the week, as in analytics.user_week_counts.';
COMMENT ON COLUMN analytics.user_weeks.last_day IS 'The last day of the week with a play or a page view.';
COMMENT ON COLUMN analytics.user_weeks.plays IS 'Number of plays.';
COMMENT ON COLUMN analytics.user_weeks.seconds IS 'The total length of the songs played; a song longer than a day counts as a day.';
COMMENT ON COLUMN analytics.user_weeks.sessions IS 'Sessions with plays or page views in the week.';
COMMENT ON COLUMN analytics.user_weeks.views IS 'Page views, logged in, of any page.';
COMMENT ON COLUMN analytics.user_weeks.adverts IS 'Page views of Roll Advert.';
COMMENT ON COLUMN analytics.user_weeks.thumbs_up IS 'Page views of Thumbs Up.';
COMMENT ON COLUMN analytics.user_weeks.thumbs_down IS 'Page views of Thumbs Down.';
COMMENT ON COLUMN analytics.user_weeks.playlist_adds IS 'Page views of Add to Playlist.';
COMMENT ON COLUMN analytics.user_weeks.friends_added IS 'Page views of Add Friend.';
COMMENT ON COLUMN analytics.user_weeks.errors IS 'Page views that failed: status 400 to 599, or page Error.';
COMMENT ON COLUMN analytics.user_weeks.help IS 'Page views of Help.';
COMMENT ON COLUMN analytics.user_weeks.upgrade_views IS 'Page views of Upgrade.';
COMMENT ON COLUMN analytics.user_weeks.downgrade_views IS 'Page views of Downgrade.';
COMMENT ON COLUMN analytics.user_weeks.upgrades IS 'Page views of Submit Upgrade.';
COMMENT ON COLUMN analytics.user_weeks.downgrades IS 'Page views of Submit Downgrade.';
COMMENT ON COLUMN analytics.user_weeks.cancellations IS 'Page views of Cancellation Confirmation, in this week.';
COMMENT ON COLUMN analytics.user_weeks.cancels IS 'Whether the user cancels in the four weeks after this one; NULL if the data ends before they do.';
COMMENT ON COLUMN analytics.user_weeks.goes_back IS 'Whether the user submits a downgrade in the four weeks after this one; NULL as for cancels.';
COMMENT ON COLUMN analytics.user_weeks.goes_quiet IS 'Whether the user does nothing in the four weeks after this one; NULL as for cancels.';
COMMENT ON COLUMN analytics.user_weeks.leaves IS 'Whether the user cancels or goes quiet; NULL as for cancels.';
