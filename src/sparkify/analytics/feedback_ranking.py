"""Rank songs by the feedback that was given after them, without adding up all of it."""

from typing import Any, Final

from psycopg import Connection, sql

from sparkify.analytics.asking import ask, fill
from sparkify.analytics.ranking import depth
from sparkify.analytics.selection import Selection
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.database.reading import Rows

_sql: Final = queries("analytics/feedback_ranking")

_NAMED: Final = sql.SQL(_sql["named"])
_KINDS: Final = ("thumbs_up", "thumbs_down", "playlist_adds", "friends_added")


def most_given(connection: Connection[Any], selection: Selection, limit: int) -> Rows:
    """The songs with most feedback; `selection` in whole months where possible."""
    days = selection.parameters()
    rows = from_lists(connection, selection, limit) if days["months"] < days["months_end"] else None
    return from_all(connection, selection, limit) if rows is None else rows


def from_lists(connection: Connection[Any], selection: Selection, limit: int) -> Rows | None:
    """The songs from the lists of the months; None if another song may have as much."""
    parts = {"named": _NAMED}
    rows = ask(connection, _sql["rank"], selection, limit=limit, depth=depth(limit), parts=parts)
    others = max(row["others"] or 0 for row in rows)
    rows = rows.having("track_id").without("others")
    is_enough = len(rows) == limit > 0 and sum(rows[-1][kind] for kind in _KINDS) > others
    return rows if is_enough else None


def from_all(connection: Connection[Any], selection: Selection, limit: int) -> Rows:
    """The songs from all that was given."""
    parts = {"named": _NAMED, "given": fill(_sql["given"])}
    # A hash table of so many tracks does not fit into a processor's cache, so sorting is faster.
    with planner(connection, enable_hashagg="off"):
        return ask(connection, _sql["add_up"], selection, limit=limit, parts=parts)
