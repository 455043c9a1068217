"""The folder where the program keeps its own files."""

import os
from pathlib import Path

from sparkify.errors import ServerError

ROOT_HOME = Path("/var/lib/sparkify")
"""The home for root. It is not below /root, which the unprivileged user that runs the server cannot enter."""


def expanded(path: str | os.PathLike[str]) -> str:
    """The path with a leading ``~`` expanded: not every shell does that after ``DATA=`` or ``--out=``."""
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111  Path.expanduser() raises for an unknown user


def home_folder() -> Path:
    """The absolute path of the embedded server's folder, which may not exist yet.

    It is `SPARKIFY_HOME` if set, else `/var/lib/sparkify` for root, else the platform's folder for user data.

    Raises:
        ServerError: the user has no home folder, or `SPARKIFY_HOME` is relative to a folder that is gone.
    """
    chosen = os.environ.get("SPARKIFY_HOME")
    try:
        if chosen:
            return Path(expanded(chosen)).absolute()
        if os.geteuid() == 0:
            return ROOT_HOME
        from platformdirs import user_data_path  # noqa: PLC0415  not needed if SPARKIFY_HOME is set

        return user_data_path("sparkify", appauthor=False)
    except (RuntimeError, FileNotFoundError) as error:
        raise ServerError(
            f"There is no folder for the embedded PostgreSQL ({error}). Set SPARKIFY_HOME to a full path, or"
            " connect to another server with --dsn."
        ) from error
