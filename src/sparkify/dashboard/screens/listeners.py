"""Listeners: how many are active, who is new, who comes back, on which level."""

from datetime import timedelta

import streamlit as st

from sparkify import analytics
from sparkify.analytics import Selection
from sparkify.dashboard import charts, tables
from sparkify.dashboard.filters import View


def show(view: View) -> None:
    """Draw the page."""
    chosen = view.selection
    with st.container(horizontal=True):
        for days, name in (
            (1, "Active on the last day"),
            (7, "in the last 7 days"),
            (30, "in the last 30 days"),
        ):
            span = Selection(view.until - timedelta(days - 1), view.until, chosen.level, chosen.location)
            st.metric(name, f"{view.ask(analytics.listeners, span)['listeners']:,}", border=True)
    st.subheader(f"New and returning listeners by {view.period}", anchor=False)
    rows = view.ask(analytics.trend, view.period, chosen)
    charts.trend(rows, ["returning_listeners", "new_listeners"], view.period, f"Listeners by {view.period}")
    tables.download("listeners", lambda: view.ask_now(analytics.trend, view.period, chosen))
    left, right = st.columns(2, gap="large")
    with left:
        _levels(view)
    with right:
        tables.show(
            "Who listens most", view.ask(analytics.top, "users", chosen),
            {"name": "name", "level": "level now", "plays": "plays"}, bar="plays",
        )  # fmt: skip
        tables.download("top users", lambda: view.ask_now(analytics.top, "users", chosen, limit=1000))
    _retention(view)


def _levels(view: View) -> None:
    chosen = view.selection
    tables.show(
        "Levels", view.ask(analytics.levels, chosen),
        {"level": "level", "plays": "plays", "listeners": "listeners"}, bar="plays",
    )  # fmt: skip
    tables.show(
        "Gender, as the log says", view.ask(analytics.genders, chosen),
        {"gender": "gender", "plays": "plays", "listeners": "listeners"}, bar="plays",
    )  # fmt: skip
    tables.show(
        "Changes of level", view.ask(analytics.level_changes, chosen),
        {"month": "month", "level_before": "from", "level": "to", "users": "users"},
    )  # fmt: skip
    tables.line("Changes are those of the days that are chosen, at all places.")
    tables.download("changes of level", lambda: view.ask_now(analytics.level_changes, chosen))


def _retention(view: View) -> None:
    rows = view.ask(analytics.retention, view.selection)
    st.subheader("Who comes back", anchor=False)
    tables.line(
        "Of those whose first play ever is in a month, and on the days that are chosen: how many listened in the months"
        " that follow, on any level and at any place."
    )
    charts.cohorts(rows)
    tables.download("retention", lambda: view.ask_now(analytics.retention, view.selection))
