/* The slices of a chunk as Python passes them, and what became of their lines. */
#include "slices.h"

#include "datums.h"
#include "memory.h"
#include "types.h"

static bool take_slice(Slice *slice, PyObject *described) {
    const char *data;
    char *bytes;
    Py_ssize_t size;
    PyObject *numbers;
    long long first_line;
    *slice = (Slice){0};
    if (!is_tuple(described)
        || !PyArg_ParseTuple(described, "y#LOi:slice", &data, &size, &first_line, &numbers, &slice->file_id))
        return false;
    if (size > INT32_MAX) { /* so that the length of a text always fits PostgreSQL's format */
        PyErr_SetString(PyExc_ValueError, "a slice has less than 2 GiB");
        return false;
    }
    if (first_line < 0 || first_line > INT64_MAX - size) {
        PyErr_SetString(PyExc_ValueError, "no line has such a number");
        return false;
    }
    slice->data = (const uint8_t *)data;
    slice->size = (size_t)size;
    slice->first_line = first_line;
    if (numbers == Py_None) return true;
    if (PyBytes_AsStringAndSize(numbers, &bytes, &size) < 0) return false;
    if (size % sizeof(int64_t)) {
        PyErr_SetString(PyExc_ValueError, "the lines' numbers have 8 bytes each");
        return false;
    }
    slice->numbers = bytes;
    slice->number_count = (size_t)size / sizeof(int64_t);
    return true;
}

bool slices_take(Lines *lines, PyObject *slices) {
    Py_ssize_t count = PyTuple_Size(slices);
    lines->slice_count = 0;
    if (count < 0) return false;
    if (!make_room(&lines->slices, &lines->slice_room, (size_t)count, sizeof *lines->slices)) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t at = 0; at < count; at++)
        if (!take_slice(&lines->slices[at], PyTuple_GetItem(slices, at))) return false;
    lines->slice_count = (size_t)count;
    return true;
}

PyObject *slices_doubtful(const Lines *lines, Outcome done) {
    if (!is_done(done, "a slice has other lines than it says")) return NULL;
    PyObject *list = PyList_New((Py_ssize_t)lines->doubtful_count);
    for (size_t at = 0; list && at < lines->doubtful_count; at++) {
        const Doubtful *line = &lines->doubtful[at];
        PyObject *item = Py_BuildValue("ILnn", line->slice, (long long)line->line, (Py_ssize_t)line->start,
                                       (Py_ssize_t)line->end);
        if (!item || PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *slices_books(const Lines *lines) {
    PyObject *list = PyList_New((Py_ssize_t)lines->slice_count);
    for (size_t at = 0; list && at < lines->slice_count; at++) {
        const Slice *slice = &lines->slices[at];
        PyObject *item = Py_BuildValue("IIIIIII", slice->lines, slice->blank, slice->page_views,
                                       slice->bare_pages, slice->loaded, slice->duplicates, slice->forgotten);
        if (!item || PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    return list;
}
