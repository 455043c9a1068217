"""Input files: their names, and how they are compressed."""

import os
import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["song", "log"]

_SUFFIXES: Final = {".json": None, ".json.gz": "gzip", ".json.zst": "zstd"}


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
    name = name.lower()
    return next((how for suffix, how in _SUFFIXES.items() if name.endswith(suffix)), "")
