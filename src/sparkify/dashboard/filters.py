"""The filters: which plays a view counts. They apply to every page and are part of its address."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import streamlit as st

from sparkify import analytics
from sparkify.analytics import Selection
from sparkify.analytics.names import LONGEST_NAME, shown
from sparkify.analytics.questions import fitting_period
from sparkify.analytics.selection import PERIODS
from sparkify.dashboard import source, tables
from sparkify.simulate import sample

ALL_LEVELS: Final = "all"
AUTOMATIC: Final = "auto"


@dataclass(frozen=True, slots=True)
class View:
    """What the user has chosen to see: the plays, the period of trends, the state of the data.

    The days, also the `first` and the `last` one that the page can show, are those of the selection's zone.
    On a page that shows page views, that is UTC, and the selection has no place.
    """

    selection: Selection
    since: date
    until: date
    period: str
    first: date
    last: date
    state: dict[str, Any]
    dsn: str | None

    def last_days(self, days: int) -> Selection:
        """The `days` days that end with the last day of the view, even if it begins later."""
        return replace(self.selection, until=self.until).last_days(days)

    def asking(self) -> AbstractContextManager[source.Ask]:
        """A function by which a page asks questions; answers are cached."""
        return source.asking(_version(self.state), self.dsn)

    def ask_now(self, question: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """The answer to a question of `sparkify.analytics`, uncached: for downloads.

        It is about the days that the page shows, also if others were loaded since.
        """
        shown = [self._of_shown_days(given) if isinstance(given, Selection) else given for given in arguments]
        return source.ask_now(question, *shown, dsn=self.dsn, **more)

    def _of_shown_days(self, selection: Selection) -> Selection:
        if selection.zone != self.selection.zone:  # its days are others
            return selection
        since, until = selection.since or self.since, selection.until or self.until
        return replace(selection, since=since, until=until)


def days_with_events(state: dict[str, Any], dsn: str | None) -> Selection:
    """The UTC days from the first to the last with plays or page views."""
    days: Selection = source.ask(_version(state), analytics.event_days, dsn=dsn)
    return days


def choose(
    state: dict[str, Any],
    dsn: str | None,
    with_events: Selection,
    *,
    with_page_views: bool,
    of_all_days: bool,
) -> View | None:
    """Show the filters and return the chosen view; None, after saying why, if there is nothing to show.

    The page shows days with plays; `with_page_views`, all days `with_events`. A page `of_all_days` has
    something to show even if the chosen ones have nothing.
    """

    def ask(question: Callable[..., Any], *arguments: Any) -> Any:
        return source.ask(_version(state), question, *arguments, dsn=dsn)

    with st.sidebar:
        since, until = _days(with_events)
        dates = st.empty()  # they depend on the time zone
        level = _level()
        place = _place(ask(analytics.locations))
        period = st.selectbox(
            "Trends by", [AUTOMATIC, *PERIODS], key="by", bind="query-params", filter_mode=None
        )
        zone = st.selectbox(
            "Time zone", ask(analytics.time_zones), key="tz", bind="query-params", filter_mode="contains"
        )
        known: Selection = with_events if with_page_views else ask(analytics.days, Selection(zone=zone))
        what = "plays or page views" if with_page_views else "plays"
        if not known.is_empty():
            dates.caption(f"There are {what} from {known.since} to {known.until}.")
    selection = Selection(since, until, level)
    if not with_page_views:
        selection = replace(selection, location=place, zone=zone)
    nothing = _why_nothing(selection, known, what)
    if nothing:
        st.warning(nothing)
        if not of_all_days:
            return None
        known = with_events
    return _view(selection, known, str(period), state, dsn)


def _view(
    selection: Selection, known: Selection, period: str, state: dict[str, Any], dsn: str | None
) -> View:
    first, last = known.since, known.until
    assert first
    assert last
    days = selection.within(first, last)
    assert days.since
    assert days.until
    period = fitting_period(days.since, days.until) if period == AUTOMATIC else period
    return View(selection, days.since, days.until, period, first, last, state, dsn)


def _why_nothing(selection: Selection, known: Selection, what: str) -> str | None:
    """Why a selection has nothing to show, if so; `known` are the days that have `what` a page shows."""
    if selection.is_empty():
        return "The first day is after the last. Choose other days."
    if known.is_empty():
        return f"There are no {what} yet, only page views: see Activity."
    assert known.since
    assert known.until
    if selection.within(known.since, known.until).is_empty():
        return f"There are no {what} on these days, only from {known.since} to {known.until}."
    return None


def _level() -> str | None:
    """The chosen level; None for all."""
    chosen: str = st.segmented_control(
        "Level", [ALL_LEVELS, "free", "paid"], default=ALL_LEVELS, required=True, key="level",
        bind="query-params",
    )  # fmt: skip
    return None if chosen == ALL_LEVELS else chosen


def _place(places: list[str]) -> str | None:
    """The chosen place. The browser gets all of them, so very long ones are left out."""
    logged = st.query_params.get("place", "")
    if logged not in places and shown(logged) in places:
        # An address may have the log's own spelling, which is none of the options.
        del st.query_params["place"]
        st.session_state["place"] = shown(logged)
    chosen: str | None = st.selectbox(
        "Place", [place for place in places if len(place) <= LONGEST_NAME], index=None,
        placeholder="all places", key="place", bind="query-params", filter_mode="contains",
    )  # fmt: skip
    return chosen


def _days(with_events: Selection) -> tuple[date | None, date | None]:
    """The chosen first and last day, within whole years: a saved address still works when the data has grown
    or shrunk."""
    assert with_events.since
    assert with_events.until
    a_day = timedelta(1)  # between UTC and any time zone
    bounds = {
        "min_value": date((with_events.since - a_day).year, 1, 1),
        "max_value": date((with_events.until + a_day).year, 12, 31),
        "format": "YYYY-MM-DD",
    }
    since = st.date_input("First day", None, key="since", bind="query-params", **bounds)
    until = st.date_input("Last day", None, key="until", bind="query-params", **bounds)
    return since, until


def say(view: View) -> None:
    """Say which plays are shown, in which time zone, when they were loaded, and whether they are made up.

    If the chosen days have nothing, that has been said.
    """
    if view.since > view.until:
        return
    made_up = "a made-up sample · " if sample.is_in(view.dsn) else ""
    level = f"{view.selection.level} plays" if view.selection.level else "plays on all levels"
    place = view.selection.location or "all places"
    loaded: datetime = view.state["loaded_at"]
    zone = view.selection.zone
    tables.line(
        f"{made_up}{view.since} to {view.until} · {level} · {place} · days and hours are {zone}"
        f" · loaded {loaded.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _version(state: dict[str, Any]) -> str:
    """Identifies the state of the data: it changes whenever the data, or the runs held or failed, do."""
    return repr(state)
