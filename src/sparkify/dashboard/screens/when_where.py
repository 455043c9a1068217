"""When and where: weekdays and hours, places, devices."""

from collections import Counter
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics.shares import share
from sparkify.dashboard import addresses, charts, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask
from sparkify.dashboard.states import state_of

ALL_PLACES: Final = 100_000


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    chosen = view.selection
    st.subheader("Plays by weekday and hour", anchor=False)
    own = st.toggle("By the clocks of each place", key="own", bind="query-params")
    hours = ask(analytics.heat_map_own_time if own else analytics.heat_map, chosen)
    by_place = ask(analytics.top, "locations", chosen, limit=ALL_PLACES)
    devices = ask(analytics.top, "devices", chosen)

    (_own_hours if own else _hours)(view, hours.result())

    places = by_place.result()
    left, right = st.columns([3, 2], gap="large")
    with left:
        _states(places)
        tables.show(
            "Devices", devices.result(),
            {"device": "device", "plays": "plays", "listeners": "listeners"}, bar="plays",
        )  # fmt: skip
        tables.download("devices", lambda: view.ask_now(analytics.top, "devices", chosen, limit=1000))
    with right:
        tables.show(
            "Places", places,
            {"location": "place", "plays": "plays", "listeners": "listeners"},
            bar="plays", links=addresses.PLACE, most=15,
        )  # fmt: skip
        tables.download("places", lambda: view.ask_now(analytics.top, "locations", chosen, limit=ALL_PLACES))


def _states(places: list[dict[str, Any]]) -> None:
    plays: Counter[str] = Counter()
    elsewhere = 0
    for row in places:
        if state := state_of(row["location"]):
            plays[state] += row["plays"]
        else:
            elsewhere += row["plays"]
    st.subheader("Plays by state", anchor=False)
    charts.tiles(plays)
    if plays:
        tables.line("Each tile is a US state. A place in several states counts for the one it names first.")
    if elsewhere:
        tables.line(f"{elsewhere:,} plays are at places that name no state.")


def _hours(view: View, found: list[dict[str, Any]]) -> None:
    charts.hours(found, view.selection.zone)
    tables.download("weekdays and hours", lambda: view.ask_now(analytics.heat_map, view.selection))


def _own_hours(view: View, found: dict[str, Any]) -> None:
    charts.hours(found["hours"], "local time")
    tables.line(
        f"{share(found['plays'], found['all_plays'])} of plays are at places whose time zone is certain:"
        " metropolitan areas of the United States that lie in one. The chart leaves out the others."
    )
    tables.download(
        "local weekdays and hours",
        lambda: view.ask_now(analytics.heat_map_own_time, view.selection)["hours"],
    )
