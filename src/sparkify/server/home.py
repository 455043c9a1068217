"""Where the program keeps what is its own."""

import os
from pathlib import Path

ROOT_HOME = Path("/var/lib/sparkify")
"""Root's home: not below /root, which the unprivileged user that runs the server cannot enter."""


def expanded(path: str | os.PathLike[str]) -> str:
    """A path that may begin with ``~``: behind ``DATA=`` or ``--out=`` not every shell puts the home folder in its place."""
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111  Path.expanduser() raises where there is no such user


def home() -> Path:
    """The folder that holds the embedded server and all it keeps, as an absolute path; it may not exist yet.

    `SPARKIFY_HOME` if set, else `/var/lib/sparkify` for root, else the platform's folder for user data.
    """
    chosen = os.environ.get("SPARKIFY_HOME")
    if chosen:
        return Path(expanded(chosen)).absolute()
    if os.geteuid() == 0:
        return ROOT_HOME
    from platformdirs import user_data_path  # noqa: PLC0415  - not needed when SPARKIFY_HOME is set

    return user_data_path("sparkify", appauthor=False)
