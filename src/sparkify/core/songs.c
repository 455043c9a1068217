/* Heard songs: their ids, the catalogue's answers, and for which months they are staged. */
#include "songs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"

enum { NO_MONTH = -1, SECONDS_PER_DAY = 86400 };

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* Keep title and artist, one behind the other. */
static bool keep_key(Songs *songs, Text title, Text artist, double length, SongKey *key) {
    uint8_t *texts = arena_room(&songs->arena, title.size + artist.size);
    if (!texts) return false;
    if (title.size) memcpy(texts, title.data, title.size);
    if (artist.size) memcpy(texts + title.size, artist.data, artist.size);
    *key = (SongKey){texts, (uint32_t)title.size, (uint32_t)artist.size, length};
    return true;
}

static bool add(Songs *songs, uint32_t hash, Text title, Text artist, double length) {
    size_t count = songs->count;
    SongKey key;
    if (!make_room(&songs->items, &songs->room, count + 1, sizeof *songs->items)
        || !make_room(&songs->keys, &songs->key_room, count + 1, sizeof *songs->keys)
        || !table_make_room(&songs->table) || !keep_key(songs, title, artist, length, &key))
        return false;
    Song song = {
        .track_id = track_id(title, artist),
        .artist_key = text_id(artist),
        /* the same as analytics.milliseconds (schema/functions.sql) */
        .milliseconds = (int32_t)floor((length < SECONDS_PER_DAY ? length : SECONDS_PER_DAY) * 1000 + 0.5),
        .last_month = NO_MONTH,
    };
    heard_song_id(title, artist, length, song.heard_song_id);
    table_add(&songs->table, hash, count);
    songs->keys[count] = key;
    songs->items[count] = song;
    songs->count++;
    return true;
}

bool songs_add(Songs *songs, const Seed *seed, Text title, Text artist, double length, uint32_t *number) {
    uint32_t hash = hash_numbers(seed, (uint64_t)hash_text(seed, title) << 32 | hash_text(seed, artist),
                                 bits_of(length));
    Search search = table_find(&songs->table, hash);
    while ((*number = table_next(&search)) != NOT_FOUND) {
        const SongKey *key = &songs->keys[*number];
        if (key->length == length && same_text(title_of(key), title) && same_text(artist_of(key), artist))
            return true;
    }
    *number = (uint32_t)songs->count;
    return add(songs, hash, title, artist, length);
}

static uint32_t hash_staged(const Seed *seed, SongMonth wanted) {
    return hash_numbers(seed, wanted.song, (uint32_t)wanted.month);
}

bool songs_stage(Songs *songs, const Seed *seed, SongMonth wanted, bool *is_new) {
    Song *song = &songs->items[wanted.song];
    *is_new = false;
    if (song->last_month == wanted.month) return true;
    song->last_month = wanted.month;
    uint32_t hash = hash_staged(seed, wanted);
    Search search = table_find(&songs->staged_table, hash);
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;) {
        const SongMonth *staged = &songs->staged[found];
        if (staged->song == wanted.song && staged->month == wanted.month) return true;
    }
    if (!table_make_room(&songs->staged_table)) return false;
    if (!make_room(&songs->staged, &songs->staged_room, songs->staged_count + 1, sizeof *songs->staged))
        return false;
    table_add(&songs->staged_table, hash, songs->staged_count);
    songs->staged[songs->staged_count++] = wanted;
    *is_new = true;
    return true;
}

static bool is_any_staged(const Songs *songs, int32_t month) {
    for (size_t at = 0; at < songs->staged_count; at++)
        if (songs->staged[at].month == month) return true;
    return false;
}

bool songs_forget_staged(Songs *songs, const Seed *seed, int32_t month) {
    if (!is_any_staged(songs, month)) return true;
    size_t kept = 0;
    table_clear(&songs->staged_table);
    for (size_t at = 0; at < songs->staged_count; at++) {
        SongMonth staged = songs->staged[at];
        songs->items[staged.song].last_month = NO_MONTH;
        if (staged.month == month) continue;
        if (!table_make_room(&songs->staged_table)) return false;
        table_add(&songs->staged_table, hash_staged(seed, staged), kept);
        songs->staged[kept++] = staged;
    }
    songs->staged_count = kept;
    return true;
}

size_t songs_bytes(const Songs *songs) {
    size_t a_song = sizeof(Song) + sizeof(SongKey) + TABLE_BYTES;
    return songs->count * a_song + songs->staged_count * (sizeof(SongMonth) + TABLE_BYTES)
        + songs->arena.bytes;
}

void songs_clear(Songs *songs) {
    table_clear(&songs->table);
    table_clear(&songs->staged_table);
    arena_clear(&songs->arena);
    songs->count = songs->staged_count = 0;
}

void songs_free(Songs *songs) {
    songs_clear(songs);
    table_free(&songs->table);
    table_free(&songs->staged_table);
    free(songs->keys);
    free(songs->items);
    free(songs->staged);
    *songs = (Songs){0};
}
