"""What people listened to in the months of a run, kept in memory until the months are published.

From it the core counts the largest rollups for new days of a month, in a tenth of the time that the server
takes. If plays are missing here, PostgreSQL counts them.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from sparkify.core._core import Month
from sparkify.report import BatchListening

MOST_BYTES: Final = 64 << 20
"""The most that is kept of a run: usually three million plays. A month that does not fit is dropped."""

A_PIECE: Final = 500_000
"""About how many plays of a month are counted at a time, in about 50 MB. If one track has all three million
plays, they are in one piece, which takes 100 MB."""

COUNTED: Final = ("artist_months", "track_months")
"""The rollups that the core counts."""

_OBJECT_BYTES: Final = 200
"""About what the Python objects of a batch take in a month, beside the bytes."""


class Listened:
    """Gathers, by month, what people listened to. A thread may take or drop one month while another adds
    batches of others."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.months: dict[date, list[BatchListening]] = {}
        self._bytes = 0
        self._dropped: set[date] = set()

    def add(self, months: Mapping[date, Iterable[BatchListening]]) -> None:
        """Add what batches have; dropped months are ignored."""
        with self._lock:
            for month, batches in months.items():
                for batch in batches:
                    self._add_batch(month, batch)

    def _add_batch(self, month: date, batch: BatchListening) -> None:
        if month in self._dropped:
            return
        self.months.setdefault(month, []).append(batch)
        self._bytes += _size(batch)
        if self._bytes > MOST_BYTES:
            self.drop(month)

    def plays(self, month: date) -> int:
        """How many plays are known of a month; the rows are right only if that is all of them."""
        return sum(plays for plays, _ in self.months.get(month, ()))

    def rows(self, rollup: str, month: date) -> Iterator[bytes]:
        """The rows of one of the COUNTED rollups for a month, in pieces: each is a whole binary COPY."""
        pieces = self.plays(month) // A_PIECE + 1
        count = Month(tuple(data for _, data in self.months.get(month, ())))
        for piece in range(pieces):
            yield count.rows(rollup, piece, pieces)

    def drop(self, month: date) -> None:
        """Forget a month for good, because it is published or does not fit."""
        with self._lock:
            self._dropped.add(month)
            self._bytes -= sum(map(_size, self.months.pop(month, ())))


def _size(batch: BatchListening) -> int:
    return _OBJECT_BYTES + len(batch[1])
