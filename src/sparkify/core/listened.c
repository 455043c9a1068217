/* What users listened to in a month, in few bytes. */
#include "listened.h"

#include <string.h>

/* Comes before the level, the tracks and the artists. It has no gaps, whose bytes would be anything. */
typedef struct {
    int64_t user_id;
    int32_t day;
    uint32_t plays;
    uint64_t level_bytes;
} Header;

/* The next row of user_days whose level is not too long; NULL at the end. */
static const UserDay *next_day(const Batch *batch, Walk *walk, Text *level) {
    for (uint32_t number; walk_next(walk, &number);) {
        *level = text_at(&batch->texts, batch->user_days[number].level);
        if (level->size <= LONGEST_LEVEL) return &batch->user_days[number];
    }
    return NULL;
}

size_t listened_bytes(const Batch *batch, int32_t month, size_t *plays) {
    size_t bytes = 0;
    *plays = 0;
    Walk walk = by_month_find(&batch->of_user_days, month);
    Text level;
    for (const UserDay *day; (day = next_day(batch, &walk, &level));) {
        *plays += day->plays;
        bytes += sizeof(Header) + level.size + day->plays * 2 * sizeof(int64_t);
    }
    return bytes;
}

static uint8_t *put(uint8_t *at, const void *data, size_t size) {
    memcpy(at, data, size);
    return at + size;
}

void listened_write(const Batch *batch, int32_t month, uint8_t *at) {
    Walk walk = by_month_find(&batch->of_user_days, month);
    Text level;
    for (const UserDay *day; (day = next_day(batch, &walk, &level));) {
        Header header = {day->user_id, day->day, day->plays, level.size};
        at = put(at, &header, sizeof header);
        at = put(at, level.data, level.size);
        const DayPlay *plays = batch->day_plays + day->start;
        for (uint32_t i = 0; i < day->plays; i++) at = put(at, &plays[i].track, sizeof plays->track);
        for (uint32_t i = 0; i < day->plays; i++) at = put(at, &plays[i].artist, sizeof plays->artist);
    }
}

bool listened_read(const uint8_t **at, const uint8_t *end, Listened *row) {
    Header header;
    if ((size_t)(end - *at) < sizeof header) return false;
    memcpy(&header, *at, sizeof header);
    const uint8_t *level = *at + sizeof header;
    if (header.day < FIRST_DAY || header.day > LAST_DAY) return false;
    size_t ids = header.plays * sizeof(int64_t), left = (size_t)(end - level);
    if (header.level_bytes > LONGEST_LEVEL || header.level_bytes > left) return false;
    if (2 * ids > left - header.level_bytes) return false;
    const uint8_t *tracks = level + header.level_bytes;
    *row = (Listened){
        .level = {level, header.level_bytes},
        .user_id = header.user_id,
        .tracks = tracks,
        .artists = tracks + ids,
        .day = header.day,
        .plays = header.plays,
    };
    *at = row->artists + ids;
    return true;
}
