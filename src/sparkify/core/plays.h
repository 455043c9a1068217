/* A worker's plays: those of a chunk, and what the chunks of a batch come to together. */
#ifndef SPARKIFY_PLAYS_H
#define SPARKIFY_PLAYS_H

#include "by_month.h"
#include "copy.h"
#include "lines.h"
#include "matches.h"
#include "songs.h"
#include "texts.h"

typedef enum { KEPT, FORGOTTEN, REPEATED } Fate;

/* A play of the chunk. `texts` are numbers of the batch's texts. */
typedef struct {
    int64_t user_id, session_id, item_in_session, ts, songplay_id, line;
    uint32_t slice, song, texts[PLAY_TEXTS];
    int32_t day, month;
    Datum user[USER_COLUMNS]; /* texts are in the chunk's `names`, or in the batch's texts */
    Fate fate;
    bool is_first_at_ts;
} HeardPlay;

/* The plays of a user on a day at one level, from one place and user agent. */
typedef struct {
    int64_t user_id, milliseconds;
    uint32_t level, location, user_agent, plays;
    int32_t day, month;
    uint32_t start; /* of its plays in `day_plays` */
} UserDay;

/* A play of the batch: its time, its row in user_days, its session and its song. */
typedef struct {
    int64_t ts;
    uint32_t user_day, session, song;
} BatchPlay;

/* A page view of the batch: its time, its session and its page, by the number of its text. */
typedef struct {
    int64_t ts;
    uint32_t session, page;
    bool is_error;
} BatchView;

/* A play of a row of user_days. */
typedef struct {
    int64_t ts, track, artist;
    int32_t milliseconds;
    int16_t quarter;
} DayPlay;

/* What a user, or somebody who is logged out, does in a session on a day at one level. `started_at` and `last_at`
 * are the times of its plays. */
typedef struct {
    int64_t user_id, session_id, started_at, last_at;
    uint32_t level, plays, views;
    uint32_t first_play, first_view; /* in `session_plays` and `session_views` */
    int32_t day;
    bool has_user;
} Session;

/* A page view of the chunk, whose row is made. `level` and `page` are numbers of the batch's texts. */
typedef struct {
    int64_t session_id, user_id, ts;
    size_t start; /* of its row in `view_rows`; the next one follows */
    int32_t day, month;
    uint32_t slice, level, page;
    bool has_user, is_error, is_forgotten;
} SeenPage;

typedef struct {
    Lines lines;
    Arena names;
    HeardPlay *items;
    size_t count, room;
    Table identities, moments, users;
    uint32_t *of_months; /* the kept plays, month by month */
    size_t of_months_room;
    struct ChunkMonth {
        int32_t month;
        uint32_t plays, matched, times, start;
    } *months;
    size_t month_count, month_room;
    ByMonth new_songs, repeated;
    SeenPage *views;
    size_t view_count, view_room;
    Buffer view_rows;
    ByMonth of_views;
    uint32_t *unknown; /* songs that are to be looked up in the catalogue */
    size_t unknown_count, unknown_room;
} Chunk;

typedef struct {
    Texts texts;
    HeardPlay *latest;
    UserDay *user_days;
    BatchPlay *listening;
    BatchView *viewing;
    Session *sessions;
    uint32_t *session_plays, *session_views; /* the numbers of plays and page views, session by session */
    DayPlay *day_plays; /* sorted by quarter, track and milliseconds within a row of user_days */
    ByMonth of_latest, of_sessions;
    ByMonth of_user_days, of_levels; /* user_days in the order of their rows, and by user and day */
    ByMonth user_agents; /* each text once a month */
    size_t latest_count, latest_room, user_day_count, user_day_room, listening_count, listening_room;
    size_t viewing_count, viewing_room, session_count, session_room;
    size_t repeated_bytes; /* of texts in the rows to come: each is kept once, but written in every row */
    Table latest_table, user_day_table, session_table;
} Batch;

typedef struct {
    Seed seed;
    int64_t earliest, before;
    Scratch scratch;
    Songs songs;
    Matches matches;
    Chunk chunk;
    Batch batch;
} Plays;

/* In a function that compares `a` and `b` for qsort: the next field that decides. */
#define COMPARE(field) \
    if (a->field != b->field) return a->field < b->field ? -1 : 1

/* chunk.c */
Outcome plays_read(Plays *plays);
bool plays_add(Plays *plays, const Play *play, uint32_t slice, int64_t line);
void plays_forget(Plays *plays, int64_t *user_ids, size_t count); /* it sorts them */
int compare_user_ids(const void *one, const void *other);
void chunk_clear(Chunk *chunk);
void chunk_free(Chunk *chunk);

/* page_views.c */
bool plays_add_view(Plays *plays, const PageView *view, uint32_t slice, int64_t line);
void views_forget(Chunk *chunk, const int64_t *user_ids, size_t count); /* sorted */

/* repeated.c: choose one of each repeated play, and sort the plays by month. */
bool plays_settle(Plays *plays);
int compare_variants(const Plays *plays, const HeardPlay *one, const HeardPlay *other);

/* heard.c: what is new among the heard songs. */
bool plays_find_new_songs(Plays *plays);
void plays_match_fetched(Plays *plays);
void plays_count_matches(Plays *plays);

/* latest.c: the latest play of each user and month, also among those that will lose. */
bool plays_note_latest(Plays *plays);
size_t bytes_of_latest(const Texts *texts, const HeardPlay *play); /* of texts and variant in its row of users */

/* batch.c, days.c */
bool plays_note_events(Plays *plays);
bool batch_finish(Plays *plays);
bool batch_sort_levels(Batch *batch); /* levels.c */
size_t batch_bytes(const Batch *batch); /* about how many it takes, once it is finished, and its rows */
void batch_clear(Batch *batch);
void batch_free(Batch *batch);

#endif
