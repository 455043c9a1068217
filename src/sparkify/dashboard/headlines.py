"""Headline numbers, each beside the same number for as many days right before."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics import Selection, shares
from sparkify.dashboard import tables
from sparkify.dashboard.filters import View

HOUR: Final = 3600

_LATEST_END: Final = timedelta(hours=12)
"""No time zone's day ends longer than this after that of UTC."""


def before(view: View, days: int | None = None) -> Selection | None:
    """As many days right before the last `days`, or before all of the view; None unless the data has all."""
    days = days or _days(view)
    until = view.until - timedelta(days)
    since = until - timedelta(days - 1)
    return replace(view.selection, since=since, until=until) if since >= view.first else None


def show(name: str, now: float, then: float | None) -> None:
    """Show a number, and how it has changed from `then`, if that is known."""
    change: dict[str, Any] = {}
    if then is not None:
        change = {
            "delta": shares.change(now, then) or "unchanged", "delta_color": "off",
            "delta_arrow": "up" if now > then else "down" if now < then else "off",
            "delta_description": f"from {then:,.0f}",
        }  # fmt: skip
    st.metric(name, f"{now:,.0f}", border=True, height="stretch", **change)


def say(view: View) -> None:
    """Say what the numbers of a view are compared with, or why they are not."""
    first, many = view.first, _days(view)
    days = f"{many:,} days" if many > 1 else "day"
    if span := before(view):
        which = f"{span.since} to {span.until}" if many > 1 else span.since
        tables.line(f"Compared with the {days} before: {which}.{_unfinished(view)}")
    elif view.since == first:
        tables.line(f"Not compared with the days before: the data begins on {first}.")
    else:
        begin = view.since - timedelta(many)
        tables.line(f"Not compared: the {days} before begin on {begin}, but the data on {first}.")


def say_last(view: View) -> None:
    """Say what numbers over the last days are compared with."""
    first = view.first
    tables.line(
        f"Compared with as many days right before, if the data, which begins on {first}, has all of them."
        + _unfinished(view)
    )


def _unfinished(view: View) -> str:
    over = view.state["loaded_at"].astimezone(UTC)
    if view.selection.zone != analytics.UTC:
        over -= _LATEST_END
    was = "was not" if view.selection.zone == analytics.UTC else "may not have been"
    return f" The last day {was} over when the data was loaded." if over.date() <= view.until else ""


def _days(view: View) -> int:
    return (view.until - view.since).days + 1
