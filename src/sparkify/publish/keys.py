"""Make the keys of empty tables after they are filled.

For all rows together, keys take a quarter of the time that row by row they take.
"""

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
    psycopg.errors.InsufficientPrivilege,  # somebody else owns a table
)


@contextmanager
def keys_made_last(
    connection: Connection[Any], tables: Sequence[sql.Identifier], referring: sql.Identifier
) -> Iterator[bool]:
    """Drop the keys and indexes of tables during the block, and make them again at its end.

    The foreign keys of the table `referring` to them are dropped and made, too. All tables stay locked until
    the transaction ends. Yields false, and neither changes nor locks anything, if one of the tables has rows,
    if somebody uses one now, if something else depends on a key, or if somebody changed how one is stored:
    nobody must wait for keys, or lose one.
    """
    statements: list[Any] | None = None
    if _are_empty(connection, (*tables, referring)):
        try:
            with connection.transaction() as savepoint:
                statements = _drop_keys(connection, tables, referring)
                if statements is None:
                    raise psycopg.Rollback(savepoint)
        except _NOT_OURS_ALONE:
            statements = None
    yield statements is not None
    for statement in statements or []:
        connection.execute(statement)


def _are_empty(connection: Connection[Any], tables: Sequence[sql.Identifier]) -> bool:
    return not any(
        connection.execute(sql.SQL(_sql["any_row"]).format(table=table)).fetchone() for table in tables
    )


def _drop_keys(
    connection: Connection[Any], tables: Sequence[sql.Identifier], referring: sql.Identifier
) -> list[Any] | None:
    """Lock the tables and drop their keys; returns the statements that make them, None if they must stay."""
    names = {
        "tables": sql.SQL(", ").join(tables),
        "referring": referring,
        "names": sql.Literal([table.as_string() for table in tables]),
        "referring_name": sql.Literal(referring.as_string()),
    }
    connection.execute(sql.SQL(_sql["lock"]).format(**names))
    keys = connection.execute(sql.SQL(_sql["keys"]).format(**names)).fetchall()
    if not _are_empty(connection, (*tables, referring)) or any(is_changed for *_, is_changed in keys):
        return None
    for drop, *_ in keys:
        connection.execute(drop)
    return [make for _, make, _ in reversed(keys)]
