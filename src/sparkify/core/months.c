/* The sessions of a new month, read and put in order. */
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
    Text wanted = {(const uint8_t *)text, strlen(text)};
    size_t low = 0, high = month->text_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_texts(month->texts[middle], wanted);
        if (!order) return (uint32_t)middle + 1;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
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

static int32_t first_day(const Month *month, int64_t number, int64_t pieces) {
    return month->since + (int32_t)((31 * number + pieces - 1) / pieces);
}

DaySpan days_of_piece(const Month *month, Piece piece) {
    return (DaySpan){first_day(month, piece.number, piece.pieces), first_day(month, piece.number + 1, piece.pieces)};
}
