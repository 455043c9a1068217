"""The pages, in the order of the menu."""

from collections.abc import Callable
from typing import Final

from sparkify.dashboard.filters import View
from sparkify.dashboard.pages import listeners, overview, songs, state, when_where

PAGES: Final[dict[str, tuple[str, str, Callable[[View], None]]]] = {
    "overview": ("Overview", ":material/dashboard:", overview.show),
    "songs": ("Songs and artists", ":material/music_note:", songs.show),
    "listeners": ("Listeners", ":material/group:", listeners.show),
    "when-and-where": ("When and where", ":material/schedule:", when_where.show),
    "data": ("State of the data", ":material/fact_check:", state.show),
}
"""Title, icon and what shows it, by the last part of the address."""
