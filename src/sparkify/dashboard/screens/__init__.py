"""The pages, in the order of the menu. Not in a folder `pages`: Streamlit would run its files by itself."""

from collections.abc import Callable
from typing import Final, NamedTuple

from sparkify.dashboard.filters import View
from sparkify.dashboard.screens import activity, listeners, overview, songs, state, when_where
from sparkify.dashboard.source import Ask

Show = Callable[[View, Ask], None]


class Screen(NamedTuple):
    """A page: its title, the function that draws it, and whether it also shows days with page views only."""

    title: str
    show: Show
    with_page_views: bool = False


PAGES: Final = {
    "overview": Screen("Overview", overview.show),
    "songs": Screen("Songs and artists", songs.show),
    "listeners": Screen("Listeners", listeners.show),
    "when-and-where": Screen("When and where", when_where.show),
    "activity": Screen("Activity", activity.show, with_page_views=True),
    "data": Screen("State of the data", state.show),
}
"""The pages, by the last part of their addresses."""
