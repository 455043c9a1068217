/* Rows in PostgreSQL's binary COPY format: each value is its length and its bytes in network order.
 *
 * A row first reserves room for all of it; the functions then write without checks, each returning the
 * position behind what it wrote. */
#ifndef SPARKIFY_COPY_H
#define SPARKIFY_COPY_H

#include <string.h>

#include "calendar.h"
#include "core.h"

typedef struct {
    uint8_t *data;
    size_t size, room;
} Buffer;

enum { COPY_FIXED = 20 /* the most that a value that is neither text nor array takes, with its length */ };

/* What a COPY begins with: the signature, then zeros for no flags and no extension. */
extern const uint8_t COPY_HEADER[19];

/* Room for `size` more bytes; NULL if memory is short. */
uint8_t *buffer_room(Buffer *buffer, size_t size);

/* Append bytes, such as rows that are made already; false if memory is short. */
bool buffer_add(Buffer *buffer, const void *data, size_t size);
void buffer_free(Buffer *buffer);

bool copy_begin(Buffer *buffer);
bool copy_end(Buffer *buffer);

/* Room for a row of so many columns, whose texts and arrays have `text_bytes`; NULL if memory is short. */
uint8_t *copy_row(Buffer *buffer, int columns, size_t text_bytes);

static inline void copy_row_end(Buffer *buffer, const uint8_t *at) {
    buffer->size = (size_t)(at - buffer->data);
}

static inline uint8_t *put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8), at[1] = (uint8_t)value;
    return at + 2;
}

static inline uint8_t *put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
    return at + 4;
}

static inline uint8_t *put64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (56 - 8 * i));
    return at + 8;
}

static inline uint8_t *copy_null(uint8_t *at) { return put32(at, UINT32_MAX); }

static inline uint8_t *copy_smallint(uint8_t *at, int16_t value) {
    return put16(put32(at, 2), (uint16_t)value);
}

static inline uint8_t *copy_integer(uint8_t *at, int32_t value) {
    return put32(put32(at, 4), (uint32_t)value);
}

static inline uint8_t *copy_bigint(uint8_t *at, int64_t value) {
    return put64(put32(at, 8), (uint64_t)value);
}

static inline uint8_t *copy_double(uint8_t *at, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put64(put32(at, 8), bits);
}

/* Microseconds since 2000, from milliseconds since 1970. */
static inline uint8_t *copy_timestamp(uint8_t *at, int64_t ts) {
    return copy_bigint(at, (ts - (int64_t)10957 * MS_PER_DAY) * 1000);
}

static inline uint8_t *copy_date(uint8_t *at, int32_t day) { return copy_integer(at, day - 10957); }

static inline uint8_t *copy_uuid(uint8_t *at, const uint8_t id[16]) {
    memcpy(put32(at, 16), id, 16);
    return at + 20;
}

static inline uint8_t *copy_text(uint8_t *at, Text text) {
    if (!text.data) return copy_null(at);
    at = put32(at, (uint32_t)text.size);
    if (text.size) memcpy(at, text.data, text.size);
    return at + text.size;
}

static inline size_t text_bytes_of(const Datum *datums, size_t count) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += datums[i].type == TEXT ? datums[i].text.size : 0;
    return sum;
}

static inline uint8_t *copy_datums(uint8_t *at, const Datum *datums, size_t count) {
    for (size_t i = 0; i < count; i++) {
        switch (datums[i].type) {
        case NO_VALUE: at = copy_null(at); break;
        case TEXT: at = copy_text(at, datums[i].text); break;
        case BIGINT: at = copy_bigint(at, datums[i].bigint); break;
        case DOUBLE: at = copy_double(at, datums[i].real); break;
        }
    }
    return at;
}

/* PostgreSQL's numbers of the types of array elements. */
enum { INT2_OID = 21, INT4_OID = 23, INT8_OID = 20 };
enum { COPY_ARRAY = 24 /* what an array takes beside its values, with its length */ };

/* An array of one dimension, from 1, without nulls; the values follow. */
static inline uint8_t *copy_array(uint8_t *at, uint32_t type, uint32_t count, uint32_t value_bytes) {
    at = put32(at, COPY_ARRAY - 4 + count * (4 + value_bytes));
    at = put32(put32(put32(at, 1), 0), type);
    return put32(put32(at, count), 1);
}

#endif
