"""Work on a staged month over a second connection, while the first one publishes the month.

Publishing keeps one processor busy, and after the last batch the others have nothing to do. So another
connection freezes staged plays, makes keys of staged tables, and counts rollups from them, before the
publication needs them. Readers see nothing of it.
"""

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import Connection

from sparkify.database.advice import described
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.database.session import cancel, cancel_until_done, close_if_stuck
from sparkify.errors import ConnectionFailed

_stage: Final = queries("stage/stage")
_log: Final = logging.getLogger("sparkify")

Work = Callable[[Connection[Any]], None]

_LOCK_TIMEOUT: Final = "1s"
"""A transaction that publishes waits for this work, which PostgreSQL does not know: it could not find a
deadlock between the two and a third session. Work that is not submitted as a whole must not wait for a lock,
if a transaction waits for it."""


class Background:
    """The second connection; it ends with the block, or when it is closed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sparkify-background")
        self._connection: Connection[Any] | None = None
        self._submitted: list[Future[None]] = []
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether there was work for a second connection: little work is done sooner without one."""
        return self._connection is not None

    def submit(self, work: Work, *, as_whole: bool = True) -> Future[None]:
        """Do some work after what was submitted before; `as_whole`, in a transaction of its own."""
        self._submitted.append(self._pool.submit(self._do, work, as_whole=as_whole))
        return self._submitted[-1]

    def _do(self, work: Work, *, as_whole: bool) -> None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._dsn)
            if self._is_closed:
                raise CancelledError
            if not as_whole:
                work(self._connection)
                return
            with self._connection.transaction():
                self._connection.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
                # The publication may have failed: nobody is forgotten while this goes on.
                self._connection.execute(_stage["pass_gate"])
                work(self._connection)
        except (psycopg.Error, ConnectionFailed):
            if self._is_closed:
                raise CancelledError from None
            close_if_stuck(self._connection)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what is not done; a publication that waits for it in another thread ends."""
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        cancel_until_done(self._submitted, self._cancel)
        self._pool.shutdown()
        if self._connection:
            self._connection.close()

    def _cancel(self, *, for_good: bool) -> None:
        if self._connection:
            cancel(self._connection, timeout=0.5, for_good=for_good)


def succeeded(work: Future[None]) -> bool:
    """Wait for submitted work; false if it failed: the publication then does it itself.

    Nothing was kept of work that was submitted as a whole. What else is wrong is wrong in the publication,
    too, and is reported there.

    Raises:
        CancelledError: the second connection was closed.
    """
    try:
        work.result()
    except (psycopg.Error, ConnectionFailed) as error:
        why = described(error) if isinstance(error, psycopg.Error) else error
        _log.debug("sparkify: Work in the background failed, and is done again: %s", why)
        return False
    return True
