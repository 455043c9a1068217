"""The staged days of users: prepare them to be attached, and count rollups from them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.partitions import Span
from sparkify.schema.rollups import ROLLUPS, Rollup
from sparkify.stage.copy import copy_bytes

_sql: Final = queries("publish/days")
_days: Final = queries("publish/rollups/user_days")

SAMPLE: Final = "10"
"""The statistics target for rollups: a tenth of the usual sample yields the same plans in a fifth of the
time."""


def analytics(rollup: Rollup) -> sql.Identifier:
    """The table of a rollup."""
    return sql.Identifier("analytics", rollup.name)


def definition(rollup: Rollup, sources: Mapping[str, sql.Composable]) -> sql.Composed:
    """The query that counts a rollup from these sources."""
    return sql.SQL(rollup.queries["definition"]).format(**sources)


class StagedDays:
    """The days that are staged for a span of a month; `tables` are the staged tables of the month.

    `counted` returns the rows of a rollup, by its name, in pieces, if PostgreSQL need not count them.
    `prepare` may run beside the publication, because it changes staged tables only.
    """

    def __init__(
        self,
        span: Span,
        tables: Mapping[str, sql.Identifier],
        counted: Callable[[str], Iterable[bytes] | None],
    ) -> None:
        self._counted = counted
        self._span = span
        self._month = span.month
        self._tables = tables
        self._sources = {
            "user_days": tables["user_days"],
            "wanted": sql.SQL("true"),
            "sessions": sql.Identifier("analytics", "sessions"),
        }

    def prepare(self, connection: Connection[Any]) -> None:
        """Merge the parts of a user's day, and count the partitioned rollups from these days."""
        with planner(connection, enable_nestloop="off"):  # the table has no statistics yet
            connection.execute(sql.SQL(_days["merge"]).format(**self._tables))
        self._analyze(connection, self._tables["user_days"])
        self._span.add_keys(connection, "user_days", self._tables["user_days"])
        is_new = self.are_of_a_new_month(connection)
        for rollup in ROLLUPS:
            if rollup.is_partitioned:
                self._count(connection, rollup, as_partition=is_new)

    def are_of_a_new_month(self, connection: Connection[Any]) -> bool:
        """Whether no rollup has a partition for the month yet."""
        return not any(
            self._month.is_attached(connection, rollup.name) for rollup in ROLLUPS if rollup.is_partitioned
        )

    def publish(self, connection: Connection[Any]) -> set[Rollup]:
        """Publish what is counted from these days, and count more if the month is new; returns these rollups.

        The partitioned rollups of a new month are attached. To those of a known month the counts are added:
        these days are later than all others of the month.
        """
        is_new = self.are_of_a_new_month(connection)
        published = [rollup for rollup in ROLLUPS if rollup.is_partitioned or (is_new and rollup.is_by_month)]
        for rollup in published:
            counted = self._tables[rollup.name] if rollup.is_partitioned else None
            if counted is None:
                self._fill(connection, analytics(rollup), rollup)
            elif is_new:
                self._month.attach(connection, rollup.name, counted)
            else:
                partition = sql.Identifier("partitions", self._month.partition(rollup.name))
                connection.execute(sql.SQL(rollup.queries["add"]).format(rollup=partition, counted=counted))
        return set(published)

    def _count(self, connection: Connection[Any], rollup: Rollup, *, as_partition: bool) -> None:
        counted = self._tables[rollup.name]
        create = sql.SQL(_sql["create_counted"]).format(counted=counted, rollup=analytics(rollup))
        connection.execute(create)
        if (pieces := self._counted(rollup.name)) is not None:
            for rows in pieces:
                copy_bytes(connection, counted, rows)
        else:
            self._fill(connection, counted, rollup)
        if as_partition:
            self._month.add_keys(connection, rollup.name, counted)
        self._analyze(connection, counted)

    def _fill(self, connection: Connection[Any], target: sql.Identifier, rollup: Rollup) -> None:
        counts = definition(rollup, self._sources)
        connection.execute(sql.SQL(_sql["count_month"]).format(target=target, definition=counts))

    def _analyze(self, connection: Connection[Any], table: sql.Identifier) -> None:
        with planner(connection, default_statistics_target=SAMPLE):
            connection.execute(sql.SQL(_sql["analyze"]).format(table=table))
