"""Names as people write them: some came read as Latin-1 and written as UTF-8 once more."""

from typing import Any, Final

LONGEST_NAME: Final = 1000
"""Characters. A longer text is nobody's name, and repairing a megabyte of it takes seconds."""

_NAMES = ("title", "artist", "name", "location")


def repaired(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with names that were doubly encoded repaired."""
    for row in rows:
        for column in _NAMES:
            if text := row.get(column):
                row[column] = shown(text)
    return rows


def shown(name: str) -> str:
    """The name as it is shown: repaired, if it was doubly encoded. One in ASCII is shown as it is, and so is a very long one."""
    if name.isascii() or len(name) > LONGEST_NAME:
        return name
    from ftfy import fix_encoding  # noqa: PLC0415  most names need no repair

    fixed = fix_encoding(name)
    # Two encodings make one character several. What stays as long is a guess at control characters; and NUL is no part of a name.
    return fixed if len(fixed) < len(name) and "\0" not in fixed else name
