"""``sparkify activity``: what users do beside listening: pages, sessions, feedback; who pays, who leaves."""

from typing import Any, Final

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_days_and_level,
    add_dsn,
    add_json_or_csv,
    add_limit,
    chosen_selection,
    positive,
)
from sparkify.commands.output import print_csv, print_json

QUESTIONS: Final = (
    "pages", "days", "errors", "feedback", "songs", "adverts", "sessions", "ends", "upgrades", "churn",
    "quiet", "cohorts", "before",
)  # fmt: skip


def add(commands: Any) -> None:
    """Declare the command."""
    activity = add_command(
        commands, "activity", _activity, "show what users do beside listening; who pays, and who leaves"
    )
    activity.epilog = (
        "pages: views, users and errors by page; days: the same by day, page and level; errors: by day and"
        " page; feedback: thumbs, playlists and friends by day, also for each hour heard; songs: those after"
        " which it was given; adverts: on the free level; sessions: by day; ends: first and last pages;"
        " upgrades: the way from free to paid, by week; churn: cancellations and downgrades by week; quiet:"
        " who does nothing on the last days; cohorts: who is left, by first week; before: the weeks before"
        " people leave. Days and weeks are UTC."
    )
    activity.add_argument("what", choices=QUESTIONS, help="what to show")
    add_days_and_level(activity)
    activity.add_argument(
        "--days", type=positive, metavar="N",
        help="quiet, cohorts: doing nothing on the last N days of the data is being quiet; N from 1 to 3650"
        " (default: 14)",
    )  # fmt: skip
    add_limit(activity, 10, " of songs and ends")
    add_dsn(activity)
    add_json_or_csv(activity)


def _activity(options: Options) -> int:
    from sparkify.commands.tables import print_table

    rows = _ask(options)
    if options.json:
        print_json(rows)
    elif options.csv:
        print_csv(rows)
    else:
        print_table(rows, hide=("track_id",))
    return DONE


def _ask(options: Options) -> list[dict[str, Any]]:
    from sparkify import analytics

    chosen, dsn = chosen_selection(options), options.dsn
    days = analytics.QUIET_DAYS if options.days is None else options.days
    match options.what:
        case "songs":
            return analytics.feedback_songs(chosen, dsn=dsn, limit=options.limit)
        case "ends":
            return analytics.session_ends(chosen, dsn=dsn, limit=options.limit)
        case "quiet":
            return analytics.quiet(chosen, dsn=dsn, days=days)
        case "cohorts":
            return analytics.cohorts(chosen, dsn=dsn, days=days)
    simple = {
        "pages": analytics.pages, "days": analytics.page_days, "errors": analytics.errors,
        "feedback": analytics.feedback, "adverts": analytics.adverts, "sessions": analytics.sessions,
        "upgrades": analytics.upgrades, "churn": analytics.churn, "before": analytics.before,
    }  # fmt: skip
    return simple[options.what](chosen, dsn=dsn)
