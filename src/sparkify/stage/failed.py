"""Runs that fail: what they have staged cannot be published, and trying again would not help.

Such a run keeps its files, as a held run does, so that later loads go on without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

_IN_DATA: Final = (
    "21",  # a subquery gives more than one row
    "22",  # a value is out of range
    "23",  # a constraint is violated
    "44",  # the CHECK OPTION of a view is violated
    "54",  # a row or an index entry is too large
    "P0",  # somebody's trigger has raised it
)
"""Classes of SQLSTATE for which the data is at fault. The next command finishes what other errors stopped: a lost connection, a full
disk, a lock, a missing privilege, an internal error."""


def lies_in_data(error: psycopg.Error) -> bool:
    """Whether the data that was to be written is at fault."""
    if error.sqlstate is None:  # psycopg's own
        return isinstance(error, psycopg.DataError)
    return error.sqlstate.startswith(_IN_DATA)


@contextmanager
def left_for_later() -> Iterator[None]:
    """For work that is done early or can wait: when data is at fault, leave it to a later attempt."""
    try:
        yield
    except psycopg.Error as error:
        if not lies_in_data(error):
            raise


def described(error: psycopg.Error) -> str:
    """What PostgreSQL said, without the statement and the rows, which are people's data."""
    said = error.diag.message_primary or str(error).partition("\n")[0]
    table = f" (table {error.diag.schema_name}.{error.diag.table_name})" if error.diag.table_name else ""
    return f"PostgreSQL: {said}{table}"


def failure(run_id: int, reason: str) -> str:
    """The message about a failed run."""
    return (
        f"Run {run_id} failed: {reason}. Everything else it read is published; these files are set aside and later loads skip them."
        f" Mend the files and load again; or remove them and run `sparkify runs drop {run_id}`;"
        f" or, if the cause lay elsewhere and is gone, run `sparkify runs release {run_id}`."
    )
