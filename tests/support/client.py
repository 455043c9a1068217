"""One load in a separate process, which a test can stop at an instant and disturb."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support import CHECKOUT

ENVIRONMENT: Final = {
    key: value for key, value in os.environ.items() if not key.startswith(("PG", "SPARKIFY_"))
} | {"PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT}", "OPENBLAS_NUM_THREADS": "1"}
"""The environment of our programs: no setting leads them to another warehouse."""

MOST_SECONDS: Final = 120.0
"""A load that takes longer counts as hanging. An undisturbed one takes two seconds."""


class Broken(Exception):
    """A promise was broken; the message says which one and how."""


@dataclass(frozen=True, slots=True)
class Instant:
    """When a fault strikes: after some seconds, or at the nth statement of a phase (see `victim`)."""

    seconds: float | None = None
    phase: str = ""
    nth: int = 0
    when: str = ""

    def settings(self) -> dict[str, Any]:
        """The settings for the victim."""
        return {} if self.phase == "" else {"phase": self.phase, "nth": self.nth, "when": self.when}

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s" if self.phase == "" else f"{self.when} {self.phase} {self.nth}"


class Nursery:
    """Makes victims by forking a process that has imported everything (`tests.support.victim`)."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.victim", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def bear(self, request: dict[str, Any], pipes: list[int]) -> None:
        """Fork a victim."""
        socket.send_fds(self._requests, [json.dumps(request).encode()], pipes)

    def close(self) -> None:
        """End the process that forks."""
        self._requests.close()
        self._process.wait()


@dataclass
class Client:
    """A running load. `arguments` are those of ``sparkify``."""

    nursery: Nursery
    arguments: list[str]
    log: Path
    instant: Instant = field(default_factory=Instant)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"

    def __post_init__(self) -> None:
        self.code: int | None = None
        self._ended = 0.0
        self._heard, said = os.pipe()
        waiting, self._release = os.pipe()
        status, reported = os.pipe()
        request = {
            "arguments": self.arguments,
            "settings": {**self.settings, **self.instant.settings()},
            "environment": self.environment,
            "folder": self.folder,
        }
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            pipes = [log.fileno(), said, waiting, reported]
            self.nursery.bear(request, pipes)
        for pipe in pipes[1:]:
            os.close(pipe)
        self._status = open(status, encoding="ascii")  # noqa: SIM115
        self._pid = int(self._status.readline())

    def runs(self) -> bool:
        """Whether it still runs."""
        return not self._wait(0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.runs():
            with contextlib.suppress(ProcessLookupError):  # it ends just now
                os.kill(self._pid, number)

    def _wait(self, seconds: float) -> bool:
        if self.code is None and select.select([self._status], [], [], seconds)[0]:
            self.code = int(self._status.readline())
            self._ended = time.monotonic()
            os.close(self._heard)
            os.close(self._release)
            self._status.close()
        return self.code is not None

    def reach(self) -> bool:
        """Wait for the instant; return whether the load still runs then."""
        seconds = self.instant.seconds
        left = MOST_SECONDS if seconds is None else max(0.0, seconds - (time.monotonic() - self.started))
        if seconds is None:
            if not select.select([self._heard], [], [], left)[0]:
                raise Broken(f"hangs: did not come to {self.instant} in {MOST_SECONDS:.0f} s{self.said()}")
            os.read(self._heard, 1)  # a byte at the instant, or nothing if the process is gone
        else:
            self._wait(left)
        return self.runs()

    def go_on(self) -> None:
        """Let the load continue after the instant."""
        if self.code is None:
            with contextlib.suppress(BrokenPipeError):  # it is gone
                os.write(self._release, b"x")

    def strike(self, number: signal.Signals) -> float:
        """Send a signal; return how many seconds the load took to end."""
        sent = time.monotonic()
        self.send(number)
        self.go_on()
        self.end()
        return time.monotonic() - sent

    def end(self) -> int:
        """Wait until it has ended; return the exit code.

        Raises:
            Broken: it hangs, or shows a traceback.
        """
        self.go_on()
        if not self._wait(MOST_SECONDS):
            self.send(signal.SIGKILL)
            raise Broken(f"hangs: still there after {MOST_SECONDS:.0f} s{self.said()}")
        assert self.code is not None
        if "Traceback" in self.log.read_text(errors="replace"):
            raise Broken(f"shows a traceback (exit code {self.code}){self.said()}")
        return self.code

    def seconds(self) -> float:
        """How long it ran."""
        return self._ended - self.started

    def said(self) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace").strip()
        return f"\n{text[-3000:]}" if text else ""
