"""Where output goes: a terminal that lacks characters, a full disk, a stream that is closed. None ends in a traceback."""

import io
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from sparkify.errors import OutputFailed

_STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


class _Needed(io.FileIO):
    """Says that output is lost, once: what is written afterwards, such as what buffers still hold, goes nowhere."""

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
    """What cannot be written is lost. When messages cannot be, nobody can be told: the exit code says how the command ended."""

    def write(self, data: Any) -> int:
        with suppress(OSError):
            return _write(super().write, self.fileno(), data)
        return len(data)


def _write(write: Any, number: int, data: Any) -> int:
    """Write all of it: whoever shares a pipe with us may have made it one that does not wait, and takes a part."""
    left = memoryview(data)
    while left:
        if (written := write(left)) is None:
            select.select([], [number], [])
        else:
            left = left[written:]
    return len(data)


@contextmanager
def safe(*, may_be_lost: bool = False) -> Iterator[None]:
    """During the block, what standard output and standard error cannot hold or take does no harm.

    A character that the encoding lacks is written as an escape, and a stream that was closed when the program started is
    ``/dev/null``. A failure to write to standard output is raised as `OutputFailed`, unless its output `may_be_lost`.
    Streams that somebody else has put in the place of the process's own are left alone.
    """
    _replace_closed()
    before = sys.stdout, sys.stderr
    sys.stdout = _over(sys.stdout, sys.__stdout__, _Lossy if may_be_lost else _Needed)
    sys.stderr = _over(sys.stderr, sys.__stderr__, _Lossy)
    try:
        yield
    finally:
        with suppress(OutputFailed):  # the command has failed already, or has said so
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def after(done: str) -> Iterator[None]:
    """Report in the block what a command has done. If that cannot be written, the error says that it is done."""
    try:
        yield
        sys.stdout.flush()
    except OutputFailed as error:
        raise OutputFailed(f"{error} {done}") from error.__cause__


def _replace_closed() -> None:
    """Put ``/dev/null`` in the place of closed streams: the next file or connection that is opened would get their number."""
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)  # like the others, by the programs that are started
            setattr(sys, name, os.fdopen(number, mode, errors="backslashreplace"))


def _over(stream: TextIO, own: TextIO | None, kind: type[io.FileIO]) -> TextIO:
    """A stream over the file of another, which is the process's own."""
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


def printable(text: str, *, lines: bool = False) -> str:
    """Text that can neither steer a terminal nor pass for another line: control and format characters are shown as escapes,
    line feeds too, unless the text is meant to have `lines`."""
    return "".join(
        char
        if not _steers(char) or (lines and char == "\n")
        else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def _steers(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" or unicodedata.category(char) in {"Zl", "Zp"}


def encodable(text: str) -> str:
    """Text as standard output will show it: with escapes for what its encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
