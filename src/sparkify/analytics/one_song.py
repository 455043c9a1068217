"""One song: find it, its history, and the people who listen to it."""

from typing import Any, Final, LiteralString

from sparkify.analytics import zones
from sparkify.analytics.asking import ALL, fill
from sparkify.analytics.names import repaired
from sparkify.analytics.places import spellings
from sparkify.analytics.selection import PERIODS, UTC, Selection, refuse_unknown
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, Rows, reader, rows

_sql: Final = queries("analytics/one_song")


def search(text: str, *, dsn: DsnOrConnection = None, limit: int = 50) -> Rows:
    """Songs whose title and artist together have all words of `text`, in any case; the most played first.

    It finds doubly encoded names by their proper spelling, too. The other functions take the `track_id`.
    """
    words = text.replace("\0", "").encode(errors="replace").decode().split()
    if not words:
        return Rows((), ("track_id", "title", "artist", "plays", "song_id"))
    patterns = {"words": _patterns(words), "doubled": _patterns([_doubled(word.lower()) for word in words])}
    with reader(dsn) as connection:
        return repaired(rows(connection, _sql["search"], patterns | {"limit": limit}))


def song(track_id: int, *, dsn: DsnOrConnection = None) -> Row | None:
    """A song's title, artist, plays and `song_id`; None if nobody heard it."""
    with reader(dsn) as connection:
        return next(iter(repaired(rows(connection, _sql["song"], {"track_id": track_id}))), None)


def history(
    track_id: int, period: str = "day", selection: Selection = ALL, *, dsn: DsnOrConnection = None
) -> Rows:
    """A song's plays and listeners by ``day``, ``week`` or ``month``, counting only days in the selection."""
    refuse_unknown("period", period, PERIODS)
    return _ask_of(dsn, _sql["history"], track_id, selection, period=period)


def audience(track_id: int, selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """A song's plays and listeners by gender and by level at the time of the play."""
    return _ask_of(dsn, _sql["audience"], track_id, selection)


def fans(track_id: int, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The users who played it most, with their current level, and the first and last day they heard it."""
    return repaired(_ask_of(dsn, _sql["fans"], track_id, selection, limit=limit))


def _patterns(words: Any) -> list[str]:
    return ["%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%" for word in words]


def _doubled(word: str) -> str:
    """The word encoded twice (its UTF-8 read as Latin-1), as many names in the catalogue are."""
    return word.encode().decode("latin-1")


def _ask_of(
    dsn: DsnOrConnection, question: LiteralString, track_id: int, selection: Selection, **more: Any
) -> Rows:
    if selection.zone != UTC:
        heard = _sql["heard_in_zone"]
    else:
        heard = _sql["heard"] if selection.location is None else _sql["heard_at_place"]
    query = fill(question, heard=fill(heard))
    with reader(dsn) as connection:
        of_song = {
            "track_id": track_id,
            "anywhere": selection.location is None, "places": spellings(connection, selection.location),
        }  # fmt: skip
        return rows(connection, query, zones.parameters(connection, selection) | of_song | more)
