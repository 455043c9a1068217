/* The sessions of a month, in few bytes: the texts that they use, then each session. */
#include "sessions.h"

#include <stdlib.h>
#include <string.h>

#include "calendar.h"

enum { ERROR_BIT = 1 << 30 /* in the number of a page */ };
enum { PLAY_BYTES = 2 * sizeof(int64_t) + sizeof(uint32_t), VIEW_BYTES = 2 * sizeof(uint32_t) };

/* Comes before the ids and times of a session. It has no gaps, whose bytes would be anything. */
typedef struct {
    int64_t session_id, user_id, milliseconds;
    uint32_t plays, views, level_and_user; /* twice the level, and 1 if there is a user */
    int32_t day;
} Header;

/* The texts that a month uses, by their numbers in the batch. */
typedef struct {
    Table table;
    uint32_t *numbers;
    size_t count, room;
} Used;

/* The number of a text among those that are used, from 1; 0 for null, or if it is not used. */
static uint32_t number_of(Used *used, const Seed *seed, uint32_t text) {
    Search search = table_find(&used->table, hash_numbers(seed, text, 0));
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;)
        if (used->numbers[found] == text) return found + 1;
    return 0;
}

static Outcome use(Used *used, const Plays *plays, uint32_t text, Buffer *buffer) {
    if (!text || number_of(used, &plays->seed, text)) return DONE;
    Text kept = text_at(&plays->batch.texts, text);
    if (kept.size > LONGEST_TEXT) return NOT_SURE;
    if (!make_room(&used->numbers, &used->room, used->count + 1, sizeof *used->numbers)) return SHORT_OF_MEMORY;
    if (!table_make_room(&used->table)) return SHORT_OF_MEMORY;
    table_add(&used->table, hash_numbers(&plays->seed, text, 0), used->count);
    used->numbers[used->count++] = text;
    uint32_t size = (uint32_t)kept.size;
    bool done = buffer_add(buffer, &size, sizeof size) && buffer_add(buffer, kept.data, kept.size);
    return done ? DONE : SHORT_OF_MEMORY;
}

static const BatchView *view_of(const Batch *batch, const Session *session, uint32_t number) {
    return &batch->viewing[batch->session_views[session->first_view + number]];
}

static Outcome write_texts(const Plays *plays, int32_t month, Used *used, Buffer *buffer) {
    const Batch *batch = &plays->batch;
    size_t start = buffer->size;
    uint32_t count = 0;
    Outcome outcome = buffer_add(buffer, &count, sizeof count) ? DONE : SHORT_OF_MEMORY;
    Walk walk = by_month_find(&batch->of_sessions, month);
    for (uint32_t number; outcome == DONE && walk_next(&walk, &number);) {
        const Session *session = &batch->sessions[number];
        outcome = use(used, plays, session->level, buffer);
        for (uint32_t at = 0; outcome == DONE && at < session->views; at++)
            outcome = use(used, plays, view_of(batch, session, at)->page, buffer);
    }
    count = (uint32_t)used->count;
    if (outcome == DONE) memcpy(buffer->data + start, &count, sizeof count);
    return outcome;
}

static uint8_t *put(uint8_t *at, const void *data, size_t size) {
    memcpy(at, data, size);
    return at + size;
}

/* What the plays of a session count together. */
static int64_t milliseconds_of(const Plays *plays, const Session *session) {
    const uint32_t *numbers = plays->batch.session_plays + session->first_play;
    int64_t milliseconds = 0;
    for (uint32_t n = 0; n < session->plays; n++)
        milliseconds += plays->songs.items[plays->batch.listening[numbers[n]].song].milliseconds;
    return milliseconds;
}

static uint8_t *put_plays(uint8_t *at, const Plays *plays, const Session *session, int64_t since) {
    const uint32_t *numbers = plays->batch.session_plays + session->first_play;
    const BatchPlay *listening = plays->batch.listening;
    uint8_t *artists = at + session->plays * sizeof(int64_t), *times = artists + session->plays * sizeof(int64_t);
    for (uint32_t n = 0; n < session->plays; n++) {
        const Song *song = &plays->songs.items[listening[numbers[n]].song];
        uint32_t time = (uint32_t)(listening[numbers[n]].ts - since);
        at = put(at, &song->track_id, sizeof song->track_id);
        artists = put(artists, &song->artist_key, sizeof song->artist_key);
        times = put(times, &time, sizeof time);
    }
    return times;
}

