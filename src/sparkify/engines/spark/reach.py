"""How executors reach PostgreSQL: through a connection string that needs nothing else from this machine."""

import re
import socket
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.database.connection import connect
from sparkify.errors import UsageError

# These name files of this machine; the connection string already has what the files say.
_OF_THIS_MACHINE: Final = ("service", "servicefile", "passfile")


def complete(dsn: str) -> str:
    """Add what libpq takes from elsewhere to a connection string: PG* variables, service, ``~/.pgpass``.

    Raises:
        ConnectionFailed: the server cannot be reached.
    """
    with connect(dsn) as connection:
        info = connection.info
        given = info.get_parameters()
        for name in _OF_THIS_MACHINE:
            given.pop(name, None)
        known = {"host": info.host, "port": str(info.port), "user": info.user, "dbname": info.dbname}
        if info.password:
            known["password"] = info.password
        return make_conninfo("", **(known | given))


def check_reach(dsn: str, master: str | None) -> None:
    """Check that executors on other machines can reach the server.

    Raises:
        UsageError: the server is reachable from this machine only.
    """
    given = conninfo_to_dict(dsn)
    hosts = str(given.get("hostaddr") or given["host"]).split(",")
    if master is None or is_here(master) or not all(map(_is_private, hosts)):
        return
    what = "a Unix socket" if hosts[0].startswith(("/", "@")) else hosts[0]
    raise UsageError(
        f"The executors of {master} cannot reach this PostgreSQL: it is on {what}, which only this"
        " machine can reach. Name one that they can reach by TCP, like postgresql://USER@HOST/DATABASE."
    )


def _is_private(host: str) -> bool:
    return host.startswith(("/", "@", "127.")) or host in {"localhost", "::1"}


def is_here(master: str) -> bool:
    """Whether a master, and so perhaps its whole cluster, is on this machine."""
    if master.startswith("local"):
        return True
    return any(map(_is_own, re.findall(r"(?:^spark://|,)\[?([^,\]]+?)\]?(?::\d+)?(?=,|$)", master)))


def _is_own(host: str) -> bool:
    """Whether a name or an address is this machine's: a socket can bind only to those."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except (OSError, UnicodeError):  # UnicodeError: there can be no such name
        return False
    return True
