"""Songs, or all songs of an artist: find them, their history, and the people who listen to them."""

from collections.abc import Iterable
from reprlib import repr as short
from typing import Any, Final, LiteralString

from sparkify.analytics import zones
from sparkify.analytics.arguments import checked, is_whole
from sparkify.analytics.asking import ALL, fill
from sparkify.analytics.names import encodings, repaired, shown
from sparkify.analytics.places import spellings
from sparkify.analytics.searching import patterns
from sparkify.analytics.selection import PERIODS, UTC, Selection, refuse_unknown
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, Rows, reader, rows
from sparkify.errors import UsageError

_sql: Final = queries("analytics/tracks")

Tracks = int | Iterable[int]
"""A `track_id`, or several whose plays count together, such as those of an `artist`."""


@checked
def search(text: str, *, dsn: DsnOrConnection = None, limit: int = 50) -> Rows:
    """Songs whose title and artist together have all words of `text`; the most played first.

    Case and accents make no difference: ``bjork`` finds Björk, and also where the logs have encoded it twice.
    """
    words = shown(text.replace("\0", "").encode(errors="replace").decode()).split()
    if not words:
        return Rows((), ("track_id", "title", "artist", "plays", "song_id"))
    likes, expressions = patterns(words)
    with reader(dsn) as connection:
        found = {"likes": likes, "expressions": expressions, "limit": limit}
        return repaired(rows(connection, _sql["search"], found))


@checked
def song(track_id: int, *, dsn: DsnOrConnection = None) -> Row | None:
    """A song's title, artist, plays and `song_id`; None if nobody heard it."""
    with reader(dsn) as connection:
        return next(iter(repaired(rows(connection, _sql["song"], {"track_id": track_id}))), None)


@checked
def artist(name: str, *, dsn: DsnOrConnection = None) -> Row | None:
    """An artist's name, number of songs, plays, and `track_ids`; None if nobody heard one with this name.

    Spellings that are shown alike count together: the name itself, and doubly encoded.
    """
    with reader(dsn) as connection:
        (row,) = rows(connection, _sql["artist"], {"names": encodings(name)})
        return {"artist": shown(name), **row} if row["track_ids"] else None


@checked
def songs(
    tracks: Tracks, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10
) -> Rows:
    """The most played of the songs `tracks`, with their plays and listeners in the selection."""
    return repaired(_ask_of(dsn, _sql["songs"], tracks, selection, limit=limit))


@checked
def history(
    tracks: Tracks, period: str = "day", selection: Selection = ALL, *, dsn: DsnOrConnection = None
) -> Rows:
    """Plays and listeners of the songs `tracks` by ``day``, ``week`` or ``month``.

    Only days in the selection count.
    """
    refuse_unknown("period", period, PERIODS)
    return _ask_of(dsn, _sql["history"], tracks, selection, period=period)


@checked
def audience(tracks: Tracks, selection: Selection = ALL, *, dsn: DsnOrConnection = None) -> Rows:
    """Plays and listeners of the songs `tracks` by gender and by level at the time of the play."""
    return _ask_of(dsn, _sql["audience"], tracks, selection)


@checked
def fans(tracks: Tracks, selection: Selection = ALL, *, dsn: DsnOrConnection = None, limit: int = 10) -> Rows:
    """The users who played the songs `tracks` most: their level now, and the first and last day they did."""
    return repaired(_ask_of(dsn, _sql["fans"], tracks, selection, limit=limit))


def _ask_of(
    dsn: DsnOrConnection, query: LiteralString, tracks: Tracks, selection: Selection, **more: Any
) -> Rows:
    track_ids = _track_ids(tracks)
    by_days = selection.zone == UTC and selection.location is None
    text = fill(query, heard=fill(_sql["heard" if by_days else "heard_there"]))
    with reader(dsn) as connection:
        of_songs = {
            "track_ids": track_ids, "anywhere": selection.location is None,
            "places": spellings(connection, selection.location),
        }  # fmt: skip
        return rows(connection, text, zones.parameters(connection, selection) | of_songs | more)


def _track_ids(tracks: Tracks) -> list[int]:
    """The ids. Text would be read digit by digit, and a float has too few bits for an id."""
    track_ids: list[Any] = list(tracks) if isinstance(tracks, Iterable) else [tracks]
    if isinstance(tracks, bytes) or not all(map(is_whole, track_ids)):
        raise UsageError(f"`tracks` must be whole numbers, each a track_id, not {short(tracks)}.")
    return [int(track_id) for track_id in track_ids]
