"""The private folder of the server's Unix socket, and the URL that leads there."""

import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from sparkify.errors import ServerError
from sparkify.server.account import Account
from sparkify.server.settings import PORT, ROLE

LONGEST = 103
"""Bytes in the path of a socket: macOS allows 103, Linux 107. PostgreSQL adds /.s.PGSQL.5432 to the folder's."""


def make_socket_folder(home: Path, account: Account) -> Path:
    """The folder for the socket, made if it is missing: `home/run`, or where the link of that name leads.

    A path that is too long for a socket, or that libpq could not express, gets a short folder under /tmp instead.
    """
    run = home / "run"
    if _usable(run):
        if not _private(run, account):
            _remove(run)
            account.own(run)
        return run
    if run.is_symlink() and _private(run.readlink(), account):
        return run.readlink()
    # A new name that nobody can have foreseen: another user may have made any name we could have agreed on.
    short = Path(tempfile.mkdtemp(prefix="sparkify-", dir="/tmp"))  # noqa: S108
    if account.uid != os.geteuid():
        os.chown(short, account.uid, account.gid)
    _remove(run)
    run.symlink_to(short)
    return short


def socket_folder(home: Path) -> Path:
    """Where the socket is, once the server has been started. Raises ServerError when it never was."""
    run = home / "run"
    if run.is_symlink():
        return run.readlink()
    if _usable(run):
        return run
    raise ServerError(f"No server was ever started in {home}. Start it with: sparkify db start")


def socket_url(socket: Path, dbname: str) -> str:
    """One libpq URL."""
    return f"postgresql://{ROLE}@{quote(os.fsencode(socket), safe='')}:{PORT}/{quote(dbname, safe='')}"


def _usable(folder: Path) -> bool:
    # libpq takes a comma in a host for the end of it, and its Python wrapper a host for UTF-8.
    path = os.fsencode(folder)
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return len(path) + len(f"/.s.PGSQL.{PORT}") <= LONGEST and b"," not in path


def _private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and stat.S_IMODE(found.st_mode) == 0o700
    )


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        path.rmdir()
