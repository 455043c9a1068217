/* Rows in PostgreSQL's binary COPY format. */
#include "copy.h"

#include <stdlib.h>

/* Like make_room, which counts items: a table's rows may take more than 4 GiB. */
uint8_t *buffer_room(Buffer *buffer, size_t size) {
    if (size > SIZE_MAX / 4 - buffer->size) return NULL;
    size_t wanted = buffer->size + size;
    if (wanted <= buffer->room) return buffer->data + buffer->size;
    size_t room = wanted + wanted / 2;
    uint8_t *data = realloc(buffer->data, room);
    if (!data) return NULL;
    buffer->data = data;
    buffer->room = room;
    return data + buffer->size;
}

bool buffer_add(Buffer *buffer, const void *data, size_t size) {
    uint8_t *at = buffer_room(buffer, size);
    if (!at) return false;
    if (size) memcpy(at, data, size);
    buffer->size += size;
    return true;
}

const uint8_t COPY_HEADER[19] = "PGCOPY\n\377\r\n";

bool copy_begin(Buffer *buffer) {
    buffer->size = 0;
    return buffer_add(buffer, COPY_HEADER, sizeof COPY_HEADER);
}

bool copy_end(Buffer *buffer) {
    uint8_t *at = buffer_room(buffer, 2);
    if (at) copy_row_end(buffer, put16(at, UINT16_MAX));
    return at != NULL;
}

uint8_t *copy_row(Buffer *buffer, int columns, size_t text_bytes) {
    size_t fixed = 2 + (size_t)columns * COPY_FIXED;
    uint8_t *at = text_bytes > SIZE_MAX / 8 ? NULL : buffer_room(buffer, fixed + text_bytes);
    return at ? put16(at, (uint16_t)columns) : NULL;
}

void buffer_free(Buffer *buffer) {
    free(buffer->data);
    *buffer = (Buffer){0};
}
