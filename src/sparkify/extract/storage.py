"""Read the bytes of input files. An address is a local path, or a URL like ``s3://bucket/key``.

All input is read through here. `sparkify.extract.objects` reads URLs, and is imported only for them.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sparkify.extract import files
from sparkify.extract.files import InputFile

FETCH_OBJECTS: Final = 256
FETCH_BYTES: Final = 16 << 20
"""The most small objects and bytes to fetch in parallel. A request takes its time, however small."""


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
        OSError: it cannot be opened, or is not a regular file: reading a pipe could block for ever.
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
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(path)
    return descriptor


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


class SmallFiles:
    """Reads small files whole. Ask for them in order: it fetches small objects in groups."""

    def __init__(self, files: Sequence[InputFile]) -> None:
        self._files = iter(files)
        self._fetched: dict[str, bytes | OSError] = {}

    def read(self, file: InputFile) -> bytes:
        """The content of the next file, up to the size that was planned.

        Raises:
            OSError: it cannot be read; its `filename` is the address.
            StorageFailed: the store cannot be reached, or refuses access.
        """
        if not is_remote(file.path):
            return _content(file)
        if file.path not in self._fetched:
            from sparkify.extract import objects  # noqa: PLC0415

            self._fetched = objects.fetch(self._next(file))
        content = self._fetched.pop(file.path)
        if isinstance(content, OSError):
            raise content
        return content

    def _next(self, first: InputFile) -> list[InputFile]:
        group, size = [first], first.size
        for file in self._files:
            if file is first or not is_remote(file.path):
                continue
            size += file.size
            if size > FETCH_BYTES or len(group) == FETCH_OBJECTS:
                break  # this file will begin the next group
            group.append(file)
        return group


def _content(file: InputFile) -> bytes:
    descriptor = open_file(file.path)
    try:
        with _named(file):
            data = os.read(descriptor, file.size)
            while len(data) < file.size and (more := os.read(descriptor, file.size - len(data))):
                data += more
    finally:
        os.close(descriptor)
    return data


@contextmanager
def _named(file: InputFile) -> Iterator[None]:
    """Name the file in an error of reading, as errors of opening do."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.path) from error
