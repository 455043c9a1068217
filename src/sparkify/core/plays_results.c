/* What the type Plays returns of a chunk and of a batch: counts, times of slices, rows. */
#include <stdlib.h>

#include "plays_type.h"
#include "sessions.h"

static PyObject *bytes_of(const Buffer *buffer) {
    return PyBytes_FromStringAndSize((const char *)buffer->data, (Py_ssize_t)buffer->size);
}

static PyObject *list_months(const Chunk *chunk) {
    PyObject *list = PyList_New((Py_ssize_t)chunk->month_count);
    for (size_t at = 0; list && at < chunk->month_count; at++) {
        const struct ChunkMonth *month = &chunk->months[at];
        PyObject *item = Py_BuildValue("iIII", month->month, month->plays, month->matched, month->times);
        if (!item || PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *plays_months(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_SETTLED, CHUNK_MATCHED)) return NULL;
    PyObject *list;
    HOLDING(self, list, list_months(&self->plays.chunk));
    return list;
}

typedef struct {
    int64_t first, last;
    int32_t month;
} SliceTimes;

static const SliceTimes NO_PLAYS = {INT64_MAX, INT64_MIN, 0};

static PyObject *describe(const SliceTimes *times, uint32_t slice) {
    if (times->first > times->last) return Py_BuildValue("iIOO", times->month, slice, Py_None, Py_None);
    return Py_BuildValue("iILL", times->month, slice, (long long)times->first, (long long)times->last);
}

/* The list of (month, slice, first ts, last ts), without times if the slice has page views only. `times` has
 * room for those of each slice. */
static PyObject *list_times(const Chunk *chunk, SliceTimes *times) {
    PyObject *list = PyList_New(0);
    for (size_t at = 0; list && at < chunk->month_count; at++) {
        const struct ChunkMonth *month = &chunk->months[at];
        uint32_t first = UINT32_MAX, last = 0;
        for (size_t play = 0; play < month->plays; play++) {
            const HeardPlay *heard = &chunk->items[chunk->of_months[month->start + play]];
            SliceTimes *of_slice = &times[heard->slice];
            if (of_slice->month != month->month) *of_slice = (SliceTimes){heard->ts, heard->ts, month->month};
            if (heard->ts < of_slice->first) of_slice->first = heard->ts;
            if (heard->ts > of_slice->last) of_slice->last = heard->ts;
            if (heard->slice < first) first = heard->slice;
            if (heard->slice > last) last = heard->slice;
        }
        Walk walk = by_month_find(&chunk->of_views, month->month);
        for (uint32_t number; walk_next(&walk, &number);) {
            uint32_t slice = chunk->views[number].slice;
            if (chunk->views[number].is_forgotten || times[slice].month == month->month) continue;
            times[slice] = NO_PLAYS;
            times[slice].month = month->month;
            if (slice < first) first = slice;
            if (slice > last) last = slice;
        }
        for (uint32_t slice = first; list && slice <= last; slice++) {
            if (times[slice].month != month->month) continue;
            PyObject *item = describe(&times[slice], slice);
            if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
            Py_XDECREF(item);
        }
    }
    return list;
}

PyObject *plays_slice_times(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_SETTLED, CHUNK_MATCHED)) return NULL;
    SliceTimes *found = calloc(self->plays.chunk.lines.slice_count + 1, sizeof *found);
    if (!found) return PyErr_NoMemory();
    PyObject *list;
    HOLDING(self, list, list_times(&self->plays.chunk, found));
    free(found);
    return list;
}

static const struct {
    const char *name;
    Rows rows;
    bool of_batch;
} TABLES[] = {
    {"songplays", rows_of_songplays, false},     {"heard_plays", rows_of_heard_plays, false},
    {"time", rows_of_time, false},               {"heard_songs", rows_of_heard_songs, false},
    {"repeated", rows_of_repeated, false},       {"page_views", rows_of_page_views, false},
    {"users", rows_of_users, true},              {"levels", rows_of_levels, true},
    {"user_days", rows_of_user_days, true},      {"user_agents", rows_of_user_agents, true},
    {"sessions", rows_of_sessions, true},
};

