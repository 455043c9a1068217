"""The port of 127.0.0.1 on which the server listens, if the user has asked for one."""

import socket
from pathlib import Path

from sparkify.errors import ServerError
from sparkify.server.files import write

FILE = "port"

ADDRESS = "127.0.0.1"
"""Only this machine can connect to it."""

SOCKET_PORT = 5432
"""The number in the socket's name if there is no TCP port. It is PostgreSQL's default, and psql's."""


def chosen_port(home: Path) -> int | None:
    """The TCP port the user chose; None for a Unix socket only. Raises ServerError if the file is damaged."""
    try:
        text = (home / FILE).read_text(errors="replace")
    except FileNotFoundError:
        return None
    if not text.strip().isdecimal() or not 0 < int(text) < 65536:
        raise ServerError(f"{home / FILE} does not hold a port number. Stop the server and remove the file.")
    return int(text)


def keep_port(home: Path, port: int | None) -> None:
    """Make every later start use this port, or none."""
    if port:
        write(home / FILE, f"{port}\n".encode())
    else:
        (home / FILE).unlink(missing_ok=True)


def socket_port(home: Path) -> int:
    """The port in the name of the Unix socket. PostgreSQL uses one number for TCP and for the socket."""
    return chosen_port(home) or SOCKET_PORT


def check_port(port: int) -> None:
    """Raises ServerError, with a remedy, if a server could not listen on this port now.

    Root may listen on any, but the server does not run as root.
    """
    if port < _first_free():
        raise _refusal(port, "only root may")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise _refusal(port, error.strerror) from None


def _first_free() -> int:
    """The first port on which any user may listen."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 0  # the system decides


def _refusal(port: int, why: str | None) -> ServerError:
    return ServerError(
        f"PostgreSQL cannot listen on port {port} of {ADDRESS}: {why}. Choose another: "
        "sparkify db start --port N; or none: sparkify db start --port off"
    )
