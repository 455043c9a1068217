"""The questions about what users do beside listening: pages, sessions, feedback; who pays and who leaves.

Each takes a `Selection` of days and a level; page views have no place. Days, weeks and hours are UTC. All
raise `UsageError` if the selection has a part that the question does not know.
"""

from typing import Any, Final, LiteralString

from psycopg import Connection

from sparkify.analytics.arguments import checked
from sparkify.analytics.asking import ALL, ask, fill
from sparkify.analytics.feedback_ranking import most_given
from sparkify.analytics.names import repaired
from sparkify.analytics.selection import UTC, Selection, refuse_parts
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Rows, reader, rows
from sparkify.errors import UsageError

_activity: Final = queries("analytics/activity")
_leaving: Final = queries("analytics/leaving")

QUIET_DAYS: Final = 14
"""A user who does nothing on this many days at the end of the data has gone quiet, unless a question is asked
for another number."""

_LONGEST_QUIET: Final = 3650
"""Days: ten years, more than any use. PostgreSQL fails to subtract very many from a date."""


def event_days(*, dsn: DsnOrConnection = None) -> Selection:
    """The days from the first to the last with plays or page views, as a selection of UTC days."""
    with reader(dsn) as connection:
        first, last = _days(connection)
        return Selection(first, last) if first else ALL.of_no_day()


@checked
def pages(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Views of each page, the users who saw it, and errors; the most viewed first.

    Views while logged out are counted, but belong to no user.
    """
    with reader(dsn) as connection:
        return _ask(connection, _activity["pages"], _in_whole_months(connection, selection))


@checked
def page_days(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Views, users and errors by day, page and level."""
    return _question(dsn, _activity["page_days"], selection)


@checked
def errors(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Page views that failed (status 400 to 599, or page Error) by day and page, with all `views` of the page
    on that day, and the `users` who saw it."""
    return _question(dsn, _activity["errors"], selection)


@checked
def feedback(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Thumbs up and down, adds to a playlist and friends added by day and level, each also for an hour heard.

    A number for an hour is None where nothing was heard.
    """
    return _question(dsn, _activity["feedback"], selection)


@checked
def feedback_songs(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The songs after which most feedback was given: the last play that the user began in the same session
    before it, less than a day before."""
    _refuse_places_and_zones(selection)
    with reader(dsn) as connection:
        return repaired(most_given(connection, _in_whole_months(connection, selection), limit))


@checked
def adverts(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Adverts on the free level by day, also for an hour heard there."""
    return _question(dsn, _activity["adverts"], selection)


@checked
def sessions(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Sessions by the day on which they began: how many, how many without a play, plays, page views, and the
    seconds from the first event to the last one."""
    return _question(dsn, _activity["sessions"], selection)


@checked
def session_ends(selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The most frequent first and last pages of sessions; the page of a play is NextSong."""
    return _question(dsn, _activity["session_ends"], selection, limit=limit)


@checked
def upgrades(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """The ways from free to paid by the week in which they began. A selection with a level is refused.

    A way begins when a user sees Upgrade, or with Submit Upgrade; then comes the first paid play, and `back`
    are those that end with Submit Downgrade. Seconds are medians.
    """
    refuse_parts("upgrades", selection)
    return _question(dsn, _leaving["upgrades"], selection)


@checked
def churn(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Cancellations and downgrades, and the users who made them, by week."""
    return _question(dsn, _leaving["churn"], selection)


@checked
def quiet(selection: Selection = ALL, *, days: int = QUIET_DAYS, dsn: DsnOrConnection = None) -> Rows:
    """All users by level, and how many have gone quiet: no play or page view on the last `days` days of the
    data. A selection with days is refused; its level is that of a user's last week."""
    _refuse_days(days)
    refuse_parts("quiet", selection)
    return _at_the_end(dsn, _leaving["quiet"], selection, days=days)


@checked
def cohorts(selection: Selection = ALL, *, days: int = QUIET_DAYS, dsn: DsnOrConnection = None) -> Rows:
    """Users by the week of their first play or page view: how many cancelled, have gone quiet for `days` days
    at the end of the data, or are still active. A selection with a level is refused."""
    _refuse_days(days)
    refuse_parts("cohorts", selection)
    return _at_the_end(dsn, _leaving["cohorts"], selection, days=days)


@checked
def before(selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """The weeks before users leave compared with other weeks: means for a user and week.

    A week is one before leaving if the user cancels or does nothing in the four weeks after it. Weeks for
    which the data ends too early to tell are left out. A week that the selection cuts counts as a whole.
    """
    return _at_the_end(dsn, _leaving["before"], selection)


def _question(dsn: DsnOrConnection, query: LiteralString, selection: Selection, **more: Any) -> Rows:
    with reader(dsn) as connection:
        return _ask(connection, query, selection, **more)


def _at_the_end(dsn: DsnOrConnection, query: LiteralString, selection: Selection, **more: Any) -> Rows:
    """Ask a question that needs the last day of the data."""
    with reader(dsn) as connection:
        return _ask(connection, query, selection, last=_days(connection)[1], **more)


def _ask(connection: Connection[Any], query: LiteralString, selection: Selection, **more: Any) -> Rows:
    _refuse_places_and_zones(selection)
    parts = {name: fill(_activity[name]) for name in ("viewed", "days_and_hours")}
    return ask(connection, query, selection, parts=parts, **more)


def _refuse_days(days: int) -> None:
    if not 1 <= days <= _LONGEST_QUIET:
        raise UsageError(f"The days of being quiet must be from 1 to {_LONGEST_QUIET}, not {days}.")


def _refuse_places_and_zones(selection: Selection) -> None:
    if selection.location is not None:
        raise UsageError("Page views have no place: leave out the place.")
    if selection.zone != UTC:
        raise UsageError("Page views are counted by UTC days: leave out the time zone.")


def _in_whole_months(connection: Connection[Any], selection: Selection) -> Selection:
    """The selection of the same plays and page views, in whole months where possible."""
    first, last = _days(connection)
    return selection.widened(first, last) if first else selection.of_no_day()


def _days(connection: Connection[Any]) -> tuple[Any, Any]:
    """The first and the last day with plays or page views; None without any."""
    (row,) = rows(connection, _activity["days"])
    return row["first"], row["last"]
