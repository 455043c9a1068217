"""The pipeline: two folders of JSON become the star schema.

    plan ──► extract ──► transform ──► stage ──► publish

Read `run` first. It plans which files are new, stages their songs, publishes those, stages the logs, and
publishes or holds what is staged. Extracting, transforming and staging a batch of files is one step; an
engine runs many such steps side by side (`stage/`).

``python -m sparkify.etl [DATA]`` is the same as ``sparkify etl``; Python programs call `run`.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from sparkify.create_tables import open_warehouse
from sparkify.database.connection import database_name, resolve, room, server_errors
from sparkify.database.session import Session
from sparkify.engines import Engine, choose_engine
from sparkify.errors import SparkifyError, UsageError
from sparkify.extract.batches import Batch, Part
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.folders import Folder, Found, check_kinds, find_input
from sparkify.extract.plan import Plan, keep_touched, make_plan
from sparkify.publish.ahead import MonthsAhead
from sparkify.publish.catalogue import publish_catalogue
from sparkify.publish.reports import complete_report, tally_of
from sparkify.publish.run import Earlier, finish_earlier_runs, hold, publish_run
from sparkify.report import Progress, RejectLimit, Report
from sparkify.server.home import expanded
from sparkify.simulate.sample import keep_apart
from sparkify.stage.failed import failure, left_for_later
from sparkify.stage.parts import claim_large_files, cut_files
from sparkify.stage.runs import begin_run
from sparkify.transform.sessions import Sessions


def run(
    data: Folder | None = None,
    *,
    song_data: Folder | None = None,
    log_data: Folder | None = None,
    dsn: str | None = None,
    engine: str = "local",
    master: str | None = None,
    conf: Mapping[str, str] | None = None,
    workers: int | None = None,
    max_rejects: str | int | None = None,
    dry_run: bool = False,
    batch_bytes: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Load what is new in the folders into the warehouse, and report what became of every line.

    `data` is the folder that holds ``song_data/`` and ``log_data/``, by default ``data``; `song_data` and
    `log_data` name the two folders separately. Folders may be URLs of object storage, like
    ``s3://bucket/log_data``. Every named folder must have files to read. One of the two in `data` may be
    missing or empty: the report's remarks say so.

    `engine` is ``local`` or ``spark``; `master` is the URL of the Spark cluster, and `conf` its settings.
    `workers` batches are staged at a time, by default one per processor, or per core that Spark gave us. One
    transaction stages about `batch_bytes` of files; the default suits the data and the workers.

    `max_rejects` is how many rejected lines are allowed, or their share of the lines read, like ``"1%"``.
    With more, nothing is published, and the report's status is ``held``. With `dry_run`, nothing is loaded.

    Raises:
        UsageError: a folder has nothing to read, or is probably the wrong one, or an argument cannot be used;
            nothing was loaded.
        SparkifyError: the load failed, wholly or in part; the message says why. The next run continues with
            what was staged.
    """
    started, planned_at = time.monotonic(), time.time()
    limit = RejectLimit.parse(max_rejects)
    for name, number in (("workers", workers), ("batch_bytes", batch_bytes)):
        if number is not None and number < 1:
            raise UsageError(f"{name} must be at least 1.")
    open_engine = choose_engine(engine, master, conf or {})
    folders = [None if folder is None else expanded(folder) for folder in (data, song_data, log_data)]
    found = find_input(*folders)
    dsn = resolve(dsn)
    keep_apart(database_name(dsn), *folders)
    with server_errors(), _frozen(), closing(Session(dsn, open_warehouse(dsn))) as warehouse:
        keep_apart(warehouse.connection.info.dbname, *folders)  # a service may name another database
        load = _Load(warehouse, planned_at, limit, batch_bytes, progress or Progress())
        load.plan(found, dry_run=dry_run)
        if load.has_work:
            with load.begin(open_engine, workers):
                load.stage_songs()
                load.publish_songs()
                load.stage_logs()
                load.publish_or_hold()
        if not dry_run:
            load.end()
    load.report.seconds = time.monotonic() - started
    return load.report


