/* The Python type Catalogue: records of song files. _core.pyi documents it. */
#include <math.h>
#include <stdlib.h>

#include "catalogue.h"
#include "slices.h"
#include "types.h"

typedef struct {
    PyObject_HEAD
    Catalogue catalogue;
    bool is_busy, has_chunk;
} CatalogueObject;

static PyObject *catalogue_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, ":Catalogue", names)) return NULL;
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

static void catalogue_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    catalogue_free(&((CatalogueObject *)object)->catalogue);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static bool may(CatalogueObject *self, bool needs_chunk) {
    if (!self->is_busy && (self->has_chunk || !needs_chunk)) return true;
    PyErr_SetString(PyExc_RuntimeError, "out of order: see the type's documentation");
    return false;
}

static PyObject *read_chunk(CatalogueObject *self, PyObject *arguments) {
    PyObject *slices;
    if (!PyArg_ParseTuple(arguments, "O!:read", &PyTuple_Type, &slices) || !may(self, false)) return NULL;
    self->has_chunk = false;
    if (!slices_take(&self->catalogue.lines, slices)) return NULL;
    LinesRead done;
    Py_INCREF(slices);
    WITHOUT_GIL(self, done = catalogue_read(&self->catalogue));
    Py_DECREF(slices);
    PyObject *doubtful = slices_doubtful(&self->catalogue.lines, done);
    self->has_chunk = doubtful != NULL;
    return doubtful;
}

static bool parse_number(PyObject *number, bool *is_there, double *value) {
    *is_there = number != Py_None;
    *value = *is_there ? PyFloat_AsDouble(number) : 0;
    return !PyErr_Occurred();
}

static bool parse_record(PyObject *fields, CatalogueRecord *record) {
    const char *texts[5];
    Py_ssize_t sizes[5];
    PyObject *latitude, *longitude, *year;
    if (!PyArg_ParseTuple(fields, "s#s#s#s#z#OOOd:record", &texts[0], &sizes[0], &texts[1], &sizes[1],
                          &texts[2], &sizes[2], &texts[3], &sizes[3], &texts[4], &sizes[4], &latitude,
                          &longitude, &year, &record->duration))
        return false;
    Text *wanted[] = {&record->song_id, &record->title, &record->artist_id, &record->artist_name,
                      &record->artist_location};
    for (size_t at = 0; at < 5; at++) {
        if (sizes[at] > INT32_MAX) return PyErr_NoMemory() != NULL;
        *wanted[at] = (Text){(const uint8_t *)texts[at], texts[at] ? (size_t)sizes[at] : 0};
    }
    record->year = year == Py_None ? 0 : (int32_t)PyLong_AsLong(year);
    return parse_number(latitude, &record->has_latitude, &record->latitude)
        && parse_number(longitude, &record->has_longitude, &record->longitude);
}

static PyObject *add(CatalogueObject *self, PyObject *arguments) {
    unsigned int slice;
    long long line;
    PyObject *fields;
    CatalogueRecord record;
    if (!PyArg_ParseTuple(arguments, "ILO!:add", &slice, &line, &PyTuple_Type, &fields)) return NULL;
    if (!may(self, true) || !parse_record(fields, &record)) return NULL;
    if (slice >= self->catalogue.lines.slice_count) {
        PyErr_SetString(PyExc_ValueError, "no such slice");
        return NULL;
    }
    if (!catalogue_add(&self->catalogue, &record, slice, line)) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *books(CatalogueObject *self, PyObject *unused) {
    (void)unused;
    return may(self, true) ? slices_books(&self->catalogue.lines) : NULL;
}

static PyObject *rows(CatalogueObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, true)) return NULL;
    self->has_chunk = false;
    Buffer *buffer = &self->catalogue.rows;
    if (!copy_end(buffer)) return PyErr_NoMemory();
    return PyBytes_FromStringAndSize((const char *)buffer->data, (Py_ssize_t)buffer->size);
}

#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}

static PyMethodDef methods[] = {
    METHOD("read", read_chunk, METH_VARARGS),
    METHOD("add", add, METH_VARARGS),
    METHOD("books", books, METH_NOARGS),
    METHOD("rows", rows, METH_NOARGS),
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_new, catalogue_new},
    {Py_tp_dealloc, catalogue_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Records of song files: see _core.pyi."},
    {0, NULL},
};

PyType_Spec catalogue_spec = {
    .name = "sparkify.transform._core.Catalogue",
    .basicsize = sizeof(CatalogueObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
