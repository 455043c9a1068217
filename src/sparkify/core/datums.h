/* Values of columns, as Python passes and sees them. */
#ifndef SPARKIFY_DATUMS_H
#define SPARKIFY_DATUMS_H

#include <stdbool.h>

#include "stable_abi.h"

#include "core.h"

/* The fields of judge.Play before its texts and the columns of users. */
enum { OTHER_FIELDS = 7 };

/* The fields of judge.PageView before those columns. */
enum { VIEW_OTHER_FIELDS = 3 };

/* Take a tuple's items from `first` to its end: None, str, int or float. The texts are the tuple's. Returns
 * false with an exception. */
bool datums_take(PyObject *tuple, size_t first, Datum *datums, size_t count);

/* A new tuple's item; NULL with an exception. */
PyObject *datum_shown(const Datum *datum);

#endif
