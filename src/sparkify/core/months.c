/* The rollups of a new month: its sessions are read and put in order, then its tracks and artists counted. */
#include "months.h"

#include <stdlib.h>
#include <string.h>

static bool add_text(Month *month, Text text) {
    if (!make_room(&month->texts, &month->text_room, month->text_count + 1, sizeof *month->texts)) return false;
    month->texts[month->text_count++] = text;
    return true;
}

Outcome month_add(Month *month, const uint8_t *data, size_t size) {
    SessionBytes bytes = {.at = data, .end = data + size};
    uint32_t first_text = (uint32_t)month->text_count;
    if (!sessions_begin(&bytes)) return MALFORMED;
    for (uint32_t at = 0; at < bytes.text_count; at++) {
        Text text;
        if (!sessions_text(&bytes, &text)) return MALFORMED;
        if (!add_text(month, text)) return SHORT_OF_MEMORY;
    }
    while (bytes.at < bytes.end) {
        if (!make_room(&month->sessions, &month->session_room, month->session_count + 1, sizeof *month->sessions))
            return SHORT_OF_MEMORY;
        SessionDay *session = &month->sessions[month->session_count];
        if (!sessions_next(&bytes, session)) return MALFORMED;
        if (!month->session_count) month->since = month_start(session->day);
        if (month_start(session->day) != month->since) return MALFORMED;
        session->first_text = first_text;
        month->plays += session->plays;
        month->session_count++;
    }
    return DONE;
}

typedef struct {
    Text text;
    uint32_t number;
} Numbered;

static int by_text(const void *one, const void *other) {
    return compare_texts(((const Numbered *)one)->text, ((const Numbered *)other)->text);
}

/* Rank the texts by their bytes. Equal texts of several batches have the same rank. */
static bool rank_texts(Month *month) {
    size_t count = month->text_count;
    Numbered *sorted = malloc((count + 1) * sizeof *sorted);
    month->ranks = malloc((count + 1) * sizeof *month->ranks);
    bool done = sorted && month->ranks;
    if (done) {
        for (size_t at = 0; at < count; at++) sorted[at] = (Numbered){month->texts[at], (uint32_t)at};
        qsort(sorted, count, sizeof *sorted, by_text);
        uint32_t ranked = 0;
        for (size_t at = 0; at < count; at++) {
            if (!ranked || !same_text(month->texts[ranked - 1], sorted[at].text))
                month->texts[ranked++] = sorted[at].text;
            month->ranks[sorted[at].number] = ranked;
        }
        month->text_count = ranked;
    }
    free(sorted);
    return done;
}

uint32_t month_rank(const Month *month, const char *text) {
    for (size_t at = 0; at < month->text_count; at++)
        if (text_is(month->texts[at], text)) return (uint32_t)at + 1;
    return 0;
}

static int by_level_day_and_user(const void *one, const void *other) {
    const SessionDay *a = one, *b = other;
    COMPARE(level);
    COMPARE(day);
    COMPARE(user_id);
    return 0;
}

bool month_sort(Month *month) {
    static const char PLAY[] = "NextSong";
    if (!add_text(month, (Text){(const uint8_t *)PLAY, sizeof PLAY - 1}) || !rank_texts(month)) return false;
    month->play = month_rank(month, PLAY);
    for (size_t at = 0; at < month->session_count; at++) {
        SessionDay *session = &month->sessions[at];
        if (session->level) session->level = month->ranks[session->first_text + session->level - 1];
    }
    if (month->sessions) qsort(month->sessions, month->session_count, sizeof *month->sessions, by_level_day_and_user);
    return true;
}

void month_free(Month *month) {
    free(month->sessions);
    free(month->texts);
    free(month->ranks);
    *month = (Month){0};
}

static int32_t first_day(const Month *month, int64_t number, int64_t parts) {
    return month->since + (int32_t)((31 * number + parts - 1) / parts);
}

DaySpan days_of_part(const Month *month, Part part) {
    return (DaySpan){first_day(month, part.number, part.parts), first_day(month, part.number + 1, part.parts)};
}

