"""Questions about what users listen to: each is a function that returns rows as dictionaries.

A `Selection` says which plays a question is about: days, a level, a place, and the time zone of the days.
All counts are exact. Doubly encoded names are returned repaired; the warehouse keeps them as they came.
"""

from sparkify.analytics.one_song import audience, fans, history, search
from sparkify.analytics.questions import (
    days,
    genders,
    heat_map,
    heat_map_own_time,
    level_changes,
    levels,
    listeners,
    locations,
    quality,
    report,
    retention,
    rising,
    time_zones,
    top,
    totals,
    trend,
    unmatched,
)
from sparkify.analytics.selection import UTC, Selection
from sparkify.analytics.state import reject_reasons, rejects, runs, status

__all__ = [
    "UTC",
    "Selection",
    "audience",
    "days",
    "fans",
    "genders",
    "heat_map",
    "heat_map_own_time",
    "history",
    "level_changes",
    "levels",
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
    "status",
    "time_zones",
    "top",
    "totals",
    "trend",
    "unmatched",
]
