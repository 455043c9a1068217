"""Publish months while later ones are still being staged.

Log files mostly come in the order of time, so a month that the batches have left behind is probably complete, and its keys are
made while the next months are read. Where that turns out wrong nothing is lost, only time: what comes later for such a
month is inserted into it.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from types import TracebackType
from typing import Self

from sparkify.database.session import Helper, Session
from sparkify.publish.months import publish_month
from sparkify.report import Progress, Staged
from sparkify.stage.failed import left_for_later


class MonthsAhead:
    """Publishes the months of a run that seem complete, in a thread of its own, until the block ends."""

    def __init__(self, dsn: str, run_id: int, progress: Progress, helper: Helper) -> None:
        self._session = Session(dsn)
        self._helper = helper
        self._run_id = run_id
        self._progress = progress
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sparkify-publish")
        self._published: dict[date, Future[None]] = {}
        self._last_batch: dict[date, int] = {}  # of those that have plays of a month
        self._staged: set[int] = set()
        self._reached = 0  # all batches before this one are staged
        self._in_order = True

    def staged(self, batch: Staged) -> None:
        """A batch is staged: publish the months that lie behind the last of the batches staged so far without a gap.

        Raises:
            psycopg.Error: an earlier month could not be published, and not for a reason in its data.
        """
        for month in batch.months:
            self._last_batch[month] = max(batch.number, self._last_batch.get(month, 0))
            self._in_order &= month not in self._published
        self._staged.add(batch.number)
        while self._reached in self._staged:
            self._reached += 1
        for month, last in sorted(self._last_batch.items()):
            if self._in_order and last < self._reached - 1 and month not in self._published:
                self._published[month] = self._pool.submit(self._publish, month)
        for published in self._published.values():
            if published.done():
                published.result()

    def _publish(self, month: date) -> None:
        self._progress.publishing(f"{month:%B %Y}")
        with left_for_later():
            self._session.run(publish_month, self._run_id, month, helper=self._helper, wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error:
            self._session.cancel()
            self._helper.cancel()
        self._pool.shutdown(cancel_futures=error is not None)
        self._session.close()
        if error is None:
            for published in self._published.values():
                published.result()
