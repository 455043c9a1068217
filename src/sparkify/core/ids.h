/* The ids that sparkify computes (docs/rules.md, Identity of a play; Heard songs and matching).
 *
 * The schema has the same definitions for PostgreSQL (schema/functions.sql).
 */
#ifndef SPARKIFY_IDS_H
#define SPARKIFY_IDS_H

#include "core.h"

int64_t songplay_id(int64_t user_id, int64_t session_id, int64_t item_in_session, int64_t ts);
void heard_song_id(Text title, Text artist, double length, uint8_t id[16]);
int64_t track_id(Text title, Text artist);
int64_t text_id(Text text);

#endif