static uint8_t *put_views(uint8_t *at, const Plays *plays, const Session *session, Used *used, int64_t since) {
    uint8_t *times = at + session->views * sizeof(uint32_t);
    for (uint32_t n = 0; n < session->views; n++) {
        const BatchView *view = view_of(&plays->batch, session, n);
        uint32_t time = (uint32_t)(view->ts - since);
        uint32_t page = number_of(used, &plays->seed, view->page) | (view->is_error ? ERROR_BIT : 0);
        at = put(at, &page, sizeof page);
        times = put(times, &time, sizeof time);
    }
    return times;
}

static bool write_sessions(const Plays *plays, int32_t month, Used *used, Buffer *buffer, EventCount *count) {
    const Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->of_sessions, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const Session *session = &batch->sessions[number];
        Header header = {
            .session_id = session->session_id,
            .user_id = session->user_id,
            .milliseconds = milliseconds_of(plays, session),
            .plays = session->plays,
            .views = session->views,
            .level_and_user = 2 * number_of(used, &plays->seed, session->level) + session->has_user,
            .day = session->day,
        };
        size_t lists = (size_t)session->plays * PLAY_BYTES + (size_t)session->views * VIEW_BYTES;
        uint8_t *at = buffer_room(buffer, sizeof header + lists);
        if (!at) return false;
        int64_t since = (int64_t)month_start(session->day) * MS_PER_DAY;
        at = put(at, &header, sizeof header);
        at = put_plays(at, plays, session, since);
        at = put_views(at, plays, session, used, since);
        buffer->size = (size_t)(at - buffer->data);
        count->plays += session->plays;
        count->views += session->views;
    }
    return true;
}

Outcome sessions_write(const Plays *plays, int32_t month, Buffer *buffer, EventCount *count) {
    Used used = {0};
    *count = (EventCount){0};
    Outcome outcome = write_texts(plays, month, &used, buffer);
    if (outcome == DONE && !write_sessions(plays, month, &used, buffer, count)) outcome = SHORT_OF_MEMORY;
    table_free(&used.table);
    free(used.numbers);
    return outcome;
}

/* Take bytes; NULL if there are fewer. */
static const uint8_t *take(SessionBytes *bytes, size_t size) {
    if ((size_t)(bytes->end - bytes->at) < size) return NULL;
    bytes->at += size;
    return bytes->at - size;
}

static bool take_number(SessionBytes *bytes, uint32_t *number) {
    const uint8_t *at = take(bytes, sizeof *number);
    if (at) memcpy(number, at, sizeof *number);
    return at != NULL;
}

bool sessions_begin(SessionBytes *bytes) { return take_number(bytes, &bytes->text_count); }

bool sessions_text(SessionBytes *bytes, Text *text) {
    uint32_t size;
    if (!take_number(bytes, &size) || size > LONGEST_TEXT) return false;
    *text = (Text){take(bytes, size), size};
    return text->data != NULL;
}

static uint32_t number_at(const uint8_t *numbers, size_t at) {
    uint32_t number;
    memcpy(&number, numbers + at * sizeof number, sizeof number);
    return number;
}

const uint8_t *session_ids(const SessionDay *session, bool of_artists) {
    return session->lists + (of_artists ? session->plays * sizeof(int64_t) : 0);
}

uint32_t session_play_time(const SessionDay *session, uint32_t number) {
    return number_at(session->lists + session->plays * 2 * sizeof(int64_t), number);
}

SessionView session_view(const SessionDay *session, uint32_t number) {
    const uint8_t *pages = session->lists + (size_t)session->plays * PLAY_BYTES;
    uint32_t page = number_at(pages, number);
    return (SessionView){
        .time = number_at(pages, (size_t)session->views + number),
        .page = page & ~(uint32_t)ERROR_BIT,
        .is_error = page & ERROR_BIT,
    };
}

bool sessions_next(SessionBytes *bytes, SessionDay *session) {
    Header header;
    const uint8_t *at = take(bytes, sizeof header);
    if (!at) return false;
    memcpy(&header, at, sizeof header);
    const uint8_t *lists = take(bytes, (size_t)header.plays * PLAY_BYTES + (size_t)header.views * VIEW_BYTES);
    if (!lists || header.day < FIRST_DAY || header.day > LAST_DAY) return false;
    if (header.level_and_user / 2 > bytes->text_count) return false;
    *session = (SessionDay){
        .session_id = header.session_id,
        .user_id = header.user_id,
        .milliseconds = header.milliseconds,
        .lists = lists,
        .plays = header.plays,
        .views = header.views,
        .level = header.level_and_user / 2,
        .day = header.day,
        .has_user = header.level_and_user % 2,
    };
    for (uint32_t view = 0; view < session->views; view++) {
        uint32_t page = session_view(session, view).page;
        if (!page || page > bytes->text_count) return false;
    }
    return true;
}
