/* Hash tables that find the number of an item in an array. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 Product;

/* Multiply and fold, as in wyhash: each bit of the product depends on all bits of both factors. */
static inline uint64_t mixed(uint64_t one, uint64_t two) {
    Product product = (Product)one * two;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t eight_bytes(const uint8_t *data) {
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

uint32_t hash_text(const Seed *seed, Text text) {
    const uint8_t *at = text.data;
    size_t left = text.size;
    uint64_t hash = seed->one ^ mixed(text.size ^ seed->two, seed->one);
    for (; left > 16; at += 16, left -= 16)
        hash = mixed(eight_bytes(at) ^ seed->two, eight_bytes(at + 8) ^ hash);
    uint8_t rest[16] = {0};
    if (left) memcpy(rest, at, left);
    hash = mixed(eight_bytes(rest) ^ seed->two, eight_bytes(rest + 8) ^ hash);
    return (uint32_t)mixed(hash ^ seed->one, seed->two);
}

uint32_t hash_numbers(const Seed *seed, uint64_t one, uint64_t two) {
    return (uint32_t)mixed(mixed(one ^ seed->one, two ^ seed->two) ^ seed->one, seed->two);
}

static void put(Slot *slots, size_t size, Slot item) {
    size_t at = item.hash & (size - 1);
    while (slots[at].number) at = (at + 1) & (size - 1);
    slots[at] = item;
}

bool table_make_room(Table *table) {
    if (table->count < table->size / 2) return true;
    size_t size = table->size ? table->size * 2 : 64;
    if (size > SIZE_MAX / 2 / sizeof(Slot)) return false;
    Slot *slots = calloc(size, sizeof *slots);
    if (!slots) return false;
    for (size_t at = 0; at < table->size; at++)
        if (table->slots[at].number) put(slots, size, table->slots[at]);
    free(table->slots);
    table->slots = slots;
    table->size = size;
    return true;
}

void table_add(Table *table, uint32_t hash, size_t item) {
    put(table->slots, table->size, (Slot){hash, (uint32_t)item + 1});
    table->count++;
}

void table_clear(Table *table) {
    if (table->count) memset(table->slots, 0, table->size * sizeof *table->slots);
    table->count = 0;
}

void table_free(Table *table) {
    free(table->slots);
    *table = (Table){0};
}
