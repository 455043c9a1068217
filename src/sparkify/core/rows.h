/* The rows of plays for the tables of a staged month, columns in the order of stage/stage.sql. */
#ifndef SPARKIFY_ROWS_H
#define SPARKIFY_ROWS_H

#include "copy.h"
#include "plays.h"

/* Append a table's rows of a month; false if memory is short. */
typedef bool (*Rows)(Plays *plays, int32_t month, Buffer *buffer);

/* chunk_rows.c: of the chunk */
bool rows_of_songplays(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_heard_plays(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_time(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_heard_songs(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_repeated(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_page_views(Plays *plays, int32_t month, Buffer *buffer); /* page_views.c */

/* batch_rows.c: of the batch, once it is finished */
bool rows_of_users(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_user_days(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_user_agents(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_sessions(Plays *plays, int32_t month, Buffer *buffer);
bool rows_of_levels(Plays *plays, int32_t month, Buffer *buffer); /* levels.c */

#endif
