/* Count a rollup of a new month. */
#ifndef SPARKIFY_COUNTING_H
#define SPARKIFY_COUNTING_H

#include "stable_abi.h"

/* count_month(rollup: str, parts: tuple[bytes, ...]): its rows. METH_VARARGS. */
PyObject *core_count_month(PyObject *module, PyObject *arguments);

#endif
