"""Decide on the lines of a chunk: first in the compiled core, then by the judge for doubtful lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sparkify.extract.lines import Slice
from sparkify.extract.rejects import Reject, RejectedLine
from sparkify.report import Books
from sparkify.transform.judge import BARE_PAGE, BLANK

Verdict = Any
"""The judge's answer for a line: a record, a `Reject`, or `BLANK` or `BARE_PAGE`."""


class Core(Protocol):
    """What `_core.Plays` and `_core.Catalogue` have in common."""

    def read(
        self, slices: tuple[tuple[bytes, int, bytes | None, int], ...], /
    ) -> list[tuple[int, int, int, int]]:
        """Read lines; returns those that are doubtful: (slice, line, start, end)."""

    def add(self, slice_: int, line: int, record: Any, /) -> None:
        """Add what the judge accepted."""


class Decided:
    """What the judge decided on a chunk: the books and the rejects of each slice."""

    def __init__(
        self, core: Core, chunk: Sequence[Slice], file_ids: Sequence[int], judge: Callable[[bytes], Verdict]
    ) -> None:
        """Decide on every line; `file_ids` has the file of each slice. The core then has what is accepted."""
        self.books: list[Books] = []
        self.rejects = [list(slice_.rejects) for slice_ in chunk]
        # By slice, of the few that have any: lines that the judge found blank, and bare pages. The core
        # counts an empty line for each line that could not be read.
        self._blank = Counter({at: -len(slice_.rejects) for at, slice_ in enumerate(chunk) if slice_.rejects})
        self._bare_pages: Counter[int] = Counter()
        slices = tuple(
            (slice_.data, slice_.first_line, slice_.numbers.tobytes() if slice_.numbers else None, file_id)
            for slice_, file_id in zip(chunk, file_ids, strict=True)
        )
        for number, line, start, end in core.read(slices):
            text = chunk[number].data[start:end]
            verdict = judge(text)
            if isinstance(verdict, Reject):
                self.rejects[number].append(RejectedLine.of(line, verdict, text))
            elif isinstance(verdict, str):
                self._bare_pages[number] += verdict == BARE_PAGE
                self._blank[number] += verdict == BLANK
            else:
                core.add(number, line, verdict)

    def add(self, counts: Sequence[tuple[int, int, int, int, int, int, int]]) -> None:
        """Make the books, from the core's and what the judge decided."""
        self.books = [
            Books(lines, blank, views, bare, loaded, duplicates, len(rejects), forgotten)
            for (lines, blank, views, bare, loaded, duplicates, forgotten), rejects in zip(
                counts, self.rejects, strict=True
            )
        ]
        for number, count in self._blank.items():
            self.books[number].blank += count
        for number, count in self._bare_pages.items():
            self.books[number].bare_pages += count
