/* The fields of a line that become columns. A new column of users, songplays, songs or artists begins here.
 *
 * Each list applies X to its items: (name, key in a line), or (name, its reader in field.h). */
#ifndef SPARKIFY_COLUMNS_H
#define SPARKIFY_COLUMNS_H

/* The fields of a log line, in the order in which these logs have them: so they are found quicker. */
#define EACH_LOG_FIELD(X) \
    X(LOG_ARTIST, "artist") X(LOG_AUTH, "auth") X(LOG_FIRST_NAME, "firstName") X(LOG_GENDER, "gender") \
    X(LOG_ITEM_IN_SESSION, "itemInSession") X(LOG_LAST_NAME, "lastName") X(LOG_LENGTH, "length") \
    X(LOG_LEVEL, "level") X(LOG_LOCATION, "location") X(LOG_METHOD, "method") X(LOG_PAGE, "page") \
    X(LOG_REGISTRATION, "registration") X(LOG_SESSION_ID, "sessionId") X(LOG_SONG, "song") \
    X(LOG_STATUS, "status") X(LOG_TS, "ts") X(LOG_USER_AGENT, "userAgent") X(LOG_USER_ID, "userId")

/* The texts of a play, of which few differ, as in songplays: LOCATION and what follows are its last columns.
 * Its variant consists of them and the heard song. */
#define EACH_PLAY_TEXT(X) X(LEVEL, required_text) X(LOCATION, optional_place) X(USER_AGENT, optional_text)

/* What users shows of the latest play, as in users between user_id and level. */
#define EACH_USER_COLUMN(X) X(FIRST_NAME, optional_text) X(LAST_NAME, optional_text) X(GENDER, optional_text)

/* What is kept of a page view, as in analytics.page_views between item_in_session and file_id. */
#define EACH_VIEW_COLUMN(X) \
    X(USER_ID, user_if_any) X(LEVEL, text_if_any) X(PAGE, required_text) X(AUTH, text_if_any) \
    X(METHOD, text_if_any) X(STATUS, small_integer_if_any)

/* The fields of a song record, in the order in which the files have them. Nobody reads num_songs. */
#define EACH_RECORD_FIELD(X) \
    X(RECORD_NUM_SONGS, "num_songs") X(RECORD_ARTIST_ID, "artist_id") \
    X(RECORD_ARTIST_LATITUDE, "artist_latitude") X(RECORD_ARTIST_LONGITUDE, "artist_longitude") \
    X(RECORD_ARTIST_LOCATION, "artist_location") X(RECORD_ARTIST_NAME, "artist_name") \
    X(RECORD_SONG_ID, "song_id") X(RECORD_TITLE, "title") X(RECORD_DURATION, "duration") \
    X(RECORD_YEAR, "year")

/* What is kept of a song record, as in etl.catalogue_records. */
#define EACH_RECORD_COLUMN(X) \
    X(SONG_ID, identifier) X(TITLE, required_text) X(ARTIST_ID, identifier) X(ARTIST_NAME, required_text) \
    X(ARTIST_LOCATION, optional_place) X(ARTIST_LATITUDE, optional_double) \
    X(ARTIST_LONGITUDE, optional_double) X(YEAR, optional_year) X(DURATION, seconds)

#define AS_ENUMERATOR(name, ...) name,
enum { EACH_PLAY_TEXT(AS_ENUMERATOR) PLAY_TEXTS };
enum { EACH_USER_COLUMN(AS_ENUMERATOR) USER_COLUMNS };
#define AS_VIEW_ENUMERATOR(name, ...) VIEW_##name,
enum { EACH_VIEW_COLUMN(AS_VIEW_ENUMERATOR) VIEW_COLUMNS };
enum { EACH_RECORD_COLUMN(AS_ENUMERATOR) RECORD_COLUMNS };

#endif
