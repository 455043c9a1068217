/* The module's types. */
#ifndef SPARKIFY_TYPES_H
#define SPARKIFY_TYPES_H

#include "stable_abi.h"

#include "core.h"

extern PyType_Spec plays_spec, catalogue_spec, month_spec;

/* A row of a type's table of methods. */
#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}

/* What a method returns that has no result: None, or a MemoryError. */
static inline PyObject *none_if(bool done) { return done ? Py_NewRef(Py_None) : PyErr_NoMemory(); }

/* Whether all is well, otherwise with an exception; `malformed` is the message of a ValueError. */
static inline bool is_done(Outcome outcome, const char *malformed) {
    if (outcome == SHORT_OF_MEMORY) PyErr_NoMemory();
    if (outcome == MALFORMED) PyErr_SetString(PyExc_ValueError, malformed);
    return outcome == DONE;
}

/* Run a statement while other threads run Python; the object refuses other calls meanwhile. */
#define WITHOUT_GIL(self, statement) \
    do { \
        (self)->is_busy = true; \
        Py_BEGIN_ALLOW_THREADS statement; \
        Py_END_ALLOW_THREADS(self)->is_busy = false; \
    } while (0)

/* Set `result` by an expression that takes or makes Python objects. It may run any Python code: a number's
 * __index__, or what the garbage collector finalises. The object refuses other calls meanwhile. */
#define HOLDING(self, result, expression) \
    do { \
        (self)->is_busy = true; \
        (result) = (expression); \
        (self)->is_busy = false; \
    } while (0)

#endif
