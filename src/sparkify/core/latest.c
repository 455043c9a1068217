/* The latest play of each user and month (docs/rules.md, Users).
 *
 * All variants of a play count, also those that lose: the user's name may be in a line that loses. */
#include "plays.h"

static int compare_numbers(int64_t one, int64_t other) { return (one > other) - (one < other); }

/* Whether a play is later than another: of equal variants, the one with the smallest values of users. */
static bool is_later(const Plays *plays, const HeardPlay *one, const HeardPlay *other) {
    int order = compare_numbers(one->ts, other->ts);
    if (!order) order = compare_numbers(one->session_id, other->session_id);
    if (!order) order = compare_numbers(one->item_in_session, other->item_in_session);
    if (!order) order = compare_numbers(one->songplay_id, other->songplay_id);
    if (!order) order = compare_variants(plays, other, one);
    for (size_t at = 0; !order && at < USER_COLUMNS; at++)
        order = compare_datums(&other->user[at], &one->user[at]);
    return order > 0;
}

static uint32_t hash_of(const Plays *plays, const HeardPlay *play) {
    return hash_numbers(&plays->seed, (uint64_t)play->user_id, (uint32_t)play->month);
}

/* Find the play of the same user and month. */
static uint32_t find(Search *search, const HeardPlay *items, const HeardPlay *play) {
    uint32_t found;
    do {
        found = table_next(search);
    } while (found != NOT_FOUND
             && (items[found].user_id != play->user_id || items[found].month != play->month));
    return found;
}

/* Keep the names with the batch: the chunk's bytes go. */
static bool keep_names(Plays *plays, HeardPlay *play) {
    for (size_t at = 0; at < USER_COLUMNS; at++) {
        uint32_t number;
        if (play->user[at].type != TEXT) continue;
        if (!texts_add(&plays->batch.texts, &plays->seed, play->user[at].text, &number)) return false;
        play->user[at].text = text_at(&plays->batch.texts, number);
    }
    return true;
}

size_t bytes_of_latest(const Texts *texts, const HeardPlay *play) {
    size_t bytes = text_at(texts, play->texts[LEVEL]).size + text_bytes_of(play->user, USER_COLUMNS) + 16;
    for (size_t at = 0; at < PLAY_TEXTS; at++) bytes += text_at(texts, play->texts[at]).size + 2;
    return bytes;
}

static bool note_in_batch(Plays *plays, const HeardPlay *play) {
    Batch *batch = &plays->batch;
    uint32_t hash = hash_of(plays, play);
    Search search = table_find(&batch->latest_table, hash);
    uint32_t found = find(&search, batch->latest, play);
    if (found != NOT_FOUND && !is_later(plays, play, &batch->latest[found])) return true;
    HeardPlay latest = *play;
    if (!keep_names(plays, &latest)) return false;
    batch->repeated_bytes += bytes_of_latest(&batch->texts, &latest);
    if (found != NOT_FOUND) {
        batch->repeated_bytes -= bytes_of_latest(&batch->texts, &batch->latest[found]);
        batch->latest[found] = latest;
        return true;
    }
    if (!make_room(&batch->latest, &batch->latest_room, batch->latest_count + 1, sizeof latest)) return false;
    if (!table_make_room(&batch->latest_table)) return false;
    if (!by_month_add(&batch->of_latest, latest.month, batch->latest_count)) return false;
    table_add(&batch->latest_table, hash, batch->latest_count);
    batch->latest[batch->latest_count++] = latest;
    return true;
}

/* First find the latest plays in the chunk: few names are then kept. */
bool plays_note_latest(Plays *plays) {
    Chunk *chunk = &plays->chunk;
    Table *users = &chunk->users;
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        uint32_t hash = hash_of(plays, play);
        Search search = table_find(users, hash);
        uint32_t found = find(&search, chunk->items, play);
        if (found == NOT_FOUND) {
            if (!table_make_room(users)) return false;
            table_add(users, hash, at);
        } else if (is_later(plays, play, &chunk->items[found])) {
            table_replace(&search, at);
        }
    }
    for (size_t at = 0; at < users->size; at++)
        if (users->slots[at].number && !note_in_batch(plays, &chunk->items[users->slots[at].number - 1]))
            return false;
    return true;
}
