/* What the judge accepted, as Python passes it. */
#include <math.h>
#include <string.h>

#include "datums.h"
#include "plays_type.h"

static bool parse_play(PyObject *fields, Play *play) {
    Datum columns[PLAY_TEXTS + USER_COLUMNS];
    PyObject *first = PyTuple_GetSlice(fields, 0, OTHER_FIELDS);
    long long numbers[4];
    const char *song, *artist;
    Py_ssize_t song_size, artist_size;
    bool done = first
        && PyArg_ParseTuple(first, "LLLLs#s#d:play", &numbers[0], &numbers[1], &numbers[2], &numbers[3],
                            &song, &song_size, &artist, &artist_size, &play->length)
        && datums_take(fields, OTHER_FIELDS, columns, PLAY_TEXTS + USER_COLUMNS);
    Py_XDECREF(first);
    if (!done) return false;
    if (song_size > INT32_MAX || artist_size > INT32_MAX) return PyErr_NoMemory() != NULL;
    play->user_id = numbers[0], play->session_id = numbers[1];
    play->item_in_session = numbers[2], play->ts = numbers[3];
    play->song = (Text){(const uint8_t *)song, (size_t)song_size};
    play->artist = (Text){(const uint8_t *)artist, (size_t)artist_size};
    memcpy(play->texts, columns, sizeof play->texts);
    memcpy(play->user, columns + PLAY_TEXTS, sizeof play->user);
    return true;
}

static bool parse_view(PyObject *fields, PageView *view) {
    Datum columns[VIEW_OTHER_FIELDS];
    PyObject *first = PyTuple_GetSlice(fields, 0, VIEW_OTHER_FIELDS);
    bool done = first && datums_take(first, 0, columns, VIEW_OTHER_FIELDS)
        && datums_take(fields, VIEW_OTHER_FIELDS, view->columns, VIEW_COLUMNS);
    Py_XDECREF(first);
    for (size_t at = 0; done && at < VIEW_OTHER_FIELDS; at++) {
        done = columns[at].type == BIGINT;
        if (!done) PyErr_SetString(PyExc_TypeError, "session, item and ts are integers");
    }
    if (!done) return false;
    view->session_id = columns[0].bigint;
    view->item_in_session = columns[1].bigint;
    view->ts = columns[2].bigint;
    return true;
}

static bool is_play(const Play *play) {
    for (size_t at = 0; at < PLAY_TEXTS; at++)
        if (play->texts[at].type > TEXT) return false;
    return play->length > 0 && isfinite(play->length);
}

static bool is_view(const PageView *view) {
    const Datum *columns = view->columns, *user = &columns[VIEW_USER_ID], *status = &columns[VIEW_STATUS];
    for (size_t at = VIEW_LEVEL; at < VIEW_STATUS; at++)
        if (columns[at].type > TEXT) return false;
    return columns[VIEW_PAGE].type == TEXT && (user->type == NO_VALUE || user->type == BIGINT)
        && (status->type == NO_VALUE
            || (status->type == BIGINT && status->bigint >= INT32_MIN && status->bigint <= INT32_MAX));
}

PyObject *plays_add_judged(PlaysObject *self, PyObject *arguments) {
    unsigned int slice;
    long long line;
    PyObject *fields;
    Play play;
    PageView view;
    if (!PyArg_ParseTuple(arguments, "ILO!:add", &slice, &line, &PyTuple_Type, &fields)) return NULL;
    bool of_view = PyTuple_Size(fields) == VIEW_OTHER_FIELDS + VIEW_COLUMNS;
    if (!(of_view ? parse_view(fields, &view) : parse_play(fields, &play))) return NULL;
    if (!plays_may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    Plays *plays = &self->plays;
    int64_t ts = of_view ? view.ts : play.ts;
    if (slice >= plays->chunk.lines.slice_count || ts < plays->earliest || ts >= plays->before
        || !(of_view ? is_view(&view) : is_play(&play))) {
        PyErr_SetString(PyExc_ValueError, "nothing that a judge accepts");
        return NULL;
    }
    bool done =
        of_view ? plays_add_view(plays, &view, slice, line) : plays_add(plays, &play, slice, line);
    return plays_end_step(self, done, CHUNK_READ);
}
