"""The pages, in the order of the menu. Not in a folder `pages`: Streamlit would run its files by itself."""

from collections.abc import Callable
from typing import Final

from sparkify.dashboard.filters import View
from sparkify.dashboard.screens import activity, listeners, overview, songs, state, when_where
from sparkify.dashboard.source import Ask

Show = Callable[[View, Ask], None]

PAGES: Final[dict[str, tuple[str, Show]]] = {
    "overview": ("Overview", overview.show),
    "songs": ("Songs and artists", songs.show),
    "listeners": ("Listeners", listeners.show),
    "when-and-where": ("When and where", when_where.show),
    "activity": ("Activity", activity.show),
    "data": ("State of the data", state.show),
}
"""Title and function of each page, by the last part of its address."""
