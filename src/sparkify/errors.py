"""What can go wrong, by what one can do about it.

Every message names the file, the table or the setting concerned and says what to do; none holds a password.
"""


class SparkifyError(Exception):
    """The command could not do what was asked. The message says why and what to do."""


class UsageError(SparkifyError):
    """The arguments or settings make no sense together; nothing was changed."""


class ConnectionFailed(SparkifyError):
    """No PostgreSQL could be reached, or it refused us."""


class NoWarehouse(SparkifyError):
    """There is no warehouse in this database yet. Load one: sparkify etl DATA"""


class StorageFailed(SparkifyError):
    """The object storage with the input could not be reached, or refused us."""


class ServerError(SparkifyError):
    """The embedded PostgreSQL could not be made, started or stopped."""


class OutputFailed(SparkifyError):
    """Standard output could not be written; its cause is the `OSError`."""
