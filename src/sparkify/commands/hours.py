"""``sparkify hours``: plays by weekday and hour."""

from typing import Any, Final

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_dsn,
    add_json_or_csv,
    add_selection,
    chosen_selection,
)
from sparkify.commands.output import print_answer, print_sentence
from sparkify.commands.report import print_rows

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def add(commands: Any) -> None:
    """Declare the command."""
    hours = add_command(commands, "hours", _hours, "count plays by weekday and hour")
    hours.epilog = (
        "The clocks of a place are certain for metropolitan areas of the United States that lie in one time"
        " zone. --tz then only decides which days are chosen."
    )
    hours.add_argument(
        "--own-time", action="store_true", help="count each play by the clocks of its place, where certain"
    )
    add_selection(hours)
    add_dsn(hours)
    add_json_or_csv(hours)


def _hours(options: Options) -> int:
    from sparkify import analytics

    chosen = chosen_selection(options)
    if not options.own_time:
        found: Any = analytics.heat_map(chosen, dsn=options.dsn)
        rows, said = found, f"Weekdays and hours, {chosen.zone}."
    else:
        found = analytics.heat_map_own_time(chosen, dsn=options.dsn)
        rows, said = found["hours"], _said(found)
    print_answer(options, found, rows, lambda: _print_hours(options, rows, said))
    return DONE


def _said(found: dict[str, Any]) -> str:
    from sparkify.analytics.shares import share

    certain = share(found["plays"], found["all_plays"])
    return f"Weekdays and hours by the clocks of each place; the time zone is certain for {certain} of plays."


def _print_hours(options: Options, rows: list[dict[str, Any]], said: str) -> None:
    plays = {(row["weekday"], row["hour"]): row["plays"] for row in rows}
    by_hour = [
        {"hour": hour} | {name: plays.get((day, hour), 0) for day, name in enumerate(_WEEKDAYS)}
        for hour in range(24)
    ]
    print_rows(options, by_hour if rows else [])
    if rows:
        print_sentence(f"\n{said}")
