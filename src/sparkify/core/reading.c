/* For tests: a line's fields, as Python sees them. */
#include "reading.h"

#include <string.h>

#include "datums.h"

static PyObject *tuple_of(const Datum *datums, size_t count) {
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t at = 0; tuple && at < count; at++) {
        PyObject *value = datum_shown(&datums[at]);
        if (!value || PyTuple_SetItem(tuple, (Py_ssize_t)at, value) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *shown_play(const Play *play) {
    Datum fields[PLAY_FIELDS] = {
        {BIGINT, .bigint = play->user_id}, {BIGINT, .bigint = play->session_id},
        {BIGINT, .bigint = play->item_in_session}, {BIGINT, .bigint = play->ts},
        {TEXT, {play->song}}, {TEXT, {play->artist}}, {DOUBLE, .real = play->length},
    };
    memcpy(fields + OTHER_FIELDS, play->texts, sizeof play->texts);
    memcpy(fields + OTHER_FIELDS + PLAY_TEXTS, play->user, sizeof play->user);
    return tuple_of(fields, sizeof fields / sizeof *fields);
}

static PyObject *shown_view(const PageView *view) {
    Datum fields[VIEW_FIELDS] = {
        {BIGINT, .bigint = view->session_id},
        {BIGINT, .bigint = view->item_in_session},
        {BIGINT, .bigint = view->ts},
    };
    memcpy(fields + VIEW_OTHER_FIELDS, view->columns, sizeof view->columns);
    return tuple_of(fields, sizeof fields / sizeof *fields);
}

static PyObject *without_fields(Verdict verdict) {
    switch (verdict) {
    case BLANK: return PyUnicode_FromString("blank");
    case BARE_PAGE: return PyUnicode_FromString("bare page");
    case NO_MEMORY: return PyErr_NoMemory();
    default: Py_RETURN_NONE;
    }
}

PyObject *core_read_event(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *line;
    Py_ssize_t size;
    long long earliest, before;
    if (!PyArg_ParseTuple(arguments, "y#LL", &line, &size, &earliest, &before)) return NULL;
    Scratch scratch = {0};
    Play play;
    PageView view;
    Verdict verdict =
        read_event((const uint8_t *)line, (size_t)size, earliest, before, &scratch, &play, &view);
    PyObject *shown = verdict == ACCEPTED ? shown_play(&play)
        : verdict == PAGE_VIEW            ? shown_view(&view)
                                          : without_fields(verdict);
    scratch_free(&scratch);
    return shown;
}

PyObject *core_read_song(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *line;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "y#", &line, &size)) return NULL;
    Scratch scratch = {0};
    CatalogueRecord song;
    Verdict verdict = read_song((const uint8_t *)line, (size_t)size, &scratch, &song);
    PyObject *shown = verdict == ACCEPTED ? tuple_of(song.columns, RECORD_COLUMNS) : without_fields(verdict);
    scratch_free(&scratch);
    return shown;
}
