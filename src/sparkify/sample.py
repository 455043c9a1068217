"""The made-up sample for those who have no data yet. It has a folder and a database of its own: nobody's data ever meets it.

    python -m sparkify.sample             # make it, load it, print the URL of its database
    python -m sparkify.sample --needed    # print yes when the usual warehouse has nothing to show

This is what `make` runs; the files are below the folder that it runs in.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from sparkify.config import SAMPLE_DATABASE
from sparkify.connection import LIBPQ_VARIABLES, database_name, explained, resolve
from sparkify.create_tables import has_warehouse, open_existing
from sparkify.errors import SparkifyError, UsageError
from sparkify.extract.folders import DEFAULT_DATA, Folder
from sparkify.extract.storage import is_remote

FOLDER: Final = "sample"

# In the folder once all of it is there. Hidden: what reads a folder of data does not take it for data.
_MARK: Final = ".sparkify-sample"


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
    return any((above / _MARK).exists() for above in (path, *path.parents))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and give the exit code. What was done is said on stderr."""
    parser = argparse.ArgumentParser(prog="python -m sparkify.sample")
    parser.add_argument("--needed", action="store_true")
    try:
        if not parser.parse_args(arguments).needed:
            return _load()
        if not _has_plays(resolve()):
            print("yes")
    except SparkifyError as error:
        print(f"sparkify: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _has_plays(dsn: str) -> bool:
    with explained():
        if not has_warehouse(dsn):
            return False
        with open_existing(dsn) as connection:
            return connection.execute("SELECT FROM songplays LIMIT 1").rowcount > 0


def _load() -> int:
    from sparkify.cli import main as sparkify  # noqa: PLC0415  it imports us
    from sparkify.server import Server  # noqa: PLC0415

    # Whichever server is set, somebody's data may be on it.
    for name in LIBPQ_VARIABLES:
        os.environ.pop(name, None)
    server = Server()
    server.start()
    url = server.url(SAMPLE_DATABASE)
    mark = Path(FOLDER, _MARK)
    with redirect_stdout(sys.stderr):
        if not mark.exists():
            if code := sparkify(["simulate", FOLDER, "--force"]):
                return code
            mark.touch()
        if code := sparkify(["etl", FOLDER, "--dsn", url]):
            return code
    print(url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
