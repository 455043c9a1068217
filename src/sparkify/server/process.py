"""The server as a process: started as a daemon, known to be alive, stopped.

Alive means that somebody holds the lock on the file `alive`. The starter takes it and the server inherits it, as
does each of its children, so the kernel gives it back when the last of them is gone, however they went. A pid
file alone can not tell: its number may by now be another process, or a dead one that nobody has waited for.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
from pathlib import Path

from sparkify.server.account import Account
from sparkify.server.cluster import ENVIRONMENT
from sparkify.server.port import socket_port
from sparkify.server.socket import nobody_listens, socket_folder

LOG_KEPT = 10 << 20
"""Bytes after which a start puts the log aside, so that at most twice as much is ever kept."""


def launch(programs: Path, home: Path, account: Account) -> None:
    """Start the server and return at once; whether it comes up shows in `alive`, its socket and its log.

    Call it under the lock of the home, with no server alive.
    """
    for file in (
        home / "data" / "postmaster.pid",
        socket_folder(home) / f".s.PGSQL.{socket_port(home)}.lock",
    ):
        _forget_reused_pid(file)
    # The shell leaves the server to init at once. As our own child it would, once dead, stay a zombie for as long as
    # we live; and in a session of its own no Ctrl-C at our terminal reaches it.
    command = ["/bin/sh", "-c", '"$0" -D "$1" &', f"{programs}/bin/postgres", str(home / "conf")]
    alive = os.open(home / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        log = _open_log(home / "server.log")
        try:
            fcntl.flock(alive, fcntl.LOCK_EX)
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                start_new_session=True,
                pass_fds=[alive],
                **account.run_as,
            )
        finally:
            os.close(log)
    finally:
        os.close(alive)


def is_alive(home: Path) -> bool:
    """Whether any process of the server still lives."""
    try:
        alive = os.open(home / "alive", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(alive)
    return False


def server_pid(home: Path) -> int | None:
    """The process id in the server's pid file. It is the server's only while the server is alive."""
    lines = _pid_file(home)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def says_ready(home: Path) -> bool:
    """Whether the server, if it is alive, has come up. Unlike a connection it may be asked any number of times.

    A connection that is refused leaves a line in the log, and the log's growing is how we see a recovery go on.
    """
    lines = _pid_file(home)
    return len(lines) > 7 and lines[7].strip() == "ready"


def ask_to_stop(home: Path) -> bool:
    """Have a server that is alive end all sessions and shut down cleanly; False when it can not be asked now."""
    pid = server_pid(home)
    # Refused: the server was killed and only some of its children are left, so its number may be anybody's by now.
    # They see that it is gone and end by themselves.
    if pid is None or nobody_listens(home):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    return True


def _open_log(log: Path) -> int:
    if log.exists() and log.stat().st_size > LOG_KEPT:
        log.rename(log.with_name("server.log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def _pid_file(home: Path) -> list[str]:
    try:
        return (home / "data" / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _forget_reused_pid(file: Path) -> None:
    """Remove a dead server's lock file when its number now belongs to another process, or when it has none.

    PostgreSQL would refuse to start. It still would if any process used the data: its shared memory tells it.
    """
    try:
        os.kill(int(file.read_text().split("\n", 1)[0]), 0)
    except (FileNotFoundError, ProcessLookupError):
        return  # PostgreSQL knows what to do with the file of a process that is gone
    except (ValueError, PermissionError):
        pass
    file.unlink()
