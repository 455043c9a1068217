"""``sparkify status``: what the warehouse holds."""

from typing import Any, Final

from sparkify.commands.arguments import DONE, Options, add_command, add_dsn, add_json
from sparkify.commands.output import print_json, print_sentence
from sparkify.commands.runs import print_failures

_RARE: Final = ("forgotten", "dismissed")
"""Columns of the files that are shown only when they count something."""


def add(commands: Any) -> None:
    """Declare the command."""
    status = add_command(
        commands, "status", _status, "show what the warehouse holds: rows, files, the last runs"
    )
    add_dsn(status)
    add_json(status)


def _status(options: Options) -> int:
    from sparkify import analytics

    state = analytics.status(dsn=options.dsn)
    if options.json:
        print_json(state)
    else:
        print_status(state)
    return DONE


def print_status(state: dict[str, Any]) -> None:
    """Print an `analytics.status`."""
    from sparkify.commands.tables import print_table

    rows, files, runs = state["rows"], state["files"], state["runs"]
    print_table(
        [{name: rows[name] for name in ("songplays", "users", "songs", "artists", "time", "matched")}]
    )
    if state["first_play"]:
        print_sentence(
            f"Plays from {state['first_play']:%Y-%m-%d %H:%M} to {state['last_play']:%Y-%m-%d %H:%M} UTC."
        )
    if files:
        print()
        print_table(files, hide=[name for name in _RARE if not any(row[name] for row in files)])
    if runs:
        print()
        print_table(runs, hide=("reason",))
        print_failures(runs)
