/* The entries of a folder. */
#ifndef SPARKIFY_FOLDER_H
#define SPARKIFY_FOLDER_H

#include "stable_abi.h"

/* list_folder(path: str): see _core.pyi. */
PyObject *core_list_folder(PyObject *module, PyObject *arguments);

#endif