static int64_t id_of(const Piece *piece, const SessionDay *session, uint32_t play) {
    int64_t id;
    memcpy(&id, session_ids(session, piece->of_artists) + play * sizeof id, sizeof id);
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

static int by_id_and_session(const void *one, const void *other) {
    const Heard *a = one, *b = other;
    COMPARE(id);
    COMPARE(session);
    return 0;
}

/* The plays of the piece in each bucket, then where the bucket begins. */
static void find_buckets(Piece *piece, size_t *ends, int bits) {
    const Month *month = piece->month;
    for (size_t at = 0; at < month->session_count; at++)
        for (uint32_t play = 0; play < month->sessions[at].plays; play++) {
            uint64_t place = place_of(piece, id_of(piece, &month->sessions[at], play));
            if (is_in_piece(piece, place)) ends[bucket_of(place, bits) + 1]++;
        }
    size_t buckets = (size_t)1 << bits;
    for (size_t bucket = 0; bucket < buckets; bucket++) ends[bucket + 1] += ends[bucket];
    piece->count = ends[buckets];
}

/* Moves where a bucket begins to its end. */
static void fill_buckets(Piece *piece, size_t *ends, int bits) {
    const Month *month = piece->month;
    for (size_t at = 0; at < month->session_count; at++)
        for (uint32_t play = 0; play < month->sessions[at].plays; play++) {
            int64_t id = id_of(piece, &month->sessions[at], play);
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
        qsort(plays + start, ends[bucket] - start, sizeof *plays, by_id_and_session);
    free(ends);
    return plays != NULL;
}

static const SessionDay *session_of_play(const Piece *piece, size_t play) {
    return &piece->month->sessions[piece->plays[play].session];
}

static Text level_of(const Piece *piece, size_t play) {
    return month_text(piece->month, session_of_play(piece, play)->level);
}

/* The end of the plays of a row, which begins with the play `first`. */
static size_t end_of_row(const Piece *piece, size_t first) {
    uint32_t level = session_of_play(piece, first)->level;
    size_t end = first + 1;
    while (end < piece->count && piece->plays[end].id == piece->plays[first].id
           && session_of_play(piece, end)->level == level)
        end++;
    return end;
}

size_t piece_bytes(const Piece *piece) {
    size_t bytes = sizeof COPY_HEADER + 2;
    for (size_t first = 0, end; first < piece->count; first = end) {
        end = end_of_row(piece, first);
        bytes += 2 + 12 + 8 + 4 + level_of(piece, first).size + 8;
        if (!piece->of_artists) bytes += COPY_ARRAY + (end - first) * 12 + COPY_ARRAY + (end - first) * 6;
    }
    return bytes;
}

static uint8_t *write_listeners(const Piece *piece, size_t first, size_t end, int32_t since, uint8_t *at) {
    at = copy_array(at, INT8_OID, (uint32_t)(end - first), 8);
    for (size_t play = first; play < end; play++)
        at = copy_bigint(at, session_of_play(piece, play)->user_id);
    at = copy_array(at, INT2_OID, (uint32_t)(end - first), 2);
    for (size_t play = first; play < end; play++)
        at = copy_smallint(at, (int16_t)(session_of_play(piece, play)->day - since + 1));
    return at;
}

void piece_write(const Piece *piece, uint8_t *at) {
    memcpy(at, COPY_HEADER, sizeof COPY_HEADER);
    at += sizeof COPY_HEADER;
    int32_t since = piece->month->since;
    for (size_t first = 0, end; first < piece->count; first = end) {
        end = end_of_row(piece, first);
        at = put16(at, piece->of_artists ? 4 : 6);
        at = copy_bigint(at, piece->plays[first].id);
        at = copy_date(at, since);
        at = copy_text(at, level_of(piece, first));
        at = copy_integer(at, (int32_t)(end - first));
        if (!piece->of_artists) at = write_listeners(piece, first, end, since, at);
    }
    put16(at, UINT16_MAX);
}

void piece_free(Piece *piece) {
    free(piece->plays);
    *piece = (Piece){0};
}
