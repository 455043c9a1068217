/* Decide on a log line (docs/rules.md, "The judge on a log line"). */
#include "field.h"

#define AS_NAME(name, key) NAME(key),
static const Name NAMES[] = {EACH_LOG_FIELD(AS_NAME)};
enum { EACH_LOG_FIELD(AS_ENUMERATOR) LOG_FIELDS };

static Verdict read_play(const Value *event, int64_t earliest, int64_t before, Play *play) {
#define AND_TEXT(name, read) && read(&event[LOG_##name], &play->texts[name])
#define AND_OF_USER(name, read) && read(&event[LOG_##name], &play->user[name])
    bool sure = user_id_of(&event[LOG_USER_ID], &play->user_id)
        && integer_of(&event[LOG_SESSION_ID], &play->session_id)
        && integer_of(&event[LOG_ITEM_IN_SESSION], &play->item_in_session)
        && integer_of(&event[LOG_TS], &play->ts) && play->ts >= earliest && play->ts < before
        && filled_text(&event[LOG_SONG], &play->song)
        && text_of(&event[LOG_ARTIST], &play->artist)
        && seconds_of(&event[LOG_LENGTH], &play->length)
        EACH_PLAY_TEXT(AND_TEXT)
        EACH_USER_COLUMN(AND_OF_USER);
    return sure ? ACCEPTED : ASK_THE_JUDGE;
}

static Verdict read_view(const Value *event, int64_t earliest, int64_t before, PageView *view) {
    const Value *session = &event[LOG_SESSION_ID], *item = &event[LOG_ITEM_IN_SESSION], *ts = &event[LOG_TS];
    if (session->type != NUMBER || item->type != NUMBER || ts->type != NUMBER) return BARE_PAGE;
#define AND_OF_VIEW(name, read) && read(&event[LOG_##name], &view->columns[VIEW_##name])
    bool sure = integer_of(session, &view->session_id) && integer_of(item, &view->item_in_session)
        && integer_of(ts, &view->ts)
        EACH_VIEW_COLUMN(AND_OF_VIEW);
    if (!sure) return ASK_THE_JUDGE;
    return view->ts >= earliest && view->ts < before ? PAGE_VIEW : BARE_PAGE;
}

Verdict read_event(const uint8_t *line, size_t size, int64_t earliest, int64_t before, Scratch *scratch,
                   Play *play, PageView *view) {
    Value event[LOG_FIELDS];
    Verdict verdict = read_object(line, size, NAMES, LOG_FIELDS, scratch, event);
    if (verdict != ACCEPTED) return verdict;

    Text page;
    if (!text_of(&event[LOG_PAGE], &page)) return ASK_THE_JUDGE;
    bool is_play = text_is(page, "NextSong");
    return is_play ? read_play(event, earliest, before, play) : read_view(event, earliest, before, view);
}
