"""A network that can be cut: a port on loopback, forwarded to the server's socket, until somebody drops, stalls or resets."""

import contextlib
import ctypes
import random
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path


class Proxy:
    """Takes connections on a port of 127.0.0.1 and forwards them to a Unix socket."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self, luck: random.Random | None = None) -> int:
        """Close all connections, or one by chance; gives how many."""
        return self._cut(luck, reset=False)

    def reset(self, luck: random.Random | None = None) -> int:
        """The same, as a router that has forgotten them does."""
        return self._cut(luck, reset=True)

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing passes while the block runs."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def close(self) -> None:
        """Take no more connections, and end those there are."""
        self._listening.close()
        self._flowing.set()
        self._cut(None, reset=False)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._target)
            except OSError:
                client.close()
                server.close()
                continue
            self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                self._flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self, luck: random.Random | None, *, reset: bool) -> int:
        alive = [pair for pair in self._pairs if pair[0].fileno() >= 0]
        chosen = [luck.choice(alive)] if luck and alive else alive
        for pair in chosen:
            for end in pair:
                with contextlib.suppress(OSError):
                    if reset and end.family == socket.AF_INET:
                        _reset(end)
                    end.shutdown(socket.SHUT_RDWR)
        return len(chosen)


def _reset(end: socket.socket) -> None:
    """Send RST at once, though a thread waits for data: what connect() to no address does; Python has no way for it."""
    ctypes.CDLL(None).connect(end.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)
