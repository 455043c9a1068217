"""Pass the lines of a chunk to DuckDB as one Arrow array over the bytes read, without a copy per line."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from sparkify.extract.lines import Slice, line_feeds
from sparkify.transform.shape import Field, prove, shapes

_SAMPLES: Final = 64
_LONGEST_SAMPLE: Final = 1 << 17


class Lines:
    """The lines of a chunk; `counts` has the number of lines of each slice."""

    def __init__(self, chunk: list[Slice]) -> None:
        self._data = b"".join(part for piece in chunk for part in piece.parts)
        ends = line_feeds(self._data) + 1
        self._offsets = np.concatenate(([0], ends))
        slice_ends = np.cumsum([piece.size for piece in chunk])
        stops = np.searchsorted(ends, slice_ends, side="right")
        self.counts: list[int] = np.diff(stops, prepend=0).tolist()
        self._slice = np.repeat(np.arange(len(chunk), dtype=np.int32), self.counts)
        firsts = np.repeat(np.array([piece.first_line for piece in chunk], dtype=np.int64), self.counts)
        starts = np.repeat(np.concatenate(([0], stops[:-1])), self.counts)
        self._line = np.arange(len(ends), dtype=np.int64) - starts + firsts
        for piece, count, stop in zip(chunk, self.counts, stops.tolist(), strict=True):
            if piece.numbers is not None:
                self._line[stop - count : stop] = piece.numbers
        self._text = pa.StringArray.from_buffers(
            len(ends), pa.py_buffer(self._offsets.astype(np.int32)), pa.py_buffer(self._data)
        )
        self._not_text: list[int] = []
        try:
            self._text.validate(full=True)
        except pa.ArrowInvalid:
            self._set_aside_what_is_not_utf8()

    def _set_aside_what_is_not_utf8(self) -> None:
        for position in range(len(self._line)):
            try:
                self.bytes_of(position).decode()
            except UnicodeDecodeError:
                self._not_text.append(position)

    def table(self, fields: Mapping[str, Field]) -> pa.Table:
        """The lines that are UTF-8: slice, line number, position in the chunk, text, and whether the line is
        proven to have a shape (see `sparkify.transform.shape`)."""
        table = pa.table(
            {
                "slice": self._slice,
                "line": self._line,
                "position": np.arange(len(self._line), dtype=np.int32),
                "proven": prove(self._data, self._offsets, shapes(self._samples()), fields),
                "text": self._text,
            }
        )
        if self._not_text:
            mask = np.ones(len(self._line), dtype=bool)
            mask[self._not_text] = False
            table = table.filter(pa.array(mask))
        return table

    def not_text(self) -> Iterator[tuple[int, int, int]]:
        """The slice, line number and position of each line that is not UTF-8."""
        return ((int(self._slice[at]), int(self._line[at]), at) for at in self._not_text)

    def bytes_of(self, position: int) -> bytes:
        """A line as it was read, without its line feed."""
        return self._data[self._offsets[position] : self._offsets[position + 1] - 1]

    def _samples(self) -> Iterator[str]:
        """Yield some lines from all over the chunk, but no very long ones: they are rare and cost memory."""
        count = len(self._line)
        for position in range(0, count, max(1, count // _SAMPLES)):
            if self._offsets[position + 1] - self._offsets[position] <= _LONGEST_SAMPLE:
                yield self.bytes_of(position).decode("utf-8", "replace")
