/* The catalogue's matches: read from PostgreSQL's binary COPY format, and found by heard_song_id. */
#include "matches.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"

/* What is left to read of a piece. */
typedef struct {
    const uint8_t *at;
    size_t left;
} Rest;

static bool skip(Rest *rest, size_t size) {
    if (rest->left < size) return false;
    rest->at += size;
    rest->left -= size;
    return true;
}

static bool read_number(Rest *rest, size_t size, uint32_t *value) {
    *value = 0;
    for (size_t i = 0; i < size && i < rest->left; i++) *value = *value << 8 | rest->at[i];
    return skip(rest, size);
}

/* Read a field. A null one has the length -1: longer than any piece, so it is refused. */
static bool read_field(Rest *rest, Text *field) {
    uint32_t size;
    if (!read_number(rest, 4, &size)) return false;
    *field = (Text){rest->at, size};
    return size <= INT32_MAX && skip(rest, size);
}

static uint32_t hash_id(const Seed *seed, const uint8_t id[16]) {
    uint64_t halves[2];
    memcpy(halves, id, sizeof halves);
    return hash_numbers(seed, halves[0], halves[1]);
}

static bool add(Matches *matches, const Seed *seed, const uint8_t id[16], Text song_id, Text artist_id) {
    if (!make_room(&matches->items, &matches->room, matches->count + 1, sizeof *matches->items)
        || !table_make_room(&matches->table))
        return false;
    uint8_t *ids = arena_room(&matches->arena, 16 + song_id.size + artist_id.size);
    if (!ids) return false;
    memcpy(ids, id, 16);
    memcpy(ids + 16, song_id.data, song_id.size);
    memcpy(ids + 16 + song_id.size, artist_id.data, artist_id.size);
    table_add(&matches->table, hash_id(seed, ids), matches->count);
    matches->items[matches->count++] = (Match){ids, (uint32_t)song_id.size, (uint32_t)artist_id.size};
    return true;
}

static Outcome take_row(Matches *matches, const Seed *seed, Text row) {
    Rest rest = {row.data, row.size};
    while (rest.left) {
        const uint8_t *heard_song_id = rest.at;
        Text song_id, artist_id;
        if (!skip(&rest, 16) || !read_field(&rest, &song_id) || !read_field(&rest, &artist_id))
            return MALFORMED;
        if (!add(matches, seed, heard_song_id, song_id, artist_id)) return SHORT_OF_MEMORY;
    }
    return DONE;
}

Outcome matches_take(Matches *matches, const Seed *seed, const uint8_t *data, size_t size) {
    Rest rest = {data, size};
    if (matches->is_whole) return MALFORMED;
    if (!matches->is_begun) {
        if (!skip(&rest, sizeof COPY_HEADER) || memcmp(data, COPY_HEADER, sizeof COPY_HEADER) != 0)
            return MALFORMED;
        matches->is_begun = true;
    }
    while (rest.left) {
        uint32_t columns;
        if (!read_number(&rest, 2, &columns)) return MALFORMED;
        if (columns == UINT16_MAX) {
            matches->is_whole = !rest.left;
            return rest.left ? MALFORMED : DONE;
        }
        Text row;
        if (columns != 1 || !read_field(&rest, &row)) return MALFORMED;
        Outcome taken = take_row(matches, seed, row);
        if (taken != DONE) return taken;
    }
    return DONE;
}

const Match *matches_find(Matches *matches, const Seed *seed, const uint8_t heard_song_id[16]) {
    Search search = table_find(&matches->table, hash_id(seed, heard_song_id));
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;)
        if (memcmp(matches->items[found].ids, heard_song_id, 16) == 0) return &matches->items[found];
    return NULL;
}

void matches_free(Matches *matches) {
    table_free(&matches->table);
    arena_clear(&matches->arena);
    free(matches->items);
    *matches = (Matches){0};
}
