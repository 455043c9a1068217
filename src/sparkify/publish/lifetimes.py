"""Keep the first week and the last day of each user equal to what their weeks say."""

from typing import Any, Final

from psycopg import Connection, sql

from sparkify.schema.rollups import queries_of

_sql: Final = queries_of("lifetimes")


def update_lifetimes(connection: Connection[Any]) -> None:
    """Bring `lifetimes` up to date from the weeks that have changed; it reads no others.

    The temporary table ``event_days`` lists the changed days, and ``user_week_counts`` is up to date.
    """
    first, last = connection.execute(_sql["changed_weeks"]).fetchone() or (None, None)
    if first is None:
        return
    span = {"first": sql.Literal(first), "last": sql.Literal(last)}
    wanted = sql.SQL(_sql["in_changed_weeks"]).format(**span)
    definition = sql.SQL(_sql["definition"]).format(wanted=wanted)
    connection.execute(sql.SQL(_sql["replace"]).format(definition=definition, **span))
