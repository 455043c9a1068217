"""Turn chunks of log lines into rows for the staged months."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from sparkify.core._core import Plays
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import RejectedLine
from sparkify.report import BatchSessions, Books
from sparkify.transform.forgotten import Forgotten
from sparkify.transform.judge import judge_event
from sparkify.transform.records import Decided

MOST_CACHED_BYTES: Final = 32 << 20
"""A worker caches heard songs, with the catalogue's answers and the months for which they are staged: usually
150,000. If they take more, the batch is full, and the next one starts with an empty cache.
"""

MOST_GATHERED_BYTES: Final = 48 << 20
"""A batch is full when what it gathers, and the texts that its rows repeat, take this much memory: usually
half a million plays with their page views. Texts that do not repeat fill it after a few chunks, and so do
long ones that do. Its largest table takes as much again, twice, while its rows are written. The chunk that
fills a batch belongs to it: one line, nearly all of it a level of 63 MiB, took 480 MB.
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Transformed:
    """The books and rejects of each slice of a chunk, and the months of its plays and page views.

    `forgotten_sessions` are those of what was dropped, because it is of forgotten people.
    """

    books: list[Books]
    rejects: list[list[RejectedLine]]
    months: list[date]
    forgotten_sessions: set[int]


class SliceTimes(NamedTuple):
    """The first and last start_time of a slice's plays in a month; None if it has page views only."""

    month: date
    slice: int
    first: datetime | None
    last: datetime | None


class PlayTransform:
    """The transform of log lines.

    `transform` takes a chunk; `unknown_songs` and `match` ask the catalogue; then, until the next chunk,
    `counts`, `slice_times` and `rows` return its results. The rows of users, levels, days, user agents and
    sessions combine all chunks since `begin_batch`, and are ready after `finish_batch`. Plays and page views
    of people who are `forgotten` are only counted.
    """

    def __init__(self, ts_range: tuple[int, int]) -> None:
        self._ts_range = ts_range
        self._core = self._new_core()
        self.forgotten = Forgotten()
        self.begin_batch()

    def begin_batch(self, *, forget_songs: bool = False) -> None:
        """Drop the combined rows of earlier chunks, and the cached songs if they are many.

        `forget_songs` drops them and the fetched catalogue, because the catalogue has changed.
        """
        if forget_songs:
            self._core = self._new_core()
        self._core.begin_batch(self._core.cached_bytes() > MOST_CACHED_BYTES)

    def _new_core(self) -> Plays:
        return Plays(*self._ts_range, os.urandom(16))

    def batch_is_full(self) -> bool:
        """Whether to finish the batch and begin another, because of the memory that it takes."""
        core = self._core
        return core.gathered_bytes() > MOST_GATHERED_BYTES or core.cached_bytes() > MOST_CACHED_BYTES

    def transform(self, chunk: Sequence[Slice], file_ids: Sequence[int]) -> Transformed:
        """Decide on every line, compute the ids of plays, and choose one of each repeated play."""
        core = self._core
        decided = Decided(core, chunk, file_ids, lambda text: judge_event(text, self._ts_range))
        sessions: set[int] = set()
        if self.forgotten:
            core.forget(tuple(user_id for user_id in core.users() if user_id in self.forgotten))
            sessions = core.forgotten_sessions()
        decided.add(core.settle())
        months = [_month(month) for month, *_ in core.months()]
        return Transformed(decided.books, decided.rejects, months, sessions)

    def forget_staged_songs(self, month: date) -> None:
        """Stage the heard songs of a month again, because its tables were created again."""
        self._core.forget_staged(_number(month))

    def unknown_songs(self) -> tuple[int, bytes]:
        """The songs of the chunk to look up in the catalogue: how many, COPY of (number, heard_song_id)."""
        return self._core.unknown_songs()

    def take_catalogue(self, rows: Iterable[bytes | bytearray | memoryview]) -> None:
        """Look up these songs and later ones in the fetched catalogue: rows of a COPY by `all_matches`."""
        for row in rows:
            self._core.take_catalogue(bytes(row))

    def match(self, matches: list[tuple[int, str, str]]) -> None:
        """Take the catalogue's answers on the unknown songs: (number, song_id, artist_id)."""
        self._core.match(matches)

    def counts(self) -> dict[date, tuple[int, int, int]]:
        """For each month of the chunk: its plays, those with a song_id, and its different start_times."""
        return {
            _month(month): (plays, matched, times) for month, plays, matched, times in self._core.months()
        }

    def slice_times(self) -> list[SliceTimes]:
        """The times of the plays of each slice of the chunk, in the order of months and slices."""
        return [
            SliceTimes(_month(month), number, _moment(first), _moment(last))
            for month, number, first, last in self._core.slice_times()
        ]

    def finish_batch(self) -> list[date]:
        """Combine the chunks of the batch, for `rows`; returns the months of their events."""
        return [_month(month) for month in self._core.finish_batch()]

    def rows(self, table: str, month: date) -> bytes | None:
        """The rows for one table of a staged month, ready for binary COPY; None if there are none."""
        return self._core.rows(table, _number(month))

    def sessions(self, month: date) -> BatchSessions | None:
        """The sessions of a month of the finished batch, for `Sessions`; None if some have too long texts."""
        found = self._core.sessions(_number(month))
        return BatchSessions(*found) if found else None


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1


def _moment(ts: int | None) -> datetime | None:
    return None if ts is None else _EPOCH + timedelta(milliseconds=ts)
