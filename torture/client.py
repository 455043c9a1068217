"""One load in a process of its own, which can be stopped at an instant and disturbed."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PATIENCE: Final = 120.0
"""Seconds after which a load counts as hanging. An undisturbed one takes two."""


class Broken(Exception):
    """A promise was broken; the message says which and how."""


@dataclass(frozen=True, slots=True)
class Instant:
    """When a fault strikes: after some seconds, or at the nth statement of a phase (see `torture.victim`)."""

    seconds: float | None = None
    phase: str = ""
    nth: int = 0
    when: str = ""

    def settings(self) -> dict[str, Any]:
        """What the victim is told."""
        return {} if self.phase == "" else {"phase": self.phase, "nth": self.nth, "when": self.when}

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s" if self.phase == "" else f"{self.when} {self.phase} {self.nth}"


@dataclass
class Client:
    """A load that runs. `arguments` are those of ``sparkify``."""

    arguments: list[str]
    log: Path
    instant: Instant = field(default_factory=Instant)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ended = 0.0
        self._heard, said = os.pipe()
        waiting, self._release = os.pipe()
        settings = {**self.settings, **self.instant.settings(), "pipe": [said, waiting]}
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PG", "SPARKIFY_"))
        }
        environment |= {"TORTURE": json.dumps(settings), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with self.log.open("ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "torture.victim", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.environment.pop("cwd", "/"),
                env=environment | self.environment,
                pass_fds=[said, waiting],
                start_new_session=True,
            )
        os.close(said)
        os.close(waiting)

    def reach(self) -> bool:
        """Wait for the instant; gives whether the load still runs then."""
        seconds = self.instant.seconds
        left = PATIENCE if seconds is None else max(0.0, seconds - (time.monotonic() - self.started))
        if seconds is None:
            if not select.select([self._heard], [], [], left)[0]:
                raise Broken(f"hangs: did not come to {self.instant} in {PATIENCE:.0f} s{self.said()}")
            os.read(self._heard, 1)  # or the process is gone
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(left)
        return self.process.poll() is None

    def go_on(self) -> None:
        """Let it go on after the instant."""
        if not self._ended:
            with contextlib.suppress(BrokenPipeError):  # it is gone
                os.write(self._release, b"x")

    def strike(self, number: signal.Signals) -> float:
        """Send it a signal; gives after how many seconds it was gone."""
        sent = time.monotonic()
        self.process.send_signal(number)
        self.go_on()
        self.end()
        return time.monotonic() - sent

    def end(self) -> int:
        """Wait until it has ended, however it did; gives the exit code.

        Raises:
            Broken: it hangs, or shows a traceback.
        """
        if self._ended:
            return self.process.returncode
        self.go_on()
        try:
            code = self.process.wait(PATIENCE)
            self._ended = time.monotonic()
            os.close(self._heard)
            os.close(self._release)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken(f"hangs: still there after {PATIENCE:.0f} s{self.said()}") from None
        if "Traceback" in self.log.read_text(errors="replace"):
            raise Broken(f"shows a traceback (exit code {code}){self.said()}")
        return code

    def seconds(self) -> float:
        """How long it took, once it has ended."""
        return self._ended - self.started

    def said(self) -> str:
        """What it said last."""
        text = self.log.read_text(errors="replace").strip()
        return f"\n{text[-3000:]}" if text else ""
