/* The Python type Plays, and how its methods follow each other.
 *
 * They must be called in the order of a load: `step` refuses others, and so does `is_busy` while another
 * thread is inside. After some errors only `begin_batch` is accepted: _core.pyi says which.
 */
#ifndef SPARKIFY_PLAYS_TYPE_H
#define SPARKIFY_PLAYS_TYPE_H

#include "types.h"

#include "rows.h"

typedef enum {
    FAILED,
    BATCH_BEGUN,
    CHUNK_READ,
    CHUNK_SETTLED,
    SONGS_LISTED,
    CHUNK_MATCHED,
    BATCH_FINISHED
} Step;

typedef struct {
    PyObject_HEAD
    Plays plays;
    Step step;
    bool is_busy;
    Buffer buffer;    /* for rows; it serves one table after the other */
} PlaysObject;

/* Whether the object may do what comes from step `first` to `last`; otherwise raises an error. */
bool plays_may(PlaysObject *self, Step first, Step last);

/* End a step: return its result, NULL after an error. */
PyObject *plays_end_step(PlaysObject *self, PyObject *result, Step next);

/* plays_judged.c: add a play or a page view */
PyObject *plays_add_judged(PlaysObject *self, PyObject *arguments);

/* plays_results.c */
PyObject *plays_list_batch_months(const Batch *batch);
PyObject *plays_users(PlaysObject *self, PyObject *unused);
PyObject *plays_forgotten_sessions(PlaysObject *self, PyObject *unused);
PyObject *plays_gathered_bytes(PlaysObject *self, PyObject *unused);
PyObject *plays_cached_bytes(PlaysObject *self, PyObject *unused);
PyObject *plays_months(PlaysObject *self, PyObject *unused);
PyObject *plays_slice_times(PlaysObject *self, PyObject *unused);
PyObject *plays_rows(PlaysObject *self, PyObject *arguments);
PyObject *plays_sessions(PlaysObject *self, PyObject *arguments);

#endif
