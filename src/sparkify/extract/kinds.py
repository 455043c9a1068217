"""Whether a file holds songs or logs, by its beginning. Folders that were swapped would give nothing but rejects."""

import re
from collections.abc import Sequence
from typing import Final

from sparkify.extract.compression import BrokenStream, decompressed
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.storage import blocks

LOOKED_AT: Final = 3
"""So many files of a folder are looked at: the first, the one in the middle and the last."""

_HEAD_BYTES: Final = 16 << 10
_PACKED_HEAD_BYTES: Final = 1 << 20
"""A block of bzip2 tells nothing before it is there as a whole."""

_KEY: Final = re.compile(rb'"(\w+)"\s*:')


def told(file: InputFile) -> Kind | None:
    """What a file holds, by the keys at its beginning. None when they do not rule out the other kind.

    Raises:
        StorageFailed: the store cannot be reached.
    """
    keys = set(_KEY.findall(_head(file)))
    # A play must have a page, and a song a song_id. Both together may be either, or some of both.
    if b"page" not in keys and (b"song_id" in keys or keys >= {b"title", b"duration"}):
        return "song"
    if b"song_id" not in keys and (b"page" in keys or keys >= {b"ts", b"sessionId"}):
        return "log"
    return None


def some(files: Sequence[InputFile]) -> list[InputFile]:
    """A few of the files, spread over all that are not empty."""
    files = [file for file in files if file.size]
    if len(files) <= LOOKED_AT:
        return files
    return [files[at * (len(files) - 1) // (LOOKED_AT - 1)] for at in range(LOOKED_AT)]


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
        pass  # the stream goes on; or whoever reads all of it will say what is wrong
    return head[:_HEAD_BYTES]
