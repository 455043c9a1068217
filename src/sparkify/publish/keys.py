"""Make the keys of empty tables after they are filled: together they take a quarter of the time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.queries import queries

_sql: Final = queries("publish/keys")
_NOT_OURS_ALONE: Final = (
    psycopg.errors.LockNotAvailable,  # somebody reads or loads
    psycopg.errors.DependentObjectsStillExist,  # a view or another table needs a key
    psycopg.errors.InsufficientPrivilege,
)


@contextmanager
def keys_made_last(
    connection: Connection[Any], tables: Sequence[sql.Identifier], referring: sql.Identifier
) -> Iterator[bool]:
    """Drop the keys and indexes of tables during the block, and make them again at its end.

    The foreign keys of the table `referring` to them are dropped and made, too. All tables stay locked until
    the transaction ends. Yields false, and changes nothing, if one of the tables has rows, if somebody uses
    one now, or if something else depends on a key: nobody must wait for keys, or lose one.
    """
    try:
        with connection.transaction():
            keys = _drop_keys(connection, tables, referring)
    except _NOT_OURS_ALONE:
        keys = None
    yield keys is not None
    for statement in keys or []:
        connection.execute(statement)


def _drop_keys(
    connection: Connection[Any], tables: Sequence[sql.Identifier], referring: sql.Identifier
) -> list[Any] | None:
    """Lock the tables and drop their keys; returns the statements that make them, None if there are rows."""
    names = {
        "tables": sql.SQL(", ").join(tables),
        "referring": referring,
        "names": sql.Literal([table.as_string() for table in tables]),
        "referring_name": sql.Literal(referring.as_string()),
    }
    connection.execute(sql.SQL(_sql["lock"]).format(**names))
    for table in (*tables, referring):
        if connection.execute(sql.SQL(_sql["any_row"]).format(table=table)).fetchone():
            return None
    keys = connection.execute(sql.SQL(_sql["keys"]).format(**names)).fetchall()
    for drop, _ in keys:
        connection.execute(drop)
    return [make for _, make in reversed(keys)]
