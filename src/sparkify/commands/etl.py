"""``sparkify etl``: load song and log files."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from sparkify.commands.arguments import (
    DONE,
    HELD,
    Options,
    add_command,
    add_dsn,
    add_json,
    not_empty,
    positive,
)
from sparkify.commands.output import counted, note, print_result, print_sentence
from sparkify.extract.files import READABLE
from sparkify.report import Progress, Report

MOST_FAULTS: Final = 10
"""Faulty files that are named one by one; `sparkify rejects list` names all."""

_DONE: Final = {
    "held": "The run is held: nothing was published.",
    "dry run": "Nothing was loaded.",
    "done": "The load is done.",
}


def add(commands: Any) -> None:
    """Declare the command."""
    etl = add_command(commands, "etl", _etl, "load new song and log files into the star schema")
    etl.epilog = (
        f"It reads {READABLE}. Other files are counted on"
        " stderr. If a folder holds no file that can be read, the exit code is 2."
    )
    etl.add_argument(
        "data", nargs="?", metavar="DATA",
        help="folder that holds song_data/ and log_data/, or a URL like s3://bucket/prefix (default: data)",
    )  # fmt: skip
    etl.add_argument("--song-data", metavar="DIR", help="folder or URL of the song files, if elsewhere")
    etl.add_argument("--log-data", metavar="DIR", help="folder or URL of the log files, if elsewhere")
    etl.add_argument(
        "--engine", choices=["local", "spark"], default="local",
        help="where batches run: on this machine or on an Apache Spark cluster (default: local)",
    )  # fmt: skip
    etl.add_argument(
        "--master", type=not_empty, metavar="URL", help="the Spark cluster: spark://HOST:7077, yarn, local[2]"
    )
    etl.add_argument(
        "--conf", type=_setting, action="append", default=[], metavar="KEY=VALUE",
        help="a Spark setting; may be repeated",
    )  # fmt: skip
    etl.add_argument(
        "--workers", type=positive, metavar="N",
        help="batches to run at a time (default: one per processor, or per core of the Spark cluster)",
    )  # fmt: skip
    etl.add_argument(
        "--max-rejects", metavar="N|P%", help="publish nothing if more lines than this are rejected"
    )
    etl.add_argument("--dry-run", action="store_true", help="only say how many files are new")
    add_dsn(etl)
    add_json(etl)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key.startswith("spark.") or not equals:
        raise argparse.ArgumentTypeError(f"{key!r} is not a setting like spark.executor.memory=4g")
    return key, value


def _etl(options: Options) -> int:
    from sparkify import etl

    with _live_progress() as progress:
        options.asked.kept = progress.kept
        report = etl.run(
            options.data,
            song_data=options.song_data,
            log_data=options.log_data,
            dsn=options.dsn,
            engine=options.engine,
            master=options.master,
            conf=dict(options.conf),
            workers=options.workers,
            max_rejects=options.max_rejects,
            dry_run=options.dry_run,
            progress=progress,
        )
    print_result(report, _print_report, as_json=options.json, done=_DONE[report.status])
    _print_advice(report)
    return HELD if report.status == "held" else DONE


@contextmanager
def _live_progress() -> Iterator[Progress]:
    """Show a live bar on a terminal and nothing elsewhere. It is on stderr: stdout is for data."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Progress()
        return
    from sparkify.commands.progress import live_bar  # slow to import: only when a bar is shown

    with live_bar(console) as progress:
        yield progress


def _print_report(report: Report) -> None:
    """Print what a run did."""
    from sparkify.commands.tables import print_table

    books = report.books
    if report.status == "dry run":
        are = "is" if report.files_new == 1 else "are"
        print(f"{report.files_new:,} of {counted(report.files_found, 'file')} {are} new. Nothing was loaded.")
        return
    for run_id, run in report.finished_runs.items():
        print_sentence(
            f"Published run {run_id}, which an earlier load had left: {counted(run.files_loaded, 'file')},"
            f" {counted(run.books.loaded, 'line')} loaded, {run.books.rejected:,} rejected."
        )
    if report.status == "held" and report.run_id:
        print_sentence(
            f"Run {report.run_id} is held. It read {counted(report.tally.files, 'file')}; nothing was"
            " published."
        )
    else:
        rate = f", {books.lines / report.seconds:,.0f} lines/s" if books.lines and report.seconds else ""
        print_sentence(
            f"Loaded {report.files_loaded:,} new of {counted(report.files_found, 'file')}"
            f" in {report.seconds:.1f} s{rate}."
        )
    if books.lines:
        # Most warehouses have forgotten nobody: then hide the column.
        print_table([asdict(books)], hide=() if books.forgotten else ("forgotten",))
    tables = ("songplays", "users", "songs", "artists", "time")
    rows = ", ".join(counted(report.rows[table], table.removesuffix("s")) for table in tables)
    match = "matches" if report.matched == 1 else "match"
    print_sentence(
        f"The warehouse has {rows}; {counted(report.matched, 'play')} {match} a song in the catalogue."
    )


def _print_advice(report: Report) -> None:
    """Say on stderr what needs attention and what to do about it."""
    from sparkify.stage.failed import failure

    for remark in report.remarks:
        note(remark)
    for run in (*report.finished_runs.values(), report):
        _print_rejects(run)
    unreadable = report.tally.unreadable
    for name, why in islice(unreadable.items(), MOST_FAULTS):
        note(f"{name} was not read: {why}. The next run tries again.")
    if (more := len(unreadable) - MOST_FAULTS) > 0:
        read = "was not read" if more == 1 else "were not read"
        note(f"{counted(more, 'more file')} {read}. etl.files lists all, as unreadable or vanished.")
    if others := report.tally.left_to_others:
        note(f"Another run is loading {counted(others, 'file')}. The next run loads what has changed there.")
    for run_id in report.held_runs:
        release, drop = f"`sparkify runs release {run_id}`", f"`sparkify runs drop {run_id}`"
        note(f"Run {run_id} is held: it has more rejects than allowed. Fix its files and load again;")
        note(f"or publish it as it is with {release}, or discard it with {drop}.")
    for run_id, reason in report.failed_runs.items():
        note(failure(run_id, reason))


def _print_rejects(report: Report) -> None:
    if report.tally.reasons:
        kinds = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.tally.reasons.items()))
        note(f"Set aside {counted(report.books.rejected, 'line')}: {kinds}.")
        see = "See them with `sparkify rejects list` and `sparkify rejects show`."
        if report.status == "held":  # its rejects cannot be retried; what else to do is said below
            note(see)
        else:
            note(f"{see} Fix the files and load again;")
            note("or, if the cause is elsewhere, remove it and run `sparkify rejects retry`.")
    for name, what in islice(report.faults.items(), MOST_FAULTS):
        note(f"{name} {what}.")
    if (more := len(report.faults) - MOST_FAULTS) > 0:
        note(f"In {counted(more, 'more file')} no line is valid: `sparkify rejects list` names them.")
