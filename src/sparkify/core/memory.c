/* Memory that grows: arrays, and an arena for bytes that stay until all of them go. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static const size_t BLOCK_BYTES = 64 << 10;

struct Block {
    Block *before;
    size_t used, room;
    uint8_t data[];
};

void memory_prepare(void) {
#ifdef __GLIBC__
    if (!getenv("MALLOC_MMAP_THRESHOLD_")) mallopt(M_MMAP_THRESHOLD, 2 << 20);
    if (!getenv("MALLOC_TRIM_THRESHOLD_")) mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

bool make_room(void *items, size_t *room, size_t wanted, size_t size) {
    if (wanted <= *room) return true;
    if (wanted >= UINT32_MAX || wanted > SIZE_MAX / 2 / size) return false;
    size_t more = *room + *room / 2 + 16;
    if (more < wanted) more = wanted;
    void *data;
    memcpy(&data, items, sizeof data);
    data = realloc(data, more * size);
    if (!data) return false;
    memcpy(items, &data, sizeof data);
    *room = more;
    return true;
}

uint8_t *arena_room(Arena *arena, size_t size) {
    static uint8_t nothing[1];
    if (!size) return nothing;
    Block *block = arena->last;
    if (!block || block->room - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        if (room > SIZE_MAX - sizeof *block) return NULL;
        block = malloc(sizeof *block + room);
        if (!block) return NULL;
        *block = (Block){.before = arena->last, .room = room};
        arena->last = block;
        arena->bytes += room;
    }
    uint8_t *at = block->data + block->used;
    block->used += size;
    return at;
}

const uint8_t *arena_copy(Arena *arena, const uint8_t *data, size_t size) {
    uint8_t *copy = arena_room(arena, size);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}

bool arena_keep(Arena *arena, Text *text) {
    if (!text->data) return true;
    text->data = arena_copy(arena, text->data, text->size);
    return text->data != NULL;
}

bool arena_keep_datum(Arena *arena, Datum *datum) {
    return datum->type != TEXT || arena_keep(arena, &datum->text);
}

void arena_clear(Arena *arena) {
    arena->bytes = 0;
    while (arena->last) {
        Block *before = arena->last->before;
        free(arena->last);
        arena->last = before;
    }
}

int compare_texts(Text one, Text other) {
    if (!one.data || !other.data) return (one.data != NULL) - (other.data != NULL);
    size_t common = one.size < other.size ? one.size : other.size;
    int order = common ? memcmp(one.data, other.data, common) : 0;
    return order ? order : (one.size > other.size) - (one.size < other.size);
}

int compare_datums(const Datum *one, const Datum *other) {
    if (one->type != other->type) return one->type < other->type ? -1 : 1;
    switch (one->type) {
    case TEXT: return compare_texts(one->text, other->text);
    case BIGINT: return (one->bigint > other->bigint) - (one->bigint < other->bigint);
    case DOUBLE: return (one->real > other->real) - (one->real < other->real);
    default: return 0;
    }
}
