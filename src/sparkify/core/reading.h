/* For tests: a line's fields, as Python sees them. */
#ifndef SPARKIFY_READING_H
#define SPARKIFY_READING_H

#include "stable_abi.h"

/* read_event(line: bytes, earliest: int, before: int) and read_song(line: bytes): a tuple of the fields,
 * "blank", "bare page", or None for ask the judge. METH_VARARGS. */
PyObject *core_read_event(PyObject *module, PyObject *arguments);
PyObject *core_read_song(PyObject *module, PyObject *arguments);

#endif
