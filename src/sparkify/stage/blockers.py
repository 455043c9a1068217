"""Say whose locks keep our work waiting."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.errors import ConnectionFailed

BLOCKED_SECONDS: Final = 10.0
"""Seconds of waiting for a lock after which we say whose lock it is."""

LOOK_SECONDS: Final = 1.0
"""Seconds between two looks."""

_sql: Final = queries("stage/blockers")
_log: Final = logging.getLogger("sparkify")


class Blockers:
    """The sessions of other programs that were found to have a lock that we wait for."""

    def __init__(self) -> None:
        self._told: set[int] = set()

    def warn(self, connection: Connection[Any]) -> None:
        """Say once of each that one of our sessions waits for its lock."""
        with connection.transaction():  # maybe a savepoint: an error here must not cost the lease of a run
            connection.execute(_sql["clear_snapshot"])
            blockers = connection.execute(_sql["blockers"], [BLOCKED_SECONDS]).fetchall()
        for pid, user, program in blockers:
            if pid not in self._told:
                self._told.add(pid)
                _log.warning(
                    "sparkify: Waiting for a lock that another session has or waits for: process %d, user %s,"
                    " program %s. Let it commit, or end it: SELECT pg_terminate_backend(%d)",
                    pid, user, program or "unknown", pid,
                )  # fmt: skip


@contextmanager
def warning_of_blockers(dsn: str) -> Iterator[None]:
    """Look for blockers, over a connection of its own, until the block ends."""
    ended = threading.Event()
    looker = threading.Thread(target=_look, args=(dsn, ended), name="sparkify-blockers", daemon=True)
    looker.start()
    try:
        yield
    finally:
        ended.set()
        looker.join(1.0)


def _look(dsn: str, ended: threading.Event) -> None:
    blockers = Blockers()
    if ended.wait(LOOK_SECONDS):  # most work is done by then
        return
    try:
        with connect(dsn) as connection:
            while not ended.wait(LOOK_SECONDS):
                blockers.warn(connection)
    except (psycopg.Error, ConnectionFailed, MemoryError, RuntimeError):
        pass  # the work itself will report what is wrong
