"""Spoil a world's files, and record the truth: one row per spoilt record.

The dirt of a day depends only on the seed and the day; that of a song, on the seed and the song.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparkify.simulate.arrays import Bools, Ints
from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.days import Events
from sparkify.simulate.distort import BROKEN, other_names
from sparkify.simulate.folder import whole
from sparkify.simulate.pages import Page
from sparkify.simulate.world import Stream, World

# Shares of the spoilt plays that get other names and that are written twice; the rest are broken.
_NAMES, _TWICE = 0.6, 0.15
_TORN_SONGS = 0.1  # of the spoilt songs; the others come late

Truth = dict[str, object]


class DirtyDay:
    """Spoils one day: its file may come late or be copied, and some of its lines change."""

    def __init__(
        self, world: World, catalogue: Catalogue, day: int, events: Events, *, name: str, suffix: str
    ) -> None:
        self._draws = draws = world.draws(Stream.DIRT_DAY, day)
        self._catalogue = catalogue
        self._events = events
        self._late, copied = (draws.uniform(2) < world.dirt).tolist()
        folder = "late/" if self._late else ""
        self.path = f"{folder}{name}{suffix}"
        self.copy = f"{folder}{name}-copy{suffix}" if copied else None
        self._hit = np.flatnonzero((events.page == Page.SONG) & (draws.uniform(len(events)) < world.dirt))
        self._lines = 0  # written so far
        self._truth: list[Truth] = []
        # Row, line, and whether the line is broken, for each play of a file that is late or copied.
        self._plays: list[tuple[int, int, bool]] = []

    def texts(self, chunks: Iterator[tuple[memoryview, Ints]]) -> Iterator[bytes]:
        """Yield the day's lines with what happened to them."""
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

    def truth(self) -> list[Truth]:
        """What happened to which line, and to each play of a late or copied file. Call it after `texts`."""
        rows = self._truth
        if self._late:
            rows += [self._about(self.path, row, line, "late file", "late") for row, line, _ in self._plays]
        if self.copy:
            rows += [
                self._about(self.copy, row, line, "file copied", "rejected" if broken else "duplicate")
                for row, line, broken in self._plays
            ]
        return rows

    def _clean(self, rows: range) -> None:
        if self._late or self.copy:
            plays = self._events.page[rows.start : rows.stop] == Page.SONG
            for n in np.flatnonzero(plays).tolist():
                self._plays.append((rows.start + n, self._lines + n + 1, False))
        self._lines += len(rows)

    def _dirty(self, row: int, line: bytes) -> bytes:
        """Spoil a play's line, record the truth, and return what to write, with newlines."""
        kind = self._draws.uniform(1)[0]
        lines = [line]
        if kind < _NAMES:
            lines[0], what = other_names(line, self._draws)
            effect = "loaded"
        elif kind < _NAMES + _TWICE:
            lines.append(line)
            what, effect = "line twice", "duplicate"
        else:
            what, effect = list(BROKEN)[self._draws.below(len(BROKEN))], "rejected"
            lines[0] = BROKEN[what](line, self._draws)
        for _ in lines:
            self._lines += 1
            if self._late or self.copy:
                self._plays.append((row, self._lines, effect == "rejected"))
        # The row is about the last line written: if the line is there twice, the second.
        self._truth.append(self._about(self.path, row, self._lines, what, effect))
        return b"".join(written + b"\n" for written in lines)

    def _about(self, path: str, row: int, line: int, what: str, effect: str) -> Truth:
        events = self._events
        event = {"session_id": int(events.session[row]), "item_in_session": int(events.item[row])}
        song = int(events.song[row])
        return {**_row(path, line, what, effect), **event, **_song(self._catalogue, song)}


def dirty_songs(world: World, songs: range) -> tuple[Bools, Bools]:
    """Which songs of a pack come late, and which are torn."""
    kinds = world.draws(Stream.DIRT_SONGS, songs.start).uniform(len(songs), 2)
    hit = kinds[:, 0] < world.dirt
    torn: Bools = hit & (kinds[:, 1] < _TORN_SONGS)
    return hit & ~torn, torn


def song_row(catalogue: Catalogue, path: str, line: int, song: int, *, late: bool) -> Truth:
    """The truth about a spoilt song."""
    what, effect = ("late song", "late") if late else ("torn", "rejected")
    return {**_row(path, line, what, effect), **_song(catalogue, song)}


def write_truth(path: Path, rows: list[Truth]) -> None:
    """Write the rows as one JSON object per line; write no file if there are none."""
    if rows:
        with whole(path) as file:
            file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _row(path: str, line: int, what: str, effect: str) -> Truth:
    return {"file": path, "line": line, "what": what, "effect": effect}


def _song(catalogue: Catalogue, song: int) -> Truth:
    """The song it really was, without an id if the catalogue lacks it."""
    return {
        "song_id": catalogue.song_ids[song] if song < catalogue.known else None,
        "title": catalogue.titles[song].as_py(),
        "artist": catalogue.artists[int(catalogue.artist_of[song])].as_py(),
        "length": float(catalogue.durations[song]),
    }
