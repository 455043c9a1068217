"""Activity: what users do beside listening; who pays, and who leaves."""

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics import Selection, shares
from sparkify.analytics.selection import known_parts
from sparkify.dashboard import addresses, headlines, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask
from sparkify.database.reading import Row

_MOST: Final = 12
"""The last weeks that a table shows one by one; the download has all."""

_QUESTIONS: Final = (
    analytics.pages, analytics.upgrades, analytics.cohorts, analytics.quiet, analytics.before,
    analytics.sessions, analytics.adverts, analytics.session_ends, analytics.feedback, analytics.churn,
)  # fmt: skip
"""The slowest first."""

_COUNTED: Final = (analytics.pages, analytics.sessions, analytics.adverts)
"""The questions for the numbers at the top."""

_MEAN: Final = ("Minutes of a session", "Adverts for an hour, free")
"""The numbers at the top with a digit after the point."""

_FEEDBACK: Final = {
    "thumbs_up": "thumbs up", "thumbs_down": "thumbs down", "playlist_adds": "adds to a playlist",
    "friends_added": "friends added",
}  # fmt: skip
_UNITS: Final = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
_MEANS: Final = {
    "plays": "plays", "hours": "hours heard", "sessions": "sessions", "views": "page views",
    "adverts": "adverts", "thumbs_up": "thumbs up", "thumbs_down": "thumbs down", "errors": "errors",
    "help": "visits to Help",
}  # fmt: skip


def show(view: View, ask: Ask) -> None:
    """Draw the page."""
    chosen = replace(view.selection, since=view.since, until=view.until)
    if st.session_state.get("place") is not None:
        tables.line("Page views have no place, so this page counts those of all places.")
    if st.session_state.get("tz") != analytics.UTC:
        tables.line("Days and weeks are UTC here.")
    answers = {question: ask(question, known_parts(question.__name__, chosen)) for question in _QUESTIONS}
    span = headlines.before(view)
    earlier = [ask(question, span) for question in _COUNTED] if span else []

    def answer(question: Any) -> list[Row]:
        rows: list[Row] = answers[question].result()
        return rows

    _compare(view, [answer(question) for question in _COUNTED], [rows.result() for rows in earlier])
    left, right = st.columns(2, gap="large")
    with left:
        _pages(view, chosen, answer(analytics.pages))
        _feedback(view, chosen, answer(analytics.feedback))
    with right:
        _ends(view, chosen, answer(analytics.session_ends))
        _churn(view, chosen, answer(analytics.churn))
    if any(row[name] for row in answer(analytics.feedback) for name in _FEEDBACK):
        _songs(view, chosen, ask)
    _upgrades(view, chosen, answer(analytics.upgrades))
    left, right = st.columns(2, gap="large")
    with left:
        _cohorts(view, chosen, answer(analytics.cohorts), answer(analytics.quiet))
    with right:
        _before(view, chosen, answer(analytics.before))


def _compare(view: View, now: list[list[Row]], earlier: list[list[Row]]) -> None:
    """Show the numbers at the top of the page."""
    then = _numbers(*earlier) if earlier else {}
    with st.container(horizontal=True):
        for name, number in _numbers(*now).items():
            headlines.show(name, number, then.get(name), digits=int(name in _MEAN))
    headlines.say(view)


def _numbers(pages: list[Row], sessions: list[Row], adverts: list[Row]) -> dict[str, float | None]:
    """The numbers at the top of the page; None where there is nothing to divide by."""
    count, seconds = (sum(row[name] for row in sessions) for name in ("sessions", "seconds"))
    hours, shown = (sum(row[name] for row in adverts) for name in ("hours", "adverts"))
    return {
        "Page views": sum(row["views"] for row in pages),
        "Errors": sum(row["errors"] for row in pages),
        "Sessions, with or without plays": count,
        "Sessions without plays": sum(row["without_plays"] for row in sessions),
        "Minutes of a session": seconds / 60 / count if count else None,
        "Adverts for an hour, free": shown / hours if hours else None,
    }


def _pages(view: View, chosen: Selection, rows: list[Row]) -> None:
    tables.show(
        "Pages", rows,
        {"page": "page", "views": "views", "users": "users", "errors": "errors"}, bar="views", most=20,
    )  # fmt: skip
    tables.line("Views while logged out are counted, but belong to no user.")
    tables.download("pages", lambda: view.ask_now(analytics.pages, chosen))
    tables.download("pages by day", lambda: view.ask_now(analytics.page_days, chosen))


def _feedback(view: View, chosen: Selection, rows: list[Row]) -> None:
    counts, hours = Counter[str](), 0.0
    for row in rows:
        counts.update({name: row[name] for name in _FEEDBACK})
        hours += row["hours"]
    given = [
        {"what": label, "count": counts[name], "per_hour": _rounded(counts[name] / hours if hours else None)}
        for name, label in _FEEDBACK.items() if counts[name]
    ]  # fmt: skip
    tables.show(
        "Feedback", given, {"what": "what", "count": "count", "per_hour": "for an hour heard"}, bar="count"
    )
    tables.download("feedback", lambda: view.ask_now(analytics.feedback, chosen))


