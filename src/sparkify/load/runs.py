"""Runs: who is loading, and what is left of those that ended in the middle.

A run is alive while the transaction of its lease is open. Whoever can take the lease of a run that is not finished
knows that its process is gone, and publishes what it had staged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.connection import connect
from sparkify.errors import SparkifyError
from sparkify.sql import load
from sparkify.upgrade import SCHEMA_VERSION

CHUNK_TABLES: Final = ("songplays", "heard_plays", "time", "heard_songs", "repeated")
"""The tables of a staged month that each chunk adds to; transform.sql has a query ``month_<table>`` for every table."""

BATCH_TABLES: Final = ("users", "levels", "user_days", "sessions")
"""Those to which a batch adds what its chunks came to together."""

_sql: Final = load("stage")


@contextmanager
def begin_run(dsn: str, connection: Connection[Any]) -> Iterator[int]:
    """A new run, alive until the block ends."""
    with _lease(dsn) as lease:
        with lease.transaction():
            with connection.transaction():
                row = connection.execute(_sql["begin_run"], [SCHEMA_VERSION]).fetchone()
                if row is None:
                    raise SparkifyError("A newer program has just upgraded the warehouse. Update sparkify.")
                run_id = int(row[0])
                lease.execute(_sql["lease"], [run_id])
                connection.execute(
                    sql.SQL(_sql["create_catalogue"]).format(catalogue=catalogue_table(run_id))
                )
            yield run_id


def _lease(dsn: str) -> Connection[Any]:
    # A lease is a transaction that only waits; a server that ends such transactions must not end this one.
    lease = connect(dsn)
    try:
        lease.execute("SET idle_in_transaction_session_timeout = 0")
        if lease.info.server_version >= 170000:
            lease.execute("SET transaction_timeout = 0")
    except BaseException:
        lease.close()
        raise
    return lease


def unfinished_runs(connection: Connection[Any]) -> list[tuple[int, str]]:
    """The runs that are not finished, dead or alive, and those held: (run_id, state), oldest first."""
    return connection.execute(
        "SELECT run_id, state FROM etl.runs WHERE state IN ('open', 'publishing', 'held') ORDER BY run_id"
    ).fetchall()


@contextmanager
def adopt(dsn: str, run_id: int) -> Iterator[bool]:
    """Take over a run whose process is gone; gives whether it is."""
    with _lease(dsn) as lease, lease.transaction():
        row = lease.execute(_sql["try_lease"], [run_id]).fetchone()
        yield bool(row and row[0])


def set_state(connection: Connection[Any], run_id: int, state: str) -> None:
    """Note where a run stands; waits for transactions that still stage for it, and later ones are refused."""
    connection.execute(
        "UPDATE etl.runs SET state = %s, finished_at = CASE WHEN %s THEN now() END WHERE run_id = %s",
        [state, state in {"published", "held", "dropped"}, run_id],
    )


def hold_open(connection: Connection[Any], run_id: int) -> None:
    """Part of a transaction that stages: it counts only while the run is open.

    Raises:
        SparkifyError: another program has taken the run over.
    """
    row = connection.execute(_sql["hold_open"], [run_id]).fetchone()
    if row is None or not row[0]:
        raise SparkifyError(f"Run {run_id} was taken over by another program; start again.")


def staged_months(connection: Connection[Any], run_id: int) -> list[date]:
    """The months that a run has staged and not yet published."""
    return [month for (month,) in connection.execute(_sql["staged_months"], [run_id])]


def month_table(run_id: int, month: date, table: str) -> str:
    """The name, within the schema staging, of one table of a staged month."""
    return f"run{run_id}_{month:%Y_%m}_{table}"


def month_tables(run_id: int, month: date) -> dict[str, sql.Identifier]:
    """The names of the tables that a staged month consists of."""
    return {
        table: sql.Identifier("staging", month_table(run_id, month, table))
        for table in CHUNK_TABLES + BATCH_TABLES
    }


def catalogue_table(run_id: int) -> sql.Identifier:
    """The name of the table with the catalogue records that a run stages."""
    return sql.Identifier("staging", f"run{run_id}_catalogue")


def create_months(connection: Connection[Any], run_id: int, months: list[date]) -> None:
    """Make the tables of staged months, each once, however many workers ask."""
    for month in months:
        with connection.transaction():
            if connection.execute(_sql["add_month"], [run_id, month]).fetchone():
                connection.execute(sql.SQL(_sql["create_month"]).format(**month_tables(run_id, month)))


def drop_staging(connection: Connection[Any], run_id: int) -> None:
    """Throw away what a run has staged; its files are new again."""
    with connection.transaction():
        connection.execute(
            load("publish")["lock_publisher"]
        )  # whoever forgets a person looks at what is staged
        for month in staged_months(connection, run_id):
            for table in month_tables(run_id, month).values():
                connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(catalogue_table(run_id)))
        connection.execute("DELETE FROM etl.staged_months WHERE run_id = %s", [run_id])
        connection.execute("DELETE FROM etl.staged_slices WHERE run_id = %s", [run_id])
        connection.execute("DELETE FROM etl.staged_parts WHERE run_id = %s", [run_id])
        connection.execute(sql.SQL(_sql["forget_files"]).format(run_id=sql.Literal(run_id)))
        connection.execute("DELETE FROM etl.manifest WHERE run_id = %s", [run_id])
        set_state(connection, run_id, "dropped")
