"""The charts. Each has a text for screen readers and shows days as the answers have them, whatever the
browser's time zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from sparkify.analytics import shares
from sparkify.dashboard import tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.states import STATES
from sparkify.database.reading import Row

WEEKDAYS: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_HEIGHT: Final = 260
_MOST_LABELS: Final = 14
_WIDTHS: Final = {
    name: pd.Timedelta(days=0.86 * days) for name, days in (("day", 1), ("week", 7), ("month", 28))
}
_FREQUENCIES: Final = {"day": "D", "week": "W", "month": "M"}
"""The periods by their names in pandas, whose weeks begin on Mondays, too."""

_LABELS: Final = {
    "plays": "plays", "listeners": "listeners", "new_listeners": "new", "returning_listeners": "returning",
}  # fmt: skip
_DRAG: Final = alt.selection_interval(
    name="days", encodings=["x"], zoom=False, mark=alt.BrushConfig(fill="#808080", fillOpacity=0.3),
    # Only by mouse: on a phone the page must scroll where the chart is.
    on="[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!",
)  # fmt: skip


def trend(view: View, rows: Sequence[Row], series: Sequence[str], title: str) -> None:
    """Draw one or more numbers by day, week or month as stacked bars. Dragging over them chooses days."""
    if not rows:
        tables.line(f"{title}: none.")
        _offer_all_days(view)
        return
    most = max(rows, key=lambda row: row[series[0]])
    key = f"{title}, {view.since} to {view.until}"  # other days, another chart: without the selection
    _draw(
        _bars(view, rows, series),
        f"{title}: {len(rows)} bars from {rows[0]['start']} to {rows[-1]['start']};"
        f" most {_LABELS[series[0]]}, {most[series[0]]:,}, at {most['start']}.",
        key=key, on_select=partial(_choose_dragged, key, [row["start"] for row in rows], view),
    )  # fmt: skip
    if not _offer_all_days(view):
        st.html('<p class="sp-line sp-end sp-mouse">Drag over bars to see only their days.</p>')
    tables.numbers(title, rows, {"start": view.period} | {name: _LABELS[name] for name in series})


def _offer_all_days(view: View) -> bool:
    """Show a button that chooses all days; false if they are chosen."""
    if not (view.selection.since or view.selection.until):
        return False
    st.button("Show all days", on_click=_choose_days, type="tertiary", icon=":material/undo:")
    return True


def say_cut(view: View, rows: Sequence[Row]) -> None:
    """Say so if the bars of a trend, which show whole weeks and months, count days that are not chosen."""
    if rows and (
        view.since > max(rows[0]["start"], view.first)
        or view.until < min(_last_day(rows[-1]["start"], view.period), view.last)
    ):
        tables.line(
            f"Bars show whole {view.period}s: the first or the last may include days that you did not choose."
        )


def _bars(view: View, rows: Sequence[Row], series: Sequence[str]) -> alt.Chart:
    period, periods, bars = view.period, _periods(view), _stacked(rows, series, view.period)
    encoding: dict[str, Any] = {}
    if len(series) > 1:
        names = [_LABELS[name] for name in series]
        encoding["color"] = alt.Color(
            "what:N", scale=alt.Scale(domain=names), legend=alt.Legend(title=None, orient="top")
        )
    axis = alt.Axis(title=None, grid=False, **_ticks(periods, period))
    # Also days without plays, but not the moment after them: its label would be that of the next day.
    span = [_moment(periods[0].start_time), _moment(periods[-1].end_time)]
    return (
        alt.Chart(bars, height=_HEIGHT)
        .mark_rect()
        .encode(
            # Without a time zone in the scale, a browser in America would show each day as the one before.
            x=alt.X("start:T", scale=alt.Scale(type="utc", domain=span), axis=axis),
            x2="end:T",
            y=alt.Y("bottom:Q", axis=alt.Axis(title=None, **_counts(bars["top"].max()))),
            y2="top:Q",
            tooltip=[
                alt.Tooltip("when:N", title=f"{period} of" if period != "day" else "day"),
                alt.Tooltip("what:N", title="what"),
                alt.Tooltip("count:Q", title="count", format=","),
            ],
            **encoding,
        )
        .add_params(_DRAG)
    )


def _choose_dragged(key: str, starts: Sequence[date], view: View) -> None:
    """Choose the days of the bars that the user has dragged over."""
    dragged = st.session_state[key].selection.get("days", {}).get("start")
    if not dragged:
        return
    left, right = (datetime.fromtimestamp(at / 1000, UTC) for at in dragged)
    bars = [
        (start, _last_day(start, view.period))
        for start in starts
        if (at := pd.Timestamp(start, tz="UTC")) <= right and at + _WIDTHS[view.period] >= left
    ]
    if bars:
        _choose_days(max(bars[0][0], view.since), min(bars[-1][1], view.until))


def _choose_days(since: date | None = None, until: date | None = None) -> None:
    st.session_state["since"], st.session_state["until"] = since, until


def _last_day(start: date, period: str) -> date:
    last: date = pd.Period(start, _FREQUENCIES[period]).end_time.date()
    return last


def _periods(view: View) -> pd.PeriodIndex:
    """The days, weeks or months of a view, also those that it cuts."""
    return pd.period_range(view.since, view.until, freq=_FREQUENCIES[view.period])


def _moment(at: pd.Timestamp) -> alt.DateTime:
    """A moment, to the second."""
    return alt.DateTime(
        year=at.year, month=at.month, date=at.day, hours=at.hour, minutes=at.minute, seconds=at.second,
        utc=True,
    )  # fmt: skip


def _counts(most: int) -> dict[str, Any]:
    """How an axis or a legend shows counts: in full unless they are long, as in 0.5M."""
    return {"format": ",d" if most < 100_000 else "~s", "tickMinStep": 1}


def _stacked(rows: Sequence[Row], series: Sequence[str], period: str) -> pd.DataFrame:
    """One row per bar, with where it begins and ends on both axes."""
    bars = []
    for row in rows:
        start, height = pd.Timestamp(row["start"], tz="UTC"), 0
        for name in series:
            bars.append(
                {
                    "start": start, "end": start + _WIDTHS[period], "when": row["start"].isoformat(),
                    "what": _LABELS[name], "count": row[name], "bottom": height, "top": height + row[name],
                }
            )  # fmt: skip
            height += row[name]
    return pd.DataFrame(bars)


def _ticks(periods: pd.PeriodIndex, period: str) -> dict[str, Any]:
    """Labels for bars: Vega would label hours of few days, Sundays of weeks, and days of few months."""
    if period != "week" and len(periods) > _MOST_LABELS:
        return {}
    in_one_year = periods[0].start_time.year == periods[-1].start_time.year
    return {
        "values": [_moment(one.start_time) for one in periods[:: -(-len(periods) // _MOST_LABELS)]],
        "format": "%b %Y" if period == "month" else "%b %d" if in_one_year else "%b %d, %Y",
    }


def hours(rows: Sequence[Row], clocks: str) -> None:
    """Draw plays by weekday and hour; `clocks` says by whose."""
    if not rows:
        tables.line("Plays by weekday and hour: none.")
        return
    plays = {(row["weekday"], row["hour"]): row["plays"] for row in rows}
    (day, hour), most = max(plays.items(), key=lambda item: item[1])
    frame = pd.DataFrame(
        [
            {"weekday": WEEKDAYS[day], "hour": hour, "plays": plays.get((day, hour), 0)}
            for day in range(7) for hour in range(24)
        ]
    )  # fmt: skip
    chart = (
        alt.Chart(frame, height=_HEIGHT)
        .mark_rect(cornerRadius=2, stroke=_ground(), strokeWidth=1.5)
        .encode(
            x=alt.X("hour:O", axis=alt.Axis(title=f"hour, {clocks}", labelAngle=0, labelOverlap=True)),
            y=alt.Y("weekday:O", sort=WEEKDAYS, axis=alt.Axis(title=None)),
            color=alt.Color("plays:Q", legend=alt.Legend(title="plays", **_counts(most))),
            tooltip=["weekday:N", "hour:O", alt.Tooltip("plays:Q", format=",")],
        )
    )
    _draw(
        chart,
        f"Heat map of plays by weekday and hour, {clocks}: most, {most:,}, on {WEEKDAYS[day]} at {hour}:00.",
    )
    tables.numbers(
        f"Plays by hour, {clocks}, and weekday",
        [
            {"hour": str(hour)} | {name: plays.get((day, hour), 0) for day, name in enumerate(WEEKDAYS)}
            for hour in range(24)
        ],
        {"hour": "hour"} | {name: name for name in WEEKDAYS},
    )


def cohorts(rows: Sequence[Row]) -> None:
    """Draw, by month of first play, the percentage of listeners who listened again in each later month."""
    first = {row["cohort"]: row["listeners"] for row in rows if row["months_later"] == 0}
    frame = pd.DataFrame(
        [
            {
                "cohort": f"{row['cohort']:%Y-%m}", "later": row["months_later"],
                "listeners": row["listeners"],
                "share": row["listeners"] / first[row["cohort"]],
                "percent": shares.label(row["listeners"], first[row["cohort"]]),
            }
            for row in rows if row["cohort"] in first
        ]
    )  # fmt: skip
    if frame.empty:
        tables.line("Listeners by month of first play: none.")
        return
    base = alt.Chart(frame, height=34 * frame["cohort"].nunique() + 90).encode(
        x=alt.X("later:O", axis=alt.Axis(title="months after the first play", labelAngle=0, orient="top")),
        y=alt.Y("cohort:O", axis=alt.Axis(title=None)),
        tooltip=[alt.Tooltip("cohort:N", title="first play in"), alt.Tooltip("later:O", title="months later"),
                 alt.Tooltip("listeners:Q", format=","), alt.Tooltip("percent:N", title="share")],
    )  # fmt: skip
    cells = base.mark_rect(cornerRadius=2, stroke=_ground(), strokeWidth=1.5).encode(
        color=alt.Color("share:Q", scale=alt.Scale(domain=[0, 1]), legend=None)
    )
    # On a phone, many months leave no room for the text of a cell; the tooltip has it.
    text = alt.condition("bandwidth('x') > 32", "percent:N", alt.value(""))
    label = base.mark_text().encode(text=text, color=_ink("datum.share"))
    _draw(cells + label, f"Retention by month of first play: {len(first)} cohorts.")
    tables.numbers(
        "Listeners by month of first play", rows,
        {"cohort": "first play in", "months_later": "months later", "listeners": "listeners"},
    )  # fmt: skip


def tiles(plays: dict[str, int]) -> None:
    """Draw plays by US state, each a tile at about its place on the map."""
    if not plays:
        tables.line("Plays by state: none.")
        return
    frame = pd.DataFrame(
        [
            {"state": state, "name": name, "column": column, "row": row, "plays": plays.get(state, 0)}
            for state, (name, column, row) in STATES.items()
        ]
    )  # fmt: skip
    most = max(plays.values())
    base = alt.Chart(frame, height=370).encode(
        x=alt.X("column:O", axis=None),
        y=alt.Y("row:O", axis=None),
        tooltip=[alt.Tooltip("name:N", title="state"), alt.Tooltip("plays:Q", format=",")],
    )
    cells = base.mark_rect(cornerRadius=3, stroke=_ground(), strokeWidth=2).encode(
        color=alt.Color(
            "plays:Q", scale=alt.Scale(domain=[0, most]), legend=alt.Legend(title="plays", **_counts(most))
        )
    )
    label = base.mark_text(fontSize=11).encode(text="state:N", color=_ink(f"datum.plays / {most}"))
    named = ", ".join(
        f"{STATES[state][0]} {count:,}"
        for state, count in sorted(plays.items(), key=lambda item: -item[1])[:3]
    )
    _draw(cells + label, f"Map of the United States, one tile per state, by plays; most: {named}.")
    tables.numbers(
        "Plays by state",
        [
            {"state": STATES[state][0], "plays": count}
            for state, count in sorted(plays.items(), key=lambda item: -item[1])
        ],
        {"state": "state", "plays": "plays"},
    )


def _is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


def _ground() -> str:
    return "#10161D" if _is_dark() else "#FFFFFF"


def _ink(share: str) -> Any:
    """Dark text on light colours, light text on dark ones; the colour shows the `share` of the most."""
    much, little, turn = ("#10161D", "#E8EDF2", 0.55) if _is_dark() else ("#FFFFFF", "#1B2733", 0.65)
    return alt.condition(f"{share} > {turn}", alt.value(much), alt.value(little))


def _draw(chart: Any, text: str, **more: Any) -> None:
    st.altair_chart(chart, width="stretch", alt=text, **more)
