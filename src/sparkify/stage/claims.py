"""Claims: the files of a batch that this run may stage, and what became of their lines."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.errors import SparkifyError
from sparkify.extract.files import InputFile
from sparkify.extract.lines import Slice
from sparkify.report import Books, Tally
from sparkify.stage.copy import columns_of, copy_columns

_sql: Final = queries("stage/stage")
_counts: Final = attrgetter(*Books.__slots__)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts microseconds from here."""

_NOT_AS_SENT: Final = (
    "PostgreSQL does not return the names of files as they were sent ({name}). Nothing of them was kept."
    " Look for something in between: a pooler or a proxy that changes text, or a trigger on etl.known_files."
)


@dataclass(slots=True)
class Claim:
    """A file that this run may stage, its entry in the manifest, and what became of its lines so far."""

    manifest_id: int
    file_id: int
    version: str
    books: Books = field(default_factory=Books)


class Claims:
    """The claims of one batch of whole files, within its transaction."""

    def __init__(self, connection: Connection[Any], run_id: int, planned_at: float) -> None:
        self._connection = connection
        self._run_id = run_id
        self._planned_at = planned_at
        self._claims: dict[str, Claim | None] = {}
        self._not_given: list[InputFile] = []

    def take(self, chunk: list[Slice]) -> list[tuple[Slice, Claim]]:
        """Return the slices that this run may stage, with their claims; other runs have the other files."""
        wanted = {slice_.file.path: slice_ for slice_ in chunk if slice_.file.path not in self._claims}
        if len(wanted) < len(chunk):  # some files have more than one slice
            self._add_digests(slice_ for slice_ in chunk if slice_.file.path not in wanted)
        if wanted:
            files = [slice_.file for slice_ in wanted.values()]
            digests = [slice_.digest for slice_ in wanted.values()]
            claims = claim_files(self._connection, self._run_id, self._planned_at, files, digests)
            self._claims |= zip(wanted, claims, strict=True)
            self._not_given += [file for file, claim in zip(files, claims, strict=True) if not claim]
        return [(slice_, claim) for slice_ in chunk if (claim := self._claims[slice_.file.path])]

    def _add_digests(self, later: Iterable[Slice]) -> None:
        """Store the digests of claimed files that these slices end."""
        for slice_ in later:
            if slice_.ends_file and (claim := self._claims[slice_.file.path]):
                self._connection.execute(_sql["digest"], [slice_.digest, claim.file_id])

    def keep(self, done: Tally) -> None:
        """Write the manifest, and count the staged files and lines."""
        kept = [claim for claim in self._claims.values() if claim]
        done.books.add(write_manifest(self._connection, self._run_id, kept))
        done.files = len(kept)
        if self._not_given:
            self._count_earlier(done)

    def _count_earlier(self, done: Tally) -> None:
        """Count the files that this run staged in an earlier attempt, and so did not get again."""
        names = [file.name for file in self._not_given]
        rows = self._connection.execute(
            _sql["staged_earlier"], [self._run_id, self._not_given[0].kind, names]
        ).fetchall()
        known = [path for path, *_ in rows]
        _check_names(names, known)
        _check_names(known, names)  # they were not given because they are known
        ours = [Books(*books) for _, is_ours, *books in rows if is_ours]
        for books in ours:
            done.books.add(books)
        done.files += len(ours)
        done.left_to_others = len(names) - len(ours)


def claim_files(
    connection: Connection[Any],
    run_id: int,
    planned_at: float,
    files: Sequence[InputFile],
    digests: Sequence[bytes],
) -> list[Claim | None]:
    """Claim files of one kind; returns the claim of each, None if another run has the file.

    The digest of a file that is not read to its end yet is empty. `planned_at` is the time of the plan, in
    seconds since 1970: a later change to a file will be noticed.
    """
    claim = _Claiming(connection, run_id, datetime.fromtimestamp(planned_at, UTC), files, digests)
    if not any(file.is_known for file in files):
        # Another run, or an earlier attempt whose COMMIT was not answered, may have them by now.
        with suppress(psycopg.errors.UniqueViolation), connection.transaction():
            if claims := claim.new_files():
                return claims
    return claim.any_files()


class _Claiming:
    """Files to claim, and the two ways to do it."""

    def __init__(
        self,
        connection: Connection[Any],
        run_id: int,
        seen_at: datetime,
        files: Sequence[InputFile],
        digests: Sequence[bytes],
    ) -> None:
        self._connection = connection
        self._run_id = run_id
        self._seen_at = seen_at
        self._kind = files[0].kind
        self._names = [file.name for file in files]
        self._versions = [file.version for file in files]
        self._columns = {
            "path": ("text", self._names),
            "version": ("text", self._versions),
            "size": ("int8", [file.size for file in files]),
            "mtime_ns": ("int8", [None if file.etag else file.mtime_ns for file in files]),
            "digest": ("bytea", [digest or None for digest in digests]),
        }

    def new_files(self) -> list[Claim | None] | None:
        """Claim files that nobody has claimed before, in a third of the time; None if a trigger forbids it.

        Raises:
            psycopg.errors.UniqueViolation: somebody has claimed one.
        """
        row = self._connection.execute(_sql["new_numbers"], [len(self._names)], binary=True).fetchone()
        assert row is not None
        has_triggers, file_ids, manifest_ids = row
        if has_triggers:  # it may change names, which only the other way notices
            return None
        seen_at = (self._seen_at - _EPOCH) // timedelta(microseconds=1)
        copy_columns(
            self._connection,
            sql.Identifier("etl", "known_files"),
            self._columns
            | {
                "file_id": ("int4", file_ids),
                "kind": ("text", self._kind),
                "run_id": ("int8", self._run_id),
                "first_run_id": ("int8", self._run_id),
                "seen_at": ("int8", seen_at),
            },
        )
        return [*map(Claim, manifest_ids, file_ids, self._versions)]

    def any_files(self) -> list[Claim | None]:
        """Claim files that the warehouse may know."""
        self._connection.execute(_sql["prepare_claims"])
        copy_columns(self._connection, sql.Identifier("wanted_files"), self._columns)
        values = {"kind": self._kind, "run_id": self._run_id, "seen_at": self._seen_at}
        rows = self._connection.execute(_sql["claim"], values, binary=True)
        given = {name: (manifest_id, file_id) for name, manifest_id, file_id in rows.fetchall()}
        _check_names(self._names, given)
        return [
            Claim(*given[name], version) if name in given else None
            for name, version in zip(self._names, self._versions, strict=True)
        ]


def _check_names(sent: Iterable[str], answered: Iterable[str]) -> None:
    """Check that names come back as they were sent: a changed name would look like another run's file."""
    for name in set(answered).difference(sent):
        raise SparkifyError(_NOT_AS_SENT.format(name=name))


def write_manifest(connection: Connection[Any], run_id: int, claims: list[Claim]) -> Books:
    """Write the manifest entries of a run's claims, with their books; returns the sum of the books."""
    if not claims:
        return Books()
    counts = columns_of(_counts(claim.books) for claim in claims)
    copy_columns(
        connection,
        sql.Identifier("etl", "manifest"),
        {
            "run_id": ("int8", run_id),
            "manifest_id": ("int8", [claim.manifest_id for claim in claims]),
            "file_id": ("int4", [claim.file_id for claim in claims]),
            "version": ("text", [claim.version for claim in claims]),
            **{name: ("int8", count) for name, count in zip(Books.__slots__, counts, strict=True)},
        },
    )
    return Books(*map(sum, counts))
