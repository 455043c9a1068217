"""The sessions of a run's months, kept in memory until the months are published.

From them the core counts the rollups that take the server long, in a tenth of its time. If plays or page
views are missing here, PostgreSQL counts.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Final, cast

from sparkify.core._core import Month
from sparkify.report import BatchSessions

MOST_BYTES: Final = 112 << 20
"""The most that is kept of a run: usually four million plays and their page views. A month that does not fit
is dropped."""

A_PIECE: Final = 250_000
"""About how many events of a month are counted at a time, in about 50 MB. Three million plays of one track
are in one piece, which takes 100 MB. Page views of one day are in one piece, too."""

COUNTED: Final = (
    "artist_months",
    "page_days",
    "session_days",
    "track_feedback_days",
    "track_months",
    "user_week_counts",
)
"""The rollups that the core counts (core/month_type.c). Of feedback it leaves out the first day of the month:
the play before may be in another one. Of users' weeks it leaves out those that are not all in the month."""

_OBJECT_BYTES: Final = 200
"""About what the Python objects of a batch take in a month, beside the bytes."""


class MonthSessions:
    """What batches have of a month."""

    def __init__(self, batches: Iterable[BatchSessions]) -> None:
        self._batches = tuple(batches)
        self.plays = sum(batch.plays for batch in self._batches)
        self.views = sum(batch.views for batch in self._batches)

    @cached_property
    def _month(self) -> Month:
        return Month(tuple(batch.data for batch in self._batches))

    def free(self) -> None:
        """Free what `rows` has read of them; it would read it again."""
        self.__dict__.pop("_month", None)

    def rows(self, rollup: str) -> Iterable[bytes] | None:
        """The rows of one of the COUNTED rollups, in pieces: each is a whole binary COPY.

        They are right if these are all plays and page views of the month. None if PostgreSQL must count them.
        """
        if rollup not in COUNTED:
            return None
        pieces = (self.plays + self.views) // A_PIECE + 1
        rows = (self._month.rows(rollup, piece, pieces) for piece in range(pieces))
        if rollup != "track_feedback_days":
            return cast("Iterator[bytes]", rows)
        known = []
        for piece in rows:
            if piece is None:
                return None
            known.append(piece)
        return known


class Sessions:
    """Gathers sessions by month. A thread may take or drop one month while another adds batches of others."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.months: dict[date, list[BatchSessions] | None] = {}
        """What batches have of each month; None if it was dropped."""
        self._bytes = 0

    def add(self, months: Mapping[date, list[BatchSessions] | None]) -> None:
        """Add what batches have. What they have dropped is dropped, and what comes later is ignored."""
        with self._lock:
            for month, batches in months.items():
                if batches is None:
                    self.drop(month)
                for batch in batches or ():
                    self._add_batch(month, batch)

    def _add_batch(self, month: date, batch: BatchSessions) -> None:
        known = self.months.setdefault(month, [])
        if known is None:
            return
        known.append(batch)
        self._bytes += _size(batch)
        if self._bytes > MOST_BYTES:
            self.drop(month)

    @property
    def are_many(self) -> bool:
        """Whether there may be no room for another batch."""
        return self._bytes > MOST_BYTES * 3 // 4

    def of(self, month: date) -> MonthSessions:
        """What is known of a month now: nothing if it was dropped."""
        with self._lock:
            return MonthSessions(self.months.get(month) or ())

    def drop(self, month: date) -> None:
        """Forget a month for good: it is published, or does not fit, or not all of it is known."""
        with self._lock:
            self._bytes -= sum(map(_size, self.months.get(month) or ()))
            self.months[month] = None


def _size(batch: BatchSessions) -> int:
    return _OBJECT_BYTES + len(batch.data)
