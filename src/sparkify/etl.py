"""The pipeline: two folders of JSON become the star schema.

    plan ──► extract ──► transform ──► stage ──► publish

``python -m sparkify.etl [DATA]`` is the same as ``sparkify etl``; `run` is the same for Python programs.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any

from psycopg import Connection

from sparkify.create_tables import open_warehouse
from sparkify.database.connection import database_name, resolve, room, server_errors
from sparkify.database.session import Helper, Session
from sparkify.engines import choose_engine
from sparkify.errors import SparkifyError
from sparkify.extract.folders import Folder, check_kinds, find
from sparkify.extract.plan import keep_touched, make_plan
from sparkify.publish.ahead import MonthsAhead
from sparkify.publish.catalogue import publish_catalogue
from sparkify.publish.run import finish_earlier_runs, hold, publish_run, read_totals, run_totals
from sparkify.report import Progress, RejectLimit, Report
from sparkify.server.home import expanded
from sparkify.simulate.sample import keep_apart
from sparkify.stage.failed import failure, left_for_later
from sparkify.stage.runs import begin_run


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
    """Load what is new in the folders into the warehouse, and say what became of every line.

    `data` holds ``song_data/`` and ``log_data/`` and is ``data`` unless given; each folder can be named by itself. In each
    there must be files to read, but one of those in `data` may be missing or empty: the report's remarks say so.
    Folders may be URLs of object storage, like ``s3://bucket/log_data``.
    `engine` is ``local`` or ``spark``; `master` is the URL of the Spark cluster, `conf` are settings for Spark.
    `workers` are batches at a time: unless given, the number of processors, or of the cores that Spark has given us.
    `max_rejects` is a number of lines or a share of those read,
    like ``"1%"``: with more rejects nothing is published, and the report's status is ``held``. `batch_bytes` is about
    how much one transaction stages, and suits the data and the workers unless given.

    Raises:
        UsageError: a folder has nothing that can be read, or is another one than was meant; nothing was loaded.
        SparkifyError: it could not be done, or not all of it; the message says why. What was staged is kept for the next run.
    """
    started, planned_at = time.monotonic(), time.time()
    progress = progress or Progress()
    limit = RejectLimit.parse(max_rejects)
    open_engine = choose_engine(engine, master, conf or {})
    data, song_data, log_data = (folder and expanded(folder) for folder in (data, song_data, log_data))
    found = find(data, song_data, log_data)
    dsn = resolve(dsn)
    keep_apart(database_name(dsn), data, song_data, log_data)
    with server_errors(), closing(Session(dsn, open_warehouse(dsn))) as warehouse:
        connection = warehouse.connection
        keep_apart(connection.info.dbname, data, song_data, log_data)  # a service may name another one
        if dry_run:
            plan = make_plan(connection, found.files)
            check_kinds(found, plan.new)
            return Report("dry run", plan.found, len(plan.new), found.not_read, found.remarks).timed(started)

        # What a run staged before it died is published first; the plan takes it for read.
        held, failed = finish_earlier_runs(dsn, connection, found.files, limit)
        plan = make_plan(connection, found.files)
        check_kinds(found, plan.new)
        status = "held" if held and limit and not plan.new else "done"
        report = Report(status, plan.found, len(plan.new), found.not_read, found.remarks, held, failed)
        reason = None
        keep_touched(connection, plan.touched, planned_at)
        if plan.new:
            progress.planned(len(plan.new))
            helper = Helper(dsn)
            with open_engine(dsn, workers) as crew, begin_run(dsn, connection) as report.run_id:
                crew.workers = min(crew.workers, _room_for(warehouse.connection))
                stage = partial(crew.stage, report.run_id, planned_at)
                song_bytes, log_bytes = (
                    batch_bytes or plan.batch_bytes(kind, crew.workers) for kind in ("song", "log")
                )
                for staged in stage(plan.batches("song", song_bytes)):
                    report.add(staged, progress)
                if limit is None:  # nothing can hold the songs back, and the plays staged next will find them
                    with left_for_later():
                        warehouse.run(publish_catalogue, report.run_id)
                from sparkify.stage.parts import claim_large_files, cut_files  # noqa: PLC0415  NumPy and Arrow

                large = plan.large_logs(log_bytes)
                claims = warehouse.run(claim_large_files, report.run_id, planned_at, large)
                report.staged.left_to_others += sum(claim is None for claim in claims.values())
                parts = cut_files(claims, log_bytes, crew.workers, crew.survey)
                with MonthsAhead(dsn, report.run_id, progress, helper) as ahead:
                    for staged in stage(plan.batches("log", log_bytes, parts)):
                        report.add(staged, progress)
                        if limit is None:
                            ahead.staged(staged)
                if limit and limit.exceeded(warehouse.run(run_totals, report.run_id)):
                    warehouse.run(hold, report)
                else:
                    reason = warehouse.run(publish_run, report.run_id, progress, helper)
        report.status = "failed" if reason else report.status
        warehouse.run(read_totals, report)
    if reason and report.run_id:
        raise SparkifyError(failure(report.run_id, reason))
    return report.timed(started)


def _room_for(connection: Connection[Any]) -> int:
    """How many workers the server has connections for: two each, and two for what is published meanwhile."""
    return max(1, (room(connection) - 2) // 2)


if __name__ == "__main__":
    import sys

    from sparkify.cli import main

    sys.exit(main(["etl", *sys.argv[1:]]))
