"""Stage one batch of files in one transaction.

A batch's claims, rows, rejects and manifest entries are committed together or not at all, and a version of a
file is claimed once. So a retry cannot stage a batch twice, and a COMMIT whose answer was lost has succeeded
if its manifest entries are there.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.advice import described
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.database.session import Session
from sparkify.errors import GivenUp
from sparkify.extract.batches import Batch
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.lines import Slice, chunks
from sparkify.extract.rejects import RejectedLine
from sparkify.patience import until
from sparkify.report import BatchSessions, Books, StagedBatch, Tally
from sparkify.stage.claims import Claim, Claims
from sparkify.stage.copy import columns_of, copy_bytes, copy_columns
from sparkify.stage.failed import lies_in_data
from sparkify.stage.matching import Matching
from sparkify.stage.parts import PartClaim
from sparkify.stage.runs import keep_open
from sparkify.stage.tables import BATCH_TABLES, CHUNK_TABLES, catalogue_table, create_months, month_tables
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.forgotten import Forgotten
from sparkify.transform.plays import PlayTransform
from sparkify.transform.sessions import Sessions

_sql: Final = queries("stage/stage")

Claimed = list[tuple[Slice, Claim]]
"""The slices of a chunk that a run may stage, with their claims."""

Accounts = Iterable[tuple[Claim, Books, list[RejectedLine]]]
"""For each slice of a chunk: its claim, books and rejects."""

_REJECTS: Final = {
    "manifest_id": "int8",
    "file_id": "int4",
    "line": "int8",
    "reason": "text",
    "detail": "text",
    "record": "bytea",
    "record_bytes": "int8",
}


class Stager:
    """A worker: one connection, which stages one batch after the other, and what it remembers between them.

    `planned_at` is the time of the plan, in seconds since 1970: a later change to a file will be noticed.
    The only worker of a run may use the `session` of the load; any other opens a connection of its own.
    """

    def __init__(self, dsn: str, run_id: int, planned_at: float, *, session: Session | None = None) -> None:
        self._dsn = dsn
        self._run_id = run_id
        self._planned_at = planned_at
        self._is_alone = session is not None
        self._session = session or Session(dsn)
        self._transform: PlayTransform | None = None
        self._catalogue: CatalogueTransform | None = None
        self._catalogue_version: int | None = None
        self._matching = Matching()
        self._forgotten = Forgotten()
        self._forgotten_sessions: set[int] = set()  # of forgotten people, that this transaction has met
        self._locked_months: set[date] = set()  # months that nobody publishes until the batch is committed
        self._made_by: dict[date, str] = {}  # by month: the transaction that created its tables

    @property
    def _connection(self) -> Connection[Any]:
        return self._session.connection

    def close(self) -> None:
        """Close the connection, if it is the worker's own, and free the memory."""
        if not self._is_alone:
            self._session.close()
        self._transform = self._catalogue = None

    def cancel(self, *, for_good: bool = False) -> None:
        """Stop this worker, and the server's work for it, as `Session.cancel` does."""
        self._session.cancel(for_good=for_good)

    def stage(self, batch: Batch) -> StagedBatch:
        """Stage a batch once, however often it is retried. The next run retries files that cannot be read.

        Raises:
            SparkifyError: another program took over the run, or a store of files cannot be reached.
            psycopg.Error: the server failed for good; nothing of the batch is kept.
        """
        with until(self._session.given_up):
            return self._session.run(lambda _: self._stage_what_can_be_read(batch))

    def _stage_what_can_be_read(self, batch: Batch) -> StagedBatch:
        unreadable: dict[str, str] = {}
        while True:
            try:
                done = self._stage(batch)
            except psycopg.Error as error:
                if batch.part or not lies_in_data(error):
                    raise
                if len(batch.files) > 1:  # find the file that is to blame, and stage the others
                    return self._stage_one_by_one(batch, unreadable)
                troubles = [(batch.files[0], described(error), "unreadable")]
            except (OSError, ExceptionGroup) as error:
                # The transaction is rolled back; retry the batch without the files.
                troubles = _troubles(batch, error)
                if not troubles:
                    raise
            else:
                done.unreadable = unreadable
                return done
            for failed, why, state in troubles:
                unreadable[failed.name] = why
                self._connection.execute(
                    _sql["note_trouble"],
                    {
                        "kind": failed.kind,
                        "path": failed.name,
                        "trouble": state,
                        "run_id": self._run_id,
                        "note": why,
                    },
                )
            batch = Batch(tuple(file for file in batch.files if file.name not in unreadable))
            if not batch.files:
                return StagedBatch(unreadable=unreadable)

    def _stage_one_by_one(self, batch: Batch, unreadable: dict[str, str]) -> StagedBatch:
        done, sessions = StagedBatch(unreadable=unreadable), Sessions()
        for file in batch.files:
            one = self._stage_what_can_be_read(Batch((file,)))
            done.add(one)
            done.months = sorted({*done.months, *one.months})
            sessions.add(one.sessions)
        done.sessions = sessions.months
        return done

    def _stage(self, batch: Batch) -> StagedBatch:
        try:
            return self._stage_in_a_transaction(batch)
        except BaseException:
            self._catalogue_version = None  # the transform remembers songs that were rolled back
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """The transaction that stages: nobody is forgotten during it, and the run stays open."""
        with self._connection.transaction():
            self._read_forgotten()
            keep_open(self._connection, self._run_id)
            self._locked_months.clear()
            self._forgotten_sessions.clear()
            yield

    def _stage_in_a_transaction(self, batch: Batch) -> StagedBatch:
        done, kind = StagedBatch(), batch.files[0].kind
        source = chunks(batch.files, batch.part)
        # A store may be slow: most transactions have one chunk, and others need not wait while it is read.
        read = list(islice(source, 1))
        with self._transaction():
            claims = self._claims(batch)
            claimed = self._claimed(claims, read, source)
            sessions = self._stage_chunks(kind, claimed, lambda accounts: self._account(accounts, done, kind))
            claims.keep(done)
        done.months = sorted(self._locked_months)
        done.sessions = sessions.months
        return done

    def _claims(self, batch: Batch) -> Claims | PartClaim:
        if batch.part:
            return PartClaim(self._connection, self._run_id, batch.files[0], batch.part)
        return Claims(self._connection, self._run_id, self._planned_at)

    def _claimed(
        self, claims: Claims | PartClaim, read: list[list[Slice]], source: Iterator[list[Slice]]
    ) -> Iterator[Claimed]:
        """Claim what was `read` and what follows in the `source`."""
        while (chunk := read.pop() if read else next(source, None)) is not None:
            if self._session.given_up.is_set():
                raise GivenUp
            if claimed := claims.take(chunk):
                yield claimed
            del chunk, claimed  # before the next one is read

    def _stage_chunks(
        self, kind: Kind, claimed_chunks: Iterator[Claimed], note: Callable[[Accounts], None]
    ) -> Sessions:
        """Stage chunks and what they come to; `note` takes the accounts on each chunk.

        Returns their sessions.
        """
        sessions = Sessions()
        transform = self._begin_batch() if kind == "log" else None
        stage = self._stage_events if transform else self._stage_songs
        for claimed in claimed_chunks:
            # A savepoint gives the chunk's rows their own xmin (see summarize in publish/months.sql).
            with self._connection.transaction():
                note(stage(claimed))
            del claimed  # before the next chunk is read
            if transform and transform.batch_is_full():
                sessions.add(self._finish_batch(transform))
                transform.begin_batch()
        if transform:
            sessions.add(self._finish_batch(transform))
        self._remember_sessions()
        return sessions

    def _read_forgotten(self) -> None:
        self._connection.execute(_sql["pass_gate"])
        if self._connection.execute(_sql["count_forgotten"]).fetchone() != (len(self._forgotten),):
            row = self._connection.execute(_sql["forgotten"]).fetchone()
            assert row is not None
            self._forgotten = Forgotten(*row)

    def _begin_batch(self) -> PlayTransform:
        row = self._connection.execute(_sql["warehouse"]).fetchone()
        assert row is not None
        version, *ts_range = row
        self._transform = self._transform or PlayTransform(tuple(ts_range))
        self._transform.forgotten = self._forgotten
        self._transform.begin_batch(forget_songs=self._catalogue_version != version)
        if self._catalogue_version != version:
            self._matching = Matching()
        self._catalogue_version = version
        return self._transform

    def _stage_events(self, claimed: Claimed) -> Accounts:
        assert self._transform is not None
        transform = self._transform
        file_ids = [claim.file_id for _, claim in claimed]
        result = transform.transform([slice_ for slice_, _ in claimed], file_ids)
        self._forgotten_sessions |= result.forgotten_sessions
        self._lock_months(result.months, transform)
        self._matching.match(self._connection, transform)
        for month in result.months:
            self._copy(transform, month, CHUNK_TABLES)
        counts = transform.counts()
        nothing = 0, 0, 0
        slices = [  # the first with plays has the counts: those with page views only are not read for them
            (month, file_ids[at], first, last, *(counts.pop(month, nothing) if first else nothing))
            for month, at, first, last in transform.slice_times()
        ]
        if slices:
            values = [self._run_id, self._catalogue_version, *columns_of(slices)]
            self._connection.execute(_sql["add_slices"], values)
        return zip((claim for _, claim in claimed), result.books, result.rejects, strict=True)

    def _finish_batch(self, transform: PlayTransform) -> dict[date, list[BatchSessions] | None]:
        """Stage what the batch comes to; returns its sessions by month, or None where they are not all."""
        months = transform.finish_batch()
        for month in months:
            self._copy(transform, month, BATCH_TABLES)
        found = {month: transform.sessions(month) for month in months}
        return {month: [sessions] if sessions else None for month, sessions in found.items()}

    def _remember_sessions(self) -> None:
        """Note sessions of forgotten people; at the end of the transaction, lest two workers deadlock."""
        if self._forgotten_sessions:
            self._connection.execute(_sql["remember_sessions"], [list(self._forgotten_sessions)])

    def _copy(self, transform: PlayTransform, month: date, tables: tuple[str, ...]) -> None:
        names = month_tables(self._run_id, month)
        for table in tables:
            if rows := transform.rows(table, month):
                copy_bytes(self._connection, names[table], rows)

    def _lock_months(self, months: list[date], transform: PlayTransform) -> None:
        """Keep these months from being published until the batch is committed; create missing tables."""
        while missing := [month for month in months if month not in self._locked_months]:
            rows = self._connection.execute(_sql["lock_months"], [self._run_id, missing])
            for month, made_by in rows:
                self._locked_months.add(month)
                if self._made_by.get(month) != made_by:
                    transform.forget_staged_songs(month)
                    self._made_by[month] = made_by
            if missing := [month for month in missing if month not in self._locked_months]:
                # Other workers would wait for the end of this transaction. It keeps read locks on the star.
                with nullcontext(self._connection) if self._is_alone else connect(self._dsn) as connection:
                    create_months(connection, self._run_id, missing)

    def _stage_songs(self, claimed: Claimed) -> Accounts:
        if self._catalogue is None:
            self._catalogue = CatalogueTransform()
        file_ids = [claim.file_id for _, claim in claimed]
        books, rejects = self._catalogue.transform([slice_ for slice_, _ in claimed], file_ids)
        copy_bytes(self._connection, catalogue_table(self._run_id), self._catalogue.rows())
        return zip((claim for _, claim in claimed), books, rejects, strict=True)

    def _account(self, accounts: Accounts, done: Tally, kind: Kind) -> None:
        """Add the accounts on a chunk to the books, and store its rejects."""
        rows = []
        forgotten = bool(self._forgotten)
        for claim, books, rejects in accounts:
            kept = self._kept(rejects, books, kind) if forgotten else rejects
            claim.books.add(books)
            for reject in kept:
                reason = reject.why.reason
                done.reasons[reason] += 1
                rows.append(
                    (claim.manifest_id, claim.file_id, reject.line, reason, plain(reject.why.detail),
                     reject.record, reject.record_bytes)
                )  # fmt: skip
        if rows:
            columns: dict[str, tuple[str, object]] = {
                name: (type_, list(values))
                for (name, type_), values in zip(_REJECTS.items(), zip(*rows, strict=True), strict=True)
            }
            columns["run_id"] = ("int8", self._run_id)
            copy_columns(self._connection, sql.Identifier("etl", "rejected_records"), columns)

    def _kept(self, rejects: list[RejectedLine], books: Books, kind: Kind) -> list[RejectedLine]:
        kept = [line for reject in rejects if (line := self._forgotten.keeps(reject, kind))]
        books.rejected = len(kept)
        books.forgotten += len(rejects) - len(kept)
        return kept


def _troubles(batch: Batch, error: OSError | ExceptionGroup[Exception]) -> list[tuple[InputFile, str, str]]:
    """The files of a batch that an error of reading names: why each was not read, and its state."""
    errors = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    named = {each.filename: each for each in errors if isinstance(each, OSError)}
    troubles = []
    for file in batch.files:
        if found := named.get(file.path):
            state = "vanished" if isinstance(found, FileNotFoundError) else "unreadable"
            troubles.append((file, found.strerror or "cannot be read", state))
    return troubles


def plain(text: str) -> str:
    """Escape what PostgreSQL's text cannot hold: details quote the input."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
