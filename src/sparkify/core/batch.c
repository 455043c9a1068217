/* What the plays of a batch come to: users' days and sessions (docs/rules.md, Users; Time).
 *
 * publish/rollups/user_days.sql and sessions.sql define them for PostgreSQL. */
#include <stdlib.h>

#include "plays.h"

static uint64_t two_numbers(uint32_t one, uint32_t other) { return (uint64_t)one << 32 | other; }

static size_t bytes_of(const Batch *batch, uint32_t text) { return text_at(&batch->texts, text).size; }

/* The number of a play's row in user_days, which is added if it is new; NOT_FOUND if memory is short. */
static uint32_t add_user_day(Plays *plays, const HeardPlay *play) {
    Batch *batch = &plays->batch;
    uint64_t day_and_level = two_numbers((uint32_t)play->day, play->texts[LEVEL]);
    uint32_t hash = hash_numbers(&plays->seed, (uint64_t)play->user_id, day_and_level);
    hash = hash_numbers(&plays->seed, hash, two_numbers(play->texts[LOCATION], play->texts[USER_AGENT]));
    Search search = table_find(&batch->user_day_table, hash);
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;) {
        const UserDay *day = &batch->user_days[found];
        if (day->user_id == play->user_id && day->day == play->day && day->level == play->texts[LEVEL]
            && day->location == play->texts[LOCATION] && day->user_agent == play->texts[USER_AGENT])
            return found;
    }
    size_t count = batch->user_day_count;
    if (!make_room(&batch->user_days, &batch->user_day_room, count + 1, sizeof *batch->user_days)
        || !table_make_room(&batch->user_day_table))
        return NOT_FOUND;
    table_add(&batch->user_day_table, hash, count);
    batch->repeated_bytes += bytes_of(batch, play->texts[LEVEL]) + bytes_of(batch, play->texts[LOCATION]);
    batch->user_days[batch->user_day_count++] = (UserDay){
        .user_id = play->user_id,
        .level = play->texts[LEVEL],
        .location = play->texts[LOCATION],
        .user_agent = play->texts[USER_AGENT],
        .day = play->day,
        .month = play->month,
    };
    return (uint32_t)count;
}

static bool add_listening(Plays *plays, const HeardPlay *play) {
    Batch *batch = &plays->batch;
    size_t count = batch->listening_count;
    if (!make_room(&batch->listening, &batch->listening_room, count + 1, sizeof *batch->listening))
        return false;
    uint32_t number = add_user_day(plays, play);
    if (number == NOT_FOUND) return false;
    UserDay *day = &batch->user_days[number];
    batch->repeated_bytes += bytes_of(batch, day->level); /* each play may begin a stretch (levels.c) */
    day->plays++;
    day->milliseconds += plays->songs.items[play->song].milliseconds;
    batch->listening[batch->listening_count++] = (Listening){play->ts, number, play->song};
    return true;
}

/* Keep the first and the last play of a session on a day, for each level. */
static bool add_session(Plays *plays, const HeardPlay *play) {
    Batch *batch = &plays->batch;
    uint32_t hash = hash_numbers(&plays->seed, (uint64_t)play->user_id, (uint64_t)play->session_id);
    hash = hash_numbers(&plays->seed, hash, two_numbers((uint32_t)play->day, play->texts[LEVEL]));
    Search search = table_find(&batch->session_table, hash);
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;) {
        Session *session = &batch->sessions[found];
        if (session->user_id != play->user_id || session->session_id != play->session_id
            || session->day != play->day || session->level != play->texts[LEVEL])
            continue;
        if (play->ts < session->started_at) session->started_at = play->ts;
        if (play->ts > session->last_at) session->last_at = play->ts;
        session->plays++;
        return true;
    }
    size_t count = batch->session_count;
    if (!make_room(&batch->sessions, &batch->session_room, count + 1, sizeof *batch->sessions)) return false;
    if (!table_make_room(&batch->session_table)) return false;
    if (!by_month_add(&batch->of_sessions, play->month, count)) return false;
    table_add(&batch->session_table, hash, count);
    batch->repeated_bytes += bytes_of(batch, play->texts[LEVEL]);
    batch->sessions[batch->session_count++] = (Session){
        .user_id = play->user_id,
        .session_id = play->session_id,
        .started_at = play->ts,
        .last_at = play->ts,
        .level = play->texts[LEVEL],
        .plays = 1,
        .day = play->day,
    };
    return true;
}

bool plays_note_listening(Plays *plays) {
    const Chunk *chunk = &plays->chunk;
    for (size_t at = 0; at < chunk->count; at++) {
        const HeardPlay *play = &chunk->items[at];
        if (play->fate == KEPT && (!add_listening(plays, play) || !add_session(plays, play))) return false;
    }
    return true;
}

size_t batch_bytes(const Batch *batch) {
    size_t a_text = sizeof *batch->texts.items + TABLE_BYTES;
    size_t an_item = TABLE_BYTES + sizeof(InMonth);
    size_t a_day = sizeof *batch->user_days + an_item + sizeof(InMonth);
    size_t a_play = sizeof *batch->listening + sizeof *batch->day_plays;
    return batch->texts.arena.bytes + batch->repeated_bytes + batch->texts.count * a_text
        + batch->latest_count * (sizeof *batch->latest + an_item) + batch->user_day_count * a_day
        + batch->session_count * (sizeof *batch->sessions + an_item) + batch->listening_count * a_play;
}

void batch_clear(Batch *batch) {
    texts_clear(&batch->texts);
    table_clear(&batch->latest_table);
    table_clear(&batch->user_day_table);
    table_clear(&batch->session_table);
    by_month_clear(&batch->of_latest);
    by_month_clear(&batch->of_user_days);
    by_month_clear(&batch->of_sessions);
    by_month_clear(&batch->of_levels);
    by_month_clear(&batch->user_agents);
    batch->latest_count = batch->user_day_count = batch->listening_count = batch->session_count = 0;
    batch->repeated_bytes = 0;
}

void batch_free(Batch *batch) {
    texts_free(&batch->texts);
    table_free(&batch->latest_table);
    table_free(&batch->user_day_table);
    table_free(&batch->session_table);
    by_month_free(&batch->of_latest);
    by_month_free(&batch->of_user_days);
    by_month_free(&batch->of_sessions);
    by_month_free(&batch->of_levels);
    by_month_free(&batch->user_agents);
    void *arrays[] = {batch->latest, batch->user_days, batch->listening, batch->sessions,
                      batch->day_plays};
    for (size_t at = 0; at < sizeof arrays / sizeof *arrays; at++) free(arrays[at]);
    *batch = (Batch){0};
}
