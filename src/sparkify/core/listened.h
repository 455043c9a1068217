/* What users listened to in a month, in few bytes: rollups of new days are counted from it (months.h).
 * The bytes never leave the process, so numbers are as the processor has them. */
#ifndef SPARKIFY_LISTENED_H
#define SPARKIFY_LISTENED_H

#include "plays.h"

/* Each row of a rollup repeats the level. So what was heard at a longer one is left out, and PostgreSQL counts
 * the month: nobody would send such levels but to fill the memory. */
enum { LONGEST_LEVEL = 64 };

/* A row of user_days, read from the bytes; its texts and ids point into them. */
typedef struct {
    Text level;
    int64_t user_id;
    const uint8_t *tracks, *artists; /* of each play; neither is aligned */
    int32_t day;
    uint32_t plays;
} Listened;

/* How many bytes a month of a finished batch takes, and how many plays it has at levels that are short
 * enough. */
size_t listened_bytes(const Batch *batch, int32_t month, size_t *plays);
void listened_write(const Batch *batch, int32_t month, uint8_t *at);

/* Read the next row, and move `at` behind it. Returns false if there is no whole row before `end`. */
bool listened_read(const uint8_t **at, const uint8_t *end, Listened *row);

#endif
