"""The questions about listening, people and places.

Each takes a connection string, or None for the usual one; or an open connection in autocommit mode.
"""

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.analytics import zones
from sparkify.analytics.arguments import checked
from sparkify.analytics.asking import ALL, ask, days_with_plays, in_whole_months
from sparkify.analytics.names import repaired, shown
from sparkify.analytics.places import shown_alike
from sparkify.analytics.ranking import RANKED, most_changed, most_played
from sparkify.analytics.selection import PERIODS, UTC, Selection, refuse_parts, refuse_unknown
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, Rows, reader, rows
from sparkify.errors import UsageError

_listening: Final = queries("analytics/listening")
_people: Final = queries("analytics/people")
_places: Final = queries("analytics/places")
_state: Final = queries("analytics/state")
_zones: Final = queries("analytics/zones")

MOST_BARS: Final = 62
"""The most bars that a trend shows on one screen; only a trend by month may have more."""


@checked
def top(what: str, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The most played ``songs``, ``artists``, ``users``, ``locations`` or ``devices``, most plays first.

    A song is one title by one artist in the logs (`track_id`); `song_id` is None if the catalogue lacks it.
    """
    others = {"users": _listening["top_users"], "devices": _listening["top_devices"]}
    refuse_unknown("list", what, [*RANKED, "locations", *others])
    with reader(dsn) as connection:
        if what in RANKED:
            return repaired(most_played(connection, what, selection, limit))
        chosen = in_whole_months(connection, selection)
        if what == "locations":
            return repaired(_top_locations(connection, chosen, limit))
        return repaired(ask(connection, others[what], chosen, limit=limit))


@checked
def totals(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Row:
    """Plays, listeners, sessions (None with a place) and seconds of the songs that were played."""
    with reader(dsn) as connection:
        (row,) = ask(connection, _listening["totals"], in_whole_months(connection, selection))
        if selection.location is not None:
            return row | {"sessions": None}
        return row | ask(connection, _listening["sessions"], selection)[0]


@checked
def listeners(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Row:
    """How many people listened, and how many of them had never listened before."""
    with reader(dsn) as connection:
        (row,) = ask(connection, _listening["listeners"], in_whole_months(connection, selection))
        return row


@checked
def trend(period: str = "day", selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Plays, listeners (new and returning), sessions and seconds by ``day``, ``week`` or ``month``.

    A week or month that the selection cuts is returned whole, one without plays not at all. Sessions are None
    with a place.
    """
    refuse_unknown("period", period, PERIODS)
    if selection.zone != UTC:
        return _trend_in_zone(period, selection, dsn)
    query = _listening["trend"] if selection.location is None else _listening["trend_of_place"]
    # The planner underestimates the days of a place, and would look up the first day of each user.
    with reader(dsn) as connection, planner(connection, enable_nestloop="off"):
        return ask(connection, query, days_with_plays(connection, selection), period=period)


def _trend_in_zone(period: str, selection: Selection, dsn: DsnOrConnection) -> Rows:
    with reader(dsn) as connection, _many_users_days(connection):
        days = days_with_plays(connection, selection)
        if days.is_empty():
            return ask(connection, _listening["trend"], days.of_no_day(), period=period)
        return ask(connection, _zones["trend"], days, **zones.periods(connection, days, period))


def _many_users_days(connection: Connection[Any]) -> AbstractContextManager[None]:
    """Planner settings to ask about all days of users, as for `trend` and for `heat_map`."""
    return planner(connection, enable_nestloop="off", enable_sort="off")


@checked
def heat_map(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Plays by weekday (0 is Monday) and hour, both by the selection's time zone; hours without plays are
    left out."""
    query = _listening["heat_map"] if selection.location is None else _listening["heat_map_of_place"]
    parts: dict[str, sql.Composable] = {}
    if selection.zone != UTC:
        query, parts = _zones["heat_map"], {"zone": sql.Placeholder("zone")}
    # The planner underestimates the days of a place, and would sort all plays on them.
    with reader(dsn) as connection, planner(connection, enable_sort="off"):
        return ask(connection, query, selection, parts=parts)


@checked
def heat_map_own_time(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Row:
    """Plays by weekday and hour like `heat_map`, but each by the clocks of the place it was heard at.

    Only places whose time zone is certain count, which are metropolitan areas of the United States. A row
    with `hours` like those of `heat_map`, their `plays` together, and `all_plays` of the selection.
    """
    with reader(dsn) as connection:
        found = ask(connection, _zones["heat_map"], selection, parts={"zone": sql.Identifier("zone")})
    hours = found.having("weekday")
    plays, all_plays = (sum(row["plays"] for row in heard) for heard in (hours, found))
    return {"hours": hours, "plays": plays, "all_plays": all_plays}


@checked
def levels(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Plays, listeners and seconds by level."""
    with reader(dsn) as connection:
        return ask(connection, _listening["levels"], in_whole_months(connection, selection))


@checked
def genders(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Plays and listeners by gender."""
    with reader(dsn) as connection:
        return ask(connection, _listening["genders"], in_whole_months(connection, selection))


@checked
def level_changes(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """How often users changed from one level to another (`changes`), and how many did (`users`), by month.

    A selection with a level counts the changes to that level.

    Raises:
        UsageError: the selection has a place.
    """
    refuse_parts("level_changes", selection)
    with reader(dsn) as connection:
        by_days = _people["by_days" if selection.zone == UTC else "by_days_in_zone"]
        return ask(connection, _people["level_changes"], selection, parts={"by_days": sql.SQL(by_days)})


@checked
def retention(period: str = "month", selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Count users who listened again, by the ``month`` or ``week`` of their first play (`cohort`) and by the
    number of months or weeks since (`months_later`, `weeks_later`).

    The selection's days choose the first plays.

    Raises:
        UsageError: the selection has a level or a place.
    """
    refuse_parts("retention", selection)
    by_period = {"week": _people["retention_week"], "month": _people["retention_month"]}
    refuse_unknown("period", period, by_period)
    with reader(dsn) as connection:
        if selection.zone == UTC:
            return ask(connection, by_period[period], selection)
        days = days_with_plays(connection, replace(selection, until=None))  # the later ones count, too
        if days.is_empty():
            return ask(connection, by_period[period], days.of_no_day())
        periods = zones.periods(connection, days, period)
        later = {"later": sql.Identifier(f"{period}s_later")}
        with _many_users_days(connection):
            return ask(connection, _zones["retention"], selection, parts=later, **periods)


@checked
def rising(
    selection: Selection, *, falling: bool = False, dsn: DsnOrConnection = None, limit: int = 10
) -> Rows:
    """Songs that gained the most plays (or, `falling`, lost the most), compared with as many days before.

    The days end with the last day that has plays. Days before the data begins count as days without plays.
    Songs with the same change come in the order of `top` for the days on which they had more plays.

    Raises:
        UsageError: the selection has no first day, so there is nothing before it to compare with.
    """
    if selection.since is None:
        raise UsageError("Rising songs are compared with the days before: choose the first day, `since`.")
    with reader(dsn) as connection:
        return repaired(most_changed(connection, selection, limit, falling=falling))


@checked
def unmatched(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The most played songs that the catalogue lacks."""
    with reader(dsn) as connection:
        songs = most_played(connection, "songs", selection, limit, lacking=True)
        return repaired(songs.without("song_id"))


@checked
def report(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 5) -> Row:
    """A report for one screen: totals, trend (for many days, by week or month), top songs, the people active
    in the last day, 7 days and 30 days of the selection, and the state of the data.

    `since` and `until` are the first and the last day of the selection, as far as there are plays from the
    first to the last; None if none of its days is among these.
    """
    with reader(dsn) as connection:
        state = quality(dsn=connection)
        chosen = days_with_plays(connection, selection)
        assert chosen.since
        assert chosen.until
        period = fitting_period(chosen.since, chosen.until)
        no_day = chosen.is_empty()
        return {
            "since": None if no_day else chosen.since, "until": None if no_day else chosen.until,
            "level": chosen.level, "location": chosen.location,
            "zone": selection.zone,
            "totals": totals(chosen, dsn=connection) | listeners(chosen, dsn=connection),
            "period": period, "trend": trend(period, chosen, dsn=connection),
            "songs": top("songs", chosen, dsn=connection, limit=limit),
            "levels": levels(chosen, dsn=connection),
            "active": {
                days: 0 if no_day else listeners(chosen.last_days(days), dsn=connection)["listeners"]
                for days in (1, 7, 30)
            },
            "quality": state,
        }  # fmt: skip


def fitting_period(since: date, until: date) -> str:
    """The period by which a trend of these days fits on one screen: ``day``, ``week`` or ``month``."""
    days = (until - since).days + 1
    return "day" if days <= MOST_BARS else "week" if days <= 7 * MOST_BARS else "month"


@checked
def days(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Selection:
    """The selection limited to the days that have plays, by its time zone."""
    with reader(dsn) as connection:
        return days_with_plays(connection, selection)


def time_zones(*, dsn: DsnOrConnection = None) -> list[str]:
    """The time zones that a selection may have: UTC, then those named like ``America/New_York``."""
    with reader(dsn) as connection:
        return zones.names(connection)


def locations(*, dsn: DsnOrConnection = None) -> list[str]:
    """All places by the names that are shown, the most played first."""
    with reader(dsn) as connection:
        plays: Counter[str] = Counter()
        for row in rows(connection, _places["locations"]):
            plays[shown(row["location"])] += row["plays"]
        return sorted(plays, key=lambda place: (-plays[place], place))


def _top_locations(connection: Connection[Any], selection: Selection, limit: int) -> Rows:
    """The places with most plays; spellings that are shown alike count as one place."""
    firsts = {
        spelling: found[0]
        for found in shown_alike(connection).values()
        for spelling in found
        if len(found) > 1
    }
    return ask(
        connection,
        _places["top_locations"],
        selection,
        parts={"place_shown": sql.SQL(_places["first_spelling"]) if firsts else sql.Identifier("location")},
        limit=limit,
        alike=list(firsts),
        firsts=list(firsts.values()),
    )


def quality(*, dsn: DsnOrConnection = None) -> Row:
    """The state of the data: plays, matched plays, page views, rejected lines, and when it was last loaded.

    Page views are counted as lines that were read. Until a first load is done, `loaded_at` is when it began.
    `held_runs` and `failed_runs` are as in the report of a run.
    """
    with reader(dsn) as connection:
        (row,) = rows(connection, _state["quality"])
        (dates,) = rows(connection, _listening["range"])
        runs = rows(connection, _state["unpublished_runs"])
        held = [run["run_id"] for run in runs if run["state"] == "held"]
        failed = {run["run_id"]: run["reason"] for run in runs if run["state"] == "failed"}
        return row | dates | {"held_runs": held, "failed_runs": failed}
