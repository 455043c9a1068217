"""The kinds of input files, and how to tell which kind a file is.

Swapped folders would produce nothing but rejects, so a load first looks at the beginning of a few files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sparkify.extract.compression import BrokenStream, decompressed
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.storage import blocks


@dataclass(frozen=True, slots=True)
class KindOfFile:
    """What a load knows of one kind before it reads a file.

    `folder` is its folder below DATA, `option` names another one, and `called` matches what people call such
    a folder, in lower case and letters only. `record` is what messages call one record. `has_people`
    says that each record belongs to a person, whom `sparkify forget` may have to find in it.
    """

    folder: str
    option: str
    called: re.Pattern[str]
    record: str
    has_people: bool


KINDS: Final[dict[Kind, KindOfFile]] = {
    "song": KindOfFile(
        folder="song_data",
        option="--song-data",
        called=re.compile("(songs?|tracks?)(data|files?|json)?|catalog(ue)?(data)?"),
        record="a song record",
        has_people=False,
    ),
    "log": KindOfFile(
        folder="log_data",
        option="--log-data",
        called=re.compile("(user|app|raw)?(logs?|events?)(data|files?|json)?"),
        record="a log event",
        has_people=True,
    ),
}
"""All kinds, in the order in which they are loaded: songs first, so that plays find them."""

SAMPLED: Final = 3
"""How many files of a folder to look at: the first, the middle one and the last."""

_HEAD_BYTES: Final = 16 << 10
_PACKED_HEAD_BYTES: Final = 1 << 20
"""Bzip2 returns nothing before it has read a whole block."""

_KEY: Final = re.compile(rb'"(\w+)"\s*:')


def kind_of(file: InputFile) -> Kind | None:
    """The kind of a file by the JSON keys at its beginning; None when they fit both kinds.

    Raises:
        StorageFailed: the store cannot be reached.
    """
    keys = set(_KEY.findall(_head(file)))
    # A play must have a page, and a song a song_id. A file with both keys may hold either, or some of each.
    if b"page" not in keys and (b"song_id" in keys or keys >= {b"title", b"duration"}):
        return "song"
    if b"song_id" not in keys and (b"page" in keys or keys >= {b"ts", b"sessionId"}):
        return "log"
    return None


def sample(files: Sequence[InputFile]) -> list[InputFile]:
    """Up to `SAMPLED` of the files that are not empty, spread evenly."""
    files = [file for file in files if file.size]
    if len(files) <= SAMPLED:
        return files
    return [files[at * (len(files) - 1) // (SAMPLED - 1)] for at in range(SAMPLED)]


def _head(file: InputFile) -> bytes:
    head = b""
    size = min(file.size, _PACKED_HEAD_BYTES if file.compression else _HEAD_BYTES)
    try:
        pieces = blocks(file, 0, size)
        for piece in decompressed(pieces, file.compression) if file.compression else pieces:
            head += piece
            if len(head) >= _HEAD_BYTES:
                break
    except (OSError, BrokenStream):
        pass  # the head is a torn stream, or the file cannot be read: staging will report that
    return head[:_HEAD_BYTES]
