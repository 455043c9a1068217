"""A server before an S3 server, which answers some requests itself, with errors."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import unquote, urlsplit

Answer = tuple[int, str] | None
"""A status and an S3 code, or None to let the request pass."""

BROKEN: Final = (0, "")
"""The answer of the S3 server, broken off in the middle."""

KEPT: Final = {"content-length", "content-type", "etag", "last-modified", "content-range"}
"""The headers that clients need; others belong to the connection."""


class Store:
    """Where to find the server, and what it was asked: `answer` gets the method and the path of a request."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._handler = handler
        self._port = 0
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answer: Callable[[str, str], Answer] = lambda _method, _path: None
        self.open()
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Serve, at the same port as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on; those that are open stay."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def store_before(url: str) -> Iterator[Store]:
    """Serve on a port of 127.0.0.1 what the S3 server at `url` serves, until the block ends."""
    behind = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            store.asked[self.command, path] += 1
            said = store.answer(self.command, path)
            if said and said != BROKEN:
                status, code = said
                body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
                headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            else:
                relay = http.client.HTTPConnection(behind.hostname or "", behind.port)
                relay.request(self.command, self.path, headers=dict(self.headers))
                there = relay.getresponse()
                status, body = there.status, there.read()
                headers = [pair for pair in there.getheaders() if pair[0].lower() in KEPT]
                relay.close()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if said == BROKEN else body)
            self.close_connection = True

        do_HEAD = do_GET  # noqa: N815  the name is http.server's

        def log_message(self, *_: object) -> None:
            pass

    store = Store(Handler)
    try:
        yield store
    finally:
        store.close()
