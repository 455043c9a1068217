/* The page views of each day (publish/rollups/page_days.sql). */
#include <stdlib.h>

#include "months.h"

typedef struct {
    int64_t user_id;
    int32_t day;
    uint32_t page, level;
    bool has_user, is_error;
} Seen;

static int by_key_and_user(const void *one, const void *other) {
    const Seen *a = one, *b = other;
    COMPARE(day);
    COMPARE(page);
    COMPARE(level);
    COMPARE(has_user);
    COMPARE(user_id);
    return 0;
}

static bool is_same_row(const Seen *one, const Seen *other) {
    return one->day == other->day && one->page == other->page && one->level == other->level;
}

/* Whether a page view is the first of its user, among those of a row. */
static bool is_first(const Seen *seen, size_t at) {
    if (!seen[at].has_user) return false;
    return !at || !seen[at - 1].has_user || seen[at - 1].user_id != seen[at].user_id;
}

/* Write the row of some page views, which are sorted by their users. */
static bool write_row(const Month *month, const Seen *seen, size_t count, Buffer *buffer) {
    Text page = month_text(month, seen->page), level = month_text(month, seen->level);
    int32_t errors = 0;
    uint32_t users = 0;
    for (size_t at = 0; at < count; at++) {
        errors += seen[at].is_error;
        users += is_first(seen, at);
    }
    uint8_t *to = copy_row(buffer, 6, page.size + level.size + COPY_ARRAY + (size_t)users * 12);
    if (!to) return false;
    to = copy_date(to, seen->day);
    to = copy_text(to, page);
    to = copy_text(to, level);
    to = copy_integer(to, (int32_t)count);
    to = copy_integer(to, errors);
    to = copy_array(to, INT8_OID, users, 8);
    for (size_t at = 0; at < count; at++)
        if (is_first(seen, at)) to = copy_bigint(to, seen[at].user_id);
    copy_row_end(buffer, to);
    return true;
}

static Seen *find_seen(const Month *month, Days days, size_t *count) {
    size_t views = 0;
    for (size_t at = 0; at < month->day_count; at++)
        if (is_on(&month->days[at], days)) views += month->days[at].views;
    Seen *seen = malloc((views + 1) * sizeof *seen);
    *count = 0;
    for (size_t at = 0; seen && at < month->day_count; at++) {
        const SessionDay *day = &month->days[at];
        for (uint32_t number = 0; is_on(day, days) && number < day->views; number++) {
            SessionView view = session_view(day, number);
            uint32_t page = month_page(month, day, view);
            seen[(*count)++] = (Seen){day->user_id, day->day, page, day->level, day->has_user, view.is_error};
        }
    }
    if (seen) qsort(seen, *count, sizeof *seen, by_key_and_user);
    return seen;
}

Outcome rows_of_page_days(const Month *month, Days days, Buffer *buffer) {
    size_t count;
    Seen *seen = find_seen(month, days, &count);
    bool done = seen != NULL;
    for (size_t first = 0, end; done && first < count; first = end) {
        for (end = first + 1; end < count && is_same_row(&seen[first], &seen[end]); end++) {}
        done = write_row(month, seen + first, end - first, buffer);
    }
    free(seen);
    return done ? DONE : SHORT_OF_MEMORY;
}