static PyObject *copy_table(PlaysObject *self, size_t table, int32_t month) {
    Step needed = TABLES[table].of_batch ? BATCH_FINISHED : CHUNK_MATCHED;
    if (!plays_may(self, needed, needed)) return NULL;
    Buffer *buffer = &self->buffer;
    if (!copy_begin(buffer)) return PyErr_NoMemory();
    size_t header = buffer->size;
    bool done;
    WITHOUT_GIL(self, done = TABLES[table].rows(&self->plays, month, buffer));
    if (done && buffer->size == header) Py_RETURN_NONE;
    return done && copy_end(buffer) ? bytes_of(buffer) : PyErr_NoMemory();
}

PyObject *plays_rows(PlaysObject *self, PyObject *arguments) {
    const char *name;
    int month;
    if (!PyArg_ParseTuple(arguments, "si:rows", &name, &month)) return NULL;
    for (size_t table = 0; table < sizeof TABLES / sizeof *TABLES; table++)
        if (strcmp(TABLES[table].name, name) == 0) return copy_table(self, table, month);
    PyErr_Format(PyExc_ValueError, "no table %s", name);
    return NULL;
}

PyObject *plays_sessions(PlaysObject *self, PyObject *arguments) {
    int month;
    if (!PyArg_ParseTuple(arguments, "i:sessions", &month)) return NULL;
    if (!plays_may(self, BATCH_FINISHED, BATCH_FINISHED)) return NULL;
    Buffer *buffer = &self->buffer;
    buffer->size = 0;
    EventCount count;
    Outcome outcome;
    WITHOUT_GIL(self, outcome = sessions_write(&self->plays, month, buffer, &count));
    if (outcome == NOT_SURE) Py_RETURN_NONE;
    if (outcome != DONE) return PyErr_NoMemory();
    return Py_BuildValue("nnN", (Py_ssize_t)count.plays, (Py_ssize_t)count.views, bytes_of(buffer));
}

/* Add a number to a set; NULL with an exception if it fails. */
static void add_number(PyObject **set, int64_t number) {
    PyObject *shown = PyLong_FromLongLong(number);
    if (!shown || PySet_Add(*set, shown) < 0) Py_CLEAR(*set);
    Py_XDECREF(shown);
}

static PyObject *set_of_users(const Chunk *chunk) {
    PyObject *set = PySet_New(NULL);
    for (size_t at = 0; set && at < chunk->count; at++) add_number(&set, chunk->items[at].user_id);
    for (size_t at = 0; set && at < chunk->view_count; at++)
        if (chunk->views[at].has_user) add_number(&set, chunk->views[at].user_id);
    return set;
}

PyObject *plays_users(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    PyObject *set;
    HOLDING(self, set, set_of_users(&self->plays.chunk));
    return set;
}

static PyObject *set_of_forgotten_sessions(const Chunk *chunk) {
    PyObject *set = PySet_New(NULL);
    for (size_t at = 0; set && at < chunk->count; at++)
        if (chunk->items[at].fate == FORGOTTEN) add_number(&set, chunk->items[at].session_id);
    for (size_t at = 0; set && at < chunk->view_count; at++)
        if (chunk->views[at].is_forgotten) add_number(&set, chunk->views[at].session_id);
    return set;
}

PyObject *plays_forgotten_sessions(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    PyObject *set;
    HOLDING(self, set, set_of_forgotten_sessions(&self->plays.chunk));
    return set;
}

PyObject *plays_gathered_bytes(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, FAILED, BATCH_FINISHED)) return NULL;
    return PyLong_FromSize_t(batch_bytes(&self->plays.batch));
}

PyObject *plays_cached_bytes(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, FAILED, BATCH_FINISHED)) return NULL;
    return PyLong_FromSize_t(songs_bytes(&self->plays.songs));
}

/* The months of the batch's events, in order: its sessions are. */
PyObject *plays_list_batch_months(const Batch *batch) {
    PyObject *list = PyList_New(0);
    int32_t last = -1;
    for (size_t at = 0; list && at < batch->of_sessions.count; at++) {
        int32_t month = batch->of_sessions.items[at].month;
        if (month == last) continue;
        last = month;
        PyObject *number = PyLong_FromLong(month);
        if (!number || PyList_Append(list, number) < 0) Py_CLEAR(list);
        Py_XDECREF(number);
    }
    return list;
}
