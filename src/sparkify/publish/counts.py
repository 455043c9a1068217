"""Rollups that are counted from staged tables, in staged tables, before they are published.

So a second connection can count them in the background. Readers see nothing of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.partitions import Span
from sparkify.schema.rollups import Rollup
from sparkify.stage.copy import copy_bytes

_sql: Final = queries("publish/counts")

SAMPLE: Final = "10"
"""The statistics target for rollups: a tenth of the usual sample yields the same plans in a fifth of the
time."""


def table_of(rollup: Rollup) -> sql.Identifier:
    """The table of a rollup."""
    return sql.Identifier("analytics", rollup.name)


def definition(rollup: Rollup, sources: Mapping[str, sql.Composable]) -> sql.Composed:
    """The query that counts a rollup from these sources."""
    return sql.SQL(rollup.queries["definition"]).format(**sources)


def analyze(connection: Connection[Any], table: sql.Composable) -> None:
    """Analyze a rollup with a small sample."""
    with planner(connection, default_statistics_target=SAMPLE):
        connection.execute(sql.SQL(_sql["analyze"]).format(table=table))


class Counts:
    """The rollups of a staged month. `tables` are its staged tables; `sources` is what definitions read."""

    def __init__(
        self, month: Span, tables: Mapping[str, sql.Identifier], sources: Mapping[str, sql.Composable]
    ) -> None:
        self._month = month
        self._tables = tables
        self._sources = sources
        self._waiting: set[Rollup] = set()

    def count(
        self, connection: Connection[Any], rollup: Rollup, rows: Iterable[bytes] | None, *, is_new: bool
    ) -> None:
        """Count a rollup, or take its `rows`: each is a whole binary COPY. The month may be new to it."""
        counted = self._tables[rollup.name]
        create = sql.SQL(_sql["create"]).format(counted=counted, rollup=table_of(rollup))
        connection.execute(create)
        if rows is None:
            self._fill(connection, counted, rollup)
        else:
            for piece in rows:
                copy_bytes(connection, counted, piece)
        if rollup.is_partitioned:
            if is_new:
                self._month.add_keys(connection, rollup.name, counted)
            analyze(connection, counted)
        self._waiting.add(rollup)

    def publish(self, connection: Connection[Any], rollup: Rollup, *, is_new: bool) -> None:
        """Publish the rows of a rollup; count them now if they were not counted before.

        To the partition of a known month they are added: these days are later than all others of the month.
        """
        counted = self._tables[rollup.name]
        if not rollup.is_partitioned:
            if rollup in self._waiting:
                connection.execute(sql.SQL(_sql["insert"]).format(rollup=table_of(rollup), counted=counted))
            else:
                self._fill(connection, table_of(rollup), rollup)
        elif is_new:
            self._month.attach(connection, rollup.name, counted)
        else:
            partition = sql.Identifier("partitions", self._month.partition(rollup.name))
            connection.execute(sql.SQL(rollup.queries["add"]).format(rollup=partition, counted=counted))

    def _fill(self, connection: Connection[Any], target: sql.Identifier, rollup: Rollup) -> None:
        counts = definition(rollup, self._sources)
        connection.execute(sql.SQL(_sql["fill"]).format(target=target, definition=counts))
