/* The rollups of a month that is new to the warehouse: its tracks and artists. */
#include "months.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"

enum { INT2_OID = 21, INT8_OID = 20 };

PartTaken month_add(MonthCount *month, const uint8_t *data, size_t size) {
    const uint8_t *at = data, *end = data + size;
    for (Listened row; listened_read(&at, end, &row); month->count += row.plays) {
        if (!make_room(&month->days, &month->day_room, month->day_count + 1, sizeof *month->days))
            return PART_NO_MEMORY;
        month->days[month->day_count++] = (struct Day){.listened = row};
    }
    return at == end ? PART_TAKEN : PART_MALFORMED;
}

#define COMPARE(field) \
    if (a->field != b->field) return a->field < b->field ? -1 : 1

static int by_level_day_and_user(const void *one, const void *other) {
    const Listened *a = &((const struct Day *)one)->listened, *b = &((const struct Day *)other)->listened;
    int order = compare_texts(a->level, b->level);
    if (order) return order;
    COMPARE(day);
    COMPARE(user_id);
    return 0;
}

static void sort_days(MonthCount *month) {
    struct Day *days = month->days;
    if (!days) return;
    qsort(days, month->day_count, sizeof *days, by_level_day_and_user);
    for (size_t at = 1; at < month->day_count; at++) {
        bool is_same = same_text(days[at - 1].listened.level, days[at].listened.level);
        days[at].level = is_same ? days[at - 1].level : (uint32_t)at;
    }
}

static int64_t id_of(const MonthCount *month, const struct Day *day, uint32_t play) {
    int64_t id;
    const uint8_t *ids = month->of_artists ? day->listened.artists : day->listened.tracks;
    memcpy(&id, ids + play * sizeof id, sizeof id);
    return id;
}

/* Ids are digests, so their first bits spread them evenly. The buckets' sizes shall fit in the cache. */
static int bits_for(size_t plays) {
    int bits = 1;
    while (bits < 16 && plays >> bits > 16) bits++;
    return bits;
}

static size_t bucket_of(int64_t id, int bits) { return (uint64_t)id >> (64 - bits); }

static int by_id_and_day(const void *one, const void *other) {
    const Heard *a = one, *b = other;
    COMPARE(id);
    COMPARE(day);
    return 0;
}

/* Sort each bucket: a sort of all plays at once takes twice as long. */
bool month_sort(MonthCount *month) {
    sort_days(month);
    int bits = bits_for(month->count);
    size_t buckets = (size_t)1 << bits, *ends = calloc(buckets + 1, sizeof *ends);
    Heard *plays = month->plays = malloc((month->count + 1) * sizeof *plays);
    bool done = ends && plays;
    for (size_t at = 0; done && at < month->day_count; at++)
        for (uint32_t play = 0; play < month->days[at].listened.plays; play++)
            ends[bucket_of(id_of(month, &month->days[at], play), bits) + 1]++;
    for (size_t bucket = 0; done && bucket < buckets; bucket++) ends[bucket + 1] += ends[bucket];
    for (size_t at = 0; done && at < month->day_count; at++)
        for (uint32_t play = 0; play < month->days[at].listened.plays; play++) {
            int64_t id = id_of(month, &month->days[at], play);
            plays[ends[bucket_of(id, bits)]++] = (Heard){id, (uint32_t)at};
        }
    size_t start = 0;
    for (size_t bucket = 0; done && bucket < buckets; start = ends[bucket++])
        qsort(plays + start, ends[bucket] - start, sizeof *plays, by_id_and_day);
    free(ends);
    return done;
}

static const struct Day *day_of_play(const MonthCount *month, size_t play) {
    return &month->days[month->plays[play].day];
}

/* The end of the plays of a row, which begins with the play `first`. */
static size_t end_of_row(const MonthCount *month, size_t first) {
    uint32_t level = day_of_play(month, first)->level;
    size_t end = first + 1;
    while (end < month->count && month->plays[end].id == month->plays[first].id
           && day_of_play(month, end)->level == level)
        end++;
    return end;
}

size_t month_bytes(const MonthCount *month) {
    size_t bytes = sizeof COPY_HEADER + 2;
    for (size_t first = 0, end; first < month->count; first = end) {
        end = end_of_row(month, first);
        bytes += 2 + 12 + 8 + 4 + day_of_play(month, first)->listened.level.size + 8;
        if (!month->of_artists) bytes += COPY_ARRAY + (end - first) * 12 + COPY_ARRAY + (end - first) * 6;
    }
    return bytes;
}

static uint8_t *write_listeners(const MonthCount *month, size_t first, size_t end, int32_t since,
                                uint8_t *at) {
    at = copy_array(at, INT8_OID, (uint32_t)(end - first), 8);
    for (size_t play = first; play < end; play++)
        at = copy_bigint(at, day_of_play(month, play)->listened.user_id);
    at = copy_array(at, INT2_OID, (uint32_t)(end - first), 2);
    for (size_t play = first; play < end; play++)
        at = copy_smallint(at, (int16_t)(day_of_play(month, play)->listened.day - since + 1));
    return at;
}

void month_write(const MonthCount *month, uint8_t *at) {
    memcpy(at, COPY_HEADER, sizeof COPY_HEADER);
    at += sizeof COPY_HEADER;
    int32_t a_day = month->count ? day_of_play(month, 0)->listened.day : 0;
    int32_t since = a_day - date_of(a_day).day + 1;
    for (size_t first = 0, end; first < month->count; first = end) {
        end = end_of_row(month, first);
        at = put16(at, month->of_artists ? 4 : 6);
        at = copy_bigint(at, month->plays[first].id);
        at = copy_date(at, since);
        at = copy_text(at, day_of_play(month, first)->listened.level);
        at = copy_integer(at, (int32_t)(end - first));
        if (!month->of_artists) at = write_listeners(month, first, end, since, at);
    }
    put16(at, UINT16_MAX);
}

void month_free(MonthCount *month) {
    free(month->days);
    free(month->plays);
    *month = (MonthCount){0};
}
