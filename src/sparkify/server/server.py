"""Start, stop and reach the embedded server."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparkify.errors import ServerError, UsageError
from sparkify.server import binaries
from sparkify.server.account import Account, server_account, user_name
from sparkify.server.cluster import make_cluster
from sparkify.server.files import last_lines, make_folder
from sparkify.server.home import ROOT_HOME, home_folder
from sparkify.server.login import keep_password
from sparkify.server.names import DATABASE
from sparkify.server.port import FILE, check_port, chosen_port, keep_port
from sparkify.server.probe import answers
from sparkify.server.process import ask_to_stop, is_alive, launch, says_ready, server_pid
from sparkify.server.settings import write_settings
from sparkify.server.socket import make_socket_folder, socket_folder, socket_url

SILENT_START_SECONDS = 120.0
"""Give up on a server that is alive but does not answer after this many seconds without a new log line."""


@dataclass(frozen=True)
class Status:
    """What the embedded server is doing. If not `running`, a pid means that it starts, stops or hangs."""

    running: bool
    pid: int | None
    home: Path
    log: Path
    port: int | None


class Server:
    """The embedded PostgreSQL. It keeps everything in one folder, its home, which the first start creates."""

    def __init__(self, home: Path | None = None) -> None:
        """The server of `home`, by default `home_folder()`. Changes nothing yet."""
        self.home = (home or home_folder()).absolute()
        self.log = self.home / "server.log"

    @property
    def psql_path(self) -> Path:
        """The `psql` that came with the server. Raises ServerError if the binaries are not installed."""
        return binaries.installed() / "bin" / "psql"

    def url(self, dbname: str = DATABASE) -> str:
        """The libpq URL of a database. It works for the server's user and for root.

        It stays the same while the server runs. Raises ServerError if there is no server yet.
        """
        with self._system_errors():
            if not (self.home / "data").exists():
                raise ServerError(f"There is no server in {self.home} yet. Start it: sparkify db start")
            return socket_url(self.home, dbname)

    def start(self) -> None:
        """Make and start the server if necessary, and wait until it accepts connections. Safe to repeat.

        Waits as long as the server makes progress: a recovery after a crash may take minutes.
        Raises ServerError, with the last lines of the server's log, if it does not come up.
        """
        with self._system_errors():
            if not self._answers():
                with self._lock() as lock:
                    self._start(lock)

    def listen(self, port: int | None) -> None:
        """Choose the port of 127.0.0.1 to listen on from the next start; None for no port.

        Only members of `sparkify_reader` can log in there, with a password. Raises UsageError if the server
        runs now with another port, ServerError if it could not listen there.
        """
        with self._system_errors(), self._lock():
            if port == chosen_port(self.home):
                return
            if is_alive(self.home):
                raise UsageError(
                    "The server is running, and its port can only be changed at a start. Stop it first,"
                    " which ends all sessions: sparkify db stop"
                )
            if port:
                check_port(port)
            keep_port(self.home, port)

    def login(self) -> tuple[int, str]:
        """The port that the server listens on, and the password of the login `sparkify_bi`, made if missing.

        Raises UsageError if the server has no port.
        """
        with self._system_errors():
            port = chosen_port(self.home)
            if port is None:
                raise UsageError(
                    "The server has no port, only a Unix socket. Stop it, which ends all sessions: "
                    "sparkify db stop; then start it with a port: sparkify db start --port 5433"
                )
            with self._lock():
                return port, keep_password(self.home)

    def stop(self) -> None:
        """End all sessions, roll back their transactions, and wait until the server is down. Safe to repeat.

        Raises ServerError if it does not stop.
        """
        with self._system_errors():
            if is_alive(self.home):
                with self._lock():
                    waiting = self._waiting("is shutting down, but has not finished")
                    asked = False
                    while is_alive(self.home):
                        asked = asked or ask_to_stop(self.home)
                        next(waiting)

    def status(self) -> Status:
        """What the server is doing now. Changes nothing. Raises ServerError if it refuses us."""
        with self._system_errors():
            pid = server_pid(self.home) if is_alive(self.home) else None
            return Status(self._answers(), pid, self.home, self.log, chosen_port(self.home))

    def _start(self, lock: int) -> None:
        waiting = self._waiting("is alive, but does not answer")
        logged = None
        while not self._answers():
            # A server may be alive without answering: its starter was killed, or it is shutting down.
            if not is_alive(self.home):
                if logged is not None:
                    raise ServerError(f"PostgreSQL did not start.{self._log_end(logged)}")
                logged = self._log_size()
                self._launch(lock)
            next(waiting)

    def _launch(self, lock: int) -> None:
        port = chosen_port(self.home)
        if port:
            check_port(port)
        data = self.home / "data"
        account = server_account(data)
        self._let_in(account)
        own = account.uid == os.geteuid()
        programs = binaries.installed() if own else binaries.shared_copy(self.home)
        make_cluster(data, programs, account, lock)
        socket = make_socket_folder(self.home, account)
        conf = self.home / "conf"
        make_folder(conf)
        write_settings(conf, data=data, socket=socket, user=account.name, port=port)
        launch(programs, self.home, account)

    def _let_in(self, account: Account) -> None:
        """Let the server's user enter the home. Raises a ServerError that names the folder in the way."""
        if account.can_enter(self.home):
            return
        # Only an empty folder counts as ours to change: others may then enter it, not read it.
        if {"lock", FILE}.issuperset(os.listdir(self.home)):  # noqa: PTH208
            self.home.chmod(self.home.stat().st_mode | 0o011)
            if account.can_enter(self.home):
                return
        path = [*reversed(self.home.parents), self.home]
        barred = next((folder for folder in path if not account.can_enter(folder)), self.home)
        raise ServerError(
            f"PostgreSQL does not run as root but as the user {account.name}, who may not enter {barred}. "
            f"Set SPARKIFY_HOME to a folder that this user can reach, such as {ROOT_HOME}, or let others"
            " enter (chmod o+x)."
        )

    def _answers(self) -> bool:
        if not says_ready(self.home):
            return False
        self._refuse_home_of_others()  # a server there could ask for our password
        try:
            url = self.url("postgres")
        except ServerError:
            if is_alive(self.home):
                raise
            return False  # left by a server that is dead
        return answers(url)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """Hold the home's lock and yield its descriptor. The kernel releases it if the program is killed."""
        make_folder(self.home)
        self._refuse_home_of_others()
        lock = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)

    def _refuse_home_of_others(self) -> None:
        found = self.home.stat()
        if found.st_uid not in (0, os.geteuid()):
            raise ServerError(
                f"{self.home} belongs to another user ({user_name(found.st_uid)}), who could put anything"
                " there. Run sparkify as that user, or set SPARKIFY_HOME to a folder of your own."
            )
        if found.st_mode & stat.S_IWOTH:
            raise ServerError(
                f"Anybody can write to {self.home}. Set SPARKIFY_HOME to a folder of your own, or forbid that"
                " (chmod o-w)."
            )

    def _waiting(self, state: str) -> Iterator[None]:
        """Wait a moment at each step. Raises ServerError once the log has not grown for too long.

        A server that says it is ready may recover from a crash. Then only lines about that are progress: it
        also logs that it refuses our connections.
        """
        size, since, pause = self._log_size(), time.monotonic(), 0.005
        while time.monotonic() - since < SILENT_START_SECONDS:
            yield
            time.sleep(pause)
            pause = min(1.2 * pause, 0.5)  # so it waits at most a fifth longer than needed
            before, size = size, self._log_size()
            if size != before and (
                not says_ready(self.home) or "elapsed time" in last_lines(self.log, before)
            ):
                since = time.monotonic()
        raise ServerError(f"PostgreSQL {state} in {SILENT_START_SECONDS:.0f} s.{self._log_end(0)}")

    def _log_size(self) -> int:
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def _log_end(self, since: int) -> str:
        lines = last_lines(self.log, since)
        return f" Its log {self.log} ends:\n{lines}" if lines else f" Its log {self.log} says nothing."

    @contextlib.contextmanager
    def _system_errors(self) -> Iterator[None]:
        """Turn an error of the system into a ServerError that names the file."""
        try:
            yield
        except OSError as raised:
            error = _first_of(raised)
            what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            todo = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Fix that"
            raise ServerError(
                f"The embedded PostgreSQL in {self.home} cannot be used ({what}). {todo}, set SPARKIFY_HOME"
                " to a folder of your own, or connect to another server with --dsn."
            ) from raised


def _first_of(error: OSError) -> OSError:
    """The error of the first file, if several could not be copied. `shutil` keeps only their texts."""
    if not isinstance(error, shutil.Error):
        return error
    _, target, text = error.args[0][0]
    number = re.match(r"\[Errno (\d+)\]", text)
    return OSError(int(number[1]), os.strerror(int(number[1])), target) if number else OSError(text)


def ensure_running(home: Path | None = None) -> str:
    """Start the embedded server if necessary; return the URL of `sparkifydb`, which may not exist yet.

    `home` defaults to `home_folder()`. Raises ServerError.
    """
    server = Server(home)
    server.start()
    return server.url()


def is_embedded(dsn: str) -> bool:
    """Whether a connection string leads to the embedded server of `home_folder()`."""
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415  slow to import

    try:
        return conninfo_to_dict(dsn).get("host") == os.fspath(socket_folder(home_folder()))
    except (OSError, ServerError):
        return False  # there is none


def revive(dsn: str) -> None:
    """Start the embedded server again if `dsn` leads to it and it was killed.

    A server that somebody stopped stays down. Raises ServerError.
    """
    home = home_folder()
    if is_embedded(dsn) and server_pid(home) is not None and not is_alive(home):
        Server(home).start()
