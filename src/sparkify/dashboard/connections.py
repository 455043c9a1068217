"""A small pool of connections for the dashboard's questions."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from sparkify.database.connection import server_errors
from sparkify.database.reading import open_existing
from sparkify.database.version import refuse_other

MOST: Final = 4
"""Most questions that a page asks at once: a server has few connections and few processors.

This many connections are kept open, or a few more if several are returned at the same moment.
"""

_waiting: Final[list[tuple[str, Connection[Any]]]] = []


@contextmanager
def borrowed(dsn: str) -> Iterator[Connection[Any]]:
    """A pooled connection, or a new one. It returns to the pool unless the question left a transaction open.

    Raises:
        SparkifyError: no server can be reached, or the warehouse now has another version.
    """
    with server_errors(asking=True):
        connection = _take(dsn) or open_existing(dsn)
    try:
        yield connection
    finally:
        if len(_waiting) < MOST and connection.info.transaction_status == TransactionStatus.IDLE:
            _waiting.append((dsn, connection))
        else:
            connection.close()


def _take(dsn: str) -> Connection[Any] | None:
    while True:
        try:
            reached, connection = _waiting.pop()
        except IndexError:
            return None
        with ExitStack() as unless_taken:
            unless_taken.callback(connection.close)
            # The server may have closed it: it was idle for too long, or all sessions were ended.
            with suppress(psycopg.OperationalError):
                if reached == dsn:
                    refuse_other(connection)
                    unless_taken.pop_all()
                    return connection
