"""Listeners: how many are active, new or returning, on which level."""

from typing import Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics.selection import known_parts
from sparkify.dashboard import addresses, charts, headlines, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.screens import one_listener
from sparkify.dashboard.source import Ask
from sparkify.database.reading import Row

_ACTIVE: Final = {1: "Active on the last day", 7: "Active in 7 days", 30: "Active in 30 days"}


def show(view: View, ask: Ask) -> None:
    """Draw the page, or that of one listener if the address names one."""
    if "user" in st.query_params:
        one_listener.show(view, ask)
        return
    chosen = view.selection
    # The slowest questions first.
    changes, retention = (
        ask(question, selection=known_parts(question.__name__, chosen))
        for question in (analytics.level_changes, analytics.retention)
    )
    active = {days: ask(analytics.listeners, view.last_days(days)) for days in _ACTIVE}
    earlier = {
        days: ask(analytics.listeners, span) for days in _ACTIVE if (span := headlines.before(view, days))
    }
    trend = ask(analytics.trend, view.period, chosen)
    levels, genders = ask(analytics.levels, chosen), ask(analytics.genders, chosen)
    users = ask(analytics.top, "users", chosen)

    with st.container(horizontal=True):
        for days, name in _ACTIVE.items():
            then = earlier[days].result()["listeners"] if days in earlier else None
            headlines.show(name, active[days].result()["listeners"], then)
    headlines.say_last(view)
    st.subheader(f"New and returning listeners by {view.period}", anchor=False)
    charts.trend(
        view, trend.result(), ["returning_listeners", "new_listeners"], f"Listeners by {view.period}"
    )
    charts.say_cut(view, trend.result())
    tables.download("listeners", lambda: view.ask_now(analytics.trend, view.period, chosen))
    left, right = st.columns(2, gap="large")
    with left:
        _levels(view, levels.result(), genders.result(), changes.result())
    with right:
        tables.show(
            "Top listeners", users.result(),
            {"name": "name", "level": "level now", "plays": "plays"}, bar="plays", links=addresses.LISTENER,
        )  # fmt: skip
        tables.download("top users", lambda: view.ask_now(analytics.top, "users", chosen, limit=1000))
    _retention(view, retention.result())


def _levels(view: View, levels: list[Row], genders: list[Row], changes: list[Row]) -> None:
    tables.show("Levels", levels, {"level": "level", "plays": "plays", "listeners": "listeners"}, bar="plays")
    tables.show(
        "Gender, as logged", genders,
        {"gender": "gender", "plays": "plays", "listeners": "listeners"}, bar="plays",
    )  # fmt: skip
    tables.show(
        "Level changes", [row | {"month": f"{row['month']:%Y-%m}"} for row in changes],
        {"month": "month", "level_before": "from", "level": "to", "changes": "changes", "users": "users"},
    )  # fmt: skip
    tables.line(
        "Counts changes on the chosen days, at all places. With a level chosen, only changes to that level."
    )
    tables.download(
        "level changes",
        lambda: view.ask_now(analytics.level_changes, known_parts("level_changes", view.selection)),
    )


def _retention(view: View, rows: list[Row]) -> None:
    st.subheader("Retention", anchor=False)
    tables.line(
        "Users are grouped by the month of their first play, if that is on the chosen days. The chart shows"
        " how many of them listened in each later month, on any level and at any place."
    )
    charts.cohorts(rows)
    tables.download(
        "retention",
        lambda: view.ask_now(analytics.retention, selection=known_parts("retention", view.selection)),
    )
