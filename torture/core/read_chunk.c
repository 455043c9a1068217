/* Any bytes as two chunks of a batch, through all steps up to the rows: nothing is read or written outside
 * its place, rows are well-formed, and after an allocation that failed the next batch is as if nothing had
 * been.
 *
 * The first byte says which allocation fails, the second and third where the chunks and slices part.
 */
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "memory_fails.h"
#include "months.h"
#include "rows.h"
#include "sha256.h"

static const int64_t EARLIEST = 946684800000, BEFORE = 4102444800000;
static const Seed SEED = {0x9E3779B97F4A7C15, 0xD1B54A32D192ED03};

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t size;
} Bytes;

/* A block of exactly their size, with a line feed at the end: the sanitiser sees every step outside. */
static uint8_t *whole_lines(Bytes bytes) {
    uint8_t *block = malloc(bytes.size + 1);
    HOLD(block);
    if (bytes.size) memcpy(block, bytes.data, bytes.size);
    block[bytes.size] = '\n';
    return block;
}

/* The end of the line in which a position lies. */
static size_t end_of_line(const uint8_t *lines, size_t size, size_t at) {
    const uint8_t *feed = at < size ? memchr(lines + at, '\n', size - at) : NULL;
    return feed ? (size_t)(feed - lines) + 1 : size;
}

