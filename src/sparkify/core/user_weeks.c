/* What each user did in each week (publish/rollups/user_week_counts.sql).
 *
 * Weeks that are not all in the month are left to PostgreSQL. */
#include <stdlib.h>

#include "months.h"

/* Pages with a column of their own; errors come after the first ones. */
static const char *const PAGES[] = {
    "Roll Advert", "Thumbs Up", "Thumbs Down", "Add to Playlist", "Add Friend", "Help",
    "Upgrade", "Downgrade", "Submit Upgrade", "Submit Downgrade", "Cancellation Confirmation",
};
enum { KINDS = sizeof PAGES / sizeof *PAGES, BEFORE_ERRORS = 5 };

typedef struct {
    int64_t user_id, session_id;
    int32_t week; /* its Monday */
    const SessionDay *session;
} Used;

/* The level of the last event that has one: of several at that moment, the greatest. */
typedef struct {
    uint32_t time, level;
} Last;

typedef struct {
    int64_t milliseconds;
    int32_t last_day, plays, sessions, views, errors, of_page[KINDS];
    Last last;
} Row;

static int by_user_week_and_session(const void *one, const void *other) {
    const Used *a = one, *b = other;
    COMPARE(user_id);
    COMPARE(week);
    COMPARE(session_id);
    return 0;
}

static void add_moment(Row *row, Last moment) {
    if (!moment.level) return;
    bool is_later = moment.time != row->last.time ? moment.time > row->last.time : moment.level > row->last.level;
    if (is_later) row->last = moment;
}

static void add_session(Row *row, const Month *month, const SessionDay *session, const uint32_t *pages) {
    if (session->day > row->last_day) row->last_day = session->day;
    row->milliseconds += session->milliseconds;
    row->plays += (int32_t)session->plays;
    row->views += (int32_t)session->views;
    for (uint32_t at = 0; at < session->plays; at++)
        add_moment(row, (Last){session_play_time(session, at), session->level});
    for (uint32_t at = 0; at < session->views; at++) {
        SessionView view = session_view(session, at);
        add_moment(row, (Last){view.time, session->level});
        row->errors += view.is_error;
        uint32_t page = month_page(month, session, view);
        for (size_t kind = 0; kind < KINDS; kind++) row->of_page[kind] += pages[kind] == page;
    }
}

/* Write the row of a user and week, whose sessions are sorted. */
static bool write_row(const Month *month, const Used *used, size_t count, const uint32_t *pages, Buffer *buffer) {
    Row row = {.last_day = FIRST_DAY};
    for (size_t at = 0; at < count; at++) {
        row.sessions += !at || used[at].session_id != used[at - 1].session_id;
        add_session(&row, month, used[at].session, pages);
    }
    Text level = month_text(month, row.last.level);
    uint8_t *at = copy_row(buffer, 20, level.size);
    if (!at) return false;
    at = copy_bigint(at, used->user_id);
    at = copy_date(at, used->week);
    at = copy_text(at, level);
    at = copy_date(at, row.last_day);
    at = copy_integer(at, row.plays);
    at = copy_bigint(at, row.milliseconds);
    at = copy_integer(at, row.sessions);
    at = copy_integer(at, row.views);
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (kind == BEFORE_ERRORS) at = copy_integer(at, row.errors);
        at = copy_integer(at, row.of_page[kind]);
    }
    copy_row_end(buffer, at);
    return true;
}

/* The users' sessions of a piece, in whole weeks; NULL if memory is short. */
static Used *select_used(const Month *month, Piece piece, size_t *count) {
    Used *used = malloc((month->session_count + 1) * sizeof *used);
    int32_t until = month_start(month->since + 31);
    *count = 0;
    for (size_t at = 0; used && at < month->session_count; at++) {
        const SessionDay *session = &month->sessions[at];
        if (!session->has_user || !is_in_piece(session->user_id, piece)) continue;
        int32_t week = session->day - weekday_of(session->day);
        if (week < month->since || week + 7 > until) continue;
        used[(*count)++] = (Used){session->user_id, session->session_id, week, session};
    }
    return used;
}

Outcome rows_of_user_weeks(const Month *month, Piece piece, Buffer *buffer) {
    uint32_t pages[KINDS];
    for (size_t kind = 0; kind < KINDS; kind++) pages[kind] = month_rank(month, PAGES[kind]);
    size_t count;
    Used *used = select_used(month, piece, &count);
    bool done = used != NULL;
    if (done) qsort(used, count, sizeof *used, by_user_week_and_session);
    for (size_t first = 0, end; done && first < count; first = end) {
        end = first + 1;
        while (end < count && used[end].user_id == used[first].user_id && used[end].week == used[first].week) end++;
        done = write_row(month, used + first, end - first, pages, buffer);
    }
    free(used);
    return done ? DONE : SHORT_OF_MEMORY;
}
