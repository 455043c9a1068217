"""The local engine: batches are staged by threads of this process.

Threads, not processes: DuckDB, the encoder and libpq do their work outside the interpreter's lock, and one process has
one set of libraries in memory and one end.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from sparkify.extract.batches import Batch, Range, Survey, survey
from sparkify.report import Staged

if TYPE_CHECKING:
    from sparkify.load.stage import Stager


class Engine:
    """Stages the batches of one run with up to `workers` threads, each with a connection of its own."""

    def __init__(self, dsn: str, run_id: int, planned_at: float, workers: int) -> None:
        self._dsn, self._run_id, self._planned_at = dsn, run_id, planned_at
        self._workers = workers

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; gives what was found in their order."""
        if len(ranges) <= 1 or self._workers == 1:
            return [survey(each) for each in ranges]
        with ThreadPoolExecutor(min(self._workers, len(ranges)), thread_name_prefix="sparkify") as pool:
            return list(pool.map(survey, ranges))

    def stage(self, batches: list[Batch]) -> Iterator[Staged]:
        """Stage the batches and give what each came to, as they are done."""
        if len(batches) <= 1 or self._workers == 1:
            yield from self._stage_here(batches)
        else:
            yield from self._stage_in_threads(batches)

    def _make(self) -> "Stager":
        from sparkify.load.stage import Stager  # noqa: PLC0415  DuckDB and Arrow only when there is work

        return Stager(self._dsn, self._run_id, self._planned_at)

    def _stage_here(self, batches: list[Batch]) -> Iterator[Staged]:
        if not batches:
            return
        stager = self._make()
        try:
            for number, batch in enumerate(batches):
                yield replace(stager.stage(batch), number=number)
        finally:
            stager.close()

    def _stage_in_threads(self, batches: list[Batch]) -> Iterator[Staged]:
        mine = threading.local()
        stagers: list[Stager] = []
        stopped = threading.Event()

        def stage(number: int, batch: Batch) -> Staged:
            if not hasattr(mine, "stager"):
                mine.stager = self._make()
                stagers.append(mine.stager)
            stager: Stager = mine.stager
            if stopped.is_set():  # while it was made
                stager.cancel()
            return replace(stager.stage(batch), number=number)

        pool = ThreadPoolExecutor(min(self._workers, len(batches)), thread_name_prefix="sparkify")
        try:
            pending: set[Future[Staged]] = {
                pool.submit(stage, number, batch) for number, batch in enumerate(batches)
            }
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BaseException:
            # One batch failed, or Ctrl-C: the others need not go on, nor be waited for by the server.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for stager in stagers:
                stager.cancel()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            for stager in stagers:
                stager.close()
