"""The made-up sample keeps apart from data: it has a folder and a database of its own, and nobody's data ever meets it."""

import os
from pathlib import Path
from typing import Final

from sparkify.database.connection import database_name
from sparkify.errors import UsageError
from sparkify.extract.folders import DEFAULT_DATA, Folder
from sparkify.extract.storage import is_remote
from sparkify.server.names import SAMPLE_DATABASE

FOLDER: Final = "sample"

# In the folder once all of it is there. Hidden: what reads a folder of data does not take it for data.
MARK: Final = ".sparkify-sample"


def keep_apart(database: str, *folders: Folder | None) -> None:
    """Raises UsageError when the sample would be loaded into another database than its own, or anything else into that."""
    here = [_is_sample(folder) for folder in folders if folder] or [_is_sample(DEFAULT_DATA)]
    if database != SAMPLE_DATABASE and any(here):
        raise UsageError(
            f"This is the made-up sample, which is loaded into the database {SAMPLE_DATABASE} only, so that it never mixes with"
            " data: run make etl without DATA. Made-up data for another database: sparkify simulate OUT"
        )
    if database == SAMPLE_DATABASE and not all(here):
        raise UsageError(
            f"The database {SAMPLE_DATABASE} is for the made-up sample only. Load your data into another one:"
            " unset SPARKIFY_DSN, or name it with --dsn."
        )


def is_in(dsn: str | None) -> bool:
    """Whether a connection string names the database of the sample."""
    return database_name(dsn or "") == SAMPLE_DATABASE


def _is_sample(folder: Folder) -> bool:
    if is_remote(os.fspath(folder)):
        return False
    path = Path(folder).resolve()
    return any((above / MARK).exists() for above in (path, *path.parents))
