"""Keep the made-up sample apart from real data: it has its own folder and its own database."""

import os
from pathlib import Path
from typing import Final

from sparkify.database.connection import database_name
from sparkify.errors import UsageError
from sparkify.extract.folders import DEFAULT_DATA, Folder
from sparkify.extract.storage import is_remote
from sparkify.server.names import SAMPLE_DATABASE

FOLDER: Final = "sample"

# This file is in the folder once the sample is complete. It is hidden, so that loaders do not take it for
# data.
MARK: Final = ".sparkify-sample"


def keep_apart(database: str, *folders: Folder | None) -> None:
    """Raises UsageError if the sample would go into another database, or other data into the sample's."""
    here = [_is_sample(folder) for folder in folders if folder] or [_is_sample(DEFAULT_DATA)]
    if database != SAMPLE_DATABASE and any(here):
        raise UsageError(
            f"This is the made-up sample, which goes into the database {SAMPLE_DATABASE} only, so that it"
            " never mixes with real data: run make etl without DATA. To make up data for another database:"
            " sparkify simulate OUT"
        )
    if database == SAMPLE_DATABASE and not all(here):
        raise UsageError(
            f"The database {SAMPLE_DATABASE} is for the made-up sample only. Load your data into another one:"
            " unset SPARKIFY_DSN, or name it with --dsn."
        )


def is_in(dsn: str | None) -> bool:
    """Whether a connection string names the sample's database."""
    return database_name(dsn or "") == SAMPLE_DATABASE


def _is_sample(folder: Folder) -> bool:
    if is_remote(os.fspath(folder)):
        return False
    path = Path(folder).resolve()
    return any((above / MARK).exists() for above in (path, *path.parents))
