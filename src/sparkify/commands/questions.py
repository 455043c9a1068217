"""``sparkify top`` and ``sparkify status``."""

from typing import Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    day,
    day_after,
    print_json,
    with_dsn,
    with_json,
    with_limit,
)


def add(commands: Any) -> None:
    """Declare them."""
    status = add_command(commands, "status", _status, "say what the warehouse holds")
    with_dsn(status)
    with_json(status)

    top = add_command(commands, "top", _top, "what are users listening to?")
    top.add_argument("what", choices=["songs", "artists"])
    top.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="the first day, UTC")
    top.add_argument("--until", type=day_after, metavar="YYYY-MM-DD", help="the last day, UTC")
    top.add_argument("--level", choices=["free", "paid"], help="only plays on this plan")
    with_limit(top, 10)
    with_dsn(top)
    with_json(top)


def _status(options: Options) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    state = answers.status(dsn=options.dsn)
    if options.json:
        print_json(state)
    else:
        terminal.print_status(state)
    return DONE


def _top(options: Options) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    rows = answers.top(
        options.what, dsn=options.dsn, since=options.since, until=options.until, level=options.level,
        limit=options.limit,
    )  # fmt: skip
    if options.json:
        print_json(rows)
    else:
        terminal.print_table(rows, hide=("song_id", "artist_id"))
    return DONE
