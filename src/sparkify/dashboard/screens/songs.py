"""Songs and artists: the history and audience of one song or artist; rising and falling songs."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.dashboard import addresses, charts, headlines, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask

WEEK: Final = timedelta(6)

_LONGEST_SEARCH: Final = 200
"""Characters of a search."""

_MOST_FOUND: Final = 50
"""The songs of a search to choose from."""


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    text = st.text_input(
        "Search for a song or an artist", key="q", bind="query-params", type="search",
        max_chars=_LONGEST_SEARCH, placeholder="words of the title and the artist",
        on_change=_search_again,
    )  # fmt: skip
    if text and text.strip():
        _found(view, ask, text)
    elif "track" in st.query_params:
        _named(view, ask)
    elif st.query_params.get("artist"):
        _artist(view, ask, st.query_params["artist"])
    else:
        _change(view, ask)


def _search_again() -> None:
    for name in ("track", "artist"):
        st.query_params.pop(name, None)
    st.session_state["is another search"] = True


def _named(view: View, ask: Ask) -> None:
    """Draw the song whose track the address names."""
    track_id = addresses.number("track")
    song = None if track_id is None else ask(analytics.song, track_id).result()
    if song is None:
        tables.line(f"There is no song with the track {tables.written(st.query_params['track'])}.")
    else:
        tables.heading(_name(song))
    by = addresses.to_artist(song) if song else None
    tables.links({"All songs": addresses.to("songs")} | ({"The artist": by} if by else {}))
    if song:
        _song(view, ask, song)


def _artist(view: View, ask: Ask, name: str) -> None:
    """Draw the artist whom the address names."""
    artist = ask(analytics.artist, name).result()
    if artist is None:
        tables.line(f"Nobody played an artist with the name {tables.written(name)}.")
        search = {"Search for it": addresses.to("songs", q=name[:_LONGEST_SEARCH])}
        tables.links({"All songs": addresses.to("songs")} | search)
        return
    tables.heading(artist["artist"])
    tables.links({"All songs": addresses.to("songs")})
    tracks = artist["track_ids"]
    songs = ask(analytics.songs, tracks, view.selection, limit=25)
    facts = {"Songs, ever": f"{artist['songs']:,}"}
    _played(view, ask, tracks, what="artist", facts=facts, songs=songs)


def _name(song: dict[str, Any]) -> str:
    return f"{song['title']} — {song['artist']}"


def _found(view: View, ask: Ask, text: str) -> None:
    rows = ask(analytics.search, text, limit=_MOST_FOUND).result()
    if not rows:
        tables.line(f"No played song has all of these words: {text}")
        return
    by_name = _by_name(rows)
    given = addresses.given()
    if given.get("q") == text and given.get("song", next(iter(by_name))) not in by_name:
        tables.warn(
            f"The address names a song that this search does not find: {tables.written(given['song'])}"
        )
    if st.session_state.pop("is another search", False):  # it begins with its own first song
        st.session_state["song"] = next(iter(by_name))
    are_all = len(rows) < _MOST_FOUND
    which = f"{len(rows)} found, the most played first" if are_all else f"the {_MOST_FOUND} most played"
    name = st.selectbox(
        f"Song ({which})", list(by_name), key="song", bind="query-params", filter_mode="contains"
    )
    if name is None:
        return
    _song(view, ask, by_name[name])
    tables.show(
        "Songs found, with all their plays",
        rows if are_all else rows[:20],
        {"title": "title", "artist": "artist", "plays": "plays"},
        bar="plays",
        links=addresses.SONG,
        most=20,
    )
    if not are_all:
        tables.line(f"The first 20 of {_MOST_FOUND} or more.")
    tables.download("found songs", lambda: view.ask_now(analytics.search, text, limit=1000))


def _by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The songs by names to choose them by. Of songs named alike, all but the most played get a number."""
    named: dict[str, dict[str, Any]] = {}
    for row in rows:
        name, number = _name(row), 1
        while name in named:
            number += 1
            name = f"{_name(row)} ({number})"
        named[name] = row
    return named


