/* The events of a chunk: plays, with their ids (docs/rules.md, Identity of a play). */
#include <stdlib.h>

#include "calendar.h"
#include "ids.h"
#include "plays.h"

bool plays_add(Plays *plays, const Play *play, uint32_t slice, int64_t line) {
    Chunk *chunk = &plays->chunk;
    Texts *texts = &plays->batch.texts;
    const Seed *seed = &plays->seed;
    if (!make_room(&chunk->items, &chunk->room, chunk->count + 1, sizeof *chunk->items)) return false;
    HeardPlay *heard = &chunk->items[chunk->count];
    *heard = (HeardPlay){
        .user_id = play->user_id,
        .session_id = play->session_id,
        .item_in_session = play->item_in_session,
        .ts = play->ts,
        .songplay_id = songplay_id(play->user_id, play->session_id, play->item_in_session, play->ts),
        .line = line,
        .slice = slice,
        .day = day_of(play->ts),
    };
    heard->month = chunk->count && heard[-1].day == heard->day ? heard[-1].month : month_of(heard->day);
    if (!songs_add(&plays->songs, seed, play->song, play->artist, play->length, &heard->song)) return false;
    for (size_t at = 0; at < PLAY_TEXTS; at++)
        if (!texts_add(texts, seed, play->texts[at].text, &heard->texts[at])) return false;
    for (size_t at = 0; at < USER_COLUMNS; at++) {
        heard->user[at] = play->user[at];
        if (!arena_keep_datum(&chunk->names, &heard->user[at])) return false;
    }
    chunk->count++;
    return true;
}

static Verdict read_line(void *keeper, const uint8_t *line, size_t size, uint32_t slice, int64_t number) {
    Plays *plays = keeper;
    Play play;
    PageView view;
    Verdict verdict = read_event(line, size, plays->earliest, plays->before, &plays->scratch, &play, &view);
    if (verdict == ACCEPTED && !plays_add(plays, &play, slice, number)) return NO_MEMORY;
    if (verdict == PAGE_VIEW && !plays_add_view(plays, &view, slice, number)) return NO_MEMORY;
    return verdict;
}

Outcome plays_read(Plays *plays) {
    Outcome done = lines_read(&plays->chunk.lines, read_line, plays);
    scratch_shrink(&plays->scratch);
    return done;
}

int compare_user_ids(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

void plays_forget(Plays *plays, int64_t *user_ids, size_t count) {
    Chunk *chunk = &plays->chunk;
    qsort(user_ids, count, sizeof *user_ids, compare_user_ids);
    for (size_t at = 0; at < chunk->count; at++) {
        HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        if (!bsearch(&play->user_id, user_ids, count, sizeof *user_ids, compare_user_ids)) continue;
        play->fate = FORGOTTEN;
        chunk->lines.slices[play->slice].forgotten++;
    }
    views_forget(chunk, user_ids, count);
}

void chunk_clear(Chunk *chunk) {
    table_clear(&chunk->identities);
    table_clear(&chunk->moments);
    table_clear(&chunk->users);
    arena_clear(&chunk->names);
    by_month_clear(&chunk->new_songs);
    by_month_clear(&chunk->repeated);
    by_month_clear(&chunk->of_views);
    chunk->view_rows.size = chunk->view_count = 0;
    chunk->count = chunk->month_count = chunk->unknown_count = 0;
    chunk->lines.slice_count = chunk->lines.doubtful_count = 0;
}

void chunk_free(Chunk *chunk) {
    chunk_clear(chunk);
    table_free(&chunk->identities);
    table_free(&chunk->moments);
    table_free(&chunk->users);
    free(chunk->items);
    free(chunk->of_months);
    free(chunk->months);
    by_month_free(&chunk->new_songs);
    by_month_free(&chunk->repeated);
    by_month_free(&chunk->of_views);
    buffer_free(&chunk->view_rows);
    free(chunk->views);
    free(chunk->unknown);
    lines_free(&chunk->lines);
}
