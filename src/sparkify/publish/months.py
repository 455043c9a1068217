"""Publish a staged month in one transaction: readers see all of it or nothing."""

from datetime import date
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.publish.beside import Beside
from sparkify.publish.plans import choose
from sparkify.publish.rollups import summarize_sessions
from sparkify.publish.staged import StagedMonth
from sparkify.stage.runs import lock_publisher
from sparkify.transform.listened import Listened

_sql: Final = queries("publish/months")


def publish_month(
    connection: Connection[Any],
    run_id: int,
    month: date,
    *,
    wait: bool = True,
    retried: bool = False,
    listened: Listened | None = None,
    beside: Beside | None = None,
) -> None:
    """Publish one staged month of a run; do nothing if it is published already.

    While batches are staging plays of the month, this waits for them to commit; without `wait`, it leaves the
    month for later. With `retried`, the plays come from lines that were rejected before: stored plays of the
    same file then come from other lines, not from an earlier version. `listened` is what this process has
    staged. Part of the work is done `beside`: give it only when nothing more is staged for the run.
    """
    listened = listened or Listened()
    with connection.transaction():
        lock_publisher(connection)
        lock = _sql["lock_month"] if wait else _sql["lock_month_if_free"]
        if connection.execute(lock, [run_id, month]).fetchone() is None:
            return
        staged = StagedMonth(connection, run_id, month, listened, retried=retried)
        if facts := staged.read_facts():
            choose(facts)(staged, facts, beside).carry_out()
        staged.end()
    listened.drop(month)
    summarize_sessions(connection)