def _song(view: View, ask: Ask, song: dict[str, Any]) -> None:
    facts = {"In the catalogue": "yes" if song["song_id"] else "no"}
    _played(view, ask, song["track_id"], what="song", facts=facts)


def _played(
    view: View, ask: Ask, tracks: int | list[int], *, what: str, facts: dict[str, str],
    songs: Future[Any] | None = None,
) -> None:  # fmt: skip
    """Draw the history and the audience of a song, or of an artist and the `songs`."""
    chosen = view.selection
    asked = ask(analytics.history, tracks, view.period, chosen), ask(analytics.audience, tracks, chosen)
    span = headlines.before(view)
    earlier = ask(analytics.history, tracks, view.period, span) if span else None
    fans = ask(analytics.fans, tracks, chosen)
    rows, groups = (answer.result() for answer in asked)
    if not rows:
        tables.line(f"Nobody played this {what} within the filters.")
        return
    before = [row["plays"] for row in earlier.result()] if earlier else None
    with st.container(horizontal=True):
        headlines.show("Plays", sum(row["plays"] for row in groups), None if before is None else sum(before))
        for name, fact in facts.items():
            st.metric(name, fact, border=True, height="stretch")
        # The days before cut weeks and months elsewhere, so their most would be of fewer days.
        most = None if before is None or view.period != "day" else max(before, default=0)
        headlines.show(f"Most plays in a {view.period}", max(row["plays"] for row in rows), most)
    headlines.say(view)
    st.subheader(f"Plays by {view.period}", anchor=False)
    charts.trend(view, rows, ["plays"], f"Plays of the {what} by {view.period}")
    tables.download("history", lambda: view.ask_now(analytics.history, tracks, view.period, chosen))
    if songs:
        tables.show(
            "Songs", songs.result(),
            {"title": "title", "plays": "plays", "listeners": "listeners"}, bar="plays", links=addresses.SONG,
        )  # fmt: skip
        tables.download("songs", partial(view.ask_now, analytics.songs, tracks, chosen, limit=1000))
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
            links=addresses.LISTENER,
        )  # fmt: skip
        tables.download("top listeners", partial(view.ask_now, analytics.fans, tracks, chosen, limit=1000))


# Over 40 lines: six for each of its tables.
def _change(view: View, ask: Ask) -> None:
    """Compare the chosen days, or the last week if no first day is chosen, with as many days before."""
    since = view.since if view.selection.since else max(view.until - WEEK, view.since)
    days = replace(view.selection, since=since, until=view.until)
    compared = replace(view, since=since)
    changes = {
        falling: ask(analytics.rising, days, falling=falling)
        for falling in (False, True) if headlines.before(compared)
    }  # fmt: skip
    top_songs, top_artists = (
        ask(analytics.top, what, view.selection, limit=25) for what in ("songs", "artists")
    )

    st.subheader("Rising and falling songs", anchor=False)
    tables.line(
        f"Plays from {since} to {view.until}."
        + ("" if view.selection.since else " Choose a first day to compare other periods.")
    )
    headlines.say(compared)
    for column, (falling, songs) in zip(
        st.columns(2, gap="large") if changes else (), changes.items(), strict=True
    ):
        name = "falling" if falling else "rising"
        with column:
            tables.show(
                name.capitalize(), songs.result(),
                {"title": "title", "artist": "artist"}
                | {"before": "before", "plays": "plays", "change": "change"},
                links=addresses.SONG,
            )  # fmt: skip
            tables.download(name, partial(view.ask_now, analytics.rising, days, falling=falling, limit=1000))
    _tops(top_songs.result(), top_artists.result())


def _tops(songs: list[dict[str, Any]], artists: list[dict[str, Any]]) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        tables.show(
            "Top songs", songs,
            {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"},
            bar="plays", links=addresses.SONG,
        )  # fmt: skip
    with right:
        tables.show(
            "Top artists", artists,
            {"artist": "artist", "plays": "plays", "listeners": "listeners"},
            bar="plays", links=addresses.ARTIST,
        )  # fmt: skip
