"""One song: how to find it, its history, and who listens to it."""

from typing import Any, Final

from psycopg import sql

from sparkify.analytics.asking import ALL
from sparkify.analytics.names import repaired
from sparkify.analytics.places import spellings
from sparkify.analytics.selection import Selection
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, reader, rows

_sql: Final = queries("analytics/one_song")


def search(text: str, *, dsn: DsnOrConnection = None, limit: int = 50) -> list[Row]:
    """Songs of which title and artist together have all words of `text`, whatever the case; those with most plays, ever, first.

    Names that came doubly encoded are found by what they should be, too. The `track_id` is what the other functions take.
    """
    words = text.replace("\0", "").encode(errors="replace").decode().lower().split()
    if not words:
        return []
    patterns = {"words": _patterns(words), "doubled": _patterns(map(_doubled, words))}
    with reader(dsn) as connection:
        return repaired(rows(connection, _sql["search"], patterns | {"limit": limit}))


def history(
    track_id: int, period: str = "day", selection: Selection = ALL, *, dsn: DsnOrConnection = None
) -> list[Row]:
    """Its plays and listeners by ``day``, ``week`` or ``month``; only the days of the selection count."""
    return _ask_of(dsn, "history", track_id, selection, period=period)


def audience(track_id: int, selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> list[Row]:
    """Its plays and listeners by level (at the play) and gender."""
    return _ask_of(dsn, "audience", track_id, selection)


def fans(
    track_id: int, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10
) -> list[Row]:
    """Who listens to it most, with the level they have now, and the first and last day of the selection they did."""
    return _ask_of(dsn, "fans", track_id, selection, limit=limit)


def _patterns(words: Any) -> list[str]:
    return ["%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%" for word in words]


def _doubled(word: str) -> str:
    """The word as it looks read as Latin-1, as much of the catalogue is."""
    return word.encode().decode("latin-1").lower()


def _ask_of(dsn: DsnOrConnection, name: str, track_id: int, selection: Selection, **more: Any) -> list[Row]:
    part = "heard" if selection.location is None else "heard_at_place"
    query = sql.SQL(_sql[name]).format(heard=sql.SQL(_sql[part]))
    with reader(dsn) as connection:
        places = spellings(connection, selection.location)
        return rows(
            connection, query, {"track_id": track_id, "places": places, **selection.parameters(), **more}
        )
