"""How the server is configured, each setting with its reason.

The files are written anew at every start, so a newer program brings its settings along. A user's own go into
`ALTER SYSTEM`, which PostgreSQL keeps elsewhere and lets win.
"""

import os
from pathlib import Path

from sparkify.server.files import write
from sparkify.server.names import READER
from sparkify.server.port import ADDRESS, SOCKET_PORT

ROLE = "sparkify"
"""The one role we make: the owner of everything, a superuser of this private server."""

MB = 1 << 20


def write_settings(conf: Path, *, data: Path, socket: Path, user: str, port: int | None) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf into `conf`; `user`, who runs the server, and root may log in.

    On a `port` those may log in who have a password and can only read.
    """
    lines = ["# Written by sparkify at every start; see docs/server.md."]
    lines += [f"{name} = {value}" for name, value in settings(data, socket, _memory(), port).items()]
    write(conf / "postgresql.conf", os.fsencode("\n".join(lines) + "\n"))
    # The kernel says who is at the other end of a Unix socket; there is no password to keep, and no trust.
    rules = "local all all peer map=sparkify\n"
    if port:  # anybody on the machine can knock there: never the superuser, never without a password
        rules += f"host all +{READER} {ADDRESS}/32 scram-sha-256\n"
    write(conf / "pg_hba.conf", rules.encode())
    write(conf / "pg_ident.conf", f'sparkify root {ROLE}\nsparkify "{user}" {ROLE}\n'.encode())


def settings(data: Path, socket: Path, memory: int, port: int | None = None) -> dict[str, str]:
    """All that differs from PostgreSQL's defaults, as written in its file, for a machine of `memory` bytes."""
    return {
        # Where, and for whom.
        "data_directory": _quoted(data),
        "listen_addresses": f"'{ADDRESS}'" if port else "''",  # no network: a Unix socket, unless asked
        "port": str(port or SOCKET_PORT),
        "unix_socket_directories": _quoted('"' + str(socket).replace('"', '""') + '"'),  # an item of a list
        "unix_socket_permissions": "0700",  # the folder is private already; the socket need not be open either
        # Room.
        "max_connections": "50",  # workers, a dashboard and a few notebooks; each costs memory even when unused
        "max_locks_per_transaction": "1024",  # ATTACH and a query over all time lock every partition: a thousand
        "shared_buffers": _megabytes(memory // 8, 64, 1024),  # PostgreSQL also lives off the system's cache
        "effective_cache_size": _megabytes(
            memory // 2, 128, 1 << 20
        ),  # only tells the planner what the system caches
        "work_mem": _megabytes(
            memory // 256, 8, 64
        ),  # per sort or hash: a few people analysing, not hundreds of clients
        "maintenance_work_mem": _megabytes(
            memory // 32, 64, 512
        ),  # keys are built over a month of plays at a time
        # Loading writes in bursts: fewer, longer checkpoints instead of one every gigabyte.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        # Always the same meaning, whatever the machine it runs on.
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "lc_messages": "'C'",
        "default_text_search_config": "'pg_catalog.english'",
        # The log.
        "log_line_prefix": "'%m [%p] '",
        "log_startup_progress_interval": "5s",  # we wait for a recovery for as long as the log grows
    }


def _memory() -> int:
    """The bytes of memory we may count on: the machine's, or the container's when that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return machine


def _megabytes(size: int, least: int, most: int) -> str:
    return f"{min(max(size // MB, least), most)}MB"


def _quoted(value: Path | str) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
