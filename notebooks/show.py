"""Small tables for the notebooks: HTML where that can be shown, plain text elsewhere."""

# ruff: noqa: INP001  the notebooks find it beside them; it is no package

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any

from sparkify.commands.output import printable

WIDEST = 80


class Table:
    """Rows to look at."""

    def __init__(self, names: list[str], rows: list[list[Any]]) -> None:
        self.names = names
        self.rows = [[_text(value) for value in row] for row in rows]
        self.numeric = [
            bool(rows) and all(isinstance(row[at], int | float | None) for row in rows)
            for at in range(len(names))
        ]

    def _repr_html_(self) -> str:
        sides = [f"text-align: {'right' if numeric else 'left'}" for numeric in self.numeric]
        head = "".join(_html("th", name, side) for name, side in zip(self.names, sides, strict=True))
        body = "\n".join(
            f"<tr>{''.join(_html('td', text, side) for text, side in zip(row, sides, strict=True))}</tr>"
            for row in self.rows
        )
        return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"

    def __repr__(self) -> str:
        lines = [self.names, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.rjust(width) if numeric else text.ljust(width)
                for text, width, numeric in zip(line, widths, self.numeric, strict=True)
            ).rstrip()
            for line in lines
        )


def table(result: Any) -> Table:
    """A table of what a query gave, or of rows that are dicts (or a dict, as two columns)."""
    if hasattr(result, "fetchall"):
        return Table([column[0] for column in result.description], [list(row) for row in result.fetchall()])
    if isinstance(result, Mapping):
        return Table(["", " "], [list(item) for item in result.items()])
    return _of_dicts(list(result))


def _of_dicts(rows: Iterable[Mapping[str, Any]]) -> Table:
    rows = list(rows)
    return Table(list(rows[0]) if rows else ["nothing"], [list(row.values()) for row in rows])


def _html(tag: str, text: str, style: str) -> str:
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'


def _text(value: Any) -> str:
    match value:
        case None:
            text = "NULL"
        case datetime():
            text = value.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " UTC")
        case bytes():
            text = value.decode("utf-8") if value.isascii() else value.hex()
        case list() | tuple():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    return printable(
        text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
    )  # plain text may stand in a terminal
