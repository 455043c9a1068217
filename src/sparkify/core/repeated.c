/* One of each repeated play is kept: the smallest variant (docs/rules.md, Same identity, other content). */
#include <string.h>

#include "plays.h"

/* The same order as etl.variant (schema/plays.sql). */
int compare_variants(const Plays *plays, const HeardPlay *one, const HeardPlay *other) {
    const Texts *texts = &plays->batch.texts;
    const Song *songs = plays->songs.items;
    int order = 0;
    for (size_t at = 0; !order && at < PLAY_TEXTS; at++)
        if (one->texts[at] != other->texts[at])
            order = compare_texts(text_at(texts, one->texts[at]), text_at(texts, other->texts[at]));
    if (!order && one->song != other->song)
        order = memcmp(songs[one->song].heard_song_id, songs[other->song].heard_song_id, 16);
    return order;
}

/* Whether a play wins over another with the same identity: of equal variants, the first line does. */
static bool wins(const Plays *plays, const HeardPlay *one, const HeardPlay *other) {
    int order = compare_variants(plays, one, other);
    if (order) return order < 0;
    return one->slice != other->slice ? one->slice < other->slice : one->line < other->line;
}

static bool lose(Chunk *chunk, HeardPlay *play) {
    play->fate = REPEATED;
    chunk->lines.slices[play->slice].duplicates++;
    return by_month_add(&chunk->repeated, play->month, (size_t)(play - chunk->items));
}

static bool find_repeated(Plays *plays) {
    Chunk *chunk = &plays->chunk;
    for (size_t at = 0; at < chunk->count; at++) {
        HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        uint32_t hash = hash_numbers(&plays->seed, (uint64_t)play->songplay_id, (uint64_t)play->ts);
        Search search = table_find(&chunk->identities, hash);
        HeardPlay *best = NULL;
        for (uint32_t found; (found = table_next(&search)) != NOT_FOUND; best = NULL) {
            best = &chunk->items[found];
            if (best->songplay_id == play->songplay_id && best->ts == play->ts) break;
        }
        if (!best) {
            if (!table_make_room(&chunk->identities)) return false;
            table_add(&chunk->identities, hash, at);
        } else if (wins(plays, play, best)) {
            if (!lose(chunk, best)) return false;
            table_replace(&search, at);
        } else if (!lose(chunk, play)) {
            return false;
        }
    }
    by_month_sort(&chunk->repeated);
    return true;
}

/* Mark the first kept play of each moment: together they are the rows of `time`. */
static bool find_moments(Plays *plays) {
    Chunk *chunk = &plays->chunk;
    for (size_t at = 0; at < chunk->count; at++) {
        HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        uint32_t hash = hash_numbers(&plays->seed, (uint64_t)play->ts, 0);
        Search search = table_find(&chunk->moments, hash);
        uint32_t found;
        while ((found = table_next(&search)) != NOT_FOUND && chunk->items[found].ts != play->ts) continue;
        if (found != NOT_FOUND) continue;
        if (!table_make_room(&chunk->moments)) return false;
        table_add(&chunk->moments, hash, at);
        play->is_first_at_ts = true;
    }
    return true;
}

/* The place of a month among the sorted months, or where it belongs. */
static size_t place_of(const Chunk *chunk, int32_t month) {
    size_t low = 0, high = chunk->month_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chunk->months[middle].month < month) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool add_month(Chunk *chunk, int32_t month) {
    size_t place = place_of(chunk, month), count = chunk->month_count;
    if (place < count && chunk->months[place].month == month) return true;
    if (!make_room(&chunk->months, &chunk->month_room, count + 1, sizeof *chunk->months)) return false;
    for (size_t later = count; later > place; later--) chunk->months[later] = chunk->months[later - 1];
    chunk->months[place] = (struct ChunkMonth){.month = month};
    chunk->month_count++;
    return true;
}

/* List the months of the kept plays and page views, in order. */
static bool list_months(Chunk *chunk) {
    int32_t last = -1;
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT || play->month == last) continue;
        last = play->month;
        if (!add_month(chunk, last)) return false;
    }
    for (size_t at = 0; at < chunk->view_count; at++) {
        const SeenPage *view = &chunk->views[at];
        if (view->is_forgotten || view->month == last) continue;
        last = view->month;
        if (!add_month(chunk, last)) return false;
    }
    return true;
}

static bool sort_by_month(Chunk *chunk) {
    if (!list_months(chunk)) return false;
    if (!make_room(&chunk->of_months, &chunk->of_months_room, chunk->count + 1, sizeof *chunk->of_months))
        return false;
    struct ChunkMonth *month = NULL;
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        if (!month || month->month != play->month) month = &chunk->months[place_of(chunk, play->month)];
        month->plays++;
        month->times += play->is_first_at_ts;
        chunk->lines.slices[play->slice].loaded++;
    }
    uint32_t start = 0;
    for (size_t at = 0; at < chunk->month_count; at++) {
        chunk->months[at].start = start;
        start += chunk->months[at].plays;
        chunk->months[at].plays = 0; /* counted again while they are put in place */
    }
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        if (month->month != play->month) month = &chunk->months[place_of(chunk, play->month)];
        chunk->of_months[month->start + month->plays++] = (uint32_t)at;
    }
    by_month_sort(&chunk->of_views);
    return true;
}

bool plays_settle(Plays *plays) {
    return find_repeated(plays) && find_moments(plays) && sort_by_month(&plays->chunk);
}
