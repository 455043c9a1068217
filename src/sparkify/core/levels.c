/* The stretches of plays at one level on users' days (docs/rules.md, Users).
 *
 * publish/rollups/user_level_days.sql defines them for PostgreSQL. Of a play's order, the batch keeps only its
 * time: where plays at two levels have the same time, the stretches are numbered from 1 again, as if the day
 * came from two batches. Publication then computes the day from its plays. */
#include <stdlib.h>

#include "rows.h"

typedef struct {
    int64_t user_id;
    int32_t month, day;
    uint32_t number;
} Key;

static int by_user_and_day(const void *one, const void *other) {
    const Key *a = one, *b = other;
    COMPARE(month);
    COMPARE(user_id);
    COMPARE(day);
    return 0;
}

bool batch_sort_levels(Batch *batch) {
    size_t count = batch->user_day_count;
    Key *keys = malloc((count + 1) * sizeof *keys);
    bool done = keys != NULL;
    for (size_t at = 0; done && at < count; at++) {
        const UserDay *day = &batch->user_days[at];
        keys[at] = (Key){day->user_id, day->month, day->day, (uint32_t)at};
    }
    if (done) qsort(keys, count, sizeof *keys, by_user_and_day);
    for (size_t at = 0; done && at < count; at++)
        done = by_month_add(&batch->of_levels, keys[at].month, keys[at].number);
    free(keys);
    return done;
}

typedef struct {
    int64_t ts;
    uint32_t level;
} TimedLevel;

/* The plays of one user's day; the array serves one day after the other. */
typedef struct {
    const UserDay *day;
    TimedLevel *plays;
    size_t count, room;
} Day;

static bool add_plays(Day *day, const Batch *batch, const UserDay *row) {
    day->day = row;
    if (!make_room(&day->plays, &day->room, day->count + row->plays, sizeof *day->plays)) return false;
    for (uint32_t at = 0; at < row->plays; at++)
        day->plays[day->count++] = (TimedLevel){batch->day_plays[row->start + at].ts, row->level};
    return true;
}

static int by_time_and_level(const void *one, const void *other) {
    const TimedLevel *a = one, *b = other;
    COMPARE(ts);
    COMPARE(level);
    return 0;
}

/* Write the stretches of a day, which then has no plays. */
static bool write_stretches(Day *day, const Batch *batch, Buffer *buffer) {
    const TimedLevel *plays = day->plays;
    qsort(day->plays, day->count, sizeof *plays, by_time_and_level);
    int32_t stretch_no = 0;
    for (size_t first = 0, end; first < day->count; first = end) {
        for (end = first + 1; end < day->count && plays[end].level == plays[first].level;) end++;
        bool has_order = !first || plays[first - 1].ts < plays[first].ts;
        stretch_no = has_order ? stretch_no + 1 : 1;
        Text level = text_at(&batch->texts, plays[first].level);
        uint8_t *at = copy_row(buffer, 6, level.size);
        if (!at) return false;
        at = copy_bigint(at, day->day->user_id);
        at = copy_date(at, day->day->day);
        at = copy_integer(at, stretch_no);
        at = copy_text(at, level);
        at = copy_timestamp(at, plays[first].ts);
        at = copy_timestamp(at, plays[end - 1].ts);
        copy_row_end(buffer, at);
    }
    day->count = 0;
    return true;
}

bool rows_of_levels(Plays *plays, int32_t month, Buffer *buffer) {
    const Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->of_levels, month);
    Day day = {0};
    bool done = true;
    for (uint32_t number; done && walk_next(&walk, &number);) {
        const UserDay *row = &batch->user_days[number];
        if (day.count && (day.day->user_id != row->user_id || day.day->day != row->day))
            done = write_stretches(&day, batch, buffer);
        done = done && add_plays(&day, batch, row);
    }
    if (done && day.count) done = write_stretches(&day, batch, buffer);
    free(day.plays);
    return done;
}
