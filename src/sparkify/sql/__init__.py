"""The longer SQL, one file a purpose; each query stands there under its name.

A query begins with a line ``-- name: what_it_is`` and one comment line that says what it is for.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(purpose: str) -> dict[str, LiteralString]:
    """All queries of ``<purpose>.sql`` by name. The files are part of the program, hence literal strings."""
    text = files(__name__).joinpath(f"{purpose}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return cast("dict[str, LiteralString]", dict(zip(parts[::2], parts[1::2], strict=True)))
