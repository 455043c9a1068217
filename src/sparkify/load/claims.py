"""Claims: which files of a batch are ours to load, and the books of those that are."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
from psycopg import Connection, sql

from sparkify.books import Books
from sparkify.extract.lines import Slice
from sparkify.load.copy import copy_table
from sparkify.sql import load

_sql: Final = load("stage")
_WANTED: Final = pa.schema(
    [
        ("path", pa.string()),
        ("version", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.binary()),
    ]
)
_MANIFEST: Final = pa.schema(
    [
        ("run_id", pa.int64()),
        ("manifest_id", pa.int64()),
        ("file_id", pa.int32()),
        ("version", pa.string()),
        *((name, pa.int64()) for name in Books.__slots__),
    ]
)


@dataclass(slots=True)
class Claim:
    """A file that is ours: its number, that of its entry in the manifest, and what became of its lines so far."""

    manifest_id: int
    file_id: int
    version: str
    books: Books = field(default_factory=Books)


class Claims:
    """The claims of one batch, part of its transaction.

    `planned_at` is the moment of the plan, in seconds since 1970: a file that changed later will be found changed.
    """

    def __init__(self, connection: Connection[Any], run_id: int, planned_at: float) -> None:
        self._connection = connection
        self._run_id = run_id
        self._seen_at = datetime.fromtimestamp(planned_at, UTC)
        self._claims: dict[str, Claim | None] = {}
        connection.execute(_sql["prepare_claims"])

    def take(self, chunk: list[Slice]) -> list[tuple[Slice, Claim]]:
        """The slices of the files that are ours to load, with our claims; others are another run's."""
        wanted = {piece.file.path: piece for piece in chunk if piece.file.path not in self._claims}
        for piece in chunk:
            if piece.ends_file and piece.file.path not in wanted and (claim := self._claims[piece.file.path]):
                self._connection.execute(_sql["digest"], [piece.digest, claim.file_id])
        if wanted:
            self._ask(list(wanted.values()))
        return [(piece, claim) for piece in chunk if (claim := self._claims[piece.file.path])]

    def _ask(self, pieces: list[Slice]) -> None:
        files = [piece.file for piece in pieces]
        columns = (
            [file.name for file in files],
            [file.version for file in files],
            [file.size for file in files],
            [file.mtime_ns for file in files],
            [piece.digest or None for piece in pieces],
        )
        self._connection.execute("TRUNCATE wanted_files")
        copy_table(self._connection, sql.Identifier("wanted_files"), pa.table(list(columns), schema=_WANTED))
        rows = self._connection.execute(
            _sql["claim"], {"kind": files[0].kind, "run_id": self._run_id, "seen_at": self._seen_at}
        )
        given = {name: (manifest_id, file_id) for name, manifest_id, file_id in rows.fetchall()}
        for file in files:
            ids = given.get(file.name)
            self._claims[file.path] = Claim(*ids, file.version) if ids else None

    def keep(self) -> tuple[list[Claim], int]:
        """Write the manifest; gives our claims, and how many files were another run's."""
        kept = [claim for claim in self._claims.values() if claim]
        write_manifest(self._connection, self._run_id, kept)
        return kept, len(self._claims) - len(kept)


def write_manifest(connection: Connection[Any], run_id: int, claims: list[Claim]) -> None:
    """Write the entries of a run's claims, with their books."""
    rows = [
        [run_id] * len(claims),
        *([getattr(claim, name) for claim in claims] for name in ("manifest_id", "file_id", "version")),
        *([getattr(claim.books, name) for claim in claims] for name in Books.__slots__),
    ]
    manifest = pa.table(rows, schema=_MANIFEST)
    copy_table(connection, sql.Identifier("etl", "manifest"), manifest, _MANIFEST.names)
