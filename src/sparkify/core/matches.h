/* The catalogue's matches, if a worker fetches them all (docs/rules.md, Heard songs and matching). */
#ifndef SPARKIFY_MATCHES_H
#define SPARKIFY_MATCHES_H

#include "memory.h"
#include "table.h"

/* A heard song in the catalogue. */
typedef struct {
    const uint8_t *ids; /* heard_song_id, which has 16 bytes, then song_id and artist_id */
    uint32_t song_size, artist_size;
} Match;

typedef struct {
    Table table;
    Arena arena;
    Match *items;
    size_t count, room;
    bool is_begun, is_whole;
} Matches;

/* Take a piece of a binary COPY, of whole rows. The first piece begins with the header, the last one ends
 * with the trailer, and nothing may follow. A row has one column: heard songs one after the other, each as
 * the 16 bytes of its heard_song_id, then song_id and artist_id, with their lengths as in COPY. */
Outcome matches_take(Matches *matches, const Seed *seed, const uint8_t *data, size_t size);

/* The match of a heard song, or NULL. */
const Match *matches_find(Matches *matches, const Seed *seed, const uint8_t heard_song_id[16]);

void matches_free(Matches *matches);

static inline Text song_id_of(const Match *match) { return (Text){match->ids + 16, match->song_size}; }

static inline Text artist_id_of(const Match *match) {
    return (Text){match->ids + 16 + match->song_size, match->artist_size};
}

#endif
