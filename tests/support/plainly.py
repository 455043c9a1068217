"""Answers about activity, counted plainly from the events of a log: this imports nothing of ours."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import Any

FEEDBACK = {
    "Thumbs Up": "thumbs_up", "Thumbs Down": "thumbs_down", "Add to Playlist": "playlist_adds",
    "Add Friend": "friends_added",
}  # fmt: skip
COUNTED = {
    "Roll Advert": "adverts", **FEEDBACK, "Help": "help", "Upgrade": "upgrade_views",
    "Downgrade": "downgrade_views", "Submit Upgrade": "upgrades", "Submit Downgrade": "downgrades",
    "Cancellation Confirmation": "cancellations",
}  # fmt: skip
DAY = timedelta(1)
STEPS = ("seen", "submitted", "paid", "back")
Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    ts: int
    session: int
    item: int
    user: int | None
    level: str
    page: str
    status: int
    song: tuple[str, str]
    milliseconds: int

    @cached_property
    def day(self) -> date:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.ts)).date()

    @cached_property
    def week(self) -> date:
        return self.day - timedelta(self.day.weekday())

    @property
    def is_play(self) -> bool:
        return self.page == "NextSong"

    @property
    def is_error(self) -> bool:
        return self.page == "Error" or 400 <= self.status <= 599


@dataclass(frozen=True)
class Days:
    """The days that a question is about, and the level."""

    since: date = date.min
    until: date = date.max
    level: str | None = None

    def has(self, day: date, level: str | None = None) -> bool:
        return self.since <= day <= self.until and self.level in {None, level}


def events(records: Iterable[dict[str, Any]]) -> list[Event]:
    return [
        Event(
            e["ts"], e["sessionId"], e["itemInSession"], int(e["userId"]) if e["userId"] else None,
            e["level"], e["page"], e["status"], (e["song"] or "", e["artist"] or ""),
            int((e["length"] or 0) * 1000 + 0.5),
        )
        for e in records
    ]  # fmt: skip


def _views(log: list[Event], chosen: Days) -> list[Event]:
    return [e for e in log if not e.is_play and chosen.has(e.day, e.level)]


def _by(found: Iterable[Event], key: Callable[[Event], Any]) -> dict[Any, list[Event]]:
    groups = defaultdict(list)
    for event in found:
        groups[key(event)].append(event)
    return groups


def _counted(group: list[Event]) -> Row:
    return {
        "views": len(group), "users": len({e.user for e in group} - {None}),
        "errors": sum(e.is_error for e in group),
    }  # fmt: skip


def pages(log: list[Event], chosen: Days) -> list[Row]:
    groups = _by(_views(log, chosen), lambda e: e.page)
    rows = [{"page": page, **_counted(group)} for page, group in groups.items()]
    return sorted(rows, key=lambda row: (-row["views"], row["page"]))


def page_days(log: list[Event], chosen: Days) -> list[Row]:
    groups = _by(_views(log, chosen), lambda e: (e.day, e.page, e.level))
    return [
        {"day": day, "page": page, "level": level, **_counted(groups[day, page, level])}
        for day, page, level in sorted(groups)
    ]


def errors(log: list[Event], chosen: Days) -> list[Row]:
    groups = _by(_views(log, chosen), lambda e: (e.day, e.page))
    rows = [{"day": day, "page": page, **_counted(groups[day, page])} for day, page in sorted(groups)]
    return [row for row in rows if row["errors"]]


def _per_hour(count: int, milliseconds: int) -> float | None:
    return count * 3_600_000 / milliseconds if milliseconds else None


def feedback(log: list[Event], chosen: Days) -> list[Row]:
    there = [e for e in log if chosen.has(e.day, e.level) and (e.is_play or e.page in FEEDBACK)]
    rows = []
    for (day, level), group in sorted(_by(there, lambda e: (e.day, e.level)).items()):
        heard = sum(e.milliseconds for e in group if e.is_play)
        counts = {name: sum(e.page == page for e in group) for page, name in FEEDBACK.items()}
        rates = {f"{name}_per_hour": _per_hour(count, heard) for name, count in counts.items()}
        rows.append({"day": day, "level": level, **counts, "hours": heard / 3_600_000, **rates})
    return rows


def adverts(log: list[Event], chosen: Days) -> list[Row]:
    there = [
        e for e in log
        if chosen.has(e.day, e.level) and e.level == "free" and (e.is_play or e.page == "Roll Advert")
    ]  # fmt: skip
    rows = []
    for day, group in sorted(_by(there, lambda e: e.day).items()):
        heard = sum(e.milliseconds for e in group if e.is_play)
        shown = sum(not e.is_play for e in group)
        rows.append(
            {
                "day": day, "adverts": shown, "hours": heard / 3_600_000,
                "adverts_per_hour": _per_hour(shown, heard),
            }
        )  # fmt: skip
    return rows


def feedback_songs(log: list[Event], chosen: Days) -> dict[tuple[str, str], Row]:
    """By title and artist: texts in a log may be encoded twice, and sort otherwise when repaired."""
    plays = _by([e for e in log if e.is_play], lambda e: (e.user, e.session))
    given: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for view in _views(log, chosen):
        if view.page in FEEDBACK and view.user is not None:
            earlier = [
                e for e in plays.get((view.user, view.session), []) if view.ts - 86_400_000 < e.ts <= view.ts
            ]
            if earlier:
                given[max(earlier, key=lambda e: e.ts).song][FEEDBACK[view.page]] += 1
    return {song: {name: counts[name] for name in FEEDBACK.values()} for song, counts in given.items()}


def whole_sessions(log: list[Event]) -> list[list[Event]]:
    """The sessions: events of a user in a session. What was done while logged out is with the only user who
    did something in the session on that day; or else, on each day, a session of nobody's."""
    users = {
        key: {e.user for e in group} - {None} for key, group in _by(log, lambda e: (e.session, e.day)).items()
    }

    def owner(event: Event) -> tuple[Any, ...]:
        there = users[event.session, event.day]
        user = event.user if event.user is not None or len(there) != 1 else next(iter(there))
        return (event.session, user, event.day if user is None else None)

    return [sorted(group, key=lambda e: (e.ts, e.page)) for group in _by(log, owner).values()]


