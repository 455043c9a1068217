/* Count a rollup of a new month. */
#include "counting.h"

#include <string.h>

#include "months.h"

static bool take_parts(MonthCount *month, PyObject *parts) {
    for (Py_ssize_t at = 0; at < PyTuple_Size(parts); at++) {
        char *data;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(parts, at), &data, &size) < 0) return false;
        switch (month_add(month, (const uint8_t *)data, (size_t)size)) {
        case PART_TAKEN: break;
        case PART_NO_MEMORY: PyErr_NoMemory(); return false;
        case PART_MALFORMED: PyErr_SetString(PyExc_ValueError, "not from Plays.listened"); return false;
        }
    }
    return true;
}

static PyObject *rows_of(MonthCount *month) {
    bool done;
    size_t bytes = 0;
    Py_BEGIN_ALLOW_THREADS
    done = month_sort(month);
    if (done) bytes = month_bytes(month);
    Py_END_ALLOW_THREADS
    if (!done) return PyErr_NoMemory();
    PyObject *rows = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    char *data;
    Py_ssize_t size;
    if (!rows || PyBytes_AsStringAndSize(rows, &data, &size) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    month_write(month, (uint8_t *)data);
    Py_END_ALLOW_THREADS
    return rows;
}

PyObject *core_count_month(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *rollup;
    PyObject *parts, *rows = NULL;
    if (!PyArg_ParseTuple(arguments, "sO!:count_month", &rollup, &PyTuple_Type, &parts)) return NULL;
    MonthCount month = {.of_artists = strcmp(rollup, "artist_months") == 0};
    if (!month.of_artists && strcmp(rollup, "track_months") != 0)
        return PyErr_Format(PyExc_ValueError, "no rollup %s", rollup);
    if (take_parts(&month, parts)) rows = rows_of(&month);
    month_free(&month);
    return rows;
}
