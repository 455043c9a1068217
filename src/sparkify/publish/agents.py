"""Name the device, browser and operating system of user agents."""

from typing import Any, Final

from psycopg import Connection

from sparkify.schema.rollups import queries_of
from sparkify.stage.copy import columns_of
from sparkify.stage.runs import lock_publisher

_sql: Final = queries_of("user_agents")


def name_agents(connection: Connection[Any]) -> None:
    """Name the user agents that have no name yet."""
    rows = connection.execute(_sql["unnamed"]).fetchall()
    if not rows:
        return
    from ua_parser import parse  # noqa: PLC0415  takes half a second, and new agents are rare

    names = []
    for user_agent_id, text in rows:
        found = parse(text)
        system = found.os.family if found.os else "Other"
        names.append(
            (
                user_agent_id,
                found.device.family if found.device else system,
                found.user_agent.family if found.user_agent else "Other",
                system,
            )
        )
    with connection.transaction():
        # Without this lock, two runs that end together could lock the same rows in opposite orders.
        lock_publisher(connection)
        connection.execute(_sql["name"], columns_of(names))
