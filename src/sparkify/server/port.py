"""The port of 127.0.0.1 on which the server listens, if somebody has asked for one."""

import socket
from pathlib import Path

from sparkify.errors import ServerError
from sparkify.server.files import write

FILE = "port"

ADDRESS = "127.0.0.1"
"""This machine alone can connect to it."""

SOCKET_PORT = 5432
"""Without a port of the machine: only part of the socket's name. PostgreSQL's default, so that psql needs no --port."""


def chosen_port(home: Path) -> int | None:
    """The port that was asked for; None when the server has a Unix socket only. Raises ServerError when it is none."""
    try:
        text = (home / FILE).read_text(errors="replace")
    except FileNotFoundError:
        return None
    if not text.strip().isdecimal() or not 0 < int(text) < 65536:
        raise ServerError(f"{home / FILE} holds no port number. Stop the server, and remove the file.")
    return int(text)


def keep_port(home: Path, port: int | None) -> None:
    """Have every later start use this port, or none."""
    if port:
        write(home / FILE, f"{port}\n".encode())
    else:
        (home / FILE).unlink(missing_ok=True)


def socket_port(home: Path) -> int:
    """The port in the name of the Unix socket: PostgreSQL has one number for both."""
    return chosen_port(home) or SOCKET_PORT


def check_port(port: int) -> None:
    """Raises ServerError, with a remedy, when a server could not listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise ServerError(
                f"PostgreSQL cannot listen on port {port} of {ADDRESS}: {error.strerror}. Choose another one: "
                "sparkify db start --port N; or none: sparkify db start --port off"
            ) from None
