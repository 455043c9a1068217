"""The pages, in the order of the menu. Not in a folder `pages`: Streamlit would run its files by itself."""

from collections.abc import Callable
from typing import Final, NamedTuple

from sparkify.dashboard.filters import View
from sparkify.dashboard.screens import activity, listeners, overview, songs, state, when_where
from sparkify.dashboard.source import Ask

Show = Callable[[View, Ask], None]


class Screen(NamedTuple):
    """A page: its title and the function that draws it.

    It may also show days with page views only, or be about all days whatever is chosen.
    """

    title: str
    show: Show
    with_page_views: bool = False
    of_all_days: bool = False


PAGES: Final = {
    "overview": Screen("Overview", overview.show),
    "songs": Screen("Songs and artists", songs.show),
    "listeners": Screen("Listeners", listeners.show),
    "when-and-where": Screen("When and where", when_where.show),
    "activity": Screen("Activity", activity.show, with_page_views=True),
    "data": Screen("State of the data", state.show, of_all_days=True),
}
"""The pages, by the last part of their addresses."""
