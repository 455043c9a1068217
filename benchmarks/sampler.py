"""Run a sparkify command and record where its threads use processor time.

    python -m benchmarks.sampler OUT etl DATA …

Every few milliseconds it looks up where each thread is in the program, and how much processor time the system
has given it since the last look. That time counts for the innermost function of sparkify, even if the thread
is in a library that this function called. Threads that libraries started themselves are counted separately.
"""

import json
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Final

_INTERVAL_S: Final = 0.01
_PACKAGE: Final = f"{os.sep}sparkify{os.sep}"


class Sampler(threading.Thread):
    """Counts, for each function, the processor seconds and the seconds that a thread was in it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)
        self._ended = threading.Event()
        self._seen: dict[int, float] = {}

    def run(self) -> None:
        """Sample until `end`."""
        last = time.perf_counter()
        while not self._ended.wait(_INTERVAL_S):
            now = time.perf_counter()
            self._look(now - last)
            last = now

    def end(self) -> None:
        """Take a last sample and stop."""
        self._ended.set()
        self.join()
        self._look(0.0)

    def _look(self, elapsed: float) -> None:
        frames = sys._current_frames()  # noqa: SLF001  the documented way to see other threads
        places = {
            thread.native_id: _place(frames.get(thread.ident or 0))
            for thread in threading.enumerate()
            if thread is not self
        }
        places[self.native_id] = "the sampler itself"
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208  a hundred times a second
            try:
                used = int(Path(f"/proc/self/task/{task}/schedstat").read_text().split()[0]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                continue
            place = places.get(int(task), "threads of libraries")
            # The first sample of a thread includes the start of the interpreter.
            before = self._seen.get(int(task), 0.0)
            self.cpu[place] += used - before
            self._seen[int(task)] = used
            if int(task) in places:
                self.wall[place] += elapsed


def _place(frame: FrameType | None) -> str:
    """The innermost function of sparkify, marked when it works on a song file."""
    place = "outside"
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if place == "outside":
            if "importlib._bootstrap" in file:
                return "imports"
            if _PACKAGE in file:
                place = f"{file.rpartition(_PACKAGE)[2]}:{name}"
        if name == "_stage_songs":
            return f"{place} of a song file"
        frame = frame.f_back
    return place


def main() -> int:
    """Run the command of the arguments; returns its exit code."""
    out, *arguments = sys.argv[1:]
    sampler = Sampler()
    sampler.start()
    from sparkify.cli import main as command  # noqa: PLC0415  its import is part of what is sampled

    code = command(arguments)
    sampler.end()
    Path(out).write_text(json.dumps({"cpu": sampler.cpu, "wall": sampler.wall}))
    return code


if __name__ == "__main__":
    sys.exit(main())
