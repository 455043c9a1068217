"""Names of databases and roles in PostgreSQL."""

from typing import Final

from sparkify.errors import UsageError

DATABASE: Final = "sparkifydb"
"""The warehouse's database, unless the connection string names another."""

SAMPLE_DATABASE: Final = "sparkify_sample"
"""The database of the made-up sample, on the embedded server."""

READER: Final = "sparkify_reader"
"""The group role that may read the warehouse; it cannot log in itself."""

LOADER: Final = "sparkify_loader"
"""The group role that owns the warehouse and loads it."""

BI_LOGIN: Final = "sparkify_bi"
"""The login for tools that reach the embedded server by TCP: read-only, with a password."""

_LONGEST: Final = 63


def refuse_long(name: str) -> None:
    """Refuse a name that PostgreSQL would cut without a word: it would then be the name of something else.

    Raises:
        UsageError: it has more than 63 bytes. The message does not show it: a password may be in it.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > _LONGEST:
        raise UsageError(
            f"The name of a database or a login has {size:,} bytes. PostgreSQL would keep the first"
            f" {_LONGEST}, and they may name another."
        )
