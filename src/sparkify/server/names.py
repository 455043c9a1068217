"""What the program calls its databases and its roles."""

from typing import Final

DATABASE: Final = "sparkifydb"
"""The warehouse's database, unless another is named."""

SAMPLE_DATABASE: Final = "sparkify_sample"
"""The database of the made-up sample, on the embedded server."""

READER: Final = "sparkify_reader"
"""The role of those who may read the warehouse: a group, without a login."""

LOADER: Final = "sparkify_loader"
"""The role that owns the warehouse and loads it: a group, too."""

BI_LOGIN: Final = "sparkify_bi"
"""The login of tools that reach the embedded server by its port: it only reads, and has a password."""