def _began(log: list[Event], chosen: Days) -> list[list[Event]]:
    return [s for s in whole_sessions(log) if chosen.has(s[0].day, max(e.level for e in s))]


def _summed(group: list[list[Event]]) -> Row:
    return {
        "sessions": len(group), "without_plays": sum(not any(e.is_play for e in s) for s in group),
        "plays": sum(e.is_play for s in group for e in s),
        "views": sum(not e.is_play for s in group for e in s),
        "seconds": sum((s[-1].ts - s[0].ts + 500) // 1000 for s in group),
    }  # fmt: skip


def sessions(log: list[Event], chosen: Days) -> list[Row]:
    days = defaultdict(list)
    for session in _began(log, chosen):
        days[session[0].day].append(session)
    return [{"day": day, **_summed(days[day])} for day in sorted(days)]


def session_ends(log: list[Event], chosen: Days) -> list[Row]:
    ends = defaultdict(list)
    for session in _began(log, chosen):
        ends[session[0].page, session[-1].page].append(session)
    rows = [
        {"first_page": first, "last_page": last, **_summed(group)} for (first, last), group in ends.items()
    ]
    return sorted(rows, key=lambda row: (-row["sessions"], row["first_page"], row["last_page"]))


def _stretches(log: list[Event], user: int) -> list[Event]:
    """The plays with which a user's stretches at one level begin; a stretch ends with the day."""
    plays = sorted((e for e in log if e.is_play and e.user == user), key=lambda e: (e.ts, e.session, e.item))
    later = [b for a, b in pairwise(plays) if (a.day, a.level) != (b.day, b.level)]
    return plays[:1] + later


def upgrades(log: list[Event], chosen: Days) -> list[Row]:
    steps = [
        e for e in log if e.user is not None and e.page in {"Upgrade", "Submit Upgrade", "Submit Downgrade"}
    ]
    weeks: dict[date, list[Row]] = defaultdict(list)
    for user, found in _by(steps, lambda e: e.user).items():
        way: dict[str, int] = {}
        for event in [*sorted(found, key=lambda e: (e.ts, e.page)), None]:
            if event:
                way.setdefault(event.page, event.ts)
            if event is None or event.page == "Submit Downgrade":
                _add_way(log, user, way, chosen, weeks)
                way = {}
    return [
        {
            "week": week, "ways": len(ways),
            **{step: sum(way[step] is not None for way in ways) for step in STEPS},
            "seconds_to_submit": _median(_between(way, "seen", "submitted") for way in ways),
            "seconds_to_play": _median(_between(way, "submitted", "paid") for way in ways),
            "seconds_to_back": _median(_between(way, "submitted", "back") for way in ways),
        }
        for week, ways in sorted(weeks.items())
    ]  # fmt: skip


def _add_way(
    log: list[Event], user: int, way: dict[str, int], chosen: Days, weeks: dict[date, list[Row]]
) -> None:
    seen, submitted = way.get("Upgrade"), way.get("Submit Upgrade")
    if seen is None and submitted is None:
        return
    if seen is not None and submitted is not None and seen > submitted:
        seen = None
    began = seen if seen is not None else submitted
    assert began is not None
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=began)).date()
    paid = back = None
    if submitted is not None:
        back = way.get("Submit Downgrade")
        stretches = (e.ts for e in _stretches(log, user) if e.level == "paid" and e.ts >= submitted)
        paid = next((ts for ts in stretches if back is None or ts <= back), None)
    if chosen.since <= day <= chosen.until:
        weeks[day - timedelta(day.weekday())].append(
            {"seen": seen, "submitted": submitted, "paid": paid, "back": back}
        )


