"""What happens to a world's files, and the truth about it, one row a distorted record.

What happens on a day depends on the seed and the day alone, what happens to a song on the seed and the song.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparkify.simulate.arrays import Bools, Ints
from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.days import Events
from sparkify.simulate.distort import BROKEN, other_names
from sparkify.simulate.pages import Page
from sparkify.simulate.world import Stream, World

# Of the plays something happens to, how many get other names, how many come twice; the rest is broken.
_NAMES, _TWICE = 0.6, 0.15
_TORN_SONGS = 0.1  # of the songs that something happens to; the others come late

Truth = dict[str, object]


@dataclass
class DirtyDay:
    """What happens to one day: whether its file is late or copied, and what to which of its lines."""

    late: bool
    copied: bool
    truth: list[Truth]

    def __init__(self, world: World, catalogue: Catalogue, day: int, events: Events, path: str) -> None:
        self._random = random = world.random(Stream.DIRT_DAY, day)
        self._catalogue = catalogue
        self._events = events
        self.late, self.copied = random.random(2) < world.dirt
        self.path = f"late/{path}" if self.late else path
        self.truth = [_row(self.path, None, "late file", "late")] if self.late else []
        self._hit = np.flatnonzero((events.page == Page.SONG) & (random.random(len(events)) < world.dirt))
        self._line = 0  # written so far
        self._copy: list[Truth] = []  # the truth about the copy, if there is one

    def texts(self, chunks: Iterator[tuple[memoryview, Ints]]) -> Iterator[bytes]:
        """The day's lines as they are written: those made, with what happened to them."""
        first = 0
        for text, begins in chunks:
            size = len(begins) - 1
            low, high = np.searchsorted(self._hit, [first, first + size])
            pieces: list[bytes | memoryview] = []
            done = 0
            for row in self._hit[low:high].tolist():
                here = row - first
                pieces.append(text[begins[done] : begins[here]])
                self._clean(range(first + done, row))
                pieces.append(self._dirty(row, bytes(text[begins[here] : begins[here + 1] - 1])))
                done = here + 1
            pieces.append(text[begins[done] :])
            self._clean(range(first + done, first + size))
            yield b"".join(pieces)
            first += size

    def copy_truth(self, path: str) -> list[Truth]:
        """The truth about a copy of the file: every play in it is one too many."""
        return [{**row, "file": path} for row in self._copy]

    def _clean(self, rows: range) -> None:
        if self.copied:
            plays = self._events.page[rows.start : rows.stop] == Page.SONG
            for n in np.flatnonzero(plays).tolist():
                self._copy.append(self._about(rows.start + n, self._line + n + 1, "file copied", "duplicate"))
        self._line += len(rows)

    def _dirty(self, row: int, line: bytes) -> bytes:
        """What is written for the play's line, with newlines; notes the truth."""
        random = self._random
        kind = random.random()
        lines = [line]
        if kind < _NAMES:
            lines[0], what = other_names(line, random)
            self._note(row, 1, what, "loaded")
        elif kind < _NAMES + _TWICE:
            lines.append(line)
            self._note(row, 2, "line twice", "duplicate")
        else:
            what = list(BROKEN)[random.integers(len(BROKEN))]
            lines[0] = BROKEN[what](line, random)
            self._note(row, 1, what, "rejected")
        if self.copied:
            effect = "rejected" if kind >= _NAMES + _TWICE else "duplicate"
            for n in range(len(lines)):
                self._copy.append(self._about(row, self._line + n + 1, "file copied", effect))
        self._line += len(lines)
        return b"".join(written + b"\n" for written in lines)

    def _note(self, row: int, nth: int, what: str, effect: str) -> None:
        self.truth.append(self._about(row, self._line + nth, what, effect))

    def _about(self, row: int, line: int, what: str, effect: str) -> Truth:
        events = self._events
        about = _row(self.path, line, what, effect)
        about |= {"session_id": int(events.session[row]), "item_in_session": int(events.item[row])}
        return about | song_truth(self._catalogue, int(events.song[row]))


def dirty_songs(world: World, songs: range) -> tuple[Bools, Bools]:
    """Which of the songs come late, and the files of which are torn."""
    kinds = world.random(Stream.DIRT_SONGS).random((songs.stop, 2))[songs.start :]
    hit = kinds[:, 0] < world.dirt
    torn: Bools = hit & (kinds[:, 1] < _TORN_SONGS)
    return hit & ~torn, torn


def song_row(catalogue: Catalogue, path: str, line: int, song: int, *, late: bool) -> Truth:
    """The truth about a song's record that something happened to."""
    about = _row(path, line, "late song" if late else "torn", "late" if late else "rejected")
    return about | song_truth(catalogue, song)


def song_truth(catalogue: Catalogue, song: int) -> Truth:
    """What song it really was; without an id when the catalogue lacks it."""
    return {
        "song_id": catalogue.song_ids[song] if song < catalogue.known else None,
        "title": catalogue.titles[song].as_py(),
        "artist": catalogue.artists[int(catalogue.artist_of[song])].as_py(),
        "length": float(catalogue.durations[song]),
    }


def write_truth(path: Path, rows: list[Truth]) -> None:
    """Write the rows, one JSON object a line; no file when there are none."""
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _row(path: str, line: int | None, what: str, effect: str) -> Truth:
    return {"file": path, "line": line, "what": what, "effect": effect}
