"""The bytes of input files, as chunks of whole lines.

A line is what stands between two line feeds; nothing else splits. In a compressed file these are the lines of the
decompressed stream. A file whose records do not stand one a line (`sparkify.extract.records`) is read as if they did. Chunks
are of bounded size, whatever the size of the files.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparkify.extract import files, rejects, storage
from sparkify.extract.batches import Part
from sparkify.extract.compression import BrokenStream, decompressed
from sparkify.extract.files import InputFile
from sparkify.extract.records import BEGINNING_BYTES, holds_records, records
from sparkify.extract.rejects import MAX_LINE_BYTES, Reject, RejectedLine, too_long

SMALL_BYTES: Final = 1 << 19
"""A file of this size is read at once; and line feeds are looked for in so many bytes at a time."""

CHUNK_BYTES: Final = 12 << 20
"""A chunk is closed when it has this many bytes: with what DuckDB and the COPY make of it, some 80 MB of memory."""

SHORT_LINE_BYTES: Final = 64
"""A shorter line counts as this many bytes of a chunk: what is made of a line costs memory even when it is empty."""

MOST_LINES: Final = CHUNK_BYTES // SHORT_LINE_BYTES
"""Of a slice that is not a small file: so many make a chunk by themselves."""


@dataclass(slots=True)
class Slice:
    """Consecutive lines of one file: `parts` together are whole lines, each closed by a line feed.

    A line that could not even be read stands in `unread`, and as an empty line in `parts`, so that numbers agree.
    Where records did not stand one a line, `numbers` are theirs; else lines are numbered from `first_line` on.
    `ends_file` says that it is the last of what is read of the file, and `digest` is then that of all these bytes.
    """

    file: InputFile
    first_line: int
    parts: list[bytes | memoryview]
    unread: list[RejectedLine] = field(default_factory=list)
    ends_file: bool = False
    digest: bytes = b""
    numbers: NDArray[np.int64] | None = None

    @property
    def data(self) -> bytes:
        """All its bytes."""
        return b"".join(self.parts)

    @property
    def size(self) -> int:
        """How many bytes these are."""
        return sum(map(len, self.parts))

    def count(self) -> int:
        """How many lines it has."""
        return sum(
            part.count(b"\n") if isinstance(part, bytes) and len(part) < 4096 else len(line_feeds(part))
            for part in self.parts
        )


def line_feeds(data: bytes | memoryview) -> NDArray[np.int64]:
    """Where the line feeds stand."""
    if len(data) <= SMALL_BYTES:
        return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    # A little at a time: the memory of a mask for all of it costs more than what is done with it.
    mask = np.empty(SMALL_BYTES, dtype=bool)
    found = []
    for start in range(0, len(data), SMALL_BYTES):
        block = np.frombuffer(data, np.uint8, min(SMALL_BYTES, len(data) - start), start)
        found.append(np.flatnonzero(np.equal(block, ord("\n"), out=mask[: len(block)])) + start)
    return np.concatenate(found)


def chunks(
    files: Sequence[InputFile], part: Part | None = None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[list[Slice]]:
    """The lines of some files, in order, as chunks of slices; with a `part`, only these of the one file.

    Raises:
        OSError: a file cannot be opened or read; its `filename` says which.
        StorageFailed: a store cannot be reached.
    """
    chunk: list[Slice] = []
    size = 0
    small = storage.SmallFiles([file for file in files if not part and _is_small(file)])
    for file in files:
        found = slices(file, part) if part or not _is_small(file) else _small(file, small.read(file))
        for piece in chain.from_iterable(map(_of_few_lines, found)):
            chunk.append(piece)
            size += max(piece.size, SHORT_LINE_BYTES * piece.count())
            if size >= chunk_bytes:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


def slices(file: InputFile, part: Part | None = None) -> Iterator[Slice]:
    """The lines of one file, or of a part of it; the last slice says `ends_file` and holds the digest of the bytes read.

    A part has lines, a whole file may hold records that do not stand one a line.
    """
    digest = hashlib.sha256()
    stream = _decompressed(file, digest) if file.compression else _plain(file, part, digest)
    if not part:
        beginning, stream = _peek(stream)
        if holds_records(beginning):
            yield from _record_slices(file, stream, digest)
            return
    ready = Slice(file, part.first_line if part else 1, [])  # given away when more follows
    rest = b""  # an unfinished line
    skipped = 0  # bytes of it that were thrown away, because it is longer than a line may be
    broken: str | None = None
    while True:
        try:
            data = next(stream, None)
        except BrokenStream as error:
            data, broken = None, str(error)
        if data is None:
            break
        first = data.find(b"\n")
        if first < 0:
            rest += data
            if len(rest) > MAX_LINE_BYTES:
                skipped += len(rest) - rejects.EVIDENCE_BYTES
                rest = rest[: rejects.EVIDENCE_BYTES]
            continue
        if ready.parts:
            yield ready
            ready = Slice(file, ready.first_line + ready.count(), [])
        length = skipped + len(rest) + first
        if length > MAX_LINE_BYTES:
            ready.unread.append(_too_long(ready.first_line, rest + data[:first], length))
            rest = b""
        else:
            first = 0
        last = data.rfind(b"\n") + 1
        ready.parts += [rest, memoryview(data)[first:last]]
        rest, skipped = data[last:], 0
    last_line = ready.first_line + ready.count()
    if skipped:
        ready.unread.append(_too_long(last_line, rest, skipped + len(rest)))
        rest = b"\n"
    elif broken:
        ready.unread.append(RejectedLine.of(last_line, Reject("truncated_stream", broken), rest))
        rest = b"\n"
    elif rest:
        rest += b"\n"
    ready.parts.append(rest)
    ready.ends_file, ready.digest = True, digest.digest()
    yield ready


def _peek(stream: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """What decides how a file is read, and all of the stream."""
    blocks: list[bytes] = []
    broken: BrokenStream | None = None
    try:
        while sum(map(len, blocks)) < BEGINNING_BYTES and (block := next(stream, b"")):
            blocks.append(block)
    except BrokenStream as error:
        broken = error

    def again() -> Iterator[bytes]:
        while blocks:
            yield blocks.pop(0)
        if broken:
            raise broken
        yield from stream

    return b"".join(block[:BEGINNING_BYTES] for block in blocks)[:BEGINNING_BYTES], again()


def _record_slices(file: InputFile, stream: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[Slice]:
    """The records of a file as slices of one a line, of some megabytes each."""
    ready: Slice | None = None  # the last one has the digest
    numbers: list[int] = []
    texts: list[bytes] = []
    unread: list[RejectedLine] = []
    size = 0

    def make() -> Slice:
        data = b"".join(text + b"\n" for text in texts)
        return Slice(file, 1, [data], list(unread), numbers=np.array(numbers, dtype=np.int64))

    for number, record, why, length in records(stream):
        text = record
        if why:
            unread.append(RejectedLine(number, why, record[: rejects.EVIDENCE_BYTES], length))
            text = b""
        numbers.append(number)
        texts.append(text)
        size += len(record)
        if size >= files.READ_BYTES or len(texts) >= MOST_LINES:
            if ready:
                yield ready
            ready = make()
            numbers, texts, unread, size = [], [], [], 0
    if ready and texts:
        yield ready
        ready = None
    ready = ready or make()
    ready.ends_file, ready.digest = True, digest.digest()
    yield ready


def _of_few_lines(piece: Slice) -> Iterator[Slice]:
    """The slice, cut where it has more than `MOST_LINES` lines."""
    if piece.count() <= MOST_LINES:
        yield piece
        return
    data = memoryview(piece.data)
    cuts = (line_feeds(data)[MOST_LINES - 1 :: MOST_LINES] + 1).tolist()
    for number, (since, until) in enumerate(pairwise(sorted({0, *cuts, len(data)}))):
        first = piece.first_line + number * MOST_LINES
        unread = [reject for reject in piece.unread if first <= reject.line < first + MOST_LINES]
        ends_file = piece.ends_file and until == len(data)
        yield Slice(
            piece.file, first, [data[since:until]], unread, ends_file, piece.digest if ends_file else b""
        )


def _is_small(file: InputFile) -> bool:
    return file.compression is None and file.size <= SMALL_BYTES


def _small(file: InputFile, data: bytes) -> Iterable[Slice]:
    """The slices of a small file, with as little ado as possible: there may be a million of them."""
    digest = hashlib.sha256(data)
    if holds_records(data):
        return _record_slices(file, iter([data]), digest)
    text = data if data.endswith(b"\n") or not data else data + b"\n"
    return [Slice(file, 1, [text], ends_file=True, digest=digest.digest())]


def _too_long(line: int, start: bytes, length: int) -> RejectedLine:
    return RejectedLine(line, too_long(length), start[: rejects.EVIDENCE_BYTES], length)


def _plain(file: InputFile, part: Part | None, digest: "hashlib._Hash") -> Iterator[bytes]:
    # Never past the size that was planned: what a growing file gains meanwhile belongs to the next run.
    start, size = (part.start, part.size) if part else (0, file.size)
    return _digested(storage.blocks(file, start, size), digest)


def _decompressed(file: InputFile, digest: "hashlib._Hash") -> Iterator[bytes]:
    assert file.compression is not None
    source = _digested(storage.blocks(file), digest)
    given = 0
    try:
        for block in _whole_blocks(decompressed(source, file.compression)):
            given += len(block)
            yield block
    except BrokenStream as error:
        for _ in source:  # the digest is that of the whole file
            pass
        if error.at is not None:
            again = decompressed(storage.blocks(file), file.compression, careful_from=error.at)
            yield from _behind(given, _whole_blocks(again))
        raise


def _digested(source: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for data in source:
        digest.update(data)
        yield data


def _behind(given: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if len(block) > given:
            yield block[given:]
        given = max(0, given - len(block))


def _whole_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put pieces together, until there is as much as one read of a plain file gives. None is empty."""
    block = bytearray()
    try:
        for piece in pieces:
            block += piece
            del piece
            while len(block) >= files.READ_BYTES:
                yield bytes(block[: files.READ_BYTES])
                del block[: files.READ_BYTES]
    except BrokenStream:
        if block:
            yield bytes(block)
        raise
    if block:
        yield bytes(block)
