"""Publish a staged month: one transaction, after which readers see the month as a whole."""

from datetime import date
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.publish.plans import choose
from sparkify.publish.rollups import summarize_sessions
from sparkify.publish.staged import StagedMonth
from sparkify.stage.runs import lock_publisher

_sql: Final = queries("publish/months")


def publish_month(
    connection: Connection[Any], run_id: int, month: date, *, wait: bool = True, retried: bool = False
) -> None:
    """Publish one staged month of a run; do nothing when it is published already.

    Batches may be staging plays of the month: with `wait` publication waits for them to commit, without it leaves the
    month for later. With `retried` the plays come from lines that were rejected before: what the warehouse has from the
    same file is then of another line, not of an earlier version.
    """
    with connection.transaction():
        lock_publisher(connection)
        lock = _sql["lock_month"] if wait else _sql["lock_month_if_free"]
        if connection.execute(lock, [run_id, month]).fetchone() is None:
            return
        staged = StagedMonth(connection, run_id, month, retried=retried)
        if facts := staged.read_facts():
            choose(facts)(staged, facts).carry_out()
        staged.end()
    summarize_sessions(connection)
