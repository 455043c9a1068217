"""``sparkify runs``: list what was loaded when; release or drop a run that is held or failed."""

from collections.abc import Sequence
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_dsn,
    add_group,
    add_json,
    add_limit,
    positive,
)
from sparkify.commands.output import counted, note, note_more, print_json, printable


def add(commands: Any) -> None:
    """Declare the command and its actions."""
    actions = add_group(commands, "runs", "list the runs; release or drop one that is held or failed")
    runs = add_command(actions, "list", _list, "list the last runs, the newest first")
    add_limit(runs, 20)
    add_dsn(runs)
    add_json(runs)
    for name, run, text in (
        ("release", _release, "publish what a held or failed run has staged, whatever its rejects"),
        (
            "drop",
            _drop,
            "discard what a held, failed or dead run has staged; the next load reads these files again",
        ),
    ):
        action = add_command(actions, name, run, text)
        action.add_argument("run", type=positive, metavar="RUN", help="number of the run")
        add_dsn(action)


def _list(options: Options) -> int:
    from sparkify.analytics import runs
    from sparkify.commands.tables import print_table

    limit = options.limit
    rows = runs(dsn=options.dsn, limit=limit + 1)
    if options.json:
        print_json(rows[:limit])
    elif not rows:
        note("No runs yet.")
    else:
        print_table(rows[:limit], hide=("reason",), moments="%Y-%m-%d %H:%M")
        print_failures(rows[:limit])
    note_more(rows, limit)
    return DONE


def print_failures(runs: Sequence[dict[str, Any]]) -> None:
    """Say why runs failed and what to do. That is too long for a cell of the table."""
    from sparkify.stage.failed import failure

    for run in runs:
        if run["reason"]:
            # Do not wrap it: people would copy our line breaks with the commands.
            print(f"\n{printable(failure(run['run_id'], run['reason']))}")


def _release(options: Options) -> int:
    from sparkify.operations.runs import release

    done = release(options.run, dsn=options.dsn)
    note(
        f"Released run {options.run}: {counted(done.files, 'file')},"
        f" {counted(done.books.loaded, 'line')} loaded, {done.books.rejected:,} rejected."
    )
    return DONE


def _drop(options: Options) -> int:
    from sparkify.operations.runs import drop

    dropped = drop(options.run, dsn=options.dsn)
    note(f"Dropped run {options.run}. The next `sparkify etl` reads {counted(dropped, 'file')} of it again.")
    return DONE
