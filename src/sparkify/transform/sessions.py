"""The sessions of a run's months, kept in memory until the months are published.

From them the core counts the largest rollups of new days, in a tenth of the time that the server takes. If
plays or page views are missing here, PostgreSQL counts them.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Final, cast

from sparkify.core._core import Month
from sparkify.report import BatchSessions

MOST_BYTES: Final = 80 << 20
"""The most that is kept of a run: usually three million plays and their page views. A month that does not fit
is dropped."""

A_PIECE: Final = 500_000
"""About how many plays of a month are counted at a time, in about 50 MB. If one track has all three million
plays, they are in one piece, which takes 100 MB."""

COUNTED: Final = ("artist_months", "page_days", "session_days", "track_feedback_days", "track_months")
"""The rollups that the core counts. Of feedback it leaves out the first day of the month: the play before may
be in another one."""

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

    def rows(self, rollup: str) -> Iterable[bytes] | None:
        """The rows of one of the COUNTED rollups, in pieces: each is a whole binary COPY.

        They are right if these are all plays and page views of the month. None if PostgreSQL must count them.
        """
        pieces = self.plays // A_PIECE + 1
        rows = (self._month.rows(rollup, piece, pieces) for piece in range(pieces))
        if rollup != "track_feedback_days":
            return cast("Iterator[bytes]", rows)
        known = [piece for piece in rows if piece is not None]
        return known if len(known) == pieces else None


class Sessions:
    """Gathers sessions by month. A thread may take or drop one month while another adds batches of others."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.months: dict[date, list[BatchSessions]] = {}
        self._bytes = 0
        self._dropped: set[date] = set()

    def add(self, months: Mapping[date, Iterable[BatchSessions]]) -> None:
        """Add what batches have; dropped months are ignored."""
        with self._lock:
            for month, batches in months.items():
                for batch in batches:
                    self._add_batch(month, batch)

    def _add_batch(self, month: date, batch: BatchSessions) -> None:
        if month in self._dropped:
            return
        self.months.setdefault(month, []).append(batch)
        self._bytes += _size(batch)
        if self._bytes > MOST_BYTES:
            self.drop(month)

    def of(self, month: date) -> MonthSessions:
        """What is known of a month now."""
        with self._lock:
            return MonthSessions(self.months.get(month, ()))

    def drop(self, month: date) -> None:
        """Forget a month for good, because it is published or does not fit."""
        with self._lock:
            self._dropped.add(month)
            self._bytes -= sum(map(_size, self.months.pop(month, ())))


def _size(batch: BatchSessions) -> int:
    return _OBJECT_BYTES + len(batch.data)
