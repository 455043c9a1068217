/* What the core uses of CPython's stable ABI, declared here so that it builds without Python's headers.
 *
 * Debian's python3 comes without Python.h, and cross-compiling would need the headers of the other system.
 * The stable ABI of Python 3.11 fixes these names, layouts and numbers for every later Python 3.
 * tests/test_build.py compiles this file together with Python.h, so that the compiler compares them. If the
 * core needs another function, declare it here; its documentation must say "Part of the Stable ABI".
 */
#ifndef SPARKIFY_STABLE_ABI_H
#define SPARKIFY_STABLE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifndef Py_PYTHON_H /* C cannot declare a type twice; the test compares sizes and offsets. */

typedef intptr_t Py_ssize_t;
typedef struct _typeobject PyTypeObject;
typedef struct _ts PyThreadState;

typedef struct {
    Py_ssize_t ob_refcnt;
    PyTypeObject *ob_type;
} PyObject;

#define PyObject_HEAD PyObject ob_base;

typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef int (*visitproc)(PyObject *, void *);
typedef int (*traverseproc)(PyObject *, visitproc, void *);
typedef int (*inquiry)(PyObject *);
typedef void (*freefunc)(void *);
typedef PyObject *(*allocfunc)(PyTypeObject *, Py_ssize_t);

typedef struct {
    const char *ml_name;
    PyCFunction ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;

typedef struct {
    PyObject ob_base;
    PyObject *(*m_init)(void);
    Py_ssize_t m_index;
    PyObject *m_copy;
} PyModuleDef_Base;

typedef struct {
    int slot;
    void *value;
} PyModuleDef_Slot;

typedef struct {
    PyModuleDef_Base m_base;
    const char *m_name;
    const char *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
    traverseproc m_traverse;
    inquiry m_clear;
    freefunc m_free;
} PyModuleDef;

typedef struct {
    int slot;
    void *pfunc;
} PyType_Slot;

typedef struct {
    const char *name;
    int basicsize;
    int itemsize;
    unsigned int flags;
    PyType_Slot *slots;
} PyType_Spec;

#define PyModuleDef_HEAD_INIT {{1, NULL}, NULL, 0, NULL}
#define Py_TPFLAGS_DEFAULT 0UL
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *

#define Py_DECREF(object) Py_DecRef((PyObject *)(object))
#define Py_XDECREF(object) Py_DecRef((PyObject *)(object)) /* Py_DecRef accepts NULL. */
#define Py_CLEAR(variable) \
    do { \
        PyObject *_cleared = (PyObject *)(variable); \
        (variable) = NULL; \
        Py_DecRef(_cleared); \
    } while (0)
#define Py_TYPE(object) (((PyObject *)(object))->ob_type)

extern PyObject _Py_NoneStruct;
#define Py_None (&_Py_NoneStruct)
#define Py_RETURN_NONE return Py_NewRef(Py_None)

#define Py_BEGIN_ALLOW_THREADS { PyThreadState *_save = PyEval_SaveThread();
#define Py_END_ALLOW_THREADS PyEval_RestoreThread(_save); }

/* With PY_SSIZE_T_CLEAN, which we mean always: the length in "y#" is a Py_ssize_t. */
#define PyArg_ParseTuple _PyArg_ParseTuple_SizeT
#define PyArg_ParseTupleAndKeywords _PyArg_ParseTupleAndKeywords_SizeT
#define Py_BuildValue _Py_BuildValue_SizeT

#endif /* Py_PYTHON_H */

#define METH_VARARGS 0x0001
#define METH_NOARGS 0x0004
#define Py_mod_exec 2
#define Py_tp_alloc 47
#define Py_tp_dealloc 52
#define Py_tp_doc 56
#define Py_tp_methods 64
#define Py_tp_new 65
#define Py_tp_free 74

int PyArg_ParseTuple(PyObject *, const char *, ...);
int PyArg_ParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, ...);
PyObject *Py_BuildValue(const char *, ...);

void Py_DecRef(PyObject *);
PyObject *(Py_NewRef)(PyObject *); /* Python.h has a macro of this name, too. */

extern PyObject *PyExc_OSError, *PyExc_RuntimeError, *PyExc_TypeError, *PyExc_ValueError;
PyObject *PyErr_Format(PyObject *, const char *, ...);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_Occurred(void);
PyObject *PyErr_SetFromErrnoWithFilenameObject(PyObject *, PyObject *);
void PyErr_SetString(PyObject *, const char *);

void PyEval_RestoreThread(PyThreadState *);
PyThreadState *PyEval_SaveThread(void);

int PyModule_AddType(PyObject *, PyTypeObject *);
PyObject *PyModuleDef_Init(PyModuleDef *);
PyObject *PyType_FromModuleAndSpec(PyObject *, PyType_Spec *, PyObject *);
void *PyType_GetSlot(PyTypeObject *, int);
int PyType_IsSubtype(PyTypeObject *, PyTypeObject *);

int PyBytes_AsStringAndSize(PyObject *, char **, Py_ssize_t *);
PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
const char *PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *);
PyObject *PyUnicode_DecodeFSDefaultAndSize(const char *, Py_ssize_t);
PyObject *PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *);
PyObject *PyUnicode_EncodeFSDefault(PyObject *);
PyObject *PyUnicode_FromString(const char *);

extern PyTypeObject PyFloat_Type, PyList_Type, PyLong_Type;
double PyFloat_AsDouble(PyObject *);
PyObject *PyFloat_FromDouble(double);
long long PyLong_AsLongLong(PyObject *);
Py_ssize_t PyLong_AsSsize_t(PyObject *);
PyObject *PyLong_FromLong(long);
PyObject *PyLong_FromLongLong(long long);
PyObject *PyLong_FromSize_t(size_t);

int PyList_Append(PyObject *, PyObject *);
PyObject *PyList_AsTuple(PyObject *);
PyObject *PyList_GetItem(PyObject *, Py_ssize_t);
PyObject *PyList_New(Py_ssize_t);
int PyList_SetItem(PyObject *, Py_ssize_t, PyObject *);
Py_ssize_t PyList_Size(PyObject *);
int PySet_Add(PyObject *, PyObject *);
PyObject *PySet_New(PyObject *);
extern PyTypeObject PyTuple_Type;
PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t);
PyObject *PyTuple_New(Py_ssize_t);
int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
Py_ssize_t PyTuple_Size(PyObject *);

#endif
