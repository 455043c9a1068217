/* Hash tables that find the number of an item in an array; the caller compares the items.
 *
 * The hashes have a random seed, so that nobody can write a log whose keys all collide.
 */
#ifndef SPARKIFY_TABLE_H
#define SPARKIFY_TABLE_H

#include "core.h"

typedef struct {
    uint64_t one, two;
} Seed;

uint32_t hash_text(const Seed *seed, Text text);
uint32_t hash_numbers(const Seed *seed, uint64_t one, uint64_t two);

typedef struct {
    uint32_t hash, number; /* of the item, from 1; 0 in a free slot */
} Slot;

/* Open addressing: a full slot's item is there or in one of the next slots, before the first free one. */
typedef struct {
    Slot *slots;
    size_t size, count; /* `size` is a power of two, or 0 */
} Table;

/* A search: `table_find`, then `table_next` until it is the wanted item or NOT_FOUND. */
typedef struct {
    Table *table;
    uint32_t hash;
    size_t at;
} Search;

/* About what an item takes: 2 to 4 slots, because a table is at most half full. */
enum { TABLE_BYTES = 3 * sizeof(Slot) };

#define NOT_FOUND UINT32_MAX

bool table_make_room(Table *table); /* for one more item; false if memory is short */
void table_add(Table *table, uint32_t hash, size_t item);
void table_clear(Table *table);
void table_free(Table *table);

static inline Search table_find(Table *table, uint32_t hash) {
    return (Search){table, hash, hash & (table->size - 1)};
}

static inline uint32_t table_next(Search *search) {
    const Table *table = search->table;
    if (!table->size) return NOT_FOUND;
    for (;;) {
        Slot slot = table->slots[search->at];
        if (!slot.number) return NOT_FOUND;
        search->at = (search->at + 1) & (table->size - 1);
        if (slot.hash == search->hash) return slot.number - 1;
    }
}

/* Put another item, with the same hash, in the place of the one just found. */
static inline void table_replace(Search *search, size_t item) {
    search->table->slots[(search->at - 1) & (search->table->size - 1)].number = (uint32_t)item + 1;
}

#endif
