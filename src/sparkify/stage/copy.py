"""Copy rows into tables by binary COPY, the fastest way into PostgreSQL."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection, sql


def copy_bytes(connection: Connection[Any], target: sql.Identifier, data: bytes) -> None:
    """Copy rows that are in PostgreSQL's binary format already, columns in the order of the target's."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(target)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(memoryview(data))  # psycopg cuts it, which would copy bytes


def copy_rows(
    connection: Connection[Any],
    target: sql.Identifier,
    columns: dict[str, str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Copy Python rows. `columns` maps the names of the target's columns to their PostgreSQL types."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        target, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
