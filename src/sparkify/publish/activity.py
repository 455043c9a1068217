"""Keep the rollups of activity equal to what their definitions compute from plays and page views."""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.counts import Counts
from sparkify.publish.lifetimes import update_lifetimes
from sparkify.publish.partitions import Span
from sparkify.publish.recount import recount, staged_sources
from sparkify.schema.rollups import ACTIVITY, Rollup
from sparkify.transform.sessions import MonthSessions

_sql: Final = queries("publish/activity")


class StagedActivity:
    """The rollups of activity of a new month, as far as what is staged decides them.

    `sessions` are those that have exactly the staged plays, if they are known. `prepare` may run in the
    background, because it changes staged tables only.
    """

    def __init__(
        self, month: Span, tables: Mapping[str, sql.Identifier], sessions: MonthSessions | None
    ) -> None:
        self._month = month
        self._page_views = tables["page_views"]
        self._sessions = sessions
        self._counts = Counts(month, tables, staged_sources(tables))
        self.rollups: list[Rollup] = []

    def prepare(self, connection: Connection[Any]) -> None:
        """Count the rollups.

        Except for what `left` selects, they are right if the publication deletes none of the staged page
        views. Feedback and weeks may depend on another month: only the core counts them, without those rows.
        """
        sessions = self._sessions_of_all(connection)
        with planner(connection, enable_nestloop="off"):  # as in Activity.update
            for rollup in ACTIVITY:
                rows = sessions.rows(rollup.name) if sessions else None
                if rollup.can_be_staged or rows is not None:
                    self._counts.count(connection, rollup, rows, is_new=True)
                    self.rollups.append(rollup)

    def _sessions_of_all(self, connection: Connection[Any]) -> MonthSessions | None:
        """The sessions, if they have exactly the staged page views, too."""
        if not self._sessions:
            return None
        count = sql.SQL(_sql["count_views"]).format(page_views=self._page_views)
        return self._sessions if connection.execute(count).fetchone() == (self._sessions.views,) else None

    def publish(self, connection: Connection[Any]) -> None:
        """Publish what was counted."""
        for rollup in self.rollups:
            self._counts.publish(connection, rollup, is_new=True)

    def left(self, rollup: Rollup) -> dict[str, sql.Composable]:
        """What the scope of a rollup reads, for the rows that the month alone does not decide."""
        days = "days_of_cut_weeks" if rollup.time == "week" else "days_of_shared_sessions"
        names = {
            "followed": sql.SQL(_sql["followed"]),
            "first": sql.Literal(self._month.since.date()),
            "until": sql.Literal(self._month.until.date()),
        }
        return {
            "event_days": sql.SQL(_sql[days]).format(**names),
            "followed": sql.SQL(_sql["followed_elsewhere"]).format(**names),
        }


class Activity:
    """The rollups of activity in one transaction.

    The temporary table ``events`` (user_id, day) lists whose plays and page views change on which days. Fill
    it before, publish, then `update`: once in a transaction, because such tables last until it ends.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._only: dict[str, LiteralString] = {}
        connection.execute(_sql["begin"])

    def note_views(self, staged: sql.Identifier) -> None:
        """Note the days of staged page views."""
        self._connection.execute(sql.SQL(_sql["note_views"]).format(page_views=staged))

    def note_gone_users(self) -> None:
        """Note the days of forgotten people: see `forget_users`."""
        self._connection.execute(_sql["note_gone_users"])
        self._only["session_days"] = _sql["of_gone_sessions"]

    def update(
        self, staged: Mapping[str, sql.Composable] | None = None, counted: StagedActivity | None = None
    ) -> None:
        """Publish what is `counted`, and count again the other rollups; `staged` as for `recount`."""
        if counted:
            counted.publish(self._connection)
        self._connection.execute(_sql["find_days"])
        changed = {
            "events": sql.Identifier("events"),
            "event_days": sql.Identifier("event_days"),
            "followed": sql.SQL(_sql["followed"]),
        }
        # The planner expects a few rows from parts of a definition: loops over them took seven times as long.
        with planner(self._connection, enable_nestloop="off"):
            for rollup in ACTIVITY:
                left = changed
                if counted and rollup in counted.rollups:
                    if rollup.is_by_month:
                        continue
                    left = {**changed, **counted.left(rollup)}
                recount(self._connection, rollup, left, staged=staged, only=self._only.get(rollup.name))
            update_lifetimes(self._connection)
