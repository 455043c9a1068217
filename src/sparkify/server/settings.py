"""The server's configuration: each setting with its reason.

The files are rewritten at every start, so that a newer program brings its own settings. Users change settings
with `ALTER SYSTEM`, which PostgreSQL keeps in another file and which takes precedence.
"""

import os
from contextlib import suppress
from pathlib import Path

from sparkify.server.files import write
from sparkify.server.names import READER
from sparkify.server.port import ADDRESS, SOCKET_PORT

ROLE = "sparkify"
"""The role that owns everything: a superuser of this private server."""

MB = 1 << 20

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit of memory stands, with control groups of version 2 and of version 1."""


def write_settings(conf: Path, *, data: Path, socket: Path, user: str, port: int | None) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf into `conf`.

    Root and `user`, who runs the server, may log in by the socket; readers with a password, by a `port`.
    """
    lines = ["# Written by sparkify at every start; see docs/server.md."]
    lines += [f"{name} = {value}" for name, value in settings(data, socket, usable_memory(), port).items()]
    write(conf / "postgresql.conf", os.fsencode("\n".join(lines) + "\n"))
    # The kernel says who is at the other end of a Unix socket, so this needs neither a password nor trust.
    rules = "local all all peer map=sparkify\n"
    if port:  # any user of the machine can connect: never as superuser, never without a password
        rules += f"host all +{READER} {ADDRESS}/32 scram-sha-256\n"
    write(conf / "pg_hba.conf", rules.encode())
    write(conf / "pg_ident.conf", f'sparkify root {ROLE}\nsparkify "{user}" {ROLE}\n'.encode())


def settings(data: Path, socket: Path, memory: int, port: int | None = None) -> dict[str, str]:
    """The settings that differ from PostgreSQL's defaults, as text for its file, for a machine of `memory`
    bytes."""
    return {
        # Files, connections and permissions.
        "data_directory": _quoted(data),
        # A Unix socket only, unless the user asks for a port.
        "listen_addresses": f"'{ADDRESS}'" if port else "''",
        "port": str(port or SOCKET_PORT),
        # PostgreSQL reads a list.
        "unix_socket_directories": _quoted('"' + str(socket).replace('"', '""') + '"'),
        "unix_socket_permissions": "0700",  # the folder is private, and so is the socket
        # Memory and limits.
        "max_connections": "50",  # workers, a dashboard, a few notebooks; each costs memory even if unused
        "max_locks_per_transaction": "1024",  # ATTACH and all-time queries lock every partition: a thousand
        "shared_buffers": _megabytes(memory // 8, 64, 1024),  # PostgreSQL also uses the system's cache
        # Only tells the planner how much the system caches.
        "effective_cache_size": _megabytes(memory // 2, 128, 1 << 20),
        # For each sort or hash: a few analysts use this server, not hundreds of clients.
        "work_mem": _megabytes(memory // 256, 8, 64),
        # Keys are built over a month of plays at a time.
        "maintenance_work_mem": _megabytes(memory // 32, 64, 512),
        # Loading writes in bursts: fewer, longer checkpoints instead of one every gigabyte.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        # The same results on every machine.
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "lc_messages": "'C'",
        "default_text_search_config": "'pg_catalog.english'",
        # The log.
        "log_line_prefix": "'%m [%p] '",
        "log_startup_progress_interval": "5s",  # we wait for a recovery as long as the log grows
        # A row that a constraint refuses would stay in the log, also of somebody who is forgotten.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def usable_memory() -> int:
    """Bytes of memory: the machine's, or the container's limit if that is less."""
    least = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # no container, or no limit ("max", or more than there is)
            least = min(least, int(limit.read_text()))
    return least


def _megabytes(size: int, least: int, most: int) -> str:
    return f"{min(max(size // MB, least), most)}MB"


def _quoted(value: Path | str) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
