/* The rollups of new days of a month: its tracks and artists. */
#include "months.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"

Outcome month_add(Month *month, const uint8_t *data, size_t size) {
    const uint8_t *at = data, *end = data + size;
    for (Listened row; listened_read(&at, end, &row); month->plays += row.plays) {
        if (!make_room(&month->days, &month->day_room, month->day_count + 1, sizeof *month->days))
            return SHORT_OF_MEMORY;
        month->days[month->day_count++] = (struct Day){.listened = row};
    }
    return at == end ? DONE : MALFORMED;
}

static int by_level_day_and_user(const void *one, const void *other) {
    const Listened *a = &((const struct Day *)one)->listened, *b = &((const struct Day *)other)->listened;
    int order = compare_texts(a->level, b->level);
    if (order) return order;
    COMPARE(day);
    COMPARE(user_id);
    return 0;
}

void month_sort(Month *month) {
    struct Day *days = month->days;
    if (!days) return;
    qsort(days, month->day_count, sizeof *days, by_level_day_and_user);
    for (size_t at = 1; at < month->day_count; at++) {
        bool is_same = same_text(days[at - 1].listened.level, days[at].listened.level);
        days[at].level = is_same ? days[at - 1].level : (uint32_t)at;
    }
}

void month_free(Month *month) {
    free(month->days);
    *month = (Month){0};
}

static int64_t id_of(const Piece *piece, const struct Day *day, uint32_t play) {
    int64_t id;
    const uint8_t *ids = piece->of_artists ? day->listened.artists : day->listened.tracks;
    memcpy(&id, ids + play * sizeof id, sizeof id);
    return id;
}

/* Where an id lies in the range of ids, from 0 to 2^63 - 1: the piece, then 32 bits of the place in it. */
static uint64_t place_of(const Piece *piece, int64_t id) {
    return (uint64_t)(uint32_t)((uint64_t)id >> 31) * piece->pieces;
}

static bool is_in_piece(const Piece *piece, uint64_t place) { return place >> 32 == piece->number; }

/* A bucket has a few plays, and the buckets' sizes shall fit in the cache. */
static int bits_for(size_t plays) {
    int bits = 1;
    while (bits < 16 && plays >> bits > 16) bits++;
    return bits;
}

static size_t bucket_of(uint64_t place, int bits) { return (uint32_t)place >> (32 - bits); }

static int by_id_and_day(const void *one, const void *other) {
    const Heard *a = one, *b = other;
    COMPARE(id);
    COMPARE(day);
    return 0;
}

/* The plays of the piece in each bucket, then where the bucket begins. */
static void find_buckets(Piece *piece, size_t *ends, int bits) {
    const Month *month = piece->month;
    for (size_t at = 0; at < month->day_count; at++)
        for (uint32_t play = 0; play < month->days[at].listened.plays; play++) {
            uint64_t place = place_of(piece, id_of(piece, &month->days[at], play));
            if (is_in_piece(piece, place)) ends[bucket_of(place, bits) + 1]++;
        }
    size_t buckets = (size_t)1 << bits;
    for (size_t bucket = 0; bucket < buckets; bucket++) ends[bucket + 1] += ends[bucket];
    piece->count = ends[buckets];
}

/* Moves where a bucket begins to its end. */
static void fill_buckets(Piece *piece, size_t *ends, int bits) {
    const Month *month = piece->month;
    for (size_t at = 0; at < month->day_count; at++)
        for (uint32_t play = 0; play < month->days[at].listened.plays; play++) {
            int64_t id = id_of(piece, &month->days[at], play);
            uint64_t place = place_of(piece, id);
            if (is_in_piece(piece, place))
                piece->plays[ends[bucket_of(place, bits)]++] = (Heard){id, (uint32_t)at};
        }
}

/* Sort each bucket: a sort of all plays at once takes twice as long. */
bool piece_sort(Piece *piece) {
    int bits = bits_for(piece->month->plays / piece->pieces);
    size_t buckets = (size_t)1 << bits, *ends = calloc(buckets + 1, sizeof *ends);
    if (ends) find_buckets(piece, ends, bits);
    Heard *plays = piece->plays = ends ? malloc((piece->count + 1) * sizeof *plays) : NULL;
    if (plays) fill_buckets(piece, ends, bits);
    size_t start = 0;
    for (size_t bucket = 0; plays && bucket < buckets; start = ends[bucket++])
        qsort(plays + start, ends[bucket] - start, sizeof *plays, by_id_and_day);
    free(ends);
    return plays != NULL;
}

static const struct Day *day_of_play(const Piece *piece, size_t play) {
    return &piece->month->days[piece->plays[play].day];
}

/* The end of the plays of a row, which begins with the play `first`. */
static size_t end_of_row(const Piece *piece, size_t first) {
    uint32_t level = day_of_play(piece, first)->level;
    size_t end = first + 1;
    while (end < piece->count && piece->plays[end].id == piece->plays[first].id
           && day_of_play(piece, end)->level == level)
        end++;
    return end;
}

size_t piece_bytes(const Piece *piece) {
    size_t bytes = sizeof COPY_HEADER + 2;
    for (size_t first = 0, end; first < piece->count; first = end) {
        end = end_of_row(piece, first);
        bytes += 2 + 12 + 8 + 4 + day_of_play(piece, first)->listened.level.size + 8;
        if (!piece->of_artists) bytes += COPY_ARRAY + (end - first) * 12 + COPY_ARRAY + (end - first) * 6;
    }
    return bytes;
}

static uint8_t *write_listeners(const Piece *piece, size_t first, size_t end, int32_t since, uint8_t *at) {
    at = copy_array(at, INT8_OID, (uint32_t)(end - first), 8);
    for (size_t play = first; play < end; play++)
        at = copy_bigint(at, day_of_play(piece, play)->listened.user_id);
    at = copy_array(at, INT2_OID, (uint32_t)(end - first), 2);
    for (size_t play = first; play < end; play++)
        at = copy_smallint(at, (int16_t)(day_of_play(piece, play)->listened.day - since + 1));
    return at;
}

void piece_write(const Piece *piece, uint8_t *at) {
    memcpy(at, COPY_HEADER, sizeof COPY_HEADER);
    at += sizeof COPY_HEADER;
    int32_t a_day = piece->count ? day_of_play(piece, 0)->listened.day : 0;
    int32_t since = a_day - date_of(a_day).day + 1;
    for (size_t first = 0, end; first < piece->count; first = end) {
        end = end_of_row(piece, first);
        at = put16(at, piece->of_artists ? 4 : 6);
        at = copy_bigint(at, piece->plays[first].id);
        at = copy_date(at, since);
        at = copy_text(at, day_of_play(piece, first)->listened.level);
        at = copy_integer(at, (int32_t)(end - first));
        if (!piece->of_artists) at = write_listeners(piece, first, end, since, at);
    }
    put16(at, UINT16_MAX);
}

void piece_free(Piece *piece) {
    free(piece->plays);
    *piece = (Piece){0};
}
