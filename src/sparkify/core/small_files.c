/* Many small files, read in one call: Python's open and read take longer than the reading itself. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "small_files.h"
#include "core.h"

typedef struct {
    const char *path;
    PyObject *content; /* of `size` bytes; nobody else has it yet */
    char *bytes;
    Py_ssize_t size;
    bool is_read;
} File;

/* Reading a pipe could block for ever. */
static bool read_file(const File *file) {
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return false;
    struct stat status;
    Py_ssize_t done = 0;
    bool can_read = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    while (can_read && done < file->size) {
        ssize_t more = read(descriptor, file->bytes + done, (size_t)(file->size - done));
        can_read = more > 0;
        done += can_read ? more : 0;
    }
    close(descriptor);
    return can_read;
}

static bool take_file(File *file, PyObject *described) {
    return PyArg_ParseTuple(described, "yn:file", &file->path, &file->size)
        && (file->content = PyBytes_FromStringAndSize(NULL, file->size))
        && PyBytes_AsStringAndSize(file->content, &file->bytes, &file->size) == 0;
}

/* A list of the contents, or NULL. It takes over the references. */
static PyObject *contents(File *files, size_t count) {
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list && at < count; at++) {
        PyObject *item = files[at].is_read ? files[at].content : Py_None;
        Py_INCREF(item);
        if (PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *core_read_files(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *wanted, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "O!:read_files", &PyTuple_Type, &wanted)) return NULL;
    size_t count = (size_t)PyTuple_Size(wanted), taken = 0;
    File *files = calloc(count + 1, sizeof *files);
    if (!files) return PyErr_NoMemory();
    while (taken < count && take_file(&files[taken], PyTuple_GetItem(wanted, (Py_ssize_t)taken))) taken++;
    if (taken == count) {
        Py_BEGIN_ALLOW_THREADS
        for (size_t at = 0; at < count; at++) files[at].is_read = read_file(&files[at]);
        Py_END_ALLOW_THREADS
        list = contents(files, count);
    }
    for (size_t at = 0; at < count; at++) Py_XDECREF(files[at].content);
    free(files);
    return list;
}
