/* Rows for COPY, from columns of Python values. */
#ifndef SPARKIFY_COPY_COLUMNS_H
#define SPARKIFY_COPY_COLUMNS_H

#include "stable_abi.h"

/* copy_columns(columns: tuple of (type: str, values)): bytes; see _core.pyi. */
PyObject *core_copy_columns(PyObject *module, PyObject *arguments);

#endif
