"""Keep the books: how many rows the star has, and what became of the lines of each file."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries

_sql: Final = queries("publish/books")

Duplicates = tuple[int, int]
"""A file_id, and how many of its plays turn out to be duplicates: fewer than before when negative."""


def add_rows(connection: Connection[Any], table: str, rows: int) -> None:
    """Note that a table of the star has so many more rows; `matched` counts the plays that have a song."""
    if rows:
        connection.execute(_sql["add_rows"], [rows, table])


def move_to_duplicates(connection: Connection[Any], run_id: int, duplicates: Iterable[Duplicates]) -> None:
    """Count plays of files that a run is publishing as duplicates, not as loaded."""
    for file_id, count in duplicates:
        values = {"file_id": file_id, "count": count, "run_id": run_id}
        connection.execute(_sql["move_to_duplicates"], values)


def move_loaded_to_duplicates(
    connection: Connection[Any], month: date, duplicates: Iterable[Duplicates]
) -> None:
    """Count loaded plays of a month as duplicates: the warehouse now has them from another file."""
    for file_id, count in duplicates:
        values = {"file_id": file_id, "count": count, "month": month}
        connection.execute(_sql["move_loaded_to_duplicates"], values)
