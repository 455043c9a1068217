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

/* The rank of a text; 0 if the month, which is sorted, does not have it. */
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

/* One of so many pieces of a rollup, which are counted one after the other, to keep memory small. */
typedef struct {
    uint32_t number, pieces;
} Piece;

/* The days of a piece of a rollup by day: pieces have an equal share of 31 days, in their order. */
DaySpan days_of_piece(const Month *month, Piece piece);

/* Whether a piece has the rows of a user or of a session: pieces have about as many. */
static inline bool is_in_piece(int64_t id, Piece piece) {
    uint32_t hash = (uint32_t)((uint64_t)id * 0x9E3779B97F4A7C15 >> 32);
    return (uint64_t)hash * piece.pieces >> 32 == piece.number;
}

/* Append the rows of a piece. NOT_SURE if only PostgreSQL can tell them. */
typedef Outcome (*RowsOf)(const Month *month, Piece piece, Buffer *buffer);

Outcome rows_of_artist_months(const Month *month, Piece piece, Buffer *buffer); /* track_months.c */
Outcome rows_of_feedback_days(const Month *month, Piece piece, Buffer *buffer); /* feedback_days.c */
Outcome rows_of_page_days(const Month *month, Piece piece, Buffer *buffer);     /* page_days.c */
Outcome rows_of_session_days(const Month *month, Piece piece, Buffer *buffer);  /* session_days.c */
Outcome rows_of_track_months(const Month *month, Piece piece, Buffer *buffer);  /* track_months.c */
Outcome rows_of_user_weeks(const Month *month, Piece piece, Buffer *buffer);    /* user_weeks.c */

#endif
