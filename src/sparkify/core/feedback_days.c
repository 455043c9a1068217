/* Feedback by day and by the track that was played before it (publish/rollups/track_feedback_days.sql).
 *
 * For the first day of a month, the play may be in the month before: that day is left to PostgreSQL. */
#include <stdlib.h>

#include "months.h"

/* As analytics.is_feedback tells (schema/functions.sql), in the order of the columns. */
static const char *const PAGES[] = {"Thumbs Up", "Thumbs Down", "Add to Playlist", "Add Friend"};
enum { KINDS = sizeof PAGES / sizeof *PAGES };

/* Feedback after a track. */
typedef struct {
    int64_t track;
    int32_t day;
    uint32_t level, kind;
} Given;

typedef struct {
    int64_t track;
    uint32_t time;
} Played;

typedef struct {
    const Month *month;
    DaySpan days;
    uint32_t pages[KINDS];
    Played *played; /* of one user's session, in order of time */
    size_t played_count, played_room;
    Given *given;
    size_t given_count, given_room;
} Feedback;

static int by_session_and_user(const void *one, const void *other) {
    const SessionDay *a = *(const SessionDay *const *)one, *b = *(const SessionDay *const *)other;
    COMPARE(session_id);
    COMPARE(has_user);
    COMPARE(user_id);
    return 0;
}

static int by_time_and_track(const void *one, const void *other) {
    const Played *a = one, *b = other;
    COMPARE(time);
    COMPARE(track);
    return 0;
}

static int by_day_level_and_track(const void *one, const void *other) {
    const Given *a = one, *b = other;
    COMPARE(day);
    COMPARE(level);
    COMPARE(track);
    return 0;
}

/* The kind of a page view; KINDS if it is no feedback. */
static uint32_t kind_of(const Feedback *feedback, const SessionDay *session, SessionView view) {
    uint32_t page = month_page(feedback->month, session, view), kind = 0;
    while (kind < KINDS && feedback->pages[kind] != page) kind++;
    return kind;
}

static bool add_plays(Feedback *feedback, const SessionDay *session) {
    size_t count = feedback->played_count + session->plays;
    if (!make_room(&feedback->played, &feedback->played_room, count, sizeof *feedback->played)) return false;
    const uint8_t *tracks = session_ids(session, false);
    for (uint32_t play = 0; play < session->plays; play++) {
        Played *played = &feedback->played[feedback->played_count++];
        played->time = session_play_time(session, play);
        memcpy(&played->track, tracks + play * sizeof played->track, sizeof played->track);
    }
    return true;
}

