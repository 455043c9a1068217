"""A made-up Sparkify, as large as asked: song files and event logs like the real ones, the same for the same seed.

`simulate()` is the library call; `add_arguments()` and `run()` are the command line's.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sparkify.errors import SparkifyError, UsageError
from sparkify.server.home import expanded
from sparkify.simulate.folder import Folder

OPENED = date(2018, 11, 1)
# Tried; the docs say what memory it took.
_MOST_SONGS = 2_000_000
_MOST_USERS = 5_000_000
_MOST_WORKERS = 64
# Below so many person-days and songs a second process costs more than it saves.
_WORTH_WORKERS = 400_000


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

    `users` people are there on the day the service opened, others join later. The days are those from `start` (by
    default the opening) on. A day's events depend on the world (users, songs, artists, opened, seed, unmatched, dirt)
    and the date, on nothing else: days written later continue those written before, with any number of `workers`.
    `artists` is by default two for five songs. `packed` puts 10,000 songs in a file, one a line. With `force` a folder
    that is not empty is written into, to add days to the world it holds, or a world beside other things.

    Raises UsageError, having changed nothing, when the arguments make no sense together, `out` is in use, or it holds
    another world; and SparkifyError when not all could be written.
    """
    begun = time.perf_counter()
    out = Path(expanded(out))
    start = opened if start is None else start
    artists = max(1, songs * 2 // 5) if artists is None else artists
    _check_numbers(users, songs, artists, seed, workers)
    _check_shares(unmatched=unmatched, dirt=dirt)
    _check_days(start, days, opened)
    settings = {
        "--users": users,
        "--songs": songs,
        "--artists": artists,
        "--opened": str(opened),
        "--seed": seed,
        "--unmatched": unmatched,
        "--dirt": dirt,
        "--songs-layout": "ndjson" if packed else "files",
        "--gzip": "given" if zipped else "not given",
    }
    folder = Folder(out, settings, start, start + timedelta(days - 1), force=force)

    # numpy and pyarrow take a quarter of a second: not before they are needed.
    from sparkify.simulate.catalogue import SONGS_A_PACK  # noqa: PLC0415
    from sparkify.simulate.worker import write_all  # noqa: PLC0415
    from sparkify.simulate.world import World, day_number  # noqa: PLC0415
    from sparkify.simulate.writing import Part, write  # noqa: PLC0415

    world = World(users, songs, artists, seed, opened, unmatched, dirt)
    first = day_number(start)
    all_days = range(first, first + days)
    packs = range(0) if folder.has_songs else range(0, songs, SONGS_A_PACK)
    if workers is None:
        workers = min(os.cpu_count() or 1, 1 + (users * days + songs) // _WORTH_WORKERS)
    workers = min(workers, max(len(packs), days))
    parts = [
        Part(
            out,
            world,
            _songs_in(_share(packs, n, workers), songs),
            _share(all_days, n, workers),
            packed,
            zipped,
        )
        for n in range(workers)
    ]
    try:
        folder.begin()
        counts = write(parts[0]) if workers == 1 else write_all(parts)
        folder.finish()
    except OSError as error:
        raise SparkifyError(f"could not write: {error}") from error
    people = world.people(first + days)
    return Report(songs, people, days, **vars(counts), seconds=time.perf_counter() - begun)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `sparkify simulate` its arguments."""
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write song_data/ and log_data/ into")
    parser.add_argument(
        "--users", type=int, default=96, help="people there on the opening day (default %(default)s)"
    )
    parser.add_argument(
        "--songs", type=int, default=3_000, help="songs in the catalogue (default %(default)s)"
    )
    parser.add_argument("--artists", type=int, help="artists in the catalogue (default 2 for 5 songs)")
    parser.add_argument(
        "--start", type=_date, metavar="DATE", help="first day to write (default: the opening day)"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--days", type=int, help="how many days to write (default 30)")
    length.add_argument("--end", type=_date, metavar="DATE", help="last day to write, instead of --days")
    parser.add_argument(
        "--opened",
        type=_date,
        default=OPENED,
        metavar="DATE",
        help=f"day the service opened and its growth began (default {OPENED})",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed, another Sparkify (default %(default)s)"
    )
    parser.add_argument(
        "--unmatched",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share of plays whose song the catalogue lacks (default %(default)s)",
    )
    parser.add_argument(
        "--dirt",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of plays, files and songs something happens to; the truth is written to OUT/truth (default 0)",
    )
    parser.add_argument(
        "--songs-layout",
        choices=["files", "ndjson"],
        default="files",
        help="one song a file, or 10,000 songs a file, one a line (default %(default)s)",
    )
    parser.add_argument("--gzip", action="store_true", help="compress every file")
    parser.add_argument(
        "--force",
        action="store_true",
        help="write into a folder that is not empty: more days, or beside other things",
    )
    parser.add_argument(
        "--workers", type=int, help="processes (default: as many as the work is worth, up to the cores)"
    )


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say and report on standard error; returns the exit code: 0, or 130 when interrupted.

    Raises UsageError, having changed nothing, when they make no sense together.
    """
    start = args.opened if args.start is None else args.start
    days = 30 if args.days is None else args.days
    if args.end is not None:
        days = (args.end - start).days + 1
        if days < 1:
            raise UsageError(f"--end {args.end} is before --start {start}")
    try:
        report = simulate(
            args.out,
            users=args.users,
            songs=args.songs,
            artists=args.artists,
            start=start,
            days=days,
            opened=args.opened,
            seed=args.seed,
            unmatched=args.unmatched,
            dirt=args.dirt,
            packed=args.songs_layout == "ndjson",
            zipped=args.gzip,
            force=args.force,
            workers=args.workers,
        )
    except KeyboardInterrupt:
        print("sparkify: interrupted; the same command with --force completes it", file=sys.stderr)
        return 130
    print(
        f"{report.events:,} events ({report.plays:,} plays) by {report.people:,} people on {report.days:,} days and "
        f"{report.songs:,} songs: {report.files:,} files, {report.bytes / 1e6:,.1f} MB in {report.seconds:.1f} s, "
        f"below {args.out}",
        file=sys.stderr,
    )
    return 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2018-11-01") from error


def _share(whole: range, n: int, workers: int) -> range:
    """The n-th of as many even shares."""
    return whole[len(whole) * n // workers : len(whole) * (n + 1) // workers]


def _songs_in(packs: range, songs: int) -> range:
    return range(packs.start, min(packs.stop, songs))


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
        raise UsageError(f"--days must be 1 or more, not {days:,}: the end would be before the start")
    if start < opened:
        raise UsageError(
            f"--start {start} is before the service opened on {opened}; give an earlier --opened as well"
        )
    # A session of the last day may go on into the next; all of it must be in the range the loader accepts.
    if opened.year < 2000:
        raise UsageError(f"--opened {opened} is before the year 2000")
    if days > (date(2099, 12, 31) - start).days:
        raise UsageError("the last day to write must be 2099-12-30 or earlier")
