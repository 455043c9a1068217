"""Measure work: time, processor time of client and server, memory of the client, WAL of the server."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MB: Final = 1 << 20
_SAMPLE_S: Final = 0.02


@dataclass
class Usage:
    """All in seconds, except `peak_mb` (resident memory of all client processes) and `wal_mb` (WAL written).

    `idle` is the idle time of all processors, and `waiting` the part of it spent waiting for a disk. The rest
    of their time went to other programs; a run that shared the machine with them proves little. `events` are
    lines that were read, if counted.
    """

    seconds: float = 0.0
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    idle: float = 0.0
    waiting: float = 0.0
    peak_mb: float = 0.0
    wal_mb: float = 0.0
    events: int = 0


@contextmanager
def measured(admin: psycopg.Connection[Any], server_pid: int) -> Iterator[Usage]:
    """Measure the block. The caller adds the processor time and memory of the client."""
    admin.execute("CHECKPOINT")
    usage = Usage()
    wal, cpu, (idle, waiting) = _wal(admin), server_cpu(server_pid), _machine_idle()
    begun = time.perf_counter()
    yield usage
    usage.seconds = time.perf_counter() - begun
    usage.server_cpu = server_cpu(server_pid) - cpu
    idle_then, waiting_then = _machine_idle()
    usage.waiting = waiting_then - waiting
    usage.idle = idle_then - idle + usage.waiting
    usage.wal_mb = (_wal(admin) - wal) / _MB


def run(command: list[str], usage: Usage) -> str:
    """Run a program to its end, return its output, and add what it used.

    Raises:
        RuntimeError: it failed; the message ends with its output.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Let it write bytecode: users compile the program once, not at every start.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
    )
    watcher = _Watcher(process.pid)
    watcher.start()
    # One thread for each pipe: `communicate` would reap the process, and its usage with it.
    said: dict[str, str] = {}
    readers = [
        threading.Thread(target=lambda name=name, pipe=pipe: said.update({name: pipe.read()}))
        for name, pipe in (("out", process.stdout), ("err", process.stderr))
        if pipe
    ]
    for reader in readers:
        reader.start()
    _, status, used = os.wait4(process.pid, 0)
    watcher.ended.set()
    for thread in (watcher, *readers):
        thread.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    # Take the larger, because both are too low: the first misses children that nobody waits for, such as the
    # Python workers of Spark's daemon; the second misses the time after the last sample.
    usage.client_cpu += max(used.ru_utime + used.ru_stime, watcher.cpu)
    usage.peak_mb = max(usage.peak_mb, watcher.peak_mb)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said['err'][-2000:]}")
    return said["out"]


def server_cpu(postmaster: int) -> float:
    """Processor seconds of a server since its start, with its children, living and ended."""
    ticks = sum(_stat(postmaster)[:4])
    for child in _children(postmaster):
        # A process that has just ended: the postmaster has its seconds at the next sample.
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(_stat(child)[:2])
    return ticks / _TICK


class _Watcher(threading.Thread):
    """Samples a process and its descendants: their processor time and the most memory they use together."""

    def __init__(self, root: int) -> None:
        super().__init__()
        self.ended = threading.Event()
        self.peak_mb = 0.0
        self._root = root
        self._ticks: dict[tuple[int, str], int] = {}

    @property
    def cpu(self) -> float:
        """Processor seconds, also of processes that have ended."""
        return sum(self._ticks.values()) / _TICK

    def run(self) -> None:
        # Do not use the memory from `wait4`: it includes that of this process, from which the child was
        # forked.
        while not self.ended.wait(_SAMPLE_S):
            all_there_are = _processes()
            below: dict[int, list[int]] = {}
            for pid, fields in all_there_are.items():
                below.setdefault(int(fields[1]), []).append(pid)
            pages, waiting = 0, [self._root]
            while waiting:
                pid = waiting.pop()
                if fields := all_there_are.get(pid):
                    self._ticks[pid, fields[19]] = int(fields[11]) + int(fields[12])
                    pages += int(fields[21])
                waiting += below.get(pid, ())
            self.peak_mb = max(self.peak_mb, pages * _PAGE / _MB)


def _processes() -> dict[int, list[str]]:
    """All processes of the machine, with the fields of /proc/PID/stat from the state on."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  fifty times a second
        if name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[int(name)] = _fields(name)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, children.read_text().split())
    return found


def _stat(pid: int) -> list[int]:
    """User and system time, of the process and of the children it waited for, in ticks."""
    return [int(field) for field in _fields(pid)[11:15]]


def _fields(pid: int | str) -> list[str]:
    with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
        return stat.read().decode(errors="replace").rpartition(")")[2].split()


def _machine_idle() -> tuple[float, float]:
    """Seconds since boot, of all processors, that were idle and that waited for a disk."""
    fields = Path("/proc/stat").read_text().split(maxsplit=6)
    return int(fields[4]) / _TICK, int(fields[5]) / _TICK


def _wal(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None
    return int(row[0])
