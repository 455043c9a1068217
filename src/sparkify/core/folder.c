/* The entries of a folder, in one call: Python takes as long as the system to look at each. */
#define _DEFAULT_SOURCE /* d_type, and what POSIX has */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "memory.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

typedef struct {
    Text name;
    int64_t size, changed_ns;
    bool is_folder;
} Entry;

typedef struct {
    Arena names;
    Entry *entries;
    size_t count, room;
    struct stat status; /* of the folder itself */
    int error;
} Folder;

/* In nanoseconds since 1970, limited to 64 bits (the years 1677 to 2262). */
static int64_t changed_ns(const struct stat *status) {
    int64_t ns;
    bool fits = !__builtin_mul_overflow((int64_t)status->st_mtim.tv_sec, INT64_C(1000000000), &ns)
             && !__builtin_add_overflow(ns, (int64_t)status->st_mtim.tv_nsec, &ns);
    return fits ? ns : status->st_mtim.tv_sec < 0 ? INT64_MIN : INT64_MAX;
}

/* Look at an entry, from the folder: from the root of the file system it takes twice as long. */
static bool add_entry(Folder *folder, int descriptor, const struct dirent *found) {
    if (!make_room(&folder->entries, &folder->room, folder->count + 1, sizeof *folder->entries)) return false;
    Entry entry = {.is_folder = found->d_type == DT_DIR};
    struct stat status;
    if (!entry.is_folder && fstatat(descriptor, found->d_name, &status, 0) == 0) {
        entry.is_folder = S_ISDIR(status.st_mode);
        entry.size = entry.is_folder ? 0 : status.st_size;
        entry.changed_ns = entry.is_folder ? 0 : changed_ns(&status);
    }
    entry.name.size = strlen(found->d_name);
    entry.name.data = arena_copy(&folder->names, (const uint8_t *)found->d_name, entry.name.size);
    folder->entries[folder->count++] = entry;
    return entry.name.data != NULL;
}

/* Returns the error's number, or 0. */
static int read_folder(Folder *folder, const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    int error = stream && fstat(descriptor, &folder->status) == 0 ? 0 : errno;
    while (!error) {
        errno = 0;
        const struct dirent *found = readdir(stream);
        if (!found) {
            error = errno;
            break;
        }
        if (found->d_name[0] != '.' && !add_entry(folder, descriptor, found)) error = ENOMEM;
    }
    if (stream) closedir(stream);
    else if (descriptor >= 0) close(descriptor);
    return error;
}

static PyObject *listed(const Folder *folder) {
    PyObject *list = PyList_New((Py_ssize_t)folder->count);
    for (size_t at = 0; list && at < folder->count; at++) {
        const Entry *entry = &folder->entries[at];
        const char *name = (const char *)entry->name.data;
        PyObject *text = PyUnicode_DecodeFSDefaultAndSize(name, (Py_ssize_t)entry->name.size);
        PyObject *item = Py_BuildValue("NiLL", text, entry->is_folder, (long long)entry->size,
                                       (long long)entry->changed_ns);
        if (!item || PyList_SetItem(list, (Py_ssize_t)at, item) < 0) Py_CLEAR(list);
    }
    unsigned long long device = (unsigned long long)folder->status.st_dev;
    unsigned long long number = (unsigned long long)folder->status.st_ino;
    return list ? Py_BuildValue("(KK)N", device, number, list) : NULL;
}

PyObject *core_list_folder(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *path, *encoded;
    char *name;
    if (!PyArg_ParseTuple(arguments, "U:list_folder", &path)) return NULL;
    if (!(encoded = PyUnicode_EncodeFSDefault(path))) return NULL;
    if (PyBytes_AsStringAndSize(encoded, &name, NULL) < 0) {
        Py_DECREF(encoded);
        return NULL;
    }
    Folder folder = {0};
    Py_BEGIN_ALLOW_THREADS
    folder.error = read_folder(&folder, name);
    Py_END_ALLOW_THREADS
    errno = folder.error;
    PyObject *result = folder.error ? PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path)
                                    : listed(&folder);
    arena_clear(&folder.names);
    free(folder.entries);
    Py_DECREF(encoded);
    return result;
}
