"""Make up and load the sample, for users who have no data yet. `make` runs this.

    python -m sparkify.commands.load_sample             # make it, load it, print the URL of its database
    python -m sparkify.commands.load_sample --needed    # print yes if the usual warehouse has no plays

The files go to a folder below the current one. `simulate.sample` keeps the sample apart from real data.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from sparkify.commands.arguments import DONE, FAILED, INTERRUPTED
from sparkify.commands.output import printable
from sparkify.database.connection import LIBPQ_VARIABLES, resolve, server_errors
from sparkify.database.reading import has_warehouse, open_existing
from sparkify.errors import SparkifyError
from sparkify.server.names import SAMPLE_DATABASE
from sparkify.simulate.sample import FOLDER, MARK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, report on stderr, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sparkify.commands.load_sample")
    parser.add_argument("--needed", action="store_true")
    try:
        if not parser.parse_args(arguments).needed:
            return _load()
        if not _has_plays(resolve()):
            print("yes")
    except SparkifyError as error:
        # Keep the lines: a ServerError quotes the log.
        print(f"sparkify: {printable(str(error), lines=True)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _has_plays(dsn: str) -> bool:
    with server_errors():
        if not has_warehouse(dsn):
            return False
        with open_existing(dsn) as connection:
            return connection.execute("SELECT FROM songplays LIMIT 1").rowcount > 0


def _load() -> int:
    from sparkify.cli import main as sparkify
    from sparkify.server import Server

    # Always the embedded server: any other that is set may hold real data.
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
    return DONE


if __name__ == "__main__":
    sys.exit(main())
