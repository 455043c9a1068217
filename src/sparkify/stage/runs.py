"""Runs: who is loading, and what is left of those that ended in the middle.

A run is alive while the transaction of its lease is open. Whoever can take the lease of a run that is not finished
knows that its process is gone, and publishes what it had staged.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.pq import TransactionStatus

from sparkify.database.queries import queries
from sparkify.database.session import Session
from sparkify.database.version import SCHEMA_VERSION
from sparkify.errors import SparkifyError
from sparkify.stage.tables import catalogue_table, month_tables, staged_months

LEASE_SECONDS: Final = 1.0
"""So often a run looks whether it still has its lease."""

_sql: Final = queries("stage/stage")


@contextmanager
def begin_run(dsn: str, connection: Connection[Any]) -> Iterator[int]:
    """A new run, alive until the block ends."""
    lease = _Lease(dsn)
    try:
        with connection.transaction():
            row = connection.execute(_sql["begin_run"], [SCHEMA_VERSION]).fetchone()
            if row is None:
                raise SparkifyError("A newer program has just upgraded the warehouse. Update sparkify.")
            run_id = int(row[0])
            lease.take(run_id)
            connection.execute(sql.SQL(_sql["create_catalogue"]).format(catalogue=catalogue_table(run_id)))
        with lease.kept():
            yield run_id
    finally:
        lease.close()


class _Lease:
    """The transaction that a run lives as long as: it only waits."""

    def __init__(self, dsn: str) -> None:
        self._session = Session(dsn)
        self._run_id = 0
        self._ended = threading.Event()

    def take(self, run_id: int) -> bool:
        """Whether nobody else had it."""
        self._run_id = run_id
        return self._session.run(_take_lease, run_id)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Look after it until the block ends: where the connection is lost, it is taken again."""
        keeper = threading.Thread(target=self._keep, name="sparkify-lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._ended.set()
            self._session.give_up()
            keeper.join(1.0)

    def _keep(self) -> None:
        while not self._ended.wait(LEASE_SECONDS):
            try:
                if self._session.connection.info.transaction_status == TransactionStatus.INTRANS:
                    self._session.connection.execute("SELECT 1")
                else:
                    self.take(self._run_id)
            except (psycopg.Error, SparkifyError):
                continue  # who stages or publishes will say what is wrong with the server

    def close(self) -> None:
        """Give it back."""
        self._session.close()


def _take_lease(connection: Connection[Any], run_id: int) -> bool:
    connection.execute("BEGIN")
    row = connection.execute(_sql["try_lease"], [run_id]).fetchone()
    taken = bool(row and row[0])
    if not taken:
        connection.execute("ROLLBACK")
    return taken


def unfinished_runs(connection: Connection[Any]) -> list[tuple[int, str]]:
    """The runs that are not finished, dead or alive, held or failed: (run_id, state), oldest first."""
    return connection.execute(
        "SELECT run_id, state FROM etl.runs WHERE etl.is_unfinished(state) ORDER BY run_id"
    ).fetchall()


@contextmanager
def adopt(dsn: str, run_id: int) -> Iterator[bool]:
    """Take over a run whose process is gone; gives whether it is."""
    lease = _Lease(dsn)
    try:
        yield lease.take(run_id)
    finally:
        lease.close()


def set_state(connection: Connection[Any], run_id: int, state: str, reason: str | None = None) -> None:
    """Note where a run stands, and why it failed; waits for transactions that still stage for it, and later ones are refused."""
    connection.execute(
        "UPDATE etl.runs SET state = %s, reason = %s, finished_at = CASE WHEN %s THEN now() END WHERE run_id = %s",
        [state, reason, state not in {"open", "publishing"}, run_id],
    )


def reason_of(connection: Connection[Any], run_id: int) -> str:
    """Why a run failed."""
    row = connection.execute("SELECT reason FROM etl.runs WHERE run_id = %s", [run_id]).fetchone()
    return str(row[0]) if row else ""


def hold_open(connection: Connection[Any], run_id: int) -> None:
    """Part of a transaction that stages: it counts only while the run is open.

    Raises:
        SparkifyError: another program has taken the run over.
    """
    row = connection.execute(_sql["hold_open"], [run_id]).fetchone()
    if row is None or not row[0]:
        raise SparkifyError(f"Run {run_id} was taken over by another program; start again.")


def drop_staging(connection: Connection[Any], run_id: int) -> None:
    """Throw away what a run has staged and not published; the files concerned are new again.

    Of a failed run, files of which everything is published stay loaded, and the run counts as published with these.
    """
    run = sql.Literal(run_id)
    catalogue = catalogue_table(run_id)
    months = [month_tables(run_id, month) for month in staged_months(connection, run_id)]
    with connection.transaction():
        connection.execute(
            queries("publish/months")["lock_publisher"]
        )  # whoever forgets a person looks at what is staged
        connection.execute(
            sql.SQL(_sql["find_unpublished"]).format(run_id=run, catalogue=sql.Literal(catalogue.as_string()))
        )
        for names in months:
            connection.execute(sql.SQL(_sql["find_unpublished_logs"]).format(**names))
        for table in (catalogue, *(table for names in months for table in names.values())):
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL(_sql["forget_files"]).format(run_id=run))
        connection.execute("DELETE FROM etl.staged_months WHERE run_id = %s", [run_id])
        connection.execute("DELETE FROM etl.staged_slices WHERE run_id = %s", [run_id])
        connection.execute("DELETE FROM etl.staged_parts WHERE run_id = %s", [run_id])
        connection.execute(queries("publish/months")["forget_old_versions"], {"run_id": run_id})
        kept = connection.execute("SELECT FROM etl.manifest WHERE run_id = %s", [run_id]).rowcount
        set_state(connection, run_id, "published" if kept else "dropped")
