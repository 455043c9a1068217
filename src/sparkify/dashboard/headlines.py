"""Headline numbers, each beside the same number for as many days right before."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics import Selection, shares
from sparkify.dashboard import tables
from sparkify.dashboard.filters import View

HOUR: Final = 3600


def before(view: View, days: int | None = None) -> Selection | None:
    """As many days right before the last `days`, or before all of the view; None unless the data has all."""
    days = days or _days(view)
    until = view.until - timedelta(days)
    since = until - timedelta(days - 1)
    return replace(view.selection, since=since, until=until) if since >= _first_whole(view) else None


def show(name: str, now: float | None, then: float | None, digits: int = 0) -> None:
    """Show a number with so many digits after the point, and how it has changed from `then`, if both are
    known."""
    change: dict[str, Any] = {}
    if now is not None and then is not None:
        change = {
            "delta": shares.change(now, then, digits) or "unchanged", "delta_color": "off",
            "delta_arrow": "up" if now > then else "down" if now < then else "off",
            "delta_description": f"from {then:,.{digits}f}",
        }  # fmt: skip
    shown = "–" if now is None else f"{now:,.{digits}f}"
    st.metric(name, shown, border=True, height="stretch", **change)


def say(view: View) -> None:
    """Say what the numbers of a view are compared with, or why they are not."""
    many = _days(view)
    days, begin = (f"{many:,} days", "begin") if many > 1 else ("day", "begins")
    if span := before(view):
        which = f"{span.since} to {span.until}" if many > 1 else span.since
        tables.line(f"Compared with the {days} before: {which}.{_unfinished(view)}")
    elif view.since == view.first:
        tables.line(f"Not compared with the days before: the data {_begins(view)}.")
    else:
        first = view.since - timedelta(many)
        tables.line(f"Not compared: the {days} before {begin} on {first}, but the data {_begins(view)}.")


def say_last(view: View) -> None:
    """Say what numbers over the last days are compared with."""
    tables.line(
        f"Compared with as many days right before, if the data, which {_begins(view)}, has all of them."
        + _unfinished(view)
    )


def _first_whole(view: View) -> date:
    """The first day of which the data surely has all: in other time zones than UTC the first is cut."""
    return view.first if view.selection.zone == analytics.UTC else view.first + timedelta(1)


def _begins(view: View) -> str:
    is_whole = _first_whole(view) == view.first
    return f"begins on {view.first}" if is_whole else f"may begin in the middle of {view.first}"


def _unfinished(view: View) -> str:
    """Say so if the data may lack hours of the last day of a view."""
    if view.selection.zone == analytics.UTC:
        over = view.state["loaded_at"].astimezone(UTC).date()
        return " The last day was not over when the data was loaded." if over <= view.until else ""
    # The data ends with a UTC day or during one, so the local day around its end is cut, too.
    is_cut = view.until >= view.last
    return " In this time zone the data may end before the last day does." if is_cut else ""


def _days(view: View) -> int:
    return (view.until - view.since).days + 1
