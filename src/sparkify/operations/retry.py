"""Retry rejected records: judge them again by their stored text, and load those that pass.

One transaction for songs, and one for logs, judges, stages, publishes and keeps the books. A crash leaves the
records as they were. A retry claims the files, like a run that reads them.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify.analytics.state import reject_filter
from sparkify.create_tables import open_to_load
from sparkify.database.advice import described
from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.errors import SparkifyError
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.find import file_now
from sparkify.extract.json_records import on_one_line
from sparkify.extract.kinds import KINDS
from sparkify.extract.lines import CHUNK_BYTES, Slice
from sparkify.extract.plan import make_plan
from sparkify.extract.rejects import RejectedLine
from sparkify.extract.strict_json import unsound
from sparkify.publish.catalogue import publish_catalogue
from sparkify.publish.listening import summarize_indexes
from sparkify.publish.months import publish_month
from sparkify.publish.reports import keep_report, tally_of
from sparkify.publish.run import publish_run
from sparkify.report import Books
from sparkify.stage.claims import Claim, write_manifest
from sparkify.stage.copy import columns_of
from sparkify.stage.failed import lies_in_data
from sparkify.stage.runs import begin_run
from sparkify.stage.stager import Accounts, Claimed, Stager, plain
from sparkify.stage.tables import staged_months

_sql: Final = queries("operations/retry")

CHUNK_RECORDS: Final = 20_000
"""A chunk has at most this many records: each is a slice here, and a slice is a Python object."""


@dataclass(slots=True)
class Retried:
    """The report of a retry.

    Of the `tried` records, `passed` says what became of those that passed, and `remaining` counts the others
    by reason. The next four count records that were not tried: `changed`, of files that changed since they
    were read; `read_again`, of files that the next load will read; `incomplete`, whose file is gone; and
    those of `other_runs`.
    """

    run_id: int | None = None
    tried: int = 0
    passed: Books = field(default_factory=Books)
    remaining: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    read_again: int = 0
    incomplete: int = 0
    other_runs: int = 0
    seconds: float = 0.0

    def add(self, other: "Retried") -> None:
        """Add what became of other records that were tried."""
        self.tried += other.tried
        self.passed.add(other.passed)
        self.remaining.update(other.remaining)
        self.other_runs += other.other_runs

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        passed = {
            name: getattr(self.passed, name) for name in Books.__slots__ if name not in {"lines", "rejected"}
        }
        return {
            "run_id": self.run_id,
            "tried": self.tried,
            "passed": self.passed.lines,
            "became": passed,
            "remaining": self.remaining,
            "not_tried": {
                "changed": self.changed,
                "read_again": self.read_again,
                "incomplete": self.incomplete,
                "other_runs": self.other_runs,
            },
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class _File:
    file_id: int
    kind: Kind
    name: str
    manifest_id: int
    records: int
    incomplete: int
    settled: bool


def retry(
    *, dsn: str | None = None, path: str | None = None, reason: str | None = None, run: int | None = None
) -> Retried:
    """Judge rejected records again and load those that pass: all, or those chosen by `path`, `reason` and
    `run`.

    `path` chooses files whose path ends with it: a file name, with as many folders before it as needed.

    Raises:
        UsageError: there is no such `reason`, or a table of the warehouse has other columns.
        SparkifyError: it could not be done; the records of songs, or of logs, are unchanged.
    """
    started, dsn = time.monotonic(), resolve(dsn)
    done = Retried()
    wanted = reject_filter(path, reason, run)
    with server_errors(), open_to_load(dsn) as connection:
        if files := _choose(connection, wanted, done):
            with begin_run(dsn, connection) as done.run_id:
                _retry_files(dsn, connection, files, wanted, done)
                # Nothing is staged any more: this only ends the run.
                publish_run(connection, dsn, done.run_id)
                done.seconds = time.monotonic() - started
                keep_report(connection, done.run_id, done.as_dict())
    done.seconds = time.monotonic() - started
    return done


def _retry_files(
    dsn: str, connection: Connection[Any], files: list[_File], wanted: dict[str, Any], done: Retried
) -> None:
    assert done.run_id is not None
    retrier = _Retrier(dsn, done.run_id, wanted)
    try:
        for kind in KINDS:
            if of_kind := [file for file in files if file.kind == kind]:
                done.add(retrier.retry(of_kind))
        summarize_indexes(connection)
    except psycopg.Error as error:
        if not lies_in_data(error):
            raise
        publish_run(connection, dsn, done.run_id)  # end the run
        raise SparkifyError(
            f"Some of these lines cannot be published: {described(error)}. They are unchanged."
            " Retry one file or one reason at a time to find out which."
        ) from error
    finally:
        retrier.close()


def _choose(connection: Connection[Any], wanted: dict[str, Any], done: Retried) -> list[_File]:
    """Choose the files whose stored records suffice to judge them.

    Counts the others, and marks those that must be read again.
    """
    files = [_File(*row) for row in connection.execute(_sql["files"], wanted).fetchall()]
    on_disk = {file: file_now(file.kind, file.name) for file in files if file.settled}
    new = make_plan(connection, [now for now in on_disk.values() if now]).new
    changed = {(now.kind, now.name) for now in new}
    again, judged = [], []
    for file in files:
        if not file.settled:
            done.other_runs += file.records
        elif (file.kind, file.name) in changed:
            done.changed += file.records
        elif file.incomplete and on_disk[file]:
            done.read_again += file.records
            again.append(file)
        else:
            done.incomplete += file.incomplete
            judged.append(file)
    if again:
        with connection.transaction():
            ids = [file.file_id for file in again]
            marked = {"files": ids, "manifests": [file.manifest_id for file in again]}
            connection.execute(_sql["lock_files"], [ids])
            connection.execute(_sql["mark_as_new"], marked)
            connection.execute(_sql["free_versions"], marked)
    return judged


class _Retrier(Stager):
    """Stages rejected records (each as one slice) instead of files, and publishes them at once."""

    def __init__(self, dsn: str, run_id: int, wanted: dict[str, Any]) -> None:
        super().__init__(dsn, run_id, time.time())
        self._wanted = wanted
        self._report = Retried()
        self._manifests: dict[int, int] = {}  # by file: the entry in the manifest that has its rejects
        # File, line, present reason and detail of each record of the chunk.
        self._records: list[tuple[int, int, str, str]] = []

    def retry(self, files: list[_File]) -> Retried:
        """Retry the records of files of one kind, in one transaction.

        This locks the files first and the publisher last. `create-tables` goes the other way, because it
        locks whole tables, so the two may deadlock: the transaction is then done again.
        """
        self._session.run(lambda _: self._retry(files))
        return self._report

    def _retry(self, files: list[_File]) -> None:
        kind, connection = files[0].kind, self._connection
        ids = [file.file_id for file in files]
        if connection.execute(_sql["is_committed"], [ids, self._run_id]).rowcount:
            return  # only the answer to COMMIT was lost
        self._report = Retried()
        self._catalogue_version = None  # the transform remembers songs that were rolled back
        with self._transaction():
            claims = self._claim(files)
            chunks = self._chunks({file.file_id: file for file in files}, claims)
            self._stage_chunks(kind, chunks, self._note)
            write_manifest(connection, self._run_id, list(claims.values()))
            self._publish(kind)
            self._settle(claims)

    def _claim(self, files: list[_File]) -> dict[int, Claim]:
        ids = [file.file_id for file in files]
        self._connection.execute(_sql["lock_files"], [ids])
        rows = self._connection.execute(
            _sql["claim"],
            {"run_id": self._run_id, "files": ids, "manifests": [file.manifest_id for file in files]},
        ).fetchall()
        self._manifests = {file_id: manifest_id for file_id, _, manifest_id in rows}
        self._report.other_runs += sum(file.records for file in files if file.file_id not in self._manifests)
        return {file_id: Claim(entry, file_id, "retry") for file_id, entry, _ in rows}

    def _chunks(self, files: dict[int, _File], claims: dict[int, Claim]) -> Iterator[Claimed]:
        chunk: Claimed = []
        size = 0
        with self._connection.cursor("evidence") as cursor:
            cursor.itersize = 1000
            cursor.execute(_sql["records"], self._wanted | {"manifests": list(self._manifests.values())})
            self._records = []
            for file_id, line, reason, detail, record in cursor:
                file = InputFile(files[file_id].kind, files[file_id].name, 0, 0, None)
                chunk.append((_as_a_line(file, line, record), claims[file_id]))
                self._records.append((file_id, line, reason, detail))
                size += len(record)
                if size >= CHUNK_BYTES or len(chunk) >= CHUNK_RECORDS:
                    yield chunk
                    chunk, size, self._records = [], 0, []
            if chunk:
                yield chunk

    def _note(self, accounts: Accounts) -> None:
        """Store what became of each record of the chunk."""
        passed: list[tuple[int, int]] = []
        judged: list[tuple[int, int, str, str]] = []
        report = self._report
        for (file_id, line, reason, detail), (claim, books, rejects) in zip(
            self._records, accounts, strict=True
        ):
            report.tried += 1
            manifest_id = self._manifests[file_id]
            if not rejects:
                claim.books.add(books)
                passed.append((manifest_id, line))
                continue
            why = rejects[0].why
            report.remaining[why.reason] += 1
            if (why.reason, plain(why.detail)) != (reason, detail):
                judged.append((manifest_id, line, why.reason, plain(why.detail)))
        if passed:
            self._connection.execute(_sql["delete_passed"], columns_of(passed))
        if judged:
            self._connection.execute(_sql["change_reasons"], columns_of(judged))

    def _publish(self, kind: Kind) -> None:
        connection = self._connection
        if kind == "song":
            publish_catalogue(connection, self._run_id)
            return
        for month in staged_months(connection, self._run_id):
            publish_month(connection, self._run_id, month, retried=True)
            # Its temporary tables would last until the transaction ends, and the next month makes the same.
            connection.execute("DISCARD TEMP")

    def _settle(self, claims: dict[int, Claim]) -> None:
        connection = self._connection
        self._report.passed.add(tally_of(connection, self._run_id).books)
        pairs = {
            "retried": [claim.manifest_id for claim in claims.values()],
            "manifests": [self._manifests[file_id] for file_id in claims],
        }
        connection.execute(_sql["move_books"], pairs)
        connection.execute(_sql["delete_entries"], [self._run_id])


def _as_a_line(file: InputFile, line: int, record: bytes) -> Slice:
    """A rejected record as a slice of one line, also where it was written over several lines."""
    rejects = []
    if b"\n" in record:
        if why := unsound(record):
            rejects = [RejectedLine.of(line, why, record)]
        record = b"" if why else on_one_line(record)
    return Slice(file, line, record + b"\n", rejects, ends_file=True)
