"""``sparkify check``: examine the warehouse."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sparkify.commands.arguments import DONE, FAILED, Options, add_command, add_dsn, add_json
from sparkify.commands.output import print_json, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparkify.operations.check import Finding


def add(commands: Any) -> None:
    """Declare the command."""
    check = add_command(
        commands, "check", _check, "examine the warehouse: books, keys, plays, levels, rollups"
    )
    add_dsn(check)
    add_json(check)


def _check(options: Options) -> int:
    from sparkify.operations.check import check

    findings = check(options.dsn)
    damaged = any(finding.found for finding in findings)
    if options.json:
        status = "damaged" if damaged else "sound"
        print_json({"status": status, "checks": [asdict(finding) for finding in findings]})
    else:
        _print_findings(findings)
    return FAILED if damaged else DONE


def _print_findings(findings: "Sequence[Finding]") -> None:
    """Print the result of each check; for those that failed, examples and what to do."""
    from sparkify.commands.tables import LONGEST_CELL, print_table

    print_table(
        [
            {"check": finding.name, "found": finding.found or "ok", "holds": finding.holds}
            for finding in findings
        ]
    )
    for finding in findings:
        if not finding.found:
            continue
        print(f"\n{finding.name}: {finding.found:,} found; must hold: {finding.holds}")
        for example in finding.examples:
            shown = ", ".join(f"{name} {'-' if value is None else value}" for name, value in example.items())
            print(f"    {printable(shown[:LONGEST_CELL])}")
        if finding.found > len(finding.examples):
            print(f"    and {finding.found - len(finding.examples):,} more")
        print(f"What to do: {finding.advice}")
