"""The connection that a question is asked over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from sparkify.connection import explained, resolve
from sparkify.create_tables import open_existing
from sparkify.errors import UsageError

Where = str | Connection[Any] | None
"""Where the warehouse is: a connection string, None for the usual one, or an open connection to a warehouse of this version, as
`sparkify.create_tables.open_existing` gives: in autocommit mode, names found in ``public``. Who asks much is answered quicker over
one connection: a new one does not know the tables yet, nor has it touched the memory that they are in."""


@contextmanager
def reader(dsn: Where) -> Iterator[Connection[Any]]:
    """The connection for a question: the one that is given, which stays open, or one of its own.

    Raises:
        UsageError: the one that is given is in a transaction or would begin one: what is set for one question would hold for
            those that follow.
        SparkifyError: no server, no warehouse or one of another version, or what the server said.
    """
    with explained():
        if not isinstance(dsn, Connection):
            with open_existing(resolve(dsn)) as connection:
                yield connection
        elif dsn.autocommit and dsn.info.transaction_status == TransactionStatus.IDLE:
            yield dsn
        else:
            raise UsageError("Questions need a connection in autocommit mode that is in no transaction.")
