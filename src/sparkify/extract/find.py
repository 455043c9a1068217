"""Find the files below a folder or a URL."""

import os
from collections import Counter
from operator import attrgetter

from sparkify.core._core import list_folder
from sparkify.errors import UsageError
from sparkify.extract.files import SUCCESS, InputFile, Kind, changed_ns, compression_of, ending_of, path_of
from sparkify.extract.storage import is_remote


def find_files(
    root: str | os.PathLike[str], kind: Kind, other_files: Counter[str] | None = None
) -> list[InputFile]:
    """Find all files with a name that a load reads below a folder or URL, sorted by name; skip hidden ones.

    It counts others in `other_files` by the endings of their names. It returns a pipe or a broken link like a
    file: reading it will report what is wrong.

    Raises:
        UsageError: `root` or a folder below it cannot be listed.
        StorageFailed: the store of the URL cannot be reached.
    """
    root = os.fspath(root)
    found: list[InputFile] = []
    other_files = Counter() if other_files is None else other_files
    if is_remote(root):
        from sparkify.extract import objects  # noqa: PLC0415

        found.extend(objects.find(root, kind, other_files))
    else:
        try:
            _walk(os.path.abspath(root), kind, found, other_files)
        except OSError as error:
            said = f"Cannot list {error.filename or root}: {error.strerror}."
            if isinstance(error, PermissionError):
                said += " Make it readable: this user needs r and x on it, and x on the folders above."
            raise UsageError(said) from error
    found.sort(key=attrgetter("name"))
    return found


def _walk(root: str, kind: Kind, found: list[InputFile], other_files: Counter[str]) -> None:
    """Read each folder once, under the same name in every load, however the system orders its entries.

    Real folders come before links, so a new link does not rename the files of a real folder. Under another
    name they would be new files beside the old ones, and the old records would compete with corrections.
    """
    seen: set[tuple[int, int]] = set()
    links = [root]
    while links:
        folders, links = sorted(links, reverse=True), []
        while folders:
            folder = folders.pop()
            identity, entries = list_folder(folder)
            if identity in seen:
                continue
            seen.add(identity)
            real: list[str] = []
            for path in _files(folder, entries, kind, found, other_files):
                is_link = os.path.islink(path)  # noqa: PTH114  Path takes three times as long
                (links if is_link else real).append(path)
            folders += sorted(real, reverse=True)


def _files(
    folder: str,
    entries: list[tuple[str, bool, int, int]],
    kind: Kind,
    found: list[InputFile],
    other_files: Counter[str],
) -> list[str]:
    """Add a folder's own files to `found` and `other_files`; returns the paths of the folders in it."""
    below = folder.rstrip("/") + "/"
    folders = []
    by_name = {entry[0]: entry for entry in entries}  # a folder that changes may list a name twice
    for name, is_folder, size, mtime_ns in by_name.values():
        path = below + name
        if is_folder:
            folders.append(path)
        elif (compression := compression_of(name)) != "":
            # A broken link, or a file that has just vanished, has no size: reading it will report it.
            found.append(InputFile(kind, path, size, mtime_ns, compression))
        elif name != SUCCESS:
            other_files[ending_of(name)] += 1
    return folders


def file_now(kind: Kind, name: str) -> InputFile | None:
    """The present state of a file that the warehouse knows by `name`; None when it is gone."""
    path = name if is_remote(name) else path_of(name)
    try:
        if is_remote(path):
            from sparkify.extract import objects  # noqa: PLC0415

            return objects.now(kind, path)
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return InputFile(kind, path, -1, 0, None)  # it exists but cannot be looked at: report it as changed
    return InputFile(kind, path, status.st_size, changed_ns(status), compression_of(path))
