"""The data to load: days of one made-up Sparkify, written once and kept."""

import json
import mmap
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

USERS: Final = 20_000
OPENED: Final = date(2018, 11, 1)

_PLAY: Final = b'"page":"NextSong"'
_TS: Final = re.compile(rb'"ts":(\d+)')
_DAYS_AT_ONCE: Final = 7
_DAY_MS: Final = 86_400_000
_PLAYS_A_PIECE: Final = 10


@dataclass(frozen=True)
class Dataset:
    """Two folders to load. `plays` and `bytes` count the log files."""

    songs: Path
    logs: Path
    days: int
    plays: int
    bytes: int

    @property
    def arguments(self) -> list[str]:
        """The arguments for ``sparkify etl``."""
        return ["--song-data", str(self.songs), "--log-data", str(self.logs)]


class World:
    """One Sparkify below a folder.

    Its days are written when they are first needed; the first ones make a dataset.
    """

    def __init__(self, folder: Path, songs: int) -> None:
        self.songs = songs
        self._folder = folder / f"of-{songs}-songs"
        self._written = self._folder / "world"
        self._counted = self._folder / "plays.json"

    def first(self, plays: int) -> Dataset:
        """The first days with about this number of plays, as a folder of hard links."""
        counts = self._count_until(plays)
        days, total = 0, 0
        while abs(total + counts[days] - plays) < abs(total - plays):
            total += counts[days]
            days += 1
        logs = self._folder / f"first-{days}-days"
        files = [self._file(logs, day) for day in range(days)]
        for left in set(logs.rglob("*.json")).difference(files):
            left.unlink()
        for day, file in enumerate(files):
            _link(self._file(self._written / "log_data", day), file)
        size = sum(file.stat().st_size for file in files)
        return Dataset(self._written / "song_data", logs, days, total, size)

    def days_after(self, loaded: Dataset, plays: int, count: int) -> list[Dataset]:
        """Make more days of exactly this number of plays, kept apart until `add_day` adds them.

        The world's own days are smaller or larger, so lines of later days are moved to these. Each keeps its
        time of day, its session and its item, so that it remains a different event from all others.
        """
        lines, days = self._plays_from(loaded.days), []
        for day in range(loaded.days, loaded.days + count):
            midnight = _milliseconds(OPENED + timedelta(days=day))
            logs = self._folder / f"day-{day}-of-{plays}-after-{loaded.days}"
            file = self._file(logs, day)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"\n".join(_TS.sub(_mover(midnight), line) for line in islice(lines, plays)))
            days.append(Dataset(loaded.songs, logs, 1, plays, file.stat().st_size))
        return days

    def _plays_from(self, day: int) -> Iterator[bytes]:
        while True:
            self._write_days(day + 1)
            for line in self._file(self._written / "log_data", day).read_bytes().splitlines():
                if _PLAY in line:
                    yield line
            day += 1

    def _count_until(self, plays: int) -> list[int]:
        """The number of plays of each day, until there are enough."""
        counts: list[int] = json.loads(self._counted.read_text()) if self._counted.exists() else []
        while sum(counts) < plays:
            self._write_days(len(counts) + _DAYS_AT_ONCE)
            logs = self._written / "log_data"
            days = range(len(counts), len(counts) + _DAYS_AT_ONCE)
            counts += [_occurrences(_PLAY, self._file(logs, day)) for day in days]
            self._counted.write_text(json.dumps(counts))
        return [*counts, 0]

    def _write_days(self, days: int) -> None:
        """Write days until there are at least this many."""
        first = sum(self._file(self._written / "log_data", day).exists() for day in range(days))
        if first < days:
            _simulate(
                self._written,
                users=USERS,
                songs=self.songs,
                start=OPENED + timedelta(days=first),
                days=max(days - first, 30),
            )

    @staticmethod
    def _file(logs: Path, day: int) -> Path:
        return logs / f"{OPENED + timedelta(days=day):%Y/%m/%Y-%m-%d}-events.json"


def add_day(loaded: Dataset, day: Dataset) -> None:
    """Add the files of a day to a dataset; `World.first` removes them again."""
    for file in day.logs.rglob("*.json"):
        _link(file, loaded.logs / file.relative_to(day.logs))


def song_files(folder: Path, songs: int) -> Path:
    """A folder with this number of song files, one song each, and very few events."""
    out = folder / f"songs-{songs}"
    if not out.exists():
        _simulate(out, users=1, songs=songs, start=OPENED, days=1)
    return out


def sample(folder: Path) -> Path:
    """The sample that ``make etl`` makes up when there is no data."""
    out = folder / "sample"
    if not out.exists():
        _simulate(out, users=96, songs=10_000, start=OPENED, days=30)
    return out


def pieces(folder: Path, files: int) -> Dataset:
    """The first plays of `sample`, ten in each of this number of files; no songs."""
    logs = folder / f"pieces-{files}"
    days = sorted((sample(folder) / "log_data").rglob("*.json"))
    plays = (line for day in days for line in day.read_bytes().splitlines() if _PLAY in line)
    logs.mkdir(exist_ok=True)
    contents = [b"\n".join(islice(plays, _PLAYS_A_PIECE)) for _ in range(files)]
    for number, content in enumerate(contents):
        (logs / f"{number:04d}.json").write_bytes(content)
    return Dataset(logs, logs, files, files * _PLAYS_A_PIECE, sum(map(len, contents)))


def _simulate(out: Path, *, users: int, songs: int, start: date, days: int) -> None:
    print(f"Making {days} day(s) from {start} of {users:,} users and {songs:,} songs.", file=sys.stderr)
    command = [sys.executable, "-m", "sparkify", "simulate", str(out), "--force", "--start", str(start)]
    command += ["--users", str(users), "--songs", str(songs), "--days", str(days)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _link(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _mover(midnight: int) -> Callable[[re.Match[bytes]], bytes]:
    return lambda ts: b'"ts":%d' % (midnight + int(ts[1]) % _DAY_MS)


def _occurrences(what: bytes, file: Path) -> int:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return len(re.findall(re.escape(what), text))
