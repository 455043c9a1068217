"""Input files: what identifies one, and what its name says about its format and compression."""

import os
import re
from typing import Final, Literal, NamedTuple

from sparkify.extract.compression import COMPRESSIONS
from sparkify.extract.formats import READERS

Kind = Literal["song", "log"]
"""See `sparkify.extract.kinds`."""

_PLAIN: Final = tuple(f".{ending}" for ending in READERS)

READ_BYTES: Final = 4 << 20
"""Bytes to read at a time. It must not exceed `MAX_LINE_BYTES`: a line within one read is not measured."""


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


READABLE: Final = (
    f"{_either([f'.{ending}' for ending in READERS])} files"
    f" ({_either(['plain', *(f'.{ending}' for ending in COMPRESSIONS)])})"
)
"""The file names that a load reads, for messages."""

NO_ENDING: Final = "no ending"

SUCCESS: Final = "_SUCCESS"
"""Hadoop and Spark write this empty file into a folder once they have completed it."""

_ENDING: Final = re.compile(r"\.(?:[0-9]{0,3}[a-z][a-z0-9]{0,9}|[0-9]{1,3})\Z")
"""An ending by which other files are counted. The date in ``events.20181102`` does not count as one: there
may be thousands."""


class InputFile(NamedTuple):  # made in a third of the time that a frozen dataclass takes
    """A file as it was when the load was planned.

    `path` may be a URL, `size` is in bytes, `mtime_ns` in nanoseconds since 1970. `digest` is set only if the
    content has changed since it was loaded, but size and time have not. An object in a store has an `etag`
    (or another signature of its store) instead of time and digest. The plan sets `is_known` if the warehouse
    has an entry for the file.
    """

    kind: Kind
    path: str
    size: int
    mtime_ns: int
    compression: str | None
    digest: str = ""
    etag: str = ""
    is_known: bool = False

    @property
    def name(self) -> str:
        """The path as text for PostgreSQL."""
        return name_of(self.path)

    @property
    def version(self) -> str:
        """Identifies this content of the file; part of the manifest's key."""
        if self.etag:
            return f"{self.size}-etag-{self.etag}"
        return f"{self.size}-{self.mtime_ns}" + (f"-{self.digest}" if self.digest else "")


def changed_ns(status: os.stat_result) -> int:
    """When a file changed, in nanoseconds since 1970, limited to 64 bits (the years 1677 to 2262)."""
    time = status.st_mtime_ns
    return time if -(2**63) <= time < 2**63 else max(-(2**63), min(time, 2**63 - 1))


def name_of(path: str) -> str:
    """A path as text for PostgreSQL. One that is not UTF-8 is marked and escaped; see `path_of`."""
    if path.isascii():
        return path
    raw = os.fsencode(path)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "bytes:" + raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def path_of(name: str) -> str:
    """The path whose `InputFile.name` this is."""
    if not name.startswith("bytes:"):
        # This gives the same bytes, whichever encoding Python assumes for the file system.
        return os.fsdecode(name.encode())
    raw = name.removeprefix("bytes:").encode()
    return os.fsdecode(
        re.sub(
            rb"\\(\\|x([0-9a-f]{2}))",
            lambda escape: bytes.fromhex(escape[2].decode()) if escape[2] else b"\\",
            raw,
        )
    )


def compression_of(name: str) -> str | None:
    """The compression that a name stands for: None for a plain file, "" for a file that a load does not
    read."""
    if name.endswith(_PLAIN):  # the usual name, quickly
        return None
    stem, dot, ending = name.lower().rpartition(".")
    if ending in READERS and dot:
        return None
    if ending in COMPRESSIONS:
        _, dot, inner = stem.rpartition(".")
        if inner in READERS and dot:
            return COMPRESSIONS[ending].name
    return ""


def format_of(name: str) -> str:
    """The ending that names the format of a file that is read: ``json`` for ``events.JSON.gz``."""
    ending = name[name.rfind(".") + 1 :]
    if ending in READERS:  # the usual name, quickly
        return ending
    stem, _, ending = name.lower().rpartition(".")
    return stem.rpartition(".")[2] if ending in COMPRESSIONS else ending


def ending_of(name: str) -> str:
    """The ending of a name that is not read, like ``.txt`` or ``.tar.gz``; `NO_ENDING` when it has none."""
    name = name.lower()
    if not (found := _ENDING.search(name)):
        return NO_ENDING
    inner = _ENDING.search(name, 0, found.start()) if found[0][1:] in COMPRESSIONS else None
    return (inner[0] if inner else "") + found[0]
