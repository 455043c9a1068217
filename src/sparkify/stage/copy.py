"""Copy rows into tables by binary COPY, the fastest way into PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection, sql

from sparkify.core import _core


def columns_of(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The columns of some rows."""
    return [list(column) for column in zip(*rows, strict=True)]


def copy_bytes(connection: Connection[Any], target: sql.Composable, data: bytes) -> None:
    """Copy rows that are in PostgreSQL's binary format already, columns in the order of the target's."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(target)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(memoryview(data))  # psycopg cuts it, which would copy bytes


def copy_columns(
    connection: Connection[Any], target: sql.Identifier, columns: Mapping[str, tuple[str, object]]
) -> None:
    """Copy Python values. A column has its type, and a list of its values or the one value of every row.

    The types are those of `sparkify.core._core.copy_columns`.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    rows = _core.copy_columns(tuple(columns.values()))
    copy_bytes(connection, sql.SQL("{} ({})").format(target, names), rows)
