"""Names of databases and roles in PostgreSQL."""

from typing import Final

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
