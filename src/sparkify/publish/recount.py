"""Count those rows of a rollup again that depend on changed days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.publish.counts import definition, table_of
from sparkify.schema.rollups import RECENT, SOURCES, WHOLE, Rollup

_sql: Final = queries("publish/recount")

Spans = Sequence[tuple[date, date]]
Names = Mapping[str, sql.Composable]


def all_sources() -> dict[str, sql.Composable]:
    """All that a definition reads, as the warehouse has it."""
    tables = {name: sql.Identifier(schema, table) for name, (schema, table, _) in SOURCES.items()}
    tables |= {name: tables[source] for name, source in RECENT.items()}
    return {
        **tables,
        WHOLE: tables["session_days"],
        "staged_sessions": sql.SQL(_sql["no_sessions"]),
        "wanted": sql.SQL("true"),
    }


def staged_sources(staged: Names) -> dict[str, sql.Composable]:
    """What definitions read of a month that is staged as a whole; batches have summed up its plays."""
    return {
        **staged,
        WHOLE: staged["session_days"],
        "plays": sql.SQL(_sql["no_plays"]),
        "staged_sessions": staged["sessions"],
        "wanted": sql.SQL("true"),
    }


def recount(
    connection: Connection[Any], rollup: Rollup, changed: Names,
    *, staged: Names | None = None, only: LiteralString | None = None,
) -> None:  # fmt: skip
    """Recount the rows of a rollup that depend on what has `changed`, which fills its scope.

    `staged` are the names of a month's tables, if batches may have summed up its plays by session. `only` is
    a condition that holds for all rows that change, and for few others.
    """

    def run(query: LiteralString, **names: sql.Composable) -> Any:
        return connection.execute(sql.SQL(query).format(**names))

    period = sql.Identifier("period") if rollup.time == "start" else sql.Literal(rollup.time)
    scope = run(
        _sql["find_scope"],
        scope=sql.SQL(rollup.queries["scope"]).format(**changed),
        start=sql.Identifier(rollup.time),
        period=period,
    )
    while scope.nextset():  # to the result of the last statement
        pass
    spans = [row[:2] for row in scope]
    if not spans:
        return
    columns = [column.name for column in scope.description[2:]]
    keys = sql.SQL(", ").join(map(sql.Identifier, columns))
    in_spans = _in_spans(rollup.time, spans)
    # If the time is the only key, the spans say all, and no row needs to be looked up.
    wanted = sql.SQL(_sql["in_scope"]).format(keys=keys) if len(columns) > 1 else in_spans
    if only:
        wanted = sql.SQL("({} AND {})").format(wanted, sql.SQL(only))
    sources = {**all_sources(), **_sources(rollup, spans, staged), "wanted": wanted}
    run(
        _sql["recount"], rollup=table_of(rollup), wanted=wanted, in_spans=in_spans,
        definition=definition(rollup, sources),
    )  # fmt: skip


def _sources(rollup: Rollup, spans: Spans, staged: Names | None) -> Names:
    """What the definition of a rollup reads, within these spans."""
    longer = [(since - timedelta(days=1), until) for since, until in spans]
    sources = {
        name: _within(longer if name in RECENT else spans, *SOURCES[RECENT.get(name, name)])
        for name in (*SOURCES, *RECENT)
        if f"{{{name}}}" in rollup.queries["definition"]
    }
    sources[WHOLE] = sql.SQL(_sql["whole_sessions"]).format(in_spans=_in_spans("day", spans))
    if staged is None:
        return sources
    in_spans = _in_spans("start_time", _moments(spans))
    return {
        **sources,
        "plays": sql.SQL(_sql["plays_before"]).format(in_spans=in_spans, **staged),
        "staged_sessions": sql.SQL(_sql["staged_sessions"]).format(**staged),
    }


def _moments(spans: Spans) -> list[list[datetime]]:
    return [[datetime.combine(day, time(), UTC) for day in span] for span in spans]


def _within(spans: Spans, schema: str, table: str, column: str) -> sql.Composed:
    """The rows of a table in these spans."""
    bounds = spans if column == "day" else _moments(spans)
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
