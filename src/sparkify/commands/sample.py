"""The made-up sample for those who have no data yet. It has a folder and a database of its own: nobody's data ever meets it.

    python -m sparkify.commands.sample             # make it, load it, print the URL of its database
    python -m sparkify.commands.sample --needed    # print yes when the usual warehouse has nothing to show

This is what `make` runs; the files are below the folder that it runs in.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from sparkify.database.connection import LIBPQ_VARIABLES, resolve, server_errors
from sparkify.database.reading import has_warehouse, open_existing
from sparkify.errors import SparkifyError
from sparkify.server.names import SAMPLE_DATABASE
from sparkify.simulate.sample import FOLDER, MARK


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and give the exit code. What was done is said on stderr."""
    parser = argparse.ArgumentParser(prog="python -m sparkify.commands.sample")
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
    with server_errors():
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
    mark = Path(FOLDER, MARK)
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
