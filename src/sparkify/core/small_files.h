/* Small files, many in one call. */
#ifndef SPARKIFY_SMALL_FILES_H
#define SPARKIFY_SMALL_FILES_H

#include "stable_abi.h"

/* read_files(paths: list of str, sizes: list of int): a list; see _core.pyi. */
PyObject *core_read_files(PyObject *module, PyObject *arguments);

#endif
