"""``sparkify activity``: what users do beside listening: pages, sessions, feedback; who pays, who leaves."""

from typing import Any, Final, NamedTuple

from sparkify.commands.arguments import (
    DONE,
    Options,
    add_command,
    add_days_and_level,
    add_dsn,
    add_json_or_csv,
    chosen_selection,
    positive,
)
from sparkify.commands.output import print_answer, print_sentence
from sparkify.commands.report import print_rows
from sparkify.errors import UsageError

_WHICH_DAYS: Final = "Days and weeks are UTC."


class _Question(NamedTuple):
    """A function of `sparkify.analytics`, the options that it takes, and what the help says of it."""

    function: str
    text: str
    options: tuple[str, ...] = ()


QUESTIONS: Final = {
    "pages": _Question("pages", "views, users and errors by page"),
    "days": _Question("page_days", "the same by day, page and level"),
    "errors": _Question("errors", "by day and page; users are all who saw the page"),
    "feedback": _Question("feedback", "thumbs, playlists and friends by day, also for each hour heard"),
    "songs": _Question("feedback_songs", "those after which it was given", ("limit",)),
    "adverts": _Question("adverts", "on the free level"),
    "sessions": _Question("sessions", "by day"),
    "ends": _Question("session_ends", "first and last pages", ("limit",)),
    "upgrades": _Question("upgrades", "the way from free to paid, by week"),
    "churn": _Question("churn", "cancellations and downgrades by week"),
    "quiet": _Question("quiet", "who does nothing on the last days", ("days",)),
    "cohorts": _Question("cohorts", "who has neither cancelled nor gone quiet, by first week", ("days",)),
    "before": _Question("before", "the weeks before people leave"),
}


def add(commands: Any) -> None:
    """Declare the command."""
    activity = add_command(
        commands, "activity", _activity, "show what users do beside listening; who pays, and who leaves"
    )
    texts = "; ".join(f"{name}: {question.text}" for name, question in QUESTIONS.items())
    activity.epilog = (
        f"{texts}. {_WHICH_DAYS} upgrades and cohorts take no --level, quiet no --since or --until."
        " Users who first came in the last N days of the data cannot be quiet yet."
    )
    activity.add_argument("what", choices=QUESTIONS, help="what to show")
    add_days_and_level(activity)
    activity.add_argument(
        "--days", type=positive, metavar="N",
        help="quiet, cohorts: doing nothing on the last N days of the data is being quiet; N from 1 to 3650"
        " (default: 14)",
    )  # fmt: skip
    activity.add_argument(
        "--limit", type=positive, metavar="N", help="songs, ends: rows to show (default: 10)"
    )
    add_dsn(activity)
    add_json_or_csv(activity)


def _activity(options: Options) -> int:
    rows = _ask(options)
    print_answer(options, rows, rows, lambda: _print(options, rows))
    return DONE


def _print(options: Options, rows: list[dict[str, Any]]) -> None:
    print_rows(options, rows, hide=["track_id"])
    if rows:  # else the note says it
        print_sentence(f"\n{_WHICH_DAYS}")


def _ask(options: Options) -> list[dict[str, Any]]:
    from sparkify import analytics

    question = QUESTIONS[options.what]
    given = {name: getattr(options, name) for name in ("days", "limit")}
    more = {name: value for name, value in given.items() if value is not None}
    for name in more:
        if name not in question.options:
            raise UsageError(f"activity {options.what} takes no --{name}; see sparkify activity --help")
    rows: list[dict[str, Any]] = getattr(analytics, question.function)(
        chosen_selection(options), dsn=options.dsn, **more
    )
    return rows
