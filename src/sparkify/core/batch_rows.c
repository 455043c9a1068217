/* The rows that a batch adds to the tables of a staged month at its end (stage/tables.py, BATCH_TABLES). */
#include "rows.h"

/* The variant of a play, as etl.variant computes it (schema/plays.sql). */
static uint8_t *copy_variant(uint8_t *start, const Plays *plays, const HeardPlay *play) {
    uint8_t *at = start + 4;
    for (size_t n = 0; n < PLAY_TEXTS; n++) {
        Text text = text_at(&plays->batch.texts, play->texts[n]);
        if (text.data) *at++ = 1;
        if (text.size) memcpy(at, text.data, text.size);
        at += text.size;
        *at++ = 0;
    }
    memcpy(at, plays->songs.items[play->song].heard_song_id, 16);
    at += 16;
    put32(start, (uint32_t)(at - start - 4));
    return at;
}

bool rows_of_users(Plays *plays, int32_t month, Buffer *buffer) {
    const Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->of_latest, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const HeardPlay *play = &batch->latest[number];
        uint8_t *at = copy_row(buffer, 7 + USER_COLUMNS, bytes_of_latest(&batch->texts, play));
        if (!at) return false;
        at = copy_bigint(at, play->user_id);
        at = copy_datums(at, play->user, USER_COLUMNS);
        at = copy_text(at, text_at(&batch->texts, play->texts[LEVEL]));
        at = copy_timestamp(at, play->ts);
        at = copy_bigint(at, play->session_id);
        at = copy_bigint(at, play->item_in_session);
        at = copy_bigint(at, play->songplay_id);
        at = copy_variant(at, plays, play);
        copy_row_end(buffer, at);
    }
    return true;
}

/* The four arrays of a row of user_days: each has one value for each play, in the same order. */
static uint8_t *copy_plays(uint8_t *at, const DayPlay *plays, uint32_t count) {
    at = copy_array(at, INT2_OID, count, 2);
    for (uint32_t i = 0; i < count; i++) at = copy_smallint(at, plays[i].quarter);
    at = copy_array(at, INT8_OID, count, 8);
    for (uint32_t i = 0; i < count; i++) at = copy_bigint(at, plays[i].track);
    at = copy_array(at, INT8_OID, count, 8);
    for (uint32_t i = 0; i < count; i++) at = copy_bigint(at, plays[i].artist);
    at = copy_array(at, INT4_OID, count, 4);
    for (uint32_t i = 0; i < count; i++) at = copy_integer(at, plays[i].milliseconds);
    return at;
}

bool rows_of_user_days(Plays *plays, int32_t month, Buffer *buffer) {
    Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->of_user_days, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const UserDay *day = &batch->user_days[number];
        Text level = text_at(&batch->texts, day->level), location = text_at(&batch->texts, day->location);
        size_t arrays = 4 * COPY_ARRAY + (size_t)day->plays * (6 + 12 + 12 + 8);
        uint8_t *at = copy_row(buffer, 11, level.size + location.size + arrays);
        if (!at) return false;
        at = copy_bigint(at, day->user_id);
        at = copy_date(at, day->day);
        at = copy_text(at, level);
        at = copy_text(at, location);
        at = day->user_agent ? copy_bigint(at, texts_id(&batch->texts, day->user_agent)) : copy_null(at);
        at = copy_integer(at, (int32_t)day->plays);
        at = copy_bigint(at, day->milliseconds);
        at = copy_plays(at, batch->day_plays + day->start, day->plays);
        copy_row_end(buffer, at);
    }
    return true;
}

bool rows_of_user_agents(Plays *plays, int32_t month, Buffer *buffer) {
    Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->user_agents, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        Text user_agent = text_at(&batch->texts, number);
        uint8_t *at = copy_row(buffer, 2, user_agent.size);
        if (!at) return false;
        at = copy_bigint(at, texts_id(&batch->texts, number));
        at = copy_text(at, user_agent);
        copy_row_end(buffer, at);
    }
    return true;
}

bool rows_of_sessions(Plays *plays, int32_t month, Buffer *buffer) {
    const Batch *batch = &plays->batch;
    Walk walk = by_month_find(&batch->of_sessions, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const Session *session = &batch->sessions[number];
        if (!session->plays) continue;
        Text level = text_at(&batch->texts, session->level);
        uint8_t *at = copy_row(buffer, 6, level.size);
        if (!at) return false;
        at = copy_bigint(at, session->user_id);
        at = copy_bigint(at, session->session_id);
        at = copy_timestamp(at, session->started_at);
        at = copy_text(at, level);
        at = copy_timestamp(at, session->last_at);
        at = copy_integer(at, (int32_t)session->plays);
        copy_row_end(buffer, at);
    }
    return true;
}
