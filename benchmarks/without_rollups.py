"""Run a sparkify command that keeps no rollups, to measure what they cost.

    python -m benchmarks.without_rollups etl DATA …

Only for benchmarks. The loader does everything else, and stages no days of users, no plays by hour and no
sessions. It also makes no indexes on heard songs for the rollups.
"""

import sys
from typing import Any, Final

from sparkify import cli
from sparkify.database.queries import queries
from sparkify.publish import months, run
from sparkify.publish.rollups import Rollups

_NOTHING: Final = "SELECT 1 WHERE $month IS NULL"
_INSTEAD: Final = {
    "transform/plays": {
        # The history of levels needs only this of a batch's plays.
        "note_listening": "INSERT INTO listening BY NAME SELECT month, user_id, start_time, level FROM plays",
        "finish_batch": """
            CREATE OR REPLACE TEMP TABLE user_days AS
            SELECT month, user_id, start_time::DATE AS day, level,
                   min(start_time) AS first_play, max(start_time) AS last_play
            FROM listening GROUP BY month, user_id, start_time::DATE, level""",
    },
    "transform/rows": {
        "month_user_days": _NOTHING,
        "month_user_agents": _NOTHING,
        "month_sessions": _NOTHING,
    },
    "publish/rollups": {"begin": "SELECT 1"},
}


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    for path, instead in _INSTEAD.items():
        assert instead.keys() <= queries(path).keys()
        queries(path).update(instead)

    def nothing(*_: Any, **__: Any) -> None:
        """Do nothing."""

    Rollups.attach = nothing  # type: ignore[method-assign]
    Rollups.update = nothing  # type: ignore[method-assign]
    months.count_staged = nothing
    months.index_heard_songs = nothing
    run.name_agents = nothing
    run.analyze_rollups = nothing
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
