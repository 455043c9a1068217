"""Places: the logs may spell one shown name in several ways."""

from collections import defaultdict
from typing import Any, Final

from psycopg import Connection

from sparkify.analytics.names import shown
from sparkify.database.queries import queries
from sparkify.database.reading import rows

_sql: Final = queries("analytics/places")


def spellings(connection: Connection[Any], place: str | None) -> list[str]:
    """The locations in the logs that are shown as this place; an empty list for no place."""
    if place is None or place.isascii():
        return [] if place is None else [place]
    wanted = {place, shown(place)}
    alike = shown_alike(connection)
    return sorted({place, *(spelling for name in wanted for spelling in alike.get(name, ()))})


def shown_alike(connection: Connection[Any]) -> dict[str, list[str]]:
    """The spellings of each shown name beyond ASCII, in code point order."""
    alike: dict[str, list[str]] = defaultdict(list)
    for row in rows(connection, _sql["places_to_repair"]):
        alike[shown(row["location"])].append(row["location"])
    return {name: sorted(found) for name, found in alike.items()}
