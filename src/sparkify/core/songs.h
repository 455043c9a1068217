/* Heard songs: their ids, the catalogue's answers, and for which months they are staged
 * (docs/rules.md, Heard songs and matching). They are kept from batch to batch.
 */
#ifndef SPARKIFY_SONGS_H
#define SPARKIFY_SONGS_H

#include "memory.h"
#include "table.h"

/* What a song is found by. Apart from the rest, because most of the time it is all that is looked at: a small
 * array stays in the processor's cache. */
typedef struct {
    const uint8_t *texts; /* the title, then the artist */
    uint32_t title_size, artist_size;
    double length;
} SongKey;

typedef struct {
    uint8_t heard_song_id[16];
    int64_t track_id, artist_key;
    Text song_id, artist_id;  /* null if the catalogue has no such song, or was not asked yet */
    int32_t milliseconds;     /* what a play of it counts */
    int32_t last_month;       /* the last month for which it was staged */
    bool asked;               /* whether its ids are looked up in the catalogue */
} Song;

typedef struct {
    uint32_t song;
    int32_t month;
} SongMonth;

typedef struct {
    Table table, staged_table;
    Arena arena;
    SongKey *keys;
    Song *items;
    SongMonth *staged;
    size_t count, room, key_room, staged_count, staged_room;
} Songs;

static inline Text title_of(const SongKey *key) { return (Text){key->texts, key->title_size}; }

static inline Text artist_of(const SongKey *key) {
    return (Text){key->texts + key->title_size, key->artist_size};
}

/* The number of a song, which is added if it is new. Returns false if memory is short. */
bool songs_add(Songs *songs, const Seed *seed, Text title, Text artist, double length, uint32_t *number);

/* Note that a song is staged for a month. `is_new` tells whether it was not before. */
bool songs_stage(Songs *songs, const Seed *seed, SongMonth wanted, bool *is_new);

/* Forget which songs are staged for a month. */
bool songs_forget_staged(Songs *songs, const Seed *seed, int32_t month);

/* About how many bytes they take. */
size_t songs_bytes(const Songs *songs);

void songs_clear(Songs *songs);
void songs_free(Songs *songs);

#endif
