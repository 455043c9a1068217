"""Worker processes: each reads its task from standard input, writes its files, and answers with counts.

They are started as `python -m sparkify.simulate.worker`, not forked: forking a process with threads is
unsafe, and `multiprocessing` needs a main guard in the caller's script. A worker ends with its parent, when
its input closes.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait

from sparkify.errors import SparkifyError
from sparkify.simulate.writing import Counts, Task, write


def write_all(tasks: Sequence[Task]) -> Counts:
    """Write the tasks in parallel, with a worker for each.

    Raises SparkifyError as soon as a worker fails or cannot be started; the others are stopped.
    """
    workers: list[subprocess.Popen[bytes]] = []
    counts = Counts()
    try:
        for task in tasks:
            workers.append(_start(task))  # noqa: PERF401  the finally block must know those already started
        answering = {worker.stdout: worker for worker in workers}
        while answering:
            for answer in wait(list(answering)):  # type: ignore[arg-type]  # any file will do
                counts.add(_finish(answering.pop(answer)))  # type: ignore[call-overload]
    except OSError as error:
        raise SparkifyError(f"could not start a worker: {error}; give fewer --workers") from error
    finally:
        for worker in workers:
            with worker:
                pass  # leaving the block closes its pipes, and without input it ends
    return counts


def _start(task: Task) -> "subprocess.Popen[bytes]":
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "sparkify.simulate.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C goes to this process only, which stops the workers
    )
    assert worker.stdin is not None
    pickle.dump(task, worker.stdin)
    worker.stdin.flush()
    return worker


def _finish(worker: "subprocess.Popen[bytes]") -> Counts:
    assert worker.stdout is not None
    said = worker.stdout.read()
    if code := worker.wait():
        raise SparkifyError(said.decode() or f"a worker ended before its work was done (exit status {code})")
    counts: Counts = pickle.loads(said)  # noqa: S301  from our own child
    return counts


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    given = pickle.load(sys.stdin.buffer)  # noqa: S301  from our parent
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        sys.stdout.buffer.write(pickle.dumps(write(given)))
    except SparkifyError as failure:
        sys.stdout.buffer.write(str(failure).encode(errors="backslashreplace"))
        sys.exit(1)
