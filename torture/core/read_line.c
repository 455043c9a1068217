/* Any bytes as a line: what the core accepts has valid values, nothing is read or written outside its place,
 * and a second reading gives the same. The judge is not here: torture/fuzz.py compares with it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "memory_fails.h"

static const int64_t EARLIEST = 946684800000, BEFORE = 4102444800000, MOST = 999999999999999999;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of a line in a block of exactly their size, so that the sanitiser sees every step outside. */
static uint8_t *exactly(const uint8_t *data, size_t size) {
    uint8_t *block = malloc(size ? size : 1);
    HOLD(block);
    if (size) memcpy(block, data, size);
    return block;
}

static uint32_t continuation(const uint8_t **at, const uint8_t *end) {
    HOLD(*at < end && **at >> 6 == 2);
    return *(*at)++ & 0x3F;
}

static void hold_utf8(Text text) {
    const uint8_t *at = text.data, *end = at + text.size;
    while (at < end) {
        uint32_t first = *at++, code = first, least = 1;
        int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        if (more) {
            HOLD(first >= 0xC0 && first < 0xF8);
            code = first & (0x3Fu >> more);
            least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
        }
        for (; more; more--) code = code << 6 | continuation(&at, end);
        HOLD(code >= least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF));
    }
}

static void hold_text(Text text, const Scratch *scratch) {
    HOLD(text.data && text.data >= scratch->data && text.size <= scratch->size);
    HOLD((size_t)(text.data - scratch->data) <= scratch->size - text.size);
    hold_utf8(text);
}

static void hold_datums(const Datum *datums, size_t count, const Scratch *scratch) {
    for (size_t at = 0; at < count; at++) {
        if (datums[at].type == TEXT) hold_text(datums[at].text, scratch);
        if (datums[at].type == NO_VALUE) HOLD(!datums[at].text.data && !datums[at].text.size);
        if (datums[at].type == DOUBLE) {
            HOLD(isfinite(datums[at].real));
            HOLD(!(datums[at].real == 0 && signbit(datums[at].real)));
        }
    }
}

static void hold_same(const Datum *one, const Datum *other, size_t count) {
    for (size_t at = 0; at < count; at++) HOLD(compare_datums(&one[at], &other[at]) == 0);
}

static void hold_integer(int64_t value) { HOLD(value >= -MOST && value <= MOST); }

static void hold_play(const Play *play, const Scratch *scratch) {
    hold_integer(play->user_id);
    hold_integer(play->session_id);
    hold_integer(play->item_in_session);
    HOLD(play->ts >= EARLIEST && play->ts < BEFORE);
    HOLD(play->length > 0 && isfinite(play->length));
    HOLD(play->song.size);
    hold_text(play->song, scratch);
    hold_text(play->artist, scratch);
    HOLD(play->texts[LEVEL].type == TEXT);
    HOLD(play->texts[LOCATION].type == NO_VALUE || play->texts[LOCATION].text.size);
    hold_datums(play->texts, PLAY_TEXTS, scratch);
    hold_datums(play->user, USER_COLUMNS, scratch);
}

static void hold_same_play(const Play *one, const Play *other) {
    HOLD(one->user_id == other->user_id && one->session_id == other->session_id);
    HOLD(one->item_in_session == other->item_in_session && one->ts == other->ts);
    HOLD(one->length == other->length);
    HOLD(!compare_texts(one->song, other->song) && !compare_texts(one->artist, other->artist));
    hold_same(one->texts, other->texts, PLAY_TEXTS);
    hold_same(one->user, other->user, USER_COLUMNS);
}

