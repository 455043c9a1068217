"""Prove, by arithmetic on bytes, which lines are strict enough for DuckDB; the judge reads the others.

DuckDB parses JSON leniently (trailing commas, NaN, duplicate keys, strings cast to numbers). A line has none
of these if it has a *shape*: known keys, each once and in a known order, without an object or array as a
value. The colons show it. In JSON, a colon after a key follows a quote or white space. If each such colon of
a line belongs to the next key of the shape, the line has these members and no others. DuckDB then decides
only whether it is JSON at all.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# The types of JSON values by their first byte.
_TEXT, _DIGIT, _MINUS, _NULL, _BOOLEAN = 1, 2, 4, 8, 16
_KINDS: Final = np.zeros(256, dtype=np.uint8)
for _first, _kind in (
    (b'"', _TEXT),
    (b"0123456789", _DIGIT),
    (b"-", _MINUS),
    (b"n", _NULL),
    (b"tf", _BOOLEAN),
):
    _KINDS[list(_first)] = _kind


class Field(Enum):
    """What a field may hold besides null: the DuckDB type that reads it, and how its value may begin."""

    TEXT = ("VARCHAR", _TEXT)
    NUMBER = ("DOUBLE", _DIGIT | _MINUS)
    INTEGER = ("BIGINT", _DIGIT)
    DIGITS = ("VARCHAR", _TEXT | _DIGIT)  # an integer or a string of digits
    OTHER = ("", _TEXT | _DIGIT | _MINUS | _BOOLEAN)

    def __init__(self, duckdb_type: str, begins: int) -> None:
        self.duckdb_type = duckdb_type
        self.begins = begins | _NULL


MOST_SHAPES: Final = 4
BLOCK_LINES: Final = 3000
"""Lines looked at together, about 1.5 MB: their bytes stay in the processor's cache."""

MOST_DIGITS: Final = 18
"""An integer of this many digits always fits 64 bits. The judge decides on longer ones."""

MOST_NUMBER_BYTES: Final = 24
"""The judge decides on longer numbers."""

# No byte between a key and its colon is above a quote: it is white space or the quote ("!" is harmless).
_BEFORE_COLON: Final = ord('"')
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_ -]{1,100}")

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of a line in order. `starts` has the bytes of each key, from the end of the value before it to
    its closing quote; `gap` is the number of spaces after each colon."""

    keys: tuple[str, ...]
    starts: tuple[bytes, ...]
    gap: int

    @classmethod
    def of(cls, line: str) -> "Shape | None":
        """The shape of a line; None when it has none."""
        try:
            pairs = json.loads(line, object_pairs_hook=lambda pairs: pairs)
        except (ValueError, RecursionError):
            return None
        if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, tuple) for pair in pairs):
            return None
        keys = tuple(key for key, _ in pairs)
        if len(set(keys)) < len(keys) or len(keys) > 100 or not all(map(_PLAIN_KEY.fullmatch, keys)):
            return None
        comma = ', "' if len(keys) > 1 and f', "{keys[1]}":' in line else ',"'
        starts = tuple(f'{comma if at else "{" + chr(34)}{key}"'.encode() for at, key in enumerate(keys))
        return cls(keys, starts, int(line.startswith(f'{{"{keys[0]}": ')))


def shapes(samples: Iterable[str]) -> list[Shape]:
    """The most frequent shapes of the sample lines."""
    found = Counter(shape for shape in map(Shape.of, samples) if shape)
    return [shape for shape, _ in found.most_common(MOST_SHAPES)]


def duckdb_types(fields: Mapping[str, Field]) -> str:
    """The structure that DuckDB's `from_json` reads from a line."""
    return json.dumps({name: field.duckdb_type for name, field in fields.items()})


def prove(data: bytes, offsets: Positions, known: list[Shape], fields: Mapping[str, Field]) -> Mask:
    """Tell which lines have one of the shapes. Line i is data[offsets[i]:offsets[i + 1]], with its line feed.

    If such a line is JSON for DuckDB, DuckDB reads the same fields as the judge.
    """
    proven = np.zeros(len(offsets) - 1, dtype=bool)
    for first in range(0, len(proven), BLOCK_LINES):
        bounds = offsets[first : first + BLOCK_LINES + 1]
        block = _Block(data[bounds[0] : bounds[-1]], bounds - bounds[0])
        for shape in known:
            proven[first + block.lines_of(shape, fields)] = True
    return proven


