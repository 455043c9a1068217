"""The password of the login for tools that reach the server by its port."""

import os
import secrets
from pathlib import Path

FILE = "bi.password"
"""Below the home, for its owner alone. When it is deleted, the login gets another password."""


def keep_password(home: Path) -> str:
    """The password that is kept in the home, made if it is missing. Call it under the lock of the home."""
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
