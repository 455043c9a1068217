/* What the judge accepted, as Python passes it. */
#include <string.h>

#include "datums.h"
#include "plays_type.h"

static bool take_play(PyObject *fields, Play *play) {
    static const Kind KINDS[PLAY_FIELDS] = {
        KIND_bigint, KIND_bigint, KIND_bigint, KIND_bigint, KIND_filled_text, KIND_required_text,
        KIND_seconds, EACH_PLAY_TEXT(AS_KIND) EACH_USER_COLUMN(AS_KIND)
    };
    Datum datums[PLAY_FIELDS];
    if (!datums_take(fields, KINDS, datums, PLAY_FIELDS)) return false;
    *play = (Play){
        .user_id = datums[0].bigint,
        .session_id = datums[1].bigint,
        .item_in_session = datums[2].bigint,
        .ts = datums[3].bigint,
        .song = datums[4].text,
        .artist = datums[5].text,
        .length = datums[6].real,
    };
    memcpy(play->texts, datums + OTHER_FIELDS, sizeof play->texts);
    memcpy(play->user, datums + OTHER_FIELDS + PLAY_TEXTS, sizeof play->user);
    return true;
}

static bool take_view(PyObject *fields, PageView *view) {
    static const Kind KINDS[VIEW_FIELDS] = {
        KIND_bigint, KIND_bigint, KIND_bigint, EACH_VIEW_COLUMN(AS_KIND)
    };
    Datum datums[VIEW_FIELDS];
    if (!datums_take(fields, KINDS, datums, VIEW_FIELDS)) return false;
    *view = (PageView){datums[0].bigint, datums[1].bigint, datums[2].bigint, {{0}}};
    memcpy(view->columns, datums + VIEW_OTHER_FIELDS, sizeof view->columns);
    return true;
}

PyObject *plays_add_judged(PlaysObject *self, PyObject *arguments) {
    Py_ssize_t slice;
    long long line;
    PyObject *fields;
    Play play;
    PageView view;
    if (!PyArg_ParseTuple(arguments, "nLO!:add", &slice, &line, &PyTuple_Type, &fields)) return NULL;
    bool of_view = PyTuple_Size(fields) == VIEW_FIELDS;
    if (!plays_may(self, CHUNK_READ, CHUNK_READ)) return NULL;
    if (!(of_view ? take_view(fields, &view) : take_play(fields, &play))) return NULL;
    Plays *plays = &self->plays;
    int64_t ts = of_view ? view.ts : play.ts;
    if (slice < 0 || (size_t)slice >= plays->chunk.lines.slice_count || ts < plays->earliest
        || ts >= plays->before)
        return PyErr_Format(PyExc_ValueError, "no such slice, or not a time in the range");
    bool done = of_view ? plays_add_view(plays, &view, (uint32_t)slice, line)
                        : plays_add(plays, &play, (uint32_t)slice, line);
    return plays_end_step(self, none_if(done), CHUNK_READ);
}
