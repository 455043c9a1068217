"""Run a sparkify command with one file a batch, to see what a batch costs.

    python -m benchmarks.one_file_a_batch etl DATA …

Only for benchmarks.
"""

import sys

from sparkify import cli
from sparkify.extract import plan


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    plan.BATCH_FILES = 1  # type: ignore[misc]
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
