"""File operations whose effect survives a crash of the machine."""

import os
import stat
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents. If root makes them, everybody can pass through. Whatever the
    umask, not everybody can write there."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        # If root makes it, the server runs as another user.
        missing.chmod(0o755 if os.geteuid() == 0 else missing.stat().st_mode & ~stat.S_IWOTH)


def write(path: Path, content: bytes) -> None:
    """Replace a file's content if it changes, completely or not at all; everybody can read it."""
    if path.is_file() and path.read_bytes() == content:
        return
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.write_bytes(content)
    unfinished.chmod(0o644)
    sync(unfinished)
    unfinished.rename(path)
    sync(path.parent)


def last_lines(path: Path, since: int) -> str:
    """The last twelve lines of a file after byte `since`, indented for a message; empty if there are none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since, end - 8000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in lines[-12:])
