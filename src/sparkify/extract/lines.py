"""Read input files as chunks of whole lines, one record a line.

Only line feeds separate lines; the lines of a compressed file are those of the decompressed stream. If a
file's lines are not its records, the reader of its format (`sparkify.extract.formats`) puts each record on a
line. A chunk has a bounded size, whatever the size of the files.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from sparkify.extract import files, rejects, storage
from sparkify.extract.batches import Part, count_lines
from sparkify.extract.compression import BrokenStream, decompressed
from sparkify.extract.files import InputFile, format_of
from sparkify.extract.formats import reader_of
from sparkify.extract.json_records import BEGINNING_BYTES
from sparkify.extract.rejects import MAX_LINE_BYTES, Record, Reject, RejectedLine, too_long

SMALL_BYTES: Final = 1 << 19
"""Files up to this size are read at once."""

CHUNK_BYTES: Final = 12 << 20
"""A chunk is full at this size. With its rows it takes about 40 MB of memory."""

SHORT_LINE_BYTES: Final = 64
"""A shorter line counts as this many bytes of a chunk: even an empty line costs memory later on."""

MOST_LINES: Final = CHUNK_BYTES // SHORT_LINE_BYTES
"""A slice has at most this many lines, which fill a chunk."""


@dataclass(slots=True)
class Slice:
    """Consecutive lines of one file: `data` has whole lines, each with its line feed.

    `rejects` has the lines rejected while reading; an empty line in `data` stands for each, to keep count.
    Lines are numbered from `first_line`, or by `numbers` if a reader made the records; `lines` counts them.
    The last slice has `ends_file` set and the `digest` (SHA-256) of all bytes read from the file or part.
    """

    file: InputFile
    first_line: int
    data: bytes
    rejects: list[RejectedLine] = field(default_factory=list)
    ends_file: bool = False
    digest: bytes = b""
    numbers: "array[int] | None" = None
    lines: int = -1

    def __post_init__(self) -> None:
        if self.lines < 0:
            self.lines = count_lines(self.data)


def chunks(
    files: Sequence[InputFile], part: Part | None = None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[list[Slice]]:
    """Read files in order, as chunks of slices; with a `part`, only that part of the one file.

    Raises:
        OSError: a file cannot be opened or read; its `filename` says which.
        StorageFailed: a store cannot be reached.
    """
    chunk: list[Slice] = []
    size = 0
    small = storage.read_small(file for file in files if _is_small(file))
    for file in files:
        if part or not _is_small(file):
            of_file: Iterable[Slice] = chain.from_iterable(map(_of_few_lines, slices(file, part)))
        else:
            of_file = _small(file, *next(small))
        for slice_ in of_file:
            chunk.append(slice_)
            size += max(len(slice_.data), SHORT_LINE_BYTES * slice_.lines)
            if size >= chunk_bytes:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


def slices(file: InputFile, part: Part | None = None) -> Iterator[Slice]:
    """Read one file, or a part of it. A file has parts only if its lines are its records."""
    digest = hashlib.sha256()
    stream = _decompressed(file, digest) if file.compression else _plain(file, part, digest)
    reader = None
    if not part:
        beginning, stream = _peek(stream)
        reader = reader_of(format_of(file.path), beginning)
    if reader:
        yield from _record_slices(file, reader(stream), digest)
    else:
        yield from _line_slices(file, part.first_line if part else 1, stream, digest)


def _line_slices(
    file: InputFile, line: int, stream: Iterator[bytes], digest: "hashlib._Hash"
) -> Iterator[Slice]:
    """Yield a slice of lines for each block of a stream, once the next slice has begun."""
    ready = Slice(file, line, b"")
    rest = b""  # an unfinished line
    skipped = 0  # how many bytes of it were dropped, because it is longer than a line may be
    broken = ""
    try:
        for data in stream:
            first = data.find(b"\n")
            if first < 0:
                rest += data
                if len(rest) > MAX_LINE_BYTES:
                    skipped += len(rest) - rejects.EVIDENCE_BYTES
                    rest = rest[: rejects.EVIDENCE_BYTES]
                continue
            if ready.data:
                yield ready
                line += ready.lines
            rejected = []
            length = skipped + len(rest) + first
            if length > MAX_LINE_BYTES:
                rejected = [_too_long(line, rest + data[:first], length)]
                rest = b""
            else:
                first = 0
            last = data.rfind(b"\n") + 1
            lines = b"".join((rest, memoryview(data)[first:last])) if rest else data[first:last]
            ready = Slice(file, line, lines, rejected)
            rest, skipped = data[last:], 0
    except BrokenStream as error:
        broken = str(error)
    _take_end(ready, rest, skipped, broken)
    ready.ends_file, ready.digest = True, digest.digest()
    yield ready


def _take_end(ready: Slice, rest: bytes, skipped: int, broken: str) -> None:
    """Take what follows the last line feed: a line, the end of one that is too long, or a torn one."""
    line = ready.first_line + ready.lines
    if skipped:
        ready.rejects.append(_too_long(line, rest, skipped + len(rest)))
        rest = b""
    elif broken:
        ready.rejects.append(RejectedLine.of(line, Reject("truncated_stream", broken), rest))
        rest = b""
    if rest or skipped or broken:
        ready.data += rest + b"\n"
        ready.lines += 1


def _peek(stream: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a stream, which decides how it is read, and the whole stream again."""
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


