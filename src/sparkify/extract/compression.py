"""Decompression in bounded memory: a kilobyte of bzip2 can expand to a gigabyte.

Consecutive streams in a file are read as one, and zero bytes between them are skipped as padding.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

FEED_BYTES: Final = 1 << 10
"""Bytes to decompress at a time. Zstandard may return 32 MiB for this kilobyte at once."""

PIECE_BYTES: Final = 1 << 20

XZ_MEMORY: Final = 128 << 20
"""The memory that xz may use: twice what a file of ``xz -9`` needs. A malicious file could ask for 4 GiB."""


class BrokenStream(Exception):
    """A stream is damaged, or ends in the middle.

    `at` is the position of the compressed bytes that showed the damage. Their good bytes were lost, too.
    """

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


class _Decompressor(Protocol):
    """One stream. lzma's own class has this interface; the others get an adapter."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Library:
    """What the adapters have in common."""

    _stream: Any
    needs_input = True

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)


class _Gzip(_Library):
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece: bytes = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(piece) < max_length  # after a full piece zlib may hold more
        return piece


class _Bzip2(_Library):
    """Returns a block in one piece if it fits, so that a block with a wrong checksum returns nothing."""

    def __init__(self) -> None:
        self._stream = bz2.BZ2Decompressor()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece: bytes = self._stream.decompress(data, max_length)
        more = piece
        # bz2 asks for input while it still has output.
        while more and len(piece) < max_length and not self._stream.eof:
            more = self._stream.decompress(b"", max_length - len(piece))
            piece += more
        self.needs_input = self._stream.needs_input and len(piece) < max_length
        return piece


class _Zstandard(_Library):
    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415  imported only for such files

        self._stream = zstandard.ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002  the library has no limit
        return bytes(self._stream.decompress(data))


class Compression(NamedTuple):
    """Its name in messages, the first bytes of its files (a pattern), and what decompresses one stream."""

    name: str
    first_bytes: bytes
    open: Callable[[], _Decompressor]


COMPRESSIONS: Final = {
    "gz": Compression("gzip", rb"\x1f\x8b", _Gzip),
    "zst": Compression("zstd", rb"\x28\xb5\x2f\xfd", _Zstandard),
    "bz2": Compression("bzip2", rb"BZh[1-9]1AY", _Bzip2),
    "xz": Compression("xz", rb"\xfd7zXZ\x00", partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, XZ_MEMORY)),
}
"""What a load can decompress, by the endings of files."""

_OPEN: Final = {compression.name: compression.open for compression in COMPRESSIONS.values()}


def decompressed(
    blocks: Iterable[bytes], compression: str, careful_from: int | None = None
) -> Iterator[bytes]:
    """The decompressed bytes of a file, in pieces.

    From the compressed byte `careful_from` on, it feeds byte by byte: slow, but no good byte is lost.

    Raises:
        BrokenStream: a stream is damaged, or ends in the middle.
    """
    stream: _Decompressor | None = None
    begun = False
    for at, feed, most in _feeds(blocks, compression, careful_from):
        data = feed
        while True:
            if stream is None:
                if begun:
                    data = data.lstrip(b"\0")  # padding, as on tapes and in xz files
                if not data:
                    break
                stream, begun = _OPEN[compression](), True
            try:
                yield stream.decompress(data, most)  # without keeping a reference: it may be large
            except Exception as error:
                raise BrokenStream(_damage(compression, error), at) from error
            if stream.eof:
                data, stream = stream.unused_data, None
            elif stream.needs_input:
                break
            else:
                data = b""
    if stream is not None:
        raise BrokenStream(f"the {compression} stream ends in the middle")


def _feeds(
    blocks: Iterable[bytes], compression: str, careful_from: int | None
) -> Iterator[tuple[int, bytes, int]]:
    """Cut the blocks into bytes to decompress at a time: (position, bytes, most bytes to return at once)."""
    at = 0
    for block in blocks:
        start = 0
        while start < len(block):
            feed, most = FEED_BYTES, PIECE_BYTES
            if careful_from is not None:
                feed = min(feed, careful_from - at) if at < careful_from else 1
                # A block of bzip2 has its own checksum, and is returned whole or not at all.
                most = most if at < careful_from or compression == "bzip2" else 1
            data = block[start : start + feed]
            yield at, data, most
            start += len(data)
            at += len(data)


def _damage(compression: str, error: Exception) -> str:
    if isinstance(error, lzma.LZMAError) and "limit" in str(error):
        return (
            f"the xz stream needs more than {XZ_MEMORY >> 20} MiB of memory: compress it with xz -9 or less"
        )
    return f"the {compression} stream is damaged: {error}"