def _songs(view: View, chosen: Selection, ask: Ask) -> None:
    tables.show(
        "After which song", ask(analytics.feedback_songs, chosen).result(),
        {"title": "title", "artist": "artist", **_FEEDBACK}, links=addresses.SONG,
    )  # fmt: skip
    tables.line("The last play that the user began in the session, less than a day before the feedback.")
    tables.download(
        "songs before feedback", lambda: view.ask_now(analytics.feedback_songs, chosen, limit=1000)
    )


def _ends(view: View, chosen: Selection, rows: list[Row]) -> None:
    tables.show(
        "How sessions begin and end", rows,
        {"first_page": "first page", "last_page": "last page", "sessions": "sessions"}, bar="sessions",
    )  # fmt: skip
    tables.line("NextSong is a play.")
    tables.download("first and last pages", lambda: view.ask_now(analytics.session_ends, chosen, limit=1000))
    tables.download("sessions by day", lambda: view.ask_now(analytics.sessions, chosen))


def _churn(view: View, chosen: Selection, rows: list[Row]) -> None:
    tables.show(
        "Cancellations and downgrades, by week", _recent(rows, "cancellations", "downgrades"),
        {"week": "week of", "cancellations": "cancellations", "downgrades": "downgrades"},
    )  # fmt: skip
    tables.download("cancellations and downgrades", lambda: view.ask_now(analytics.churn, chosen))


def _upgrades(view: View, chosen: Selection, rows: list[Row]) -> None:
    times = {
        "seconds_to_submit": "time to submit", "seconds_to_play": "time to play",
        "seconds_to_back": "time to go back",
    }  # fmt: skip
    tables.show(
        "From free to paid, by week",
        [
            row | {name: _in_units(row[name]) for name in times}
            for row in _recent(rows, "seen", "submitted", "paid", "back")
        ],
        {"week": "week of", "seen": "saw Upgrade", "submitted": "submitted", "paid": "played, paid",
         "back": "went back"} | times,
    )  # fmt: skip
    tables.line(
        "Times are medians of one week. A week has the ways that began in it. The chosen level does not"
        " matter here."
    )
    tables.download("upgrades", lambda: view.ask_now(analytics.upgrades, known_parts("upgrades", chosen)))


def _recent(rows: list[Row], *counts: str) -> list[Row]:
    """The last weeks, and above them one row with the `counts` of all weeks before, added up."""
    earlier, recent = rows[:-_MOST], rows[-_MOST:]
    if not earlier:
        return recent
    sums = {name: sum(row[name] for row in earlier) for name in counts}
    return [dict.fromkeys(rows[0]) | {"week": f"before {recent[0]['week']}"} | sums, *recent]


def _in_units(seconds: float | None) -> str | None:
    """A time in the unit that fits: it may be seconds in one week, and months in the next."""
    if seconds is None:
        return None
    unit = next((unit for unit, length in _UNITS.items() if seconds >= length), "seconds")
    return f"{seconds / _UNITS[unit]:,.1f} {unit}"


def _cohorts(view: View, chosen: Selection, rows: list[Row], quiet: list[Row]) -> None:
    tables.show(
        "Who is left, by week of first event",
        [
            row | {"share": shares.label(row["active"], row["users"])}
            for row in _recent(rows, "users", "cancelled", "quiet", "active")
        ],
        {"week": "week of", "users": "users", "cancelled": "cancelled", "quiet": "quiet", "share": "left"},
    )  # fmt: skip
    users, silent = (sum(row[name] for row in quiet) for name in ("users", "quiet"))
    whose = f" whose last level is {chosen.level}" if chosen.level else ""
    tables.line(
        f"The chosen level does not matter in this table. Of all {users:,} users{whose}, {silent:,} have gone"
        f" quiet: they did nothing on the last {analytics.QUIET_DAYS} days of the data."
    )
    tables.download("cohorts", lambda: view.ask_now(analytics.cohorts, known_parts("cohorts", chosen)))


def _before(view: View, chosen: Selection, rows: list[Row]) -> None:
    caption = "A user's week, before leaving and otherwise"
    if not rows:
        tables.line(
            f"{caption}: none. Only four weeks after a week does the data tell whether the user left."
        )
        return
    weeks = {row["leaves"]: row for row in rows}
    compared = [
        {
            "what": label,
            "leaving": _rounded(weeks[True][name] if True in weeks else None),
            "staying": _rounded(weeks[False][name] if False in weeks else None),
        }
        for name, label in _MEANS.items()
    ]
    tables.show(caption, compared, {"what": "mean of", "leaving": "before leaving", "staying": "other weeks"})
    leaving, staying = (weeks[leaves]["weeks"] if leaves in weeks else 0 for leaves in (True, False))
    tables.line(
        f"Weeks before leaving: {leaving:,}. Other weeks: {staying:,}. Leaving is to cancel, or to do nothing"
        " for four weeks. Weeks for which the data ends too early to tell are left out."
    )
    tables.download("weeks before leaving", lambda: view.ask_now(analytics.before, chosen))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
