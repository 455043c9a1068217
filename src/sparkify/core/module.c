/* The extension module sparkify.core._core: the compiled core of a load. _core.pyi documents it. */
#include "copy_columns.h"
#include "folder.h"
#include "memory.h"
#include "reading.h"
#include "sha256.h"
#include "small_files.h"
#include "types.h"

static int add_type(PyObject *module, PyType_Spec *spec) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int done = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return done;
}

static int execute(PyObject *module) {
    memory_prepare();
    sha256_prepare();
    PyType_Spec *types[] = {&plays_spec, &catalogue_spec, &month_spec};
    for (size_t at = 0; at < sizeof types / sizeof *types; at++)
        if (add_type(module, types[at]) < 0) return -1;
    return 0;
}

static PyMethodDef functions[] = {
    {"copy_columns", core_copy_columns, METH_VARARGS, NULL},
    {"list_folder", core_list_folder, METH_VARARGS, NULL},
    {"read_files", core_read_files, METH_VARARGS, NULL},
    {"read_event", core_read_event, METH_VARARGS, NULL},
    {"read_song", core_read_song, METH_VARARGS, NULL},
    {0},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The compiled core of a load.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
