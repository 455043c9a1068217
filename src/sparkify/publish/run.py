"""Publish what a run has staged, or hold it back; finish what earlier runs left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.advice import described
from sparkify.database.queries import queries
from sparkify.database.session import Session
from sparkify.extract.files import InputFile
from sparkify.extract.plan import content_digest
from sparkify.publish.agents import name_agents
from sparkify.publish.background import Background, succeeded
from sparkify.publish.catalogue import catalogue_is_staged, publish_catalogue
from sparkify.publish.listening import analyze_rollups, summarize_indexes
from sparkify.publish.months import publish_month
from sparkify.publish.page_views import delete_forgotten_views
from sparkify.publish.partitions import only
from sparkify.publish.reports import report_of, tally_of
from sparkify.report import Progress, RejectLimit, Report
from sparkify.stage.failed import left_for_later, lies_in_data
from sparkify.stage.runs import (
    adopt,
    drop_staging,
    end_staging,
    lock_publisher,
    reason_of,
    set_state,
    unfinished_runs,
)
from sparkify.stage.tables import catalogue_table, staged_months
from sparkify.transform.sessions import Sessions

_sql: Final = queries("publish/run")


def publish_run(
    connection: Connection[Any],
    dsn: str,
    run_id: int,
    progress: Progress | None = None,
    sessions: Sessions | None = None,
) -> str | None:
    """Publish all that a run has staged. It is safe to repeat: it skips what is published already.

    `sessions` is what this process has staged of it.

    If a month, or the catalogue, cannot be published because of its data, it stays staged, the others are
    published, and the run has failed. Returns the reason, or None if all is published.
    """
    set_state(connection, run_id, "publishing")
    with Background(dsn) as background:
        reason = _publish_each(connection, background, run_id, progress or Progress(), sessions)
        has_grown = connection.execute(_sql["has_grown"]).fetchone()
        analyzed = background.submit(_analyze, as_whole=False) if has_grown and background.is_open else None
        with left_for_later():
            name_agents(connection)  # before the run ends: if the process dies here, the next run does it
        with connection.transaction():
            lock_publisher(connection)
            delete_forgotten_views(connection)
            if not reason:
                end_staging(connection, run_id)
            set_state(connection, run_id, "failed" if reason else "published", reason)
        if has_grown and not (analyzed and succeeded(analyzed)):
            _analyze(connection)
    return reason


def _publish_each(
    connection: Connection[Any],
    background: Background,
    run_id: int,
    progress: Progress,
    sessions: Sessions | None,
) -> str | None:
    """Publish the catalogue and the months of a run, a transaction each. Returns why some could not be."""
    failures = []
    for month in (None, *staged_months(connection, run_id)):
        name = f"{month:%B %Y}" if month else "catalogue"
        progress.publishing(name)
        try:
            if month:
                publish_month(connection, run_id, month, sessions=sessions, background=background)
                summarize_indexes(connection)
            else:
                publish_catalogue(connection, run_id)
        except psycopg.Error as error:
            if not lies_in_data(error):
                raise
            failures.append(f"{name} ({_files_of(connection, run_id, month)}): {described(error)}")
    if not failures:
        return None
    more = len(failures) - 1
    return failures[0] + (f"; {more} more month{'' if more == 1 else 's'} failed too" if more else "")


def _files_of(connection: Connection[Any], run_id: int, month: date | None) -> str:
    """Name the first file of a staged month, or of the catalogue, and count the others."""
    names = {"run_id": sql.Literal(run_id), "month": sql.Literal(month), "catalogue": catalogue_table(run_id)}
    query = _sql["files_of_month"] if month else _sql["files_of_catalogue"]
    count, first = connection.execute(sql.SQL(query).format(**names)).fetchone() or (0, None)
    return f"of {first}" + (f" and {count - 1:,} more" if count > 1 else "")


def _analyze(connection: Connection[Any]) -> None:
    """Analyze partitioned tables; until then, plans are made for empty tables.

    Outside a transaction, each table is locked only while it is analyzed.
    """
    analyze_rollups(connection)
    connection.execute(sql.SQL(_sql["analyze_star"]).format(only=sql.SQL(only(connection))))


def hold(connection: Connection[Any], report: Report) -> None:
    """Hold a run that has more rejects than allowed: what it staged is not published."""
    assert report.run_id is not None
    set_state(connection, report.run_id, "held")
    report.status = "held"
    report.held_runs.append(report.run_id)


@dataclass(slots=True)
class Earlier:
    """What became of the runs that were left unfinished: `finished` has reports, `failed` has reasons."""

    finished: dict[int, Report] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    """Those that this load publishes: if the connection is lost, their reports are still to be made."""


def finish_earlier_runs(warehouse: Session, files: Sequence[InputFile], limit: RejectLimit | None) -> Earlier:
    """Publish what dead runs had staged.

    A held run is published if the given limit allows its rejects. A held or failed run is dropped if one of
    its files has changed: its files are then read again.
    """
    earlier = Earlier()
    for run_id, _ in warehouse.run(unfinished_runs):
        warehouse.run(_finish, warehouse.dsn, run_id, files, limit, earlier=earlier)
    return earlier


def _finish(
    connection: Connection[Any],
    dsn: str,
    run_id: int,
    files: Sequence[InputFile],
    limit: RejectLimit | None,
    *,
    earlier: Earlier,
) -> None:
    """Finish a run if it is dead. It is safe to repeat: its state, or `begun`, says what is left to do."""
    with adopt(dsn, run_id) as is_dead:
        state = dict(unfinished_runs(connection)).get(run_id)
        if not is_dead or (state is None and run_id not in earlier.begun):
            return
        too_many = limit is not None and limit.exceeded(tally_of(connection, run_id).books)
        if state in {"held", "failed"} and _has_changed(connection, run_id, files, failed=state == "failed"):
            drop_staging(connection, run_id)
            earlier.dropped.append(run_id)
        elif state == "failed":
            earlier.failed[run_id] = reason_of(connection, run_id)
        elif (state == "held" and (limit is None or too_many)) or (
            # A run without a limit has published its songs, so it can no longer be held.
            state == "open" and too_many and catalogue_is_staged(connection, run_id)
        ):
            set_state(connection, run_id, "held")
            earlier.held.append(run_id)
        else:
            earlier.begun.add(run_id)
            _publish_left(connection, dsn, run_id, earlier)


def _publish_left(connection: Connection[Any], dsn: str, run_id: int, earlier: Earlier) -> None:
    """Publish what a run has left, and report it if it had read a file."""
    if reason := publish_run(connection, dsn, run_id):
        earlier.failed[run_id] = reason
    elif tally_of(connection, run_id).files:
        earlier.finished[run_id] = report_of(connection, run_id)


def _has_changed(
    connection: Connection[Any], run_id: int, files: Sequence[InputFile], *, failed: bool
) -> bool:
    """Whether one of the run's files has changed, as far as they can be read.

    In a failed run, a file read in part counts as changed.
    """
    rows = connection.execute(_sql["files_of_run"], {"run_id": run_id, "all": failed})
    staged = {(kind, path): known for kind, path, *known in rows}
    for file in files:
        version, digest, cuts = staged.get((file.kind, file.name), (file.version, None, None))
        if version == file.version:
            continue
        found = content_digest(file, cuts)
        if found is not None and found != digest:
            return True
    return False
