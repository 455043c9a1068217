/* For tests: a line's fields, as Python sees them. */
#include "reading.h"

#include "core.h"

static PyObject *shown(const Text *text) {
    if (!text->data) Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8((const char *)text->data, (Py_ssize_t)text->size, NULL);
}

static PyObject *number(bool has, double value) {
    if (!has) Py_RETURN_NONE;
    return PyFloat_FromDouble(value);
}

static PyObject *shown_play(const Play *play) {
    return Py_BuildValue("LLLLNNNdNNNNN", play->user_id, play->session_id, play->item_in_session, play->ts,
                         shown(&play->level), shown(&play->song), shown(&play->artist), play->length,
                         shown(&play->first_name), shown(&play->last_name), shown(&play->gender),
                         shown(&play->location), shown(&play->user_agent));
}

static PyObject *shown_song(const CatalogueRecord *song) {
    return Py_BuildValue("NNNNNNNNd", shown(&song->song_id), shown(&song->title), shown(&song->artist_id),
                         shown(&song->artist_name), shown(&song->artist_location),
                         number(song->has_latitude, song->latitude),
                         number(song->has_longitude, song->longitude),
                         song->year ? PyLong_FromLong(song->year) : Py_NewRef(Py_None), song->duration);
}

static PyObject *without_fields(Verdict verdict) {
    switch (verdict) {
    case BLANK: return PyUnicode_FromString("blank");
    case OTHER_PAGE: return PyUnicode_FromString("other page");
    case NO_MEMORY: return PyErr_NoMemory();
    default: Py_RETURN_NONE;
    }
}

PyObject *core_read_play(PyObject *module, PyObject *arguments) {
    (void)module;
    const char *line;
    Py_ssize_t size;
    long long earliest, before;
    if (!PyArg_ParseTuple(arguments, "y#LL", &line, &size, &earliest, &before)) return NULL;
    Scratch scratch = {0};
    Play play;
    Verdict verdict = read_play((const uint8_t *)line, (size_t)size, earliest, before, &scratch, &play);
    PyObject *shown = verdict == ACCEPTED ? shown_play(&play) : without_fields(verdict);
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
    PyObject *shown = verdict == ACCEPTED ? shown_song(&song) : without_fields(verdict);
    scratch_free(&scratch);
    return shown;
}
