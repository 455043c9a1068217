/* Memory that grows: arrays, and an arena for bytes that stay until all of them go. */
#ifndef SPARKIFY_MEMORY_H
#define SPARKIFY_MEMORY_H

#include "core.h"

/* Give large buffers, which come and go with each chunk, and the sessions of a batch, back to the system. By default
 * glibc soon keeps all but the largest, in pieces for each thread: a sixth more memory at 5M plays, for a twentieth
 * less time in the client. With 1 MiB, it took a twelfth less memory and a sixth more of that time. It holds for the
 * whole process, unless MALLOC_MMAP_THRESHOLD_ or MALLOC_TRIM_THRESHOLD_ is set. */
void memory_prepare(void);

/* Room for `wanted` items of `size` bytes; `items` is the address of the array's pointer.
 * Returns false, and changes nothing, if memory is short or there would be 2^32 items. */
bool make_room(void *items, size_t *room, size_t wanted, size_t size);

typedef struct Block Block;
typedef struct {
    Block *last;
    size_t bytes; /* of all blocks */
} Arena;

/* Room for bytes that stay until the arena is cleared; NULL if memory is short. Not NULL for no bytes. */
uint8_t *arena_room(Arena *arena, size_t size);

/* A copy that stays until the arena is cleared; NULL if memory is short. Not NULL for no bytes. */
const uint8_t *arena_copy(Arena *arena, const uint8_t *data, size_t size);
void arena_clear(Arena *arena);

/* Replace a text that is not null by its copy in the arena. */
bool arena_keep(Arena *arena, Text *text);

/* The same of a text that is a column's value. */
bool arena_keep_datum(Arena *arena, Datum *datum);

/* Compare by bytes; null is smaller than every text. */
int compare_texts(Text one, Text other);

/* Compare values of one column, as PostgreSQL does with COLLATE "C" and NULLS FIRST. */
int compare_datums(const Datum *one, const Datum *other);

static inline bool same_text(Text one, Text other) {
    return one.size == other.size && compare_texts(one, other) == 0;
}

#endif
