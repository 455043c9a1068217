"""The errors that users see, split by what they can do about them.

A message names the file, table or setting concerned and says what to do. None contains a password.
"""


class SparkifyError(Exception):
    """The command could not do what was asked. The message says why and what to do."""


class UsageError(SparkifyError):
    """The arguments or settings contradict each other or are wrong; nothing was changed."""


class ConnectionFailed(SparkifyError):
    """No PostgreSQL could be reached, or it refused us."""


class NoWarehouse(SparkifyError):
    """There is no warehouse in this database yet. Load one: sparkify etl DATA"""


class StorageFailed(SparkifyError):
    """The object storage with the input could not be reached, or refused us."""


class ServerError(SparkifyError):
    """The embedded PostgreSQL could not be created, started or stopped."""


class OutputFailed(SparkifyError):
    """Standard output could not be written; the cause is the `OSError`."""
