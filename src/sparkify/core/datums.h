/* Values of columns, as Python passes and sees them. */
#ifndef SPARKIFY_DATUMS_H
#define SPARKIFY_DATUMS_H

#include <stdbool.h>

#include "stable_abi.h"

#include "core.h"

/* The fields of judge.Play before its texts and the columns of users. */
enum { OTHER_FIELDS = 7, PLAY_FIELDS = OTHER_FIELDS + PLAY_TEXTS + USER_COLUMNS };

/* The fields of judge.PageView before its columns. */
enum { VIEW_OTHER_FIELDS = 3, VIEW_FIELDS = VIEW_OTHER_FIELDS + VIEW_COLUMNS };

/* What a field may be: what its reader in field.h gives. */
typedef enum {
    KIND_bigint,
    KIND_filled_text,
    KIND_required_text,
    KIND_identifier,
    KIND_optional_text,
    KIND_optional_place,
    KIND_text_if_any,
    KIND_seconds,
    KIND_optional_double,
    KIND_optional_year,
    KIND_user_if_any,
    KIND_small_integer_if_any
} Kind;

#define AS_KIND(name, read) KIND_##read,

/* Take the fields of a record that the judge accepted. The texts are the tuple's. Returns false with an
 * exception if the judge accepts no such fields. */
bool datums_take(PyObject *tuple, const Kind *kinds, Datum *datums, size_t count);

/* A new tuple's item; NULL with an exception. */
PyObject *datum_shown(const Datum *datum);

/* Whether it is a tuple, otherwise with a TypeError: PyArg_ParseTuple raises a SystemError. */
bool is_tuple(PyObject *object);

#endif
