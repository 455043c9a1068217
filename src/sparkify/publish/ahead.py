"""Publish months while later ones are still being staged.

Log files mostly arrive in order of time. Once the batches have passed a month, it is probably complete, and
its keys can be built while later months are read. If more of its plays arrive after all, the run inserts them
at its end: that costs time and nothing else.
"""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date
from types import TracebackType
from typing import Self

from sparkify.database.session import Session, cancel_until_done
from sparkify.publish.background import Background
from sparkify.publish.listening import summarize_indexes
from sparkify.publish.months import publish_month
from sparkify.report import Progress, StagedBatch
from sparkify.stage.failed import left_for_later
from sparkify.transform.sessions import Sessions


class MonthsAhead:
    """Publishes the months of a run that seem complete, in a thread, until the block ends.

    Publishing a month keeps one processor busy. A load of 1.1 million plays in four months that published
    only at its end spent 43 % of its time on that, with the other processors idle. On a machine that other
    programs keep busy, publishing ahead gains nothing.
    """

    def __init__(self, dsn: str, run_id: int, progress: Progress, sessions: Sessions) -> None:
        self._session = Session(dsn)
        self._background = Background(dsn)
        self._run_id = run_id
        self._progress = progress
        self._sessions = sessions
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sparkify-publish")
        self._published: dict[date, Future[None]] = {}
        self._last_batch: dict[date, int] = {}  # by month: the last batch with events of it
        self._staged: set[int] = set()
        self._reached = 0  # all batches before this one are staged
        self._in_order = True

    def staged(self, batch: StagedBatch) -> None:
        """Note that a batch is staged, and publish the months that later batches have passed.

        If many sessions are kept by now, wait while a month is being published; otherwise another might not
        fit, and PostgreSQL would have to count it.

        If plays arrive for a month that is already published, the files are not in order of time, and no more
        months are published ahead.

        Raises:
            psycopg.Error: publishing a month failed for another reason than its data.
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
        while True:
            at_work = []
            for published in self._published.values():
                if published.done():
                    published.result()
                else:
                    at_work.append(published)
            if not (at_work and self._sessions.are_many):
                break
            wait(at_work, return_when=FIRST_COMPLETED)

    def _publish(self, month: date) -> None:
        self._progress.publishing(f"{month:%B %Y}")
        with left_for_later():
            self._session.run(
                publish_month,
                self._run_id,
                month,
                ahead=True,
                sessions=self._sessions,
                background=self._background,
            )
            self._session.run(summarize_indexes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        submitted = self._published.values()
        try:
            if error is None:
                wait(submitted)
        finally:  # also if Ctrl-C ends the wait
            if not all(published.done() for published in submitted):
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._session.cancel()
                self._background.close()
                cancel_until_done(submitted, self._session.cancel)
            self._pool.shutdown()
            self._session.close()
            self._background.close()
        if error is None:
            for published in submitted:
                published.result()
