"""A proxy before PostgreSQL, which stops, stalls, closes or resets connections from outside the program."""

import ctypes
import random
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
MANIFEST = b'"etl"."manifest"'


class Proxy:
    """Relays connections from a TCP port of 127.0.0.1 to a server's Unix socket, until the block ends.

    Once armed, it stops the first connection for which `when` is true: it holds back what the server sends,
    until `release`. It calls `when` with what the client has sent in its transaction so far, and with what
    the server sends now.
    """

    def __init__(self, server_dsn: str) -> None:
        given = conninfo_to_dict(server_dsn)
        self._server = f"{given['host']}/.s.PGSQL.{given.get('port', 5432)}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._when: Callable[[bytes, bytes], bool] | None = None
        self._lock = threading.Lock()
        self.caught = threading.Event()
        self.stopped = (0, 0)
        """The connection that is stopped: its client's port, and ours."""
        self._released = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str, **more: str) -> str:
        """The same database, reached through the proxy."""
        given = conninfo_to_dict(dsn) | {"host": "127.0.0.1", "port": str(self._listener.getsockname()[1])}
        return make_conninfo("", **given, sslmode="disable", gssencmode="disable", **more)

    def arm(self, when: Callable[[bytes, bytes], bool]) -> None:
        """Stop the next connection for which this is true."""
        self.caught.clear()
        self._released.clear()
        self._when = when

    def release(self) -> None:
        """Let the stopped connection go on, and stop no other."""
        self._when = None
        self._released.set()

    def drop(self, luck: random.Random | None = None) -> int:
        """Close all connections, or one at random; return how many."""
        return self._cut(luck, reset=False)

    def reset(self, luck: random.Random | None = None) -> int:
        """Reset all connections, or one at random, as a router that forgot them does; return how many."""
        return self._cut(luck, reset=True)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Let nothing pass while the block runs."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

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
                self._pairs.append((client, server))
                threading.Thread(target=self._relay, args=(client, server, port), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket, port: int) -> None:
        asked = b""
        with suppress(OSError), client, server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    self._flowing.wait()
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
            self.stopped = (port, self._listener.getsockname()[1])
            self.caught.set()
        self._released.wait()

    def _cut(self, luck: random.Random | None, *, reset: bool) -> int:
        alive = [pair for pair in self._pairs if pair[0].fileno() >= 0]
        chosen = [luck.choice(alive)] if luck and alive else alive
        for client, server in chosen:
            with suppress(OSError):
                if reset:
                    _reset(client)
                client.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
        return len(chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.release()
        self._flowing.set()
        self.drop()


def _reset(end: socket.socket) -> None:
    """Send RST at once, even if a thread waits for data. Python cannot connect() to no address, so libc
    does."""
    ctypes.CDLL(None).connect(end.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)


def batch_is_committed(asked: bytes, data: bytes) -> bool:
    """Whether the server reports that a batch is committed."""
    return MANIFEST in asked and COMMITTED in data


def batch_is_being_staged(asked: bytes, data: bytes) -> bool:
    """Whether the manifest of a batch is written, but not committed yet."""
    return MANIFEST in asked and COMMITTED not in data