def _between(way: Row, one: str, other: str) -> float | None:
    return None if way[one] is None or way[other] is None else (way[other] - way[one]) / 1000


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def churn(log: list[Event], chosen: Days) -> list[Row]:
    pages = {"Cancellation Confirmation": "cancel", "Submit Downgrade": "downgrade"}
    there = [e for e in _views(log, chosen) if e.page in pages and e.user is not None]
    rows = []
    for week, group in sorted(_by(there, lambda e: e.week).items()):
        cancels, downgrades = ([e.user for e in group if e.page == page] for page in pages)
        rows.append(
            {
                "week": week, "cancellations": len(cancels), "cancelled": len(set(cancels)),
                "downgrades": len(downgrades), "downgraded": len(set(downgrades)),
            }
        )  # fmt: skip
    return rows


def user_weeks(log: list[Event]) -> list[Row]:
    """What each user did in each week, and what came in the four weeks after."""
    last_day = max(e.day for e in log)
    sessions_of = {(user_of(s), e.week, e.session) for s in whole_sessions(log) for e in s}
    begun = Counter((user, week) for user, week, _ in sessions_of)
    weeks = _by([e for e in log if e.user is not None], lambda e: (e.user, e.week))
    rows = []
    for (user, week), group in sorted(weeks.items()):
        views = [e for e in group if not e.is_play]
        later = [weeks.get((user, week + timedelta(7 * n)), []) for n in range(1, 5)]
        known = last_day >= week + timedelta(34)
        after = [e.page for other in later for e in other]
        cancels = "Cancellation Confirmation" in after if known else None
        goes_back = "Submit Downgrade" in after if known else None
        goes_quiet = not after if known else None
        rows.append(
            {
                "user_id": user, "week": week, "level": max((e.ts, e.level) for e in group)[1],
                "last_day": max(e.day for e in group), "plays": len(group) - len(views),
                "milliseconds": sum(e.milliseconds for e in group if e.is_play),
                "sessions": begun[user, week], "views": len(views), "errors": sum(e.is_error for e in views),
                **{name: sum(e.page == page for e in views) for page, name in COUNTED.items()},
                "cancels": cancels, "goes_back": goes_back, "goes_quiet": goes_quiet,
                "leaves": cancels or goes_quiet,
            }
        )  # fmt: skip
    return rows


def user_of(session: list[Event]) -> int | None:
    return next((e.user for e in session if e.user is not None), None)


def _last_days(log: list[Event]) -> dict[int, tuple[date, list[Row]]]:
    """The last day and the weeks of each user."""
    weeks = user_weeks(log)
    return {
        user: (max(row["last_day"] for row in rows), rows)
        for user, group in groupby(weeks, key=lambda row: row["user_id"])
        for rows in [list(group)]
    }


def quiet(log: list[Event], chosen: Days, days: int) -> list[Row]:
    end = max(e.day for e in log)
    levels = defaultdict(list)
    for last, rows in _last_days(log).values():
        levels[rows[-1]["level"]].append(last > end - timedelta(days))
    return [
        {
            "level": level, "users": len(active), "active": sum(active), "quiet": len(active) - sum(active),
            "percent_quiet": 100 * (len(active) - sum(active)) / len(active),
        }
        for level, active in sorted(levels.items()) if chosen.level in {None, level}
    ]  # fmt: skip


def cohorts(log: list[Event], chosen: Days, days: int) -> list[Row]:
    end = max(e.day for e in log)
    weeks = defaultdict(list)
    for last, rows in _last_days(log).values():
        state = "cancelled" if any(row["cancellations"] for row in rows) else "quiet"
        if state == "quiet" and last > end - timedelta(days):
            state = "active"
        weeks[rows[0]["week"]].append(state)
    return [
        {
            "week": week, "users": len(states),
            **{state: states.count(state) for state in ("cancelled", "quiet", "active")},
            "percent_active": 100 * states.count("active") / len(states),
        }
        for week, states in sorted(weeks.items()) if _touches(week, chosen)
    ]  # fmt: skip


def _touches(week: date, chosen: Days) -> bool:
    return chosen.since <= chosen.until and week + 6 * DAY >= chosen.since and week <= chosen.until


def before(log: list[Event], chosen: Days) -> list[Row]:
    rows = [
        row
        for row in user_weeks(log)
        if _touches(row["week"], chosen) and chosen.level in {None, row["level"]}
    ]
    means = ("plays", "sessions", "views", "adverts", "thumbs_up", "thumbs_down", "errors", "help")
    return [
        {
            "leaves": leaves, "weeks": len(group),
            "hours": fmean(row["milliseconds"] for row in group) / 3_600_000,
            **{name: fmean(row[name] for row in group) for name in means},
        }
        for leaves in (False, True) if (group := [row for row in rows if row["leaves"] is leaves])
    ]  # fmt: skip
