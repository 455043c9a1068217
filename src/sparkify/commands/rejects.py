"""``sparkify rejects``: the lines that were set aside."""

import sys
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_group,
    print_json,
    with_dsn,
    with_json,
    with_limit,
)


def add(commands: Any) -> None:
    """Declare them."""
    actions = add_group(commands, "rejects", "show the lines that were set aside, and why")
    for name, command, text in (
        ("list", _list, "count them by file and reason"),
        ("show", _show, "show them with their text"),
    ):
        action = add_command(actions, name, command, text)
        action.add_argument("--file", metavar="PATH", help="only of this file; the end of its path will do")
        action.add_argument("--reason", help="only with this reason")
        with_limit(action, 20)
        with_dsn(action)
        with_json(action)


def _list(options: Options) -> int:
    return _rejects(options, evidence=False)


def _show(options: Options) -> int:
    return _rejects(options, evidence=True)


def _rejects(options: Options, *, evidence: bool) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    rows = answers.rejects(
        dsn=options.dsn, evidence=evidence, path=options.file, reason=options.reason, limit=options.limit
    )
    if options.json:
        print_json(rows)
    elif not rows:
        print("No rejected lines.", file=sys.stderr)
    elif evidence:
        terminal.print_evidence(rows)
    else:
        terminal.print_table(rows)
    return DONE
