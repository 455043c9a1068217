"""Keep the rollups of listening equal to what their definitions compute from the plays.

They are counted from ``user_days``: what each user heard on each day. New days are attached, like
their plays. Late or deleted plays replace the days they fall on, and every rollup then recounts the rows that
depend on those days. What new days come to is counted from them alone where that is all (days.py).

schema/rollups.py finds the rollups, and says how to add one.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.planner import session_settings
from sparkify.database.queries import queries
from sparkify.publish.activity import Activity
from sparkify.publish.counts import SAMPLE
from sparkify.publish.days import StagedDays
from sparkify.publish.partitions import Span, only
from sparkify.publish.recount import recount
from sparkify.schema.rollups import LISTENING, NAMES, Rollup, queries_of

_sql: Final = queries("publish/listening")
_levels: Final = queries("publish/levels")
_days: Final = queries_of("user_days")
_agents: Final = queries_of("user_agents")
_sessions: Final = queries_of("sessions")
_first_days: Final = queries_of("first_days")


def index_heard_songs(connection: Connection[Any]) -> None:
    """Index heard songs by track and artist, once there are some."""
    row = connection.execute(_sql["heard_songs_to_index"]).fetchone()
    if row and row[0]:
        connection.execute(_sql["index_heard_songs"])


def summarize_indexes(connection: Connection[Any]) -> None:
    """Summarise the BRIN indexes. It may wait for VACUUM, so call it after publishing, without locks."""
    connection.execute(_sql["summarize_indexes"])


def analyze_rollups(connection: Connection[Any]) -> None:
    """Analyze the tables that questions join, each in a separate transaction, so that locks are short.

    Partitions were analyzed before they were attached. If the server dies now, statistics may be lost, and
    nothing else.
    """
    of_each = sql.SQL(only(connection) + " {}")
    tables = sql.SQL(", ").join(
        of_each.format(sql.Identifier("analytics", table)) for table in (*NAMES, "heard_songs")
    )
    with session_settings(connection, default_statistics_target=SAMPLE, synchronous_commit="off"):
        connection.execute(sql.SQL("ANALYZE {}").format(tables))


class ListeningRollups:
    """Applies the plays of one transaction to the rollups.

    The temporary table ``touched_days`` (user_id, day) lists the days to compute from the plays in
    ``plays_of_days``; ``events`` takes the days that changed, for `Activity`. The warehouse may already have
    days before `late_before`. `names` are the names of a month's tables, as in `StagedMonth`. Once in a
    transaction, as `Activity`.
    """

    def __init__(
        self, connection: Connection[Any], names: Mapping[str, sql.Composable], late_before: date = date.max
    ) -> None:
        self._connection = connection
        self._late_before = late_before
        self._counted: set[Rollup] = set()  # of attached days
        self._names = {
            "staged_since": sql.Literal(date.max), **names,
            "late_before": sql.Literal(late_before),
            "new_days": sql.Identifier("computed_days"), "new_agents": sql.Identifier("computed_agents"),
            "new_sessions": sql.Identifier("computed_sessions"),
        }  # fmt: skip
        self._run(_sql["begin"])

    def attach(self, span: Span, days: StagedDays, *, as_staged: bool, are_ready: bool) -> None:
        """Attach the staged days of a span, and publish what is counted from them.

        Unless the staged days are right `as_staged`, compute them from the plays first. `are_ready` tells
        that they are prepared already.
        """
        connection, user_days = self._connection, self._names["user_days"]
        if not are_ready:
            self._run(_days["remove_staged"])
            if not as_staged:
                self._compute_days(user_days, self._late_before, date.max)
            days.prepare(connection)
        self._counted = days.publish(connection)
        span.attach(connection, "user_days", user_days)
        self._names["attached"] = sql.Identifier("partitions", span.partition("user_days"))
        for name in ("new_days", "new_agents", "new_sessions"):
            self._names[name] = sql.SQL(_sql[name]).format(**self._names)

    def update(self) -> None:
        """Bring all tables up to date: first days, user agents and sessions, then the rollups."""
        self._compute_days(sql.Identifier("computed_days"), date.min, self._late_before)
        self._run(_agents["compute"])
        self._run(_sessions["compute"])
        for table in (_days, _agents, _first_days, _sessions):
            self._run(table["replace"])
        self._run(_sql["note_events"], new_days=self._names["new_days"])
        (any_computed,) = self._run(_sql["any_computed"]).fetchone()
        for rollup in LISTENING:
            if any_computed or rollup not in self._counted:
                self._recount(rollup)

    def _recount(self, rollup: Rollup) -> None:
        """Recount the rows of a rollup that depend on the changed days."""
        changed = sql.SQL(_sql["changed_days"]).format(
            new_days=sql.Identifier("computed_days") if rollup in self._counted else self._names["new_days"]
        )
        recount(self._connection, rollup, {"days": changed})

    def _compute_days(self, table: sql.Composable, since: date, until: date) -> None:
        """Compute the touched days of a range from their plays."""
        plays = sql.SQL(_sql["plays_to_compute"]).format(since=sql.Literal(since), until=sql.Literal(until))
        heard_plays = sql.SQL(_levels["heard_plays_of_touched_days"]).format(**self._names)
        definition = sql.SQL(_days["definition"]).format(plays=plays, heard_plays=heard_plays)
        self._run("INSERT INTO {computed} {definition}", computed=table, definition=definition)

    def _run(self, query: LiteralString, **names: sql.Composable) -> Any:
        return self._connection.execute(sql.SQL(query).format(**(self._names | names)))


def forget_users(connection: Connection[Any]) -> None:
    """Take forgotten people out of the rollups, in the transaction that has deleted what they did.

    The temporary tables ``gone_users`` and ``gone_sessions`` list them and their sessions. The songs that
    only they have heard must still exist.
    """
    activity = Activity(connection)
    activity.note_gone_users()
    connection.execute(_sql["days_of_gone_users"])
    there = {
        "songplays_there": sql.Identifier("public", "songplays"),
        "heard_plays_there": sql.Identifier("analytics", "heard_plays"),
    }
    ListeningRollups(connection, there).update()
    activity.update()
