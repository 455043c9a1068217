"""Formats of input files. The ending of a file's name chooses the reader that turns its bytes into records.

To add a format, write its reader in a module here, give it a row in `READERS`, and name it in docs/rules.md.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sparkify.extract.json_records import read_json, spans_lines
from sparkify.extract.rejects import Record

Reader = Callable[[Iterator[bytes]], Iterator[Record]]
"""Takes the decompressed bytes of a file, block by block, and gives its records in order, numbered from 1 and
rising.

The number of a record is that of its line, where the format has lines. A reader rejects only what cannot
become a JSON object; the judge decides on the fields.
"""

READERS: Final[dict[str, Reader]] = {
    "json": read_json,
    "jsonl": read_json,
    "ndjson": read_json,
}
"""The reader for each ending, before the ending of a compression."""


def reader_of(ending: str, beginning: bytes) -> Reader | None:
    """The reader of a file with this ending that begins with these bytes; None when its lines are its
    records.

    Most JSON files have one record a line. They need no reader: their bytes are passed on as they are.
    """
    reader = READERS[ending]
    return None if reader is read_json and not spans_lines(beginning) else reader
