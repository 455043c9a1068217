/* The sessions of a month, in few bytes: rollups of a new month are counted from them (months.h).
 * The bytes never leave the process, so numbers are as the processor has them. */
#ifndef SPARKIFY_SESSIONS_H
#define SPARKIFY_SESSIONS_H

#include "plays.h"

/* Each row of a rollup repeats the level or the page. If one is longer, PostgreSQL counts the month: only an attack
 * has longer ones. */
enum { LONGEST_TEXT = 64 };

/* How many events of a month a batch has. */
typedef struct {
    size_t plays, views;
} EventCount;

/* Append the sessions of a month of a finished batch. NOT_SURE if a text is too long. */
Outcome sessions_write(const Plays *plays, int32_t month, Buffer *buffer, EventCount *count);

/* What somebody did in a session on a day at one level, read from the bytes. Its plays count `milliseconds`. `level`
 * is the number of a text of its batch; whoever reads several batches sets `first_text`, and numbers the levels again
 * (months.c). */
typedef struct {
    int64_t session_id, user_id, milliseconds;
    const uint8_t *lists; /* of plays: tracks, artists, times; of page views: pages, times; none is aligned */
    uint32_t plays, views, level, first_text;
    int32_t day;
    bool has_user;
} SessionDay;

/* Bytes that `sessions_write` wrote, while they are read. */
typedef struct {
    const uint8_t *at, *end;
    uint32_t text_count;
} SessionBytes;

/* Read the texts, then the sessions. Each returns false if there is no whole one before the end. */
bool sessions_begin(SessionBytes *bytes);
bool sessions_text(SessionBytes *bytes, Text *text);
bool sessions_next(SessionBytes *bytes, SessionDay *session);

/* The ids of tracks or of artists of its plays, in their order. */
const uint8_t *session_ids(const SessionDay *session, bool of_artists);

/* When a play begins, in milliseconds since the month began. */
uint32_t session_play_time(const SessionDay *session, uint32_t number);

/* A page view; its page is the number of a text of the batch, from 1. */
typedef struct {
    uint32_t time, page;
    bool is_error;
} SessionView;

SessionView session_view(const SessionDay *session, uint32_t number);

#endif
