/* The Python type Plays: a worker's plays. _core.pyi documents it.
 *
 * The methods must be called in the order of a load: `step` refuses others, and so does `is_busy` while another
 * thread is inside. After an error nothing but `begin_batch` is accepted. */
#include <math.h>
#include <stdlib.h>

#include "rows.h"
#include "slices.h"
#include "types.h"

typedef enum { FAILED, BATCH_BEGUN, CHUNK_READ, CHUNK_SETTLED, SONGS_LISTED, CHUNK_MATCHED, BATCH_FINISHED } Step;

typedef struct {
    PyObject_HEAD
    Plays plays;
    Step step;
    bool is_busy;
    Buffer buffer;    /* for rows; it serves one table after the other */
} PlaysObject;

static const int64_t FIRST_TS = -62135596800000, LAST_TS = 253402300800000; /* the years 1 to 9999 */

/* Whether the object may do what comes after `first` and up to `last`; otherwise raises an error. */
static bool may(PlaysObject *self, Step first, Step last) {
    if (!self->is_busy && self->step >= first && self->step <= last) return true;
    PyErr_SetString(PyExc_RuntimeError, "out of order: see the type's documentation");
    return false;
}

/* Take a step that succeeded, or fail for want of memory. */
static PyObject *step(PlaysObject *self, bool done, Step next) {
    self->step = done ? next : FAILED;
    if (!done) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *plays_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"earliest", "before", "seed", NULL};
    long long earliest, before;
    const char *seed;
    Py_ssize_t size;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "LLy#:Plays", names, &earliest, &before, &seed, &size))
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
    scratch_free(&self->plays.scratch);
    copy_free(&self->buffer);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *begin_batch(PlaysObject *self, PyObject *arguments) {
    int forget_songs;
    if (!PyArg_ParseTuple(arguments, "p:begin_batch", &forget_songs) || !may(self, FAILED, BATCH_FINISHED))
        return NULL;
    chunk_clear(&self->plays.chunk);
    batch_clear(&self->plays.batch);
    if (forget_songs || self->step == FAILED) songs_clear(&self->plays.songs);
    copy_free(&self->buffer);
    return step(self, true, BATCH_BEGUN);
}

static PyObject *read_chunk(PlaysObject *self, PyObject *arguments) {
    PyObject *slices;
    if (!PyArg_ParseTuple(arguments, "O!:read", &PyTuple_Type, &slices)) return NULL;
    if (!may(self, BATCH_BEGUN, CHUNK_MATCHED)) return NULL;
    self->step = FAILED;
    chunk_clear(&self->plays.chunk);
    if (!slices_take(&self->plays.chunk.lines, slices)) return NULL;
    LinesRead done;
    Py_INCREF(slices);
    WITHOUT_GIL(self, done = plays_read(&self->plays));
    Py_DECREF(slices);
    PyObject *doubtful = slices_doubtful(&self->plays.chunk.lines, done);
    if (doubtful) self->step = CHUNK_READ;
    return doubtful;
}

static bool parse_play(PyObject *fields, Play *play) {
    Text *level = &play->level, *song = &play->song, *artist = &play->artist, *first_name = &play->first_name;
    Text *last_name = &play->last_name, *gender = &play->gender, *location = &play->location;
    Text *user_agent = &play->user_agent;
    long long numbers[4];
    const char *texts[8];
    Py_ssize_t sizes[8];
    if (!PyArg_ParseTuple(fields, "LLLLs#s#s#dz#z#z#z#z#:play", &numbers[0], &numbers[1], &numbers[2], &numbers[3],
                          &texts[0], &sizes[0], &texts[1], &sizes[1], &texts[2], &sizes[2], &play->length,
                          &texts[3], &sizes[3], &texts[4], &sizes[4], &texts[5], &sizes[5], &texts[6], &sizes[6],
                          &texts[7], &sizes[7]))
        return false;
    play->user_id = numbers[0], play->session_id = numbers[1];
    play->item_in_session = numbers[2], play->ts = numbers[3];
    Text *wanted[] = {level, song, artist, first_name, last_name, gender, location, user_agent};
    for (size_t at = 0; at < 8; at++) {
        if (sizes[at] > INT32_MAX) return PyErr_NoMemory() != NULL;
        *wanted[at] = (Text){(const uint8_t *)texts[at], texts[at] ? (size_t)sizes[at] : 0};
    }
    return true;
}

static PyObject *add(PlaysObject *self, PyObject *arguments) {
    unsigned int slice;
    long long line;
    PyObject *fields;
    Play play;
    if (!PyArg_ParseTuple(arguments, "ILO!:add", &slice, &line, &PyTuple_Type, &fields)) return NULL;
    if (!may(self, CHUNK_READ, CHUNK_READ) || !parse_play(fields, &play)) return NULL;
    if (slice >= self->plays.chunk.lines.slice_count || play.ts < self->plays.earliest
        || play.ts >= self->plays.before || !(play.length > 0) || !isfinite(play.length)) {
        PyErr_SetString(PyExc_ValueError, "no play that a judge accepts");
        return NULL;
    }
    return step(self, plays_add(&self->plays, &play, slice, line), CHUNK_READ);
}

