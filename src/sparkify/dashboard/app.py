"""The program that Streamlit runs for each view of the page."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import streamlit as st

from sparkify.dashboard import filters, source, tables
from sparkify.dashboard.screens import PAGES, Show
from sparkify.errors import SparkifyError

_ICON: Final = str(Path(__file__).with_name("icon.png"))


def main() -> None:
    """Draw the page that the address names, or say why there is nothing to draw."""
    started = time.perf_counter()
    tables.style()
    drawn: dict[str, Callable[[], None]] = {}
    page = st.navigation(
        [
            st.Page(_named(path, drawn), title=title, url_path=path, default=path == "overview")
            for path, (title, _) in PAGES.items()
        ]
    )
    title, show = PAGES[page.url_path or "overview"]
    # No emoji and no icon of Streamlit here or in the menu: the browser would fetch it from another site.
    st.set_page_config(page_title=f"{title} · sparkify", page_icon=_ICON, layout="wide")
    st.title(title, anchor=False)
    drawn["page"] = lambda: _draw(show)
    page.run()
    tables.end(f"Answered in {time.perf_counter() - started:.2f} s.")


def _draw(show: Show) -> None:
    dsn = os.environ.get("SPARKIFY_DSN")
    try:
        state = source.state(dsn)
        if state["first"] is None:
            _say("Nothing is loaded yet", "Load data, then try again: sparkify etl DATA")
        elif view := filters.choose(state, dsn):
            filters.say(view)
            with view.asking() as ask:
                show(view, ask)
    except SparkifyError as error:
        _say(*source.explain(error))


def _named(path: str, drawn: dict[str, Callable[[], None]]) -> Callable[[], None]:
    """A function that draws the page and is named after it: Streamlit tells pages apart by that name."""

    def page() -> None:
        drawn["page"]()

    page.__name__ = path
    return page


def _say(title: str, message: str) -> None:
    st.error("", title=title)
    tables.line(message)
    st.button("Try again", on_click=source.forget_answers)


main()
