/* The lines of a chunk: each is read, and counted for its slice. */
#ifndef SPARKIFY_LINES_H
#define SPARKIFY_LINES_H

#include "core.h"

/* Consecutive lines of one file, and what becomes of them. */
typedef struct {
    const uint8_t *data;
    size_t size;
    int64_t first_line;
    const char *numbers;    /* of its lines, 8 bytes each, if they do not follow on `first_line`; else NULL */
    size_t number_count;
    int32_t file_id;
    uint32_t lines, blank, page_views, bare_pages, loaded, duplicates, forgotten;
} Slice;

/* A line that the judge must decide on: its place in the slice, without its line feed. */
typedef struct {
    uint32_t slice;
    int64_t line;
    size_t start, end;
} Doubtful;

typedef struct {
    Slice *slices;
    size_t slice_count, slice_room;
    Doubtful *doubtful;
    size_t doubtful_count, doubtful_room;
} Lines;

/* Reads a line, and keeps what it accepts. */
typedef Verdict (*Reader)(void *keeper, const uint8_t *line, size_t size, uint32_t slice, int64_t number);

/* Read all lines. Each slice must end with a line feed, or be empty, and have as many `numbers` as lines. */
Outcome lines_read(Lines *lines, Reader reader, void *keeper);

void lines_free(Lines *lines);

#endif
