"""Tables and text as HTML of our own: read aloud well, fit a phone, and show text from the data as it is, markup or not."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from html import escape
from typing import Any, Final

import streamlit as st

Row = dict[str, Any]

LONGEST: Final = 200
"""So many characters of a text are shown; the download has all."""

WIDE: Final = 6
"""A table of so many columns is wider than a phone: there each row becomes lines, a name and a value each."""

_STYLE: Final = """<style>
.sp-line { opacity: .8; margin: 0; overflow-wrap: anywhere; }
.sp-end { font-size: .8rem; }
.sp-scroll { overflow-x: auto; }
.sp-table { border-collapse: collapse; width: 100%; font-size: .92rem; }
.sp-table caption { text-align: left; font-weight: 600; font-size: 1.05rem; padding: 0 0 .35rem; caption-side: top; color: inherit; }
.sp-table th, .sp-table td { border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent);
  padding: .34rem .6rem .34rem 0; text-align: left; vertical-align: top; overflow-wrap: break-word; max-width: 22rem; }
.sp-table th { font-weight: 500; opacity: .8; white-space: nowrap; }
.sp-table .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 0; }
.sp-table .d { white-space: nowrap; }
.sp-table th + th, .sp-table td + td { padding-left: .8rem; }
.sp-bar { display: block; height: 3px; margin-top: 3px; margin-left: auto; background: #3182B8; border-radius: 2px; }
.sp-line summary { cursor: pointer; }
details .sp-table { margin-top: .5rem; }
:focus-visible { outline: 2px solid #3182B8; outline-offset: 2px; }
[data-testid="stMainBlockContainer"] { padding-top: 3.2rem; padding-bottom: 3rem; }
@media (max-width: 640px) { .sp-table { font-size: .85rem; } [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  .sp-wide, .sp-wide caption, .sp-wide tbody, .sp-wide tr { display: block; }
  .sp-wide thead { position: absolute; clip-path: inset(50%); }
  .sp-wide tr { padding: .34rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
  .sp-wide td, .sp-wide td + td { display: flex; justify-content: space-between; max-width: none; border: 0; padding: .1rem 0; }
  .sp-wide td::before { content: attr(data-name); opacity: .8; } }
</style>"""


def style() -> None:
    """What the tables look like; once a page."""
    st.html(_STYLE)


def line(text: str) -> None:
    """A line of text as it is."""
    st.html(f'<p class="sp-line">{escape(text)}</p>')


def end(text: str) -> None:
    """The last line of a page."""
    st.html(f'<p class="sp-line sp-end">{escape(text)}</p>')


def show(caption: str, rows: Sequence[Row], columns: dict[str, str], *, bar: str | None = None) -> None:
    """Rows as a table: of `columns`, by their names in the rows, with their headings; `bar` draws the share of the largest."""
    if rows:
        st.html(_table(caption, rows, columns, bar, wide=len(columns) >= WIDE))
    else:
        line(f"{caption}: none.")


def numbers(caption: str, rows: Sequence[Row], columns: dict[str, str]) -> None:
    """What a picture shows, as a table that opens when it is asked for."""
    if rows:
        st.html(
            f'<details class="sp-line"><summary>The numbers</summary>{_table(caption, rows, columns)}</details>'
        )


def download(name: str, rows: Callable[[], Sequence[Row]]) -> None:
    """A button that asks for rows and gives them as the file ``name.csv``."""
    st.download_button(
        f"Download {name}.csv", lambda: as_csv(rows()), f"{name}.csv", "text/csv", key=f"csv-{name}",
        on_click="ignore", type="tertiary", icon=":material/download:",
    )  # fmt: skip


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows as CSV with a header. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    file = io.StringIO(newline="")
    if rows:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        writer.writerows([_harmless(value) for value in row.values()] for row in rows)
    # The mark says to spreadsheets that it is UTF-8.
    return file.getvalue().encode("utf-8-sig", "backslashreplace")


def _harmless(value: Any) -> Any:
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _table(
    caption: str, rows: Sequence[Row], columns: dict[str, str], bar: str | None = None, *, wide: bool = False
) -> str:
    most = max((row[bar] or 0 for row in rows), default=0) if bar else 0
    classes = {name: _class(rows, name) for name in list(columns)[1:]}
    head = "".join(
        f'<th scope="col" role="columnheader"{classes.get(name, "")}>{escape(heading)}</th>'
        for name, heading in columns.items()
    )
    body = "".join(
        '<tr role="row">'
        + "".join(
            f'<td role="cell"{classes.get(name, "")} data-name="{escape(heading)}">{escape(written(row[name]))}'
            f"{_bar(row[name], most) if name == bar else ''}</td>"
            for name, heading in columns.items()
        )
        + "</tr>"
        for row in rows
    )
    # Shown as lines, it is a table for screen readers still: by its roles.
    return (
        f'<div class="sp-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="sp-table{" sp-wide" if wide else ""}" role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _class(rows: Sequence[Row], name: str) -> str:
    """Of numbers and of days: they are not broken."""
    for kinds, style in ((int | float, "n"), (date, "d")):
        if all(row[name] is None or isinstance(row[name], kinds) for row in rows):
            return f' class="{style}"'
    return ""


def _bar(value: Any, most: int) -> str:
    return (
        f'<span class="sp-bar" style="width:{max(2, round(100 * value / most))}%"></span>'
        if value and most > 0
        else ""
    )


def written(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
