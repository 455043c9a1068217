"""``sparkify listener``: one user's plays, on one screen."""

from datetime import date
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_dsn,
    add_json_or_csv,
    add_limit,
    add_selection,
    chosen_selection,
    user_id,
)
from sparkify.commands.output import by_level, counted, hours, note, print_answer, print_sentence, printable
from sparkify.commands.report import print_trend, trend_rows
from sparkify.errors import SparkifyError


def add(commands: Any) -> None:
    """Declare the command."""
    listener = add_command(commands, "listener", _listener, "show one user's plays, on one screen")
    listener.epilog = (
        "Name, gender and level are those of the user's latest play. The trend, which --csv prints, is by"
        " day; for more than 62 days by week, for more than 62 weeks by month. It counts only chosen days."
    )
    listener.add_argument("user", type=user_id, metavar="USER_ID", help="the user, as `top users` names it")
    add_selection(listener)
    add_limit(listener, 5)
    add_dsn(listener)
    add_json_or_csv(listener)


def _listener(options: Options) -> int:
    from sparkify import analytics

    chosen = chosen_selection(options)
    found = analytics.listener(options.user, selection=chosen, dsn=options.dsn, limit=options.limit)
    if found is None:
        raise SparkifyError(f"There is no user {options.user}. See the most active ones: sparkify top users")
    print_answer(options, found, trend_rows(found), lambda: _print(found))
    return DONE


def _print(found: dict[str, Any]) -> None:
    from sparkify.commands.tables import print_table

    about = [f"user {found['user_id']}", found["gender"], f"now {found['level']}"]
    who = f"{printable(found['name'])} ({', '.join(printable(word) for word in about if word)})".lstrip()
    print_sentence(
        f"{who}; plays from {found['first_day']} to {found['last_day']}, {found['selection']['zone']}"
    )
    if chosen := _chosen(**found["selection"]):
        print_sentence(f"Chosen: {chosen}")
    if not found["plays"]:
        note("No plays match what you chose.")
        return
    levels = by_level(found["levels"])
    print_sentence(f"{counted(found['plays'], 'play')}, {hours(found['seconds'])}; by level: {levels}")
    print_trend(found["period"], found["trend"])
    print_table(found["songs"], hide=("song_id", "track_id"))


def _chosen(since: date | None, until: date | None, level: str | None, location: str | None, **_: Any) -> str:
    """The days, level and place of a selection; empty if it has none."""
    days = f"{since} to {until}" if since and until else f"from {since}" if since else f"until {until}"
    words = [days if since or until else "", level or "", printable(location) if location else ""]
    return ", ".join(filter(None, words))
