"""Large log files: a run claims the whole file, then stages its parts, each in its own transaction.

A part is staged once, because its transaction first writes its row in etl.staged_parts. The transaction that
stages the last part marks the file as read. If the run dies before that, the staged parts are published like
everything else, and the next run reads the file again, as one that has changed.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.extract.batches import Part, Range, Survey, cut, ranges
from sparkify.extract.files import InputFile
from sparkify.extract.lines import Slice
from sparkify.report import Books, Tally
from sparkify.stage.claims import Claim, claim_files

_sql: Final = queries("stage/stage")

Surveyor = Callable[[list[Range]], Sequence[Survey | None]]


def claim_large_files(
    connection: Connection[Any], run_id: int, planned_at: float, files: Sequence[InputFile]
) -> dict[InputFile, Claim | None]:
    """Claim log files that will be read in parts; returns None for those that another run has."""
    if not files:
        return {}
    with connection.transaction():
        claims = claim_files(connection, run_id, planned_at, files, [b""] * len(files))
        connection.execute(_sql["not_read_yet"], [[claim.file_id for claim in claims if claim]])
    return dict(zip(files, claims, strict=True))


def cut_files(
    claims: Mapping[InputFile, Claim | None], part_bytes: int, workers: int, survey: Surveyor
) -> dict[InputFile, list[Part]]:
    """Cut files into parts of about `part_bytes`, the same number for each worker; other runs' files get
    none."""
    wanted = {file: ranges(file, part_bytes, workers) if claim else [] for file, claim in claims.items()}
    found = iter(survey([each for of_file in wanted.values() for each in of_file]))
    parts: dict[InputFile, list[Part]] = {}
    for file, claim in claims.items():
        surveys = [next(found) for _ in wanted[file]]
        cuts = cut(file, surveys) if claim else []
        parts[file] = [Part(*bounds, claim.file_id, claim.manifest_id) for bounds in cuts if claim]
    return parts


class PartClaim:
    """The claim on one part, within its transaction; waits while another attempt stages the part."""

    def __init__(self, connection: Connection[Any], run_id: int, file: InputFile, part: Part) -> None:
        self._connection = connection
        self._run_id = run_id
        self._file = file
        self._part = part
        self._lines = 0
        # Until the file is complete, its books get another version: another run may have to read this one.
        self._claim = Claim(part.manifest_id, part.file_id, f"{file.version}-run{run_id}")
        key = (run_id, part.file_id, part.start)
        self._is_ours = connection.execute(_sql["claim_part"], [*key, part.size]).rowcount == 1

    def take(self, chunk: list[Slice]) -> list[tuple[Slice, Claim]]:
        """Return the slices with our claim; none if another attempt has staged the part.

        Raises:
            OSError: the part has other lines than when the file was cut, and lines of the next part may have
                their numbers.
        """
        if not self._is_ours:
            return []
        self._lines += sum(slice_.lines for slice_ in chunk)
        planned, ends = self._part.lines, chunk[-1].ends_file
        if planned is not None and (self._lines > planned or (ends and self._lines < planned)):
            raise OSError(errno.ESTALE, "changed while it was read", self._file.path)
        if ends:
            part = self._part
            self._connection.execute(
                _sql["digest_part"], [chunk[-1].digest, self._run_id, part.file_id, part.start]
            )
        return [(slice_, self._claim) for slice_ in chunk]

    def keep(self, done: Tally) -> None:
        """Add the part's books to the file's, and mark the file as read after its last part."""
        if not self._is_ours:
            return
        claim = self._claim
        done.books.add(claim.books)
        books = [getattr(claim.books, name) for name in Books.__slots__]
        self._connection.execute(_sql["lock_file"], [claim.file_id])
        self._connection.execute(
            _sql["add_books"], [claim.manifest_id, claim.file_id, claim.version, self._run_id, *books]
        )
        whole = {
            "run_id": self._run_id,
            "file_id": claim.file_id,
            "size": self._file.size,
            "version": self._file.version,
        }
        done.files = self._connection.execute(_sql["complete"], whole).rowcount
