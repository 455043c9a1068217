/* The Python type Month: counts rollups of a new month. _core.pyi documents it. */
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
        if (!is_done(month_add(month, (const uint8_t *)data, (size_t)size), "not from Plays.sessions"))
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
    bool done;
    Py_BEGIN_ALLOW_THREADS
    done = month_sort(&self->month);
    Py_END_ALLOW_THREADS
    if (done) return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static void month_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    month_free(&((MonthObject *)object)->month);
    Py_DECREF(((MonthObject *)object)->batches);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static const struct {
    const char *rollup;
    RowsOf rows;
} COUNTED[] = {
    {"artist_months", rows_of_artist_months},
    {"page_days", rows_of_page_days},
    {"session_days", rows_of_session_days},
    {"track_feedback_days", rows_of_feedback_days},
    {"track_months", rows_of_track_months},
    {"user_week_counts", rows_of_user_weeks},
};

static RowsOf find_rollup(const char *name) {
    for (size_t at = 0; at < sizeof COUNTED / sizeof *COUNTED; at++)
        if (strcmp(COUNTED[at].rollup, name) == 0) return COUNTED[at].rows;
    return NULL;
}

/* None if only PostgreSQL can tell the rows. */
static PyObject *month_rows(MonthObject *self, PyObject *arguments) {
    const char *rollup;
    Py_ssize_t number, pieces;
    if (!PyArg_ParseTuple(arguments, "snn:rows", &rollup, &number, &pieces)) return NULL;
    RowsOf rows = find_rollup(rollup);
    if (!rows) return PyErr_Format(PyExc_ValueError, "no rollup %s", rollup);
    if (number < 0 || number >= pieces || pieces > INT32_MAX)
        return PyErr_Format(PyExc_ValueError, "no piece %zd of %zd", number, pieces);
    Piece piece = {(uint32_t)number, (uint32_t)pieces};
    Buffer buffer = {0};
    Outcome outcome;
    Py_BEGIN_ALLOW_THREADS
    outcome = copy_begin(&buffer) ? rows(&self->month, piece, &buffer) : SHORT_OF_MEMORY;
    if (outcome == DONE && !copy_end(&buffer)) outcome = SHORT_OF_MEMORY;
    Py_END_ALLOW_THREADS
    PyObject *result = NULL;
    if (outcome == SHORT_OF_MEMORY) PyErr_NoMemory();
    else if (outcome == NOT_SURE) result = Py_NewRef(Py_None);
    else result = PyBytes_FromStringAndSize((const char *)buffer.data, (Py_ssize_t)buffer.size);
    buffer_free(&buffer);
    return result;
}

static PyMethodDef methods[] = {
    METHOD("rows", month_rows, METH_VARARGS),
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_new, month_new},
    {Py_tp_dealloc, month_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Counts rollups of a new month: see _core.pyi."},
    {0, NULL},
};

PyType_Spec month_spec = {
    .name = "sparkify.core._core.Month",
    .basicsize = sizeof(MonthObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
