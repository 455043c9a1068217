"""Read the program's SQL from the ``.sql`` files beside the Python that runs it.

In a file of queries, each has a name, ``-- name: what_it_is``, and a comment that says in a sentence what it
does. A query that uses temporary tables declares them below that: ``-- reads: a, b`` and ``-- makes: c``.
Other files are scripts, run as a whole.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries(path: str) -> dict[str, LiteralString]:
    """All queries of a file by name. The file ``publish/months.sql`` is given as ``publish/months``."""
    _, *parts = _NAME.split(script(path))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def script(path: str) -> LiteralString:
    """The whole text of a file, without its ending ``.sql``."""
    return files("sparkify").joinpath(f"{path}.sql").read_text(encoding="utf-8")
