"""Writing a world's files: all of it, or the part that one of several workers writes."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sparkify.simulate.catalogue import Catalogue, catalogue_of
from sparkify.simulate.days import Events, days_of
from sparkify.simulate.lines import Lines
from sparkify.simulate.pages import Page
from sparkify.simulate.people import people_of
from sparkify.simulate.songfiles import SONGS_A_PACK, song_path, song_texts, write_song_files
from sparkify.simulate.world import World, date_of

# Lines made at a time. What is in the making then fits the cache: 16,384 measured fastest of 4,096 to 262,144.
LINES_AT_ONCE = 16_384


@dataclass(frozen=True)
class Part:
    """What to write: the songs and the days (since 1970) from the first to before the last, and how."""

    out: Path
    world: World
    songs: range
    days: range
    packed: bool
    zipped: bool


@dataclass
class Counts:
    """What was written."""

    files: int = 0
    bytes: int = 0
    events: int = 0
    plays: int = 0

    def add(self, other: "Counts") -> None:
        """Count what another wrote as well."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def write(part: Part) -> Counts:
    """Write the part's song files, then its days. Files of the same name are replaced."""
    counts = Counts()
    catalogue = catalogue_of(part.world)
    _write_songs(part, catalogue, counts)
    if part.days:
        people = people_of(part.world, catalogue, part.world.people(part.days[-1] + 1))
        lines = Lines(catalogue, people)
        for day, events in days_of(part.world, catalogue, people, part.days[0], part.days[-1]):
            _write_day(part, lines, day, events, counts)
    return counts


def _write_songs(part: Part, catalogue: Catalogue, counts: Counts) -> None:
    folder = part.out / "song_data"
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(part.songs.start, part.songs.stop, SONGS_A_PACK):
        songs = range(first, min(first + SONGS_A_PACK, part.songs.stop))
        texts = [text.encode() for text in song_texts(catalogue, songs)]
        if part.packed:
            name = f"songs-{first // SONGS_A_PACK:05}.json"
            counts.bytes += write_file(folder / name, (text + b"\n" for text in texts), zipped=part.zipped)
            counts.files += 1
        else:
            paths = [song_path(catalogue, song) for song in songs]
            counts.bytes += write_song_files(folder, paths, texts, zipped=part.zipped)
            counts.files += len(paths)


def _write_day(part: Part, lines: Lines, day: int, events: Events, counts: Counts) -> None:
    if not len(events):
        return
    path = part.out / "log_data" / f"{date_of(day):%Y/%m/%Y-%m-%d}-events.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    counts.bytes += write_file(path, _texts(lines, events), zipped=part.zipped)
    counts.files += 1
    counts.events += len(events)
    counts.plays += int((events.page == Page.SONG).sum())


def _texts(lines: Lines, events: Events) -> Iterator[memoryview]:
    for first in range(0, len(events), LINES_AT_ONCE):
        text, _ = lines.of(events.take(slice(first, first + LINES_AT_ONCE)))
        yield text


def write_file(path: Path, texts: Iterable[memoryview | bytes], *, zipped: bool) -> int:
    """Write lines, all ending in a newline, to a file; the last one loses it, as in the real logs. Returns the bytes.

    Zipped, the file's name gets `.gz` and the bytes are those of the text before.
    """
    written = 0
    held = b""
    # No time or name inside: the same text gives the same bytes.
    with gzip.GzipFile(f"{path}.gz", "wb", 6, mtime=0) if zipped else path.open("wb", buffering=0) as file:
        for text in texts:
            file.write(held)
            file.write(text[:-1])
            written += len(held) + len(text) - 1
            held = b"\n"
    return written
