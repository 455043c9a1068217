"""A real Spark cluster on loopback: a master and workers in separate processes, and functions that tell which
process is which."""

import os
import re
import signal
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support import CHECKOUT

MOST_SECONDS = 120
"""Seconds to wait for what takes one second on a quiet machine."""


def wait_for(what: Callable[[], Any], why: str) -> Any:
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain: {why}")


def make_environment(folder: Path, wheel: Path | None = None) -> Path:
    """Make an environment with all our packages but sparkify, or with that wheel; return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # Only the folders: what their .pth files add, such as this checkout, stays invisible.
    (site / "base.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    if wheel:
        zipfile.ZipFile(wheel).extractall(site)
    return folder / "bin" / "python"


def make_wheel(folder: Path, **environment: str) -> Path:
    code = f"from setuptools.build_meta import build_wheel; print(build_wheel({str(folder)!r}))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return folder / said.stdout.split()[-1]


class Cluster:
    """A standalone master and one-core workers. Drivers run `python`, which has sparkify's wheel."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self.folder = folder
        wheel = make_wheel(folder)
        self.python = make_environment(folder / "driver", wheel)
        self.bare_python = make_environment(folder / "executor")
        self._started: list[subprocess.Popen[bytes]] = []
        self._class = [str(Path(pyspark.__file__).parent / "bin" / "spark-class")]
        # SPARK_HOME may name another Spark on this machine.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SPARK_", "PYSPARK_", "PYTHON"))
        } | {
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": str(self.bare_python),
            "SPARK_DAEMON_MEMORY": "256m",
        }
        log = self._launch("master", "127.0.0.1", "org.apache.spark.deploy.master.Master")
        self.url = wait_for(lambda: re.search(r"spark://127\.0\.0\.1:\d+", log.read_text()), "the master")[0]
        self.workers = [self.add_worker(), self.add_worker()]

    def _launch(self, name: str, host: str, main: str, *arguments: str) -> Path:
        log = self.folder / f"{name}.log"
        command = [*self._class, main, "--host", host, "--port", "0", "--webui-port", "0", *arguments]
        with log.open("wb") as target:
            self._started.append(
                subprocess.Popen(
                    command,
                    stdout=target,
                    stderr=target,
                    start_new_session=True,
                    env=self.environment | {"SPARK_LOCAL_IP": host},
                )
            )
        return log

    def add_worker(self) -> int:
        """Start a worker; return its process id."""
        number = len(self._started)
        work = self.folder / f"work{number}"
        # Each worker has its own address, like a machine: Spark runs no second copy of a task on the same
        # host.
        log = self._launch(
            f"worker{number}", f"127.0.0.{1 + number}", "org.apache.spark.deploy.worker.Worker", "-c", "1",
            "-m", "1g", "-d", str(work),
            self.url,
        )  # fmt: skip
        wait_for(lambda: "Successfully registered with master" in log.read_text(), "a worker")
        return self._started[-1].pid

    def two_workers(self) -> None:
        """Start workers until two are alive."""
        self.workers = [pid for pid in self.workers if is_alive(pid)]
        while len(self.workers) < 2:
            self.workers.append(self.add_worker())

    def drive(self, *arguments: str, code: str = "", **environment: str) -> subprocess.Popen[str]:
        """Run ``sparkify`` with these arguments, with small batches and small parts of large files."""
        program = (
            "import sys; from sparkify.extract import batches, plan; plan.LEAST_BATCH_BYTES = 40_000\n"
            f"batches.LEAST_PART_BYTES = plan.LEAST_PART_BYTES = 20_000\n{code}\n"
            "import sparkify; assert 'driver' in sparkify.__file__\n"
            "from sparkify.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        with (self.folder / "driver.log").open("wb") as said:
            return subprocess.Popen(
                [str(self.python), "-W", "ignore", "-c", program, *arguments],
                stdout=subprocess.PIPE, stderr=said, text=True, env=self.environment | environment,
            )  # fmt: skip

    def said(self) -> str:
        """The last driver's stderr, with Spark's messages."""
        return (self.folder / "driver.log").read_text(errors="replace")

    def stop(self) -> None:
        for process in reversed(self._started):
            kill_all(process.pid)
            process.wait()


def kill_all(pid: int) -> None:
    """Kill a process and its descendants."""
    family = [pid, *_below(pid)]
    for member in family:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _below(pid: int) -> list[int]:
    parents = _parents()
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [one for child in children for one in _below(child)]


def above(pid: int) -> Iterator[int]:
    """The process and its ancestors."""
    parents = _parents()
    while pid > 1:
        yield pid
        pid = parents.get(pid, 0)


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def executor_of(pid: int) -> int:
    """The executor (a Java process) of a Python worker."""
    return next(each for each in above(pid) if "CoarseGrainedExecutorBackend" in command_of(each))


def owner_of(local: int, remote: int) -> int:
    """The process that holds the connection between these ports of this machine.

    The local port alone would not do: other connections, to other ports, may have the same one, and one that
    has just ended is listed without an owner.
    """
    inode = next(
        fields[9]
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[1].endswith(f":{local:04X}") and fields[2].endswith(f":{remote:04X}")
    )
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(link.readlink()) == f"socket:[{inode}]":
                return int(link.parts[2])
    raise AssertionError(f"nobody has the connection from port {local} to port {remote}")
