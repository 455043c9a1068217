"""The program's SQL. It stands in ``.sql`` files beside the Python that runs it, each query under a name.

A query begins with a line ``-- name: what_it_is`` and one comment line that says what it is for.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries(path: str) -> dict[str, LiteralString]:
    """All queries of a file by name; ``publish/months`` is the file ``months.sql`` in the folder ``publish``."""
    text = files("sparkify").joinpath(f"{path}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    # The files are part of the program, hence literal strings.
    return cast("dict[str, LiteralString]", dict(zip(parts[::2], parts[1::2], strict=True)))
