"""Folders that every user of the machine may enter: the user of root's server cannot enter pytest's."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
ON_DISK = Path("/tmp")  # noqa: S108  a socket's path must be short, which the user's TMPDIR may not be


def in_memory() -> Path:
    """Where such folders are quick: in memory, if those of other tests are there, too."""
    return MEMORY if tempfile.gettempdir() == str(MEMORY) else ON_DISK


@contextmanager
def room(place: Path) -> Iterator[Path]:
    """Make such a folder; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sparkify-test-", dir=place))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
