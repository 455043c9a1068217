"""Overview: how much users listen, how many listen, and to what."""

import streamlit as st

from sparkify import analytics
from sparkify.dashboard import charts, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    chosen = view.selection
    asked = ask(analytics.totals, chosen), ask(analytics.listeners, chosen)
    trend = ask(analytics.trend, view.period, chosen)
    top_songs, top_artists = (ask(analytics.top, what, chosen, limit=10) for what in ("songs", "artists"))

    totals, people = (answer.result() for answer in asked)
    with st.container(horizontal=True):
        st.metric("Plays", f"{totals['plays']:,}", border=True)
        st.metric("Listeners", f"{people['listeners']:,}", border=True)
        st.metric("New listeners", f"{people['new_listeners']:,}", border=True)
        if totals["sessions"] is not None:
            st.metric("Sessions", f"{totals['sessions']:,}", border=True)
        st.metric("Hours heard", f"{totals['seconds'] / 3600:,.0f}", border=True)

    st.subheader(f"Plays by {view.period}", anchor=False)
    charts.trend(trend.result(), ["plays"], view.period, f"Plays by {view.period}")
    tables.download("trend", lambda: view.ask_now(analytics.trend, view.period, chosen))

    songs, artists = st.columns(2, gap="large")
    with songs:
        tables.show(
            "Top songs", top_songs.result(),
            {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"}, bar="plays",
        )  # fmt: skip
        tables.download("top songs", lambda: view.ask_now(analytics.top, "songs", chosen, limit=1000))
    with artists:
        tables.show(
            "Top artists", top_artists.result(),
            {"artist": "artist", "plays": "plays", "listeners": "listeners"}, bar="plays",
        )  # fmt: skip
        tables.download("top artists", lambda: view.ask_now(analytics.top, "artists", chosen, limit=1000))
