"""The tables of `analytics` that are computed from plays and page views, each in ``publish/rollups``.

The query ``table`` of a file creates the table with its indexes and comments; its query ``definition``
computes the rows. Some tables, such as ``user_days``, each follow the plays in their own way. A file that
also has a query ``scope`` is a rollup, and the program maintains it. There are two kinds:

- Rollups of listening are counted from ``user_days``: their definition reads ``{user_days}``, and their scope
  the changed ``{days}``. ``publish/listening.py`` maintains them.
- Rollups of activity are counted from plays and page views: their definition reads any of `SOURCES`, and
  their scope the users and days with changed ``{events}``, or only the days, ``{event_days}``.
  ``publish/activity.py`` maintains them, in the order of their names: a definition may read a rollup before
  it. If a row also depends on the day before its own, the definition reads ``{recent_plays}``, which have
  that day, too, and the scope ``{followed}``: the days with changes, and the day after each. If it depends
  on other days of its sessions, the definition reads ``{whole_session_days}``.

To add a rollup, add its file. Its definition selects the rows ``{wanted}`` by the columns that ``scope``
returns: the keys of the rows that change. One of them is the time: ``day``; ``week`` or ``month``, by its
first day; or ``period`` and ``start``, for a day, week or month. A rollup by day or month that reads nothing
but its sources may be counted from what is staged if its month is new; some are then counted by the core
(`sparkify.transform.sessions.COUNTED`). Rows of weeks and sessions that lie in two months are still counted
from the tables. A large rollup of listening may have a partition for each month. Its query ``add`` then adds
rows ``{counted}`` from later days to those of a month.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString

from sparkify.database.queries import queries

_FOLDER: Final = "publish/rollups"
_TIME: Final = re.compile(r"^    (day|week|month|start)\s+date\b", re.MULTILINE)
_READS_A_TABLE: Final = re.compile(r"\b(FROM|JOIN)\s+(analytics|public|etl)\.")
_SCALAR: Final = re.compile(r"^    ([a-z_]+)\s+[a-z]+(?!\w|\[)", re.MULTILINE)

NAMES: Final = tuple(
    sorted(
        entry.name.removesuffix(".sql")
        for entry in files("sparkify").joinpath(_FOLDER).iterdir()
        if entry.name.endswith(".sql")
    )
)
"""The names of the tables, without their schema."""

SOURCES: Final = {
    "plays": ("public", "songplays", "start_time"),
    "heard_plays": ("analytics", "heard_plays", "start_time"),
    "page_views": ("analytics", "page_views", "start_time"),
    "user_days": ("analytics", "user_days", "day"),
    "level_days": ("analytics", "user_level_days", "day"),
    "sessions": ("analytics", "sessions", "started_at"),
    "page_days": ("analytics", "page_days", "day"),
    "session_days": ("analytics", "session_days", "day"),
    "track_feedback_days": ("analytics", "track_feedback_days", "day"),
}
"""What definitions read, by the name in their text: schema, table and column of time."""

RECENT: Final = {"recent_plays": "plays", "recent_heard_plays": "heard_plays"}
"""The sources that definitions read with one more day before, by the name in their text."""

WHOLE: Final = "whole_session_days"
"""What definitions read of sessions with all their days, by the name in their text."""


def queries_of(name: str) -> dict[str, LiteralString]:
    """The queries of the file of a table."""
    return queries(f"{_FOLDER}/{name}")


def scalar_columns(name: str) -> list[str]:
    """The columns of a table, except arrays."""
    return _SCALAR.findall(queries_of(name)["table"].partition("\n)")[0])


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table that is counted from ``user_days``, or from plays and page views."""

    name: str

    @property
    def queries(self) -> dict[str, LiteralString]:
        """The queries of its file."""
        return queries_of(self.name)

    @property
    def time(self) -> LiteralString:
        """The name of its column of time."""
        found = _TIME.search(self.queries["table"])
        assert found, f"{self.name} has no column day, week, month or start"
        return found[1]

    @property
    def is_by_month(self) -> bool:
        """Whether its rows of a month depend on that month only. A session may lie in two."""
        return self.can_be_staged and f"{{{WHOLE}}}" not in self.queries["definition"]

    @property
    def can_be_staged(self) -> bool:
        """Whether its rows of a new month can be counted from what is staged, but for sessions in two months.

        A week may lie in two months, and so may a day with the one before. A definition that reads a table by
        its name may read other months.
        """
        reads_others = "{followed}" in self.queries["scope"] or _READS_A_TABLE.search(
            self.queries["definition"]
        )
        return self.time in {"day", "month"} and not reads_others

    @property
    def is_partitioned(self) -> bool:
        """Whether it has a partition for each month."""
        return "\n) PARTITION BY RANGE" in self.queries["table"]


ROLLUPS: Final = tuple(Rollup(name) for name in NAMES if "scope" in queries_of(name))
"""All rollups, by name."""

LISTENING: Final = tuple(rollup for rollup in ROLLUPS if "{days}" in rollup.queries["scope"])
"""The rollups of listening."""

ACTIVITY: Final = tuple(rollup for rollup in ROLLUPS if rollup not in LISTENING)
"""The rollups of activity, in the order in which they are counted."""
