"""``sparkify top``, ``sparkify report`` and ``sparkify status``."""

from typing import TYPE_CHECKING, Any, Final

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    print_csv,
    print_json,
    with_dsn,
    with_form,
    with_json,
    with_limit,
    with_selection,
)

if TYPE_CHECKING:
    from sparkify.analytics import Selection

TOPS: Final = ("songs", "artists", "users", "locations", "devices")


def add(commands: Any) -> None:
    """Declare them."""
    status = add_command(commands, "status", _status, "say what the warehouse holds")
    with_dsn(status)
    with_json(status)

    top = add_command(commands, "top", _top, "what users are listening to")
    top.add_argument("what", choices=TOPS)
    top.epilog = "Most plays first. Ties: songs and artists by listeners, then by name; users by id; locations and devices by name."
    report = add_command(commands, "report", _report, "what users listen to, on one screen")
    report.epilog = (
        "Covers the days you choose, from the first to the last that has plays. Users active in 7 and 30 days are counted"
        " back from that last day, even before --since."
    )
    for command, limit in ((top, 10), (report, 5)):
        with_selection(command)
        with_limit(command, limit)
        with_dsn(command)
        with_form(command)


def _status(options: Options) -> int:
    from sparkify import analytics  # noqa: PLC0415
    from sparkify.commands import terminal  # noqa: PLC0415

    state = analytics.status(dsn=options.dsn)
    if options.json:
        print_json(state)
    else:
        terminal.print_status(state)
    return DONE


def _selection(options: Options) -> "Selection":
    from sparkify.analytics import Selection  # noqa: PLC0415

    return Selection(options.since, options.until, options.level, options.location)


def _top(options: Options) -> int:
    from sparkify import analytics  # noqa: PLC0415
    from sparkify.commands import tables  # noqa: PLC0415

    rows = analytics.top(options.what, _selection(options), dsn=options.dsn, limit=options.limit)
    if options.json:
        print_json(rows)
    elif options.csv:
        print_csv(rows)
    else:
        tables.print_table(rows, hide=("song_id", "artist_id"))
    return DONE


def _report(options: Options) -> int:
    from sparkify import analytics  # noqa: PLC0415
    from sparkify.commands import terminal  # noqa: PLC0415

    found = analytics.report(_selection(options), dsn=options.dsn, limit=options.limit)
    if options.json:
        print_json(found)
    elif options.csv:
        print_csv(found["trend"])
    else:
        terminal.print_listening(found)
    return DONE
