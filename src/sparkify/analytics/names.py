"""Names as people write them: some came read as Latin-1 and written as UTF-8 once more."""

from typing import Any

_NAMES = ("title", "artist", "name", "location")


def repaired(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with names that were doubly encoded repaired."""
    for row in rows:
        for column in _NAMES:
            if (text := row.get(column)) and not text.isascii():
                from ftfy import fix_encoding  # noqa: PLC0415  most names need no repair

                # Two encodings make one character several. What stays as long is a guess at control characters.
                if len(fixed := fix_encoding(text)) < len(text):
                    row[column] = fixed
    return rows