class _Block:
    """Some lines, and the positions of their colons."""

    def __init__(self, data: bytes, offsets: Positions) -> None:
        self._data = data
        self._bytes: Bytes = np.frombuffer(data, dtype=np.uint8)
        self._starts, self._ends = offsets[:-1], offsets[1:]
        colons = np.flatnonzero(self._bytes == ord(":"))
        self._colons = colons[self._bytes[colons - 1] <= _BEFORE_COLON]
        self._first_colon = np.searchsorted(self._colons, self._starts)
        self._count = np.searchsorted(self._colons, self._ends) - self._first_colon
        self._plain = ~self._with_doubtful_escape()

    def _with_doubtful_escape(self) -> Mask:
        r"""The lines that hold \u0000 or half of a surrogate pair, or may."""
        doubtful = np.zeros(len(self._starts), dtype=bool)
        at = np.flatnonzero((self._bytes[:-1] == ord("\\")) & (self._bytes[1:] == ord("u")))
        at = at[at + 5 < len(self._bytes)]
        if len(at):
            first, second = (self._bytes[at + offset] for offset in (2, 3))
            # 0000 begins with 00, D800 to DFFF with D8 to DF; this finds more, which is harmless
            bad = ((first == ord("0")) & (second == ord("0"))) | ((first | 32) == ord("d"))
            fine = (self._bytes[at + 4] != ord("0")) | (self._bytes[at + 5] != ord("0"))
            bad &= ~(fine & (first == ord("0")))
            doubtful[np.searchsorted(self._ends, at[bad], side="right")] = True
        return doubtful

    def lines_of(self, shape: Shape, fields: Mapping[str, Field]) -> Positions:
        """The numbers of the lines that have this shape."""
        lines = np.flatnonzero(self._plain & (self._count == len(shape.keys)))
        if not len(lines):
            return lines
        colons = self._colons[self._first_colon[lines] + np.arange(len(shape.keys))[:, None]]
        ends = self._ends[lines]
        ends = ends - 1 - (self._bytes[ends - 2] == ord("\r"))  # behind the brace
        good = (colons[0] - len(shape.starts[0]) == self._starts[lines]) & (self._bytes[ends - 1] == ord("}"))
        last = self._bytes[ends - 2]  # no trailing comma, no space, no second object
        good &= (last == ord('"')) | _is_digit(last) | (last == ord("e")) | (last == ord("l"))
        for at, start in zip(colons, shape.starts, strict=True):
            good &= self._stands(start, at - len(start))
        # A torn line may end at its last colon, and be the last of the block.
        since = np.minimum(colons + 1 + shape.gap, len(self._bytes) - 1)
        if shape.gap:
            good &= (self._bytes[colons + 1] == ord(" ")).all(axis=0)
        lengths = np.array([len(start) for start in shape.starts])[:, None]
        until = np.vstack((colons[1:] - lengths[1:], ends - 1))
        kinds = [fields.get(key, Field.OTHER) for key in shape.keys]
        good &= self._may_begin(since, np.array([[kind.begins] for kind in kinds], dtype=np.uint8))
        for at, kind in enumerate(kinds):
            null = self._bytes[since[at]] == ord("n")
            if kind is Field.NUMBER:
                good &= null | (until[at] - since[at] <= MOST_NUMBER_BYTES)
            elif kind is Field.INTEGER:
                good &= null | self._are_digits(since[at], until[at])
            elif kind is Field.DIGITS:
                quoted = self._bytes[since[at]] == ord('"')
                good &= null | self._are_digits(since[at] + quoted, until[at] - quoted)
        shaped: Positions = lines[good]
        return shaped

    def _stands(self, text: bytes, at: Positions) -> Mask | bool:
        """Whether this text is at these positions."""
        if len(self._data) < len(text):
            return False
        at = np.maximum(at, 0)
        windows: Any = np.ndarray(
            (len(self._data) - len(text) + 1,), f"V{len(text)}", self._data, strides=(1,)
        )
        found = windows[at].tobytes()
        if found == text * len(at):
            return True
        wanted = np.frombuffer(text, dtype=np.uint8)
        same: Mask = (np.frombuffer(found, dtype=np.uint8).reshape(-1, len(text)) == wanted).all(axis=1)
        return same

    def _may_begin(self, since: Positions, allowed: Bytes) -> Mask:
        """Whether values of the allowed types begin at these positions, which have one row for each key."""
        kinds = _KINDS[self._bytes[since]]
        good: Mask = ((kinds & allowed) != 0).all(axis=0)
        for kind, follows in ((_NULL, b"u"), (_MINUS, b"0123456789")):  # not nan, not -Infinity
            row, line = np.nonzero(kinds == kind)
            if len(row):
                good[line[~np.isin(self._bytes[since[row, line] + 1], list(follows))]] = False
        return good

    def _are_digits(self, since: Positions, until: Positions) -> Mask:
        """Whether each range holds only digits, and not too many."""
        length = until - since
        good = (length >= 0) & (length <= MOST_DIGITS)
        last = len(self._bytes) - 1
        for offset in range(int(length[good].max(initial=0))):
            good &= (offset >= length) | _is_digit(self._bytes[np.minimum(since + offset, last)])
        return good


def _is_digit(values: Bytes) -> Mask:
    digits: Mask = values - np.uint8(ord("0")) < 10
    return digits
