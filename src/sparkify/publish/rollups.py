"""Keep the rollups of `analytics` equal to what their definitions compute from the plays.

All of them follow from ``user_days``: what each user heard on each day. Days behind those that the warehouse has of a month are
attached, like the plays. Days that the warehouse has already are replaced, with plays that come late or go. Then every rollup
deletes the rows that these days count for, and counts them again. Of a month that the warehouse has nothing of, rollups are
counted from the staged days, while the plays get their keys.

Which rollups there are and how one is added: schema/rollups.py.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.partitions import Span
from sparkify.schema.rollups import NAMES, ROLLUPS, Rollup

_sql: Final = queries("publish/rollups")
_days: Final = queries("publish/rollups/user_days")
_agents: Final = queries("publish/rollups/user_agents")
_sessions: Final = queries("publish/rollups/sessions")
_first_days: Final = queries("publish/rollups/first_days")

_EVERYTHING: Final = {"wanted": sql.SQL("true"), "sessions": sql.Identifier("analytics", "sessions")}

SAMPLE: Final = "10"
"""The statistics target for rollups. A tenth of the usual sample gives the same plans in a fifth of the time."""


def count_staged(connection: Connection[Any], month: Span, names: Mapping[str, sql.Composable]) -> None:
    """Merge the staged days of users of a month, and count the rollups from them if the warehouse has nothing of the month.

    One transaction, which may be repeated. It reads staged days only, so it can run while the plays get their keys.
    """
    with connection.transaction():
        connection.execute(sql.SQL(_days["hold"]).format(**names))
        with planner(connection, enable_nestloop="off"):  # the table has no statistics yet
            connection.execute(sql.SQL(_days["merge"]).format(**names))
        with planner(connection, default_statistics_target=SAMPLE):
            connection.execute(sql.SQL("ANALYZE {user_days}").format(**names))
        if not _is_known(connection, month):
            for rollup in ROLLUPS:
                if rollup.is_by_month:
                    _count_month(connection, rollup, names)


def _is_known(connection: Connection[Any], month: Span) -> bool:
    """Whether the warehouse has something of the month."""
    return any(month.is_attached(connection, rollup.name) for rollup in ROLLUPS if rollup.is_partitioned)


def _count_month(connection: Connection[Any], rollup: Rollup, names: Mapping[str, sql.Composable]) -> None:
    staged = names[rollup.name]
    definition = _definition(rollup, _EVERYTHING | {"user_days": names["user_days"]})
    count = sql.SQL(_sql["count_month"])
    connection.execute(count.format(staged=staged, rollup=_table(rollup), definition=definition))
    if rollup.is_partitioned:
        shape = sql.SQL(_sql["shape_as_partition"]).format(
            staged=sql.Literal(staged.as_string()), rollup=sql.Literal(_table(rollup).as_string())
        )
        for (statement,) in connection.execute(shape).fetchall():
            connection.execute(statement)
        with planner(connection, default_statistics_target=SAMPLE):
            connection.execute(sql.SQL("ANALYZE {}").format(staged))


def _definition(rollup: Rollup, sources: Mapping[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(rollup.queries["definition"]).format(**sources)


def _table(rollup: Rollup) -> sql.Identifier:
    return sql.Identifier("analytics", rollup.name)


def index_heard_songs(connection: Connection[Any]) -> None:
    """Index heard songs by track and artist, once there are some."""
    row = connection.execute(_sql["heard_songs_to_index"]).fetchone()
    if row and row[0]:
        connection.execute(_sql["index_heard_songs"])


def summarize_sessions(connection: Connection[Any]) -> None:
    """Bring the index of sessions up to date, after a publication: it may wait for VACUUM, and must not hold up others then."""
    connection.execute(_sessions["summarize"])


def analyze_rollups(connection: Connection[Any], only: LiteralString) -> None:
    """Make statistics of the tables that questions join, each in a transaction of its own: locks are short.

    `only` is ``ONLY`` where the server can leave out partitions: these have statistics before they are attached.
    """
    for table in (*NAMES, "heard_songs"):
        with planner(connection, default_statistics_target=SAMPLE):
            connection.execute(sql.SQL("ANALYZE " + only + " {}").format(sql.Identifier("analytics", table)))


class Rollups:
    """Applies the plays of one transaction to the rollups.

    The temporary table ``touched_days`` (user_id, day) names the days that are computed from their plays, which are in
    ``plays_of_days``. The warehouse may have those before `late_before` already. `names` are those of a month's tables, as in
    publish/months.sql.
    """

    def __init__(
        self, connection: Connection[Any], names: Mapping[str, sql.Composable], late_before: date = date.max
    ) -> None:
        self._connection = connection
        self._late_before = late_before
        self._attached: set[Rollup] = set()
        self._names = {
            "staged_since": sql.Literal(date.max), **names,
            "late_before": sql.Literal(late_before), "new_days": sql.Identifier("computed_days"),
            "new_agents": sql.Identifier("computed_agents"), "new_sessions": sql.Identifier("computed_sessions"),
        }  # fmt: skip
        self._run(_sql["begin"])

    def attach(self, piece: Span, *, as_staged: bool, counted: bool) -> None:
        """Attach the staged days of a piece of a month, and the rollups counted from them if it is the first piece.

        Unless the staged days hold `as_staged`, they are computed from the plays first. `counted` says that `count_staged` is done.
        """
        connection = self._connection
        if not counted:
            self._run(_days["remove_staged"])
            if not as_staged:
                self._compute_days(self._names["user_days"], self._late_before, date.max)
            count_staged(connection, piece.month, self._names)
        piece.attach(connection, "user_days", self._names["user_days"])
        self._names["attached"] = sql.Identifier("partitions", piece.partition("user_days"))
        for name in ("new_days", "new_agents", "new_sessions"):
            self._names[name] = sql.SQL(_sql[name]).format(**self._names)
        if not _is_known(connection, piece.month):
            self._attached = {rollup for rollup in ROLLUPS if rollup.is_by_month}
            for rollup in self._attached:
                if rollup.is_partitioned:
                    piece.month.attach(connection, rollup.name, self._names[rollup.name])
                else:
                    self._run(_sql["take_month"], rollup=_table(rollup), staged=self._names[rollup.name])

    def update(self) -> None:
        """Bring all tables up to date: first days, user agents and sessions, then the rollups."""
        self._compute_days(sql.Identifier("computed_days"), date.min, self._late_before)
        self._run(_agents["compute"])
        self._run(_sessions["compute"])
        for table in (_days, _agents, _first_days, _sessions):
            self._run(table["replace"])
        for rollup in ROLLUPS:
            if rollup not in self._attached:
                self._recount(rollup)
        self._run(_sql["end"])

    def _recount(self, rollup: Rollup) -> None:
        """Count again the rows of a rollup that the changed days count for."""
        changed = sql.SQL(_sql["changed_days"]).format(**self._names)
        scope = sql.SQL(rollup.queries["scope"]).format(days=changed)
        self._run(_sql["find_scope"], scope=scope)
        start = sql.Identifier(rollup.time)
        period = sql.Identifier("period") if rollup.time == "start" else sql.Literal(rollup.time)
        spans = self._run(_sql["spans_of_scope"], start=start, period=period).fetchall()
        if not spans:
            return
        columns = self._connection.execute(_sql["keys_of_scope"]).description or ()
        keys = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
        wanted = sql.SQL(_sql["in_scope"]).format(keys=keys)
        moments = [[datetime.combine(day, time(), UTC) for day in span] for span in spans]
        sources = {
            "wanted": wanted,
            "user_days": _within(_sql["days_within"], "day", spans),
            "sessions": _within(_sql["sessions_within"], "started_at", moments),
        }
        self._run(
            _sql["recount"], rollup=_table(rollup), wanted=wanted, definition=_definition(rollup, sources),
            in_spans=_in_spans(rollup.time, spans),
        )  # fmt: skip

    def _compute_days(self, table: sql.Composable, since: date, until: date) -> None:
        """Compute the touched days of a range from their plays."""
        plays = sql.SQL(_sql["plays_to_compute"]).format(since=sql.Literal(since), until=sql.Literal(until))
        definition = sql.SQL(_days["definition"]).format(
            plays=plays, heard_plays=self._names["heard_plays_there"]
        )
        self._run("INSERT INTO {computed} {definition}", computed=table, definition=definition)

    def _run(self, query: LiteralString, **names: sql.Composable) -> Any:
        return self._connection.execute(sql.SQL(query).format(**(self._names | names)))


def _in_spans(column: str, spans: Iterable[Iterable[date]]) -> sql.Composable:
    """The condition for a column to be in some spans. As constants, they let the planner choose the partitions."""
    between = sql.SQL("{column} >= {since} AND {column} < {until}")
    return sql.SQL("({})").format(
        sql.SQL(" OR ").join(
            between.format(column=sql.Identifier(column), since=sql.Literal(since), until=sql.Literal(until))
            for since, until in spans
        )
    )


def _within(query: LiteralString, column: str, spans: Iterable[Iterable[date]]) -> sql.Composed:
    return sql.SQL(query).format(in_spans=_in_spans(column, spans))


def forget_users(connection: Connection[Any]) -> None:
    """Take forgotten people out of the rollups, as part of the transaction that has deleted their plays.

    The people are in the temporary table ``gone_users``. The songs that only they have heard are still there.
    """
    connection.execute(_sql["days_of_gone_users"])
    there = {
        "songplays_there": sql.Identifier("public", "songplays"),
        "heard_plays_there": sql.Identifier("analytics", "heard_plays"),
    }
    Rollups(connection, there).update()
    connection.execute(_sql["end_of_days"])
