/* Rows in PostgreSQL's binary COPY format. */
#include "copy.h"

#include <stdlib.h>

/* Like make_room, which counts items: a table's rows may take more than 4 GiB. */
static bool reserve(Buffer *buffer, size_t size) {
    if (size > SIZE_MAX / 4 - buffer->size) return false;
    size_t wanted = buffer->size + size;
    if (wanted <= buffer->room) return true;
    size_t room = wanted + wanted / 2;
    uint8_t *data = realloc(buffer->data, room);
    if (!data) return false;
    buffer->data = data;
    buffer->room = room;
    return true;
}

const uint8_t COPY_HEADER[19] = "PGCOPY\n\377\r\n";

bool copy_begin(Buffer *buffer) {
    buffer->size = 0;
    if (!reserve(buffer, sizeof COPY_HEADER)) return false;
    memcpy(buffer->data, COPY_HEADER, sizeof COPY_HEADER);
    buffer->size = sizeof COPY_HEADER;
    return true;
}

bool copy_end(Buffer *buffer) {
    if (!reserve(buffer, 2)) return false;
    copy_row_end(buffer, put16(buffer->data + buffer->size, UINT16_MAX));
    return true;
}

uint8_t *copy_row(Buffer *buffer, int columns, size_t text_bytes) {
    size_t fixed = 2 + (size_t)columns * COPY_FIXED;
    if (text_bytes > SIZE_MAX / 8 || !reserve(buffer, fixed + text_bytes)) return NULL;
    return put16(buffer->data + buffer->size, (uint16_t)columns);
}

bool copy_rows(Buffer *buffer, const uint8_t *rows, size_t size) {
    if (!reserve(buffer, size)) return false;
    memcpy(buffer->data + buffer->size, rows, size);
    buffer->size += size;
    return true;
}

void copy_free(Buffer *buffer) {
    free(buffer->data);
    *buffer = (Buffer){0};
}
