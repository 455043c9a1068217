"""The staged tables of one month, and what decides how they are published."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString, cast

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.publish.partitions import PARTITIONED, Span
from sparkify.stage.tables import month_tables
from sparkify.transform.sessions import Sessions

FILES: Final = ("months", "repeated", "attach", "late", "heard_songs", "users", "levels", "page_views")
"""The files in ``publish`` with the queries that `StagedMonth.run` knows. No two have one name."""

_sql: Final = {name: query for file in FILES for name, query in queries(f"publish/{file}").items()}


@dataclass(frozen=True, slots=True)
class MonthSummary:
    """What is known of a staged month before anything is changed.

    `plays`, `earliest` and `latest` describe the plays that are not published yet. `overlaps` is a
    tstzmultirange of the times for which several chunks staged plays, or None. `is_matched` is false if the
    catalogue has changed since the plays were matched. `covered_until` is the end of the month's last
    partition, or None.
    """

    plays: int
    earliest: datetime
    latest: datetime
    overlaps: str | None
    is_matched: bool
    covered_until: datetime | None


class StagedMonth:
    """A staged month inside the transaction that publishes it; runs queries on the month's tables.

    `sessions` is what this process has staged. `ahead` tells that its run is still staging.
    """

    def __init__(
        self,
        connection: Connection[Any],
        run_id: int,
        month: date,
        sessions: Sessions,
        *,
        ahead: bool,
        retried: bool,
    ) -> None:
        self.connection = connection
        self.is_ahead = ahead
        self.date = month
        self.sessions = sessions
        self.span = Span.of_month(month)
        self.tables = month_tables(run_id, month)
        self.run_id = run_id
        self.names: dict[str, sql.Composable] = {
            **self.tables,
            "run_id": sql.Literal(run_id),
            "month": sql.Literal(month),
            "retried": sql.Literal(retried),
            "since": sql.Literal(self.span.since),
            "until": sql.Literal(self.span.until),
            "songplays_there": self._there("songplays"),
            "heard_plays_there": self._there("heard_plays"),
        }

    def summarize(self) -> MonthSummary | None:
        """Read what decides the plan; None if no play is staged, but page views, or nothing after all."""
        plays, *others = self.row("summarize")
        return None if plays is None else MonthSummary(plays, *others)

    def run(self, name: str, **names: sql.Composable) -> Any:
        """Run a query on the month's tables, with `names` overriding its own; returns the cursor."""
        return self.connection.execute(sql.SQL(_sql[name]).format(**(self.names | names)))

    def row(self, name: str, **names: sql.Composable) -> tuple[Any, ...]:
        """Run a query that returns one row."""
        return cast("tuple[Any, ...]", self.run(name, **names).fetchone())

    def number(self, name: str) -> int:
        """Run a query that returns one number."""
        return int(self.row(name)[0])

    def into_star(self, statement: LiteralString, staged: sql.Identifier) -> int:
        """Run a statement of `sparkify.sql_queries` on a staged table; returns how many rows it wrote."""
        return self.connection.execute(sql.SQL(statement).format(staged=staged)).rowcount

    def end(self) -> None:
        """Drop the staged tables that did not become partitions, and note that the month is published."""
        tables = sql.SQL(", ").join(self.tables.values())
        self.connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(tables))
        self.run("end_month")

    def _there(self, table: str) -> sql.Composable:
        """The rows that the warehouse has of the month."""
        return sql.SQL("(SELECT * FROM {} WHERE start_time >= {} AND start_time < {})").format(
            sql.Identifier(PARTITIONED[table][0], table),
            sql.Literal(self.span.since),
            sql.Literal(self.span.until),
        )
