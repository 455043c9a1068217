"""What people see: tables of at most the terminal's width, a progress bar, plain messages."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from sparkify.commands.output import encodable, printable
from sparkify.commands.tables import LONGEST_CELL, print_table
from sparkify.report import Progress, Report, Staged
from sparkify.stage.failed import failure

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from sparkify.operations.check import Finding
    from sparkify.operations.dismiss import Dismissed
    from sparkify.operations.forget import Erasure
    from sparkify.operations.retry import Retried

MOST_FAULTS = 10


def print_report(report: Report) -> None:
    """Print what a run did."""
    books, console = report.books, Console(highlight=False)
    if report.status == "dry run":
        print(f"{report.files_new:,} of {report.files_found:,} files are new. Nothing was loaded.")
        return
    rate = f", {books.lines / report.seconds:,.0f} lines/s" if books.lines and report.seconds else ""
    if report.status == "held" and report.run_id:
        console.print(
            f"Held back: run {report.run_id} read {report.staged.files:,} files, nothing was published."
        )
    else:
        console.print(
            f"Loaded {report.files_loaded:,} new of {report.files_found:,} files in {report.seconds:.1f} s{rate}."
        )
    if books.lines:
        # Most warehouses have nobody forgotten.
        print_table([asdict(books)], hide=() if books.forgotten else ("forgotten",))
    rows = ", ".join(
        f"{report.rows[name]:,} {name}" for name in ("songplays", "users", "songs", "artists", "time")
    )
    console.print(f"The warehouse has {rows}; {report.matched:,} plays match a song of the catalogue.")


def print_erasure(erasure: "Erasure") -> None:
    """Print what was removed of people, or would be, and what is left to do."""
    one = erasure.people == 1
    if erasure.dry_run:
        _say(
            f"{'This person' if one else f'These {erasure.people:,} people'} would be forgotten. Nothing was changed."
        )
    else:
        _say(f"{'This person is' if one else f'These {erasure.people:,} people are'} forgotten.")
    print_table([{name: getattr(erasure, name) for name in
                  ("songplays", "users", "time", "heard_songs", "staged_plays", "rejects", "texts_withheld")}])  # fmt: skip
    if erasure.files:
        _say(f"{len(erasure.files):,} files have plays of theirs, and still do: --json names them.")
    _say("What is read of them from now on, from any file, is counted as forgotten and not kept.")


def print_advice(report: Report) -> None:
    """Say on stderr what needs attention, and what to do about it."""

    def say(text: str) -> None:
        print(printable(text), file=sys.stderr)

    for remark in report.remarks:
        say(remark)
    if report.staged.reasons:
        kinds = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.staged.reasons.items()))
        say(f"{report.books.rejected:,} lines were set aside: {kinds}.")
        say(
            "See them with `sparkify rejects list` and `sparkify rejects show`; mend the files and load again,"
        )
        say("or, when it was not the files' fault, `sparkify rejects retry` after the cause is gone.")
    for name, what in islice(report.faults.items(), MOST_FAULTS):
        say(f"{name} {what}.")
    if (more := len(report.faults) - MOST_FAULTS) > 0:
        say(f"And {more:,} more files of which no line passes: `sparkify rejects list` names them.")
    for name, why in report.staged.unread.items():
        say(f"{name} was not read: {why}. The next run tries again.")
    if report.staged.left_to_others:
        say(
            f"{report.staged.left_to_others:,} files are being loaded by another run; what changed since, by the next."
        )
    for run_id in report.held_runs:
        say(
            f"Run {run_id} is held: more rejects than allowed. Mend its files and load again; or `sparkify runs release {run_id}`"
        )
        say(f"publishes it as it is, and `sparkify runs drop {run_id}` throws it away.")
    for run_id, reason in report.failed_runs.items():
        say(failure(run_id, reason))


def print_status(state: dict[str, Any]) -> None:
    """Print what the warehouse holds."""
    rows = state["rows"]
    print_table(
        [{name: rows[name] for name in ("songplays", "users", "songs", "artists", "time", "matched")}]
    )
    if state["first_play"]:
        _say(f"Plays from {state['first_play']:%Y-%m-%d %H:%M} to {state['last_play']:%Y-%m-%d %H:%M} UTC.")
    if state["files"]:
        print()
        rare = ("forgotten", "dismissed")
        print_table(
            state["files"], hide=[name for name in rare if not any(row[name] for row in state["files"])]
        )
    if state["runs"]:
        print()
        print_table(state["runs"], hide=("reason",))
        print_failed(state["runs"])


def print_failed(runs: Sequence[dict[str, Any]]) -> None:
    """Say why runs failed, and what to do: too much for a cell of their table."""
    for run in runs:
        if run["reason"]:
            # The terminal may break it: a line break of ours would stand in the commands that people copy.
            print(f"\n{printable(failure(run['run_id'], run['reason']))}")


def print_listening(found: dict[str, Any]) -> None:
    """Print what users listen to, on one screen."""
    from sparkify.analytics.shares import percent  # noqa: PLC0415  a load asks no questions

    totals, active, state = found["totals"], found["active"], found["quality"]
    chosen = [found["level"], found["location"] and printable(found["location"])]
    only = "".join(f", {name}" for name in chosen if name)
    if not totals["plays"]:
        _say(f"No plays{only}." if state["plays"] else "No plays yet. Load some: sparkify etl DATA")
        if not state["plays"] and (runs := _unpublished(state["failed_runs"], state["held_runs"])):
            _say(f"{runs}: see `sparkify runs list`.")
        return
    _say(f"{found['since']} to {found['until']}, UTC{only}")
    sessions = "" if totals["sessions"] is None else f" in {totals['sessions']:,} sessions"
    _say(
        f"{totals['plays']:,} plays{sessions}, {totals['seconds'] / 3600:,.0f} hours;"
        f" {totals['listeners']:,} listeners, {totals['new_listeners']:,} of them new"
    )
    by_level = ", ".join(f"{printable(row['level'])[:20]} {row['plays']:,}" for row in found["levels"][:3])
    _say(f"Active on the last day {active[1]:,}, in 7 days {active[7]:,}, in 30 days {active[30]:,}.")
    _say(f"Plays {by_level}")
    plays = [row["plays"] for row in found["trend"]]
    _say(f"\nPlays by {found['period']}, at most {max(plays):,}:\n{_bars(plays[-Console().width :])}\n")
    print_table(found["songs"], hide=("song_id",))
    share = percent(state["matched"], state["plays"])
    _say(
        f"\n{state['matched']:,} of {state['plays']:,} plays{f' ({share})' if share else ''} match a song of the catalogue;\n"
        f"{state['rejected']:,} of {state['lines']:,} lines were set aside."
    )
    if state["loaded_at"]:
        failed = (
            f", failed: {state['failed_runs']} (see `sparkify runs list`)" if state["failed_runs"] else ""
        )
        _say(
            f"Last loaded {state['loaded_at']:%Y-%m-%d %H:%M} UTC; runs held back: {state['held_runs']}{failed}."
        )


def _unpublished(failed: int, held: int) -> str:
    """How many runs failed and are held; empty where there are none."""
    runs = "run" if (failed or held) == 1 else "runs"
    are = "is" if held == 1 else "are"
    if failed and held:
        return f"{failed:,} {runs} failed and {held:,} {are} held"
    return f"{failed:,} {runs} failed" if failed else f"{held:,} {runs} {are} held" if held else ""


def _say(text: str) -> None:
    """Print a sentence, broken between words where the terminal is narrow."""
    Console().print(Text(text), highlight=False)


def _bars(values: Sequence[int]) -> str:
    """A small bar for each value."""
    blocks, most = "▁▂▃▄▅▆▇█", max(values)
    steps = blocks if encodable(blocks) == blocks else ".:-=+*#@"
    return "".join(steps[min(value * len(steps) // most, len(steps) - 1)] for value in values)


def print_evidence(rows: Sequence[dict[str, Any]]) -> None:
    """Print rejected lines one by one with their text."""
    for row in rows:
        text = row["record"].decode("utf-8", "backslashreplace")
        more = "" if len(text) <= LONGEST_CELL else f" … ({row['record_bytes']:,} bytes)"
        print(printable(f"{row['path']}:{row['line']}: {row['reason']}: {row['detail']}"))
        print(f"    {printable(text[:LONGEST_CELL].strip())}{more}")


def print_retried(done: "Retried") -> None:
    """Print what was tried again, what passed, what remains; on stderr what was not tried and why."""
    books = done.passed
    _say(
        f"{done.tried:,} rejected lines tried again: {books.lines:,} passed, {done.tried - books.lines:,} remain."
    )
    became = [
        f"{getattr(books, name):,} {name.replace('_', ' ')}"
        for name in type(books).__slots__
        if name != "lines" and getattr(books, name)
    ]
    if became:
        _say(f"Of those that passed: {', '.join(became)}.")
    if done.remaining:
        _say(
            f"What remains: {', '.join(f'{count:,} {reason}' for reason, count in sorted(done.remaining.items()))}."
        )
    for count, why in (
        (done.changed, "their files have changed since, or cannot be read: `sparkify etl` reads those"),
        (done.read_again, "their files must be read as a whole: the next `sparkify etl` does"),
        (done.incomplete, "they are kept in part only, and their files are gone"),
        (done.other_runs, "they belong to a run that is held, failed or at work (`sparkify runs list`)"),
    ):
        if count:
            print(f"{count:,} were not tried: {why}.", file=sys.stderr)


def print_dismissed(done: "Dismissed") -> None:
    """Print what was dismissed; on stderr what was not and why, and the way back."""
    if not done.lines and not done.other_runs:
        print("No rejected lines match.", file=sys.stderr)
        return
    kinds = ", ".join(f"{count:,} {reason}" for reason, count in done.reasons.items())
    _say(
        f"{done.lines:,} rejected lines of {done.files:,} files are dismissed{': ' if kinds else ''}{kinds}."
    )
    if done.lines:
        print("To have them back, touch their files and load.", file=sys.stderr)
    if done.other_runs:
        print(
            f"{done.other_runs:,} were not dismissed: they belong to a run that is held, failed or at work (`sparkify runs list`).",
            file=sys.stderr,
        )


def print_findings(findings: "Sequence[Finding]") -> None:
    """Print what each check came to, and for those that failed examples and what to do."""
    print_table(
        [
            {
                "check": finding.name,
                "found": finding.found or "ok",
                "holds": finding.holds,
            }
            for finding in findings
        ]
    )
    for finding in findings:
        if not finding.found:
            continue
        print(f"\n{finding.name}: {finding.found:,} found; must hold: {finding.holds}")
        for example in finding.examples:
            shown = ", ".join(f"{name} {'-' if value is None else value}" for name, value in example.items())
            print(f"    {printable(shown[:LONGEST_CELL])}".replace("\n", "\\n"))
        if finding.found > len(finding.examples):
            print(f"    and {finding.found - len(finding.examples):,} more")
        print(f"What to do: {finding.advice}")


@contextmanager
def progress() -> Iterator[Progress]:
    """A live bar on a terminal, nothing elsewhere; on stderr, so that data stays clean."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Progress()
        return
    from sparkify.commands.bar import live_bar  # noqa: PLC0415  only where there is a bar to show

    with live_bar(console) as bar:
        yield _LiveProgress(bar)


class _LiveProgress(Progress):
    """Files, rows and rows per second, as they are staged."""

    def __init__(self, bar: "Bar") -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("plan", total=None, lines=0, rate=0.0)
        self._started = time.monotonic()
        self._lines = 0

    def planned(self, files: int) -> None:
        super().planned(files)
        self._started = time.monotonic()
        self._bar.update(self._task, description="files", total=files)

    def staged(self, batch: Staged) -> None:
        super().staged(batch)
        self._lines += batch.books.lines
        rate = self._lines / max(time.monotonic() - self._started, 0.001)
        self._bar.update(self._task, advance=batch.files, lines=self._lines, rate=rate)

    def publishing(self, step: str) -> None:
        self._bar.update(self._task, description=f"publish {step}")
