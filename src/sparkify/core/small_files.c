/* Many small files, read in one call: Python's open and read take longer than the reading itself. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "small_files.h"
#include "sha256.h"

typedef struct {
    PyObject *path;    /* bytes */
    PyObject *content; /* of `size` bytes; nobody else has it yet */
    char *name, *bytes;
    Py_ssize_t size;
    uint8_t digest[32];
    bool is_read;
} File;

/* The folder of the last file. From it, the next file is found in less time than from the root. */
typedef struct {
    int descriptor;   /* -1 if there is none */
    const char *path; /* with its last slash */
    size_t size;
} Folder;

static void leave(Folder *folder) {
    if (folder->descriptor >= 0) close(folder->descriptor);
    folder->descriptor = -1;
}

static void enter(Folder *folder, const char *path, size_t size) {
    char name[4096]; /* no longer path can be opened */
    if (folder->descriptor >= 0 && folder->size == size && memcmp(folder->path, path, size) == 0) return;
    leave(folder);
    if (!size || size >= sizeof name) return;
    memcpy(name, path, size);
    name[size] = 0;
    *folder = (Folder){open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, size};
}

static int open_file(const char *path, Folder *folder) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK; /* opening a pipe could block for ever */
    const char *slash = strrchr(path, '/');
    enter(folder, path, slash ? (size_t)(slash + 1 - path) : 0);
    if (folder->descriptor < 0) return open(path, flags);
    return openat(folder->descriptor, slash + 1, flags);
}

static bool read_file(File *file, Folder *folder) {
    int descriptor = open_file(file->name, folder);
    if (descriptor < 0) return false;
    struct stat status;
    Py_ssize_t done = 0;
    /* Python finds out whether an empty file is empty. */
    bool can_read = file->size && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    while (can_read && done < file->size) {
        ssize_t more = read(descriptor, file->bytes + done, (size_t)(file->size - done));
        can_read = more > 0;
        done += can_read ? more : 0;
    }
    close(descriptor);
    if (!can_read) return false;
    Sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, file->bytes, (size_t)file->size);
    sha256_end(&hash, file->digest);
    return true;
}

/* Raises ValueError if the path has a zero byte or the size is negative. */
static bool take_file(File *file, PyObject *path, PyObject *size) {
    file->size = PyLong_AsSsize_t(size);
    if (file->size < 0 && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "a size is negative");
    return file->size >= 0
        && (file->path = PyUnicode_EncodeFSDefault(path))
        && PyBytes_AsStringAndSize(file->path, &file->name, NULL) == 0
        && (file->content = PyBytes_FromStringAndSize(NULL, file->size))
        && PyBytes_AsStringAndSize(file->content, &file->bytes, &file->size) == 0;
}

static bool take_files(File *files, Py_ssize_t count, PyObject *paths, PyObject *sizes) {
    bool done = PyList_Size(sizes) == count;
    if (!done) PyErr_SetString(PyExc_ValueError, "each path needs its size");
    for (Py_ssize_t at = 0; done && at < count; at++)
        done = take_file(&files[at], PyList_GetItem(paths, at), PyList_GetItem(sizes, at));
    return done;
}

static PyObject *result_of(const File *file) {
    if (!file->is_read) Py_RETURN_NONE;
    return Py_BuildValue("Oy#", file->content, (const char *)file->digest, (Py_ssize_t)sizeof file->digest);
}

PyObject *core_read_files(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *paths, *sizes, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "O!O!:read_files", &PyList_Type, &paths, &PyList_Type, &sizes))
        return NULL;
    Py_ssize_t count = PyList_Size(paths);
    File *files = calloc((size_t)count + 1, sizeof *files);
    if (!files) return PyErr_NoMemory();
    if (take_files(files, count, paths, sizes)) {
        Py_BEGIN_ALLOW_THREADS
        Folder folder = {.descriptor = -1};
        for (Py_ssize_t at = 0; at < count; at++) files[at].is_read = read_file(&files[at], &folder);
        leave(&folder);
        Py_END_ALLOW_THREADS
        list = PyList_New(count);
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *item = list ? result_of(&files[at]) : NULL;
        if (list && (!item || PyList_SetItem(list, at, item) < 0)) Py_CLEAR(list);
        Py_XDECREF(files[at].path);
        Py_XDECREF(files[at].content);
    }
    free(files);
    return list;
}
