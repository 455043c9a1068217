"""``sparkify simulate``: make up song and log files."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from sparkify.commands.arguments import DONE, INTERRUPTED, Options, add_command, not_empty
from sparkify.commands.output import counted, note
from sparkify.errors import UsageError
from sparkify.simulate import OPENED


def add(commands: Any) -> None:
    """Declare the command."""
    simulate = add_command(
        commands, "simulate", _simulate, "make up song files and event logs of a music service"
    )
    simulate.add_argument(
        "out", metavar="OUT", type=_folder, help="folder to write song_data/ and log_data/ into"
    )
    _add_world(simulate)
    _add_days(simulate)
    _add_files(simulate)


def _folder(text: str) -> Path:
    return Path(not_empty(text))


def _add_world(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(
        "the world", "The same settings always make the same people, songs and events."
    ).add_argument
    add("--users", type=int, default=96, metavar="N", help="people on the opening day (default: %(default)s)")
    add("--songs", type=int, default=3_000, metavar="N", help="songs in the catalogue (default: %(default)s)")
    add("--artists", type=int, metavar="N", help="artists in the catalogue (default: 2 for every 5 songs)")
    add(
        "--opened", type=_date, default=OPENED, metavar="DATE",
        help=f"day the service opened; it grows from then on (default: {OPENED})",
    )  # fmt: skip
    add(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="another seed makes another world (default: %(default)s)",
    )
    add(
        "--unmatched", type=float, default=0.5, metavar="SHARE",
        help="share of plays whose song is not in the catalogue (default: %(default)s)",
    )  # fmt: skip
    add(
        "--dirt", type=float, default=0.0, metavar="SHARE",
        help="share of plays, files and songs to spoil; OUT/truth says what was done (default: 0)",
    )  # fmt: skip


def _add_days(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the days")
    group.add_argument("--start", type=_date, metavar="DATE", help="first day (default: the opening day)")
    length = group.add_mutually_exclusive_group()
    length.add_argument("--days", type=int, metavar="N", help="how many days (default: 30)")
    length.add_argument("--end", type=_date, metavar="DATE", help="last day, instead of --days")


def _add_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the files").add_argument
    add(
        "--songs-layout", choices=["files", "ndjson"], default="files",
        help="one song per file, or 10,000 songs per file, one a line (default: %(default)s)",
    )  # fmt: skip
    add("--gzip", action="store_true", help="compress every file")
    add(
        "--force",
        action="store_true",
        help="write into a folder that is not empty, to add days or to write beside other files",
    )
    add(
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: as many as pay off, at most one per core)",
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2018-11-01") from error


def _simulate(options: Options) -> int:
    from sparkify.simulate import simulate

    try:
        report = simulate(
            options.out,
            users=options.users,
            songs=options.songs,
            artists=options.artists,
            start=options.start,
            days=_days(options),
            opened=options.opened,
            seed=options.seed,
            unmatched=options.unmatched,
            dirt=options.dirt,
            packed=options.songs_layout == "ndjson",
            zipped=options.gzip,
            force=options.force,
            workers=options.workers,
        )
    except KeyboardInterrupt:
        note("sparkify: interrupted; the same command with --force completes it")
        return INTERRUPTED
    note(
        f"{counted(report.events, 'event')} ({counted(report.plays, 'play')}) by {report.people:,}"
        f" {'person' if report.people == 1 else 'people'}"
        f" on {counted(report.days, 'day')}, and {counted(report.songs, 'song')}:"
        f" {counted(report.files, 'file')},"
        f" {report.bytes / 1e6:,.1f} MB, written to {options.out} in {report.seconds:.1f} s"
    )
    return DONE


def _days(options: Options) -> int:
    """How many days to write. Raises UsageError when --end is before the first."""
    if options.end is None:
        return 30 if options.days is None else int(options.days)
    start = options.start or options.opened
    days = int((options.end - start).days) + 1
    if days < 1:
        raise UsageError(f"--end {options.end} is before --start {start}")
    return days
