"""The server's process: start it as a daemon, see whether it is alive, stop it.

The server is alive while any process holds the lock on the file `alive`. The starter takes the lock, and the
server and its children inherit it, so the kernel releases it when the last of them is gone, however they
ended. A pid file is not enough: by now its number may belong to another process, or to a zombie.
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
"""Bytes of log after which a start rotates it; at most twice as much is kept."""


def launch(programs: Path, home: Path, account: Account) -> None:
    """Start the server and return at once. `alive`, its socket and its log show whether it comes up.

    The caller holds the lock of the home, and no server is alive.
    """
    for file in (
        home / "data" / "postmaster.pid",
        socket_folder(home) / f".s.PGSQL.{socket_port(home)}.lock",
    ):
        _forget_reused_pid(file)
    # The shell exits at once and leaves the server to init. As our child, a dead server would stay a zombie
    # while we live. In its own session, Ctrl-C at our terminal does not reach it.
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
    """Whether any process of the server is alive."""
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
    """The process id in the server's pid file. It is only valid while the server is alive."""
    lines = _pid_file(home)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def says_ready(home: Path) -> bool:
    """Whether a server that is alive has finished starting, or recovers from a crash.

    Unlike connecting, asking has no side effect. A refused connection adds a line to the log, and we take the
    log's growth for progress of a recovery.
    """
    lines = _pid_file(home)
    return len(lines) > 7 and lines[7].strip() == "ready"


def ask_to_stop(home: Path) -> bool:
    """Ask a live server to end all sessions and shut down; returns False if it cannot be asked now."""
    pid = server_pid(home)
    # Nobody listens: the server was killed and only children of it are left. Its pid may belong to another
    # process by now; the children notice that it is gone and end by themselves.
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
    """Remove a dead server's lock file if its pid now belongs to another process, or if it holds none.

    PostgreSQL would refuse to start because of it. It still refuses if a process uses the data, which it sees
    from its shared memory.
    """
    try:
        os.kill(int(file.read_text().split("\n", 1)[0]), 0)
    except (FileNotFoundError, ProcessLookupError):
        return  # PostgreSQL itself removes the file of a process that is gone
    except (ValueError, PermissionError):
        pass
    file.unlink()
