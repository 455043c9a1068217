"""Set planner switches for one statement.

The planner sometimes misjudges a join by orders of magnitude, and then a switch such as ``enable_nestloop``
makes seconds out of minutes. Such a switch must not outlive the statement that needs it: the next one would
be planned badly.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from sparkify.database.queries import queries


@contextmanager
def planner(connection: Connection[Any], **settings: str) -> Iterator[None]:
    """Set server settings during the block, and put the earlier values back at its end.

    The settings last for the present transaction at most; a connection that is in none gets one for the
    block. When a statement in the block fails, rolling back its transaction or savepoint restores the
    settings.

        with planner(connection, enable_nestloop="off"):
            connection.execute(query)

    Raises:
        psycopg.Error: the server does not know a setting, or does not accept a value.
    """
    # No savepoint inside a transaction: rows written in one get an xmin of their own, by which publication
    # tells chunks apart.
    is_idle = connection.info.transaction_status == TransactionStatus.IDLE
    with connection.transaction() if is_idle else nullcontext():
        before = _switch(connection, settings)
        try:
            yield
        finally:
            # After an error the server takes no statement until the rollback, which restores the settings
            # itself.
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                _switch(connection, before)


def _switch(connection: Connection[Any], settings: dict[str, str]) -> dict[str, str]:
    """Set settings until the transaction ends; gives the values that they had."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(queries("database/session")["switch"], [list(settings), list(settings.values())])
        return dict(cursor.fetchall())
