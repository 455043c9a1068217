"""Ask a question: fill the parts of its query, and find the days that have plays."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.analytics import zones
from sparkify.analytics.places import spellings
from sparkify.analytics.selection import UTC, Selection
from sparkify.database.queries import queries
from sparkify.database.reading import Rows, rows

ALL: Final = Selection()

_parts: Final = queries("analytics/parts")
_listening: Final = queries("analytics/listening")
_zones: Final = queries("analytics/zones")

_SHARED: Final[dict[str, sql.Composable]] = {
    name: sql.SQL(_parts[name])
    for name in (
        "at_level", "at_level_key", "in_whole_months", "on_cut_days", "is_new", "cuts", "named_tracks",
    )
}  # fmt: skip
_SHARED["first_period"] = sql.SQL(_zones["first_period"])
_SHARED["days"] = sql.SQL(_parts["days"]).format(cuts=_SHARED["cuts"])


def ask(
    connection: Connection[Any], query: LiteralString, selection: Selection,
    *, parts: Mapping[str, sql.Composable] | None = None, **more: Any,
) -> Rows:  # fmt: skip
    """Run a query. `parts` fill braces in its text, like analytics/parts.sql; `more` are parameters."""
    places = {
        f"place_{number}": place for number, place in enumerate(spellings(connection, selection.location))
    }
    given = zones.parameters(connection, selection)
    text = fill(query, **_parts_for(list(places)), **(parts or {}))
    return rows(connection, text, given | places | more)


def _parts_for(places: list[str]) -> dict[str, sql.Composable]:
    """What fills the braces for these places, given as names of parameters."""
    at_place = _at_any(places)
    listening = fill(_parts["listening"], at_place=at_place)
    heard = fill(_zones["heard_at_place" if places else "heard"], at_place=at_place)
    return {
        "at_place": at_place,
        "listening": listening,
        "listening_by_user": listening if places else fill(_parts["listening_anywhere"]),
        "quarters": fill(_zones["quarters_of_place" if places else "quarters"], at_place=at_place),
        "present": fill(_zones["present"], heard=heard),
    }  # fmt: skip


def _at_any(places: Iterable[str]) -> sql.Composable:
    """The condition for any of some places, given as names of parameters; true if there are none."""
    there = [sql.SQL(_parts["at_one_place"]).format(place=sql.Placeholder(name)) for name in places]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(there)) if there else sql.SQL("true")


def fill(query: LiteralString, **parts: sql.Composable) -> sql.Composed:
    """A query, or a part of one, with its braces filled."""
    return sql.SQL(query).format(**_SHARED, **parts)


def days_with_plays(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection limited to the days that have plays: a range without an end would have no last month."""
    if selection.zone != UTC:
        return zones.spans(connection, selection)[0]
    return spans(connection, selection)[0]


def in_whole_months(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection of the same plays, in whole months where possible: rollups are by month."""
    return spans(connection, selection)[1]


def spans(connection: Connection[Any], selection: Selection) -> tuple[Selection, Selection]:
    """The selection limited to the days that have plays, and the selection in whole months."""
    if selection.zone != UTC:
        days, selection = zones.spans(connection, selection)
        if selection.zone != UTC:
            return days, selection
    (dates,) = rows(connection, _listening["range"])
    if dates["first"] is None:
        return (selection.of_no_day(),) * 2
    first, last = dates["first"], dates["last"]
    return selection.within(first, last), selection.widened(first, last)
