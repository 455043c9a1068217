/* Decide on a log line (docs/rules.md, "The judge on a log line"). */
#include "field.h"

/* In the order in which these logs have them. Nobody reads auth, method, registration and status. */
static const Name NAMES[] = {
    NAME("artist"), NAME("auth"), NAME("firstName"), NAME("gender"), NAME("itemInSession"), NAME("lastName"),
    NAME("length"), NAME("level"), NAME("location"), NAME("method"), NAME("page"), NAME("registration"),
    NAME("sessionId"), NAME("song"), NAME("status"), NAME("ts"), NAME("userAgent"), NAME("userId"),
};
enum {
    ARTIST, AUTH, FIRST_NAME, GENDER, ITEM_IN_SESSION, LAST_NAME, LENGTH, LEVEL, LOCATION, METHOD, PAGE,
    REGISTRATION, SESSION_ID, SONG, STATUS, TS, USER_AGENT, USER_ID, FIELDS
};
_Static_assert(sizeof NAMES / sizeof *NAMES == FIELDS, "each field has a name");

static bool user_id_of(const Value *field, int64_t *value) {
    return field->type == STRING ? digits_of(&field->text, value) : integer_of(field, value);
}

Verdict read_play(const uint8_t *line, size_t size, int64_t earliest, int64_t before, Scratch *scratch,
                  Play *play) {
    Value event[FIELDS];
    Verdict verdict = read_object(line, size, NAMES, FIELDS, scratch, event);
    if (verdict != ACCEPTED) return verdict;

    Text page;
    if (!text_of(&event[PAGE], &page)) return ASK_THE_JUDGE;
    if (page.size != 8 || memcmp(page.data, "NextSong", 8) != 0) return OTHER_PAGE;
    bool sure = user_id_of(&event[USER_ID], &play->user_id)
        && integer_of(&event[SESSION_ID], &play->session_id)
        && integer_of(&event[ITEM_IN_SESSION], &play->item_in_session)
        && integer_of(&event[TS], &play->ts) && play->ts >= earliest && play->ts < before
        && text_of(&event[LEVEL], &play->level)
        && filled_text(&event[SONG], &play->song)
        && text_of(&event[ARTIST], &play->artist)
        && seconds_of(&event[LENGTH], &play->length)
        && optional_text(&event[FIRST_NAME], &play->first_name)
        && optional_text(&event[LAST_NAME], &play->last_name)
        && optional_text(&event[GENDER], &play->gender)
        && optional_place(&event[LOCATION], &play->location)
        && optional_text(&event[USER_AGENT], &play->user_agent);
    return sure ? ACCEPTED : ASK_THE_JUDGE;
}
