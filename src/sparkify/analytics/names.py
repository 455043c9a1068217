"""Repair doubly encoded names: their UTF-8 was read as Latin-1 and encoded again."""

from typing import Final

from sparkify.database.reading import Rows

LONGEST_NAME: Final = 1000
"""Characters. A longer text is not a name, and repairing a megabyte takes seconds."""

_NAMES = ("title", "artist", "name", "location")


def repaired(rows: Rows) -> Rows:
    """The rows, with doubly encoded names repaired."""
    for row in rows:
        for column in _NAMES:
            if text := row.get(column):
                row[column] = shown(text)
    return rows


def shown(name: str) -> str:
    """The name to show: repaired if it was doubly encoded, unless it is very long."""
    if name.isascii() or len(name) > LONGEST_NAME:
        return name
    from ftfy import fix_encoding  # noqa: PLC0415  most names need no repair

    fixed = fix_encoding(name)
    # Double encoding makes one character several. A repair of the same length only guesses at control
    # characters, and no name has a NUL.
    return fixed if len(fixed) < len(name) and "\0" not in fixed else name
