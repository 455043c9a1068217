/* The page views of each day (publish/rollups/page_days.sql). */
#include <stdlib.h>

#include "months.h"

typedef struct {
    int64_t user_id;
    int32_t day;
    uint32_t page, level;
    bool has_user, is_error;
} View;

static int by_key_and_user(const void *one, const void *other) {
    const View *a = one, *b = other;
    COMPARE(day);
    COMPARE(page);
    COMPARE(level);
    COMPARE(has_user);
    COMPARE(user_id);
    return 0;
}

static bool is_same_row(const View *one, const View *other) {
    return one->day == other->day && one->page == other->page && one->level == other->level;
}

/* Whether a page view is the first of its user, among those of a row. */
static bool is_first(const View *views, size_t at) {
    if (!views[at].has_user) return false;
    return !at || !views[at - 1].has_user || views[at - 1].user_id != views[at].user_id;
}

/* Write the row of some page views, which are sorted by their users. */
static bool write_row(const Month *month, const View *views, size_t count, Buffer *buffer) {
    Text page = month_text(month, views->page), level = month_text(month, views->level);
    int32_t errors = 0;
    uint32_t users = 0;
    for (size_t at = 0; at < count; at++) {
        errors += views[at].is_error;
        users += is_first(views, at);
    }
    uint8_t *to = copy_row(buffer, 6, page.size + level.size + COPY_ARRAY + (size_t)users * 12);
    if (!to) return false;
    to = copy_date(to, views->day);
    to = copy_text(to, page);
    to = copy_text(to, level);
    to = copy_integer(to, (int32_t)count);
    to = copy_integer(to, errors);
    to = copy_array(to, INT8_OID, users, 8);
    for (size_t at = 0; at < count; at++)
        if (is_first(views, at)) to = copy_bigint(to, views[at].user_id);
    copy_row_end(buffer, to);
    return true;
}

static View *find_views(const Month *month, DaySpan days, size_t *count) {
    size_t room = 1;
    for (size_t at = 0; at < month->session_count; at++)
        if (is_on(&month->sessions[at], days)) room += month->sessions[at].views;
    View *views = malloc(room * sizeof *views);
    *count = 0;
    for (size_t at = 0; views && at < month->session_count; at++) {
        const SessionDay *session = &month->sessions[at];
        for (uint32_t number = 0; is_on(session, days) && number < session->views; number++) {
            SessionView view = session_view(session, number);
            uint32_t page = month_page(month, session, view);
            views[(*count)++] = (View){
                .user_id = session->user_id,
                .day = session->day,
                .page = page,
                .level = session->level,
                .has_user = session->has_user,
                .is_error = view.is_error,
            };
        }
    }
    if (views) qsort(views, *count, sizeof *views, by_key_and_user);
    return views;
}

Outcome rows_of_page_days(const Month *month, Piece piece, Buffer *buffer) {
    size_t count;
    View *views = find_views(month, days_of_piece(month, piece), &count);
    bool done = views != NULL;
    for (size_t first = 0, end; done && first < count; first = end) {
        for (end = first + 1; end < count && is_same_row(&views[first], &views[end]); end++) {}
        done = write_row(month, views + first, end - first, buffer);
    }
    free(views);
    return done ? DONE : SHORT_OF_MEMORY;
}
