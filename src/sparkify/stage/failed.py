"""Failed runs: their staged data cannot be published, and a retry would not help.

Such a run keeps its files, as a held run does, so that later loads go on without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

_IN_DATA: Final = (
    "21",  # a subquery returns more than one row
    "22",  # a value is out of range
    "23",  # a constraint is violated
    "44",  # the CHECK OPTION of a view is violated
    "54",  # a row or an index entry is too large
    "P0",  # a user's trigger raised it
)
"""Classes of SQLSTATE that blame the data. After any other error (a lost connection, a full disk, a lock, a
missing privilege, an internal error) the next command finishes the work."""


def lies_in_data(error: psycopg.Error) -> bool:
    """Whether the error lies in the data that was written."""
    if error.sqlstate is None:  # psycopg raised it, not the server
        return isinstance(error, psycopg.DataError)
    return error.sqlstate.startswith(_IN_DATA)


@contextmanager
def left_for_later() -> Iterator[None]:
    """Leave the block's work to a later attempt if the error lies in the data. For work that can wait."""
    try:
        yield
    except psycopg.Error as error:
        if not lies_in_data(error):
            raise


def failure(run_id: int, reason: str) -> str:
    """The message about a failed run."""
    return (
        f"Run {run_id} failed: {reason}. Everything else it read is published; these files are set aside and"
        f" later loads skip them. Fix the files and load again; or remove them and run"
        f" `sparkify runs drop {run_id}`; or, if the cause lay elsewhere and is gone, run"
        f" `sparkify runs release {run_id}`."
    )
