/* The rows that each chunk adds to the tables of a staged month (stage/tables.py, CHUNK_TABLES). */
#include "rows.h"

static const struct ChunkMonth *find_month(const Chunk *chunk, int32_t month) {
    static const struct ChunkMonth NO_PLAYS;
    for (size_t at = 0; at < chunk->month_count; at++)
        if (chunk->months[at].month == month) return &chunk->months[at];
    return &NO_PLAYS;
}

/* The first of the month's kept plays, whose numbers follow. */
static const uint32_t *plays_of(const Chunk *chunk, const struct ChunkMonth *month) {
    return month->plays ? chunk->of_months + month->start : NULL;
}

bool rows_of_songplays(Plays *plays, int32_t of_month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    const Texts *texts = &plays->batch.texts;
    const struct ChunkMonth *month = find_month(chunk, of_month);
    const uint32_t *numbers = plays_of(chunk, month);
    for (size_t i = 0; i < month->plays; i++) {
        const HeardPlay *play = &chunk->items[numbers[i]];
        const Song *song = &plays->songs.items[play->song];
        size_t text_bytes = song->song_id.size + song->artist_id.size;
        for (size_t n = 0; n < PLAY_TEXTS; n++) text_bytes += text_at(texts, play->texts[n]).size;
        uint8_t *at = copy_row(buffer, 6 + PLAY_TEXTS, text_bytes);
        if (!at) return false;
        at = copy_bigint(at, play->songplay_id);
        at = copy_timestamp(at, play->ts);
        at = copy_bigint(at, play->user_id);
        at = copy_text(at, text_at(texts, play->texts[LEVEL]));
        at = copy_text(at, song->song_id);
        at = copy_text(at, song->artist_id);
        at = copy_bigint(at, play->session_id);
        for (size_t n = LEVEL + 1; n < PLAY_TEXTS; n++) at = copy_text(at, text_at(texts, play->texts[n]));
        copy_row_end(buffer, at);
    }
    return true;
}

bool rows_of_heard_plays(Plays *plays, int32_t of_month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    const struct ChunkMonth *month = find_month(chunk, of_month);
    const uint32_t *numbers = plays_of(chunk, month);
    for (size_t i = 0; i < month->plays; i++) {
        const HeardPlay *play = &chunk->items[numbers[i]];
        uint8_t *at = copy_row(buffer, 6, 0);
        if (!at) return false;
        at = copy_timestamp(at, play->ts);
        at = copy_bigint(at, play->songplay_id);
        at = copy_uuid(at, plays->songs.items[play->song].heard_song_id);
        at = copy_bigint(at, play->item_in_session);
        at = copy_bigint(at, play->line);
        at = copy_integer(at, chunk->lines.slices[play->slice].file_id);
        copy_row_end(buffer, at);
    }
    return true;
}

/* docs/rules.md, Time */
bool rows_of_time(Plays *plays, int32_t of_month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    const struct ChunkMonth *month = find_month(chunk, of_month);
    const uint32_t *numbers = plays_of(chunk, month);
    for (size_t i = 0; i < month->plays; i++) {
        const HeardPlay *play = &chunk->items[numbers[i]];
        if (!play->is_first_at_ts) continue;
        Date date = date_of(play->day);
        uint8_t *at = copy_row(buffer, 7, 0);
        if (!at) return false;
        at = copy_timestamp(at, play->ts);
        at = copy_smallint(at, hour_of(play->ts));
        at = copy_smallint(at, (int16_t)date.day);
        at = copy_smallint(at, iso_week_of(play->day));
        at = copy_smallint(at, (int16_t)date.month);
        at = copy_smallint(at, (int16_t)date.year);
        at = copy_smallint(at, weekday_of(play->day));
        copy_row_end(buffer, at);
    }
    return true;
}

bool rows_of_heard_songs(Plays *plays, int32_t month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    Walk walk = by_month_find(&chunk->new_songs, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const Song *song = &plays->songs.items[number];
        const SongKey *key = &plays->songs.keys[number];
        Text title = title_of(key), artist = artist_of(key);
        uint8_t *at =
            copy_row(buffer, 8, title.size + artist.size + song->song_id.size + song->artist_id.size);
        if (!at) return false;
        at = copy_uuid(at, song->heard_song_id);
        at = copy_text(at, title);
        at = copy_text(at, artist);
        at = copy_double(at, key->length);
        at = copy_text(at, song->song_id);
        at = copy_text(at, song->artist_id);
        at = copy_bigint(at, song->track_id);
        at = copy_bigint(at, song->artist_key);
        copy_row_end(buffer, at);
    }
    return true;
}

bool rows_of_repeated(Plays *plays, int32_t month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    Walk walk = by_month_find(&chunk->repeated, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const HeardPlay *play = &chunk->items[number];
        uint8_t *at = copy_row(buffer, 3, 0);
        if (!at) return false;
        at = copy_timestamp(at, play->ts);
        at = copy_bigint(at, play->songplay_id);
        at = copy_integer(at, chunk->lines.slices[play->slice].file_id);
        copy_row_end(buffer, at);
    }
    return true;
}
