"""The program that Streamlit runs for each view of the page."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.navigation.page import Page

from sparkify.analytics import Selection
from sparkify.dashboard import addresses, filters, source, tables
from sparkify.dashboard.screens import PAGES, Screen
from sparkify.errors import SparkifyError

NO_PAGE: Final = "No such page"
OVERVIEW: Final = "overview"
_ICON: Final = str(Path(__file__).with_name("icon.png"))


def main() -> None:
    """Draw the page that the address names, or say why there is nothing to draw."""
    started = time.perf_counter()
    tables.style()
    drawn: dict[str, Callable[[], None]] = {}
    pages = [
        st.Page(
            _named(path, drawn),
            title=screen.title,
            url_path="" if path == OVERVIEW else path,
            default=path == OVERVIEW,
        )
        for path, screen in PAGES.items()
    ]
    asked = addresses.page()
    is_known = asked in {page.url_path for page in pages}
    if not is_known and "/" not in asked:
        # As a page of its own, as otherwise Streamlit would show the overview instead.
        pages.append(st.Page(_named(asked, drawn), title=NO_PAGE, url_path=asked, visibility="hidden"))
    page = st.navigation(pages)
    screen = PAGES[page.url_path or OVERVIEW] if is_known else None
    title = screen.title if screen else NO_PAGE
    # No emoji and no icon of Streamlit here or in the menu: the browser would fetch it from another site.
    st.set_page_config(page_title=f"{title} · sparkify", page_icon=_ICON, layout="wide")
    st.title(title, anchor=False)
    if screen:
        _draw(screen, page, drawn)
    else:
        _say_no_page(asked)
    tables.end(f"Answered in {time.perf_counter() - started:.2f} s.")


def _draw(screen: Screen, page: Page, drawn: dict[str, Callable[[], None]]) -> None:
    dsn = os.environ.get("SPARKIFY_DSN")
    try:
        state = source.state(dsn)
        days = filters.days_with_events(state, dsn)
        if days.is_empty():
            _say("Nothing is loaded yet", "Load data, then try again: sparkify etl DATA")
        # The filters are drawn outside the page: Streamlit would drop those of a page when it is left.
        elif view := _chosen(state, dsn, days, screen):
            filters.say(view)
            with view.asking() as ask:
                drawn["page"] = partial(screen.show, view, ask)
                page.run()
    except SparkifyError as error:
        _say(*source.explain(error))


def _chosen(state: dict[str, Any], dsn: str | None, days: Selection, screen: Screen) -> filters.View | None:
    addresses.given()  # before the filters change it
    view = filters.choose(
        state, dsn, days, with_page_views=screen.with_page_views, of_all_days=screen.of_all_days
    )
    addresses.say_ignored()
    return view


def _say_no_page(asked: str) -> None:
    tables.line(f"There is no page /{tables.written(asked)}. There are:")
    kept = {name: value for name, value in addresses.given().items() if name in addresses.FILTERS}
    tables.links(
        {
            screen.title: addresses.to(path if path != OVERVIEW else "", **kept)
            for path, screen in PAGES.items()
        }
    )


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
