"""The state of the data: how fresh it is, what was read, what was set aside, which songs the catalogue lacks."""

from datetime import UTC, datetime

import streamlit as st

from sparkify import analytics
from sparkify.analytics.shares import share
from sparkify.dashboard import tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    files, reasons, last_runs = (
        ask(analytics.status),
        ask(analytics.reject_reasons),
        ask(analytics.runs, limit=10),
    )
    lacking = ask(analytics.unmatched, view.selection, limit=15)

    state = view.state
    with st.container(horizontal=True):
        st.metric("Last loaded", _ago(state["loaded_at"]), border=True)
        st.metric("Plays", f"{state['plays']:,}", border=True)
        st.metric("In the catalogue", share(state["matched"], state["plays"]), border=True)
        st.metric("Lines set aside", f"{state['rejected'] or 0:,}", border=True)
    if state["held_runs"]:
        st.warning(
            f"Runs that are held, because too many lines were set aside: {state['held_runs']}. See: sparkify runs list"
        )
    if state["failed_runs"]:
        st.warning(f"Runs that could not be published: {state['failed_runs']}. See: sparkify runs list")
    tables.line(
        "Except for the songs that the catalogue lacks, this page is about all data, whatever the filters."
    )
    books = files.result()["files"]
    # The whole width: there may be thousands of millions of lines.
    tables.show(
        "Files", books,
        {"kind": "kind", "state": "state", "files": "files", "lines": "lines", "loaded": "loaded",
         "duplicates": "repeated", "rejected": "set aside"}
        | ({"dismissed": "dismissed"} if any(row["dismissed"] for row in books) else {}),
    )  # fmt: skip
    tables.download("files", lambda: view.ask_now(analytics.status)["files"])
    tables.show(
        "Lines set aside, by reason", reasons.result(), {"reason": "reason", "lines": "lines"}, bar="lines"
    )
    tables.download("reasons", lambda: view.ask_now(analytics.reject_reasons))
    runs = last_runs.result()
    tables.show("The last runs", runs, {name: name.replace("_", " ") for name in (runs or [{}])[0]})
    tables.download("runs", lambda: view.ask_now(analytics.runs, limit=1000))
    tables.show(
        "Heard most of what the catalogue lacks", lacking.result(),
        {"title": "title", "artist": "artist", "plays": "plays", "listeners": "listeners"}, bar="plays",
    )  # fmt: skip
    tables.download(
        "not in the catalogue", lambda: view.ask_now(analytics.unmatched, view.selection, limit=1000)
    )


def _ago(loaded_at: datetime) -> str:
    minutes = int((datetime.now(UTC) - loaded_at).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"
