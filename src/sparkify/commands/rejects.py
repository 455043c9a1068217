"""``sparkify rejects``: show, export, retry or dismiss the lines that were set aside."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_dsn,
    add_group,
    add_json,
    add_limit,
    not_empty,
    positive,
)
from sparkify.commands.output import (
    counted,
    note,
    note_more,
    print_json,
    print_result,
    print_sentence,
    printable,
)
from sparkify.errors import UsageError
from sparkify.extract.files import name_of
from sparkify.extract.rejects import REASONS
from sparkify.server.home import expanded

if TYPE_CHECKING:
    from sparkify.operations.dismiss import Dismissed
    from sparkify.operations.retry import Retried

_OTHER_RUNS = "their run is held, failed or still at work; see `sparkify runs list`"


def add(commands: Any) -> None:
    """Declare the command and its actions."""
    actions = add_group(
        commands, "rejects", "show the lines that were set aside and why; retry or dismiss them"
    )
    for name, run, text in (
        ("list", _list, "count rejected lines by file and reason"),
        ("show", _show, "show rejected lines with their text"),
    ):
        action = add_command(actions, name, run, text)
        _add_choice(action)
        add_limit(action, 20)
        add_dsn(action)
        add_json(action)

    export = add_command(
        actions, "export", _export, "write rejected lines with their text, one JSON object per line"
    )
    _add_choice(export)
    export.add_argument("--out", type=not_empty, metavar="FILE", help="file to write (default: stdout)")
    add_dsn(export)

    drop = add_command(actions, "drop", _drop, "dismiss rejected lines that nobody will fix")
    _add_choice(drop, several="it is refused")
    drop.add_argument("--all", action="store_true", help="dismiss every rejected line")
    add_dsn(drop)
    add_json(drop)

    retry = add_command(actions, "retry", _retry, "judge rejected lines again and load those that now pass")
    _add_choice(retry)
    add_dsn(retry)
    add_json(retry)


def _add_choice(parser: ArgumentParser, *, several: str = "all are chosen") -> None:
    parser.add_argument(
        "--file", type=_path, metavar="PATH",
        help="only lines of this file: its name, or its path or the end of it, like log_data/1.json;"
        f" if several files match, {several}",
    )  # fmt: skip
    parser.add_argument(
        "--reason", choices=REASONS, metavar="REASON",
        help=f"only lines rejected for this reason: {', '.join(REASONS)}",
    )  # fmt: skip
    parser.add_argument("--run", type=positive, metavar="RUN", help="only lines that this run read")


def _path(text: str) -> str:
    """A path, or the end of one, as the warehouse has it."""
    name = name_of(expanded(not_empty(text)))
    return name if name.startswith("bytes:/") else name.removeprefix("bytes:")


def _choice(options: Options) -> dict[str, Any]:
    """The arguments that choose the warehouse and its rejected lines."""
    return {"dsn": options.dsn, "path": options.file, "reason": options.reason, "run": options.run}


def _list(options: Options) -> int:
    from sparkify.commands.tables import print_table

    return _print_rejects(options, print_table, evidence=False)


def _show(options: Options) -> int:
    return _print_rejects(options, _print_evidence, evidence=True)


def _print_rejects(options: Options, show: Any, *, evidence: bool) -> int:
    from sparkify import analytics

    limit = options.limit
    rows = analytics.rejects(**_choice(options), evidence=evidence, limit=limit + 1)
    if options.json:
        print_json(rows[:limit])
    elif rows:
        show(rows[:limit])
    else:
        note("No rejected lines.")
    note_more(rows, limit)
    return DONE


def _print_evidence(rows: Sequence[dict[str, Any]]) -> None:
    """Print rejected lines one by one with their text."""
    from sparkify.commands.tables import LONGEST_CELL

    for row in rows:
        text = row["record"].decode("utf-8", "backslashreplace")
        more = "" if len(text) <= LONGEST_CELL else f" … ({row['record_bytes']:,} bytes)"
        print(printable(f"{row['path']}:{row['line']}: {row['reason']}: {row['detail']}"))
        print(f"    {printable(text[:LONGEST_CELL].strip())}{more}")


def _export(options: Options) -> int:
    from sparkify.analytics.export import export_rejects

    count = export_rejects(options.out, **_choice(options))
    sys.stdout.flush()  # it may fail
    note(f"Wrote {counted(count, 'rejected line')}.")
    return DONE


def _drop(options: Options) -> int:
    from sparkify.operations.dismiss import dismiss

    some = bool(options.file or options.reason or options.run)
    if some == options.all:
        raise UsageError("Say which rejected lines to dismiss: --file, --reason or --run, or --all alone.")
    done = dismiss(**_choice(options))
    print_result(done, _print_dismissed, as_json=options.json, done="The lines are dismissed.")
    return DONE


def _print_dismissed(done: "Dismissed") -> None:
    """Print what was dismissed; on stderr, say what was not and why, and how to undo it."""
    if not done.lines and not done.other_runs:
        note("No rejected lines match.")
        return
    kinds = ", ".join(f"{count:,} {reason}" for reason, count in done.reasons.items())
    print_sentence(
        f"Dismissed {counted(done.lines, 'rejected line')} of {counted(done.files, 'file')}"
        f"{': ' if kinds else ''}{kinds}."
    )
    if done.lines:
        note("To get them back, touch their files and load again.")
    if done.other_runs:
        note(f"Did not dismiss {counted(done.other_runs, 'line')}: {_OTHER_RUNS}.")


def _retry(options: Options) -> int:
    from sparkify.operations.retry import retry

    done = retry(**_choice(options))
    print_result(done, _print_retried, as_json=options.json, done="What passed is loaded.")
    return DONE


def _print_retried(done: "Retried") -> None:
    """Print what was tried again, what passed and what remains; on stderr, say what was not tried and why."""
    books = done.passed
    print_sentence(
        f"Tried {counted(done.tried, 'rejected line')} again: {books.lines:,} passed,"
        f" {done.tried - books.lines:,} did not."
    )
    became = [
        f"{getattr(books, name):,} {name.replace('_', ' ')}"
        for name in type(books).__slots__
        if name != "lines" and getattr(books, name)
    ]
    if became:
        print_sentence(f"Those that passed: {', '.join(became)}.")
    if done.remaining:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(done.remaining.items()))
        print_sentence(f"Still rejected: {reasons}.")
    for count, why in (
        (done.changed, "their files have changed since or cannot be read; `sparkify etl` reads them"),
        (done.read_again, "their files must be read whole; the next `sparkify etl` does that"),
        (done.incomplete, "only part of each was kept, and their files are gone"),
        (done.other_runs, _OTHER_RUNS),
    ):
        if count:
            note(f"Did not try {counted(count, 'line')}: {why}.")