static uint32_t number_in(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static size_t hold_row(const uint8_t *rows, size_t at, size_t size) {
    HOLD(size - at >= 2);
    unsigned columns = rows[at] << 8u | rows[at + 1];
    at += 2;
    HOLD(columns >= 1 && columns <= 20);
    for (; columns; columns--) {
        HOLD(size - at >= 4);
        uint32_t bytes = number_in(rows + at);
        at += 4;
        if (bytes == UINT32_MAX) continue;
        HOLD(bytes <= size - at);
        at += bytes;
    }
    return at;
}

static uint64_t sum_of(const uint8_t *bytes, size_t size, uint64_t sum) {
    for (size_t at = 0; at < size; at++) sum = (sum ^ bytes[at]) * 0x100000001B3;
    return sum;
}

static uint64_t hold_rows(const Buffer *buffer, uint64_t sum) {
    for (size_t at = 0; at < buffer->size;) at = hold_row(buffer->data, at, buffer->size);
    return sum_of(buffer->data, buffer->size, sum);
}

/* The same for rows in any order. */
static uint64_t hold_unordered_rows(const Buffer *buffer) {
    uint64_t sum = 0;
    for (size_t at = 0, end; at < buffer->size; at = end) {
        end = hold_row(buffer->data, at, buffer->size);
        sum += sum_of(buffer->data + at, end - at, 0xCBF29CE484222325);
    }
    return sum;
}

static bool take_rows(Plays *plays, const Rows *tables, int32_t month, uint64_t *sum) {
    for (size_t table = 0; tables[table]; table++) {
        Buffer buffer = {0};
        bool done = tables[table](plays, month, &buffer);
        if (done) *sum = hold_rows(&buffer, *sum);
        free(buffer.data);
        if (!done) return false;
    }
    return true;
}

/* Read what is left of a batch's bytes that are cut: nothing behind their end is. */
static bool read_cut(const uint8_t *bytes, size_t size) {
    Month month = {0};
    size_t left = size - 1 - size / 8 % 32;
    uint8_t *block = malloc(left);
    HOLD(block);
    memcpy(block, bytes, left);
    Outcome taken = month_add(&month, block, left);
    HOLD(month.session_count <= size / 32);
    month_free(&month);
    free(block);
    return taken != SHORT_OF_MEMORY;
}

/* Rows of tracks or artists have all plays: each row has an id, a month, a level and how many. */
static bool hold_all_plays(const Month *month, RowsOf rows) {
    Buffer buffer = {0};
    bool done = rows(month, (Piece){0, 1}, &buffer) == DONE;
    size_t plays = 0;
    for (size_t at = 0; done && at < buffer.size; at = hold_row(buffer.data, at, buffer.size)) {
        const uint8_t *level = buffer.data + at + 2 + 12 + 8;
        uint32_t size = number_in(level);
        plays += number_in(level + 4 + (size == UINT32_MAX ? 0 : size) + 4);
    }
    if (done) HOLD(plays == month->plays);
    buffer_free(&buffer);
    return done;
}

/* Take the rows of a rollup, in so many pieces, and add them up. */
static Outcome take_pieces(const Month *month, RowsOf rows, uint32_t pieces, uint64_t *sum) {
    Outcome outcome = DONE;
    Buffer buffer = {0};
    for (uint32_t number = 0; outcome == DONE && number < pieces; number++)
        outcome = rows(month, (Piece){number, pieces}, &buffer);
    *sum = outcome == DONE ? hold_unordered_rows(&buffer) : 0;
    buffer_free(&buffer);
    HOLD(outcome != MALFORMED);
    return outcome;
}

/* Take the rows of all rollups: the same ones, however many pieces there are. */
static bool take_rollups(const Month *month, uint64_t *sum) {
    static const RowsOf ROLLUPS[] = {rows_of_artist_months, rows_of_feedback_days, rows_of_page_days,
                                     rows_of_session_days, rows_of_track_months, rows_of_user_weeks};
    for (size_t at = 0; at < sizeof ROLLUPS / sizeof *ROLLUPS; at++) {
        uint64_t whole, in_pieces = 0;
        Outcome one = take_pieces(month, ROLLUPS[at], 1, &whole);
        Outcome other = one == SHORT_OF_MEMORY ? one : take_pieces(month, ROLLUPS[at], 3, &in_pieces);
        if (other == SHORT_OF_MEMORY) return false;
        HOLD(one == other && whole == in_pieces);
        *sum += whole;
    }
    return true;
}

/* Count the rollups of a month from what the batch keeps of it, as if two batches had it. */
static bool count_month(const Plays *plays, int32_t number, uint64_t *sum) {
    Month month = {0};
    Buffer kept = {0};
    EventCount count;
    Outcome written = sessions_write(plays, number, &kept, &count);
    if (written != DONE) { /* or a level or a page is too long */
        buffer_free(&kept);
        return written == NOT_SURE;
    }
    uint8_t *bytes = malloc(kept.size); /* a block of exactly their size */
    HOLD(bytes);
    memcpy(bytes, kept.data, kept.size);
    bool done = read_cut(bytes, kept.size);
    for (int twice = 0; done && twice < 2; twice++) {
        Outcome taken = month_add(&month, bytes, kept.size);
        HOLD(taken != MALFORMED);
        done = taken == DONE;
    }
    if (done) HOLD(month.plays == 2 * count.plays);
    done = done && month_sort(&month) && take_rollups(&month, sum) && hold_all_plays(&month, rows_of_track_months)
        && hold_all_plays(&month, rows_of_artist_months);
    buffer_free(&kept);
    free(bytes);
    month_free(&month);
    return done;
}

/* Say, for every other song, that the catalogue has it. */
static bool match_songs(Plays *plays) {
    for (size_t at = 0; at < plays->chunk.unknown_count; at += 2) {
        Song *song = &plays->songs.items[plays->chunk.unknown[at]];
        Text id = {song->heard_song_id, sizeof song->heard_song_id};
        if (!arena_keep(&plays->songs.arena, &id)) return false;
        song->song_id = song->artist_id = id;
    }
    plays_count_matches(plays);
    return true;
}

static bool take_slices(Lines *lines, const uint8_t *data, size_t size, uint8_t part) {
    size_t middle = end_of_line(data, size, size * part / 256);
    lines->slice_count = 0;
    if (!make_room(&lines->slices, &lines->slice_room, 2, sizeof *lines->slices)) return false;
    lines->slices[0] = (Slice){.data = data, .size = middle, .first_line = 1, .file_id = 1};
    lines->slices[1] = (Slice){.data = data + middle, .size = size - middle, .first_line = 1, .file_id = 2};
    lines->slice_count = 2;
    return true;
}

static void hold_books(const Lines *lines) {
    uint64_t doubtful = 0;
    for (size_t at = 0; at < lines->slice_count; at++) {
        const Slice *slice = &lines->slices[at];
        uint32_t known =
            slice->blank + slice->page_views + slice->bare_pages + slice->loaded + slice->duplicates + slice->forgotten;
        HOLD(known <= slice->lines);
        doubtful += slice->lines - known;
    }
    HOLD(doubtful == lines->doubtful_count);
}

static bool load_chunk(Plays *plays, const uint8_t *data, size_t size, uint8_t part, uint64_t *sum) {
    static const Rows TABLES[] = {rows_of_songplays, rows_of_heard_plays, rows_of_time, rows_of_heard_songs,
                                  rows_of_repeated,  rows_of_page_views,  NULL};
    Chunk *chunk = &plays->chunk;
    chunk_clear(chunk);
    if (!take_slices(&chunk->lines, data, size, part)) return false;
    Outcome read = plays_read(plays);
    HOLD(read != MALFORMED);
    if (read != DONE) return false;
    if (chunk->count && part % 4 == 0) {
        int64_t user_ids[] = {chunk->items[chunk->count - 1].user_id, chunk->items[0].user_id};
        plays_forget(plays, user_ids, 2);
    }
    if (!plays_note_latest(plays) || !plays_settle(plays)) return false;
    hold_books(&chunk->lines);
    if (part % 4 == 1 && chunk->month_count
        && !songs_forget_staged(&plays->songs, &plays->seed, chunk->months[0].month))
        return false;
    if (!plays_find_new_songs(plays) || !match_songs(plays) || !plays_note_events(plays)) return false;
    for (size_t at = 0; at < chunk->month_count; at++)
        if (!take_rows(plays, TABLES, chunk->months[at].month, sum)) return false;
    return true;
}

static bool load_batch(Plays *plays, Bytes lines, const uint8_t parts[2], uint64_t *sum) {
    static const Rows TABLES[] = {rows_of_users, rows_of_levels, rows_of_user_days, rows_of_user_agents,
                                  rows_of_sessions, NULL};
    size_t middle = end_of_line(lines.data, lines.size, lines.size * parts[0] / 256);
    *sum = 0;
    for (int second = 0; second < 2; second++) {
        Bytes half = {lines.data + (second ? middle : 0), second ? lines.size - middle : middle};
        uint8_t *data = whole_lines(half); /* gone before the rows of the batch are made */
        bool done = load_chunk(plays, data, half.size + 1, parts[1], sum);
        free(data);
        if (!done) return false;
    }
    Batch *batch = &plays->batch;
    if (!batch_finish(plays)) return false;
    const ByMonth *sessions = &batch->of_sessions;
    for (size_t at = 0; at < sessions->count; at++) {
        int32_t month = sessions->items[at].month;
        bool is_next = !at || month != sessions->items[at - 1].month;
        if (!is_next) continue;
        if (!take_rows(plays, TABLES, month, sum)) return false;
        if (!count_month(plays, month, sum)) return false;
    }
    return true;
}

static void free_plays(Plays *plays) {
    chunk_free(&plays->chunk);
    batch_free(&plays->batch);
    songs_free(&plays->songs);
    scratch_free(&plays->scratch);
}

static void hold_plays(Bytes lines, const uint8_t parts[2], unsigned failing) {
    Plays fresh = {.seed = SEED, .earliest = EARLIEST, .before = BEFORE}, plays = fresh;
    uint64_t expected, sum;
    HOLD(load_batch(&fresh, lines, parts, &expected));
    free_plays(&fresh);

    fail_allocation(failing);
    bool done = load_batch(&plays, lines, parts, &sum);
    HOLD(done == !allocation_failed());
    fail_allocation(0);
    if (done) HOLD(sum == expected);
    chunk_clear(&plays.chunk);
    batch_clear(&plays.batch);
    songs_clear(&plays.songs);
    HOLD(load_batch(&plays, lines, parts, &sum));
    HOLD(sum == expected);
    free_plays(&plays);
}

static bool load_songs(Catalogue *catalogue, const uint8_t *data, size_t size, uint8_t part, uint64_t *sum) {
    if (!take_slices(&catalogue->lines, data, size, part)) return false;
    Outcome read = catalogue_read(catalogue);
    HOLD(read != MALFORMED);
    if (read != DONE) return false;
    hold_books(&catalogue->lines);
    Buffer rows = {catalogue->rows.data + 19, catalogue->rows.size - 19, 0}; /* behind the header */
    *sum = hold_rows(&rows, 0);
    return true;
}

static void hold_songs(Bytes lines, const uint8_t parts[2], unsigned failing) {
    Catalogue fresh = {0}, catalogue = {0};
    uint8_t *data = whole_lines(lines);
    uint64_t expected, sum;
    HOLD(load_songs(&fresh, data, lines.size + 1, parts[1], &expected));
    catalogue_free(&fresh);

    fail_allocation(failing);
    bool done = load_songs(&catalogue, data, lines.size + 1, parts[1], &sum);
    HOLD(done == !allocation_failed());
    fail_allocation(0);
    HOLD(load_songs(&catalogue, data, lines.size + 1, parts[1], &sum));
    HOLD(sum == expected);
    catalogue_free(&catalogue);
    free(data);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    sha256_prepare();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) return 0;
    Bytes lines = {data + 3, size - 3};
    hold_plays(lines, data + 1, data[0]);
    hold_songs(lines, data + 1, data[0]);
    return 0;
}
