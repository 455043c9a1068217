/* The ids that sparkify computes (docs/rules.md, Identity of a play; Page views; Heard songs and matching).
 *
 * The schema has the same definitions for PostgreSQL (schema/functions.sql).
 */
#ifndef SPARKIFY_IDS_H
#define SPARKIFY_IDS_H

#include "core.h"

int64_t songplay_id(int64_t user_id, int64_t session_id, int64_t item_in_session, int64_t ts);

/* The same of a page view, whose user may be none. */
int64_t page_view_id(const PageView *view);

void heard_song_id(Text title, Text artist, double length, uint8_t id[16]);
int64_t track_id(Text title, Text artist);
int64_t text_id(Text text);

#endif
