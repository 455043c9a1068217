"""The Spark engine stages batches in the tasks of an Apache Spark cluster.

Each batch is a job with one task, and each worker runs one job at a time. So every result is known as soon as
its batch is done, and PostgreSQL gets a bounded number of connections. A job costs the driver little compared
with a batch (docs/spark.md). Spark Connect offers all that is used here, except the number of cores.
"""

import logging
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

from sparkify.engines.spark.reach import check_reach, complete
from sparkify.engines.spark.session import check_master, ship_package, spark_errors, start_session
from sparkify.errors import GivenUp
from sparkify.extract.batches import Batch, Range, Survey, survey
from sparkify.report import StagedBatch

_TAG: Final = "sparkify"

_FIRST_TASK: Final = 20.0
"""Seconds after which we say that the first task has not run yet."""

_PROBE_SECONDS: Final = 10
"""Seconds that an executor has to connect to PostgreSQL for the first time."""

_WAITS: Final = (
    "sparkify: Spark has not run a first task yet; waiting. Does %s have workers, free cores, and as much"
    " memory as spark.executor.memory asks for? Spark's web page shows it."
)

_log: Final = logging.getLogger("sparkify")


class Engine:
    """Stages batches on a cluster, `workers` at a time, by default one per core that the cluster gave us."""

    def __init__(self, dsn: str, workers: int | None, master: str | None, conf: Mapping[str, str]) -> None:
        self._dsn = complete(dsn)
        self._stopped = threading.Event()
        check_master(master)
        check_reach(self._dsn, master)
        with spark_errors(), ExitStack() as at_the_end:
            folder = at_the_end.enter_context(TemporaryDirectory(prefix="sparkify-"))
            self._session = start_session(master, conf)
            at_the_end.callback(self._session.stop)
            check_reach(self._dsn, self._session.conf.get("spark.master"))
            ship_package(self._session, folder)
            self._wait_for_an_executor()
            self.workers = workers or int(self._session.sparkContext.defaultParallelism)
            self._at_the_end = at_the_end.pop_all()

    def _wait_for_an_executor(self) -> None:
        """Fail early if executors cannot do the work. Spark itself says nothing while it has none."""
        waiting = threading.Timer(_FIRST_TASK, _log.warning, [_WAITS, self._session.conf.get("spark.master")])
        waiting.daemon = True
        waiting.start()
        self.workers = 1
        try:
            # In another thread, so that Ctrl-C cancels the task: py4j would log a traceback.
            list(self._side_by_side(_probe, [self._dsn]))
        finally:
            waiting.cancel()

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; returns the results in the order of the ranges."""
        found = dict(self._side_by_side(survey, ranges))
        return [found[number] for number in range(len(ranges))]

    def stage(self, run_id: int, planned_at: float, batches: list[Batch]) -> Iterator[StagedBatch]:
        """Stage the batches of a run; yields the result of each when it is done.

        Raises:
            SparkifyError: Spark gave up; what was staged is kept.
            psycopg.Error: PostgreSQL failed an executor.
        """
        work = partial(_stage, self._dsn, run_id, planned_at)
        for number, staged in self._side_by_side(work, batches):
            yield replace(staged, number=number)

    def _side_by_side(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if not items:
            return
        pool = ThreadPoolExecutor(min(self.workers, len(items)), thread_name_prefix="sparkify")
        try:
            jobs = {pool.submit(self._run, work, item): number for number, item in enumerate(items)}
            for job in as_completed(jobs):
                yield jobs.pop(job), job.result()
        except BaseException:
            # After an error or Ctrl-C, cancel the other batches.
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            self._session.interruptTag(_TAG)
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Have an executor do some work; returns its result."""
        from pyspark.sql.functions import udf  # noqa: PLC0415  the extra may not be installed

        def sparkify(_: int) -> bytes:
            from sparkify.engines.spark.task import outcome  # noqa: PLC0415

            return outcome(work, *arguments)

        if self._stopped.is_set():
            raise GivenUp
        with spark_errors():
            self._session.addTag(_TAG)  # of this thread
            # The work travels in the task's code, so that no password shows in Spark's settings and plans.
            # Arrow is off because it would need pandas.
            column = udf(sparkify, "binary", useArrow=False).asNondeterministic()("id")
            ((said,),) = self._session.range(0, 1, 1, 1).select(column).collect()
        done = pickle.loads(said)  # noqa: S301  our own program pickled it
        if isinstance(done, Exception):
            raise done
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._at_the_end.close()


def _probe(dsn: str) -> None:
    """Reach PostgreSQL. An executor that gets here has imported what every load needs."""
    from sparkify.engines.spark.task import reach  # noqa: PLC0415

    reach(dsn, _PROBE_SECONDS)


def _stage(dsn: str, run_id: int, planned_at: float, batch: Batch) -> StagedBatch:
    from sparkify.engines.spark.task import stage  # noqa: PLC0415

    return stage(dsn, run_id, planned_at, batch)
