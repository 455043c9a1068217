"""Where the attacks take place: a private server, made-up worlds, and the result of an undisturbed load."""

import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.server import Server
from sparkify.simulate import simulate
from tests.support.client import Broken, Client, Instant, Nursery
from torture import content

WORLDS: Final = 6
BATCH_BYTES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """An undisturbed load: its result, how long it took, and how often it reached each phase."""

    content: content.Content
    seconds: float
    phases: dict[str, int]


class Arena:
    """A private server in its own folder, with databases that are used once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "home")
        self.server.start()
        with (
            self.admin() as admin
        ):  # what is killed are processes, not the machine: nothing need reach the disk
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
        self._template: str | None = None
        self._made = 0

    def database(self) -> str:
        """Create an empty warehouse; return its DSN."""
        if self._template is None:
            template = f"template_{os.getpid()}"
            create_tables(self.server.url(template))
            self._template = template
        self._made += 1
        name = f"torture_{os.getpid()}_{self._made}"
        with self.admin() as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(self._template)
                )
            )
        return make_conninfo(self.server.url(name))

    def drop(self, dsn: str) -> None:
        """Drop a database."""
        with self.admin() as admin:
            name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(name)))
            )

    @contextmanager
    def admin(self) -> Iterator["psycopg.Connection[Any]"]:
        """A superuser's connection, to no warehouse."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            yield connection

    def stop(self) -> None:
        """Shut the server down."""
        self.server.stop()


class Ground:
    """What a campaign needs: a server, worlds, and the results of undisturbed loads.

    Its folder is removed unless something broke.
    """

    def __init__(self, worlds: int = WORLDS) -> None:
        self.worlds = worlds
        # Not private: if root attacks, the server runs as another user, who must reach its data here.
        self.folder = Path(tempfile.mkdtemp(prefix="sparkify-torture-"))
        self.folder.chmod(0o755)
        self.arena = Arena(self.folder)
        self.nursery = Nursery()
        self._undisturbed: dict[Path, Undisturbed] = {}

    def world(self, number: int) -> Path:
        """The folder of a made-up world, clean or dirty, whose logs span three months."""
        path = self.folder / f"world{number}"
        if not path.exists():
            luck = random.Random(number)  # noqa: S311
            simulate(
                path,
                users=luck.randint(4, 8),
                songs=luck.randint(20, 50),
                days=luck.randint(66, 80),
                seed=number,
                dirt=0.0 if number % 3 == 0 else 0.05,
            )
        return path

    def undisturbed(self, world: Path) -> Undisturbed:
        """Load a folder undisturbed, once; return the result."""
        if world not in self._undisturbed:
            dsn = self.arena.database()
            counts = self.folder / "counts.json"
            client = Client(
                self.nursery,
                ["etl", str(world), "--dsn", dsn],
                self.folder / "undisturbed.log",
                Instant(seconds=0),
                {"batch_bytes": BATCH_BYTES, "count": str(counts)},
            )
            if client.end():
                raise Broken(f"an undisturbed load failed{client.said()}")
            seconds = client.seconds()
            with connect(dsn) as connection:
                found = content.read(connection)
            self._undisturbed[world] = Undisturbed(found, seconds, json.loads(counts.read_text()))
            self.arena.drop(dsn)
        return self._undisturbed[world]

    def forget(self, world: Path) -> None:
        """Forget the result for a world whose files have changed."""
        self._undisturbed.pop(world, None)

    def close(self, *, keep: bool) -> None:
        """Stop the server; remove everything unless somebody is to look at it."""
        self.nursery.close()
        self.arena.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
