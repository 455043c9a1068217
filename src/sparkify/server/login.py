"""The login of tools that reach the server by its port: it only reads, and has a password."""

import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlencode

from sparkify.errors import SparkifyError
from sparkify.server.port import ADDRESS

NAME = "sparkify_bi"

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


def admit(url: str, password: str) -> None:
    """Let the login read the warehouse at `url`. Raises SparkifyError when there is none, or it cannot be done now."""
    from sparkify.connection import explained  # noqa: PLC0415  - slow to import
    from sparkify.create_tables import has_warehouse  # noqa: PLC0415
    from sparkify.roles import READER, create_roles  # noqa: PLC0415

    with explained():
        if not has_warehouse(url):
            raise SparkifyError("There is no warehouse in this database yet. Load one: sparkify etl DATA")
    create_roles(url, login=(NAME, READER, password))


def jdbc_url(port: int, dbname: str, password: str) -> str:
    """One JDBC URL."""
    login = urlencode({"user": NAME, "password": password})
    return f"jdbc:postgresql://{ADDRESS}:{port}/{quote(dbname, safe='')}?{login}"


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
