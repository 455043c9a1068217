"""Attach staged tables as partitions: no row is copied, and keys are built and checked for all rows together.

A month is one partition, unless it arrives in several large parts: then a partition ends with the last day of
its part, and the next part is attached after it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.schema.structure import structure

_sql: Final = queries("publish/partitions")

PARTITIONED: Final = {
    table: (schema, key)
    for name, key in structure().partitioned.items()
    for schema, table in [name.split(".")]
}
"""The partitioned tables, with the schema and the partition key of each."""


def only(connection: Connection[Any]) -> LiteralString:
    """``ONLY`` for ANALYZE of a partitioned table, where the server can skip the partitions: from 18 on."""
    return "ONLY" if connection.info.server_version >= 180000 else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A month, or some days of one: from `since` up to `until`, both midnight UTC."""

    since: datetime
    until: datetime

    @classmethod
    def of_month(cls, month: date) -> "Span":
        """The month that begins on this day."""
        return cls(
            datetime(month.year, month.month, 1, tzinfo=UTC),
            datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC),
        )

    @property
    def month(self) -> "Span":
        """The whole month."""
        return self.of_month(self.since.date())

    def partition(self, table: str) -> str:
        """The name of a table's partition for this span, in the schema partitions."""
        return table + self._suffix

    @property
    def _suffix(self) -> str:
        day = "" if self == self.month else f"_{self.since:%d}"
        return f"_{self.since:%Y_%m}{day}"

    def bounds(self, table: str) -> dict[str, sql.Composable]:
        """The bounds of a table's partition, as ``{part_since}`` and ``{part_until}`` of a statement."""
        in_days = PARTITIONED[table][1] != "start_time"
        return {
            "part_since": sql.Literal(self.since.date() if in_days else self.since),
            "part_until": sql.Literal(self.until.date() if in_days else self.until),
        }

    def add_keys(
        self, connection: Connection[Any], table: str, staged: sql.Identifier, *, unique: bool = True
    ) -> None:
        """Give a staged table the constraints, keys and indexes of `table`: attaching need not make them.

        Without `unique`, more rows may be staged: it gets no constraints, and only keys that let equal rows
        in.
        """
        if unique:
            self._fit(connection, "constraints", table, staged)
        self._fit(connection, "keys", table, staged, suffix=self._suffix, with_unique=unique)

    def _fit(
        self, connection: Connection[Any], query: str, table: str, staged: sql.Composable, **more: object
    ) -> None:
        """Run the statements that a query builds for a staged table."""
        parent = sql.Identifier(PARTITIONED[table][0], table)
        values = {"staged": staged.as_string(), "parent": parent.as_string(), **more}
        statements = sql.SQL(_sql[query]).format(
            **{name: sql.Literal(value) for name, value in values.items()}
        )
        for (statement,) in connection.execute(statements).fetchall():
            connection.execute(statement)

    def attach(self, connection: Connection[Any], table: str, staged: sql.Composable) -> None:
        """Attach a staged table as the partition of `table` for this span."""
        self._fit(connection, "constraints", table, staged)
        schema, key = PARTITIONED[table]
        connection.execute(
            sql.SQL(_sql["attach"]).format(
                staged=staged,
                partition=sql.Identifier(self.partition(table)),
                parent=sql.Identifier(schema, table),
                key=sql.Identifier(key),
                **self.bounds(table),
            )
        )

    def is_attached(self, connection: Connection[Any], table: str) -> bool:
        """Whether a table has a partition for this span."""
        names = {
            "partition": sql.Literal(f"partitions.{self.partition(table)}"),
            "parent": sql.Literal(f"{PARTITIONED[table][0]}.{table}"),
        }
        row = connection.execute(sql.SQL(_sql["is_attached"]).format(**names)).fetchone()
        return bool(row and row[0])
