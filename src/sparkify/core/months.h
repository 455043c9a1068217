/* The rollups of a month that is new to the warehouse: its tracks and artists
 * (publish/rollups/track_months.sql and artist_months.sql define them for PostgreSQL). */
#ifndef SPARKIFY_MONTHS_H
#define SPARKIFY_MONTHS_H

#include "listened.h"

/* A play: what was heard, and the number of its row in `days`. */
typedef struct {
    int64_t id;
    uint32_t day;
} Heard;

typedef struct {
    bool of_artists; /* or of tracks */
    struct Day {
        Listened listened;
        uint32_t level;  /* the number of the first day at the level */
    } *days;
    Heard *plays;
    size_t day_count, day_room, count;
} MonthCount;

typedef enum { PART_TAKEN, PART_MALFORMED, PART_NO_MEMORY } PartTaken;

/* Add bytes that `listened_write` wrote; they must stay until the month is freed. */
PartTaken month_add(MonthCount *month, const uint8_t *data, size_t size);

/* Sort the plays by the rows of the rollup; false if memory is short. Then take its rows, as COPY. */
bool month_sort(MonthCount *month);
size_t month_bytes(const MonthCount *month);
void month_write(const MonthCount *month, uint8_t *at);
void month_free(MonthCount *month);

#endif
