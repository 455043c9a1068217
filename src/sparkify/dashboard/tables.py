"""Tables and text as plain HTML: accessible, readable on a phone, with text from the data unchanged."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from typing import Any, Final

import streamlit as st

from sparkify.database.reading import Row, column_names

Links = Mapping[str, Callable[[Row], str | None]]
"""The addresses that columns link to; the first one is that of the whole row."""

LONGEST: Final = 200
"""Characters of a text that are shown; the download has all."""

WIDE: Final = 6
"""Columns from which a table is too wide for a phone. There each row becomes lines of a name and a value."""

_STYLE: Final = """<style>
.sp-line { opacity: .8; margin: 0; overflow-wrap: anywhere; }
.sp-end { font-size: .8rem; }
.sp-scroll { overflow-x: auto; }
.sp-table { border-collapse: collapse; width: 100%; font-size: .92rem; }
.sp-table caption { text-align: left; font-weight: 600; font-size: 1.05rem; padding: 0 0 .35rem;
  caption-side: top; color: inherit; }
.sp-table th, .sp-table td { border: 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent);
  padding: .34rem .6rem .34rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere;
  max-width: 22rem; }
.sp-table th { font-weight: 500; opacity: .8; white-space: nowrap; }
.sp-table .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 0; }
.sp-table .d { white-space: nowrap; }
.sp-table th + th, .sp-table td + td { padding-left: .8rem; }
.sp-bar { display: block; height: 3px; margin-top: 3px; margin-left: auto; background: #3182B8;
  border-radius: 2px; }
