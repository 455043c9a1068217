"""One worker: reads its part of the work from standard input, writes it, prints the counts.

Workers are processes of their own (`python -m sparkify.simulate.worker`): neither forked from a process with threads
nor in need of a main guard in the caller's script.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from sparkify.errors import SparkifyError
from sparkify.simulate.world import World
from sparkify.simulate.writing import Counts, Part, write


def start(part: Part) -> "subprocess.Popen[str]":
    """Start a worker on a part."""
    words = {
        "out": str(part.out),
        "world": {**asdict(part.world), "opened": part.world.opened.isoformat()},
        "songs": [part.songs.start, part.songs.stop],
        "days": [part.days.start, part.days.stop],
        "packed": part.packed,
        "zipped": part.zipped,
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "sparkify.simulate.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(words))
    worker.stdin.close()
    worker.stdin = None
    return worker


def finish(workers: "list[subprocess.Popen[str]]") -> Counts:
    """Wait for all workers and return what they wrote.

    Raises SparkifyError when one failed; what went wrong it has said on standard error.
    """
    counts = Counts()
    said = [worker.communicate()[0] for worker in workers]
    if any(worker.returncode for worker in workers):
        raise SparkifyError("a worker of the simulator failed; its message is above")
    for counted in said:
        counts.add(Counts(**json.loads(counted)))
    return counts


def _part(words: dict[str, object]) -> Part:
    given = dict(words)
    world = dict(given.pop("world"))  # type: ignore[call-overload]
    world["opened"] = date.fromisoformat(world["opened"])
    return Part(
        out=Path(str(given["out"])),
        world=World(**world),
        songs=range(*given["songs"]),  # type: ignore[misc]
        days=range(*given["days"]),  # type: ignore[misc]
        packed=bool(given["packed"]),
        zipped=bool(given["zipped"]),
    )


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(write(_part(json.load(sys.stdin))))))
    except OSError as error:
        sys.exit(f"could not write: {error}")
