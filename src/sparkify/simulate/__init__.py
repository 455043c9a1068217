"""Make up a music service of any size: song files and event logs like the real ones, fixed by a seed."""

import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sparkify.errors import UsageError
from sparkify.server.home import expanded
from sparkify.simulate.folder import Folder

OPENED = date(2018, 11, 1)
# The largest numbers tried; docs/simulator.md says how much memory they took.
_MOST_SONGS = 2_000_000
_MOST_USERS = 5_000_000
_MOST_WORKERS = 64
_WORTH_WORKERS = 400_000
"""Person-days and songs for each further process; with fewer, starting it costs more than it saves."""


@dataclass(frozen=True)
class Report:
    """What a simulation wrote. Bytes are of the text, before `gzip`."""

    songs: int
    people: int
    days: int
    events: int
    plays: int
    files: int
    bytes: int
    seconds: float


# Over 40 lines: its arguments and what they mean are 35 of them.
def simulate(
    out: str | os.PathLike[str],
    *,
    users: int = 96,
    songs: int = 3_000,
    artists: int | None = None,
    start: date | None = None,
    days: int = 30,
    opened: date = OPENED,
    seed: int = 1,
    unmatched: float = 0.5,
    dirt: float = 0.0,
    packed: bool = False,
    zipped: bool = False,
    force: bool = False,
    workers: int | None = None,
) -> Report:
    """Write a made-up Sparkify below the folder `out`: `song_data/` and `log_data/`.

    `users` people are there on the day the service opened; others join later. `start` is the first day to
    write, by default the opening day. A day's events depend on the world (users, songs, artists, opened,
    seed, unmatched, dirt) and the date, and on nothing else: days written later continue those written
    before, with any number of `workers`. `artists` defaults to two for every five songs. `packed` puts 10,000
    songs into a file, one a line. `force` allows a folder that is not empty, to add days to the world in it
    or to write a world beside other files.

    Raises UsageError, having changed nothing, if the arguments contradict each other, `out` is in use, or it
    holds another world; and SparkifyError if not everything could be written.
    """
    begun = time.perf_counter()
    out = Path(expanded(out))
    start = opened if start is None else start
    artists = max(1, songs * 2 // 5) if artists is None else artists
    _check_numbers(users, songs, artists, seed, workers)
    _check_shares(unmatched=unmatched, dirt=dirt)
    _check_days(start, days, opened)
    settings = {
        "--users": users, "--songs": songs, "--artists": artists, "--opened": str(opened), "--seed": seed,
        "--unmatched": unmatched, "--dirt": dirt, "--songs-layout": "ndjson" if packed else "files",
        "--gzip": "given" if zipped else "not given",
    }  # fmt: skip
    folder = Folder(out, settings, start, start + timedelta(days - 1), force=force)

    # numpy and pyarrow take a quarter of a second to import: check the arguments first.
    from sparkify.simulate.worker import write_all  # noqa: PLC0415
    from sparkify.simulate.world import World, day_number  # noqa: PLC0415
    from sparkify.simulate.writing import Task, not_written, write  # noqa: PLC0415

    world = World(users, songs, artists, seed, opened, unmatched, dirt)
    first = day_number(start)
    if workers is None:
        workers = min(os.cpu_count() or 1, 1 + (users * days + songs) // _WORTH_WORKERS)
    written = range(0) if folder.has_songs else range(songs)
    tasks = Task(out, world, written, range(first, first + days), packed, zipped).split(workers)
    try:
        folder.begin()
        counts = write(tasks[0]) if len(tasks) == 1 else write_all(tasks)
        folder.finish()
    except OSError as error:
        raise not_written(error, out) from error
    people = world.people(first + days)
    return Report(songs, people, days, **vars(counts), seconds=time.perf_counter() - begun)


def _check_numbers(users: int, songs: int, artists: int, seed: int, workers: int | None) -> None:
    if not 1 <= users <= _MOST_USERS:
        raise UsageError(f"--users must be from 1 to {_MOST_USERS:,}, not {users:,}")
    if not 1 <= songs <= _MOST_SONGS:
        raise UsageError(f"--songs must be from 1 to {_MOST_SONGS:,}, not {songs:,}")
    if not 1 <= artists <= songs:
        raise UsageError(f"--artists must be from 1 to the number of songs ({songs:,}), not {artists:,}")
    if seed < 0:
        raise UsageError(f"--seed must be 0 or more, not {seed}")
    if workers is not None and not 1 <= workers <= _MOST_WORKERS:
        raise UsageError(f"--workers must be from 1 to {_MOST_WORKERS}, not {workers:,}")


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0:
            raise UsageError(f"--{name} must be from 0 to 1, not {share:g}")


def _check_days(start: date, days: int, opened: date) -> None:
    if days < 1:
        raise UsageError(f"--days must be 1 or more, not {days:,}")
    if start < opened:
        raise UsageError(
            f"--start {start} is before the service opened on {opened}; choose an earlier --opened too"
        )
    # A session of the last day may run into the next day, which the loader must accept, too.
    if opened.year < 2000:
        raise UsageError(f"--opened {opened} is before the year 2000")
    if days > (date(2099, 12, 31) - start).days:
        raise UsageError("the last day to write must be 2099-12-30 or earlier")