.sp-warn { opacity: 1; border-left: 3px solid #E69F00; padding-left: .6rem; }
.sp-heading { font-size: 1.4rem; font-weight: 600; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
.sp-line a, .sp-table a { color: inherit; text-underline-offset: .2em;
  text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
.sp-line a:hover, .sp-table a:hover { text-decoration-color: currentColor; }
.sp-table tr:has(a) { position: relative; }
.sp-table tr:has(a):hover { background: color-mix(in srgb, currentColor 6%, transparent); }
.sp-table a.sp-row::after { content: ""; position: absolute; inset: 0; }
.sp-table a:not(.sp-row) { position: relative; z-index: 1; }
.sp-line summary { cursor: pointer; }
details .sp-table { margin-top: .5rem; }
:focus-visible { outline: 2px solid #3182B8; outline-offset: 2px; }
[data-testid="stMainBlockContainer"] { padding-top: 3.2rem; padding-bottom: 3rem; }
@media (hover: none) { .sp-mouse { display: none; } }
@media (max-width: 640px) {
  .sp-table { font-size: .85rem; }
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  .sp-wide, .sp-wide caption, .sp-wide tbody, .sp-wide tr { display: block; }
  .sp-wide thead { position: absolute; clip-path: inset(50%); width: 1px; overflow: hidden; }
  .sp-wide tr { padding: .34rem 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
  .sp-wide td, .sp-wide td + td { display: flex; justify-content: space-between; max-width: none;
    border: 0; padding: .1rem 0; }
  .sp-wide td::before { content: attr(data-name); opacity: .8; }
}
</style>"""


def style() -> None:
    """Add the style sheet; call it once per page."""
    st.html(_STYLE)


def line(text: str) -> None:
    """Show a line of text unchanged."""
    st.html(f'<p class="sp-line">{escape(text)}</p>')


def warn(text: str) -> None:
    """Show a line of text that should not be missed."""
    st.html(f'<p class="sp-line sp-warn" role="status">{escape(text)}</p>')


def heading(text: str) -> None:
    """Show a heading unchanged."""
    st.html(f'<h2 class="sp-heading">{escape(written(text))}</h2>')


def links(addresses: Mapping[str, str]) -> None:
    """Show links to `addresses` by their texts."""
    found = " · ".join(_link(address, escape(text)) for text, address in addresses.items())
    st.html(f'<p class="sp-line">{found}</p>')


def end(text: str) -> None:
    """Show the last line of a page."""
    st.html(f'<p class="sp-line sp-end">{escape(text)}</p>')


def show(
    caption: str, rows: Sequence[Row], columns: dict[str, str],
    *, bar: str | None = None, links: Links | None = None, most: int | None = None,
) -> None:  # fmt: skip
    """Show rows as a table. `columns` maps names in the rows to headings; column `bar` gets bars to scale.

    Of more rows than `most` it shows the first, and says how many there are.
    """
    if rows:
        st.html(_table(caption, rows[:most], columns, bar, links or {}, wide=len(columns) >= WIDE))
        if most and len(rows) > most:
            line(f"The first {most} of {len(rows):,}.")
    else:
        line(f"{caption}: none.")


def numbers(caption: str, rows: Sequence[Row], columns: dict[str, str]) -> None:
    """Show the numbers of a chart as a table that is closed at first."""
    if rows:
        table = _table(caption, rows, columns, None, {})
        st.html(f'<details class="sp-line"><summary>The numbers</summary>{table}</details>')


def download(name: str, rows: Callable[[], Sequence[Row]]) -> None:
    """Show a button that asks for rows and downloads them as ``name.csv``."""
    st.download_button(
        f"Download {name}.csv", lambda: as_csv(rows()), f"{name}.csv", "text/csv", key=f"csv-{name}",
        on_click="ignore", type="tertiary", icon=":material/download:",
    )  # fmt: skip


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows as CSV with a header, also if there is no row.

    Text that looks like a formula gets a leading apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    if columns := column_names(rows):
        writer.writerow(columns)
    writer.writerows([_harmless(value) for value in row.values()] for row in rows)
    # The byte order mark tells spreadsheets that this is UTF-8.
    return file.getvalue().encode("utf-8-sig", "backslashreplace")


def _harmless(value: Any) -> Any:
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _table(
    caption: str, rows: Sequence[Row], columns: dict[str, str], bar: str | None, links: Links,
    *, wide: bool = False,
) -> str:  # fmt: skip
    most = max((row[bar] or 0 for row in rows), default=0) if bar else 0
    classes = {name: _class(rows, name) for name in list(columns)[1:]}
    head = "".join(
        f'<th scope="col" role="columnheader"{classes.get(name, "")}>{escape(heading)}</th>'
        for name, heading in columns.items()
    )
    body = "".join(
        '<tr role="row">'
        + "".join(
            f'<td role="cell"{classes.get(name, "")} data-name="{escape(heading)}">'
            f"{_cell(row, name, links)}{_bar(row[name], most) if name == bar else ''}</td>"
            for name, heading in columns.items()
        )
        + "</tr>"
        for row in rows
    )
    # The roles keep it a table for screen readers even where it is shown as lines.
    return (
        f'<div class="sp-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="sp-table{" sp-wide" if wide else ""}" role="table">'
        f'<caption>{escape(caption)}</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _class(rows: Sequence[Row], name: str) -> str:
    """The class of a column of numbers or days, which must not wrap."""
    for kinds, style in ((int | float, "n"), (date, "d")):
        if all(row[name] is None or isinstance(row[name], kinds) for row in rows):
            return f' class="{style}"'
    return ""


def _cell(row: Row, name: str, links: Links) -> str:
    text = escape(written(row[name]))
    if name not in links or not (address := links[name](row)):
        return text
    return _link(address, text if text.strip() else "(blank)", "sp-row" if name == next(iter(links)) else "")


def _link(address: str, text: str, style: str = "") -> str:
    return f'<a href="{escape(address)}" class="{style}">{text}</a>'


def _bar(value: Any, most: int) -> str:
    return (
        f'<span class="sp-bar" style="width:{max(2, round(100 * value / most))}%"></span>'
        if value and most > 0
        else ""
    )


def written(value: Any) -> str:
    """A value as text for people."""
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
