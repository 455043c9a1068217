/* The extension module sparkify.transform._core. */
#include "stable_abi.h"

static PyObject *version(PyObject *module, PyObject *nothing) {
    (void)module;
    (void)nothing;
    return Py_BuildValue("i", 1);
}

static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "_core", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
