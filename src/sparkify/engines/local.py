"""The local engine stages batches in threads of this process.

Threads suffice, because the compiled core and libpq release the GIL. They share the memory of one process,
and end with it.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Self

from sparkify.database.session import Session, cancel_until_done
from sparkify.extract.batches import Batch, Range, Survey, survey
from sparkify.report import StagedBatch
from sparkify.stage.stager import Stager


class Engine:
    """Stages batches in `workers` threads, by default one per processor, each with its own connection.

    With one worker, or for one batch, it stages in this thread, with the load's own connection.
    """

    def __init__(self, session: Session, workers: int | None = None) -> None:
        self._session = session
        self.workers = workers or os.cpu_count() or 1

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; returns the results in the order of the ranges."""
        if len(ranges) <= 1 or self.workers == 1:
            return [survey(each) for each in ranges]
        with ThreadPoolExecutor(min(self.workers, len(ranges)), thread_name_prefix="sparkify") as pool:
            return list(pool.map(survey, ranges))

    def stage(self, run_id: int, planned_at: float, batches: list[Batch]) -> Iterator[StagedBatch]:
        """Stage the batches of a run; yields the result of each when it is done.

        It begins at most `workers + 1` batches whose results are not taken yet, so whoever takes them sets
        the pace.
        """
        make = partial(Stager, self._session.dsn, run_id, planned_at)
        if len(batches) <= 1 or self.workers == 1:
            yield from self._stage_here(partial(make, session=self._session), batches)
        else:
            yield from self._stage_in_threads(make, batches)

    def _stage_here(self, make: Callable[[], Stager], batches: list[Batch]) -> Iterator[StagedBatch]:
        with closing(make()) as stager:
            for number, batch in enumerate(batches):
                yield replace(stager.stage(batch), number=number)

    def _stage_in_threads(self, make: Callable[[], Stager], batches: list[Batch]) -> Iterator[StagedBatch]:
        mine = threading.local()
        stagers: list[Stager] = []
        stopped = threading.Event()

        def stage(number: int, batch: Batch) -> StagedBatch:
            if not hasattr(mine, "stager"):
                mine.stager = make()
                stagers.append(mine.stager)
            stager: Stager = mine.stager
            if stopped.is_set():  # the others were cancelled before this one existed
                stager.cancel()
            return replace(stager.stage(batch), number=number)

        def cancel(*, for_good: bool) -> None:
            for stager in stagers:
                stager.cancel(for_good=for_good)

        pool = ThreadPoolExecutor(min(self.workers, len(batches)), thread_name_prefix="sparkify")
        pending: set[Future[StagedBatch]] = set()
        try:
            rest = enumerate(batches)
            while True:
                # One is ready for the first worker that is free; if nobody takes results, the workers rest.
                for number, batch in islice(rest, self.workers + 1 - len(pending)):
                    pending.add(pool.submit(stage, number, batch))
                if not pending:
                    break
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BaseException:
            # After an error or Ctrl-C, cancel the other batches, and their statements on the server.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            cancel(for_good=False)  # also a batch that was submitted, but is not pending yet
            cancel_until_done(pending, cancel)
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            for stager in stagers:
                stager.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass
