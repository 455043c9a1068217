"""How a question is asked: a connection, the days that have plays, a query of ``analytics/questions.sql``."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.analytics.places import spellings
from sparkify.analytics.selection import Selection
from sparkify.database.queries import queries
from sparkify.database.reading import Row, rows

ALL: Final = Selection()

_sql: Final = queries("analytics/questions")
_PARTS: Final[dict[str, sql.Composable]] = {
    name: sql.SQL(_sql[name])
    for name in ("listening_anywhere", "in_part", "on_level", "named", "named_artists")
}


def ask(
    connection: Connection[Any], name: str, selection: Selection, *, parts: Mapping[str, sql.Composable] | None = None,
    **more: Any,
) -> list[Row]:  # fmt: skip
    """Run a query; `parts` fill the places in its text, `more` are further parameters."""
    places = {
        f"place_{number}": place for number, place in enumerate(spellings(connection, selection.location))
    }
    at_place = _at_any(places)
    listening = sql.SQL(_sql["listening"]).format(at_place=at_place)
    by_user = listening if places else _PARTS["listening_anywhere"]
    text = part(name, listening=listening, listening_by_user=by_user, at_place=at_place, **(parts or {}))
    return rows(connection, text, selection.parameters() | places | more)


def _at_any(places: Iterable[str]) -> sql.Composable:
    """The condition for being at one of some places, which are the names of parameters; at all places when there are none."""
    there = [sql.SQL(_sql["there"]).format(place=sql.Placeholder(name)) for name in places]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(there)) if there else sql.SQL("true")


def part(name: str, **parts: sql.Composable) -> sql.Composed:
    """A query, or a part of one, with its places filled."""
    query: LiteralString = _sql[name]
    return sql.SQL(query).format(**_PARTS, **parts)


def days_with_plays(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection with the days that have plays: a range without an end would have no last month."""
    return spans(connection, selection)[0]


def in_whole_months(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection with whole months where it begins before or ends after all plays: those are in rollups."""
    return spans(connection, selection)[1]


def spans(connection: Connection[Any], selection: Selection) -> tuple[Selection, Selection]:
    """Both: with the days that have plays, and in whole months."""
    (dates,) = ask(connection, "range", selection)
    if dates["first"] is None:
        return (selection.of_no_day(),) * 2
    first, last = dates["first"], dates["last"]
    return selection.within(first, last), selection.widened(first, last)
