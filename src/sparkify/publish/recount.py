"""Count those rows of a rollup again that depend on changed days."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.publish.days import analytics, definition
from sparkify.schema.rollups import SOURCES, Rollup

_sql: Final = queries("publish/recount")

Spans = Sequence[tuple[date, date]]


def recount(connection: Connection[Any], rollup: Rollup, **changed: sql.Composable) -> None:
    """Recount the rows of a rollup that depend on what has `changed`, which fills its scope."""

    def run(query: LiteralString, **names: sql.Composable) -> Any:
        return connection.execute(sql.SQL(query).format(**names))

    run(_sql["find_scope"], scope=sql.SQL(rollup.queries["scope"]).format(**changed))
    period = sql.Identifier("period") if rollup.time == "start" else sql.Literal(rollup.time)
    spans = run(_sql["spans_of_scope"], start=sql.Identifier(rollup.time), period=period).fetchall()
    if not spans:
        return
    columns = connection.execute(_sql["keys_of_scope"]).description or ()
    keys = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    in_spans = _in_spans(rollup.time, spans)
    # If the time is the only key, the spans say all, and no row needs to be looked up.
    wanted = sql.SQL(_sql["in_scope"]).format(keys=keys) if len(columns) > 1 else in_spans
    sources = {name: _within(spans, *source) for name, source in SOURCES.items()}
    run(
        _sql["recount"], rollup=analytics(rollup), wanted=wanted, in_spans=in_spans,
        definition=definition(rollup, {"wanted": wanted, **sources}),
    )  # fmt: skip


def _within(spans: Spans, schema: str, table: str, column: str) -> sql.Composed:
    """The rows of a table in these spans."""
    bounds = (
        spans if column == "day" else [[datetime.combine(day, time(), UTC) for day in span] for span in spans]
    )
    return sql.SQL(_sql["within"]).format(
        table=sql.Identifier(schema, table), in_spans=_in_spans(column, bounds)
    )


def _in_spans(column: str, spans: Iterable[Iterable[date]]) -> sql.Composable:
    """The condition that a column is in one of the spans. Constants let the planner skip partitions."""
    between = sql.SQL("{column} >= {since} AND {column} < {until}")
    return sql.SQL("({})").format(
        sql.SQL(" OR ").join(
            between.format(column=sql.Identifier(column), since=sql.Literal(since), until=sql.Literal(until))
            for since, until in spans
        )
    )
