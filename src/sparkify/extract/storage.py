"""Where input is read from: an address is the path of a local file, or a URL like ``s3://bucket/key``."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

READ_BYTES: Final = 8 << 20
"""Not more than a line may have: the length of a line that stands within one read is not looked at."""


def open_file(path: str) -> int:
    """Open a local file for reading; gives the descriptor.

    Raises:
        OSError: that cannot be done, or it is no file any more: a pipe would keep us waiting for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a file", path)
    return descriptor


def blocks(address: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """The bytes from `start`, some megabytes at a time: `size` of them where there are so many, else all to the end.

    Raises:
        OSError: they cannot be read; its `filename` is the address.
    """
    with named(address), open(open_file(address), "rb", buffering=0) as source:
        if start:
            source.seek(start)
        remaining = size
        while remaining is None or remaining:
            data = source.read(READ_BYTES if remaining is None else min(READ_BYTES, remaining))
            if not data:
                return
            yield data
            if remaining is not None:
                remaining -= len(data)


@contextmanager
def named(address: str) -> Iterator[None]:
    """An error of reading names the file, as one of opening does."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, address) from error
