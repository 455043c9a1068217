"""Plan a load: find the new files, and group them into batches."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.extract.batches import LEAST_PART_BYTES, Batch, Part
from sparkify.extract.files import InputFile, Kind, format_of
from sparkify.extract.formats import reader_of
from sparkify.extract.json_records import BEGINNING_BYTES
from sparkify.extract.storage import blocks

LEAST_BATCH_BYTES: Final = 24 << 20
MOST_BATCH_BYTES: Final = 256 << 20
BATCH_FILES: Final = 5000
BATCHES_PER_WORKER: Final = 8
"""Enough batches that no worker is left alone with a long one at the end."""

_sql: Final = queries("extract/plan")
_ROWS: Final = 10_000

RACY_NS: Final = 2_000_000_000
"""A file read within this time of its last change may change again and keep its time: some file systems and
editors count in steps of two seconds. The next load compares the bytes of such a file."""


@dataclass(slots=True)
class Plan:
    """A load's work: how many files were `found`, the `new` ones, those `touched` (new time, same bytes)."""

    found: int
    new: list[InputFile]
    touched: list[InputFile] = field(default_factory=list)

    def batch_bytes(self, kind: Kind, workers: int) -> int:
        """The best size of batches of one kind for this number of workers."""
        share = sum(file.size for file in self._of(kind)) // (workers * BATCHES_PER_WORKER)
        return min(max(share, LEAST_BATCH_BYTES), MOST_BATCH_BYTES)

    def large_logs(self, batch_bytes: int) -> list[InputFile]:
        """The new log files to cut into parts: larger than a batch, uncompressed, one record a line.

        Raises:
            StorageFailed: a store that holds one of the files cannot be reached.
        """
        least = max(batch_bytes, LEAST_PART_BYTES)
        return [
            file
            for file in self._of("log")
            if file.size > least and file.compression is None and _lines_are_records(file)
        ]

    def batches(
        self,
        kind: Kind,
        batch_bytes: int = MOST_BATCH_BYTES,
        parts: Mapping[InputFile, Sequence[Part]] | None = None,
    ) -> list[Batch]:
        """The new files of one kind in batches of about `batch_bytes`, in the order of their paths.

        Each of the `parts` of a file is one batch. A file that is larger and not cut is a batch by itself.
        """
        batches: list[Batch] = []
        files: list[InputFile] = []
        size = 0

        def close() -> None:
            nonlocal size
            if files:
                batches.append(Batch(tuple(files)))
            files.clear()
            size = 0

        for file in self._of(kind):
            if parts and file in parts:
                close()
                batches += [Batch((file,), part) for part in parts[file]]
                continue
            if size + file.size > batch_bytes or len(files) >= BATCH_FILES:
                close()
            files.append(file)
            size += file.size
        close()
        return batches

    def _of(self, kind: Kind) -> list[InputFile]:
        return [file for file in self.new if file.kind == kind]


def _lines_are_records(file: InputFile) -> bool:
    try:
        return reader_of(format_of(file.path), b"".join(blocks(file, 0, BEGINNING_BYTES))) is None
    except OSError:
        return False  # staging will report it


def make_plan(connection: Connection[Any], files: Sequence[InputFile]) -> Plan:
    """Compare the files that were found with those that the warehouse has read."""
    if connection.execute(_sql["any_known"]).fetchone() is None:
        return Plan(len(files), list(files))
    found: dict[str, dict[str, InputFile]] = {}
    for file in files:
        found.setdefault(file.kind, {})[file.name] = file
    plan = Plan(sum(map(len, found.values())), [])
    doubtful = _sort_out(connection, found)
    known = _known(connection, doubtful) if doubtful else {}
    for name, file in (each for of_kind in found.values() for each in of_kind.items()):
        row = known.get((file.kind, name))
        if row is None:
            plan.new.append(file)
        elif row.version is None or row.size != file.size or file.etag:
            plan.new.append(file._replace(is_known=True))
        elif row.dismissed and row.mtime_ns != file.mtime_ns:
            plan.new.append(file._replace(is_known=True))  # touched, to bring its dismissed rejects back
        elif (digest := content_digest(file, row.cuts)) is None or digest != row.digest:
            plan.new.append(file._replace(is_known=True, digest=digest.hex()[:16] if digest else ""))
        else:
            plan.touched.append(file)
    return plan


def _sort_out(connection: Connection[Any], found: dict[str, dict[str, InputFile]]) -> list[str]:
    """Remove from `found` the files that, by size and time, have not changed since they were read.

    Returns the names of the remaining known files. The warehouse's list is read in portions, because it may
    be far longer than `found`.
    """
    doubtful = []
    with connection.transaction(), connection.cursor("known_files") as known:
        known.itersize = _ROWS
        known.execute(_sql["known_files"], [RACY_NS])
        for kind, path, version, is_settled in known:
            of_kind = found.get(kind, {})
            if (file := of_kind.get(path)) is None:
                continue
            if is_settled and file.version == version:
                del of_kind[path]
            else:
                doubtful.append(path)
    return doubtful


@dataclass(frozen=True, slots=True)
class _Known:
    version: str | None
    size: int
    mtime_ns: int | None
    digest: bytes | None
    cuts: list[int] | None
    dismissed: bool


def _known(connection: Connection[Any], names: list[str]) -> dict[tuple[str, str], _Known]:
    rows = connection.execute(_sql["files_as_read"], [names])
    return {(kind, path): _Known(*rest) for kind, path, *rest in rows.fetchall()}


def content_digest(file: InputFile, cuts: Sequence[int] | None = None) -> bytes | None:
    """The SHA-256 of the bytes of a file; None when it cannot be read.

    For a file that was read in parts, which begin at `cuts`, it is the SHA-256 of the SHA-256 of each part.
    """
    try:
        if cuts:
            ends = [*cuts[1:], file.size]
            parts = (_digest(file, start, end - start) for start, end in zip(cuts, ends, strict=True))
            return hashlib.sha256(b"".join(parts)).digest()
        return _digest(file)
    except OSError:
        return None  # the file is planned as new, and staging reports the error


def _digest(file: InputFile, start: int = 0, size: int | None = None) -> bytes:
    digest = hashlib.sha256()
    for block in blocks(file, start, size):
        digest.update(block)
    return digest.digest()


def keep_touched(connection: Connection[Any], files: Sequence[InputFile], planned_at: float) -> None:
    """Record the new times of files with the same bytes, so that the next load need not compare them."""
    if not files:
        return
    seen_at = datetime.fromtimestamp(planned_at, UTC)
    columns = zip(*((file.kind, file.name, file.version, file.mtime_ns) for file in files), strict=True)
    connection.execute(_sql["note_touched"], [*map(list, columns), seen_at])
