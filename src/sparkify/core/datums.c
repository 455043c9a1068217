/* Values of columns, as Python passes and sees them. */
#include "datums.h"

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

bool datums_take(PyObject *tuple, size_t first, Datum *datums, size_t count) {
    if ((size_t)PyTuple_Size(tuple) != first + count) {
        PyErr_SetString(PyExc_TypeError, "a record has other columns");
        return false;
    }
    for (size_t at = 0; at < count; at++)
        if (!datum_take(PyTuple_GetItem(tuple, (Py_ssize_t)(first + at)), &datums[at])) return false;
    return true;
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
