"""Ask a question: fill the parts of its query, and find the days that have plays."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.analytics.places import spellings
from sparkify.analytics.selection import Selection
from sparkify.database.queries import queries
from sparkify.database.reading import Row, rows

ALL: Final = Selection()

_parts: Final = queries("analytics/parts")
_listening: Final = queries("analytics/listening")

_LEVEL: Final = {
    "at_level": sql.SQL(_parts["at_level"]),
    "at_level_key": sql.SQL(_parts["at_level_key"]),
}


def ask(
    connection: Connection[Any], query: LiteralString, selection: Selection,
    *, parts: Mapping[str, sql.Composable] | None = None, **more: Any,
) -> list[Row]:  # fmt: skip
    """Run a query. `parts` fill braces in its text, like analytics/parts.sql; `more` are parameters."""
    places = {
        f"place_{number}": place for number, place in enumerate(spellings(connection, selection.location))
    }
    at_place = _at_any(places)
    listening = fill(_parts["listening"], at_place=at_place)
    by_user = listening if places else fill(_parts["listening_anywhere"])
    text = fill(query, listening=listening, listening_by_user=by_user, at_place=at_place, **(parts or {}))
    return rows(connection, text, selection.parameters() | places | more)


def _at_any(places: Iterable[str]) -> sql.Composable:
    """The condition for any of some places, given as names of parameters; true if there are none."""
    there = [sql.SQL(_parts["at_one_place"]).format(place=sql.Placeholder(name)) for name in places]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(there)) if there else sql.SQL("true")


def fill(query: LiteralString, **parts: sql.Composable) -> sql.Composed:
    """A query, or a part of one, with its braces filled."""
    return sql.SQL(query).format(**_LEVEL, **parts)


def days_with_plays(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection limited to the days that have plays: a range without an end would have no last month."""
    return spans(connection, selection)[0]


def in_whole_months(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection of the same plays, in whole months where possible: rollups are by month."""
    return spans(connection, selection)[1]


def spans(connection: Connection[Any], selection: Selection) -> tuple[Selection, Selection]:
    """The selection limited to the days that have plays, and the selection in whole months."""
    (dates,) = ask(connection, _listening["range"], selection)
    if dates["first"] is None:
        return (selection.of_no_day(),) * 2
    first, last = dates["first"], dates["last"]
    return selection.within(first, last), selection.widened(first, last)
