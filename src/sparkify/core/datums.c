/* Values of columns, as Python passes and sees them. */
#include "datums.h"

#include <math.h>
#include <string.h>

static bool datum_take(PyObject *value, Datum *datum) {
    *datum = (Datum){0};
    if (value == Py_None) return true;
    if (Py_TYPE(value) == &PyLong_Type) {
        datum->type = BIGINT;
        datum->bigint = PyLong_AsLongLong(value);
        return !PyErr_Occurred();
    }
    if (Py_TYPE(value) == &PyFloat_Type) {
        datum->type = DOUBLE;
        datum->real = PyFloat_AsDouble(value);
        return true;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) return false;
    *datum = (Datum){TEXT, {{(const uint8_t *)text, (size_t)size}}};
    return size <= INT32_MAX || PyErr_NoMemory();
}

static bool is_text(const Datum *datum) {
    return datum->type == TEXT && !memchr(datum->text.data, 0, datum->text.size);
}

static bool is_between(const Datum *datum, int64_t first, int64_t last) {
    return datum->type == BIGINT && datum->bigint >= first && datum->bigint <= last;
}

static bool is_finite(const Datum *datum) { return datum->type == DOUBLE && isfinite(datum->real); }

static bool is_of_kind(const Datum *datum, Kind kind) {
    bool is_none = datum->type == NO_VALUE;
    switch (kind) {
    case KIND_bigint: return datum->type == BIGINT;
    case KIND_filled_text: return is_text(datum) && datum->text.size;
    case KIND_required_text: return is_text(datum);
    case KIND_identifier: return is_text(datum) && datum->text.size && datum->text.size <= MAX_ID_BYTES;
    case KIND_optional_text:
    case KIND_text_if_any: return is_none || is_text(datum);
    case KIND_optional_place: return is_none || (is_text(datum) && datum->text.size);
    case KIND_seconds: return is_finite(datum) && datum->real > 0;
    case KIND_optional_double: return is_none || is_finite(datum);
    case KIND_optional_year: return is_none || is_between(datum, 1, 9999);
    case KIND_user_if_any: return is_none || datum->type == BIGINT;
    case KIND_small_integer_if_any: return is_none || is_between(datum, INT32_MIN, INT32_MAX);
    }
    return false;
}

bool datums_take(PyObject *tuple, const Kind *kinds, Datum *datums, size_t count) {
    bool is_right = (size_t)PyTuple_Size(tuple) == count;
    for (size_t at = 0; is_right && at < count; at++) {
        if (!datum_take(PyTuple_GetItem(tuple, (Py_ssize_t)at), &datums[at])) return false;
        is_right = is_of_kind(&datums[at], kinds[at]);
    }
    if (!is_right) PyErr_SetString(PyExc_ValueError, "the judge accepts no such record");
    return is_right;
}

PyObject *datum_shown(const Datum *datum) {
    switch (datum->type) {
    case TEXT:
        return PyUnicode_DecodeUTF8((const char *)datum->text.data, (Py_ssize_t)datum->text.size, NULL);
    case BIGINT: return PyLong_FromLongLong(datum->bigint);
    case DOUBLE: return PyFloat_FromDouble(datum->real);
    default: Py_RETURN_NONE;
    }
}

bool is_tuple(PyObject *object) {
    if (PyType_IsSubtype(Py_TYPE(object), &PyTuple_Type)) return true;
    PyErr_SetString(PyExc_TypeError, "a tuple is needed");
    return false;
}
