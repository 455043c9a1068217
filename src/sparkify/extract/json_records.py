"""Read JSON files that do not have one record a line, but objects over several lines or in an array.

`spans_lines` decides by the beginning of a file; `read_json` reads the file as a stream. JSON's structure is
ASCII, so bytes are read as Latin-1: a position in the text is a position in the file. Python's own scanner
finds the end of a sound record. The end of a broken one is a guess: its brackets close, or the next record
seems to begin.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from sparkify.extract import rejects
from sparkify.extract.compression import BrokenStream
from sparkify.extract.rejects import MAX_LINE_BYTES, Record, Reject, RejectedLine, too_long
from sparkify.extract.strict_json import too_much, unsound

BEGINNING_BYTES: Final = 1 << 20
"""Bytes at the beginning of a file that decide how to read it."""

PIECE_CHARACTERS: Final = 1 << 17
"""Characters to scan at a time. Hostile JSON may take the scanner a hundred times its size in memory, and at
an error the scanner counts all lines before it."""

LONGEST_TOKEN: Final = 16
"""A piece that ends inside -Infinity or a pair of \\u escapes looks wrong at its end, but may be right."""

NEAR_BYTES: Final = 1 << 13
"""How far to match the brackets of a broken record before looking for the next `,{"`. Without this limit,
many broken records in a row would each be matched to the end of the piece."""

LONGEST_GAP: Final = 1 << 12
"""Text to keep before a record: its indentation, and the white space before the next one."""

_BLANK: Final = re.compile(rb"(?:[ \t\n\r\x0b\x0c]|\xef\xbb\xbf)*+")
_BETWEEN: Final = re.compile("(?:[ \t\n\r\x0b\x0c,]|\xef\xbb\xbf)*+")
_TOKEN: Final = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"?|[\[\]{}]')  # a string may be torn
_OPEN_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+\\?\Z')
_OPENED_BY: Final = {"}": "{", "]": "["}
_ON_A_LINE: Final = re.compile("\n([ \t]*+),?[ \t]*+(?=(?P<seen>{))")
_INDENT: Final = re.compile("\n(?:\xef\xbb\xbf)?([ \t]*+(?:\\[[ \t]*+\\Z)?)")
_FOLLOWS: Final = re.compile("[ \t\n\r]*+(?:[],{[]|\\Z)")  # a record
_BEHIND_A_COMMA: Final = re.compile(',[ \t\n\r]*+(?=(?P<seen>{[ \t\n\r]*+"))')

_scan: Final = json.JSONDecoder(parse_float=len, parse_int=len).raw_decode  # the judge decides on numbers


def spans_lines(beginning: bytes) -> bool:
    """Whether a file with this beginning has its records in an array or over several lines.

    An array is a bracket followed by an object or by the closing bracket. An object over several lines does
    not end on its first line, and its second line begins as no record does: with a quote, a closing brace or
    a comma.
    """
    # The usual song file, quickly: there may be a million.
    if beginning.startswith(b"{") and beginning.find(b"\n", 0, -1) < 0:
        return False
    at = _end_of_blank(beginning, 0)
    if beginning[at : at + 1] == b"[":
        at = _end_of_blank(beginning, at + 1)
        return beginning[at : at + 1] in (b"{", b"]")
    feed = beginning.find(b"\n", at)
    if feed < 0 or beginning[at : at + 1] != b"{":
        return False
    next_line = _end_of_blank(beginning, feed)
    if beginning[next_line : next_line + 1] not in (b'"', b"}", b","):
        return False
    return _end_of_brackets(beginning[at:feed].decode("latin-1"), 0, feed - at) is None


def read_json(blocks: Iterator[bytes]) -> Iterator[Record]:
    """Yield the records of a file that `spans_lines`, sound or not, in order.

    A record has the number of the line on which it begins. If several begin on one line, each gets the next
    number, so that no two are equal. Records that are not JSON, or longer than a line may be, are rejects.
    """
    return _Reader(blocks).read()


def on_one_line(record: bytes) -> bytes:
    """A sound record without line feeds and the white space around them. Strings cannot hold line feeds."""
    return b"".join(map(bytes.strip, record.split(b"\n")))


def _end_of_blank(text: bytes, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found
    return found.end()


def _end_of_brackets(text: str, start: int, stop: int) -> int | None:
    """The position after the bracket that closes the one at `start`; None if it is missing or differs."""
    open_ones = []
    for token in _TOKEN.finditer(text, start, stop):
        bracket = token[0]
        if bracket in ("{", "["):
            open_ones.append(bracket)
        elif opened_by := _OPENED_BY.get(bracket):
            if not open_ones or open_ones.pop() != opened_by:
                return None
            if not open_ones:
                return token.end()
    return None


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS))


class _Reader:
    """A window of the file's text, and the position in it of the next record."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._pieces = (piece for block in blocks for piece in _cut(block.decode("latin-1")))
        self._put_back: list[str] = []  # read these before `_pieces`, the last one first
        self._text = "\n"  # so that the first line begins like every other
        self._at = 1
        self._line = 1
        self._ended = False
        self._broken: str | None = None  # what is wrong with the stream
        self._is_cut = False  # all that is wrong with this record is that the text ends
        self._is_torn = False  # the last record reaches to the end of the text

    def read(self) -> Iterator[Record]:
        number, in_array = 0, False
        while self._skip_blank():
            if self._text[self._at] == "[" and not in_array:
                in_array = True
                self._move(self._at + 1)
            elif self._text[self._at] == "]" and in_array:
                in_array = False
                self._move(self._at + 1)
            else:
                number = max(self._line, number + 1)
                yield self._take(number, in_array=in_array)
        if self._is_torn:
            return
        number = max(self._line, number + 1)
        if self._broken:
            yield RejectedLine.of(number, Reject("truncated_stream", self._broken), b"")
        elif in_array and (why := unsound(b"[")):
            yield RejectedLine.of(number, why, b"[")

    def _skip_blank(self) -> bool:
        """Go to the next record or bracket; False at the end of the text."""
        while True:
            found = _BETWEEN.match(self._text, self._at)
            assert found
            self._move(found.end())
            if self._ended or len(self._text) - self._at >= LONGEST_TOKEN:
                return self._at < len(self._text)
            self._fill(max(PIECE_CHARACTERS, LONGEST_TOKEN))

    def _take(self, number: int, *, in_array: bool) -> Record:
        """Read the record that begins here, and move past it."""
        self._is_torn = self._is_cut = False
        can_be_sound = in_array or self._text[self._at] == "{"
        end = self._end_of_sound() if can_be_sound else None
        is_sound = end is not None
        end = end or self._end_of_broken()
        if end is None or end - self._at > MAX_LINE_BYTES:
            return self._pass_over(number)
        record = self._text[self._at : end].rstrip(" \t\r\n\x0b\x0c").encode("latin-1")
        self._move(end)
        self._shorten()
        if self._is_torn and self._broken:
            return RejectedLine.of(number, Reject("truncated_stream", self._broken), record)
        if not is_sound and (why := unsound(record)):
            return RejectedLine.of(number, why, record)
        return number, on_one_line(record)

    def _end_of_sound(self) -> int | None:
        """The end of the JSON value that begins here; None when it is wrong, or too large."""
        while True:
            left = len(self._text) - self._at
            if left > 2 * PIECE_CHARACTERS and too_much(self._text[self._at :].encode("latin-1")):
                return None
            try:
                end: int = _scan(self._text, self._at)[1]
            except json.JSONDecodeError as error:
                may_go_on = self._may_go_on(error.pos)
                if self._ended or not may_go_on:
                    self._is_cut = may_go_on
                    return None
            except RecursionError:  # far deeper than strict JSON allows
                return None
            else:
                if end < len(self._text) or self._ended or self._text[end - 1] in '}]"':
                    return end
            if left > MAX_LINE_BYTES:
                return None
            self._fill(2 * left)

    def _may_go_on(self, wrong_at: int) -> bool:
        """Whether the error at this position may come only from the end of the window."""
        if len(self._text) - wrong_at < LONGEST_TOKEN:
            return True
        return _OPEN_STRING.match(self._text, wrong_at) is not None

    def _end_of_broken(self) -> int | None:
        """Where the next record seems to begin; None if that is farther away than the longest line.

        It looks at text of fixed lengths, so that the answer does not depend on the size of the blocks.
        """
        size = PIECE_CHARACTERS
        while True:
            self._fill(size)
            stop = min(self._at + size, len(self._text))
            if end := self._guess_end(stop):
                return end
            if self._ended and stop == len(self._text):
                self._is_torn = True
                return stop
            if size >= MAX_LINE_BYTES:
                return None
            size *= 2

    def _guess_end(self, stop: int) -> int | None:
        text, at = self._text, self._at
        # The parts of an indented record are indented further than its beginning.
        indent = self._indent() if text[at] == "{" else stop
        lines = _ON_A_LINE.finditer(text, at, stop)
        next_one = next((found.end() for found in lines if len(found[1]) <= indent), None)
        near = next_one or min(stop, at + NEAR_BYTES)
        if end := self._end_of_closed(near, stop):
            return end
        if next_one is None and not self._is_cut and (found := _BEHIND_A_COMMA.search(text, at, stop)):
            return found.end()
        return next_one or (self._end_of_closed(stop, stop) if near < stop else None)

    def _end_of_closed(self, until: int, stop: int) -> int | None:
        """Where the record's brackets close before `until`, if the text after them may follow a record."""
        end = _end_of_brackets(self._text, self._at, until) if self._text[self._at] in "{[" else None
        return end if end and _FOLLOWS.match(self._text, end, stop) else None

    def _pass_over(self, number: int) -> Record:
        """Reject a record that is too long, and skip to the next without holding all of it in memory."""
        self._fill(MAX_LINE_BYTES)
        size = min(MAX_LINE_BYTES, len(self._text) - self._at)
        kept = self._text[self._at : self._at + min(size, rejects.EVIDENCE_BYTES)].encode("latin-1")
        self._move(self._at + size)
        while True:
            ends = [end for pattern in (_ON_A_LINE, _BEHIND_A_COMMA) if (end := self._next_by(pattern))]
            self._is_torn = self._ended and not ends
            end = min(ends, default=max(self._at, len(self._text) - (0 if self._ended else LONGEST_GAP)))
            size += end - self._at
            self._move(end)
            if ends or self._ended:
                return RejectedLine(number, too_long(size), kept, size)
            self._fill(LONGEST_GAP + PIECE_CHARACTERS)

    def _next_by(self, pattern: re.Pattern[str]) -> int | None:
        """Where the next record begins. Longer gaps do not count: the end of the window might cut them."""
        found = pattern.finditer(self._text, self._at)
        return next((gap.end() for gap in found if gap.end("seen") - gap.start() <= LONGEST_GAP), None)

    def _indent(self) -> int:
        """How far this record's line is indented; or the record itself, if it is the first in an array."""
        feed = self._text.rfind("\n", max(self._at - LONGEST_GAP, 0), self._at)
        found = _INDENT.match(self._text, feed, self._at) if feed >= 0 else None
        return len(found[1]) if found else 0

    def _move(self, at: int) -> None:
        self._line += self._text.count("\n", self._at, at)
        self._at = at

    def _fill(self, size: int) -> None:
        """Read on until the window holds `size` characters from here, or the file ends."""
        if self._ended or len(self._text) - self._at >= size:
            return
        start = max(self._at - LONGEST_GAP, 0)
        parts = [self._text[start:]]
        self._at -= start
        have = len(parts[0]) - self._at
        try:
            while have < size:
                parts.append(self._put_back.pop() if self._put_back else next(self._pieces))
                have += len(parts[-1])
        except StopIteration:
            self._ended = True
        except BrokenStream as error:
            self._ended, self._broken = True, str(error)
        self._text = "".join(parts)

    def _shorten(self) -> None:
        """Shrink the window after a long record, so that the search for the next ones stays short."""
        enough = self._at + PIECE_CHARACTERS
        if len(self._text) > enough + PIECE_CHARACTERS:
            self._put_back += reversed(list(_cut(self._text[enough:])))
            self._text, self._ended = self._text[:enough], False
