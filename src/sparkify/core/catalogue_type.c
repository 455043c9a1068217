/* The Python type Catalogue: records of song files. _core.pyi documents it. */

#include "catalogue.h"
#include "datums.h"
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
    bool taken;
    HOLDING(self, taken, slices_take(&self->catalogue.lines, slices));
    if (!taken) return NULL;
    Outcome done;
    WITHOUT_GIL(self, done = catalogue_read(&self->catalogue));
    PyObject *doubtful;
    HOLDING(self, doubtful, slices_doubtful(&self->catalogue.lines, done));
    self->has_chunk = doubtful != NULL;
    return doubtful;
}

static PyObject *add(CatalogueObject *self, PyObject *arguments) {
    static const Kind KINDS[RECORD_COLUMNS] = {EACH_RECORD_COLUMN(AS_KIND)};
    Py_ssize_t slice;
    long long line;
    PyObject *fields;
    CatalogueRecord record;
    if (!PyArg_ParseTuple(arguments, "nLO!:add", &slice, &line, &PyTuple_Type, &fields)) return NULL;
    if (!may(self, true) || !datums_take(fields, KINDS, record.columns, RECORD_COLUMNS)) return NULL;
    if (slice < 0 || (size_t)slice >= self->catalogue.lines.slice_count)
        return PyErr_Format(PyExc_ValueError, "no such slice");
    return none_if(catalogue_add(&self->catalogue, &record, (uint32_t)slice, line));
}

static PyObject *books(CatalogueObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, true)) return NULL;
    PyObject *list;
    HOLDING(self, list, slices_books(&self->catalogue.lines));
    return list;
}

static PyObject *rows(CatalogueObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, true)) return NULL;
    self->has_chunk = false;
    Buffer *buffer = &self->catalogue.rows;
    PyObject *rows = copy_end(buffer)
        ? PyBytes_FromStringAndSize((const char *)buffer->data, (Py_ssize_t)buffer->size)
        : PyErr_NoMemory();
    buffer_free(buffer); /* it may be large, and the next chunk of song files may be long in coming */
    return rows;
}

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
    .name = "sparkify.core._core.Catalogue",
    .basicsize = sizeof(CatalogueObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
