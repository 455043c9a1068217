"""Publish the page views of a month. The staged table becomes the partition of a new month."""

from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.activity import Activity
from sparkify.publish.staged import StagedMonth

_sql: Final = queries("publish/page_views")


def publish_page_views(month: StagedMonth, activity: Activity) -> bool:
    """Publish the staged page views, in the transaction of the month, and note what changes for `activity`.

    Of several lines with the same page view one is kept, in whatever order they come (docs/rules.md). Returns
    whether the month's page views are those that were staged: none was deleted, and none was there before.
    """
    connection, span, staged = month.connection, month.span, month.tables["page_views"]
    are_all = not month.run("remove_forgotten_views").rowcount
    if span.is_attached(connection, "page_views"):
        month.run("merge_page_views")
        return False
    if not month.row("any_page_view")[0]:
        return are_all
    try:
        with connection.transaction():
            span.add_keys(connection, "page_views", staged)
    except psycopg.errors.UniqueViolation:
        are_all = False
        # The planner expects one row from a join on two columns: its loop would take minutes.
        with planner(connection, enable_nestloop="off"):
            month.run("remove_repeated_views")
    activity.note_views(staged)
    span.attach(connection, "page_views", staged)
    return are_all


def delete_forgotten_views(connection: Connection[Any]) -> None:
    """Delete what was published of sessions before a load met the lines of forgotten people in them."""
    if sessions := [session for (session,) in connection.execute(_sql["new_sessions"])]:
        activity = Activity(connection)
        connection.execute(_sql["delete_forgotten_views"], [sessions])
        activity.update()
