"""The loader under attack: ``sparkify`` itself, with a trip wire at an instant of its work.

`Nursery` makes victims: forks of a process that has imported all libraries and started nothing. Their
settings:

- ``batch_bytes``: how large batches are: small, so that there are many and months are published ahead, with
  some of the work in the background
- ``phase``, ``nth``, ``when``: report when the nth statement of a phase is reached, ``before`` it is sent or
  ``after`` its answer, and wait; or ``during`` it, and go on
- ``memory``: how many more bytes of address space it gets
- ``clock``: by how many seconds the clock is wrong at first, and from the instant on
- ``reader``: the user who opens input files, because root may open everything
- ``count``: a file in which to write how often each phase was reached
"""

import atexit
import ctypes
import json
import os
import re
import resource
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, Cursor, ServerCursor

from sparkify import cli, etl
from sparkify.commands import tables
from sparkify.engines.spark.task import stage
from sparkify.extract import batches, plan, storage
from sparkify.publish import plans

_ASKING: Final = (signal.SIGINT, signal.SIGTERM)
_LOADED: Final = (etl, tables, stage)  # with all libraries

PHASES: Final = {
    "begin": r"INSERT INTO etl\.runs|pg_advisory_xact_lock|LIKE etl\.catalogue_records",
    "adopt": r"pg_try_advisory_xact_lock",
    "plan": r"FROM etl\.known_files",
    "claim": r'COPY "etl"\."known_files"|INSERT INTO etl\.known_files|wanted_files',
    "months": r"etl\.staged_months|LIKE public\.songplays",
    "copy": r'COPY "staging"',
    "rejects": r'COPY "etl"\."rejected_records"',
    "manifest": r'COPY "etl"\."manifest"|INTO etl\.manifest|etl\.staged_parts',
    "commit": r"^COMMIT|^RELEASE",
    "catalogue": r"winning_|touched_songs|etl\.song_keys|etl\.catalogue_records",
    "users": r"TABLE latest|INSERT INTO users|etl\.latest_plays",
    "background": r'ADD CONSTRAINT .*_pkey|INDEX .* ON "?staging|ANALYZE "staging"|LIKE "analytics"|\nVACUUM',
    "attach": r"ATTACH PARTITION",
    "levels": r"user_level_days|touched_days",
    "insert": r"clashes|INTO songplays|INTO analytics\.heard_plays",
    "books": r"DELETE FROM etl\.manifest|etl\.staged_slices|etl\.row_counts|UPDATE etl\.runs",
}
"""The phases of a load, recognised by their statements."""


class _Wire:
    """Counts the statements of each phase, and trips at a given one."""

    def __init__(self, settings: dict[str, Any], trip: Callable[[bool], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._phase, self._nth, self._when = (settings.get(key) for key in ("phase", "nth", "when"))
        self._trip = trip
        self._lock = threading.Lock()

    @contextmanager
    def around(self, statement: str) -> Iterator[None]:
        """The block sends this statement and waits for its answer."""
        with self._lock:
            phases = [phase for phase, pattern in PHASES.items() if re.search(pattern, statement)]
            self.counts.update(phases)
            reached = self._phase in phases and self.counts[str(self._phase)] == self._nth
        if reached and self._when != "after":
            self._trip(self._when == "before")
        yield
        if reached and self._when == "after":
            self._trip(True)


def _hang(wire: _Wire) -> None:
    """Watch every statement."""
    execute, copy, command = Cursor.execute, Cursor.copy, Connection._exec_command  # noqa: SLF001
    declare = ServerCursor.execute

    def text(query: Any) -> str:
        if isinstance(query, bytes):
            return query.decode()
        return query if isinstance(query, str) else query.as_string(None)

    def watched_execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        with wire.around(text(query)):
            return execute(self, query, *args, **kwargs)

    def watched_declare(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        with wire.around(text(query)):
            return declare(self, query, *args, **kwargs)

    def watched_copy(self: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
        with wire.around(text(statement)):
            return copy(self, statement, *args, **kwargs)

    def watched_command(self: Any, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with wire.around(text(query)):
            return (yield from command(self, query, *args, **kwargs))

    Cursor.execute, Cursor.copy = watched_execute, watched_copy  # type: ignore[method-assign,assignment]
    ServerCursor.execute = watched_declare  # type: ignore[method-assign,assignment]
    Connection._exec_command = watched_command  # type: ignore[method-assign,assignment]  # noqa: SLF001


def _shift_clock(wrong: list[float]) -> Callable[[], None]:
    now, offset = time.time, [wrong[0]]
    time.time = lambda: now() + offset[0]

    def jump() -> None:
        offset[0] = wrong[1]

    return jump


def _open_as(user: int, open_file: Callable[[str], int]) -> Callable[[str], int]:
    libc = ctypes.CDLL(None)

    def open_as(path: str) -> int:
        libc.setfsuid(user)  # of this thread alone
        try:
            return open_file(path)
        finally:
            libc.setfsuid(os.geteuid())

    return open_as


def run(arguments: list[str], settings: dict[str, Any], said: int, waiting: int) -> int:
    """Run ``sparkify`` under the settings. `said` is a pipe to report on, `waiting` one to wait at."""
    jump = _shift_clock(settings.get("clock", [0, 0]))

    def trip(wait: bool) -> None:  # noqa: FBT001
        jump()
        os.write(said, b"x")
        if wait:
            os.read(waiting, 1)

    wire = _Wire(settings, trip)
    _hang(wire)
    if "batch_bytes" in settings:  # files that are larger are cut
        plan.LEAST_BATCH_BYTES = settings["batch_bytes"]  # type: ignore[misc]
        plans.MANY_PLAYS = 1  # type: ignore[misc]
        plan.LEAST_PART_BYTES = batches.LEAST_PART_BYTES = settings["batch_bytes"] // 4  # type: ignore[misc,attr-defined]
    if "reader" in settings:
        plan.open_file = storage.open_file = _open_as(settings["reader"], storage.open_file)  # type: ignore[attr-defined]
    if "memory" in settings:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + settings["memory"],) * 2)
    if "count" in settings:
        atexit.register(lambda: Path(settings["count"]).write_text(json.dumps(wire.counts)))
    run_command = cli._run  # noqa: SLF001

    def heeding(*given: Any) -> int:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING)
        return run_command(*given)

    cli._run = heeding  # noqa: SLF001
    return cli.main(arguments)


def _serve(requests: socket.socket) -> int:
    """Serve requests: fork, and run in the child what is asked for. Return when nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Blocked until the program handles them; otherwise Python would handle them in its own way.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING)
    while True:
        message, pipes, *_ = socket.recv_fds(requests, 1 << 20, 4)
        if not message:
            return 0
        if os.fork() == 0:
            break
        for pipe in pipes:
            os.close(pipe)
    requests.close()
    request = json.loads(message)
    log, said, waiting, status = pipes
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    child = os.fork()
    if child:  # the parent watches over the child
        os.close(waiting)
        os.close(said)
        os.write(status, f"{child}\n".encode())
        _, ended = os.waitpid(child, 0)
        with suppress(BrokenPipeError):
            os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode())
        os._exit(0)
    os.close(status)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    return run(request["arguments"], request["settings"], said, waiting)


if __name__ == "__main__":
    sys.exit(_serve(socket.socket(fileno=int(sys.argv[1]))))
