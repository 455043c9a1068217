"""Patience with the server: work that failed for a reason that passes is done again, for a while; no other is.

Such work is one transaction, or several of which each finds out whether it has been done already. So it does no harm
when a COMMIT had succeeded and only its answer was lost.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import psycopg
from psycopg import Connection, pq

from sparkify.database.connection import connect
from sparkify.errors import ConnectionFailed

RETRY_SECONDS: Final = 120.0
"""Seconds from the first failure until it is final: a server that recovers from a crash takes a while."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds. Each pause is about twice the one before, and none is like another's: they shall not all come back at once."""

QUIET: Final = 10.0
"""Seconds in which what several workers meet is said once."""

_PASSES: Final = frozenset(
    (
        "40001",  # serialization failure
        "40P01",  # deadlock
        "57P01",  # the server is stopped, or an administrator has ended the session
        "57P02",  # the server has crashed
        "57P03",  # it does not take connections yet, or any more
    )
)
_log: Final = logging.getLogger("sparkify")
_said = [0.0]

Given = ParamSpec("Given")
Result = TypeVar("Result")


def passes(error: psycopg.Error | ConnectionFailed) -> bool:
    """Whether an error is one that passes: of two transactions in each other's way, or of a connection that is lost."""
    if isinstance(error, ConnectionFailed):
        return True
    state = error.sqlstate
    if state is None:  # libpq's own: there is no server at the other end any more
        return isinstance(error, psycopg.OperationalError)
    return state in _PASSES or state.startswith("08")


class Session:
    """A connection that is made anew when it was lost."""

    def __init__(self, dsn: str, connection: Connection[Any] | None = None) -> None:
        self._dsn = dsn
        self._given_up = threading.Event()
        self.connection = connection or connect(dsn)

    def run(
        self,
        work: Callable[Concatenate[Connection[Any], Given], Result],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Result:
        """Do the work with the connection; again, as long as what goes wrong may pass.

        Raises:
            psycopg.Error: it went wrong in another way, or for too long.
            ConnectionFailed: the server does not come back, or does not want us any more.
        """
        since: float | None = None
        pause, refused = FIRST_PAUSE, 0
        while True:
            try:
                if self.connection.closed:
                    self.connection = connect(self._dsn)
                return work(self.connection, *given, **named)
            except (psycopg.Error, ConnectionFailed) as error:
                since = since or time.monotonic()
                if isinstance(error, ConnectionFailed):
                    # It may have come back just after it did not answer; but when it answers, it means what it says.
                    refused = refused + 1 if _answers(self._dsn) else 0
                if not passes(error) or refused > 1 or time.monotonic() - since > RETRY_SECONDS:
                    raise
                if self._given_up.is_set():
                    raise
                _say(error)
            self._given_up.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)

    def give_up(self) -> None:
        """Try nothing again; may be called from another thread."""
        self._given_up.set()

    def cancel(self) -> None:
        """Give up what is being done; may be called from another thread."""
        self.give_up()
        with suppress(psycopg.Error):  # it is lost already
            self.connection.cancel_safe(timeout=1.0)

    def close(self) -> None:
        """Give the connection back."""
        self.connection.close()


class Helper:
    """A second connection for a part of some work: opened when it is needed, done without where none is to be had."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection[Any] | None = None

    @contextmanager
    def meanwhile(
        self,
        connection: Connection[Any],
        work: Callable[Concatenate[Connection[Any], Given], object],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Iterator[None]:
        """Do some work during the block, once; or, without a second connection, with the given one at the block's end.

        What goes wrong with the work is raised when the block ends; what goes wrong in the block ends the work, too.
        """
        try:
            self._connection = connect(self._dsn)
        except ConnectionFailed:
            yield
            work(connection, *given, **named)
            return
        with self._connection, ThreadPoolExecutor(1, thread_name_prefix="sparkify-helper") as thread:
            done = thread.submit(work, self._connection, *given, **named)
            try:
                yield
                done.result()
            except BaseException:
                while not done.done():  # a statement is cancelled, and the next may have begun
                    self.cancel()
                    wait([done], timeout=0.1)
                raise

    def cancel(self) -> None:
        """Let what it is doing fail; may be called from another thread."""
        if self._connection:
            with suppress(psycopg.Error):  # it is lost already, or closed
                self._connection.cancel_safe(timeout=1.0)


def _answers(dsn: str) -> bool:
    return pq.PGconn.ping(dsn.encode()) == pq.Ping.OK


def _say(error: psycopg.Error | ConnectionFailed) -> None:
    if time.monotonic() - _said[0] < QUIET:
        return
    _said[0] = time.monotonic()
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    _log.warning(
        "sparkify: PostgreSQL: %s. Trying again, for up to %.0f seconds.",
        " ".join((said or str(error)).split()).rstrip("."),
        RETRY_SECONDS,
    )
