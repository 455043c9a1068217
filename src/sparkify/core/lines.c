/* The lines of a chunk: each is read, and counted for its slice. */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static bool ask_the_judge(Lines *lines, Doubtful doubtful) {
    if (!make_room(&lines->doubtful, &lines->doubtful_room, lines->doubtful_count + 1, sizeof doubtful))
        return false;
    lines->doubtful[lines->doubtful_count++] = doubtful;
    return true;
}

static Outcome read_slice(Lines *lines, uint32_t at, Reader reader, void *keeper) {
    Slice *slice = &lines->slices[at];
    for (size_t start = 0; start < slice->size;) {
        const uint8_t *line = slice->data + start;
        const uint8_t *feed = memchr(line, '\n', slice->size - start);
        if (!feed || (slice->numbers && slice->lines == slice->number_count)) return MALFORMED;
        int64_t number = slice->first_line + slice->lines;
        if (slice->numbers) memcpy(&number, slice->numbers + slice->lines * sizeof number, sizeof number);
        size_t size = (size_t)(feed - line);
        slice->lines++;
        switch (reader(keeper, line, size, at, number)) {
        case BLANK: slice->blank++; break;
        case BARE_PAGE: slice->bare_pages++; break;
        case PAGE_VIEW:
        case ACCEPTED: break; /* the keeper counts them */
        case ASK_THE_JUDGE:
            if (ask_the_judge(lines, (Doubtful){at, number, start, start + size})) break;
            return SHORT_OF_MEMORY;
        case NO_MEMORY: return SHORT_OF_MEMORY;
        }
        start += size + 1;
    }
    return slice->numbers && slice->lines != slice->number_count ? MALFORMED : DONE;
}

Outcome lines_read(Lines *lines, Reader reader, void *keeper) {
    lines->doubtful_count = 0;
    for (size_t at = 0; at < lines->slice_count; at++) {
        Outcome done = read_slice(lines, (uint32_t)at, reader, keeper);
        if (done != DONE) return done;
    }
    return DONE;
}

void lines_free(Lines *lines) {
    free(lines->slices);
    free(lines->doubtful);
    *lines = (Lines){0};
}
