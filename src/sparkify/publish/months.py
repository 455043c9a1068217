"""Publish a staged month in one transaction: readers see all of it or nothing."""

from datetime import date
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.publish.activity import Activity
from sparkify.publish.background import Background
from sparkify.publish.page_views import publish_page_views
from sparkify.publish.plans import choose
from sparkify.publish.staged import StagedMonth
from sparkify.stage.runs import lock_publisher
from sparkify.transform.sessions import Sessions

_sql: Final = queries("publish/months")


def publish_month(
    connection: Connection[Any],
    run_id: int,
    month: date,
    *,
    ahead: bool = False,
    retried: bool = False,
    sessions: Sessions | None = None,
    background: Background | None = None,
) -> None:
    """Publish one staged month of a run; do nothing if it is published already.

    While batches are staging plays of the month, this waits for them to commit. With `ahead`, because the run
    is still staging, it leaves the month for later instead. With `retried`, the plays come from lines that
    were rejected before: stored plays of the same file then come from other lines, not from an earlier
    version. `sessions` is what this process has staged. Some of the work is done in the `background`.
    """
    sessions = sessions or Sessions()
    with connection.transaction():
        lock_publisher(connection)
        lock = _sql["lock_month_if_free"] if ahead else _sql["lock_month"]
        if connection.execute(lock, [run_id, month]).fetchone() is None:
            return
        staged = StagedMonth(connection, run_id, month, sessions, ahead=ahead, retried=retried)
        summary = staged.summarize()
        activity = Activity(connection)
        publication = choose(summary)(staged, summary, background) if summary else None
        if publication:
            publication.carry_out()
        counted = publication.counted_activity() if publication else None
        are_all = publish_page_views(staged, activity)
        activity.update(staged.names if publication else None, counted if are_all else None)
        staged.end()
    sessions.drop(month)
