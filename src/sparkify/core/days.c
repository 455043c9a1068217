/* The end of a batch: users' days and sessions with their lists of events, in order. */
#include <stdlib.h>

#include "calendar.h"
#include "plays.h"

/* Sorts the rows of user_days. A day's users at one place lie together, so that questions about a place read
 * few pages. Unknown places come last. */
typedef struct {
    int64_t user_id;
    int32_t day;
    uint32_t place, level, user_agent, number;
} Key;

typedef struct {
    Text text;
    uint32_t number;
} Place;

static int by_place(const void *one, const void *other) {
    return compare_texts(((const Place *)one)->text, ((const Place *)other)->text);
}

static int by_key(const void *one, const void *other) {
    const Key *a = one, *b = other;
    COMPARE(day);
    COMPARE(place);
    COMPARE(user_id);
    COMPARE(level);
    COMPARE(user_agent);
    return 0;
}

static int by_quarter_and_track(const void *one, const void *other) {
    const DayPlay *a = one, *b = other;
    COMPARE(quarter);
    COMPARE(track);
    COMPARE(milliseconds);
    return 0;
}

/* The rank of each text by its bytes, by its number; null comes last. The caller frees it. */
static uint32_t *ranks_of(const Texts *texts) {
    Place *sorted = malloc((texts->count + 1) * sizeof *sorted);
    uint32_t *ranks = malloc((texts->count + 1) * sizeof *ranks);
    if (sorted && ranks) {
        for (size_t at = 0; at < texts->count; at++)
            sorted[at] = (Place){texts->items[at].text, (uint32_t)at + 1};
        qsort(sorted, texts->count, sizeof *sorted, by_place);
        for (size_t at = 0; at < texts->count; at++) ranks[sorted[at].number] = (uint32_t)at;
        ranks[0] = (uint32_t)texts->count;
    } else {
        free(ranks);
        ranks = NULL;
    }
    free(sorted);
    return ranks;
}

static bool sort_days(Batch *batch) {
    size_t count = batch->user_day_count;
    uint32_t *ranks = ranks_of(&batch->texts);
    Key *keys = malloc((count + 1) * sizeof *keys);
    bool done = ranks && keys;
    if (done) {
        for (size_t at = 0; at < count; at++) {
            const UserDay *day = &batch->user_days[at];
            uint32_t place = ranks[day->location];
            keys[at] = (Key){day->user_id, day->day, place, day->level, day->user_agent, (uint32_t)at};
        }
        qsort(keys, count, sizeof *keys, by_key);
        for (size_t at = 0; done && at < count; at++) {
            uint32_t number = keys[at].number;
            done = by_month_add(&batch->of_user_days, batch->user_days[number].month, number);
        }
    }
    free(ranks);
    free(keys);
    return done;
}

/* Put the plays of each row of user_days together, in order. */
static bool gather(Plays *plays) {
    Batch *batch = &plays->batch;
    DayPlay *sorted = realloc(batch->day_plays, (batch->listening_count + 1) * sizeof *sorted);
    if (!sorted) return false;
    batch->day_plays = sorted;
    uint32_t start = 0;
    for (size_t at = 0; at < batch->user_day_count; at++) {
        batch->user_days[at].start = start;
        start += batch->user_days[at].plays;
    }
    for (size_t at = 0; at < batch->listening_count; at++) {
        const BatchPlay *play = &batch->listening[at];
        const Song *song = &plays->songs.items[play->song];
        sorted[batch->user_days[play->user_day].start++] =
            (DayPlay){play->ts, song->track_id, song->artist_key, song->milliseconds, quarter_of(play->ts)};
    }
    for (size_t at = 0; at < batch->user_day_count; at++) {
        UserDay *day = &batch->user_days[at];
        day->start -= day->plays;
        qsort(sorted + day->start, day->plays, sizeof *sorted, by_quarter_and_track);
    }
    return true;
}

/* List the numbers of plays and page views session by session. */
static bool list_sessions(Batch *batch) {
    uint32_t *plays = realloc(batch->session_plays, (batch->listening_count + 1) * sizeof *plays);
    if (plays) batch->session_plays = plays;
    uint32_t *views = realloc(batch->session_views, (batch->viewing_count + 1) * sizeof *views);
    if (views) batch->session_views = views;
    if (!plays || !views) return false;
    uint32_t play = 0, view = 0;
    for (size_t at = 0; at < batch->session_count; at++) {
        batch->sessions[at].first_play = play;
        batch->sessions[at].first_view = view;
        play += batch->sessions[at].plays;
        view += batch->sessions[at].views;
    }
    for (size_t at = 0; at < batch->listening_count; at++)
        plays[batch->sessions[batch->listening[at].session].first_play++] = (uint32_t)at;
    for (size_t at = 0; at < batch->viewing_count; at++)
        views[batch->sessions[batch->viewing[at].session].first_view++] = (uint32_t)at;
    for (size_t at = 0; at < batch->session_count; at++) {
        batch->sessions[at].first_play -= batch->sessions[at].plays;
        batch->sessions[at].first_view -= batch->sessions[at].views;
    }
    return true;
}

static bool list_user_agents(Batch *batch) {
    int32_t *last_months = calloc(batch->texts.count + 1, sizeof *last_months); /* no play is in month 0 */
    bool done = last_months != NULL;
    for (size_t at = 0; done && at < batch->of_user_days.count; at++) {
        InMonth item = batch->of_user_days.items[at];
        uint32_t user_agent = batch->user_days[item.number].user_agent;
        if (!user_agent || last_months[user_agent] == item.month) continue;
        last_months[user_agent] = item.month;
        done = by_month_add(&batch->user_agents, item.month, user_agent);
    }
    free(last_months);
    return done;
}

bool batch_finish(Plays *plays) {
    Batch *batch = &plays->batch;
    if (!sort_days(batch) || !gather(plays) || !list_sessions(batch) || !list_user_agents(batch)
        || !batch_sort_levels(batch))
        return false;
    by_month_sort(&batch->of_latest);
    by_month_sort(&batch->of_sessions);
    return true;
}
