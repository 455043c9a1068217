"""Keep the rollups of `analytics` equal to what a computation from the plays gives.

All of them follow from `user_days`: what each user heard on each day. A publication replaces the users' days that it
touches, and changes the others by what that changed; so its cost is that of what is new.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.load.agents import name_agents
from sparkify.sql import load

_sql: Final = load("rollups")
_publish: Final = load("publish")


class Rollups:
    """The rollups on their way to what the plays of one transaction make of them.

    The temporary table `touched_days` (user_id, day) says which users' days before `computed_before` are computed from their
    plays, which are in `plays_of_days`; later days are as staged. `names` are those of a month's tables, as in publish.sql.
    """

    def __init__(self, connection: Connection[Any], names: Mapping[str, sql.Composable]) -> None:
        self._connection = connection
        self._names = dict(names)

    def are_staged(self) -> bool:
        """Whether the month was staged with its users' days; an older program did not, and then they are made, empty."""
        name = self._names["user_days"].as_string(self._connection)
        row = self._connection.execute(_publish["table_exists"], [name]).fetchone()
        if row and row[0]:
            return True
        self._run("make_staged")
        return False

    def update(self, computed_before: date = date.max) -> None:
        """Bring all rollups up to date."""
        self._names["computed_before"] = sql.Literal(computed_before)
        self._run("begin")
        self._run("compute_days")
        if "user_days" in self._names:
            self._run("take_days")
        self._run("replace_days")
        self._run("replace_sessions")
        self._run("count_users")
        self._run("count_tracks")
        lost = self._says("has_lost")
        if lost:
            self._run("lose_tracks")
        for what in ("tracks", "artists"):
            self._run(f"add_{what}" if self._says("knows_month") else f"gain_{what}")
        if lost:
            self._run("drop_tracks")
            self._run("drop_artists")
        self._run("count_hours")
        self._run("count_listeners")
        self._run("end")

    def _says(self, name: str) -> bool:
        row = self._connection.execute(_sql[name]).fetchone()
        return bool(row and row[0])

    def _run(self, name: str) -> None:
        self._connection.execute(sql.SQL(_sql[name]).format(**self._names))


def forget_users(connection: Connection[Any]) -> None:
    """Part of a transaction that has deleted the plays of the users in the temporary table `gone_users`, and not yet the
    songs that only they have heard: take them out of the rollups."""
    connection.execute(_sql["days_of_gone_users"])
    Rollups(connection, {"heard_plays_there": sql.Identifier("analytics", "heard_plays")}).update()
    connection.execute(_sql["end_of_days"])


def rebuild(connection: Connection[Any]) -> None:
    """Compute all rollups from the plays, as part of a transaction: when a warehouse of an older version gets them."""
    connection.execute(_sql["empty"])
    for (month,) in connection.execute(_sql["months"]).fetchall():
        names = _month(month)
        connection.execute(sql.SQL(_sql["users_days_of_month"]).format(**names))
        connection.execute(sql.SQL(_publish["find_plays"]).format(**names))
        Rollups(connection, names).update()
        connection.execute(_sql["end_of_days"])
    name_agents(connection)


def _month(month: date) -> dict[str, sql.Composable]:
    since = datetime(month.year, month.month, 1, tzinfo=UTC)
    until = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    between = sql.SQL("WHERE start_time >= {} AND start_time < {}").format(
        sql.Literal(since), sql.Literal(until)
    )
    return {
        "since": sql.Literal(since),
        "until": sql.Literal(until),
        "songplays_there": sql.SQL("(SELECT * FROM songplays {})").format(between),
        "heard_plays_there": sql.SQL("(SELECT * FROM analytics.heard_plays {})").format(between),
    }
