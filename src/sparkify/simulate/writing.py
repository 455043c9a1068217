"""Write a world's files: all of them, or those of one worker's task."""

import gzip
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from sparkify.errors import SparkifyError
from sparkify.simulate.arrays import Ints
from sparkify.simulate.catalogue import SONGS_A_PACK, catalogue_of
from sparkify.simulate.days import Events, days_of
from sparkify.simulate.dirt import DirtyDay, Truth, dirty_songs, song_row, write_truth
from sparkify.simulate.folder import whole
from sparkify.simulate.lines import Lines
from sparkify.simulate.pages import Page
from sparkify.simulate.people import people_of
from sparkify.simulate.songfiles import song_path, song_texts, write_song_files
from sparkify.simulate.world import World, date_of

# Lines to write at a time, about 2 MB of text: more is no faster and takes more memory.
LINES_AT_ONCE = 4_096


@dataclass(frozen=True)
class Task:
    """What to write (a range of songs, and a range of days counted since 1970), and how.

    `songs` begins at a multiple of SONGS_A_PACK and ends at one or at the last song: a pack is never split.
    """

    out: Path
    world: World
    songs: range
    days: range
    packed: bool
    zipped: bool

    def split(self, workers: int) -> list["Task"]:
        """Split the task into equal tasks, one for each worker, at most one for each day or pack."""
        packs = range(self.songs.start, self.songs.stop, SONGS_A_PACK)
        workers = min(workers, max(len(packs), len(self.days)))
        tasks = []
        for n in range(workers):
            mine = _even_share(packs, n, workers)
            songs = range(mine.start, min(mine.stop, self.songs.stop))
            tasks.append(replace(self, songs=songs, days=_even_share(self.days, n, workers)))
        return tasks


def _even_share(numbers: range, n: int, workers: int) -> range:
    """The n-th even share of the numbers, one for each worker."""
    return numbers[len(numbers) * n // workers : len(numbers) * (n + 1) // workers]


@dataclass
class Counts:
    """What was written."""

    files: int = 0
    bytes: int = 0
    events: int = 0
    plays: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of another worker."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def not_written(error: OSError, out: Path) -> SparkifyError:
    """Say what could not be written; the error of a full disk names no file."""
    return SparkifyError(f"could not write: {error.strerror or error}: {error.filename or out}")


def write(task: Task) -> Counts:
    """Write the task's song files, then its days. Files of the same name are replaced.

    Raises SparkifyError if the disk or the memory is too small.
    """
    try:
        writer = _Writer(task)
        for first in range(task.songs.start, task.songs.stop, SONGS_A_PACK):
            writer.songs(range(first, min(first + SONGS_A_PACK, task.songs.stop)))
        writer.days()
    except OSError as error:
        raise not_written(error, task.out) from error
    except MemoryError as error:
        raise SparkifyError("out of memory: give fewer --users, --songs or --workers") from error
    return writer.counts


class _Writer:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._catalogue = catalogue_of(task.world)
        self._suffix = ".json.gz" if task.zipped else ".json"
        self.counts = Counts()

    def songs(self, songs: range) -> None:
        """Write one pack of songs, as one file or one file per song."""
        task, catalogue = self._task, self._catalogue
        name = f"songs-{songs.start // SONGS_A_PACK:05}"
        late, torn = dirty_songs(task.world, songs)
        truth: list[Truth] = []
        # A late pack gets another name, so that it is added to the first pack and does not replace it.
        for folder, pack, which in (("song_data", name, ~late), ("late/song_data", f"{name}-late", late)):
            chosen = (np.flatnonzero(which) + songs.start).tolist()
            if not chosen:
                continue
            texts = [text.encode() for text in song_texts(catalogue, chosen)]
            stems = [pack if task.packed else song_path(catalogue, song) for song in chosen]
            for n, song in enumerate(chosen):
                if tears := bool(torn[song - songs.start]):
                    # Cut well within the object, where no prefix is valid JSON.
                    texts[n] = texts[n][: 40 + song % 60]
                if tears or folder.startswith("late"):
                    path = f"{folder}/{stems[n]}{self._suffix}"
                    truth.append(song_row(catalogue, path, n + 1 if task.packed else 1, song, late=not tears))
            into = task.out / folder
            if task.packed:
                self._file(into / f"{pack}{self._suffix}", (text + b"\n" for text in texts))
            else:
                paths = [f"{stem}{self._suffix}" for stem in stems]
                write_song_files(into, paths, texts, zipped=task.zipped)
                self.counts.bytes += sum(map(len, texts))
                self.counts.files += len(paths)
        write_truth(task.out / "truth/song_data" / f"{name}.ndjson", truth)

    def days(self) -> None:
        """Write the task's days, with their dirt."""
        task, world = self._task, self._task.world
        if not task.days:
            return
        people = people_of(world, self._catalogue, world.people(task.days[-1] + 1))
        lines = Lines(self._catalogue, people)
        for day, events in days_of(world, self._catalogue, people, task.days[0], task.days[-1]):
            if len(events):
                self._day(day, events, _chunks(lines, events))
            # Arrow keeps freed memory for reuse. Days differ in size, so that would add up.
            pa.default_memory_pool().release_unused()

    def _day(self, day: int, events: Events, chunks: Iterator[tuple[memoryview, Ints]]) -> None:
        out, world = self._task.out, self._task.world
        name = f"log_data/{date_of(day):%Y/%m/%Y-%m-%d}-events"
        self.counts.events += len(events)
        self.counts.plays += int((events.page == Page.SONG).sum())
        if not world.dirt:
            self._file(out / f"{name}{self._suffix}", (text for text, _ in chunks))
            return
        dirty = DirtyDay(world, self._catalogue, day, events, name=name, suffix=self._suffix)
        self._file(out / dirty.path, dirty.texts(chunks))
        if dirty.copy:
            with (out / dirty.path).open("rb") as original, whole(out / dirty.copy) as copy:
                shutil.copyfileobj(original, copy)
            self.counts.files += 1
        write_truth(out / "truth" / f"{name}.ndjson", dirty.truth())

    def _file(self, path: Path, texts: Iterable[memoryview | bytes]) -> None:
        """Write lines, all ending in a newline, to a file; the last line loses it, as in the real logs."""
        held = b""
        with whole(path) as plain:
            # The gzip header gets no name and time, so that the same text always has the same bytes.
            file = gzip.GzipFile("", "wb", 6, plain, 0) if self._task.zipped else plain
            with file:
                for text in texts:
                    file.write(held)
                    file.write(text[:-1])
                    self.counts.bytes += len(held) + len(text) - 1
                    held = b"\n"
        self.counts.files += 1


def _chunks(lines: Lines, events: Events) -> Iterator[tuple[memoryview, Ints]]:
    for first in range(0, len(events), LINES_AT_ONCE):
        yield lines.of(events.take(slice(first, first + LINES_AT_ONCE)))
