"""Dismiss rejects: delete rejected lines that nobody will fix, and count them as dismissed in the books.

Nothing records which lines they were. If their file is read again, they are rejected again.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sparkify.analytics.state import reject_filter
from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.errors import UsageError
from sparkify.stage.runs import lock_publisher

_sql: Final = queries("operations/dismiss")

MOST_NAMED: Final = 10
"""Files that a refusal names."""


@dataclass(slots=True)
class Dismissed:
    """Dismissed lines by reason, and their files.

    `other_runs` counts lines of held, failed or running runs, which stay.
    """

    files: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    other_runs: int = 0

    @property
    def lines(self) -> int:
        """The number of dismissed lines."""
        return sum(self.reasons.values())

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {
            "dismissed": self.lines,
            "files": self.files,
            "reasons": self.reasons,
            "not_dismissed": {"other_runs": self.other_runs},
        }


def dismiss(
    *, dsn: str | None = None, path: str | None = None, reason: str | None = None, run: int | None = None
) -> Dismissed:
    """Dismiss rejected lines: all, or those of the file whose path ends with `path`, with a `reason`, of a
    `run`.

    Raises:
        UsageError: there is no such `reason`, or several files with such lines match `path`.
        SparkifyError: it could not be done. Either way, nothing is changed.
    """
    lines = reject_filter(path, reason, run)
    done = Dismissed()
    with (
        server_errors(),
        open_existing(resolve(dsn), for_questions=False) as connection,
        connection.transaction(),
    ):
        if path is not None:
            _refuse_several(path, [found for (found,) in connection.execute(_sql["matching_paths"], lines)])
        # `forget` changes the books too, so only one of the two may run at a time.
        lock_publisher(connection)
        files = [file_id for (file_id,) in connection.execute(_sql["lock_files"], lines)]
        for name, count, done.files in connection.execute(_sql["dismiss"], lines | {"files": files}):
            done.reasons[name] = count
        row = connection.execute(_sql["count_left"], lines).fetchone()
        done.other_runs = row[0] if row else 0
    return done


def _refuse_several(path: str, found: list[str]) -> None:
    """Raises UsageError if several files match: nobody could tell later which lines were dismissed."""
    if len(found) > 1:
        more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
        raise UsageError(
            f"{path} matches {len(found):,} files: {', '.join(found[:MOST_NAMED])}{more}."
            " Nothing was dismissed. Give more of the path of one."
        )
