/* The rollups of new days of a month: its tracks and artists
 * (publish/rollups/track_months.sql and artist_months.sql define them for PostgreSQL). */
#ifndef SPARKIFY_MONTHS_H
#define SPARKIFY_MONTHS_H

#include "listened.h"

typedef struct {
    struct Day {
        Listened listened;
        uint32_t level; /* the number of the first day at the level */
    } *days;
    size_t day_count, day_room, plays;
} Month;

/* Add bytes that `listened_write` wrote; they must stay until the month is freed. Then sort the days. */
Outcome month_add(Month *month, const uint8_t *data, size_t size);
void month_sort(Month *month);
void month_free(Month *month);

/* A play: what was heard, and the number of its row in `days`. */
typedef struct {
    int64_t id;
    uint32_t day;
} Heard;

/* The plays of a month in one piece of a rollup. Each piece takes an equal share of the range of ids, in their
 * order; ids are digests, so pieces have about as many plays. */
typedef struct {
    const Month *month;
    bool of_artists; /* or of tracks */
    uint32_t number, pieces;
    Heard *plays;
    size_t count;
} Piece;

/* Sort the plays by the rows of the rollup; false if memory is short. Then take the rows, as COPY. */
bool piece_sort(Piece *piece);
size_t piece_bytes(const Piece *piece);
void piece_write(const Piece *piece, uint8_t *at);
void piece_free(Piece *piece);

#endif
