"""Open an existing warehouse and read from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection
from psycopg.abc import QueryNoTemplate
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from sparkify.database.connection import (
    connect,
    database_is_missing,
    database_name,
    refuse_encoding,
    resolve,
    server_errors,
)
from sparkify.database.version import refuse_other, version_of
from sparkify.errors import ConnectionFailed, NoWarehouse, UsageError
from sparkify.server.names import SAMPLE_DATABASE

Row = dict[str, Any]

_TO_SAMPLE: Final = f'add --dsn "$(sparkify db url {SAMPLE_DATABASE})"'


class Rows(list[Row]):
    """Rows, with the names of their columns: an answer without a row has columns, too."""

    def __init__(self, found: Iterable[Row], columns: Sequence[str]) -> None:
        super().__init__(found)
        self.columns = columns

    def having(self, name: str) -> "Rows":
        """The rows with a value in this column."""
        return Rows((row for row in self if row[name] is not None), self.columns)

    def without(self, name: str) -> "Rows":
        """The rows without this column."""
        columns = [column for column in self.columns if column != name]
        return Rows(({column: row[column] for column in columns} for row in self), columns)


def column_names(found: Sequence[Row]) -> Sequence[str]:
    """The names of the columns of rows; none for a plain list without rows."""
    return found.columns if isinstance(found, Rows) else list(found[0]) if found else []


DsnOrConnection = str | Connection[Any] | None
"""A warehouse: a connection string, None for the usual one, or an open connection such as `open_existing`
returns: in autocommit mode, with table names found in ``public``, used by one thread at a time. Many
questions are faster over one connection: a new backend must first read the catalog and map the memory that
the tables are in."""


def open_existing(dsn: str, *, for_questions: bool = True) -> Connection[Any]:
    """Connect to an existing warehouse of this program's version; `for_questions` as for `connect`.

    Raises:
        ConnectionFailed: no server.
        NoWarehouse: there is no database, or no warehouse in it.
        UsageError: the warehouse is newer or older than this program, or its database is not in UTF-8.
    """
    try:
        connection = connect(dsn, for_questions=for_questions)
    except ConnectionFailed:
        refuse_missing(dsn)
        raise
    try:
        refuse_encoding(connection)
        refuse_other(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_missing(dsn: str, *, to_sample: str = _TO_SAMPLE) -> None:
    """Refuse a database that the server lacks; `to_sample` says how to get to the sample, if that is there.

    Raises:
        NoWarehouse: the server answers but has no database of the name in `dsn`.
    """
    if not database_is_missing(dsn):
        return
    said = f"There is no database {database_name(dsn)} yet. Load your data: sparkify etl DATA"
    if not database_is_missing(make_conninfo(dsn, dbname=SAMPLE_DATABASE)):
        said += f". The made-up sample is in another database: {to_sample}"
    raise NoWarehouse(said) from None


def has_warehouse(dsn: str) -> bool:
    """Whether the database that `dsn` names exists and has a warehouse.

    Raises:
        ConnectionFailed: the server cannot be reached.
    """
    if database_is_missing(dsn):
        return False
    with connect(dsn) as connection:
        return version_of(connection) is not None


@contextmanager
def reader(dsn: DsnOrConnection) -> Iterator[Connection[Any]]:
    """Yield a connection for a question: the given one, which stays open, or a new one, which is closed.

    Raises:
        UsageError: the given connection is closed, in a transaction, or not in autocommit mode. Then settings
            for one question would hold for the next.
        SparkifyError: no server, no warehouse, one of another version, or an error of the server.
    """
    with server_errors(asking=True):
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
) -> Rows:
    """The rows of a query. It is never prepared: one plan would be bad for most parameters."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, parameters, prepare=False).fetchall()
        return Rows(found, [column.name for column in cursor.description or ()])
