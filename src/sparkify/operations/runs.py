"""Release or drop held and failed runs: publish what they staged after all, or discard it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from sparkify.create_tables import open_to_load
from sparkify.database.connection import resolve, server_errors
from sparkify.database.reading import open_existing
from sparkify.errors import SparkifyError
from sparkify.publish.reports import report_of, tally_of
from sparkify.publish.run import publish_run
from sparkify.report import Tally
from sparkify.stage.failed import failure
from sparkify.stage.runs import adopt, drop_staging, state_of


def release(run_id: int, *, dsn: str | None = None) -> Tally:
    """Publish a held run in spite of its rejects, or a failed one; returns its files and books.

    Raises:
        UsageError: a table of the warehouse has other columns.
        SparkifyError: there is no such run, it is neither held nor failed, or it failed again.
    """
    dsn = resolve(dsn)
    with _adopted(run_id, dsn) as connection:
        if reason := publish_run(connection, dsn, run_id):
            raise SparkifyError(failure(run_id, reason))
        return report_of(connection, run_id).tally


def drop(run_id: int, *, dsn: str | None = None) -> int:
    """Discard what a held, failed or dead run has staged and not published.

    The files of that are new to the next load. Returns how many they are.

    Raises:
        SparkifyError: there is no such run, it is running, or it has ended.
    """
    with _adopted(run_id, resolve(dsn), or_dead=True) as connection:
        before = tally_of(connection, run_id)
        drop_staging(connection, run_id)
        return before.files - tally_of(connection, run_id).files


def _open(dsn: str, *, to_load: bool) -> Connection[Any]:
    return open_to_load(dsn) if to_load else open_existing(dsn, for_questions=False)


@contextmanager
def _adopted(run_id: int, dsn: str, *, or_dead: bool = False) -> Iterator[Connection[Any]]:
    """Open the warehouse and take the run over for the block, so that no other program changes it."""
    with server_errors(), _open(dsn, to_load=not or_dead) as connection:
        if state_of(connection, run_id) is None:
            raise SparkifyError(f"There is no run {run_id}. `sparkify runs list` lists all runs.")
        with adopt(dsn, run_id) as is_dead:
            if not is_dead:
                raise SparkifyError(f"Run {run_id} is still running. Wait until it has ended.")
            state, was_at_work = state_of(connection, run_id) or ("", False)
            if state not in {"held", "failed"} and not (or_dead and was_at_work):
                then = "; the next `sparkify etl` finishes it" if was_at_work else ""
                raise SparkifyError(
                    f"Run {run_id} is {state}, neither held nor failed{then}. Nothing was changed."
                )
            yield connection
