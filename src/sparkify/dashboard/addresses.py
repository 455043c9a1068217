"""The address of a view says all that it shows: links keep its filters. The page names what it cannot use."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

import streamlit as st

from sparkify.analytics import UTC
from sparkify.analytics.names import LONGEST_NAME
from sparkify.dashboard import tables
from sparkify.dashboard.filters import ALL_LEVELS, AUTOMATIC
from sparkify.database.reading import Row

Link = Callable[[Row], str | None]

FILTERS: Final[dict[str, Any]] = {
    "since": None, "until": None, "level": ALL_LEVELS, "place": None, "by": AUTOMATIC, "tz": UTC,
}  # fmt: skip
"""The filters that every page has, by their names in the address, with what each is if nothing is chosen."""


def to(page: str, **more: Any) -> str:
    """The address of a page ("" is the overview) with the filters of this view, and `more` of its own."""
    chosen = {name: st.session_state.get(name) for name in FILTERS} | more
    query = {
        name: str(value) for name, value in chosen.items() if value is not None and value != FILTERS.get(name)
    }
    return (page or "./") + (f"?{urlencode(query, quote_via=quote)}" if query else "")


def _to_song(row: Row) -> str:
    return to("songs", track=row["track_id"])


def to_artist(row: Row) -> str | None:
    """The address of an artist's songs; a name that is blank or very long has none."""
    name = row["artist"]
    return to("songs", artist=name) if name.strip() and len(name) <= LONGEST_NAME else None


def _to_listener(row: Row) -> str:
    return to("listeners", user=row["user_id"])


def _to_place(row: Row) -> str | None:
    """The same page for the place alone, by its own clocks if they are chosen."""
    place, own = row["location"], "true" if st.session_state.get("own") else None
    return to("when-and-where", place=place, own=own) if place and len(place) <= LONGEST_NAME else None


# What the rows of tables open: a link for each column that names something.
ARTIST: Final[dict[str, Link]] = {"artist": to_artist}
SONG: Final[dict[str, Link]] = {"title": _to_song, **ARTIST}
LISTENER: Final[dict[str, Link]] = {"name": _to_listener}
PLACE: Final[dict[str, Link]] = {"location": _to_place}


def number(name: str) -> int | None:
    """A number of the address that a bigint can hold; None if it has no such number."""
    try:
        found = int(st.query_params.get(name, ""))
    except ValueError:
        return None
    return found if -(2**63) <= found < 2**63 else None


def page() -> str:
    """The name of the page that the browser asks for; "" is the overview."""
    return unquote(urlsplit(st.context.url or "").path.rstrip("/").rpartition("/")[2])


def given() -> dict[str, str]:
    """The query of the address as it was opened: Streamlit removes from it what it cannot use."""
    found: dict[str, str] = st.session_state.setdefault("address as given", st.query_params.to_dict())
    return found


def say_ignored() -> None:
    """Say which filters of the address cannot be used, until the user chooses others."""
    chosen = {name: st.session_state.get(name) for name in FILTERS}
    if st.session_state.setdefault("filters as given", chosen) != chosen:
        return
    ignored = [
        f"{name}={tables.written(value)}"
        for name, value in given().items()
        if value and name in FILTERS and chosen[name] == FILTERS[name] != value
    ]
    own = given().get("own", "")  # a switch of one page, which draws it later
    if own.lower() not in {"", "true", "false"}:
        ignored.append(f"own={tables.written(own)}")
    if ignored:
        tables.warn(f"The address has what this data does not know, so it is ignored: {', '.join(ignored)}")
