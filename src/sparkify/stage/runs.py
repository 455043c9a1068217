"""Runs: begin them, tell whether they are alive, take over dead ones, and drop what they staged.

A run lives as long as the transaction that holds its lease. A process that gets the lease of an unfinished
run knows that the run is dead, and publishes what it had staged.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.pq import TransactionStatus

from sparkify.database.queries import queries
from sparkify.database.session import Session
from sparkify.database.version import SCHEMA_VERSION
from sparkify.errors import SparkifyError
from sparkify.stage.blockers import Blockers
from sparkify.stage.tables import catalogue_table, month_tables, staged_months

LEASE_SECONDS: Final = 1.0
"""Seconds between two checks that the run still has its lease."""

_sql: Final = queries("stage/runs")
_session: Final = queries("database/session")


@contextmanager
def begin_run(dsn: str, connection: Connection[Any], *, has_songs: bool = True) -> Iterator[int]:
    """Begin a run, which lives until the block ends. Unless it `has_songs`, it cannot stage any.

    Raises:
        SparkifyError: the warehouse was upgraded to a newer version meanwhile, or was dropped under a run of
            this number that still goes on.
    """
    with closing(_Lease(dsn)) as lease:
        with connection.transaction():
            row = connection.execute(_sql["begin_run"], [SCHEMA_VERSION]).fetchone()
            if row is None:
                raise SparkifyError("A newer program has just upgraded the warehouse. Update sparkify.")
            # `sparkify db roles` may have handed the warehouse over since we connected. From now on it waits.
            connection.execute(_session["act_as_owner"])
            run_id = int(row[0])
            if not lease.take(run_id):  # a drop begins to count at 1 again
                raise SparkifyError(
                    f"The warehouse was dropped, and a run of the old one, also number {run_id}, is still"
                    " alive; or our connection was lost just now. Wait until that has ended, and load again."
                )
            if has_songs:
                connection.execute(
                    sql.SQL(_sql["create_catalogue"]).format(catalogue=catalogue_table(run_id))
                )
        with lease.kept():
            yield run_id
        lease.release()


class _Lease:
    """The transaction whose lock shows others that a run is alive."""

    def __init__(self, dsn: str) -> None:
        self._session = Session(dsn)
        self._run_id = 0
        self._ended = threading.Event()
        self._blockers = Blockers()

    def take(self, run_id: int) -> bool:
        """Take the lease of a run; False when another process has it."""
        self._run_id = run_id
        return self._session.run(_take_lease, run_id)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the lease until the block ends, and take it again when the connection is lost."""
        keeper = threading.Thread(target=self._keep, name="sparkify-lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._ended.set()
            self._session.give_up()
            keeper.join(1.0)

    def _keep(self) -> None:
        while not self._ended.is_set():
            try:
                if self._ended.wait(LEASE_SECONDS):
                    return
                if self._session.connection.info.transaction_status == TransactionStatus.INTRANS:
                    self._blockers.warn(self._session.connection)
                else:
                    self.take(self._run_id)
            except (psycopg.Error, SparkifyError, MemoryError, RuntimeError):
                time.sleep(LEASE_SECONDS / 10)  # staging or publishing will report what is wrong

    def release(self) -> None:
        """Release the lease now: after its connection is closed, a backend holds it for another moment."""
        connection = self._session.connection
        if connection.info.transaction_status == TransactionStatus.INTRANS:
            with suppress(psycopg.Error):  # a lost connection has released it
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection, which releases the lease soon."""
        self._session.close()


def _take_lease(connection: Connection[Any], run_id: int) -> bool:
    connection.execute("BEGIN")
    taken = _try_lease(connection, run_id)
    if not taken:
        connection.execute("ROLLBACK")
    return taken


def _try_lease(connection: Connection[Any], run_id: int) -> bool:
    # With a parameter, the query keeps its snapshot until the next: VACUUM could freeze nothing newer.
    row = connection.execute(sql.SQL(_sql["try_lease"]).format(run_id=sql.Literal(run_id))).fetchone()
    return bool(row and row[0])


def unfinished_runs(connection: Connection[Any]) -> list[tuple[int, str]]:
    """The runs with something staged, dead or alive, held or failed: (run_id, state), oldest first."""
    return connection.execute(_sql["unfinished_runs"]).fetchall()


@contextmanager
def adopt(dsn: str, run_id: int) -> Iterator[bool]:
    """Take over a run if its process is gone; yields whether it is."""
    with closing(_Lease(dsn)) as lease:
        yield lease.take(run_id)
        lease.release()


def refuse_live_runs(connection: Connection[Any]) -> None:
    """Make sure that no run is alive and none begins until the current transaction ends.

    Without the table of runs, or what tells their states, there can be none.

    Raises:
        SparkifyError: a run is alive.
    """
    (can_run,) = connection.execute(_sql["can_run"]).fetchone() or (False,)
    if not can_run:
        return
    connection.execute(_sql["let_none_begin"])
    for run_id, _ in unfinished_runs(connection):
        if not _try_lease(connection, run_id):
            raise SparkifyError(
                f"Run {run_id} is at work on this warehouse. Wait until it has ended, or stop it, and try"
                " again. Nothing was changed."
            )


def state_of(connection: Connection[Any], run_id: int) -> tuple[str, bool] | None:
    """A run's state, and whether a run in this state is at work unless it is dead; None if unknown."""
    return connection.execute(_sql["state_of"], [run_id]).fetchone()


def set_state(connection: Connection[Any], run_id: int, state: str, reason: str | None = None) -> None:
    """Set the state of a run, and why it failed.

    Waits for transactions that stage for the run. Later ones find it closed.

    Raises:
        SparkifyError: there is no such run any more.
    """
    refuse_lost(
        connection.execute(_sql["set_state"], {"state": state, "reason": reason, "run_id": run_id}), run_id
    )


def refuse_lost(found: Cursor[Any], run_id: int) -> None:
    """Make sure that a statement about a run has found it.

    Raises:
        SparkifyError: there is no such run any more.
    """
    if found.rowcount == 0:
        raise SparkifyError(
            f"Run {run_id} is not in the warehouse any more: somebody dropped the warehouse under it, with"
            " all that the run had loaded. Load again."
        )


def reason_of(connection: Connection[Any], run_id: int) -> str:
    """Why a run failed."""
    row = connection.execute(_sql["reason_of"], [run_id]).fetchone()
    return str(row[0]) if row else ""


def lock_publisher(connection: Connection[Any]) -> None:
    """Wait until no other transaction publishes, and block others until this transaction ends."""
    connection.execute(_sql["lock_publisher"])


def keep_open(connection: Connection[Any], run_id: int) -> None:
    """Keep a run open until the current transaction, which stages for it, has ended.

    Raises:
        SparkifyError: another program has taken over the run, or dropped the warehouse.
    """
    found = connection.execute(_sql["keep_open"], [run_id])
    refuse_lost(found, run_id)
    if found.fetchone() != (True,):
        raise SparkifyError(f"Run {run_id} was taken over by another program; start again.")


def end_staging(connection: Connection[Any], run_id: int) -> None:
    """Delete a run's notes on staging, and the books of its files' earlier versions, as the run ends.

    The transaction has locked the publisher.
    """
    for query in ("end_staging", "drop_old_versions"):
        connection.execute(sql.SQL(_sql[query]).format(run_id=sql.Literal(run_id)))


def drop_staging(connection: Connection[Any], run_id: int) -> None:
    """Discard what a run has staged and not published; the files of that are new again.

    Of all but a held run, the other files stay loaded, also those without plays and page views, and the run
    then counts as published.
    """
    catalogue = catalogue_table(run_id)
    names = {"run_id": sql.Literal(run_id), "catalogue_name": sql.Literal(catalogue.as_string())}
    months = [month_tables(run_id, month) for month in staged_months(connection, run_id)]
    with connection.transaction():
        lock_publisher(connection)  # `sparkify forget` searches the staged tables
        connection.execute(sql.SQL(_sql["find_unpublished"]).format(**names))
        for tables in months:
            connection.execute(sql.SQL(_sql["find_unpublished_logs"]).format(**tables))
        staged = [catalogue, *(table for tables in months for table in tables.values())]
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(staged)))
        connection.execute(sql.SQL(_sql["reset_files"]).format(**names))
        end_staging(connection, run_id)
        (kept,) = connection.execute(sql.SQL(_sql["has_files"]).format(**names)).fetchone() or (False,)
        set_state(connection, run_id, "published" if kept else "dropped")
