/* The Python type Plays: a worker's plays, chunk by chunk. _core.pyi documents it. */
#include <stdlib.h>
#include <string.h>

#include "datums.h"
#include "plays_type.h"
#include "slices.h"

static const int64_t FIRST_TS = (int64_t)FIRST_DAY * MS_PER_DAY, LAST_TS = (LAST_DAY + 1LL) * MS_PER_DAY;

bool plays_may(PlaysObject *self, Step first, Step last) {
    if (!self->is_busy && self->step >= first && self->step <= last) return true;
    PyErr_SetString(PyExc_RuntimeError, "out of order: see the type's documentation");
    return false;
}

PyObject *plays_end_step(PlaysObject *self, PyObject *result, Step next) {
    self->step = result ? next : FAILED;
    return result;
}

static PyObject *plays_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"earliest", "before", "seed", NULL};
    long long earliest, before;
    const char *seed;
    Py_ssize_t size;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "LLy#:Plays", names, &earliest, &before, &seed,
                                     &size))
        return NULL;
    if (size != sizeof(Seed) || earliest < FIRST_TS || before > LAST_TS) {
        PyErr_SetString(PyExc_ValueError, "the seed has 16 bytes, the range is within the years 1 to 9999");
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PlaysObject *self = (PlaysObject *)allocate(type, 0);
    if (!self) return NULL;
    memcpy(&self->plays.seed, seed, sizeof(Seed));
    self->plays.earliest = earliest;
    self->plays.before = before;
    self->step = BATCH_BEGUN;
    return (PyObject *)self;
}

static void plays_dealloc(PyObject *object) {
    PlaysObject *self = (PlaysObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    chunk_free(&self->plays.chunk);
    batch_free(&self->plays.batch);
    songs_free(&self->plays.songs);
    matches_free(&self->plays.matches);
    scratch_free(&self->plays.scratch);
    buffer_free(&self->buffer);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *begin_batch(PlaysObject *self, PyObject *arguments) {
    int forget_songs;
    if (!PyArg_ParseTuple(arguments, "p:begin_batch", &forget_songs)) return NULL;
    if (!plays_may(self, FAILED, BATCH_FINISHED)) return NULL;
    chunk_clear(&self->plays.chunk);
    batch_clear(&self->plays.batch);
    if (forget_songs || self->step == FAILED) songs_clear(&self->plays.songs);
    if (!self->plays.matches.is_whole || self->step == FAILED) matches_free(&self->plays.matches);
    buffer_free(&self->buffer);
    buffer_free(&self->plays.chunk.view_rows);
    return plays_end_step(self, none_if(true), BATCH_BEGUN);
}

static PyObject *read_chunk(PlaysObject *self, PyObject *arguments) {
    PyObject *slices;
    if (!PyArg_ParseTuple(arguments, "O!:read", &PyTuple_Type, &slices)) return NULL;
    if (!plays_may(self, BATCH_BEGUN, CHUNK_MATCHED)) return NULL;
    self->step = FAILED;
    chunk_clear(&self->plays.chunk);
    bool taken;
    HOLDING(self, taken, slices_take(&self->plays.chunk.lines, slices));
    if (!taken) return NULL;
    Outcome done;
    WITHOUT_GIL(self, done = plays_read(&self->plays));
    PyObject *doubtful;
    HOLDING(self, doubtful, slices_doubtful(&self->plays.chunk.lines, done));
    return plays_end_step(self, doubtful, CHUNK_READ);
}

static PyObject *forget(PlaysObject *self, PyObject *arguments) {
    PyObject *tuple;
    if (!PyArg_ParseTuple(arguments, "O!:forget", &PyTuple_Type, &tuple)) return NULL;
    size_t count = (size_t)PyTuple_Size(tuple);
    int64_t *user_ids = malloc((count + 1) * sizeof *user_ids);
    if (!user_ids) return PyErr_NoMemory();
    for (size_t at = 0; at < count && !PyErr_Occurred(); at++)
        user_ids[at] = PyLong_AsLongLong(PyTuple_GetItem(tuple, (Py_ssize_t)at));
    bool done = !PyErr_Occurred() && plays_may(self, CHUNK_READ, CHUNK_READ);
    if (done) WITHOUT_GIL(self, plays_forget(&self->plays, user_ids, count));
    free(user_ids);
    return done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *settle(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = plays_note_latest(&self->plays) && plays_settle(&self->plays));
    PyObject *books;
    HOLDING(self, books, done ? slices_books(&self->plays.chunk.lines) : PyErr_NoMemory());
    return plays_end_step(self, books, CHUNK_SETTLED);
}

static PyObject *forget_staged(PlaysObject *self, PyObject *arguments) {
    int month;
    if (!PyArg_ParseTuple(arguments, "i:forget_staged", &month)) return NULL;
    if (!plays_may(self, BATCH_BEGUN, CHUNK_MATCHED)) return NULL;
    bool done = songs_forget_staged(&self->plays.songs, &self->plays.seed, month);
    return plays_end_step(self, none_if(done), self->step);
}

/* Write (number, heard_song_id) of each song that is to be looked up. */
static bool copy_unknown(Plays *plays, Buffer *buffer) {
    if (!plays_find_new_songs(plays) || !copy_begin(buffer)) return false;
    if (plays->matches.is_whole) plays_match_fetched(plays);
    for (size_t i = 0; i < plays->chunk.unknown_count; i++) {
        uint8_t *at = copy_row(buffer, 2, 0);
        if (!at) return false;
        at = copy_integer(at, (int32_t)i);
        at = copy_uuid(at, plays->songs.items[plays->chunk.unknown[i]].heard_song_id);
        copy_row_end(buffer, at);
    }
    return copy_end(buffer);
}

static PyObject *describe_unknown(const PlaysObject *self) {
    return Py_BuildValue("Iy#", (unsigned int)self->plays.chunk.unknown_count, self->buffer.data,
                         (Py_ssize_t)self->buffer.size);
}

static PyObject *unknown_songs(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!plays_may(self, CHUNK_SETTLED, CHUNK_SETTLED)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = copy_unknown(&self->plays, &self->buffer));
    PyObject *songs;
    HOLDING(self, songs, done ? describe_unknown(self) : PyErr_NoMemory());
    return plays_end_step(self, songs, SONGS_LISTED);
}

static PyObject *take_catalogue(PlaysObject *self, PyObject *arguments) {
    const char *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "y#:take_catalogue", &data, &size)) return NULL;
    if (!plays_may(self, SONGS_LISTED, SONGS_LISTED)) return NULL;
    Matches *matches = &self->plays.matches;
    Outcome taken;
    WITHOUT_GIL(self, taken = matches_take(matches, &self->plays.seed, (const uint8_t *)data, (size_t)size));
    if (taken == DONE && matches->is_whole) plays_match_fetched(&self->plays);
    bool done = is_done(taken, "no binary COPY of the catalogue's matches");
    return plays_end_step(self, done ? Py_NewRef(Py_None) : NULL, SONGS_LISTED);
}

