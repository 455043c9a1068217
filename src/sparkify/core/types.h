/* The module's types. */
#ifndef SPARKIFY_TYPES_H
#define SPARKIFY_TYPES_H

#include "stable_abi.h"

extern PyType_Spec plays_spec, catalogue_spec, month_spec;

/* A row of a type's table of methods. */
#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}

/* Run a statement while other threads run Python; the object refuses other calls meanwhile. */
#define WITHOUT_GIL(self, statement) \
    do { \
        (self)->is_busy = true; \
        Py_BEGIN_ALLOW_THREADS statement; \
        Py_END_ALLOW_THREADS(self)->is_busy = false; \
    } while (0)

/* Set `done` by an expression that converts arguments: a number's __index__ may run any Python code. */
#define CONVERT(self, done, expression) \
    do { \
        (self)->is_busy = true; \
        (done) = (expression); \
        (self)->is_busy = false; \
    } while (0)

#endif