static PyObject *users(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    PyObject *set = PySet_New(NULL);
    for (size_t at = 0; set && at < self->plays.chunk.count; at++) {
        PyObject *user_id = PyLong_FromLongLong(self->plays.chunk.items[at].user_id);
        if (!user_id || PySet_Add(set, user_id) < 0) Py_CLEAR(set);
        Py_XDECREF(user_id);
    }
    return set;
}

static PyObject *forget(PlaysObject *self, PyObject *user_id) {
    long long number = PyLong_AsLongLong(user_id);
    if ((number == -1 && PyErr_Occurred()) || !may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    plays_forget(&self->plays, number);
    Py_RETURN_NONE;
}

static PyObject *settle(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = plays_note_latest(&self->plays) && plays_settle(&self->plays));
    PyObject *nothing = step(self, done, CHUNK_SETTLED);
    Py_XDECREF(nothing);
    return nothing ? slices_books(&self->plays.chunk.lines) : NULL;
}

static PyObject *months(PlaysObject *self, PyObject *unused) {
    (void)unused;
    const Chunk *chunk = &self->plays.chunk;
    if (!may(self, CHUNK_SETTLED, CHUNK_MATCHED)) return NULL;
    PyObject *list = PyList_New((Py_ssize_t)chunk->month_count);
    for (size_t at = 0; list && at < chunk->month_count; at++) {
        const struct Month *month = &chunk->months[at];
        PyObject *item = Py_BuildValue("iIII", month->month, month->plays, month->matched, month->times);
        if (!item || PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *forget_staged(PlaysObject *self, PyObject *month) {
    long number = PyLong_AsLong(month);
    if ((number == -1 && PyErr_Occurred()) || !may(self, BATCH_BEGUN, CHUNK_MATCHED)) return NULL;
    if (songs_forget_staged(&self->plays.songs, &self->plays.seed, (int32_t)number)) Py_RETURN_NONE;
    return step(self, false, FAILED);
}

static PyObject *bytes_of(const Buffer *buffer) {
    return PyBytes_FromStringAndSize((const char *)buffer->data, (Py_ssize_t)buffer->size);
}

/* Write (number, heard_song_id) of each song that is to be looked up. */
static bool copy_unknown(Plays *plays, Buffer *buffer) {
    if (!plays_find_new_songs(plays) || !copy_begin(buffer)) return false;
    for (size_t i = 0; i < plays->chunk.unknown_count; i++) {
        uint8_t *at = copy_row(buffer, 2, 0);
        if (!at) return false;
        at = copy_integer(at, (int32_t)i);
        at = copy_uuid(at, plays->songs.items[plays->chunk.unknown[i]].heard_song_id);
        copy_row_end(buffer, at);
    }
    return copy_end(buffer);
}

static PyObject *unknown_songs(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, CHUNK_SETTLED, CHUNK_SETTLED)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = copy_unknown(&self->plays, &self->buffer));
    if (done && self->plays.chunk.unknown_count) {
        self->step = SONGS_LISTED;
        return bytes_of(&self->buffer);
    }
    return step(self, done, SONGS_LISTED);
}

/* Take one answer of the catalogue: (number, song_id, artist_id). */
static bool take_match(Plays *plays, PyObject *match) {
    int number;
    const char *song_id, *artist_id;
    Py_ssize_t song_id_size, artist_id_size;
    if (!PyArg_ParseTuple(match, "is#s#:match", &number, &song_id, &song_id_size, &artist_id, &artist_id_size))
        return false;
    if (number < 0 || (size_t)number >= plays->chunk.unknown_count) {
        PyErr_SetString(PyExc_ValueError, "no answer to what was asked");
        return false;
    }
    Text texts[] = {{(const uint8_t *)song_id, (size_t)song_id_size},
                    {(const uint8_t *)artist_id, (size_t)artist_id_size}};
    for (size_t at = 0; at < 2; at++)
        if (!arena_keep(&plays->songs.arena, &texts[at])) return PyErr_NoMemory() != NULL;
    Song *song = &plays->songs.items[plays->chunk.unknown[number]];
    song->song_id = texts[0];
    song->artist_id = texts[1];
    return true;
}

static PyObject *match(PlaysObject *self, PyObject *matches) {
    if (!may(self, SONGS_LISTED, SONGS_LISTED)) return NULL;
    self->step = FAILED;
    Py_ssize_t count = PyList_Size(matches);
    if (count < 0) return NULL;
    for (Py_ssize_t at = 0; at < count; at++)
        if (!take_match(&self->plays, PyList_GetItem(matches, at))) return NULL;
    bool done;
    plays_count_matches(&self->plays);
    WITHOUT_GIL(self, done = plays_note_listening(&self->plays));
    return step(self, done, CHUNK_MATCHED);
}

typedef struct {
    int64_t first, last;
    int32_t month;
} Range;

/* The list of (month, slice, first ts, last ts). `ranges` has room for a range of each slice. */
static PyObject *list_ranges(const Chunk *chunk, Range *ranges) {
    PyObject *list = PyList_New(0);
    for (size_t at = 0; list && at < chunk->month_count; at++) {
        const struct Month *month = &chunk->months[at];
        uint32_t first = UINT32_MAX, last = 0;
        for (size_t play = 0; play < month->plays; play++) {
            const HeardPlay *heard = &chunk->items[chunk->of_months[month->start + play]];
            Range *range = &ranges[heard->slice];
            if (range->month != month->month) *range = (Range){heard->ts, heard->ts, month->month};
            if (heard->ts < range->first) range->first = heard->ts;
            if (heard->ts > range->last) range->last = heard->ts;
            if (heard->slice < first) first = heard->slice;
            if (heard->slice > last) last = heard->slice;
        }
        for (uint32_t slice = first; list && slice <= last; slice++) {
            const Range *range = &ranges[slice];
            if (range->month != month->month) continue;
            PyObject *item = Py_BuildValue("iILL", month->month, slice, (long long)range->first, (long long)range->last);
            if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
            Py_XDECREF(item);
        }
    }
    return list;
}

static PyObject *ranges(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, CHUNK_SETTLED, CHUNK_MATCHED)) return NULL;
    Range *found = calloc(self->plays.chunk.lines.slice_count + 1, sizeof *found);
    if (!found) return PyErr_NoMemory();
    PyObject *list = list_ranges(&self->plays.chunk, found);
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
    {"repeated", rows_of_repeated, false},       {"users", rows_of_users, true},
    {"levels", rows_of_levels, true},            {"user_days", rows_of_user_days, true},
    {"user_agents", rows_of_user_agents, true},  {"sessions", rows_of_sessions, true},
};

