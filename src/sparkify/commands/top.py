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
from sparkify.commands.output import print_answer

TOPS: Final = ("songs", "artists", "users", "locations", "devices")


def add(commands: Any) -> None:
    """Declare the command."""
    top = add_command(commands, "top", _top, "rank songs, artists, users, locations or devices by plays")
    top.epilog = (
        "Ties: songs and artists by listeners, then by name; users by id; locations and devices by name."
    )
    top.add_argument("what", choices=TOPS, help="what to rank")
    add_selection(top)
    add_limit(top, 10)
    add_dsn(top)
    add_json_or_csv(top)


def _top(options: Options) -> int:
    from sparkify import analytics
    from sparkify.commands.tables import print_table

    rows = analytics.top(options.what, chosen_selection(options), dsn=options.dsn, limit=options.limit)
    hidden = ("song_id", "artist_id", "track_id")
    print_answer(options, rows, rows, lambda: print_table(rows, hide=hidden))
    return DONE