/* Take one answer of the catalogue: (number, song_id, artist_id). */
static bool take_match(Plays *plays, PyObject *match) {
    int number;
    const char *song, *artist;
    Py_ssize_t song_size, artist_size;
    if (!is_tuple(match)
        || !PyArg_ParseTuple(match, "is#s#:match", &number, &song, &song_size, &artist, &artist_size))
        return false;
    if (number < 0 || (size_t)number >= plays->chunk.unknown_count) {
        PyErr_SetString(PyExc_ValueError, "no answer to what was asked");
        return false;
    }
    Text ids[] = {{(const uint8_t *)song, (size_t)song_size}, {(const uint8_t *)artist, (size_t)artist_size}};
    for (size_t at = 0; at < 2; at++)
        if (!arena_keep(&plays->songs.arena, &ids[at])) return PyErr_NoMemory() != NULL;
    Song *known = &plays->songs.items[plays->chunk.unknown[number]];
    known->song_id = ids[0];
    known->artist_id = ids[1];
    return true;
}

static bool take_matches(Plays *plays, PyObject *list) {
    PyObject *matches = PyList_AsTuple(list); /* nobody can change it */
    bool done = matches != NULL;
    for (Py_ssize_t at = 0; done && at < PyTuple_Size(matches); at++)
        done = take_match(plays, PyTuple_GetItem(matches, at));
    Py_XDECREF(matches);
    return done;
}

static PyObject *match(PlaysObject *self, PyObject *arguments) {
    PyObject *matches;
    if (!PyArg_ParseTuple(arguments, "O!:match", &PyList_Type, &matches)) return NULL;
    if (!plays_may(self, SONGS_LISTED, SONGS_LISTED)) return NULL;
    self->step = FAILED;
    if (self->plays.matches.is_begun && !self->plays.matches.is_whole) {
        PyErr_SetString(PyExc_ValueError, "the COPY of the catalogue's matches has no end");
        return NULL;
    }
    bool done;
    HOLDING(self, done, take_matches(&self->plays, matches));
    if (!done) return NULL;
    plays_count_matches(&self->plays);
    WITHOUT_GIL(self, done = plays_note_events(&self->plays));
    return plays_end_step(self, none_if(done), CHUNK_MATCHED);
}

static PyObject *finish_batch(PlaysObject *self, PyObject *unused) {
    (void)unused;
    Step needed = self->step == BATCH_BEGUN ? BATCH_BEGUN : CHUNK_MATCHED;
    if (!plays_may(self, needed, needed)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = batch_finish(&self->plays));
    PyObject *months;
    HOLDING(self, months, done ? plays_list_batch_months(&self->plays.batch) : PyErr_NoMemory());
    return plays_end_step(self, months, BATCH_FINISHED);
}

static PyMethodDef methods[] = {
    METHOD("begin_batch", begin_batch, METH_VARARGS),
    METHOD("read", read_chunk, METH_VARARGS),
    METHOD("add", plays_add_judged, METH_VARARGS),
    METHOD("users", plays_users, METH_NOARGS),
    METHOD("forget", forget, METH_VARARGS),
    METHOD("forgotten_sessions", plays_forgotten_sessions, METH_NOARGS),
    METHOD("settle", settle, METH_NOARGS),
    METHOD("months", plays_months, METH_NOARGS),
    METHOD("forget_staged", forget_staged, METH_VARARGS),
    METHOD("unknown_songs", unknown_songs, METH_NOARGS),
    METHOD("take_catalogue", take_catalogue, METH_VARARGS),
    METHOD("match", match, METH_VARARGS),
    METHOD("slice_times", plays_slice_times, METH_NOARGS),
    METHOD("rows", plays_rows, METH_VARARGS),
    METHOD("finish_batch", finish_batch, METH_NOARGS),
    METHOD("sessions", plays_sessions, METH_VARARGS),
    METHOD("gathered_bytes", plays_gathered_bytes, METH_NOARGS),
    METHOD("cached_bytes", plays_cached_bytes, METH_NOARGS),
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_new, plays_new},
    {Py_tp_dealloc, plays_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "A worker's plays: see _core.pyi."},
    {0, NULL},
};

PyType_Spec plays_spec = {
    .name = "sparkify.core._core.Plays",
    .basicsize = sizeof(PlaysObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
