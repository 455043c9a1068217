"""The staged days of users: prepare them to be attached, and count rollups from them."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.database.planner import planner
from sparkify.publish.counts import Counts, analyze
from sparkify.publish.partitions import Span
from sparkify.schema.rollups import LISTENING, Rollup, queries_of
from sparkify.transform.sessions import MonthSessions

_days: Final = queries_of("user_days")


class StagedDays:
    """The days that are staged for a span of a month; `tables` are the staged tables of the month.

    `sessions` are those that have exactly these days, if they are known: the core then counts from them.
    `prepare` may run in the background, because it changes staged tables only.
    """

    def __init__(
        self, span: Span, tables: Mapping[str, sql.Identifier], sessions: MonthSessions | None
    ) -> None:
        self._sessions = sessions
        self._span = span
        self._table = tables["user_days"]
        self._tables = tables
        self._is_new = False
        self._counts = Counts(span.month, tables, {"user_days": self._table, "wanted": sql.SQL("true")})

    def prepare(self, connection: Connection[Any], *, in_background: bool = False) -> None:
        """Merge the parts of a user's day, and count the partitioned rollups from these days.

        In the background, count all rollups that the publication can take over.
        """
        with planner(connection, enable_nestloop="off"):  # the table has no statistics yet
            connection.execute(sql.SQL(_days["merge"]).format(**self._tables))
        self._span.add_keys(connection, "user_days", self._table)
        analyze(connection, self._table)
        self._is_new = is_new = self._are_of_a_new_month(connection)
        for rollup in LISTENING:
            if _is_counted(rollup, is_new=in_background and is_new):
                rows = self._sessions.rows(rollup.name) if self._sessions else None
                self._counts.count(connection, rollup, rows, is_new=is_new)

    def _are_of_a_new_month(self, connection: Connection[Any]) -> bool:
        """Whether no rollup has a partition for the month yet."""
        return not any(
            self._span.month.is_attached(connection, rollup.name)
            for rollup in LISTENING
            if rollup.is_partitioned
        )

    def publish(self, connection: Connection[Any]) -> set[Rollup]:
        """Publish what these days come to: more of it if the month is new. Returns these rollups."""
        published = [rollup for rollup in LISTENING if _is_counted(rollup, is_new=self._is_new)]
        for rollup in published:
            self._counts.publish(connection, rollup, is_new=self._is_new)
        return set(published)


def _is_counted(rollup: Rollup, *, is_new: bool) -> bool:
    """Whether staged days say all of a rollup, in a month that may be new."""
    return rollup.is_partitioned or (is_new and rollup.is_by_month)
