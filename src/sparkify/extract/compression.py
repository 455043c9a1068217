"""Decompression in bounded memory: a kilobyte of bzip2 can hold a gigabyte.

Streams in a row are one stream, and zero bytes behind each are padding.
"""

import bz2
import lzma
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

FEED_BYTES: Final = 1 << 10
"""Little at a time: Zstandard unpacks at once what it is fed, and a kilobyte of it can hold 32 MiB."""

PIECE_BYTES: Final = 1 << 20

XZ_MEMORY: Final = 128 << 20
"""``xz -9`` needs half of it to be unpacked. A file may ask for 4 GiB."""


class BrokenStream(Exception):
    """A stream is damaged, or ends in the middle.

    `at` is where the compressed bytes stand in which a damage showed; what stood before it in these is lost.
    """

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


class _Decompressor(Protocol):
    """One stream; as that of lzma, which needs no adapter."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Library:
    """The part that is the same for every library."""

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
        self.needs_input = len(piece) < max_length  # a full piece may leave more of it within zlib
        return piece


class _Bzip2(_Library):
    """Gives what it was fed at once: so a block that fits into a piece is not given when its checksum is wrong."""

    def __init__(self) -> None:
        self._stream = bz2.BZ2Decompressor()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece: bytes = self._stream.decompress(data, max_length)
        more = piece
        # It asks for input while it still has output.
        while more and len(piece) < max_length and not self._stream.eof:
            more = self._stream.decompress(b"", max_length - len(piece))
            piece += more
        self.needs_input = self._stream.needs_input and len(piece) < max_length
        return piece


class _Zstandard(_Library):
    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415  only where it is needed

        self._stream = zstandard.ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002  it knows no limit
        return bytes(self._stream.decompress(data))


def decompressed(
    blocks: Iterable[bytes], compression: str, careful_from: int | None = None
) -> Iterator[bytes]:
    """The decompressed bytes of a file, in pieces.

    From the compressed byte `careful_from` on, none that stands before a damage is lost with it. That is slow.

    Raises:
        BrokenStream: a stream is damaged, or ends in the middle.
    """
    stream: _Decompressor | None = None
    at, begun = 0, False
    for block in blocks:
        start = 0
        while start < len(block):
            feed, most = FEED_BYTES, PIECE_BYTES
            if careful_from is not None:
                feed = min(feed, careful_from - at) if at < careful_from else 1
                # A block of bzip2 has a checksum of its own, and is given as a whole or not at all.
                most = most if at < careful_from or compression == "bzip2" else 1
            fed = data = block[start : start + feed]
            while True:
                if stream is None:
                    if begun:
                        data = data.lstrip(b"\0")  # padding, as tapes and xz have it
                    if not data:
                        break
                    stream, begun = _decompressor(compression), True
                try:
                    yield stream.decompress(data, most)  # and keep no reference: it may be large
                except Exception as error:
                    raise BrokenStream(_damage(compression, error), at) from error
                if stream.eof:
                    data, stream = stream.unused_data, None
                elif stream.needs_input:
                    break
                else:
                    data = b""
            start += len(fed)
            at += len(fed)
    if stream is not None:
        raise BrokenStream(f"the {compression} stream ends in the middle")


def _decompressor(compression: str) -> _Decompressor:
    if compression == "gzip":
        return _Gzip()
    if compression == "bzip2":
        return _Bzip2()
    if compression == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    return _Zstandard()


def _damage(compression: str, error: Exception) -> str:
    if isinstance(error, lzma.LZMAError) and "limit" in str(error):
        return f"the xz stream needs more than {XZ_MEMORY >> 20} MiB of memory: pack it with xz -9 or less"
    return f"the {compression} stream is damaged: {error}"
