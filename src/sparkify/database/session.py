"""Retry transient server errors for up to two minutes; of a failed attempt at most ten seconds count.

A unit of work is one transaction, or several that each check whether they are done already. So a retry is
harmless if a COMMIT succeeded and only its answer was lost.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import psycopg
from psycopg import Connection, pq

from sparkify.database.connection import connect
from sparkify.errors import ConnectionFailed, lacks_memory
from sparkify.patience import pauses, say
from sparkify.server import revive

RETRY_SECONDS: Final = 120.0
"""Seconds without success until we give up: a server takes a while to recover from a crash."""

MOST_OF_WORK: Final = 10.0
"""Seconds that a failed attempt with a connection counts at most. A publication may fail after half an hour
and must still be retried; but if it crashes the server each time, about ten attempts are enough."""

_BETWEEN_CANCELS: Final = 0.05
"""Seconds between two attempts to cancel a statement."""

_ONLY_CANCELLED: Final = 1.0
"""Seconds in which statements are only cancelled."""

_TRANSIENT: Final = frozenset(
    (
        "40001",  # serialization failure
        "40P01",  # deadlock
        "57P01",  # the server is stopped, or an administrator has ended the session
        "57P02",  # the server has crashed
        "57P03",  # it accepts no connections: it is starting or stopping
    )
)
Given = ParamSpec("Given")
Result = TypeVar("Result")


def is_transient(error: psycopg.Error | ConnectionFailed) -> bool:
    """Whether an error is transient: transactions were in each other's way, or the connection is lost."""
    if isinstance(error, ConnectionFailed):
        return not lacks_memory(error)
    state = error.sqlstate
    if state is None:  # from libpq itself: the server is gone, or there is too little memory
        return isinstance(error, psycopg.OperationalError) and not lacks_memory(error)
    return state in _TRANSIENT or state.startswith("08")


class Session:
    """A connection to the database `dsn` that is opened again when it is lost."""

    def __init__(self, dsn: str, connection: Connection[Any] | None = None) -> None:
        self.dsn = dsn
        self.given_up = threading.Event()
        """Set when another thread does not want the work any more."""
        self._connection = connection

    @property
    def connection(self) -> Connection[Any]:
        """The connection, opened when it is first needed, so that `run` retries that, too."""
        if self._connection is None:
            self._connection = connect(self.dsn)
        return self._connection

    def run(
        self,
        work: Callable[Concatenate[Connection[Any], Given], Result],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Result:
        """Do some work with the connection, and retry it while its errors are transient.

        If the embedded server was killed, this starts it again.

        Raises:
            psycopg.Error: the error is not transient, or has lasted for too long.
            ConnectionFailed: the server does not come back, or refuses connections.
            ServerError: the embedded server was killed and cannot be started again.
        """
        spent, refused, waits = 0.0, 0, pauses()
        while True:
            begun, connected = time.monotonic(), False
            try:
                if self._connection and self._connection.closed:
                    self._connection = None
                connection = self.connection
                connected = True
                return work(connection, *given, **named)
            except (psycopg.Error, ConnectionFailed) as error:
                took = time.monotonic() - begun
                close_if_stuck(self._connection)
                # Work may open a connection of its own, and fail to: that is lost work, too.
                spent += min(took, MOST_OF_WORK) if connected else took
                if isinstance(error, ConnectionFailed):
                    # The server may have come back just after the connection failed: two refusals are final.
                    refused = refused + 1 if _answers(self.dsn) else 0
                if not is_transient(error) or refused > 1 or spent > RETRY_SECONDS:
                    raise
                if self.given_up.is_set():
                    raise
                if not refused:
                    say("PostgreSQL", _what(error), RETRY_SECONDS)
                if isinstance(error, ConnectionFailed):
                    revive(self.dsn)
            pausing = next(waits)
            self.given_up.wait(pausing)
            spent += pausing

    def give_up(self) -> None:
        """Stop retrying; may be called from another thread."""
        self.given_up.set()

    def cancel(self, *, for_good: bool = False) -> None:
        """Stop retrying, and cancel the running statement, or end the connection `for_good`.

        May be called from another thread.
        """
        self.give_up()
        if connection := self._connection:
            cancel(connection, timeout=1.0, for_good=for_good)

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()


def close_if_stuck(connection: Connection[Any] | None) -> None:
    """Close a connection that is not idle after an error, so that the next attempt opens another.

    If psycopg finds its socket closed before libpq does, libpq waits for the answer to the last command, and
    refuses every later one.
    """
    if connection and connection.info.transaction_status != pq.TransactionStatus.IDLE:
        connection.close()


def cancel(connection: Connection[Any], timeout: float, *, for_good: bool) -> None:
    """Cancel the statement of a connection that another thread uses, or end the connection `for_good`."""
    with suppress(psycopg.Error, OSError, MemoryError):
        if for_good:
            with socket.socket(fileno=os.dup(connection.fileno())) as ended:
                ended.shutdown(socket.SHUT_RDWR)
        else:
            connection.cancel_safe(timeout=timeout)


def cancel_until_done(work: Collection[Future[Any]], cancel: Callable[..., None]) -> None:
    """Call `cancel` until work in other threads ends: between statements or without memory, it has no effect.

    After a second, call it with ``for_good``: if libpq lacked memory for the server's answer to COPY, it
    waits for the answer, and the server waits for rows, which a cancel does not end.
    """
    begun = time.monotonic()
    while not all(each.done() for each in work):
        cancel(for_good=time.monotonic() - begun > _ONLY_CANCELLED)
        time.sleep(_BETWEEN_CANCELS)  # concurrent.futures.wait() would need memory


def _answers(dsn: str) -> bool:
    return pq.PGconn.ping(dsn.encode()) == pq.Ping.OK


def _what(error: psycopg.Error | ConnectionFailed) -> str:
    said = str(error)
    if isinstance(error, psycopg.Error):
        said = f"PostgreSQL: {error.diag.message_primary or said}"
    return " ".join(said.split()).rstrip(".")
