"""The pages, in the order of the menu. A folder `pages` beside its program Streamlit would take for programs."""

from collections.abc import Callable
from typing import Final

from sparkify.dashboard.filters import View
from sparkify.dashboard.screens import listeners, overview, songs, state, when_where
from sparkify.dashboard.source import Ask

Show = Callable[[View, Ask], None]

PAGES: Final[dict[str, tuple[str, Show]]] = {
    "overview": ("Overview", overview.show),
    "songs": ("Songs and artists", songs.show),
    "listeners": ("Listeners", listeners.show),
    "when-and-where": ("When and where", when_where.show),
    "data": ("State of the data", state.show),
}
"""Title and what shows it, by the last part of the address."""
