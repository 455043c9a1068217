/* What the events of a batch come to: users' days and sessions (docs/rules.md, Users; Time).
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

/* The number of a session on a day, which is added if it is new; NOT_FOUND if memory is short. */
static uint32_t add_session(Plays *plays, const Session *wanted, int32_t month) {
    Batch *batch = &plays->batch;
    uint32_t hash = hash_numbers(&plays->seed, (uint64_t)wanted->user_id, (uint64_t)wanted->session_id);
    hash = hash_numbers(&plays->seed, hash, two_numbers((uint32_t)wanted->day, wanted->level));
    Search search = table_find(&batch->session_table, hash);
    for (uint32_t found; (found = table_next(&search)) != NOT_FOUND;) {
        const Session *session = &batch->sessions[found];
        if (session->user_id == wanted->user_id && session->session_id == wanted->session_id
            && session->day == wanted->day && session->level == wanted->level
            && session->has_user == wanted->has_user)
            return found;
    }
    size_t count = batch->session_count;
    if (!make_room(&batch->sessions, &batch->session_room, count + 1, sizeof *batch->sessions)
        || !table_make_room(&batch->session_table) || !by_month_add(&batch->of_sessions, month, count))
        return NOT_FOUND;
    table_add(&batch->session_table, hash, count);
    batch->repeated_bytes += bytes_of(batch, wanted->level);
    batch->sessions[batch->session_count++] = *wanted;
    return (uint32_t)count;
}

static bool note_play(Plays *plays, const HeardPlay *play) {
    Batch *batch = &plays->batch;
    size_t count = batch->listening_count;
    if (!make_room(&batch->listening, &batch->listening_room, count + 1, sizeof *batch->listening))
        return false;
    Session wanted = {
        .user_id = play->user_id,
        .session_id = play->session_id,
        .started_at = INT64_MAX,
        .last_at = INT64_MIN,
        .level = play->texts[LEVEL],
        .day = play->day,
        .has_user = true,
    };
    uint32_t of_day = add_user_day(plays, play);
    uint32_t of_session = of_day == NOT_FOUND ? NOT_FOUND : add_session(plays, &wanted, play->month);
    if (of_session == NOT_FOUND) return false;
    UserDay *day = &batch->user_days[of_day];
    Session *session = &batch->sessions[of_session];
    batch->repeated_bytes += bytes_of(batch, day->level); /* each play may begin a stretch (levels.c) */
    day->plays++;
    day->milliseconds += plays->songs.items[play->song].milliseconds;
    session->plays++;
    if (play->ts < session->started_at) session->started_at = play->ts;
    if (play->ts > session->last_at) session->last_at = play->ts;
    batch->listening[batch->listening_count++] = (BatchPlay){play->ts, of_day, of_session, play->song};
    return true;
}

static bool note_view(Plays *plays, const SeenPage *view) {
    Batch *batch = &plays->batch;
    size_t count = batch->viewing_count;
    if (!make_room(&batch->viewing, &batch->viewing_room, count + 1, sizeof *batch->viewing)) return false;
    Session wanted = {
        .user_id = view->user_id,
        .session_id = view->session_id,
        .started_at = INT64_MAX,
        .last_at = INT64_MIN,
        .level = view->level,
        .day = view->day,
        .has_user = view->has_user,
    };
    uint32_t session = add_session(plays, &wanted, view->month);
    if (session == NOT_FOUND) return false;
    batch->sessions[session].views++;
    batch->viewing[batch->viewing_count++] = (BatchView){view->ts, session, view->page, view->is_error};
    return true;
}

bool plays_note_events(Plays *plays) {
    const Chunk *chunk = &plays->chunk;
    for (size_t at = 0; at < chunk->count; at++)
        if (chunk->items[at].fate == KEPT && !note_play(plays, &chunk->items[at])) return false;
    for (size_t at = 0; at < chunk->view_count; at++)
        if (!chunk->views[at].is_forgotten && !note_view(plays, &chunk->views[at])) return false;
    return true;
}

size_t batch_bytes(const Batch *batch) {
    size_t a_text = sizeof *batch->texts.items + TABLE_BYTES;
    size_t an_item = TABLE_BYTES + sizeof(InMonth);
    size_t a_day = sizeof *batch->user_days + an_item + sizeof(InMonth);
    size_t a_play = sizeof *batch->listening + sizeof *batch->day_plays + sizeof *batch->session_plays;
    size_t a_view = sizeof *batch->viewing + sizeof *batch->session_views;
    return batch->texts.arena.bytes + batch->repeated_bytes + batch->texts.count * a_text
        + batch->latest_count * (sizeof *batch->latest + an_item) + batch->user_day_count * a_day
        + batch->session_count * (sizeof *batch->sessions + an_item) + batch->listening_count * a_play
        + batch->viewing_count * a_view;
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
    batch->latest_count = batch->user_day_count = batch->session_count = 0;
    batch->listening_count = batch->viewing_count = batch->repeated_bytes = 0;
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
    void *arrays[] = {batch->latest,    batch->user_days, batch->listening,     batch->viewing,
                      batch->sessions,  batch->day_plays, batch->session_plays, batch->session_views};
    for (size_t at = 0; at < sizeof arrays / sizeof *arrays; at++) free(arrays[at]);
    *batch = (Batch){0};
}
