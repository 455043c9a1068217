"""Run a sparkify command that keeps no rollups: what it takes less is what they cost.

    python -m benchmarks.without_rollups etl DATA …

Only for measuring. The loader does the rest as ever; what it stages of users' days and sessions is empty. The indexes that
heard songs have for the rollups are not made, either.
"""

import sys
from typing import Any

from sparkify import cli
from sparkify.load import months, publish
from sparkify.load.rollups import Rollups
from sparkify.sql import load


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
    months.index_heard_songs = nothing
    publish.name_agents = nothing
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
