"""Run a sparkify command that keeps no rollups, to measure what they cost.

    python -m benchmarks.without_rollups etl DATA …

Only for benchmarks. The loader does everything else, and stages no days of users, no plays by hour and no
sessions. It also makes no indexes on heard songs for the rollups.
"""

import sys
from datetime import date
from typing import Any, Final

from sparkify import cli
from sparkify.database.queries import queries
from sparkify.publish import plans, run
from sparkify.publish.activity import Activity, StagedActivity
from sparkify.publish.days import StagedDays
from sparkify.publish.listening import ListeningRollups
from sparkify.transform.plays import PlayTransform

_NOT_STAGED: Final = {"user_days", "user_agents", "sessions"}


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    assert "begin" in queries("publish/listening")
    queries("publish/listening")["begin"] = "SELECT 1"
    rows = PlayTransform.rows

    def some_rows(transform: PlayTransform, table: str, month: date) -> bytes | None:
        return None if table in _NOT_STAGED else rows(transform, table, month)

    def nothing(*_: Any, **__: Any) -> None:
        """Do nothing."""

    PlayTransform.rows = some_rows  # type: ignore[method-assign]
    for owner, name in (
        (ListeningRollups, "attach"),
        (ListeningRollups, "update"),
        (StagedDays, "prepare"),
        (StagedActivity, "prepare"),
        (Activity, "note_views"),
        (Activity, "update"),
        (plans, "index_heard_songs"),
        (run, "name_agents"),
        (run, "analyze_rollups"),
    ):
        assert hasattr(owner, name), name
        setattr(owner, name, nothing)
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
