"""The plays that a question is about."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import NoneType
from typing import Any, Final

from sparkify.errors import UsageError

UTC: Final = "UTC"

PERIODS: Final = ("day", "week", "month")
"""The periods that a trend may have."""

_EARLIEST: Final = date(1, 1, 1)
_LATEST: Final = date(9998, 12, 30)  # leaves room to add a year: Python's dates end with 9999

_NO_DAY: Final = date(2001, 1, 1)
"""Where a selection without a day begins and ends: a Monday and the first of a month, because a week or month
that begins before it would be taken for one that the selection touches."""


_REFUSED: Final[dict[str, dict[str, str]]] = {
    "upgrades": {"level": "A way from free to paid is on both levels: leave out the level."},
    "cohorts": {"level": "A cohort has users of all levels: leave out the level."},
    "quiet": dict.fromkeys(
        ("since", "until"), "Quiet users are found from the last days of the data: leave out the days."
    ),
    "level_changes": {"location": "Changes of level are counted at all places: leave out the place."},
    "retention": {
        "level": "Retention counts plays on all levels: leave out the level.",
        "location": "Retention counts plays at all places: leave out the place.",
    },
}
"""The parts of a selection that a question does not know, where others do, and what to say then."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Days from `since` to `until` inclusive, a level, a place (as shown or logged). None means all.

    Days begin and end at midnight in `zone`, a time zone of the IANA database like ``America/New_York``.
    There is no day if the first is after the last.

    Raises:
        UsageError: a day is not a `datetime.date` (a datetime or a string is refused), or another part is not
            a string.
    """

    since: date | None = None
    until: date | None = None
    level: str | None = None
    location: str | None = None
    zone: str = UTC

    def __post_init__(self) -> None:
        for day in (self.since, self.until):
            if type(day) not in {date, NoneType}:
                raise UsageError(
                    f"The days of a selection must be of type datetime.date, not {day!r}."
                    " Take date.fromisoformat(text), or the .date() of a datetime."
                )
        for name, part in (("level", self.level), ("location", self.location)):
            if part is not None and not isinstance(part, str):
                raise UsageError(f"The {name} of a selection is text, or None for all, not {part!r}.")
        if not isinstance(self.zone, str):
            raise UsageError(f"The time zone of a selection must have a name, like {UTC}, not {self.zone!r}.")

    def within(self, first: date, last: date) -> "Selection":
        """The same selection, limited to the days from `first` to `last`, which have all plays."""
        since = max(self.since or first, first)
        return replace(self, since=since, until=max(min(self.until or last, last), since - timedelta(1)))

    def widened(self, first: date, last: date) -> "Selection":
        """The same plays, in whole months if possible; all plays are from `first` to `last`."""
        found = self.within(first, last)
        since = first.replace(day=1) if found.since == first else found.since
        until = next_month(last) - timedelta(1) if found.until == last else found.until
        return replace(self, since=since, until=until)

    def of_no_day(self) -> "Selection":
        """The same selection without any day, for a warehouse without plays."""
        return replace(self, since=_NO_DAY, until=_NO_DAY - timedelta(1))

    def is_empty(self) -> bool:
        """Whether the selection has no day."""
        return self.since is not None and self.until is not None and self.since > self.until

    def last_days(self, days: int) -> "Selection":
        """The `days` days that end with the last day of the selection, even if it begins later."""
        assert self.until
        return replace(self, since=self.until - timedelta(days - 1))

    def days_before(self) -> "Selection":
        """As many days right before those of the selection, which has a first and a last day."""
        assert self.since
        assert self.until
        days = self.until - self.since + timedelta(1)
        return replace(self, since=self.since - days, until=self.until - days)

    def is_whole_months(self) -> bool:
        """Whether the selection consists of whole UTC months."""
        if self.zone != UTC:
            return False
        days = self.parameters()
        return bool(days["first"] == days["months"] < days["months_end"] == days["end"])

    def parameters(self) -> dict[str, Any]:
        """Parameters for the queries, of UTC days: the days from `first` until before `end`, the whole months
        among them, and the months that it cuts (two at most)."""
        first = min(self.since or _EARLIEST, _LATEST)
        end = (min(self.until, _LATEST) if self.until else _LATEST) + timedelta(1)
        if first >= end:
            first = end = _NO_DAY
        months = first if first.day == 1 else next_month(first)
        months_end = end.replace(day=1)
        if months >= months_end:
            months = months_end = end
        outer = {day.replace(day=1) for day in (first, end - timedelta(1)) if first < end}
        return {
            "first": first, "end": end, "months": months, "months_end": months_end,
            "cut_months": [month for month in sorted(outer) if not months <= month < months_end],
            "level": self.level,
        }  # fmt: skip


def next_month(day: date) -> date:
    """The first day of the month after that of a day."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def next_start(period: str, start: date) -> date:
    """When the day, week or month after one that begins on `start` begins."""
    return next_month(start) if period == "month" else start + timedelta(7 if period == "week" else 1)


def known_parts(question: str, selection: Selection) -> Selection:
    """The parts of a selection that a question of this name knows."""
    nothing = Selection()
    return replace(selection, **{part: getattr(nothing, part) for part in _REFUSED.get(question, ())})


def refuse_parts(question: str, selection: Selection) -> None:
    """Raise `UsageError` if a selection has a part that the question does not know.

    Ignored, it would pass for a filter.
    """
    known = known_parts(question, selection)
    for part, why in _REFUSED[question].items():
        if getattr(selection, part) != getattr(known, part):
            raise UsageError(why)


def refuse_unknown(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise `UsageError` if a name of some kind is not among those that are known."""
    names = list(known)
    if name not in names:
        raise UsageError(f"There is no {kind} {name!r}: choose {', '.join(names[:-1])} or {names[-1]}.")
