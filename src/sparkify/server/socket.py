"""The private folder of the server's Unix socket, and the URL to connect by it."""

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

from sparkify.errors import ServerError
from sparkify.server.account import Account
from sparkify.server.files import write
from sparkify.server.port import socket_port
from sparkify.server.settings import ROLE

LONGEST = 103
"""Most bytes in a socket's path: macOS allows 103, Linux 107. PostgreSQL adds /.s.PGSQL.5432."""

LONGEST_NAME = "/.s.PGSQL.65535"

_OWNER = "home"
"""A file in the folder under /tmp: it says for which home that was made. A copied home has the same link."""


def make_socket_folder(home: Path, account: Account) -> Path:
    """The folder for the socket, made if missing: `home/run`, or where this link leads if that is ours.

    If the path is too long for a socket, or libpq cannot express it, the folder is a short one under /tmp.
    """
    run = home / "run"
    if _usable(run):
        if not _private(run, account.uid):
            _remove(run)
            account.own(run)
        return run
    if run.is_symlink() and _private(run.readlink(), account.uid) and _belongs(run.readlink(), home):
        return run.readlink()
    # An unpredictable name: another user could have created any fixed one before us.
    short = Path(tempfile.mkdtemp(prefix="sparkify-", dir="/tmp"))
    write(short / _OWNER, _identity(home))  # while the folder is ours: another user could put a link there
    if account.uid != os.geteuid():
        os.chown(short, account.uid, account.gid)
    _remove(run)
    run.symlink_to(short)
    return short


def socket_folder(home: Path) -> Path:
    """The folder of a started server's socket. Raises ServerError if it is missing or not safe."""
    folder = _folder(home)
    # After a reboot has emptied /tmp, any user could make this folder and pose as our server.
    is_ours = folder == home / "run" or _belongs(folder, home)
    if not is_ours or not _private(folder, (home / "data").stat().st_uid):
        raise ServerError(
            f"{folder} should be the private folder of the server's socket, but is gone, or belongs to"
            " another user or another home. Run: sparkify db stop, then sparkify db start"
        )
    return folder


def socket_url(home: Path, dbname: str) -> str:
    """One URL for libpq and for SQLAlchemy, which accepts a folder as host only among the parameters."""
    where = {"host": os.fsencode(socket_folder(home)), "port": socket_port(home)}
    return f"postgresql://{ROLE}@/{quote(dbname, safe='')}?{urlencode(where, safe='/', quote_via=quote)}"


def nobody_listens(home: Path) -> bool:
    """Whether a socket is left that no server listens on. Does not check that the folder is safe."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(os.fsencode(_folder(home) / f".s.PGSQL.{socket_port(home)}"))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _folder(home: Path) -> Path:
    run = home / "run"
    return run.readlink() if run.is_symlink() else run


def _usable(folder: Path) -> bool:
    # libpq ends a host at a comma, and its Python wrapper needs UTF-8.
    path = os.fsencode(folder)
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return len(path) + len(LONGEST_NAME) <= LONGEST and b"," not in path


def _identity(home: Path) -> bytes:
    found = home.stat()
    return f"{found.st_dev}:{found.st_ino}\n".encode()


def _belongs(folder: Path, home: Path) -> bool:
    try:
        return (folder / _OWNER).read_bytes() == _identity(home)
    except OSError:
        return False


def _private(folder: Path, uid: int) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
