"""One listener: who it is, when and on which level they listen, and to what."""

from dataclasses import asdict
from typing import Final

from sparkify.analytics import zones
from sparkify.analytics.arguments import checked
from sparkify.analytics.asking import ALL, days_with_plays, fill
from sparkify.analytics.names import repaired
from sparkify.analytics.places import spellings
from sparkify.analytics.questions import fitting_period
from sparkify.analytics.selection import PERIODS, Selection, refuse_unknown
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, reader, rows

_sql: Final = queries("analytics/one_listener")


@checked
def listener(
    user_id: int, period: str | None = None, selection: Selection = ALL,
    *, dsn: DsnOrConnection = None, limit: int = 10,
) -> Row | None:  # fmt: skip
    """One user, as of their latest play: `plays`, `seconds`, the `trend`, the `levels`, and the `songs` they
    played most. None if there is no such user.

    The trend is by ``day``, ``week`` or ``month``, by default the one that fits on a screen, and counts only
    days in the selection, which the row names in `selection`. `first_day` and `last_day` are those of all
    plays of the user.
    """
    if period is not None:
        refuse_unknown("period", period, PERIODS)
    with reader(dsn) as connection:
        days = days_with_plays(connection, selection)
        named = {"user_id": user_id, "zone": selection.zone}
        people = repaired(rows(connection, _sql["person"], named))
        if not people:
            return None
        assert days.since
        assert days.until
        period = period or fitting_period(days.since, days.until)
        parameters = {
            **zones.parameters(connection, selection), **named, "period": period, "limit": limit,
            "places": spellings(connection, selection.location),
        }  # fmt: skip
        found = {
            name: rows(connection, fill(query, heard=fill(_sql["heard"])), parameters)
            for name, query in (
                ("totals", _sql["totals"]), ("trend", _sql["trend"]), ("levels", _sql["levels"]),
                ("songs", _sql["songs"]),
            )
        }  # fmt: skip
        (totals,) = found.pop("totals")
        return (
            people[0]
            | {"selection": asdict(selection)}
            | totals
            | {"period": period, **found, "songs": repaired(found["songs"])}
        )
