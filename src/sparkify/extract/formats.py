"""Formats of input files. The ending of a file's name chooses the reader that turns its bytes into records.

To add a format, write its reader in a module here, give it a row in `READERS`, and name it in docs/rules.md.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sparkify.extract.json_records import read_json, spans_lines
from sparkify.extract.rejects import Record

Reader = Callable[[Iterator[bytes]], Iterator[Record]]
"""Takes a file's decompressed bytes, block by block, and yields its records with rising numbers from 1.

A record has the number of its line, if the format has lines. A reader rejects only what cannot become a JSON
object; the judge decides on the fields.
"""

READERS: Final[dict[str, Reader]] = {
    "json": read_json,
    "jsonl": read_json,
    "ndjson": read_json,
}
"""The reader for each ending of a name, without the ending of a compression."""


def reader_of(ending: str, beginning: bytes) -> Reader | None:
    """The reader for a file with this ending and beginning; None if its lines are its records.

    Most JSON files have one record a line. They need no reader: their bytes are passed on unchanged.
    """
    reader = READERS[ending]
    return None if reader is read_json and not spans_lines(beginning) else reader
