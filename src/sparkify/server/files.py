"""Small file operations that survive a crash of the machine."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return once a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing; those that root makes let everybody pass through."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            missing.chmod(0o755)  # whatever root's umask is: the server runs as another user


def write(path: Path, content: bytes) -> None:
    """Make a file hold `content`, wholly or not at all; readable by all. Does nothing when it already does."""
    if path.is_file() and path.read_bytes() == content:
        return
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.write_bytes(content)
    unfinished.chmod(0o644)
    sync(unfinished)
    unfinished.rename(path)
    sync(path.parent)


def last_lines(path: Path, since: int, count: int = 12) -> str:
    """The last lines a file holds from byte `since` on, indented, to be shown in a message; empty when there are none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since, end - 8000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in lines[-count:])