static PyObject *copy_table(PlaysObject *self, size_t table, int32_t month) {
    Step needed = TABLES[table].of_batch ? BATCH_FINISHED : CHUNK_MATCHED;
    if (!may(self, needed, needed)) return NULL;
    Buffer *buffer = &self->buffer;
    if (!copy_begin(buffer)) return PyErr_NoMemory();
    size_t header = buffer->size;
    bool done;
    WITHOUT_GIL(self, done = TABLES[table].rows(&self->plays, month, buffer));
    if (done && buffer->size == header) Py_RETURN_NONE;
    return done && copy_end(buffer) ? bytes_of(buffer) : PyErr_NoMemory();
}

static PyObject *rows(PlaysObject *self, PyObject *arguments) {
    const char *name;
    int month;
    if (!PyArg_ParseTuple(arguments, "si:rows", &name, &month)) return NULL;
    for (size_t table = 0; table < sizeof TABLES / sizeof *TABLES; table++)
        if (strcmp(TABLES[table].name, name) == 0) return copy_table(self, table, month);
    PyErr_Format(PyExc_ValueError, "no table %s", name);
    return NULL;
}

/* The months of the batch's plays, in order: its days are. */
static PyObject *list_months(const Batch *batch) {
    PyObject *list = PyList_New(0);
    int32_t last = -1;
    for (size_t at = 0; list && at < batch->user_day_count; at++) {
        int32_t month = batch->user_days[batch->order[at]].month;
        if (month == last) continue;
        last = month;
        PyObject *number = PyLong_FromLong(month);
        if (!number || PyList_Append(list, number) < 0) Py_CLEAR(list);
        Py_XDECREF(number);
    }
    return list;
}

static PyObject *finish_batch(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, BATCH_BEGUN, CHUNK_MATCHED)) return NULL;
    bool done;
    WITHOUT_GIL(self, done = batch_finish(&self->plays));
    PyObject *nothing = step(self, done, BATCH_FINISHED);
    Py_XDECREF(nothing);
    return nothing ? list_months(&self->plays.batch) : NULL;
}

static PyObject *known_songs(PlaysObject *self, PyObject *unused) {
    (void)unused;
    if (!may(self, FAILED, BATCH_FINISHED)) return NULL;
    return PyLong_FromSize_t(self->plays.songs.count + self->plays.songs.staged_count);
}

#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}

static PyMethodDef methods[] = {
    METHOD("begin_batch", begin_batch, METH_VARARGS),
    METHOD("read", read_chunk, METH_VARARGS),
    METHOD("add", add, METH_VARARGS),
    METHOD("users", users, METH_NOARGS),
    METHOD("forget", forget, METH_O),
    METHOD("settle", settle, METH_NOARGS),
    METHOD("months", months, METH_NOARGS),
    METHOD("forget_staged", forget_staged, METH_O),
    METHOD("unknown_songs", unknown_songs, METH_NOARGS),
    METHOD("match", match, METH_O),
    METHOD("ranges", ranges, METH_NOARGS),
    METHOD("rows", rows, METH_VARARGS),
    METHOD("finish_batch", finish_batch, METH_NOARGS),
    METHOD("known_songs", known_songs, METH_NOARGS),
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
    .name = "sparkify.transform._core.Plays",
    .basicsize = sizeof(PlaysObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
