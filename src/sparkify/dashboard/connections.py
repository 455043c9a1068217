"""Connections that wait for the next question of the dashboard."""

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
"""So many questions a page asks at once: a server has few connections, and few processors. And so many of them wait for the next
question, or a few more when several are given back at one moment."""

_waiting: Final[list[tuple[str, Connection[Any]]]] = []


@contextmanager
def borrowed(dsn: str) -> Iterator[Connection[Any]]:
    """One that another question has given back, or a new one; given back when it is in order.

    Raises:
        SparkifyError: no server can be reached, or the warehouse is of another version by now.
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
            # The server has ended it when it waited too long, and when all were ended.
            with suppress(psycopg.OperationalError):
                if reached == dsn:
                    refuse_other(connection)
                    unless_taken.pop_all()
                    return connection
