/* The slices of a chunk as Python passes them, and what became of their lines. */
#ifndef SPARKIFY_SLICES_H
#define SPARKIFY_SLICES_H

#include "stable_abi.h"

#include "lines.h"

/* Take a tuple of (bytes, first line, numbers or None, file) for each slice. They must stay until the lines
 * are read. Returns false with an exception. */
bool slices_take(Lines *lines, PyObject *slices);

/* What lines_read left open: a list of (slice, line, start, end). NULL with an exception if it failed. */
PyObject *slices_doubtful(const Lines *lines, Outcome done);

/* A list of (lines, blank, page views, bare pages, loaded, duplicates, forgotten) for each slice. */
PyObject *slices_books(const Lines *lines);

#endif
