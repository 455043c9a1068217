/* Sessions by day, plays and page views together (publish/rollups/session_days.sql). */
#include <stdlib.h>

#include "months.h"

/* An event: milliseconds since the month began, and the rank of its page. */
typedef struct {
    uint32_t time, page;
} Moment;

typedef struct {
    uint32_t level, plays, views;
    Moment first, last;
} Row;

static int by_day_session_and_user(const void *one, const void *other) {
    const SessionDay *a = *(const SessionDay *const *)one, *b = *(const SessionDay *const *)other;
    COMPARE(day);
    COMPARE(session_id);
    COMPARE(has_user);
    COMPARE(user_id);
    return 0;
}

static bool is_before(Moment one, Moment other) {
    return one.time != other.time ? one.time < other.time : one.page < other.page;
}

static void add_moment(Row *row, Moment moment) {
    if (is_before(moment, row->first)) row->first = moment;
    if (is_before(row->last, moment)) row->last = moment;
}

static void add_session(Row *row, const Month *month, const SessionDay *session) {
    if (session->level > row->level) row->level = session->level;
    row->plays += session->plays;
    row->views += session->views;
    for (uint32_t at = 0; at < session->plays; at++)
        add_moment(row, (Moment){session_play_time(session, at), month->play});
    for (uint32_t at = 0; at < session->views; at++) {
        SessionView view = session_view(session, at);
        add_moment(row, (Moment){view.time, month_page(month, session, view)});
    }
}

static uint8_t *copy_moment(uint8_t *at, const Month *month, Moment moment) {
    return copy_timestamp(at, (int64_t)month->since * MS_PER_DAY + moment.time);
}

/* Write the row of `owner`: what these sessions come to. */
static bool write_row(const Month *month, const SessionDay *owner, const SessionDay *const *sessions, size_t count,
                      Buffer *buffer) {
    Row row = {.first = {UINT32_MAX, UINT32_MAX}};
    for (size_t at = 0; at < count; at++) add_session(&row, month, sessions[at]);
    Text level = month_text(month, row.level);
    Text first = month_text(month, row.first.page), last = month_text(month, row.last.page);
    uint8_t *at = copy_row(buffer, 10, level.size + first.size + last.size);
    if (!at) return false;
    at = copy_bigint(at, owner->session_id);
    at = owner->has_user ? copy_bigint(at, owner->user_id) : copy_null(at);
    at = copy_date(at, owner->day);
    at = copy_text(at, level);
    at = copy_moment(at, month, row.first);
    at = copy_moment(at, month, row.last);
    at = copy_text(at, first);
    at = copy_text(at, last);
    at = copy_integer(at, (int32_t)row.plays);
    at = copy_integer(at, (int32_t)row.views);
    copy_row_end(buffer, at);
    return true;
}

static bool is_same_user(const SessionDay *one, const SessionDay *other) {
    return one->has_user == other->has_user && one->user_id == other->user_id;
}

/* Write the rows of a session on a day, sorted by user. If it has one user, what was done while logged out is
 * theirs. */
static bool write_session(const Month *month, const SessionDay *const *sessions, size_t count, Buffer *buffer) {
    size_t logged_out = 0;
    while (logged_out < count && !sessions[logged_out]->has_user) logged_out++;
    const SessionDay *last = sessions[count - 1];
    if (logged_out == count || is_same_user(sessions[logged_out], last))
        return write_row(month, last, sessions, count, buffer);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && is_same_user(sessions[first], sessions[end]); end++) {}
        if (!write_row(month, sessions[first], sessions + first, end - first, buffer)) return false;
    }
    return true;
}

/* The sessions of a piece: on one day there may be millions. NULL if memory is short. */
static const SessionDay **select_sessions(const Month *month, Piece piece, size_t *count) {
    const SessionDay **sessions = malloc((month->session_count + 1) * sizeof *sessions);
    *count = 0;
    for (size_t at = 0; sessions && at < month->session_count; at++)
        if (is_in_piece(month->sessions[at].session_id, piece)) sessions[(*count)++] = &month->sessions[at];
    return sessions;
}

Outcome rows_of_session_days(const Month *month, Piece piece, Buffer *buffer) {
    size_t count;
    const SessionDay **sessions = select_sessions(month, piece, &count);
    bool done = sessions != NULL;
    if (done) qsort(sessions, count, sizeof *sessions, by_day_session_and_user);
    for (size_t first = 0, end; done && first < count; first = end) {
        end = first + 1;
        while (end < count && sessions[end]->day == sessions[first]->day
               && sessions[end]->session_id == sessions[first]->session_id)
            end++;
        done = write_session(month, sessions + first, end - first, buffer);
    }
    free(sessions);
    return done ? DONE : SHORT_OF_MEMORY;
}
