"""Overview: how much users listen, how many listen, and to what."""

from typing import Any

import streamlit as st

from sparkify import analytics
from sparkify.dashboard import addresses, charts, headlines, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    chosen = view.selection
    asked = [ask(question, chosen) for question in (analytics.totals, analytics.listeners)]
    if span := headlines.before(view):
        asked += [ask(question, span) for question in (analytics.totals, analytics.listeners)]
    trend = ask(analytics.trend, view.period, chosen)
    top_songs, top_artists = (ask(analytics.top, what, chosen, limit=10) for what in ("songs", "artists"))

    totals, people, *earlier = (answer.result() for answer in asked)
    now = _numbers(totals, people)
    then = _numbers(*earlier) if earlier else {}
    with st.container(horizontal=True):
        for name, number in now.items():
            headlines.show(name, number, then.get(name))
    headlines.say(view)

    st.subheader(f"Plays by {view.period}", anchor=False)
    charts.trend(view, trend.result(), ["plays"], f"Plays by {view.period}")
    charts.say_cut(view, trend.result())
    tables.download("trend", lambda: view.ask_now(analytics.trend, view.period, chosen))

    songs, artists = st.columns(2, gap="large")
    with songs:
        tables.show(
            "Top songs", top_songs.result(),
            {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"},
            bar="plays", links=addresses.SONG,
        )  # fmt: skip
        tables.download("top songs", lambda: view.ask_now(analytics.top, "songs", chosen, limit=1000))
    with artists:
        tables.show(
            "Top artists", top_artists.result(),
            {"artist": "artist", "plays": "plays", "listeners": "listeners"},
            bar="plays", links=addresses.ARTIST,
        )  # fmt: skip
        tables.download("top artists", lambda: view.ask_now(analytics.top, "artists", chosen, limit=1000))


def _numbers(totals: dict[str, Any], people: dict[str, Any]) -> dict[str, float]:
    found = {
        "Plays": totals["plays"], "Listeners": people["listeners"], "New listeners": people["new_listeners"],
        "Sessions": totals["sessions"], "Hours heard": totals["seconds"] / headlines.HOUR,
    }  # fmt: skip
    return {name: number for name, number in found.items() if number is not None}
