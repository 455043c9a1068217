"""Run a program and wait for all its descendants: ``python -m benchmarks.family COMMAND …``.

A Spark driver ends before its JVM, and the JVM before the executors. Whoever waits for this program gets the
processor time of them all.
"""

import ctypes
import os
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """The exit code of the command, once its last descendant has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    code = subprocess.run(sys.argv[1:], check=False).returncode
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return code


if __name__ == "__main__":
    sys.exit(main())
