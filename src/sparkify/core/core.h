/* What the steps of the core share: the fields of a line, and what a reader of lines decides.
 *
 * The judge (transform/judge.py) defines what is valid; docs/rules.md explains it. The core accepts a line
 * only if the judge would, with the same values. It leaves every line that it is not sure of to the judge.
 */
#ifndef SPARKIFY_CORE_H
#define SPARKIFY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "columns.h"

/* UTF-8 without a terminating zero. `data` is NULL if the field is null or missing: not for empty text. */
typedef struct {
    const uint8_t *data;
    size_t size;
} Text;

static inline bool text_is(Text text, const char *wanted) {
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

enum { MAX_ID_BYTES = 1000 }; /* judge.MAX_ID_BYTES */

/* The value of a column. */
typedef struct {
    enum { NO_VALUE, TEXT, BIGINT, DOUBLE } type;
    union {
        Text text;
        int64_t bigint;
        double real;
    };
} Datum;

/* A play: the fields of judge.Play, in its order. `ts` is in milliseconds since 1970, UTC. */
typedef struct {
    int64_t user_id, session_id, item_in_session, ts;
    Text song, artist;
    double length;
    Datum texts[PLAY_TEXTS], user[USER_COLUMNS];
} Play;

/* A page view: the fields of judge.PageView, in its order. Its status has 32 bits. */
typedef struct {
    int64_t session_id, item_in_session, ts;
    Datum columns[VIEW_COLUMNS];
} PageView;

/* A record of a song file: the fields of judge.CatalogueRecord, in its order. */
typedef struct {
    Datum columns[RECORD_COLUMNS];
} CatalogueRecord;

typedef enum { BLANK, BARE_PAGE, PAGE_VIEW, ACCEPTED, ASK_THE_JUDGE, NO_MEMORY } Verdict;

/* How a step ended. NOT_SURE: only PostgreSQL can tell the result. */
typedef enum { DONE, SHORT_OF_MEMORY, MALFORMED, NOT_SURE } Outcome;

/* Room for the strings of a line, decoded; it grows, and serves one line after the other. */
typedef struct {
    uint8_t *data;
    size_t size, room;
} Scratch;

void scratch_free(Scratch *scratch);

/* Free it if a long line has made it large, so that it does not stay so for the life of a worker. */
void scratch_shrink(Scratch *scratch);

/* Decide on a line without its line feed. Texts point into `scratch`, until its next use. An event becomes a
 * play if it is ACCEPTED, or a PAGE_VIEW. */
Verdict read_event(const uint8_t *line, size_t size, int64_t earliest, int64_t before, Scratch *scratch,
                   Play *play, PageView *view);
Verdict read_song(const uint8_t *line, size_t size, Scratch *scratch, CatalogueRecord *song);

#endif
