"""Tables that fit the terminal: numbers are never cut, paths lose their beginning, other texts their end."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from sparkify.commands.output import encodable, printable

LONGEST_CELL: Final = 200
SHORTEST_TEXT: Final = 8
"""Text columns are not made narrower. A table that is still too wide is printed as lines."""

_PATHS: Final = frozenset({"path"})
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: list[str]
    is_text: list[bool]
    is_path: bool

    @property
    def all_numbers(self) -> bool:
        return not any(self.is_text)

    @property
    def widest(self) -> int:
        return max(map(cell_len, [self.heading, *self.cells]))

    @property
    def least(self) -> int:
        """The width below which a number would be cut or a text become unreadable."""
        cells = zip(map(cell_len, self.cells), self.is_text, strict=True)
        return max(cell_len(self.heading), *(min(n, SHORTEST_TEXT) if text else n for n, text in cells))

    def cut(self, width: int) -> list[str]:
        """The cells, with texts shortened to this width."""
        short = shorten_paths(self.cells, width) if self.is_path else [shorten(c, width) for c in self.cells]
        return [s if text else c for s, c, text in zip(short, self.cells, self.is_text, strict=True)]


def print_table(
    rows: Sequence[dict[str, Any]], hide: Sequence[str] = (), *, moments: str = "%Y-%m-%d %H:%M:%S"
) -> None:
    """Print rows as a table, or as lines of a name and a value each where the terminal is too narrow.

    Columns in `hide` are left out; `moments` is the `strftime` format of times.
    """
    if not rows:
        print("Nothing to show.", file=sys.stderr)
        return
    console = Console(highlight=False)
    columns = [_column(name, [row[name] for row in rows], moments) for name in rows[0] if name not in hide]
    if sum(column.least for column in columns) + _GAP * (len(columns) - 1) > console.width:
        print("\n\n".join(_lines(columns, console.width)))
        return
    head, *body = _table(columns, console.width)
    console.print(Text(head, style="bold"), soft_wrap=True)
    print("\n".join(body))


def _column(name: str, values: list[Any], moments: str) -> _Column:
    is_path = name in _PATHS
    cells = [_cell(value, moments, is_path=is_path) for value in values]
    return _Column(name.replace("_", " "), cells, [isinstance(value, str) for value in values], is_path)


def _cell(value: Any, moments: str, *, is_path: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:{moments}}"
    text = str(value)
    return encodable(printable(text if is_path else text[:LONGEST_CELL]))


def _table(columns: list[_Column], width: int) -> list[str]:
    most = [min(column.widest, max(column.least, LONGEST_CELL)) for column in columns]
    for at, column in enumerate(columns):
        if column.is_path:  # cut at a slash, it may need less and leave room for others
            room = _fit(columns, most, width)[at]
            most[at] = max(map(cell_len, [column.heading, *column.cut(room)]))
    drawn = []
    for column, size in zip(columns, _fit(columns, most, width), strict=True):
        cells = [column.heading, *column.cut(size)]
        blanks = [" " * (size - cell_len(cell)) for cell in cells]
        drawn.append([b + c if column.all_numbers else c + b for c, b in zip(cells, blanks, strict=True)])
    return [(" " * _GAP).join(line).rstrip() for line in zip(*drawn, strict=True)]


def _fit(columns: list[_Column], most: list[int], width: int) -> list[int]:
    """Shrink columns until all fit, the widest first."""
    widths = list(most)
    while sum(widths) + _GAP * (len(columns) - 1) > width:
        room, at = max((w, at) for at, w in enumerate(widths) if w > columns[at].least)
        widths[at] = room - 1
    return widths


def _lines(columns: list[_Column], width: int) -> list[str]:
    """Draw each row as lines of a name and a value."""
    names = max(cell_len(column.heading) for column in columns)
    room = width - names - _GAP
    only_numbers = all(column.all_numbers for column in columns)
    numbers = max(cell_len(cell) for column in columns for cell in column.cells) if only_numbers else 0
    drawn = []
    for column in columns:
        cells = column.cut(max(room if room >= SHORTEST_TEXT else width - _GAP, 1))
        drawn.append(
            [
                f"{column.heading:{names + _GAP}}{cell:>{min(numbers, room)}}"
                if cell_len(cell) <= room
                # A number too long for the line goes below its name.
                else f"{column.heading}\n{' ' * min(_GAP, max(width - cell_len(cell), 0))}{cell}"
                for cell in cells
            ]
        )
    return ["\n".join(row) for row in zip(*drawn, strict=True)]


def shorten(text: str, width: int) -> str:
    """Cut the end of a text that is wider than this."""
    if cell_len(text) <= width:
        return text
    dots = _dots()
    return (set_cell_size(text, max(width - len(dots), 0)) + dots)[:width]


def shorten_paths(paths: Sequence[str], width: int) -> list[str]:
    """Cut the beginning of paths wider than this, so that different paths still differ where possible."""
    attempts = _attempts(dict.fromkeys(paths), width)
    best = next(attempts)
    clear = (short for short in chain([best], attempts) if len(set(short.values())) == len(short))
    short = next(clear, best)
    return [short[path] for path in paths]


def _attempts(paths: Iterable[str], width: int) -> Iterator[dict[str, str]]:
    """Yield ways to shorten different paths, the most readable first."""
    short = {path: _from_slash(_end(path, width)) for path in paths}
    yield short
    seen = Counter(short.values())
    alike = [path for path in short if seen[short[path]] > 1]
    yield short | {path: _end(path, width) for path in alike}
    # They differ further left: show where they begin to differ, and their end.
    common = len(os.path.commonprefix(alike))  # noqa: RUF071  characters, not folders
    most = width - 2 * len(_dots())
    for head in [*range(most // 2, most + 1), *range(most // 2 - 1, 0, -1)]:
        yield short | {path: _both_ends(path[common:], head, width) for path in alike}


def _end(path: str, width: int) -> str:
    return shorten(path[::-1], width)[::-1]


def _from_slash(end: str) -> str:
    dots = _dots()
    return dots + end[end.index("/") :] if end.startswith(dots) and "/" in end else end


def _both_ends(path: str, head: int, width: int) -> str:
    """Shorten to the first `head` cells of the path and its end."""
    dots = _dots()
    if cell_len(path) <= width - len(dots):
        return dots + path
    beginning = set_cell_size(path, head)
    return dots + beginning + _end(path, width - len(dots) - cell_len(beginning))


def _dots() -> str:
    return "…" if encodable("…") == "…" else "..."
