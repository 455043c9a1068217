"""Repair doubly encoded names: their UTF-8 was read as Latin-1 and encoded again."""

from contextlib import suppress
from typing import Final

from sparkify.database.reading import Rows

LONGEST_NAME: Final = 1000
"""Characters. A longer text is not a name, and repairing a megabyte takes seconds."""

ROUNDS: Final = 2
"""How often the UTF-8 of a name may have been read as Latin-1: twice in the logs of 2018."""

CODECS: Final = "latin-1", "sloppy-windows-1252"
"""What the UTF-8 of a name may have been read as. Most programs mean the second by Latin-1; ftfy knows it."""

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
    # ftfy may be sure of one round, but not of the other, which alone might be a name: SÃ¥ng.
    # What is left of an encoding gives another Latin-1 text; the end of CAFÉ® would give one beyond that.
    for _ in range(ROUNDS if fixed != name else 0):
        with suppress(UnicodeError):
            again = fixed.encode("latin-1").decode()
            fixed = again if max(again) <= "\xff" else fixed
    # Double encoding makes one character several. A repair of the same length only guesses at control
    # characters, and no name has a NUL.
    return fixed if len(fixed) < len(name) and "\0" not in fixed else name


def doubled(text: str, codec: str) -> str:
    """The text encoded twice: its UTF-8 read as one of `CODECS`."""
    import ftfy  # noqa: F401, PLC0415  it registers the second

    return text.encode().decode(codec)


def encodings(name: str) -> list[str]:
    """The names that are shown as this one is: itself, and as the logs may encode it."""
    if "\0" in name:  # PostgreSQL cannot store it
        return []
    wanted = shown(name)
    if wanted.isascii() or len(wanted) > LONGEST_NAME:
        return [wanted]
    alike = {wanted}
    for _ in range(ROUNDS):
        alike |= {doubled(other, codec) for other in alike for codec in CODECS}
    return sorted({name} | {other for other in alike if shown(other) == wanted})
