"""Make text by laying fragments end to end, a million lines a second.

All fragments are in one Arrow array. A line is a row of fragment numbers. Arrow's `take` copies the fragments
of all rows one after the other, so the result's data buffer *is* the text: nothing is joined, escaped or
encoded per line.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from sparkify.simulate.arrays import AnyInts, Ints
from sparkify.simulate.draws import Draws


class Fragments:
    """A set of fragments of at most 2 GB. Add all of them first; then call `lay` any number of times."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []
        self._size = 0
        self._all: pa.Array | None = None

    def add(self, texts: Iterable[str] | pa.Array) -> int:
        """Add fragments in order; returns the number of the first."""
        part = (
            texts.cast(pa.binary())
            if isinstance(texts, pa.Array)
            else pa.array([t.encode() for t in texts], pa.binary())
        )
        first = self._size
        self._parts.append(part)
        self._size += len(part)
        self._all = None
        return first

    def lay(self, rows: AnyInts) -> tuple[memoryview, Ints]:
        """The text of all rows, end to end, and the offset of each row, with one more for the end.

        `rows` has one row of fragment numbers per line. All lines together are at most 2 GB of text.
        """
        if self._all is None:
            self._all = pa.concat_arrays(self._parts)
        taken = self._all.take(pa.array(rows.reshape(-1)))
        _, offsets, data = taken.buffers()
        starts = np.frombuffer(offsets, np.int32)[: len(taken) + 1 : rows.shape[1]]
        return memoryview(data)[: int(starts[-1])] if data is not None else memoryview(b""), starts.astype(
            np.int64
        )

    def texts(self, rows: AnyInts) -> pa.Array:
        """The same rows as an Arrow array of strings."""
        data, starts = self.lay(rows)
        offsets = pa.array(starts, pa.int64())
        return pa.LargeStringArray.from_buffers(len(rows), offsets.buffers()[1], pa.py_buffer(data))


class Phrases:
    """Makes names by patterns. Each form has a weight and slots; each slot has words to choose from."""

    def __init__(self, forms: Sequence[tuple[float, Sequence[Sequence[str]]]]) -> None:
        weights = np.array([weight for weight, _ in forms])
        self._upto = np.cumsum(weights / weights.sum())
        self.width = max(len(slots) for _, slots in forms)
        self._fragments = Fragments()
        empty = self._fragments.add([""])
        self._first = np.full((len(forms), self.width), empty)
        self._size = np.ones((len(forms), self.width), np.int64)
        for f, (_, slots) in enumerate(forms):
            for s, words in enumerate(slots):
                self._first[f, s] = self._fragments.add(words)
                self._size[f, s] = len(words)

    def draw(self, draws: Draws, count: int) -> pa.Array:
        """Draw phrases, as an Arrow array of strings. The first n are the same however many are drawn."""
        drawn = draws.uniform(count, self.width + 1)
        form = np.minimum(np.searchsorted(self._upto, drawn[:, 0], side="right"), len(self._upto) - 1)
        rows = self._first[form] + (drawn[:, 1:] * self._size[form]).astype(np.int64)
        return self._fragments.texts(rows)
