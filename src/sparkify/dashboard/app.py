"""What Streamlit runs for each view of the page."""

import os
from pathlib import Path
from typing import Any, Final

import streamlit as st

from sparkify.dashboard import filters, source, tables
from sparkify.dashboard.pages import PAGES
from sparkify.errors import SparkifyError

_ICON: Final = str(Path(__file__).with_name("icon.png"))


def main() -> None:
    """Draw the page that the address names, or say in plain words why there is nothing to draw."""
    tables.style()
    drawn: dict[str, Any] = {}

    def draw() -> None:
        drawn["page"]()

    pages = [
        st.Page(_named(draw, path), title=title, url_path=path, default=path == "overview")
        for path, (title, _) in PAGES.items()
    ]
    page = st.navigation(pages)
    title, show = PAGES[page.url_path or "overview"]
    # Neither an emoji nor one of Streamlit's icons, here or in the menu: the browser would fetch those from outside.
    st.set_page_config(page_title=f"{title} · sparkify", page_icon=_ICON, layout="wide")
    st.title(title)
    try:
        state = source.state(os.environ.get("SPARKIFY_DSN"))
        if state["first"] is None:
            _say("Nothing is loaded yet", "Load data and come back: sparkify etl DATA")
            return
        view = filters.choose(state, os.environ.get("SPARKIFY_DSN"))
        if view is None:
            return
        filters.say(view)
        drawn["page"] = lambda: show(view)
        page.run()
    except SparkifyError as error:
        _say(*source.explain(error))


def _named(draw: Any, path: str) -> Any:
    """The function under a name of its own: Streamlit tells pages apart by that."""

    def page() -> None:
        draw()

    page.__name__ = path
    return page


def _say(title: str, message: str) -> None:
    st.error("", title=title)
    tables.line(message)
    st.button("Try again", on_click=source.forget_answers)


main()
