"""Keep the books: how many rows the star has, and what became of each file's lines."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from psycopg import Connection

from sparkify.database.queries import queries

_sql: Final = queries("publish/books")

Duplicates = tuple[int, int]
"""A file_id, and how many more of its plays are duplicates; fewer if negative."""


def add_rows(connection: Connection[Any], table: str, rows: int) -> None:
    """Add to the row count of a table of the star, or to `matched`, the count of plays that have a song."""
    if rows:
        connection.execute(_sql["add_rows"], [rows, table])


def move_to_duplicates(connection: Connection[Any], run_id: int, duplicates: Iterable[Duplicates]) -> None:
    """Move plays of the files that a run is publishing from loaded to duplicates."""
    for file_id, count in duplicates:
        values = {"file_id": file_id, "count": count, "run_id": run_id}
        connection.execute(_sql["move_to_duplicates"], values)


def move_loaded_to_duplicates(
    connection: Connection[Any], month: date, duplicates: Iterable[Duplicates]
) -> None:
    """Move a month's plays from loaded to duplicates: the warehouse now has them from another file."""
    for file_id, count in duplicates:
        values = {"file_id": file_id, "count": count, "month": month}
        connection.execute(_sql["move_loaded_to_duplicates"], values)
