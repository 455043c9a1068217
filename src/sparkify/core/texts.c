/* The texts of a batch, each kept once. */
#include "texts.h"

#include <stdlib.h>

#include "ids.h"

bool texts_add(Texts *texts, const Seed *seed, Text text, uint32_t *number) {
    *number = 0;
    if (!text.data) return true;
    uint32_t hash = hash_text(seed, text);
    Search search = table_find(&texts->table, hash);
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;) {
        *number = found + 1;
        if (same_text(texts->items[found].text, text)) return true;
    }
    if (!make_room(&texts->items, &texts->room, texts->count + 1, sizeof *texts->items)) return false;
    if (!table_make_room(&texts->table) || !arena_keep(&texts->arena, &text)) return false;
    table_add(&texts->table, hash, texts->count);
    texts->items[texts->count++] = (KeptText){text, -1};
    *number = (uint32_t)texts->count;
    return true;
}

int64_t texts_id(Texts *texts, uint32_t number) {
    KeptText *item = &texts->items[number - 1];
    if (item->id < 0) item->id = text_id(item->text);
    return item->id;
}

void texts_clear(Texts *texts) {
    table_clear(&texts->table);
    arena_clear(&texts->arena);
    texts->count = 0;
}

void texts_free(Texts *texts) {
    texts_clear(texts);
    table_free(&texts->table);
    free(texts->items);
    *texts = (Texts){0};
}
