"""``sparkify runs``: what was loaded when, and runs that are held or failed."""

import sys
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_group,
    positive,
    print_json,
    with_dsn,
    with_json,
    with_limit,
)


def add(commands: Any) -> None:
    """Declare them."""
    actions = add_group(commands, "runs", "list the runs; release or drop one that is held or failed")
    runs = add_command(actions, "list", _list, "list the last runs, the newest first")
    with_limit(runs, 20)
    with_dsn(runs)
    with_json(runs)
    for name, command, text in (
        (
            "release",
            _release,
            "publish what a held or failed run has staged, with as many rejects as there are",
        ),
        (
            "drop",
            _drop,
            "throw away what a held, failed or dead run has staged; the next load reads those files again",
        ),
    ):
        action = add_command(actions, name, command, text)
        action.add_argument("run", type=positive, metavar="RUN", help="the number of the run")
        with_dsn(action)


def _list(options: Options) -> int:
    from sparkify.analytics import runs  # noqa: PLC0415
    from sparkify.commands import (  # noqa: PLC0415
        tables,
        terminal,
    )

    rows = runs(dsn=options.dsn, limit=options.limit)
    if options.json:
        print_json(rows)
    elif not rows:
        print("No runs yet.", file=sys.stderr)
    else:
        tables.print_table(rows, hide=("reason",), moments="%Y-%m-%d %H:%M")
        terminal.print_failed(rows)
    return DONE


def _release(options: Options) -> int:
    from sparkify.operations.held import release  # noqa: PLC0415

    done = release(options.run, options.dsn)
    print(
        f"Released run {options.run}: {done.files:,} files, {done.books.loaded:,} lines loaded,"
        f" {done.books.rejected:,} rejected.",
        file=sys.stderr,
    )
    return DONE


def _drop(options: Options) -> int:
    from sparkify.operations.held import drop  # noqa: PLC0415

    dropped = drop(options.run, options.dsn)
    print(
        f"Dropped run {options.run}: {dropped:,} of its files are as before; the next `sparkify etl` reads them again.",
        file=sys.stderr,
    )
    return DONE
