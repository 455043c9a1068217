"""The password of the login for tools that connect by TCP."""

import os
import secrets
from pathlib import Path

FILE = "bi.password"
"""The file in the home, readable by its owner only. If it is deleted, the login gets a new password."""


def keep_password(home: Path) -> str:
    """The password in the home, created if missing. The caller holds the lock of the home."""
    file = home / FILE
    if not file.exists():
        unfinished = file.with_name(f"{FILE}.new")
        unfinished.unlink(missing_ok=True)
        with open(unfinished, "x", opener=_privately, encoding="ascii") as new:
            new.write(secrets.token_urlsafe(24))
        unfinished.rename(file)
    return file.read_text(encoding="ascii").strip()


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
