/* The rollups of a new month, counted from the sessions that its batches had. publish/rollups defines each for
 * PostgreSQL. */
#ifndef SPARKIFY_MONTHS_H
#define SPARKIFY_MONTHS_H

#include "sessions.h"

typedef struct {
    SessionDay *sessions;
    size_t session_count, session_room, plays;
    Text *texts; /* levels and pages; once the month is sorted, each once, by its bytes */
    size_t text_count, text_room;
    uint32_t *ranks; /* of the texts as they came: each one's place in `texts`, from 1 */
    uint32_t play;   /* the rank of the page of plays */
    int32_t since;   /* the first day */
} Month;

/* Add bytes that `sessions_write` wrote; they must stay until the month is freed. Then sort the month by level, day
 * and user; false if memory is short. Levels are then ranks. */
Outcome month_add(Month *month, const uint8_t *data, size_t size);
bool month_sort(Month *month);
void month_free(Month *month);

/* The rank of a text; 0 if the month does not have it. A linear search: call it a few times a month. */
uint32_t month_rank(const Month *month, const char *text);

/* The text of a rank; null for 0. */
static inline Text month_text(const Month *month, uint32_t rank) {
    return rank ? month->texts[rank - 1] : (Text){0};
}

/* The rank of the page of a session's page view. */
static inline uint32_t month_page(const Month *month, const SessionDay *session, SessionView view) {
    return month->ranks[session->first_text + view.page - 1];
}

/* Some days of a month. */
typedef struct {
    int32_t since, until;
} DaySpan;

static inline bool is_on(const SessionDay *session, DaySpan days) {
    return session->day >= days.since && session->day < days.until;
}

/* One of so many parts of a rollup by day. */
typedef struct {
    int64_t number, parts;
} Part;

/* The part's days: parts have an equal share of 31 days, in their order. */
DaySpan days_of_part(const Month *month, Part part);

/* Append the rows of a part. */
Outcome rows_of_page_days(const Month *month, Part part, Buffer *buffer);     /* page_days.c */
Outcome rows_of_session_days(const Month *month, Part part, Buffer *buffer);  /* session_days.c */
Outcome rows_of_feedback_days(const Month *month, Part part, Buffer *buffer); /* feedback_days.c */

/* A play: what was heard, and the number of its session. */
typedef struct {
    int64_t id;
    uint32_t session;
} Heard;

/* The plays of a month in one piece of a rollup of tracks or artists. Each piece takes an equal share of the range
 * of ids, in their order; ids are digests, so pieces have about as many plays. */
typedef struct {
    const Month *month;
    bool of_artists; /* or of tracks */
    uint32_t number, pieces;
    Heard *plays;
    size_t count;
} Piece;

/* Sort the plays by the rows of the rollup; false if memory is short. Then take the rows, as COPY. */
bool piece_sort(Piece *piece);
size_t piece_bytes(const Piece *piece);
void piece_write(const Piece *piece, uint8_t *at);
void piece_free(Piece *piece);

#endif
