"""The server on which all rows are measured: the product's own, with its own settings, in a private home."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.measure import Usage, measured
from sparkify.server import Server
from sparkify.server.account import server_account


class BenchServer:
    """A running embedded server, with a database for each measurement."""

    def __init__(self, home: Path) -> None:
        self._server = Server(home)
        self.admin = self._start()
        self._reset()  # left by a benchmark that was killed
        for (name,) in self.admin.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'bench%'"
        ).fetchall():
            self._drop(name)
        self._made = 0

    @property
    def log(self) -> Path:
        """The file of the server's log."""
        return self._server.log

    @property
    def version(self) -> str:
        """The version of the server, like ``18.6``."""
        return self.admin.info.parameter_status("server_version") or "?"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, dropped at the end."""
        self._made += 1
        name = f"bench{self._made}"
        self.admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
        try:
            yield self._server.url(name)
        finally:
            self._drop(name)

    @contextmanager
    def measured(self) -> Iterator[Usage]:
        """Measure a block, beginning with a checkpoint."""
        pid = self._server.status().pid
        assert pid is not None
        with measured(self.admin, pid) as usage:
            yield usage

    def folder(self, path: Path) -> Path:
        """Make a folder that the server can write into."""
        path.mkdir(parents=True, exist_ok=True)
        account = server_account(self._server.home / "data")
        if account.uid != os.geteuid():
            os.chown(path, account.uid, account.gid)
        return path

    @contextmanager
    def changed(self, settings: dict[str, str]) -> Iterator[None]:
        """Run with other settings than the shipped ones; the server restarts before and after."""
        try:
            for name, value in settings.items():
                self.admin.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                )
            self._restart()
            yield
        finally:
            self._reset()

    def stop(self) -> None:
        """Stop the server; its home is kept."""
        self.admin.close()
        self._server.stop()

    def _start(self) -> "psycopg.Connection[Any]":
        self._server.start()
        return psycopg.connect(self._server.url("postgres"), autocommit=True)

    def _restart(self) -> None:
        self.stop()
        self.admin = self._start()

    def _reset(self) -> None:
        row = self.admin.execute(
            "SELECT EXISTS (SELECT FROM pg_file_settings WHERE sourcefile ~ 'auto.conf$')"
        ).fetchone()
        if row and row[0]:
            self.admin.execute("ALTER SYSTEM RESET ALL")
            self._restart()

    def _drop(self, name: str) -> None:
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
