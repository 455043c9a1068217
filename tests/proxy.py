"""A proxy before PostgreSQL, by which a test stops a worker at the moment it wants, from outside."""

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
MANIFEST = b'"etl"."manifest"'


class Proxy:
    """Relays connections from a TCP port of loopback to a server's Unix socket, until the block ends.

    Armed, it stops the first connection that `when` says so of: what the server sends from then on is kept back, until
    `release`. `when` is asked with what the client has sent so far of its transaction, and what the server sends now.
    """

    def __init__(self, server_dsn: str) -> None:
        given = conninfo_to_dict(server_dsn)
        self._server = f"{given['host']}/.s.PGSQL.{given.get('port', 5432)}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._when: Callable[[bytes, bytes], bool] | None = None
        self._lock = threading.Lock()
        self.caught = threading.Event()
        self.port = 0
        """The local port of the client that is stopped."""
        self._released = threading.Event()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str, **more: str) -> str:
        """The way to a database through the proxy."""
        given = conninfo_to_dict(dsn) | {"host": "127.0.0.1", "port": str(self._listener.getsockname()[1])}
        return make_conninfo("", **given, sslmode="disable", gssencmode="disable", **more)

    def arm(self, when: Callable[[bytes, bytes], bool]) -> None:
        self.caught.clear()
        self._released.clear()
        self._when = when

    def release(self) -> None:
        """Let the one that is stopped go on, and stop nobody more."""
        self._when = None
        self._released.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, (_, port) = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self._server)
                except OSError:  # it is down
                    client.close()
                    server.close()
                    continue
                threading.Thread(target=self._relay, args=(client, server, port), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket, port: int) -> None:
        asked = b""
        with suppress(OSError), client, server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    if ready is client:
                        asked += data if MANIFEST in data or len(asked) < 1 << 16 else b""
                        server.sendall(data)
                        continue
                    self._perhaps_stop(asked, data, port)
                    client.sendall(data)
                    if COMMITTED in data:
                        asked = b""

    def _perhaps_stop(self, asked: bytes, data: bytes, port: int) -> None:
        with self._lock:
            if self._when is None or not self._when(asked, data):
                return
            self._when = None
            self.port = port
            self.caught.set()
        self._released.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._listener.close()


def batch_is_committed(asked: bytes, data: bytes) -> bool:
    """The server says that a batch is committed."""
    return MANIFEST in asked and COMMITTED in data


def batch_is_being_staged(asked: bytes, data: bytes) -> bool:
    """The manifest of a batch is written, not yet committed."""
    return MANIFEST in asked and COMMITTED not in data
