"""Plan: which files there are, which of them are new, and how they are cut into batches."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from psycopg import Connection

from sparkify.errors import UsageError

Kind = Literal["song", "log"]

LEAST_BATCH_BYTES: Final = 24 << 20
MOST_BATCH_BYTES: Final = 256 << 20
BATCH_FILES: Final = 5000
BATCHES_PER_WORKER: Final = 8
"""So many, that no worker is left alone with a long one at the end."""

RACY_NS: Final = 2_000_000_000
"""A file changed so shortly before it was read may change again without a new time of change: file systems and
editors count in ticks of up to two seconds. Such a file is compared by its bytes."""

_SUFFIXES: Final = {".json": None, ".json.gz": "gzip", ".json.zst": "zstd"}


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as it was when the plan was made. `size` in bytes, `mtime_ns` in nanoseconds since 1970.

    `digest` is given where size and time do not tell the content from the one that was loaded.
    """

    kind: Kind
    path: str
    size: int
    mtime_ns: int
    compression: str | None
    digest: str = ""

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
        return f"{self.size}-{self.mtime_ns}" + (f"-{self.digest}" if self.digest else "")


@dataclass(slots=True)
class Plan:
    """What there is to do: the files `found`, of these the `new` ones, and those only `touched`: new time, same bytes."""

    found: int
    new: list[InputFile]
    touched: list[InputFile] = field(default_factory=list)

    def batches(self, kind: Kind, workers: int, batch_bytes: int | None = None) -> list[list[InputFile]]:
        """The new files of one kind in batches of some `batch_bytes`, or as suits so many workers.

        A larger file is a batch of its own.
        """
        files = [file for file in self.new if file.kind == kind]
        if batch_bytes is None:
            share = sum(file.size for file in files) // (workers * BATCHES_PER_WORKER)
            batch_bytes = min(max(share, LEAST_BATCH_BYTES), MOST_BATCH_BYTES)
        batches: list[list[InputFile]] = []
        size = 0
        for file in files:
            if not batches or size + file.size > batch_bytes or len(batches[-1]) >= BATCH_FILES:
                batches.append([])
                size = 0
            batches[-1].append(file)
            size += file.size
        return batches


def find_files(root: Path, kind: Kind) -> list[InputFile]:
    """All ``.json``, ``.json.gz`` and ``.json.zst`` files below a folder, by path; hidden ones are not seen.

    Raises:
        UsageError: `root` is not a folder that can be listed.
    """
    found: list[InputFile] = []
    try:
        _walk(os.path.abspath(root), kind, found, set())
    except OSError as error:
        raise UsageError(
            f"Cannot list {error.filename or root}: {error.strerror}. Name a readable folder."
        ) from error
    return sorted(found, key=lambda file: os.fsencode(file.path))


def _walk(folder: str, kind: Kind, found: list[InputFile], seen: set[tuple[int, int]]) -> None:
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in seen:  # links that loop
        return
    seen.add(identity)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            compression = _compression(entry.name)
            try:
                if entry.is_dir():
                    _walk(entry.path, kind, found, seen)
                elif compression != "" and entry.is_file():
                    status = entry.stat()
                    found.append(InputFile(kind, entry.path, status.st_size, status.st_mtime_ns, compression))
            except OSError as error:
                if error.filename != entry.path or (compression == "" and not entry.is_symlink()):
                    raise
                # A link that leads to itself, a file that vanished: reading it will say so, and no other file waits.
                if compression != "":
                    found.append(InputFile(kind, entry.path, 0, 0, compression))


def file_now(kind: Kind, name: str) -> InputFile | None:
    """The file of a name that the warehouse knows, as it is now; None when it is gone."""
    path = _path(name)
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return InputFile(kind, path, -1, 0, None)  # there, but not to be read: not what it was
    return InputFile(kind, path, status.st_size, status.st_mtime_ns, _compression(path))


def _path(name: str) -> str:
    """The path that `InputFile.name` was made of."""
    if not name.startswith("bytes:"):
        return name
    raw = name.removeprefix("bytes:").encode()
    return os.fsdecode(
        re.sub(
            rb"\\(\\|x([0-9a-f]{2}))",
            lambda escape: bytes.fromhex(escape[2].decode()) if escape[2] else b"\\",
            raw,
        )
    )


def _compression(name: str) -> str | None:
    """How a file of this name is compressed, None for not at all; "" when the file is none of ours."""
    name = name.lower()
    return next((how for suffix, how in _SUFFIXES.items() if name.endswith(suffix)), "")


def make_plan(connection: Connection[Any], files: Iterable[InputFile]) -> Plan:
    """Compare the files there are with those the warehouse has read."""
    found = list(files)
    settled = _settled(connection)
    doubtful = [file for file in found if (file.kind, file.name, file.version) not in settled]
    known = _known(connection, doubtful) if doubtful else {}
    plan = Plan(len(found), [])
    for file in doubtful:
        row = known.get((file.kind, file.name))
        if row is None or row.version is None or row.size != file.size:
            plan.new.append(file)
        elif (digest := content_digest(file)) != row.digest:
            plan.new.append(replace(file, digest=digest.hex()[:16] if digest else ""))
        else:
            plan.touched.append(file)
    return plan


def _settled(connection: Connection[Any]) -> set[tuple[Kind, str, str]]:
    """The files that were read and whose size and time tell that they are as they were: kind, path and version."""
    rows = connection.execute(
        "SELECT kind, path, version FROM etl.known_files"
        " WHERE trouble IS NULL AND mtime_ns < extract(epoch FROM seen_at) * 1000000000 - %s",
        [RACY_NS],
    )
    return set(rows.fetchall())


@dataclass(frozen=True, slots=True)
class _Known:
    version: str | None
    size: int
    digest: bytes | None


def _known(connection: Connection[Any], files: list[InputFile]) -> dict[tuple[str, str], _Known]:
    rows = connection.execute(
        "SELECT kind, path, version, size, digest FROM etl.known_files WHERE path = ANY(%s)",
        [[file.name for file in files]],
    )
    return {(kind, path): _Known(*rest) for kind, path, *rest in rows.fetchall()}


def content_digest(file: InputFile) -> bytes | None:
    """The SHA-256 of the bytes of a file; None when it cannot be read."""
    try:
        with open(open_file(file.path), "rb") as source:
            return hashlib.file_digest(source, "sha256").digest()
    except OSError:
        return None  # to be read again, and then its state says what is wrong with it


def open_file(path: str) -> int:
    """Open a file for reading; gives the descriptor.

    Raises:
        OSError: that cannot be done, or it is no file any more: a pipe would keep us waiting for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a file", path)
    return descriptor
