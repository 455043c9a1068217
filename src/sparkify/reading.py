"""The connection that a question is asked over."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from psycopg import Connection

from sparkify.connection import explained, resolve
from sparkify.create_tables import open_existing

Where = str | Connection[Any] | None
"""Where the warehouse is: a connection string, None for the usual one, or an open connection in autocommit mode. Who asks much
is answered quicker over one connection: a new one does not know the tables yet, nor has it touched the memory that they are in."""


@contextmanager
def reader(dsn: Where) -> Iterator[Connection[Any]]:
    """The connection for a question: the one that is given, which stays open, or one of its own.

    Raises:
        SparkifyError: no server, no warehouse or one of another version, or what the server said.
    """
    with (
        explained(),
        nullcontext(dsn) if isinstance(dsn, Connection) else open_existing(resolve(dsn)) as connection,
    ):
        yield connection
