"""Plan: which files there are, which of them are new, and how they are cut into batches."""

import hashlib
import os
from collections.abc import Iterable, Iterator
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
        """The path as text that PostgreSQL can hold: bytes that are not UTF-8 are written as escapes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def version(self) -> str:
        """Names this content of the file; part of the key of the manifest."""
        return f"{self.size}-{self.mtime_ns}-{self.digest}".removesuffix("-")


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
    try:
        return sorted(_walk(os.path.abspath(root), kind, set()), key=lambda file: os.fsencode(file.path))
    except OSError as error:
        raise UsageError(
            f"Cannot list {error.filename or root}: {error.strerror}. Name a readable folder."
        ) from error


def _walk(folder: str, kind: Kind, seen: set[tuple[int, int]]) -> Iterator[InputFile]:
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in seen:  # links that loop
        return
    seen.add(identity)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            compression = _SUFFIXES.get(_suffix(entry.name), "")
            try:
                if entry.is_dir():
                    yield from _walk(entry.path, kind, seen)
                elif compression != "" and entry.is_file():
                    status = entry.stat()
                    yield InputFile(kind, entry.path, status.st_size, status.st_mtime_ns, compression)
            except OSError as error:
                if error.filename != entry.path or (compression == "" and not entry.is_symlink()):
                    raise
                # A link that leads to itself, a file that vanished: reading it will say so, and no other file waits.
                if compression != "":
                    yield InputFile(kind, entry.path, 0, 0, compression)


def _suffix(name: str) -> str:
    return next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")


def make_plan(connection: Connection[Any] | None, files: Iterable[InputFile]) -> Plan:
    """Compare the files there are with those the warehouse has read. Without a connection, all are new."""
    found = list(files)
    known = _known(connection) if connection else {}
    plan = Plan(len(found), [])
    for file in found:
        row = known.get((file.kind, file.name))
        if row is None or row.version is None or row.size != file.size:
            plan.new.append(file)
        elif row.version == file.version and row.mtime_ns < row.seen_ns - RACY_NS and row.was_read:
            continue
        elif (digest := content_digest(file)) != row.digest:
            plan.new.append(replace(file, digest=digest.hex()[:16] if digest else ""))
        else:
            plan.touched.append(file)
    return plan


@dataclass(frozen=True, slots=True)
class _Known:
    version: str | None
    size: int
    mtime_ns: int
    digest: bytes | None
    seen_ns: int
    was_read: bool


def _known(connection: Connection[Any]) -> dict[tuple[str, str], _Known]:
    rows = connection.execute(
        "SELECT kind, path, version, size, mtime_ns, digest,"
        " (extract(epoch FROM seen_at) * 1000000000)::bigint, trouble IS NULL FROM etl.known_files"
    )
    return {(kind, path): _Known(*rest) for kind, path, *rest in rows}


def content_digest(file: InputFile) -> bytes | None:
    """The SHA-256 of the bytes of a file; None when it cannot be read."""
    try:
        with open(file.path, "rb") as source:
            return hashlib.file_digest(source, "sha256").digest()
    except OSError:
        return None  # to be read again, and then its state says what is wrong with it
