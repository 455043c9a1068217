"""Match heard songs with the catalogue: ask for them, or fetch the whole catalogue if that is quicker.

Publishing matches plays again if the catalogue's version is no longer the one that their batch began with
(publish/plans.py). So it does no harm if the catalogue changes before it is asked or fetched.
"""

from typing import Any, Final

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.stage.copy import copy_bytes
from sparkify.transform.plays import PlayTransform

_sql: Final = queries("stage/stage")

MOST_FETCHED_SONGS: Final = 500_000
"""A larger catalogue is always asked: fetched, this one takes about 45 MB in each worker."""

MOST_FETCHED_BYTES: Final = 32 << 20
"""So is one whose ids have more bytes: usually they have 36 bytes a song, but may have 2,000."""

FETCHED_WHILE_ASKING: Final = 10
"""How many songs are fetched in the time that asking for one takes."""


class Matching:
    """How a worker matches heard songs with one version of the catalogue."""

    def __init__(self) -> None:
        self._asked = 0
        self._is_long = False

    def match(self, connection: Connection[Any], transform: PlayTransform) -> None:
        """Match the heard songs of a chunk that were not looked up before."""
        count, heard = transform.unknown_songs()
        self._asked += count
        matches: list[tuple[int, str, str]] = []
        if count and self._fetches(connection):
            with connection.cursor() as cursor, cursor.copy(_sql["all_matches"]) as rows:
                transform.take_catalogue(rows)
        elif count:
            connection.execute(_sql["prepare_matches"])
            copy_bytes(connection, sql.Identifier("unknown_songs"), heard)
            matches = connection.execute(_sql["matches"], binary=True).fetchall()
        transform.match(matches)

    def _fetches(self, connection: Connection[Any]) -> bool:
        """Whether to fetch the catalogue; its bytes are summed only then, because that reads all of it."""
        most = min(MOST_FETCHED_SONGS, self._asked * FETCHED_WHILE_ASKING)
        if self._is_long or _number(connection, "catalogue_size") > most:
            return False
        self._is_long = _number(connection, "catalogue_bytes") > MOST_FETCHED_BYTES
        return not self._is_long


def _number(connection: Connection[Any], query: str) -> int:
    row = connection.execute(_sql[query]).fetchone()
    assert row is not None
    return int(row[0])