@contextmanager
def _frozen() -> Iterator[None]:
    """Keep Python from searching for garbage again and again: there may be millions of files, and no garbage.

    The list of files is never searched. A load searches its other objects after every 100,000 new ones: with
    songs, searching as often as usual took a fifth of the client's time. The calling program, or a load in
    another thread, may have frozen objects, and unfreezing would undo that; or it may search more rarely, or
    never.
    """
    if gc.get_freeze_count():
        yield
        return
    usual = gc.get_threshold()
    gc.freeze()
    if usual[0]:
        gc.set_threshold(max(usual[0], 100_000), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@dataclass(slots=True)
class _Load:
    """The steps of `run` and the state they share; `report` is the result."""

    warehouse: Session
    planned_at: float
    limit: RejectLimit | None
    batch_bytes: int | None
    progress: Progress
    report: Report = field(init=False)
    _plan: Plan = field(init=False)
    _engine: Engine = field(init=False)
    _sessions: Sessions = field(init=False, default_factory=Sessions)
    _run_id: int = 0
    _failure: str | None = None

    def plan(self, found: Found, *, dry_run: bool) -> None:
        """Find out which files are new, and finish what dead runs had staged.

        Raises:
            UsageError: a folder is probably the wrong one; nothing was changed.
        """
        plan, earlier = make_plan(self.warehouse.connection, found.files), Earlier()
        check_kinds(found, plan.new)
        if not dry_run:
            earlier = finish_earlier_runs(self.warehouse, found.files, self.limit)
        if earlier.dropped:  # their files are new again
            plan = make_plan(self.warehouse.connection, found.files)
        self._plan = plan
        status = "dry run" if dry_run else "held" if earlier.held and self.limit and not plan.new else "done"
        self.report = Report(
            status,
            files_found=plan.found,
            files_new=len(plan.new),
            other_files=found.other_files,
            remarks=found.remarks,
            finished_runs=earlier.finished,
            held_runs=earlier.held,
            failed_runs=earlier.failed,
        )
        if not dry_run:
            keep_touched(self.warehouse.connection, plan.touched, self.planned_at)

    @property
    def has_work(self) -> bool:
        """Whether there is anything to stage."""
        return self.report.status != "dry run" and bool(self._plan.new)

    @contextmanager
    def begin(
        self, open_engine: Callable[[Session, int | None], Engine], workers: int | None
    ) -> Iterator[None]:
        """Begin a run, and open the engine that stages for it; both end with the block."""
        self.progress.planned(len(self._plan.new))
        connection = self.warehouse.connection
        # A table of songs that waits, even an empty one, shows that a run with a limit can still be held.
        has_songs = self.limit is not None or any(file.kind == "song" for file in self._plan.new)
        with (
            open_engine(self.warehouse, workers) as engine,
            begin_run(self.warehouse.dsn, connection, has_songs=has_songs) as run_id,
        ):
            engine.workers = min(engine.workers, _most_workers(connection))
            self._engine, self._run_id, self.report.run_id = engine, run_id, run_id
            yield

    def stage_songs(self) -> None:
        """Stage the song files."""
        self._stage(self._plan.batches("song", self._batch_bytes("song")))

    def publish_songs(self) -> None:
        """Publish the songs before the logs, which then match them, unless a limit may hold them."""
        if self.limit is None:
            with left_for_later():
                self.warehouse.run(publish_catalogue, self._run_id)

    def stage_logs(self) -> None:
        """Stage the log files, large ones in parts, and publish months ahead if no limit can hold them."""
        batches = self._plan.batches("log", self._batch_bytes("log"), self._cut_large_logs())
        with MonthsAhead(self.warehouse.dsn, self._run_id, self.progress, self._sessions) as ahead:
            self._stage(batches, ahead if self.limit is None else None)

    def publish_or_hold(self) -> None:
        """Publish what is staged, or hold it if too many lines were rejected."""
        if self.limit and self.limit.exceeded(self.warehouse.run(tally_of, self._run_id).books):
            self.warehouse.run(hold, self.report)
        elif reason := self.warehouse.run(
            publish_run, self.warehouse.dsn, self._run_id, self.progress, self._sessions
        ):
            self.report.status = "failed"
            self._failure = failure(self._run_id, reason)

    def end(self) -> None:
        """Complete the report, and store it with the run.

        Raises:
            SparkifyError: part of the run could not be published.
        """
        self.warehouse.run(complete_report, self.report)
        if self._failure:
            raise SparkifyError(self._failure)

    def _stage(self, batches: list[Batch], ahead: MonthsAhead | None = None) -> None:
        for staged in self._engine.stage(self._run_id, self.planned_at, batches):
            self.report.tally.add(staged)
            self.progress.staged(staged)
            self._sessions.add(staged.sessions)
            if ahead:
                ahead.staged(staged)

    def _cut_large_logs(self) -> dict[InputFile, list[Part]]:
        """Claim the large log files and cut them into parts; files of other runs get none."""
        part_bytes = self._batch_bytes("log")
        large = self._plan.large_logs(part_bytes)
        claims = self.warehouse.run(claim_large_files, self._run_id, self.planned_at, large)
        self.report.tally.left_to_others += sum(claim is None for claim in claims.values())
        return cut_files(claims, part_bytes, self._engine.workers, self._engine.survey)

    def _batch_bytes(self, kind: Kind) -> int:
        return self.batch_bytes or self._plan.batch_bytes(kind, self._engine.workers)


def _most_workers(connection: Connection[Any]) -> int:
    """How many workers the server has connections for: two each, and two for publishing months ahead."""
    return max(1, (room(connection) - 2) // 2)


if __name__ == "__main__":
    import sys

    from sparkify.cli import main

    sys.argv.insert(1, "etl")
    sys.exit(main())
