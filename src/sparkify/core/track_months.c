/* Tracks and artists by month (publish/rollups/track_months.sql, artist_months.sql). */
#include <stdlib.h>
#include <string.h>

#include "months.h"

/* A play: what was heard, and the number of its session. */
typedef struct {
    int64_t id;
    uint32_t session;
} Heard;

/* The plays of a piece. Each piece takes an equal share of the range of ids, in their order; ids are digests, so
 * pieces have about as many plays. */
typedef struct {
    const Month *month;
    bool of_artists; /* or of tracks */
    Piece piece;
    Heard *plays;
    size_t count;
} Selected;

static int64_t id_of(const Selected *selected, const SessionDay *session, uint32_t play) {
    int64_t id;
    memcpy(&id, session_ids(session, selected->of_artists) + play * sizeof id, sizeof id);
    return id;
}

/* Where an id lies in the range of ids, from 0 to 2^63 - 1: the piece, then 32 bits of the place in it. */
static uint64_t place_of(const Selected *selected, int64_t id) {
    return (uint64_t)(uint32_t)((uint64_t)id >> 31) * selected->piece.pieces;
}

static bool is_selected(const Selected *selected, uint64_t place) { return place >> 32 == selected->piece.number; }

/* A bucket has a few plays, and the buckets' sizes shall fit in the cache. */
static int bits_for(size_t plays) {
    int bits = 1;
    while (bits < 16 && plays >> bits > 16) bits++;
    return bits;
}

static size_t bucket_of(uint64_t place, int bits) { return (uint32_t)place >> (32 - bits); }

static int by_id_and_session(const void *one, const void *other) {
    const Heard *a = one, *b = other;
    COMPARE(id);
    COMPARE(session);
    return 0;
}

/* The selected plays in each bucket, then where the bucket begins. */
static void find_buckets(Selected *selected, size_t *ends, int bits) {
    const Month *month = selected->month;
    for (size_t at = 0; at < month->session_count; at++)
        for (uint32_t play = 0; play < month->sessions[at].plays; play++) {
            uint64_t place = place_of(selected, id_of(selected, &month->sessions[at], play));
            if (is_selected(selected, place)) ends[bucket_of(place, bits) + 1]++;
        }
    size_t buckets = (size_t)1 << bits;
    for (size_t bucket = 0; bucket < buckets; bucket++) ends[bucket + 1] += ends[bucket];
    selected->count = ends[buckets];
}

/* Moves where a bucket begins to its end. */
static void fill_buckets(Selected *selected, size_t *ends, int bits) {
    const Month *month = selected->month;
    for (size_t at = 0; at < month->session_count; at++)
        for (uint32_t play = 0; play < month->sessions[at].plays; play++) {
            int64_t id = id_of(selected, &month->sessions[at], play);
            uint64_t place = place_of(selected, id);
            if (is_selected(selected, place))
                selected->plays[ends[bucket_of(place, bits)]++] = (Heard){id, (uint32_t)at};
        }
}

/* Select the plays, sorted by the rows of the rollup: bucket by bucket, because a sort of all at once takes twice as
 * long. False if memory is short. */
static bool select_plays(Selected *selected) {
    int bits = bits_for(selected->month->plays / selected->piece.pieces);
    size_t buckets = (size_t)1 << bits, *ends = calloc(buckets + 1, sizeof *ends);
    if (ends) find_buckets(selected, ends, bits);
    Heard *plays = selected->plays = ends ? malloc((selected->count + 1) * sizeof *plays) : NULL;
    if (plays) fill_buckets(selected, ends, bits);
    size_t start = 0;
    for (size_t bucket = 0; plays && bucket < buckets; start = ends[bucket++])
        qsort(plays + start, ends[bucket] - start, sizeof *plays, by_id_and_session);
    free(ends);
    return plays != NULL;
}

static const SessionDay *session_of(const Selected *selected, size_t play) {
    return &selected->month->sessions[selected->plays[play].session];
}

/* The end of the plays of a row, which begins with the play `first`. */
static size_t end_of_row(const Selected *selected, size_t first) {
    uint32_t level = session_of(selected, first)->level;
    size_t end = first + 1;
    while (end < selected->count && selected->plays[end].id == selected->plays[first].id
           && session_of(selected, end)->level == level)
        end++;
    return end;
}

static uint8_t *copy_listeners(uint8_t *at, const Selected *selected, size_t first, size_t end) {
    at = copy_array(at, INT8_OID, (uint32_t)(end - first), 8);
    for (size_t play = first; play < end; play++) at = copy_bigint(at, session_of(selected, play)->user_id);
    at = copy_array(at, INT2_OID, (uint32_t)(end - first), 2);
    for (size_t play = first; play < end; play++)
        at = copy_smallint(at, (int16_t)(session_of(selected, play)->day - selected->month->since + 1));
    return at;
}

static bool write_row(const Selected *selected, size_t first, size_t end, Buffer *buffer) {
    Text level = month_text(selected->month, session_of(selected, first)->level);
    size_t arrays = selected->of_artists ? 0 : 2 * COPY_ARRAY + (end - first) * (12 + 6);
    uint8_t *at = copy_row(buffer, selected->of_artists ? 4 : 6, level.size + arrays);
    if (!at) return false;
    at = copy_bigint(at, selected->plays[first].id);
    at = copy_date(at, selected->month->since);
    at = copy_text(at, level);
    at = copy_integer(at, (int32_t)(end - first));
    if (!selected->of_artists) at = copy_listeners(at, selected, first, end);
    copy_row_end(buffer, at);
    return true;
}

static Outcome write_rows(Selected selected, Buffer *buffer) {
    bool done = select_plays(&selected);
    for (size_t first = 0, end; done && first < selected.count; first = end) {
        end = end_of_row(&selected, first);
        done = write_row(&selected, first, end, buffer);
    }
    free(selected.plays);
    return done ? DONE : SHORT_OF_MEMORY;
}

Outcome rows_of_track_months(const Month *month, Piece piece, Buffer *buffer) {
    return write_rows((Selected){.month = month, .piece = piece}, buffer);
}

Outcome rows_of_artist_months(const Month *month, Piece piece, Buffer *buffer) {
    return write_rows((Selected){.month = month, .piece = piece, .of_artists = true}, buffer);
}