static void hold_view(const PageView *view, const Scratch *scratch) {
    const Datum *columns = view->columns, *user = &columns[VIEW_USER_ID], *status = &columns[VIEW_STATUS];
    hold_integer(view->session_id);
    hold_integer(view->item_in_session);
    HOLD(view->ts >= EARLIEST && view->ts < BEFORE);
    hold_datums(columns, VIEW_COLUMNS, scratch);
    for (size_t at = VIEW_LEVEL; at < VIEW_STATUS; at++) HOLD(columns[at].type <= TEXT);
    HOLD(columns[VIEW_PAGE].type == TEXT);
    if (user->type == BIGINT) hold_integer(user->bigint);
    if (status->type == BIGINT) HOLD(status->bigint >= INT32_MIN && status->bigint <= INT32_MAX);
}

static void hold_song(const CatalogueRecord *song, const Scratch *scratch) {
    const Datum *columns = song->columns;
    hold_datums(columns, RECORD_COLUMNS, scratch);
    HOLD(columns[TITLE].type == TEXT && columns[ARTIST_NAME].type == TEXT);
    HOLD(columns[SONG_ID].text.size && columns[SONG_ID].text.size <= 1000);
    HOLD(columns[ARTIST_ID].text.size && columns[ARTIST_ID].text.size <= 1000);
    HOLD(columns[ARTIST_LOCATION].type == NO_VALUE || columns[ARTIST_LOCATION].text.size);
    HOLD(columns[YEAR].type == NO_VALUE || (columns[YEAR].bigint > 0 && columns[YEAR].bigint < 10000));
    HOLD(columns[DURATION].type == DOUBLE && columns[DURATION].real > 0);
}

/* `exact` has room for the strings and not a byte more; `kept` serves one line after the other. */
static Verdict hold_log_line(const uint8_t *line, size_t size, Scratch *exact, Scratch *kept) {
    Play play, again;
    PageView view, same_view;
    Verdict verdict = read_event(line, size, EARLIEST, BEFORE, exact, &play, &view);
    HOLD(verdict <= ASK_THE_JUDGE);
    HOLD(read_event(line, size, EARLIEST, BEFORE, kept, &again, &same_view) == verdict);
    if (verdict == ACCEPTED) {
        hold_play(&play, exact);
        hold_same_play(&play, &again);
    }
    if (verdict == PAGE_VIEW) {
        hold_view(&view, exact);
        hold_same(view.columns, same_view.columns, VIEW_COLUMNS);
    }
    return verdict;
}

static Verdict hold_song_record(const uint8_t *line, size_t size, Scratch *exact, Scratch *kept) {
    CatalogueRecord song, again;
    Verdict verdict = read_song(line, size, exact, &song);
    HOLD(verdict == BLANK || verdict == ACCEPTED || verdict == ASK_THE_JUDGE);
    HOLD(read_song(line, size, kept, &again) == verdict);
    if (verdict == ACCEPTED) {
        hold_song(&song, exact);
        hold_same(song.columns, again.columns, RECORD_COLUMNS);
    }
    return verdict;
}

static void hold_line(const uint8_t *data, size_t size) {
    static Scratch kept;
    uint8_t *line = exactly(data, size);
    Scratch exact = {.data = exactly(data, size), .room = size};
    Verdict play = hold_log_line(line, size, &exact, &kept);
    Verdict song = hold_song_record(line, size, &exact, &kept);
    HOLD((play == BLANK) == (song == BLANK));
    scratch_free(&exact);

    fail_allocation(1);
    Play unread;
    PageView no_view;
    Verdict failed = read_event(line, size, EARLIEST, BEFORE, &exact, &unread, &no_view);
    HOLD(failed == (allocation_failed() ? NO_MEMORY : play));
    HOLD(!exact.data && !exact.room);
    fail_allocation(0);
    HOLD(read_event(line, size, EARLIEST, BEFORE, &exact, &unread, &no_view) == play);
    scratch_free(&exact);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    hold_line(data, size);
    size_t cut = size;
    for (size_t at = 0; at < size; at++) cut = cut * 31 + data[at];
    cut %= size + 1;
    hold_line(data, cut);
    hold_line(data + cut, size - cut);
    return 0;
}
