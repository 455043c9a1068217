"""The state of a warehouse: rows, files, runs, rejected lines."""

from typing import Any, Final, LiteralString

from sparkify.analytics.arguments import checked
from sparkify.analytics.selection import refuse_unknown
from sparkify.database.queries import queries
from sparkify.database.reading import DsnOrConnection, Row, Rows, reader, rows
from sparkify.extract.rejects import REASONS

_sql: Final = queries("analytics/state")


@checked
def rejects(
    *,
    dsn: DsnOrConnection = None,
    evidence: bool = False,
    path: str | None = None,
    reason: str | None = None,
    run: int | None = None,
    limit: int = 20,
) -> Rows:
    """Rejected lines: counted by file and reason, or one by one with their `evidence`.

    `path` is the end of the file's path, `run` the run that read the lines.
    """
    query = _sql["rejects_show"] if evidence else _sql["rejects_list"]
    return _rows(dsn, query, **reject_filter(path, reason, run), limit=limit)


def reject_filter(path: str | None, reason: str | None, run: int | None) -> dict[str, Any]:
    """Parameters of `etl.is_chosen`, which chooses rejected lines.

    Raises:
        UsageError: no line is rejected for such a reason.
    """
    if reason is not None:
        refuse_unknown("reason", reason, REASONS)
    # No run has a number beyond 64 bits.
    return {"path": path, "reason": reason, "run": None if run is None else max(0, min(run, 2**63 - 1))}


def reject_reasons(*, dsn: DsnOrConnection = None) -> Rows:
    """Rejected lines counted by reason, the most frequent first."""
    return _rows(dsn, _sql["reasons"])


def status(*, dsn: DsnOrConnection = None) -> Row:
    """What the warehouse holds: rows, range of plays, files with their books, the last runs."""
    with reader(dsn) as connection:
        (dates,) = rows(connection, _sql["status_range"])
        return {
            "rows": {row["table_name"]: row["row_count"] for row in rows(connection, _sql["status_rows"])},
            **dates,
            "files": rows(connection, _sql["status_files"]),
            "runs": rows(connection, _sql["status_runs"]),
        }


@checked
def runs(*, dsn: DsnOrConnection = None, limit: int = 20) -> Rows:
    """The last runs, the newest first, with their state and the books of their files."""
    with reader(dsn) as connection:
        return rows(connection, _sql["list_runs"], [limit])


def _rows(dsn: DsnOrConnection, query: LiteralString, **parameters: Any) -> Rows:
    with reader(dsn) as connection:
        return rows(connection, query, parameters or None)
