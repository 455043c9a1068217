/* Rows for COPY, from columns of Python values.
 *
 * Nothing here runs Python code or lets another thread run, so the lists keep their items. */
#include "copy_columns.h"

#include "copy.h"
#include "datums.h"

enum { MOST_COLUMNS = 16 };

typedef struct {
    enum { INT4, INT8, VARIABLE_TEXT, BYTEA } type;
    PyObject *values; /* a list, or the value of every row */
    bool is_list;
} Column;

static bool take_type(Column *column, const char *name) {
    static const char *const NAMES[] = {"int4", "int8", "text", "bytea"};
    for (size_t type = 0; type < sizeof NAMES / sizeof *NAMES; type++) {
        if (strcmp(name, NAMES[type]) == 0) {
            column->type = type;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "no column can have the type %s", name);
    return false;
}

/* Take the columns; returns how many rows they have, -1 with an exception. */
static Py_ssize_t take_columns(PyObject *described, Column *columns, size_t count) {
    Py_ssize_t rows = -1;
    for (size_t at = 0; at < count; at++) {
        const char *type;
        Column *column = &columns[at];
        PyObject *item = PyTuple_GetItem(described, (Py_ssize_t)at);
        if (!is_tuple(item) || !PyArg_ParseTuple(item, "sO:column", &type, &column->values)
            || !take_type(column, type))
            return -1;
        column->is_list = Py_TYPE(column->values) == &PyList_Type;
        if (!column->is_list) continue;
        Py_ssize_t size = PyList_Size(column->values);
        if (rows >= 0 && rows != size) {
            PyErr_SetString(PyExc_ValueError, "the columns have different lengths");
            return -1;
        }
        rows = size;
    }
    if (rows < 0) PyErr_SetString(PyExc_ValueError, "no column is a list");
    return rows;
}

static bool take_number(PyObject *item, Datum *value, bool is_short) {
    if (Py_TYPE(item) != &PyLong_Type) {
        PyErr_SetString(PyExc_TypeError, "a number must be an int");
        return false;
    }
    value->type = BIGINT;
    value->bigint = PyLong_AsLongLong(item);
    if (PyErr_Occurred()) return false;
    if (!is_short || (value->bigint >= INT32_MIN && value->bigint <= INT32_MAX)) return true;
    PyErr_SetString(PyExc_ValueError, "a number is too large for an int4");
    return false;
}

static bool take_value(const Column *column, Py_ssize_t row, Datum *value) {
    PyObject *item = column->is_list ? PyList_GetItem(column->values, row) : column->values;
    *value = (Datum){0};
    if (item == Py_None) return true;
    if (column->type == INT4 || column->type == INT8) return take_number(item, value, column->type == INT4);
    char *bytes = NULL;
    Py_ssize_t size;
    if (column->type == VARIABLE_TEXT) bytes = (char *)PyUnicode_AsUTF8AndSize(item, &size);
    else if (PyBytes_AsStringAndSize(item, &bytes, &size) < 0) return false;
    if (!bytes) return false;
    if (size > INT32_MAX) return PyErr_NoMemory();
    *value = (Datum){TEXT, {{(const uint8_t *)bytes, (size_t)size}}};
    return true;
}

static bool add_row(Buffer *buffer, const Column *columns, size_t count, Py_ssize_t row) {
    Datum values[MOST_COLUMNS];
    for (size_t i = 0; i < count; i++)
        if (!take_value(&columns[i], row, &values[i])) return false;
    uint8_t *at = copy_row(buffer, (int)count, text_bytes_of(values, count));
    if (!at) return PyErr_NoMemory();
    for (size_t i = 0; i < count; i++) {
        bool is_short = columns[i].type == INT4 && values[i].type == BIGINT;
        at = is_short ? copy_integer(at, (int32_t)values[i].bigint) : copy_datums(at, &values[i], 1);
    }
    copy_row_end(buffer, at);
    return true;
}

PyObject *core_copy_columns(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *described, *result = NULL;
    Column columns[MOST_COLUMNS];
    if (!PyArg_ParseTuple(arguments, "O!:copy_columns", &PyTuple_Type, &described)) return NULL;
    size_t count = (size_t)PyTuple_Size(described);
    if (count > MOST_COLUMNS) return PyErr_Format(PyExc_ValueError, "more than %d columns", MOST_COLUMNS);
    Py_ssize_t rows = take_columns(described, columns, count), done = 0;
    if (rows < 0) return NULL;
    Buffer buffer = {0};
    if (!copy_begin(&buffer)) return PyErr_NoMemory();
    while (done < rows && add_row(&buffer, columns, count, done)) done++;
    if (done == rows && !copy_end(&buffer)) PyErr_NoMemory();
    if (!PyErr_Occurred())
        result = PyBytes_FromStringAndSize((const char *)buffer.data, (Py_ssize_t)buffer.size);
    buffer_free(&buffer);
    return result;
}
