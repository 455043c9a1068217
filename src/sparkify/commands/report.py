"""``sparkify report``: what users listen to, on one screen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from sparkify.commands.output import (
    by_level,
    counted,
    encodable,
    hours,
    note,
    print_answer,
    print_sentence,
    printable,
)

if TYPE_CHECKING:
    from sparkify.database.reading import Rows


def add(commands: Any) -> None:
    """Declare the command."""
    report = add_command(commands, "report", _report, "show what users listen to, on one screen")
    report.epilog = (
        "The report covers the days you choose, from the first to the last that has plays. Users active in 7"
        " and 30 days are counted back from that last day, even to days before --since. The trend, which"
        " --csv prints, is by day; for more than 62 days by week, for more than 62 weeks by month. Weeks and"
        " months count as a whole, also where some of their days are not chosen."
    )
    add_selection(report)
    add_limit(report, 5)
    add_dsn(report)
    add_json_or_csv(report)


def _report(options: Options) -> int:
    from sparkify import analytics

    found = analytics.report(chosen_selection(options), dsn=options.dsn, limit=options.limit)
    print_answer(options, found, trend_rows(found), lambda: print_report(found))
    return DONE


def print_report(found: dict[str, Any]) -> None:
    """Print an `analytics.report` on one screen."""
    if not found["totals"]["plays"]:
        _say_why_empty(found["quality"], found["location"])
        return
    _print_totals(found)
    _print_songs(found)
    _print_quality(found["quality"])


def print_rows(options: Options, rows: Sequence[dict[str, Any]], hide: Sequence[str] = ()) -> None:
    """Print the rows of an answer as a table without the columns in `hide`, or say why there are none."""
    from sparkify import analytics
    from sparkify.commands.tables import print_table

    if rows:
        print_table(rows, hide)
    else:
        _say_why_empty(analytics.quality(dsn=options.dsn), getattr(options, "location", None))


def _say_why_empty(state: dict[str, Any], location: str | None) -> None:
    if state["plays"]:
        days = f"There are plays from {state['first']} to {state['last']}, UTC."
        places = "" if location is None else " The places: sparkify top locations"
        note(f"Nothing to show. {days}{places}")
        return
    print_sentence("No plays yet. Load some: sparkify etl DATA")
    if runs := _unpublished(len(state["failed_runs"]), len(state["held_runs"])):
        print_sentence(f"{runs}: see `sparkify runs list`.")


def _unpublished(failed: int, held: int) -> str:
    """A phrase that says how many runs failed or are held; empty if there are none."""
    runs = "run" if (failed or held) == 1 else "runs"
    are = "is" if held == 1 else "are"
    if failed and held:
        return f"{failed:,} {runs} failed and {held:,} {are} held"
    return f"{failed:,} {runs} failed" if failed else f"{held:,} {runs} {are} held" if held else ""


def _print_totals(found: dict[str, Any]) -> None:
    totals, active = found["totals"], found["active"]
    chosen = [found["level"], found["location"] and printable(found["location"])]
    which = ", ".join([found["zone"], *(name for name in chosen if name)])
    print_sentence(f"{found['since']} to {found['until']}, {which}")
    sessions = "" if totals["sessions"] is None else f" in {counted(totals['sessions'], 'session')}"
    print_sentence(
        f"{counted(totals['plays'], 'play')}{sessions}, {hours(totals['seconds'])};"
        f" {counted(totals['listeners'], 'listener')}, {totals['new_listeners']:,} of them new"
    )
    print_sentence(
        f"Active users: {active[1]:,} on the last day, {active[7]:,} in 7 days, {active[30]:,} in 30 days"
    )
    print_sentence(f"Plays by level: {by_level(found['levels'])}")
    print_trend(found["period"], found["trend"], whole=True)


def trend_rows(found: dict[str, Any]) -> "Rows":
    """The rows of a trend with its period, which the number of days decides."""
    from sparkify.database.reading import Rows

    trend: Rows = found["trend"]
    return Rows(({"period": found["period"], **row} for row in trend), ["period", *trend.columns])


def print_trend(period: str, rows: Sequence[dict[str, Any]], *, whole: bool = False) -> None:
    """Print the plays of a trend as a row of bars, the latest as far as they fit; a blank has no plays.

    `whole` tells that weeks and months have all their days, also those outside the selection.
    """
    from rich.console import Console

    from sparkify.analytics.selection import next_start

    plays = {row["start"]: row["plays"] for row in rows}
    starts, last = [min(plays)], max(plays)
    while starts[-1] < last:
        starts.append(next_start(period, starts[-1]))
    shown = [plays.get(start, 0) for start in starts[-Console().width :]]
    of = f"whole {period}" if whole and period != "day" else period
    which = f", the last {len(shown):,} of {len(starts):,}" if len(shown) < len(starts) else ""
    print_sentence(f"\nPlays by {of}{which}, at most {max(shown):,}:\n{_bars(shown)}\n")


def _print_songs(found: dict[str, Any]) -> None:
    from sparkify.commands.tables import print_table

    print_table(found["songs"], hide=("song_id", "track_id"))


def _print_quality(state: dict[str, Any]) -> None:
    from sparkify.analytics.shares import percent

    share = percent(state["matched"], state["plays"])
    print_sentence(
        f"\n{state['matched']:,} of all {state['plays']:,} plays{f' ({share})' if share else ''}"
        " match a song in the catalogue;\n"
        f"{state['rejected']:,} of {state['lines']:,} lines were set aside."
    )
    held, failed = len(state["held_runs"]), len(state["failed_runs"])
    failures = f", failed: {failed:,}\n(see `sparkify runs list`)" if failed else ""
    print_sentence(f"Last loaded {state['loaded_at']:%Y-%m-%d %H:%M} UTC; runs held: {held:,}{failures}.")


def _bars(values: Sequence[int]) -> str:
    """Draw a small bar for each value, and a blank for none."""
    blocks, most = "▁▂▃▄▅▆▇█", max(values)
    steps = blocks if encodable(blocks) == blocks else ".:-=+*#@"
    return "".join(
        steps[min(value * len(steps) // most, len(steps) - 1)] if value else " " for value in values
    )
