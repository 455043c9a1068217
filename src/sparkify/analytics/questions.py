"""The questions. Each takes the connection string, like all of the library; None is the usual one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Final, LiteralString

from psycopg import Connection, sql
from psycopg.rows import dict_row

from sparkify.analytics.names import repaired
from sparkify.analytics.selection import Selection
from sparkify.connection import explained, resolve
from sparkify.create_tables import open_existing
from sparkify.sql import load

Row = dict[str, Any]
ALL: Final = Selection()
FEW_DAYS: Final = {"songs": 3, "artists": 10}
"""Of so many days at most it is quicker to count all plays than to look into the rollups of months."""

MOST_BARS: Final = 62
"""So many bars a trend has at most on one screen, but for those of months."""

LISTED: Final = 5
"""A track or an artist with so many plays in a month and on a level is in the index that gives them in order."""

_ALL_OF_THEM: Final = 2**31
_EMPTY: Final = Selection(date(2000, 1, 1), date(1999, 12, 31))
_sql: Final = load("analytics")
_PARTS: Final = {name: sql.SQL(_sql[name]) for name in ("listening", "named", "named_artists")}
_RANKED: Final = {"songs": ("track_id", "track_months"), "artists": ("artist_key", "artist_months")}


def top(what: str, selection: Selection = ALL, *, dsn: str | None = None, limit: int = 10) -> list[Row]:
    """The most played `what`: ``songs``, ``artists``, ``users``, ``locations`` or ``devices``, most plays first.

    A song is what has one title and one artist in the logs, in the catalogue or not; `song_id` is None when it is not.
    """
    with _reader(dsn) as connection:
        if what not in _RANKED:
            return repaired(_ask(connection, f"top_{what}", _months(connection, selection), limit=limit))
        months, selection = _months(connection, selection), _days(connection, selection)
        assert selection.since
        assert selection.until
        few = selection.until - selection.since < timedelta(FEW_DAYS[what]) and not months.is_whole_months()
        if selection.location is not None or few:
            with connection.transaction():
                # The planner takes what comes out of arrays for little, and would loop: seconds instead of a tenth of one.
                connection.execute("SET LOCAL enable_nestloop = off")
                return repaired(_ask(connection, f"scan_{what}", selection, limit=limit))
        return repaired(_rank(connection, what, months, limit))


def _rank(connection: Connection[Any], what: str, selection: Selection, limit: int) -> list[Row]:
    """Look deeper and deeper into the lists of the months, until nothing that was not seen can be among the first."""
    key, rollup = _RANKED[what]
    depth = 8 * limit + 100
    # Those heard `LISTED` times in a month are in order (rollups.sql); where the first have fewer, all are looked at.
    for listed, longest in ((LISTED, depth), (LISTED, 8 * depth), (0, _ALL_OF_THEM)):
        candidates = sql.SQL(_sql["candidates"]).format(
            key=sql.Identifier(key), rollup=sql.Identifier("analytics", rollup),
            listed=sql.SQL("plays >= {}").format(sql.Literal(listed)),
        )  # fmt: skip
        rows = _ask(
            connection, f"rank_{what}", selection, limit=limit, depth=longest, unlisted=max(listed - 1, 0),
            parts={"candidates": candidates},
        )  # fmt: skip
        bound = max(row.pop("bound") for row in rows)
        if rows[-1]["plays"] is not None and len(rows) == limit and rows[-1]["plays"] > bound:
            break
    return [row for row in rows if row["plays"] is not None]


def totals(selection: Selection = ALL, *, dsn: str | None = None) -> Row:
    """Plays, listeners, sessions (None with a place) and seconds of the songs that were played."""
    with _reader(dsn) as connection:
        (row,) = _ask(connection, "totals", _months(connection, selection))
        sessions = (
            None if selection.location is not None else _ask(connection, "sessions", selection)[0]["sessions"]
        )
        return row | {"sessions": sessions}


def listeners(selection: Selection = ALL, *, dsn: str | None = None) -> Row:
    """How many different people listened, and how many of them had never listened before."""
    with _reader(dsn) as connection:
        (row,) = _ask(connection, "listeners", _months(connection, selection))
        return row


def trend(period: str = "day", selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """Plays, listeners (new and returning), sessions and seconds by ``day``, ``week`` or ``month``.

    A week or month of which the selection has only some days is given whole. Sessions are None with a place.
    """
    with _reader(dsn) as connection:
        name = "trend" if selection.location is None else "trend_of_place"
        return _ask(connection, name, _days(connection, selection), period=period)


def heat_map(selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """Plays by weekday (0 is Monday) and hour, UTC; hours without plays are left out."""
    name = "heat_map" if selection.location is None else "heat_map_of_place"
    with _reader(dsn) as connection:
        return _ask(connection, name, selection)


def levels(selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """Plays, listeners and seconds by level."""
    with _reader(dsn) as connection:
        return _ask(connection, "levels", _months(connection, selection))


def genders(selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """Plays and listeners by gender."""
    with _reader(dsn) as connection:
        return _ask(connection, "genders", _months(connection, selection))


def level_changes(selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """How many users went from one level to another, by month; only the days of the selection count."""
    with _reader(dsn) as connection:
        return _ask(connection, "level_changes", selection)


def retention(selection: Selection = ALL, *, dsn: str | None = None) -> list[Row]:
    """Of the users whose first play is in a month (`cohort`), how many listened so many months later; of the selection
    only the days count, and they choose the first plays."""
    with _reader(dsn) as connection:
        return _ask(connection, "retention", selection)


def rising(
    selection: Selection, *, falling: bool = False, dsn: str | None = None, limit: int = 10
) -> list[Row]:
    """Songs by how many plays more (or, `falling`, fewer) they have than in as many days before; the selection needs days."""
    with _reader(dsn) as connection:
        selection = _days(connection, selection)
        return repaired(_ask(connection, "rising", selection, limit=limit, sign=-1 if falling else 1))


def unmatched(selection: Selection = ALL, *, dsn: str | None = None, limit: int = 10) -> list[Row]:
    """The most played songs that the catalogue lacks, in the months of the selection."""
    with _reader(dsn) as connection:
        return repaired(_ask(connection, "unmatched", selection, limit=limit))


def report(selection: Selection = ALL, *, dsn: str | None = None, limit: int = 5) -> Row:
    """What fits on one screen: totals, trend (by day, or by week or month when there are many), top songs, people active on the
    last day, in the last 7 and the last 30 days of the selection, and the state of the data."""
    state = quality(dsn=dsn)
    if state["first"] is None:
        chosen = Selection(_EMPTY.since, _EMPTY.until, selection.level, selection.location)
    else:
        chosen = selection.within(state["first"], state["last"])
    assert chosen.since
    assert chosen.until
    days = (chosen.until - chosen.since).days + 1
    period = "day" if days <= MOST_BARS else "week" if days <= 7 * MOST_BARS else "month"
    return {
        "since": chosen.since, "until": chosen.until, "level": chosen.level, "location": chosen.location,
        "totals": totals(chosen, dsn=dsn) | listeners(chosen, dsn=dsn),
        "period": period, "trend": trend(period, chosen, dsn=dsn),
        "songs": top("songs", chosen, dsn=dsn, limit=limit),
        "levels": levels(chosen, dsn=dsn),
        "active": {
            days: listeners(
                Selection(chosen.until - timedelta(days - 1), chosen.until, chosen.level, chosen.location), dsn=dsn
            )["listeners"]
            for days in (1, 7, 30)
        },
        "quality": state,
    }  # fmt: skip


def locations(*, dsn: str | None = None) -> list[str]:
    """All places, those with most plays first."""
    with _reader(dsn) as connection:
        return [row["location"] for row in _ask(connection, "locations", ALL)]


def quality(*, dsn: str | None = None) -> Row:
    """The state of the data: plays, those that match the catalogue, lines set aside, when it was last loaded."""
    with _reader(dsn) as connection:
        (row,) = _ask(connection, "quality", ALL)
        (dates,) = _ask(connection, "range", ALL)
        return row | dates


@contextmanager
def _reader(dsn: str | None) -> Iterator[Connection[Any]]:
    """A connection for one question."""
    with explained(), open_existing(resolve(dsn)) as connection:
        yield connection


def _days(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection with the days that have plays: a range without an end would have no last month."""
    (dates,) = _ask(connection, "range", selection)
    if dates["first"] is None:
        return Selection(_EMPTY.since, _EMPTY.until, selection.level, selection.location)
    return selection.within(dates["first"], dates["last"])


def _months(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection with whole months where it begins before or ends after all plays: those are in a rollup."""
    (dates,) = _ask(connection, "range", selection)
    if dates["first"] is None:
        return _days(connection, selection)
    return selection.widened(dates["first"], dates["last"])


def _ask(
    connection: Connection[Any], name: str, selection: Selection, *, parts: dict[str, sql.Composable] | None = None, **more: Any
) -> list[Row]:  # fmt: skip
    query: LiteralString = _sql[name]
    with connection.cursor(row_factory=dict_row) as cursor:
        text = sql.SQL(query).format(**_PARTS, **(parts or {}))
        return cursor.execute(text, selection.parameters() | more).fetchall()
