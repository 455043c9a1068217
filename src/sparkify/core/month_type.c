/* The Python type Month: counts rollups of new days of a month. _core.pyi documents it. */
#include <string.h>

#include "months.h"
#include "types.h"

typedef struct {
    PyObject_HEAD
    PyObject *batches; /* `month` points into them */
    Month month;       /* does not change once the object is made, so threads may share it */
} MonthObject;

static bool take_batches(Month *month, PyObject *batches) {
    for (Py_ssize_t at = 0; at < PyTuple_Size(batches); at++) {
        char *data;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(batches, at), &data, &size) < 0) return false;
        if (!is_done(month_add(month, (const uint8_t *)data, (size_t)size), "not from Plays.listened"))
            return false;
    }
    return true;
}

static PyObject *month_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"", NULL};
    PyObject *batches;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!:Month", names, &PyTuple_Type, &batches))
        return NULL;
    MonthObject *self = (MonthObject *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!self) return NULL;
    self->batches = Py_NewRef(batches);
    if (!take_batches(&self->month, batches)) {
        Py_DECREF(self);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    month_sort(&self->month);
    Py_END_ALLOW_THREADS
    return (PyObject *)self;
}

static void month_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    month_free(&((MonthObject *)object)->month);
    Py_DECREF(((MonthObject *)object)->batches);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *rows_of(Piece *piece) {
    bool done;
    size_t bytes = 0;
    Py_BEGIN_ALLOW_THREADS
    done = piece_sort(piece);
    if (done) bytes = piece_bytes(piece);
    Py_END_ALLOW_THREADS
    if (!done) return PyErr_NoMemory();
    PyObject *rows = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    char *data;
    Py_ssize_t size;
    if (!rows || PyBytes_AsStringAndSize(rows, &data, &size) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    piece_write(piece, (uint8_t *)data);
    Py_END_ALLOW_THREADS
    return rows;
}

static PyObject *month_rows(MonthObject *self, PyObject *arguments) {
    const char *rollup;
    Py_ssize_t number, pieces;
    if (!PyArg_ParseTuple(arguments, "snn:rows", &rollup, &number, &pieces)) return NULL;
    bool of_artists = strcmp(rollup, "artist_months") == 0;
    if (!of_artists && strcmp(rollup, "track_months") != 0)
        return PyErr_Format(PyExc_ValueError, "no rollup %s", rollup);
    if (number < 0 || number >= pieces || pieces > INT32_MAX)
        return PyErr_Format(PyExc_ValueError, "no piece %zd of %zd", number, pieces);
    Piece piece = {&self->month, of_artists, (uint32_t)number, (uint32_t)pieces, NULL, 0};
    PyObject *rows = rows_of(&piece);
    piece_free(&piece);
    return rows;
}

static PyMethodDef methods[] = {
    METHOD("rows", month_rows, METH_VARARGS),
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_new, month_new},
    {Py_tp_dealloc, month_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Counts rollups of new days of a month: see _core.pyi."},
    {0, NULL},
};

PyType_Spec month_spec = {
    .name = "sparkify.core._core.Month",
    .basicsize = sizeof(MonthObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
