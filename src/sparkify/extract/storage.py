"""Read the bytes of input files. An address is a local path, or a URL like ``s3://bucket/key``.

All input is read through here. `sparkify.extract.objects` reads URLs, and is imported only for them.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sparkify.core._core import read_files
from sparkify.extract import files
from sparkify.extract.files import InputFile

GROUP_FILES: Final = 256
GROUP_BYTES: Final = 16 << 20
"""The most small files and bytes to read together: objects in parallel, since a request takes its time, and
local files by one call of the core."""


def is_remote(address: str) -> bool:
    """Whether an address is a URL."""
    return "://" in address and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address) is not None


def is_folder(address: str) -> bool:
    """Whether the folder exists, or the URL has objects below it.

    Raises:
        StorageFailed: the store cannot be reached.
    """
    if is_remote(address):
        from sparkify.extract import objects  # noqa: PLC0415

        return objects.exists(address)
    return os.path.isdir(address)  # noqa: PTH112  Path.is_dir() raises when a name is too long


def open_file(path: str) -> int:
    """Open a local file for reading, and return its descriptor.

    Raises:
        OSError: it cannot be opened; it is not a regular file, and reading a pipe could block for ever; or it
            would pass for empty, because its size is given as 0, as in some file systems in user space.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        if Path(path).is_symlink():
            raise FileNotFoundError(
                error.errno, "the link leads nowhere: remove it or fix it", path
            ) from error
        raise
    except OSError as error:
        if error.errno in {errno.ENXIO, errno.EOPNOTSUPP}:  # a socket, on Linux and on macOS
            raise _no_file(path) from error
        raise
    try:
        _check_content(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_content(descriptor: int, path: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(path)
    if not status.st_size and os.read(descriptor, 1):
        raise OSError(errno.EINVAL, "it has content, but its size is given as 0: copy it", path)


def _no_file(path: str) -> OSError:
    return OSError(errno.EINVAL, "it is a pipe, a socket or a device: remove or rename it", path)


def blocks(file: InputFile, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """The bytes of a file from `start`, in blocks of a few megabytes: `size` bytes, or up to the end.

    Raises:
        OSError: they cannot be read, or an object has changed since the plan; its `filename` is the address.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    if is_remote(file.path):
        from sparkify.extract import objects  # noqa: PLC0415

        yield from objects.blocks(file, start, file.size - start if size is None else size)
        return
    with _named(file), open(open_file(file.path), "rb", buffering=0) as source:
        source.seek(start)
        while (wanted := files.READ_BYTES if size is None else min(files.READ_BYTES, size)) and (
            data := source.read(wanted)
        ):
            yield data
            if size is not None:
                size -= len(data)


def read_small(files: Iterable[InputFile]) -> Iterator[tuple[bytes, bytes]]:
    """The content of each small file, up to the size that was planned, and its SHA-256.

    All are local, or all are objects.

    Raises:
        OSError: it cannot be read; its `filename` is the address.
        ExceptionGroup: several objects cannot be read: an `OSError` for each.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    for group in _groups(files):
        if is_remote(group[0].path):
            from sparkify.extract import objects  # noqa: PLC0415

            contents = objects.fetch(group)
            errors = [content for content in contents.values() if isinstance(content, OSError)]
            if errors:
                raise errors[0] if len(errors) == 1 else ExceptionGroup("unreadable objects", errors)
            for file in group:
                content = contents[file.path]
                assert isinstance(content, bytes)
                yield content, hashlib.sha256(content).digest()
        else:
            found = read_files([file.path for file in group], [file.size for file in group])
            for file, read in zip(group, found, strict=True):
                # A file that the core did not read is empty or has shrunk, or the error says what is wrong.
                yield read or _read(file)


def _read(file: InputFile) -> tuple[bytes, bytes]:
    content = b"".join(blocks(file, 0, file.size))
    return content, hashlib.sha256(content).digest()


def _groups(files: Iterable[InputFile]) -> Iterator[list[InputFile]]:
    group: list[InputFile] = []
    size = 0
    for file in files:
        size += file.size
        if group and (len(group) == GROUP_FILES or size > GROUP_BYTES):
            yield group
            group, size = [], file.size
        group.append(file)
    if group:
        yield group


@contextmanager
def _named(file: InputFile) -> Iterator[None]:
    """Name the file in an error of reading, as errors of opening do."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.path) from error
