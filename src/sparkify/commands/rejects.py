"""``sparkify rejects``: the lines that were set aside."""

import sys
from argparse import ArgumentParser
from typing import Any

from sparkify.commands import output
from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_group,
    positive,
    print_json,
    utf8,
    with_dsn,
    with_json,
    with_limit,
)
from sparkify.errors import UsageError
from sparkify.server.home import expanded


def add(commands: Any) -> None:
    """Declare them."""
    actions = add_group(
        commands, "rejects", "show the lines that were set aside, and why; try them again or dismiss them"
    )
    for name, command, text in (
        ("list", _list, "count them by file and reason"),
        ("show", _show, "show them with their text"),
    ):
        action = add_command(actions, name, command, text)
        _with_choice(action)
        with_limit(action, 20)
        with_dsn(action)
        with_json(action)

    export = add_command(actions, "export", _export, "write them with their text, one JSON object a line")
    _with_choice(export)
    export.add_argument("--out", metavar="FILE", help="write to this file (default: stdout)")
    with_dsn(export)

    drop = add_command(actions, "drop", _drop, "dismiss rejects that nobody will mend")
    _with_choice(drop)
    drop.add_argument("--all", action="store_true", help="dismiss every reject")
    with_dsn(drop)
    with_json(drop)

    retry = add_command(actions, "retry", _retry, "judge them again, and load those that pass now")
    _with_choice(retry)
    with_dsn(retry)
    with_json(retry)


def _path(text: str) -> str:
    return expanded(utf8(text))


def _with_choice(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--file", type=_path, metavar="PATH", help="only of this file; the end of its path will do"
    )
    parser.add_argument("--reason", type=utf8, help="only with this reason")
    parser.add_argument("--run", type=positive, metavar="RUN", help="only of what this run read")


def _list(options: Options) -> int:
    return _rejects(options, evidence=False)


def _show(options: Options) -> int:
    return _rejects(options, evidence=True)


def _rejects(options: Options, *, evidence: bool) -> int:
    from sparkify import analytics  # noqa: PLC0415
    from sparkify.commands import tables, terminal  # noqa: PLC0415

    rows = analytics.rejects(
        dsn=options.dsn, evidence=evidence, path=options.file, reason=options.reason, run=options.run,
        limit=options.limit,
    )  # fmt: skip
    if options.json:
        print_json(rows)
    elif not rows:
        print("No rejected lines.", file=sys.stderr)
    elif evidence:
        terminal.print_evidence(rows)
    else:
        tables.print_table(rows)
    return DONE


def _export(options: Options) -> int:
    from sparkify.analytics.export import export_rejects  # noqa: PLC0415

    count = export_rejects(
        options.out, dsn=options.dsn, path=options.file, reason=options.reason, run=options.run
    )
    print(f"{count:,} rejected lines.", file=sys.stderr)
    return DONE


def _drop(options: Options) -> int:
    from sparkify.commands import terminal  # noqa: PLC0415
    from sparkify.operations.dismiss import dismiss  # noqa: PLC0415

    some = bool(options.file or options.reason or options.run)
    if some == options.all:
        raise UsageError("Say which rejects to dismiss: --file, --reason or --run, or --all alone.")
    done = dismiss(dsn=options.dsn, path=options.file, reason=options.reason, run=options.run)
    with output.after("The lines are dismissed."):
        if options.json:
            print_json(done.as_dict())
        else:
            terminal.print_dismissed(done)
    return DONE


def _retry(options: Options) -> int:
    from sparkify.commands import terminal  # noqa: PLC0415
    from sparkify.operations.retry import retry  # noqa: PLC0415

    done = retry(dsn=options.dsn, path=options.file, reason=options.reason, run=options.run)
    with output.after("What passed is loaded."):
        if options.json:
            print_json(done.as_dict())
        else:
            terminal.print_retried(done)
    return DONE
