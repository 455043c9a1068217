"""The questions.

Each takes the connection string, like all of the library, None for the usual one; or an open connection in autocommit mode.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.analytics.asking import ALL, ask, days_with_plays, in_whole_months
from sparkify.analytics.names import repaired, shown
from sparkify.analytics.places import shown_alike
from sparkify.analytics.ranking import RANKED, most_changed, most_played
from sparkify.analytics.selection import Selection
from sparkify.database.reading import DsnOrConnection, Row, reader
from sparkify.errors import UsageError

MOST_BARS: Final = 62
"""So many bars a trend has at most on one screen, but for those of months."""


def top(what: str, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> list[Row]:
    """The most played `what`: ``songs``, ``artists``, ``users``, ``locations`` or ``devices``, most plays first.

    A song is what has one title and one artist in the logs, in the catalogue or not; `song_id` is None when it is not.
    """
    with reader(dsn) as connection:
        if what in RANKED:
            return repaired(most_played(connection, what, selection, limit))
        parts, alike = _alike(connection) if what == "locations" else ({}, {})
        chosen = in_whole_months(connection, selection)
        return repaired(ask(connection, f"top_{what}", chosen, limit=limit, parts=parts, **alike))


def totals(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Row:
    """Plays, listeners, sessions (None with a place) and seconds of the songs that were played."""
    with reader(dsn) as connection:
        (row,) = ask(connection, "totals", in_whole_months(connection, selection))
        sessions = (
            None if selection.location is not None else ask(connection, "sessions", selection)[0]["sessions"]
        )
        return row | {"sessions": sessions}


def listeners(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Row:
    """How many different people listened, and how many of them had never listened before."""
    with reader(dsn) as connection:
        (row,) = ask(connection, "listeners", in_whole_months(connection, selection))
        return row


def trend(period: str = "day", selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """Plays, listeners (new and returning), sessions and seconds by ``day``, ``week`` or ``month``.

    A week or month of which the selection has only some days is given whole. Sessions are None with a place.
    """
    with reader(dsn) as connection, connection.transaction():
        name = "trend" if selection.location is None else "trend_of_place"
        # The planner takes the days of a place for few, and would look up the first day of each user.
        connection.execute("SET LOCAL enable_nestloop = off")
        return ask(connection, name, days_with_plays(connection, selection), period=period)


def heat_map(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """Plays by weekday (0 is Monday) and hour, UTC; hours without plays are left out."""
    name = "heat_map" if selection.location is None else "heat_map_of_place"
    with reader(dsn) as connection, connection.transaction():
        # The planner takes the days of a place for few, and would sort all plays on them.
        connection.execute("SET LOCAL enable_sort = off")
        return ask(connection, name, selection)


def levels(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """Plays, listeners and seconds by level."""
    with reader(dsn) as connection:
        return ask(connection, "levels", in_whole_months(connection, selection))


def genders(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """Plays and listeners by gender."""
    with reader(dsn) as connection:
        return ask(connection, "genders", in_whole_months(connection, selection))


def level_changes(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """How often users went from one level to another (`changes`), and how many of them (`users`), by month; with a level, to that one.

    Places do not count.
    """
    with reader(dsn) as connection, connection.transaction():
        # Through the index, in the order that is wanted or user by user, most days would be fetched one by one.
        connection.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_nestloop = off")
        return ask(connection, "level_changes", selection)


def retention(selection: Selection = ALL, *, period: str = "month", dsn: DsnOrConnection = None) -> list[Row]:
    """Of the users whose first play is in a ``month`` or ``week`` (`cohort`), how many listened so many months later
    (`months_later`), or weeks; of the selection only the days count, and they choose the first plays."""
    with reader(dsn) as connection:
        return ask(connection, f"retention_{period}", selection)


def rising(
    selection: Selection, *, falling: bool = False, dsn: DsnOrConnection = None, limit: int = 10
) -> list[Row]:
    """Songs by how many plays more (or, `falling`, fewer) they have than in as many days before.

    The days end with the last that has plays. Songs with the same change are in the order of `top`, by the days on which they had more.

    Raises:
        UsageError: the selection has no first day, so there is nothing before it to compare with.
    """
    if selection.since is None:
        raise UsageError(
            "What rises is compared with the days before: give the selection its first day, `since`."
        )
    with reader(dsn) as connection:
        return repaired(most_changed(connection, selection, limit, falling=falling))


def unmatched(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> list[Row]:
    """The most played songs that the catalogue lacks."""
    with reader(dsn) as connection:
        rows = most_played(connection, "songs", selection, limit, lacking=True)
        return repaired(
            [{name: row[name] for name in ("title", "artist", "plays", "listeners")} for row in rows]
        )


def report(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 5) -> Row:
    """What fits on one screen: totals, trend (by day, or by week or month when there are many), top songs, people active on the
    last day, in the last 7 and the last 30 days of the selection, and the state of the data."""
    with reader(dsn) as connection:
        state = quality(dsn=connection)
        if state["first"] is None:
            chosen = selection.of_no_day()
        else:
            chosen = selection.within(state["first"], state["last"])
        assert chosen.since
        assert chosen.until
        period = fitting_period(chosen.since, chosen.until)
        return {
            "since": chosen.since, "until": chosen.until, "level": chosen.level, "location": chosen.location,
            "totals": totals(chosen, dsn=connection) | listeners(chosen, dsn=connection),
            "period": period, "trend": trend(period, chosen, dsn=connection),
            "songs": top("songs", chosen, dsn=connection, limit=limit),
            "levels": levels(chosen, dsn=connection),
            "active": {
                days: listeners(
                    Selection(chosen.until - timedelta(days - 1), chosen.until, chosen.level, chosen.location),
                    dsn=connection,
                )["listeners"]
                for days in (1, 7, 30)
            },
            "quality": state,
        }  # fmt: skip


def fitting_period(since: date, until: date) -> str:
    """By what a trend of these days is cut, so that it fits on one screen: ``day``, ``week`` or ``month``."""
    days = (until - since).days + 1
    return "day" if days <= MOST_BARS else "week" if days <= 7 * MOST_BARS else "month"


def locations(*, dsn: DsnOrConnection = None) -> list[str]:
    """All places, as they are shown, those with most plays first."""
    with reader(dsn) as connection:
        plays: Counter[str] = Counter()
        for row in ask(connection, "locations", ALL):
            plays[shown(row["location"])] += row["plays"]
        return sorted(plays, key=lambda place: (-plays[place], place))


def _alike(connection: Connection[Any]) -> tuple[dict[str, sql.SQL], dict[str, list[str]]]:
    """What stands for a location in a query where spellings that are shown alike count as one; with its parameters."""
    firsts = {
        spelling: found[0]
        for found in shown_alike(connection).values()
        for spelling in found
        if len(found) > 1
    }
    place = "coalesce((%(firsts)s::text[])[array_position(%(alike)s::text[], location)], location)"
    return (
        {"place_shown": sql.SQL(place if firsts else "location")},
        {"alike": list(firsts), "firsts": list(firsts.values())},
    )


def quality(*, dsn: DsnOrConnection = None) -> Row:
    """The state of the data: plays, those that match the catalogue, lines set aside, when it was last loaded."""
    with reader(dsn) as connection:
        (row,) = ask(connection, "quality", ALL)
        (dates,) = ask(connection, "range", ALL)
        return row | dates
