"""Set server settings for a few statements.

The planner sometimes misjudges a join by orders of magnitude. Then a switch such as ``enable_nestloop`` turns
minutes into seconds. It must not outlive its statements, or the next one would be planned badly.
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
    """Set server settings during the block, and restore the earlier values at its end.

    The settings last for the current transaction at most; a connection outside any transaction gets one for
    the block. If a statement in the block fails, rolling back its transaction or savepoint restores the
    settings.

        with planner(connection, enable_nestloop="off"):
            connection.execute(query)

    Raises:
        psycopg.Error: the server does not know a setting, or does not accept a value.
    """
    # No savepoint inside a transaction: its rows would get an xmin by which publication tells chunks apart.
    is_idle = connection.info.transaction_status == TransactionStatus.IDLE
    with connection.transaction() if is_idle else nullcontext():
        before = _switch(connection, settings, in_transaction=True)
        try:
            yield
        finally:
            # After an error the server accepts only a rollback, which restores the settings.
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                _switch(connection, before, in_transaction=True)


@contextmanager
def session_settings(connection: Connection[Any], **settings: str) -> Iterator[None]:
    """Set server settings of the session during the block. Each statement in it is a transaction of its own.

    The connection must be outside any transaction.

    Raises:
        psycopg.Error: as for `planner`.
    """
    before = _switch(connection, settings, in_transaction=False)
    try:
        yield
    finally:
        if connection.info.transaction_status == TransactionStatus.IDLE:  # not if it is lost
            _switch(connection, before, in_transaction=False)


def _switch(connection: Connection[Any], settings: dict[str, str], *, in_transaction: bool) -> dict[str, str]:
    """Set settings, until the transaction ends or for good; returns their earlier values."""
    given = [list(settings), list(settings.values()), in_transaction]
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(queries("database/session")["switch"], given)
        return dict(cursor.fetchall())
