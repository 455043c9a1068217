"""The tables of `analytics` that are computed from the plays. Each has a file in ``publish/rollups``.

Its query ``table`` creates the table with its indexes and comments; its query ``definition`` computes the
rows. The tables at the bottom, such as ``user_days``, each follow the plays in their own way. A file that
also has a query ``scope`` is a rollup: it is counted from ``user_days``, and ``publish/rollups.py`` maintains
it.

To add a rollup, add its file. Its definition reads ``{user_days}``, and selects the rows ``{wanted}`` by the
columns that ``scope`` returns: the keys of the rows that change when some ``{days}`` do. One of them is the
time: ``day``; ``month``, by its first day; or ``period`` and ``start``, for a day, week or month. A large
rollup may have a partition for each month. Its query ``add`` then adds rows ``{counted}`` from later days to
those of a month.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString

from sparkify.database.queries import queries

_FOLDER: Final = "publish/rollups"
_TIME: Final = re.compile(r"^    (day|month|start)\s+date\b", re.MULTILINE)
_SCALAR: Final = re.compile(r"^    ([a-z_]+)\s+[a-z]+(?!\w|\[)", re.MULTILINE)

NAMES: Final = tuple(
    sorted(
        entry.name.removesuffix(".sql")
        for entry in files("sparkify").joinpath(_FOLDER).iterdir()
        if entry.name.endswith(".sql")
    )
)
"""The names of the tables, without their schema."""


def file(name: str) -> dict[str, LiteralString]:
    """The queries of the file of a table."""
    return queries(f"{_FOLDER}/{name}")


def scalar_columns(name: str) -> list[str]:
    """The columns of a table, except arrays."""
    return _SCALAR.findall(file(name)["table"].partition("\n)")[0])


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table that is counted from ``analytics.user_days``."""

    name: str

    @property
    def queries(self) -> dict[str, LiteralString]:
        """The queries of its file."""
        return file(self.name)

    @property
    def time(self) -> LiteralString:
        """The name of its column of time."""
        found = _TIME.search(self.queries["table"])
        assert found, f"{self.name} has no column day, month or start"
        return found[1]

    @property
    def is_by_month(self) -> bool:
        """Whether its rows of a month depend on the days of that month only. A week may lie in two months."""
        return self.time != "start"

    @property
    def is_partitioned(self) -> bool:
        """Whether it has a partition for each month."""
        return "\n) PARTITION BY RANGE" in self.queries["table"]


ROLLUPS: Final = tuple(Rollup(name) for name in NAMES if "scope" in file(name))
"""All rollups."""
