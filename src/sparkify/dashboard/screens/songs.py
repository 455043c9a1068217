"""Songs and artists: one song's history and audience; rising and falling songs."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.dashboard import charts, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask

WEEK: Final = timedelta(6)


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    text = st.text_input(
        "Search for a song or an artist", key="q", bind="query-params", type="search", max_chars=200,
        placeholder="words of the title and the artist",
    )  # fmt: skip
    if text and text.strip():
        _found(view, ask, text)
    else:
        _change(view, ask)


def _found(view: View, ask: Ask, text: str) -> None:
    rows = ask(analytics.search, text).result()
    if not rows:
        tables.line(f"No played song has all of these words: {text}")
        return
    by_name = {f"{row['title']} — {row['artist']}": row for row in reversed(rows)}
    name = st.selectbox(
        f"Song ({len(rows)} found, the most played first)", list(reversed(by_name)), key="song",
        bind="query-params", filter_mode="contains",
    )  # fmt: skip
    if name is None:
        return
    _song(view, ask, by_name[name])
    tables.show(
        "Songs found, with all their plays",
        rows[:20],
        {"title": "title", "artist": "artist", "plays": "plays"},
        bar="plays",
    )
    tables.download("found songs", lambda: view.ask_now(analytics.search, text, limit=1000))


def _song(view: View, ask: Ask, song: dict[str, Any]) -> None:
    chosen, track_id = view.selection, song["track_id"]
    asked = ask(analytics.history, track_id, view.period, chosen), ask(analytics.audience, track_id, chosen)
    fans = ask(analytics.fans, track_id, chosen)
    rows, groups = (answer.result() for answer in asked)
    if not rows:
        tables.line("Nobody played this song within the filters.")
        return
    with st.container(horizontal=True):
        st.metric("Plays", f"{sum(row['plays'] for row in groups):,}", border=True)
        st.metric("In the catalogue", "yes" if song["song_id"] else "no", border=True)
        st.metric(f"Most plays in a {view.period}", f"{max(row['plays'] for row in rows):,}", border=True)
    st.subheader(f"Plays by {view.period}", anchor=False)
    charts.trend(rows, ["plays"], view.period, f"Plays of the song by {view.period}")
    tables.download("history", lambda: view.ask_now(analytics.history, track_id, view.period, chosen))
    left, right = st.columns(2, gap="large")
    with left:
        tables.show(
            "Audience", groups,
            {"level": "level", "gender": "gender", "listeners": "listeners", "plays": "plays"},
            bar="listeners",
        )  # fmt: skip
        tables.line("A user who changed level counts on both levels.")
    with right:
        tables.show(
            "Top listeners", fans.result(),
            {"name": "name", "level": "level now", "plays": "plays", "last_day": "last"}, bar="plays",
        )  # fmt: skip
        tables.download("top listeners", lambda: view.ask_now(analytics.fans, track_id, chosen, limit=1000))


def _change(view: View, ask: Ask) -> None:
    """Compare the chosen days, or the last week if no first day is chosen, with as many days before."""
    since = view.since if view.selection.since else max(view.until - WEEK, view.since)
    days = replace(view.selection, since=since, until=view.until)
    many = (view.until - since).days + 1
    changes = {falling: ask(analytics.rising, days, falling=falling) for falling in (False, True)}
    top_songs, top_artists = (
        ask(analytics.top, what, view.selection, limit=25) for what in ("songs", "artists")
    )

    st.subheader("Rising and falling songs", anchor=False)
    tables.line(
        f"Plays from {since} to {view.until}, compared with the {many} {'days' if many > 1 else 'day'}"
        " before." + ("" if view.selection.since else " Choose a first day to compare other periods.")
    )
    for column, falling, name in zip(
        st.columns(2, gap="large"), (False, True), ("rising", "falling"), strict=True
    ):
        with column:
            tables.show(
                name.capitalize(), changes[falling].result(),
                {"title": "title", "artist": "artist"}
                | {"before": "before", "plays": "plays", "change": "change"},
            )  # fmt: skip
            tables.download(name, partial(view.ask_now, analytics.rising, days, falling=falling, limit=1000))
    songs, artists = st.columns(2, gap="large")
    with songs:
        tables.show(
            "Top songs", top_songs.result(),
            {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"}, bar="plays",
        )  # fmt: skip
    with artists:
        tables.show(
            "Top artists", top_artists.result(),
            {"artist": "artist", "plays": "plays", "listeners": "listeners"}, bar="plays",
        )  # fmt: skip