def _record_slices(file: InputFile, records: Iterator[Record], digest: "hashlib._Hash") -> Iterator[Slice]:
    """Yield a reader's records, one a line, in slices of a few megabytes."""
    ready: Slice | None = None  # kept until there is another, because the last one gets the digest
    numbers: list[int] = []
    texts: list[bytes] = []
    rejected: list[RejectedLine] = []
    size = 0

    def make() -> Slice:
        data = b"".join(text + b"\n" for text in texts)
        return Slice(file, 1, data, list(rejected), numbers=array("q", numbers))

    for record in records:
        if isinstance(record, RejectedLine):
            rejected.append(record)
            number, text, kept = record.line, b"", len(record.record)
        else:
            number, text = record
            kept = len(text)
        numbers.append(number)
        texts.append(text)
        size += kept
        if size >= files.READ_BYTES or len(texts) >= MOST_LINES:
            if ready:
                yield ready
            ready = make()
            numbers, texts, rejected, size = [], [], [], 0
    if ready and texts:
        yield ready
        ready = None
    ready = ready or make()
    ready.ends_file, ready.digest = True, digest.digest()
    yield ready


def _of_few_lines(slice_: Slice) -> Iterator[Slice]:
    """The slice, cut into slices of at most `MOST_LINES` lines."""
    if slice_.lines <= MOST_LINES:
        yield slice_
        return
    data = slice_.data
    line, start = slice_.first_line, 0
    while start < len(data):
        # MOST_LINES bytes have at most so many lines; but one line may be longer.
        end = data.rfind(b"\n", start, start + MOST_LINES) + 1 or data.find(b"\n", start + MOST_LINES) + 1
        cut = Slice(slice_.file, line, data[start:end])
        start, line = end, line + cut.lines
        cut.rejects = [reject for reject in slice_.rejects if cut.first_line <= reject.line < line]
        if slice_.ends_file and start == len(data):
            cut.ends_file, cut.digest = True, slice_.digest
        yield cut


def _is_small(file: InputFile) -> bool:
    return file.compression is None and file.size <= SMALL_BYTES


def _small(file: InputFile, data: bytes, digest: bytes) -> Iterable[Slice]:
    """The slices of a small file, with as little work as possible: there may be a million of them."""
    if reader := reader_of(format_of(file.path), data):
        return chain.from_iterable(
            map(_of_few_lines, _record_slices(file, reader(iter([data])), hashlib.sha256(data)))
        )
    text = data if data.endswith(b"\n") or not data else data + b"\n"
    if 0 <= text.find(b"\n") == len(text) - 1:  # the usual song file
        return (Slice(file, 1, text, ends_file=True, digest=digest, lines=1),)
    return _of_few_lines(Slice(file, 1, text, ends_file=True, digest=digest))


def _too_long(line: int, start: bytes, length: int) -> RejectedLine:
    return RejectedLine(line, too_long(length), start[: rejects.EVIDENCE_BYTES], length)


def _plain(file: InputFile, part: Part | None, digest: "hashlib._Hash") -> Iterator[bytes]:
    # Stop at the planned size: the next run loads bytes that are appended meanwhile.
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
        for _ in source:  # read to the end: the digest is that of the whole file
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
    """The bytes of the blocks after the first `given` ones."""
    for block in blocks:
        if len(block) > given:
            yield block[given:]
        given = max(0, given - len(block))


def _whole_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join pieces into blocks of the size in which plain files are read. No block is empty."""
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
