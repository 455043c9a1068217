"""How a question is asked: over which connection, and how its rows are fetched."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.abc import QueryNoTemplate
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from sparkify.connection import explained, resolve
from sparkify.create_tables import open_existing
from sparkify.errors import UsageError

Row = dict[str, Any]

DsnOrConnection = str | Connection[Any] | None
"""Where the warehouse is: a connection string, None for the usual one, or an open connection to a warehouse of this version, as
`sparkify.create_tables.open_existing` gives: in autocommit mode, names found in ``public``; of one thread at a time. Who asks much is
answered quicker over one connection: a new one does not know the tables yet, nor has it touched the memory that they are in."""


@contextmanager
def reader(dsn: DsnOrConnection) -> Iterator[Connection[Any]]:
    """The connection for a question: the one that is given, which stays open, or one of its own.

    Raises:
        UsageError: the one that is given is closed, or in a transaction, or would begin one: what is set for one question would
            hold for those that follow.
        SparkifyError: no server, no warehouse or one of another version, or what the server said.
    """
    with explained(asking=True):
        if not isinstance(dsn, Connection):
            with open_existing(resolve(dsn)) as connection:
                yield connection
        elif dsn.autocommit and dsn.info.transaction_status == TransactionStatus.IDLE:
            yield dsn
        else:
            raise UsageError("Questions need an open connection, in autocommit mode and in no transaction.")


def rows(
    connection: Connection[Any],
    query: QueryNoTemplate,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
) -> list[Row]:
    """The rows of a query. It is never prepared, however often it is asked: one plan for all parameters is bad for most."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters, prepare=False).fetchall()
