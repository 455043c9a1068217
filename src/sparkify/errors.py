"""The errors that users see, split by what they can do about them.

A message names the file, table or setting concerned and says what to do. None contains a password.
"""

import re
from typing import Final


class SparkifyError(Exception):
    """The command could not do what was asked. The message says why and what to do."""


class UsageError(SparkifyError):
    """The arguments or settings contradict each other or are wrong; nothing was changed."""


class ConnectionFailed(SparkifyError):
    """No PostgreSQL could be reached, or it refused us."""


class NoWarehouse(SparkifyError):
    """There is no database of this name, or no warehouse in it."""

    def __init__(
        self, message: str = "There is no warehouse in this database yet. Load one: sparkify etl DATA"
    ) -> None:
        super().__init__(message)


class StorageFailed(SparkifyError):
    """The object storage with the input could not be reached, or refused us."""


class GivenUp(SparkifyError):
    """The rest of the work was given up."""

    def __init__(self, message: str = "Another batch failed, or somebody ended the run.") -> None:
        super().__init__(message)


class ServerError(SparkifyError):
    """The embedded PostgreSQL could not be created, started or stopped."""


class OutputFailed(SparkifyError):
    """Standard output could not be written; the cause is the `OSError`."""


_LACKS_MEMORY: Final = re.compile(
    "out of memory|can(?:no|')t allocate|bad_?alloc|can't start new thread|failed to launch worker thread"
    "|failed to map segment",
    re.IGNORECASE,
)
"""How libpq, Arrow, Python's threads and the system report a lack of memory, besides MemoryError."""


def lacks_memory(error: BaseException | str) -> bool:
    """Whether an error, or its text, says that there is too little memory."""
    return isinstance(error, MemoryError) or _LACKS_MEMORY.search(str(error)) is not None
