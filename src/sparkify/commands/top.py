"""``sparkify top``: the most played songs, artists, users, locations, devices."""

from typing import Any, Final

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_dsn,
    add_json_or_csv,
    add_limit,
    add_selection,
    chosen_selection,
)
from sparkify.commands.output import note, print_answer
from sparkify.commands.report import print_rows

TOPS: Final = ("songs", "artists", "users", "locations", "devices")
CHANGES: Final = ("rising", "falling")


def add(commands: Any) -> None:
    """Declare the command."""
    top = add_command(
        commands, "top", _top,
        "rank songs, artists, users, locations or devices by plays, or songs by what they gain or lose",
    )  # fmt: skip
    top.epilog = (
        "rising and falling: songs that gained or lost the most plays from --since on, compared with as many"
        " days before; unmatched: songs that the catalogue lacks. Ties: songs and artists by listeners, then"
        " by name; users by id; locations and devices by name."
    )
    top.add_argument("what", choices=(*TOPS, *CHANGES, "unmatched"), help="what to rank")
    add_selection(top)
    add_limit(top, 10)
    add_dsn(top)
    add_json_or_csv(top)


def _top(options: Options) -> int:
    from sparkify import analytics

    chosen = chosen_selection(options)
    more: dict[str, Any] = {"dsn": options.dsn, "limit": options.limit}
    if options.what in CHANGES:
        rows = analytics.rising(chosen, falling=options.what == "falling", **more)
    elif options.what == "unmatched":
        rows = analytics.unmatched(chosen, **more)
    else:
        rows = analytics.top(options.what, chosen, **more)
    hidden = ["song_id", "artist_id", "track_id"]
    print_answer(options, rows, rows, lambda: print_rows(options, rows, hidden))
    if options.what in CHANGES:
        _say_what_is_before(options)
    return DONE


def _say_what_is_before(options: Options) -> None:
    """Say so if the days to compare with begin before the plays do: then all songs seem to rise."""
    from sparkify import analytics

    chosen = chosen_selection(options)
    now = analytics.days(chosen, dsn=options.dsn)
    first = analytics.days(analytics.Selection(zone=chosen.zone), dsn=options.dsn).since
    before = now.days_before()
    assert first
    assert before.since
    if before.since < first and not now.is_empty():
        note(
            f"Compared with {before.since} to {before.until}, but the plays begin on {first}: earlier days"
            " count as days without plays."
        )
