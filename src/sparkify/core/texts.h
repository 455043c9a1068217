/* The texts of a batch, each kept once: levels, places, user agents and names repeat from play to play. */
#ifndef SPARKIFY_TEXTS_H
#define SPARKIFY_TEXTS_H

#include "memory.h"
#include "table.h"

typedef struct {
    Text text;
    int64_t id; /* its digest, or -1 if it is not computed yet */
} KeptText;

typedef struct {
    Table table;
    Arena arena;
    KeptText *items;
    size_t count, room;
} Texts;

/* The number of a text; null is number 0. Returns false if memory is short. */
bool texts_add(Texts *texts, const Seed *seed, Text text, uint32_t *number);
int64_t texts_id(Texts *texts, uint32_t number);
void texts_clear(Texts *texts);
void texts_free(Texts *texts);

static inline Text text_at(const Texts *texts, uint32_t number) {
    return number ? texts->items[number - 1].text : (Text){0};
}

#endif
