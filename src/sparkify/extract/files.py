"""Input files: which names are read, and how they are compressed."""

import os
import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["song", "log"]

_PLAIN: Final = ("json", "jsonl", "ndjson")
_PACKED: Final = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2", "xz": "xz"}

READ_BYTES: Final = 8 << 20
"""Not more than a line may have: the length of a line that stands within one read is not looked at."""

READABLE: Final = ".json, .jsonl or .ndjson files (plain, .gz, .zst, .bz2 or .xz)"
"""What is read, for messages."""

NO_ENDING: Final = "no ending"

SUCCESS: Final = "_SUCCESS"
"""The empty file by which Hadoop and Spark mark a folder that they have written."""

_ENDING: Final = re.compile(r"\.(?:[0-9]{0,3}[a-z][a-z0-9]{0,9}|[0-9]{1,3})\Z")
"""Not the date in ``events.20181102``: there may be any number of those, and each ending is counted by itself."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as it was when the plan was made. `path` may be a URL, `size` is in bytes, `mtime_ns` in nanoseconds since 1970.

    `digest` is given where size and time do not tell the content from the one that was loaded. An object has instead of
    time and digest an `etag`, or what else its store calls the content by.
    """

    kind: Kind
    path: str
    size: int
    mtime_ns: int
    compression: str | None
    digest: str = ""
    etag: str = ""

    @property
    def name(self) -> str:
        """The path as text that PostgreSQL can hold; one that is not UTF-8 is marked, and written with escapes."""
        if self.path.isascii():
            return self.path
        raw = os.fsencode(self.path)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")

    @property
    def version(self) -> str:
        """Names this content of the file; part of the key of the manifest."""
        if self.etag:
            return f"{self.size}-etag-{self.etag}"
        return f"{self.size}-{self.mtime_ns}" + (f"-{self.digest}" if self.digest else "")


def changed_ns(status: os.stat_result) -> int:
    """When a file was changed, in nanoseconds since 1970: at the nearest time that 64 bits hold (the years 1677 to 2262)."""
    return max(-(2**63), min(status.st_mtime_ns, 2**63 - 1))


def path_of(name: str) -> str:
    """The path that `InputFile.name` was made of."""
    if not name.startswith("bytes:"):
        # The same bytes, whatever Python takes the encoding of the file system for.
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
    """How a file of this name is compressed, None for not at all; "" when the file is none of ours."""
    stem, dot, ending = name.lower().rpartition(".")
    if ending in _PLAIN and dot:
        return None
    if ending in _PACKED:
        _, dot, inner = stem.rpartition(".")
        if inner in _PLAIN and dot:
            return _PACKED[ending]
    return ""


def ending_of(name: str) -> str:
    """The ending of a name that is not read, like ``.csv`` or ``.tar.gz``; `NO_ENDING` when it has none."""
    name = name.lower()
    if not (found := _ENDING.search(name)):
        return NO_ENDING
    inner = _ENDING.search(name, 0, found.start()) if found[0][1:] in _PACKED else None
    return (inner[0] if inner else "") + found[0]
