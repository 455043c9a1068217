"""Questions about what users listen to and what else they do: functions that return rows as dictionaries.

A `Selection` says which plays a question is about: days, a level, a place. Days are UTC. All counts are
exact. Doubly encoded names are returned repaired; the warehouse keeps them as they came.
"""

from sparkify.analytics.activity import (
    QUIET_DAYS,
    adverts,
    before,
    churn,
    cohorts,
    errors,
    feedback,
    feedback_songs,
    page_days,
    pages,
    quiet,
    session_ends,
    sessions,
    upgrades,
)
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
    "QUIET_DAYS",
    "Selection",
    "adverts",
    "audience",
    "before",
    "churn",
    "cohorts",
    "errors",
    "fans",
    "feedback",
    "feedback_songs",
    "genders",
    "heat_map",
    "history",
    "level_changes",
    "levels",
    "listener",
    "listeners",
    "locations",
    "page_days",
    "pages",
    "quality",
    "quiet",
    "reject_reasons",
    "rejects",
    "report",
    "retention",
    "rising",
    "runs",
    "search",
    "session_ends",
    "sessions",
    "song",
    "status",
    "top",
    "totals",
    "trend",
    "unmatched",
    "upgrades",
]
