"""Run a sparkify command that keeps no rollups: what it takes less is what they cost.

    python -m benchmarks.without_rollups etl DATA …

Only for measuring. The loader does the rest as ever; what it stages of users' days and sessions is empty. The indexes that
heard songs have for the rollups go, too (`make_tables`).
"""

import sys
from typing import Any, Final

import psycopg

from sparkify import cli
from sparkify.create_tables import open_warehouse
from sparkify.load import months, publish
from sparkify.load.rollups import Rollups
from sparkify.sql import load

_WITHOUT: Final = "DROP INDEX analytics.heard_songs_track, analytics.heard_songs_artist"


def make_tables(dsn: str, *, rollups: bool) -> None:
    """Make the tables of a warehouse, with or without what rollups need."""
    open_warehouse(dsn).close()
    if not rollups:
        with psycopg.connect(dsn) as connection:
            connection.execute(_WITHOUT)


def main(arguments: list[str]) -> int:
    """Run the command; its exit code."""
    for purpose, name in (("transform", "note_listening"), ("rollups", "begin"), ("rollups", "analyze")):
        assert name in load(purpose)
        load(purpose)[name] = "SELECT 1"

    def nothing(*_: Any, **__: Any) -> None:
        """Instead of what is not to be done."""

    Rollups.attach = nothing  # type: ignore[method-assign]
    Rollups.update = nothing  # type: ignore[method-assign]
    months.count_staged = nothing
    publish.name_agents = nothing
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
