"""``sparkify check``: the warehouse examines itself."""

from dataclasses import asdict
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    FAILED,
    Options,
    add_command,
    print_json,
    with_dsn,
    with_json,
)


def add(commands: Any) -> None:
    """Declare it."""
    command = add_command(commands, "check", _check, "examine the warehouse: books, keys, plays, levels")
    with_dsn(command)
    with_json(command)


def _check(options: Options) -> int:
    from sparkify.commands import terminal  # noqa: PLC0415
    from sparkify.operations.check import check  # noqa: PLC0415

    findings = check(options.dsn)
    damaged = any(finding.found for finding in findings)
    if options.json:
        status = "damaged" if damaged else "sound"
        print_json({"status": status, "checks": [asdict(finding) for finding in findings]})
    else:
        terminal.print_findings(findings)
    return FAILED if damaged else DONE
