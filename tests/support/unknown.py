"""The parts of a selection that some questions refuse, where others take them."""

from dataclasses import replace
from typing import Final

from sparkify.analytics import Selection

UNKNOWN: Final = {
    "upgrades": ["level"],
    "cohorts": ["level"],
    "quiet": ["since", "until"],
    "retention": ["level", "location"],
    "level_changes": ["location"],
}


def known(question: str, chosen: Selection) -> Selection:
    """The parts of a selection that a question knows."""
    return replace(chosen, **dict.fromkeys(UNKNOWN.get(question, [])))