/* How many plays began until a moment. */
static size_t count_until(const Feedback *feedback, uint32_t time) {
    size_t low = 0, high = feedback->played_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (feedback->played[middle].time <= time) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Note what a session's page views say of the plays before them. If several tracks began at the last moment, only
 * PostgreSQL knows which is the last: the ids of plays are not here. */
static Outcome add_given(Feedback *feedback, const SessionDay *session) {
    for (uint32_t number = 0; number < session->views; number++) {
        SessionView view = session_view(session, number);
        uint32_t kind = kind_of(feedback, session, view);
        size_t before = kind < KINDS ? count_until(feedback, view.time) : 0;
        if (!before) continue;
        const Played *last = &feedback->played[before - 1];
        if (view.time - last->time >= MS_PER_DAY) continue;
        size_t earlier = last->time ? count_until(feedback, last->time - 1) : 0;
        if (feedback->played[earlier].track != last->track) return NOT_SURE;
        size_t count = feedback->given_count;
        if (!make_room(&feedback->given, &feedback->given_room, count + 1, sizeof *feedback->given))
            return SHORT_OF_MEMORY;
        feedback->given[feedback->given_count++] = (Given){last->track, session->day, session->level, kind};
    }
    return DONE;
}

static bool has_feedback(const Feedback *feedback, const SessionDay *session) {
    for (uint32_t number = 0; number < session->views; number++)
        if (kind_of(feedback, session, session_view(session, number)) < KINDS) return true;
    return false;
}

/* Find the feedback of a user in a session, which may last for days. */
static Outcome find_given(Feedback *feedback, const SessionDay *const *sessions, size_t count) {
    bool any = false;
    for (size_t at = 0; at < count; at++) any = any || has_feedback(feedback, sessions[at]);
    if (!any) return DONE;
    feedback->played_count = 0;
    for (size_t at = 0; at < count; at++)
        if (!add_plays(feedback, sessions[at])) return SHORT_OF_MEMORY;
    if (feedback->played) qsort(feedback->played, feedback->played_count, sizeof *feedback->played, by_time_and_track);
    Outcome outcome = DONE;
    for (size_t at = 0; outcome == DONE && at < count; at++)
        if (is_on(sessions[at], feedback->days)) outcome = add_given(feedback, sessions[at]);
    return outcome;
}

/* The sessions of the days, and of the day before them; NULL if memory is short. */
static const SessionDay **select_sessions(const Feedback *feedback, size_t *count) {
    const Month *month = feedback->month;
    DaySpan longer = {feedback->days.since - 1, feedback->days.until};
    const SessionDay **sessions = malloc((month->session_count + 1) * sizeof *sessions);
    *count = 0;
    for (size_t at = 0; sessions && at < month->session_count; at++)
        if (is_on(&month->sessions[at], longer)) sessions[(*count)++] = &month->sessions[at];
    return sessions;
}

static Outcome find_all_given(Feedback *feedback) {
    size_t count;
    const SessionDay **sessions = select_sessions(feedback, &count);
    Outcome outcome = sessions ? DONE : SHORT_OF_MEMORY;
    if (sessions) qsort(sessions, count, sizeof *sessions, by_session_and_user);
    for (size_t first = 0, end; outcome == DONE && first < count; first = end) {
        end = first + 1;
        while (end < count && !by_session_and_user(&sessions[first], &sessions[end])) end++;
        outcome = find_given(feedback, sessions + first, end - first);
    }
    free(sessions);
    return outcome;
}

static bool is_first_of_track(const Given *given, size_t at) {
    return !at || given[at - 1].track != given[at].track;
}

static uint8_t *copy_counts(uint8_t *at, const Given *given, size_t count, uint32_t kind) {
    for (size_t first = 0, end; first < count; first = end) {
        int32_t times = 0;
        for (end = first; end < count && given[end].track == given[first].track; end++)
            times += given[end].kind == kind;
        at = copy_integer(at, times);
    }
    return at;
}

/* Write the row of the feedback of a day at a level, which is sorted by track. */
static bool write_row(const Month *month, const Given *given, size_t count, Buffer *buffer) {
    uint32_t tracks = 0;
    for (size_t at = 0; at < count; at++) tracks += is_first_of_track(given, at);
    Text level = month_text(month, given->level);
    size_t arrays = (1 + KINDS) * COPY_ARRAY + (size_t)tracks * (12 + KINDS * 8);
    uint8_t *to = copy_row(buffer, 3 + KINDS, level.size + arrays);
    if (!to) return false;
    to = copy_date(to, given->day);
    to = copy_text(to, level);
    to = copy_array(to, INT8_OID, tracks, 8);
    for (size_t at = 0; at < count; at++)
        if (is_first_of_track(given, at)) to = copy_bigint(to, given[at].track);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        to = copy_array(to, INT4_OID, tracks, 4);
        to = copy_counts(to, given, count, kind);
    }
    copy_row_end(buffer, to);
    return true;
}

static bool write_rows(Feedback *feedback, Buffer *buffer) {
    Given *given = feedback->given;
    size_t count = feedback->given_count;
    if (given) qsort(given, count, sizeof *given, by_day_level_and_track);
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && given[end].day == given[first].day && given[end].level == given[first].level) end++;
        if (!write_row(feedback->month, given + first, end - first, buffer)) return false;
    }
    return true;
}

Outcome rows_of_feedback_days(const Month *month, Piece piece, Buffer *buffer) {
    Feedback feedback = {.month = month, .days = days_of_piece(month, piece)};
    if (feedback.days.since == month->since) feedback.days.since++;
    for (size_t kind = 0; kind < KINDS; kind++) feedback.pages[kind] = month_rank(month, PAGES[kind]);
    Outcome outcome = find_all_given(&feedback);
    if (outcome == DONE && !write_rows(&feedback, buffer)) outcome = SHORT_OF_MEMORY;
    free(feedback.played);
    free(feedback.given);
    return outcome;
}
