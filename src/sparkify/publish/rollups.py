"""Keep the rollups of `analytics` equal to what a computation from the plays gives.

All of them follow from `user_days`: what each user heard on each day. What comes behind all that the warehouse has of a month
is attached to it, as the plays are. Users' days that it has already are replaced, and the other rollups changed by what
that changed. So the cost of a publication is that of what is new.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.publish.partitions import Span

_sql: Final = queries("publish/rollups")

_COMPUTED: Final = {
    "user_days": sql.Identifier("computed_days"),
    "track_months": sql.Identifier("pg_temp", "gained_tracks"),
    "artist_months": sql.Identifier("pg_temp", "gained_artists"),
    "hours": sql.Identifier("pg_temp", "gained_hours"),
}
_COUNTED: Final = ("tracks", "artists", "hours")


def count_staged(connection: Connection[Any], month: Span, names: Mapping[str, sql.Composable]) -> None:
    """Count who heard what, and when, on the staged users' days of a month, for `Rollups.attach`: one transaction, that may be done
    again.

    It needs nothing but what is staged, so it can be done while the plays get their keys.
    """
    counts = ["count_tracks", "count_artists"]
    with connection.transaction():
        if not month.is_attached(connection, "track_months"):
            counts += ["count_months", "index_counted"]
        for name in ("hold_days", "merge_days", "find_levels", *counts):
            connection.execute(sql.SQL(_sql[name]).format(**names))


def index_heard_songs(connection: Connection[Any]) -> None:
    """Index what heard songs are known by, if there are some and that is still to be done."""
    row = connection.execute(_sql["heard_songs_to_index"]).fetchone()
    if row and row[0]:
        connection.execute(_sql["index_heard_songs"])


def summarize_sessions(connection: Connection[Any]) -> None:
    """Bring the index of sessions up to date, when a publication is done: it waits for VACUUM, and then holds nobody up."""
    connection.execute(_sql["summarize"])


def analyze_rollups(connection: Connection[Any], only: LiteralString) -> None:
    """Make statistics of the rollups, of the partitioned ones without their partitions: `only` says so, where the server can."""
    # The sample is that of partitions (publish/rollups.sql, merge_days). It is set for the session: a transaction would hold all locks to its end.
    connection.execute("SET default_statistics_target = 10")
    connection.execute(sql.SQL(_sql["analyze"]).format(only=sql.SQL(only)))
    connection.execute("RESET default_statistics_target")


class Rollups:
    """The rollups on their way to what the plays of one transaction make of them.

    The temporary table `touched_days` (user_id, day) says which users' days are computed from their plays, which are in
    `plays_of_days`. Those before `late_before` the warehouse may have already. `names` are those of a month's tables, as in
    publish/months.sql.
    """

    def __init__(
        self, connection: Connection[Any], names: Mapping[str, sql.Composable], late_before: date = date.max
    ) -> None:
        self._connection = connection
        self._names = {
            "staged_since": sql.Literal(date.max), **names,
            "late_before": sql.Literal(late_before), "new_days": _COMPUTED["user_days"],
            "new_agents": sql.Identifier("computed_agents"), "new_sessions": sql.Identifier("computed_sessions"),
        }  # fmt: skip
        self._late_before = late_before
        self._months = "sum_months"
        self._run("begin")

    def attach(self, piece: Span, *, as_staged: bool, counted: bool) -> None:
        """Attach the users' days of a piece that was staged, and what was heard on them; add the plays by hour.

        Unless they count `as_staged`, they are computed from the plays first. `counted` says that `count_staged` was done.
        """
        connection = self._connection
        if not counted:
            self._run("remove_staged")
            if not as_staged:
                self._compute(self._names["user_days"], self._late_before, date.max)
                self._run("count_hours")
            count_staged(connection, piece.month, self._names)
        piece.attach(connection, "user_days", self._names["user_days"])
        attached = {"attached": sql.Identifier("partitions", piece.partition("user_days"))}
        for name in ("new_days", "new_agents", "new_sessions"):
            self._names[name] = sql.SQL(_sql[name]).format(**(self._names | attached))
        if piece.month.is_attached(connection, "track_months"):
            self._run("add_tracks")
            self._run("add_artists")
        else:
            self._months = "take_months"
            for table in ("track_months", "artist_months"):
                piece.month.attach(connection, table, self._names[table])
        self._run("add_hours")

    def update(self) -> None:
        """Bring all rollups up to date."""
        self._compute(_COMPUTED["user_days"], date.min, self._late_before)
        self._run("compute_sessions")
        self._run("replace_days")
        self._run("replace_sessions")
        for name in (self._months, "sum_years"):
            self._run(name)
        lost = self._says("has_lost")
        if lost:
            self._run("count_lost")
            for counted in _COUNTED:
                self._run(f"lose_{counted}")
        if self._says("has_computed"):
            self._run("find_levels", **_COMPUTED)
            for counted in _COUNTED:
                self._run(f"count_{counted}", **_COMPUTED)
                self._run(f"add_{counted}", **_COMPUTED)
        if lost:
            self._run("drop_lost")
        self._run("count_listeners")
        self._run("end")

    def _compute(self, table: sql.Composable, since: date, until: date) -> None:
        where = {"computed_from": sql.Literal(since), "computed_until": sql.Literal(until)}
        self._run("compute_days", computed=table, **where)

    def _says(self, name: str) -> bool:
        row = self._connection.execute(_sql[name]).fetchone()
        return bool(row and row[0])

    def _run(self, name: str, **names: sql.Composable) -> None:
        self._connection.execute(sql.SQL(_sql[name]).format(**(self._names | names)))


def forget_users(connection: Connection[Any]) -> None:
    """Part of a transaction that has deleted the plays of the users in the temporary table `gone_users`, and not yet the
    songs that only they have heard: take them out of the rollups."""
    connection.execute(_sql["days_of_gone_users"])
    there = {
        "songplays_there": sql.Identifier("public", "songplays"),
        "heard_plays_there": sql.Identifier("analytics", "heard_plays"),
    }
    Rollups(connection, there).update()
    connection.execute(_sql["end_of_days"])
