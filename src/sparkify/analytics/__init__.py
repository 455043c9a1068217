"""Questions about what users listen to: each is a function that returns rows as dictionaries.

A `Selection` says which plays a question is about: days, a level, a place. Days are UTC. All counts are
exact. Doubly encoded names are returned repaired; the warehouse keeps them as they came.
"""

from sparkify.analytics.one_listener import listener
from sparkify.analytics.one_song import audience, fans, history, search, song
from sparkify.analytics.questions import (
    genders,
    heat_map,
    level_changes,
    levels,
    listeners,
    locations,
    quality,
    report,
    retention,
    rising,
    top,
    totals,
    trend,
    unmatched,
)
from sparkify.analytics.selection import Selection
from sparkify.analytics.state import reject_reasons, rejects, runs, status

__all__ = [
    "Selection",
    "audience",
    "fans",
    "genders",
    "heat_map",
    "history",
    "level_changes",
    "levels",
    "listener",
    "listeners",
    "locations",
    "quality",
    "reject_reasons",
    "rejects",
    "report",
    "retention",
    "rising",
    "runs",
    "search",
    "song",
    "status",
    "top",
    "totals",
    "trend",
    "unmatched",
]
