/* The heard songs of a chunk (docs/rules.md, Heard songs and matching). */
#include "plays.h"

/* List the songs that are not staged for their month yet, and those to look up in the catalogue. */
bool plays_find_new_songs(Plays *plays) {
    Chunk *chunk = &plays->chunk;
    by_month_clear(&chunk->new_songs);
    chunk->unknown_count = 0;
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate != KEPT) continue;
        SongMonth wanted = {play->song, play->month};
        bool is_new;
        if (!songs_stage(&plays->songs, &plays->seed, wanted, &is_new)) return false;
        if (!is_new) continue;
        if (!by_month_add(&chunk->new_songs, play->month, play->song)) return false;
        Song *song = &plays->songs.items[play->song];
        if (song->asked) continue;
        size_t count = chunk->unknown_count;
        if (!make_room(&chunk->unknown, &chunk->unknown_room, count + 1, sizeof play->song)) return false;
        song->asked = true;
        chunk->unknown[chunk->unknown_count++] = play->song;
    }
    by_month_sort(&chunk->new_songs);
    return true;
}

/* Match the songs to look up with the fetched catalogue, so that nothing of them is asked. */
void plays_match_fetched(Plays *plays) {
    for (size_t at = 0; at < plays->chunk.unknown_count; at++) {
        Song *song = &plays->songs.items[plays->chunk.unknown[at]];
        const Match *match = matches_find(&plays->matches, &plays->seed, song->heard_song_id);
        if (!match) continue;
        song->song_id = song_id_of(match);
        song->artist_id = artist_id_of(match);
    }
    plays->chunk.unknown_count = 0;
}

/* Count the plays of each month whose song the catalogue has. */
void plays_count_matches(Plays *plays) {
    Chunk *chunk = &plays->chunk;
    for (size_t at = 0; at < chunk->month_count; at++) {
        struct ChunkMonth *month = &chunk->months[at];
        month->matched = 0;
        for (size_t play = 0; play < month->plays; play++) {
            uint32_t song = chunk->items[chunk->of_months[month->start + play]].song;
            month->matched += plays->songs.items[song].song_id.data != NULL;
        }
    }
}
