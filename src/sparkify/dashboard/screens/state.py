"""The state of the data: its age, what was read, what was rejected, which songs the catalogue lacks."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from sparkify import analytics
from sparkify.analytics.shares import share
from sparkify.dashboard import addresses, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    files, reasons = ask(analytics.status), ask(analytics.reject_reasons)
    last_runs, lacking = ask(analytics.runs, limit=10), ask(analytics.unmatched, view.selection, limit=15)

    _summary(view.state)
    tables.line(
        "This page ignores the filters, except in the last table. Its numbers are about all that was"
        " loaded, so there is nothing before to compare them with."
    )
    _files(files.result()["files"])
    tables.download("files", lambda: view.ask_now(analytics.status)["files"])
    tables.show(
        "Lines set aside, by reason", reasons.result(), {"reason": "reason", "lines": "lines"}, bar="lines"
    )
    tables.download("reasons", lambda: view.ask_now(analytics.reject_reasons))
    runs = last_runs.result()
    tables.show("The last runs", runs, {name: name.replace("_", " ") for name in (runs or [{}])[0]})
    tables.download("runs", lambda: view.ask_now(analytics.runs, limit=1000))
    tables.show(
        "Most played songs that are not in the catalogue", lacking.result(),
        {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"},
        bar="plays", links=addresses.SONG,
    )  # fmt: skip
    tables.download(
        "not in the catalogue", lambda: view.ask_now(analytics.unmatched, view.selection, limit=1000)
    )


def _summary(state: dict[str, Any]) -> None:
    with st.container(horizontal=True):
        st.metric("Last loaded", _ago(state["loaded_at"]), border=True)
        st.metric("Plays", f"{state['plays']:,}", border=True)
        st.metric("In the catalogue", share(state["matched"], state["plays"]), border=True)
        st.metric("Lines set aside", f"{state['rejected'] or 0:,}", border=True)
    if state["held_runs"]:
        held = len(state["held_runs"])
        st.warning(f"Runs held because of too many rejected lines: {held:,}. See: sparkify runs list")
    if state["failed_runs"]:
        st.warning(f"Runs that failed: {len(state['failed_runs']):,}. See: sparkify runs list")


def _ago(loaded_at: datetime) -> str:
    minutes = int((datetime.now(UTC) - loaded_at).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"


def _files(books: list[dict[str, Any]]) -> None:
    """Show the files over the whole width: there may be billions of lines."""
    columns = {
        "kind": "kind", "state": "state", "files": "files", "lines": "lines", "loaded": "loaded",
        "page_views": "page views", "duplicates": "duplicates", "rejected": "set aside",
    }  # fmt: skip
    rare = {"bare_pages": "bare pages", "blank": "blank", "forgotten": "forgotten", "dismissed": "dismissed"}
    columns |= {name: heading for name, heading in rare.items() if any(row[name] for row in books)}
    tables.show("Files", books, columns)
