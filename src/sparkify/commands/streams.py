"""Keep output from failing with a traceback: missing characters, a full disk, a closed stream."""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from sparkify.errors import OutputFailed

_STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


class _Needed(io.FileIO):
    """Raises `OutputFailed` once, when a write fails. Drops later writes, such as a flush."""

    _lost = False

    def write(self, data: Any) -> int:
        if self._lost:
            return len(data)
        try:
            return _write(super().write, self.fileno(), data)
        except OSError as error:
            self._lost = True
            raise OutputFailed(f"Cannot write to stdout: {error.strerror}.") from error


class _Lossy(io.FileIO):
    """Drops what cannot be written. If stderr fails, only the exit code can still say so."""

    def write(self, data: Any) -> int:
        with suppress(OSError):
            return _write(super().write, self.fileno(), data)
        return len(data)


def _write(write: Any, number: int, data: Any) -> int:
    """Write all of the data. A pipe may be non-blocking: a program that shares it can make it so."""
    left = memoryview(data)
    while left:
        if (written := write(left)) is None:
            select.select([], [number], [])
        else:
            left = left[written:]
    return len(data)


@contextmanager
def safe(*, may_be_lost: bool = False) -> Iterator[None]:
    """Protect standard output and standard error during the block.

    A character that the encoding lacks is written as an escape. A failed write to standard output raises
    `OutputFailed`, unless its output `may_be_lost`; so does every write if it was closed when the program
    started. Streams that another program has put in place of the process's own are left alone.
    """
    _replace_closed()
    before = sys.stdout, sys.stderr
    sys.stdout = _over(sys.stdout, sys.__stdout__, _Lossy if may_be_lost else _Needed)
    sys.stderr = _over(sys.stderr, sys.__stderr__, _Lossy)
    try:
        yield
    finally:
        with suppress(OutputFailed):  # the command has already failed, or has reported it
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


def _replace_closed() -> None:
    """Replace closed streams with ``/dev/null``: else the next file opened would get their descriptor.

    It is opened for reading only, so that a write fails: without a stream, Python drops output in silence.
    """
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDONLY)
            os.set_inheritable(number, True)  # like the other two, for the programs that are started
            stream = os.fdopen(number, mode, errors="backslashreplace")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _over(stream: TextIO, own: TextIO | None, kind: type[io.FileIO]) -> TextIO:
    """A stream of this kind over the same file, if `stream` is the process's own."""
    if stream is not own or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    raw = kind(stream.fileno(), "w", closefd=False)
    unbuffered = stream.write_through
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=unbuffered,
    )
