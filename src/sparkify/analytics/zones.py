"""Local days: find when they begin, and which UTC days they cut.

Rollups are by UTC day. So a question about local days takes the whole UTC days among them, and from the UTC
days at both ends the plays inside: ``user_days`` has the quarter of an hour of each play. Local days begin
with a quarter, with few exceptions (docs/analytics.md): the clocks of Newfoundland, for instance, were
changed at one minute past midnight until 2011.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC as UTC_ZONE
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from psycopg import Connection

from sparkify.analytics.selection import UTC, Selection, next_start
from sparkify.database.queries import queries
from sparkify.database.reading import rows
from sparkify.errors import UsageError

_sql: Final = queries("analytics/zones")

_QUARTERS: Final = 96
"""Quarters of an hour in a UTC day."""

_EPOCH: Final = date(2000, 1, 1)

_known: Final[set[str]] = {UTC}
"""Zones that a server has listed: to list them takes it 30 ms."""

Moment = tuple[date, int]
"""A UTC day and a quarter of an hour in it, from 0."""


def spans(connection: Connection[Any], selection: Selection) -> tuple[Selection, Selection]:
    """The selection limited to the local days that have plays; and that of the same plays without a first or
    last day if no play is beyond. All plays are those of a selection in UTC."""
    _refuse_unknown(connection, selection.zone)
    (dates,) = rows(connection, _sql["range"], {"zone": selection.zone})
    if dates["first"] is None:
        return (selection.of_no_day(),) * 2
    days = selection.within(dates["first"], dates["last"])
    if days.is_empty():
        return days, days
    since = None if days.since == dates["first"] else days.since
    until = None if days.until == dates["last"] else days.until
    return days, replace(days, since=since, until=until, zone=selection.zone if since or until else UTC)


def parameters(connection: Connection[Any], selection: Selection) -> dict[str, Any]:
    """Parameters for the queries: those of the whole UTC days, and where a local selection cuts others.

    Raises:
        UsageError: the server does not know the time zone.
    """
    if selection.zone == UTC:
        whole = selection.parameters()
        begin, end = (whole["first"], 0), (whole["end"], 0)
    else:
        begin, end = _span(connection, selection)
        first = begin[0] + timedelta(begin[1] > 0)
        whole = replace(selection, since=first, until=end[0] - timedelta(1), zone=UTC).parameters()
    cuts = list(_cuts(begin, end))
    return whole | {
        "zone": selection.zone,
        "begin_day": begin[0], "begin_quarter": begin[1], "begins": _instant(begin),
        "end_day": end[0], "end_quarter": end[1], "ends": _instant(end),
        "past_day": end[0] + timedelta(end[1] > 0),
        "cut_days": [day for day, _, _ in cuts],
        "cut_from": [quarter for _, quarter, _ in cuts],
        "cut_until": [quarter for _, _, quarter in cuts],
        "cut_begins": [_instant((day, quarter)) for day, quarter, _ in cuts],
        "cut_ends": [_instant((day, quarter)) for day, _, quarter in cuts],
    }  # fmt: skip


def periods(connection: Connection[Any], selection: Selection, period: str) -> dict[str, Any]:
    """Parameters for a trend: the local days, weeks or months that a selection with both ends touches."""
    assert selection.since
    assert selection.until
    starts = [_start(period, selection.since)]
    while starts[-1] <= selection.until:
        starts.append(next_start(period, starts[-1]))
    bounds = _day_starts(connection, selection.zone, starts)
    return {
        "starts": starts[:-1], "bounds": bounds, "moments": [_instant(_moment(bound)) for bound in bounds],
        "since_day": _moment(bounds[0])[0], "until_day": _moment(bounds[-1] - 1)[0],
        "has_place": selection.location is not None,
    }  # fmt: skip


def names(connection: Connection[Any]) -> list[str]:
    """The time zones that the server knows, without its abbreviations and old names."""
    return [UTC, *(row["name"] for row in rows(connection, _sql["names"]))]


def _refuse_unknown(connection: Connection[Any], zone: str) -> None:
    """Raise `UsageError` if the server does not know a time zone by this name."""
    if zone in _known:
        return
    listed = zone.isprintable() and rows(connection, _sql["is_known"], {"zone": zone})[0]["is_known"]
    if not listed:
        raise UsageError(
            f"There is no time zone {zone!r} with a region. Give a name of the IANA database, in the same"
            " capitals, like America/New_York, America/Chicago, America/Denver or America/Los_Angeles."
        )
    _known.add(zone)


def _span(connection: Connection[Any], selection: Selection) -> tuple[Moment, Moment]:
    """The moments from which on and before which the plays of a local selection lie."""
    _, days = spans(connection, selection)
    if days.is_empty():
        return (_EPOCH, 0), (_EPOCH, 0)
    unlimited = Selection().parameters()
    begin, end = (unlimited["first"], 0), (unlimited["end"], 0)
    if days.since:
        begin = _moment(*_day_starts(connection, selection.zone, [days.since]))
    if days.until:
        end = _moment(*_day_starts(connection, selection.zone, [days.until + timedelta(1)]))
    return begin, end


def _cuts(begin: Moment, end: Moment) -> Iterator[tuple[date, int, int]]:
    """The UTC days that a span cuts, with the quarters of an hour inside: from one until before another."""
    if begin[0] == end[0]:
        if begin[1] < end[1]:
            yield begin[0], begin[1], end[1]
        return
    if begin[1]:
        yield begin[0], begin[1], _QUARTERS
    if end[1]:
        yield end[0], 0, end[1]


def _day_starts(connection: Connection[Any], zone: str, days: Sequence[date]) -> list[int]:
    """When local days begin, in quarters of an hour since 2000."""
    found = rows(connection, _sql["day_starts"], {"zone": zone, "days": list(days)})
    return [row["quarter"] for row in found]


def _moment(quarter: int) -> Moment:
    return _EPOCH + timedelta(quarter // _QUARTERS), quarter % _QUARTERS


def _instant(moment: Moment) -> datetime:
    return datetime.combine(moment[0], time(), UTC_ZONE) + timedelta(minutes=15 * moment[1])


def _start(period: str, day: date) -> date:
    """The first day of the day, week or month that a day is in."""
    return {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[period]
