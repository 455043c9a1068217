"""Files become lines: wherever a read ends, no line is lost or split."""

import bz2
import gzip
import hashlib
import lzma
import os
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sparkify.core._core import read_files
from sparkify.extract import compression as compression_module
from sparkify.extract import files, storage
from sparkify.extract import lines as lines_module
from sparkify.extract import rejects as rejects_module
from sparkify.extract.files import InputFile
from sparkify.extract.json_records import spans_lines
from sparkify.extract.lines import Slice, chunks, slices
from sparkify.extract.rejects import MAX_LINE_BYTES, RejectedLine
from tests.support.examples import examples

Pack = Callable[[bytes], bytes]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd_with_checksum(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def _zstd_frames(data: bytes) -> bytes:
    """Two frames, with a skippable frame between them."""
    half = len(data) // 2
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"
    return zstandard.compress(data[:half]) + skippable + zstandard.compress(data[half:])


def _gzip_members(data: bytes) -> bytes:
    return b"".join(_gzip(part) for part in (data[: len(data) // 2], b"", data[len(data) // 2 :]))


def _bzip2_streams(data: bytes) -> bytes:
    return b"".join(bz2.compress(part) for part in (data[: len(data) // 2], b"", data[len(data) // 2 :]))


def _quick_xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def _xz_streams(data: bytes) -> bytes:
    """Two streams, each followed by zero bytes."""
    half = len(data) // 2
    return lzma.compress(data[:half]) + bytes(8) + lzma.compress(data[half:]) + bytes(4)


PACKED: list[tuple[str | None, Pack]] = [
    (None, bytes),
    ("gzip", _gzip),
    ("gzip", _gzip_members),
    ("zstd", zstandard.compress),
    ("zstd", _zstd_frames),
    ("bzip2", bz2.compress),
    ("bzip2", _bzip2_streams),
    ("xz", lzma.compress),
    ("xz", _xz_streams),
]


def _read(data: bytes, compression: str | None = None, size: int | None = None) -> list[Slice]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        planned = len(data) if size is None else size
        found = list(slices(InputFile("log", file.name, planned, 0, compression)))
    assert [piece.ends_file for piece in found] == [False] * (len(found) - 1) + [True]
    for piece, following in pairwise(found):
        assert piece.data.endswith(b"\n")
        assert following.first_line == piece.first_line + piece.data.count(b"\n")
    assert found[0].first_line == 1
    return found


def _lines(found: list[Slice]) -> list[bytes | RejectedLine]:
    """What was read of each line, or its reject."""
    data = b"".join(piece.data for piece in found)
    assert not data or data.endswith(b"\n")
    result: list[bytes | RejectedLine] = list(data.split(b"\n")[:-1])
    for reject in (reject for piece in found for reject in piece.rejects):
        assert result[reject.line - 1] == b""
        result[reject.line - 1] = reject
    return result


def _reference(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


some_bytes = (
    st.binary(max_size=40)
    | st.lists(
        st.sampled_from(
            [b"\n", b"\r", b"\xef\xbb\xbf", b"\x0b\x0c\x1c\x85", "\u2028".encode(), b"line", b"\n\n"]
        )
    ).map(b"".join)
).filter(lambda data: not spans_lines(data))  # an array is not read by its lines


@examples(60, thorough=120)
@given(
    data=some_bytes,
    packed=st.sampled_from(PACKED),
    read=st.integers(1, 20),
    compressed_read=st.integers(1, 20),
)
def test_lines_are_what_stands_between_line_feeds(
    data: bytes, packed: tuple[str | None, Pack], read: int, compressed_read: int
) -> None:
    compression, pack = packed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "READ_BYTES", read)
        patch.setattr(lines_module, "SMALL_BYTES", read)
        patch.setattr(compression_module, "FEED_BYTES", compressed_read)
        found = _read(pack(data), compression)
    assert _lines(found) == _reference(data)
    assert found[-1].digest == hashlib.sha256(pack(data)).digest()


@examples(100, thorough=200)
@given(
    parts=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([b"", b"\n"])), max_size=8),
    packed=st.sampled_from(PACKED),
    most=st.integers(1, 12),
    evidence=st.integers(0, 12),
    read=st.integers(1, 12),
)
def test_a_line_is_too_long_wherever_reads_are_cut(
    parts: list[tuple[int, bytes]], packed: tuple[str | None, Pack], most: int, evidence: int, read: int
) -> None:
    data = b"".join(bytes(65 + at for at in range(length)) + feed for length, feed in parts)
    compression, pack = packed
    evidence, read = min(evidence, most), min(read, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "MAX_LINE_BYTES", most)
        patch.setattr(rejects_module, "EVIDENCE_BYTES", evidence)
        patch.setattr(files, "READ_BYTES", read)
        patch.setattr(lines_module, "SMALL_BYTES", read)
        found = _lines(_read(pack(data), compression))
    seen: list[Any] = [
        (line.line, line.why.reason, line.record, line.record_bytes)
        if isinstance(line, RejectedLine)
        else line
        for line in found
    ]
    assert seen == [
        line if len(line) <= most else (number, "line_too_long", line[:evidence], len(line))
        for number, line in enumerate(_reference(data), 1)
    ]


def test_a_read_is_no_longer_than_a_line_may_be() -> None:
    """A line that lies within one read is not measured."""
    assert files.READ_BYTES <= MAX_LINE_BYTES


@examples(60, thorough=120)
@given(
    lines=st.lists(
        st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1, max_size=6
    ).filter(lambda lines: not spans_lines(b"".join(line + b"\n" for line in lines))),
    packed=st.sampled_from([packed for packed in PACKED if packed[0]]),
    cut=st.floats(0, 1),
    read=st.integers(1, 20),
)
def test_a_torn_stream_gives_its_whole_lines_and_one_reject(
    lines: list[bytes], packed: tuple[str | None, Pack], cut: float, read: int
) -> None:
    compression, pack = packed
    data = pack(b"".join(line + b"\n" for line in lines))
    torn = data[: int(cut * len(data))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression_module, "FEED_BYTES", read)
        found = _read(torn, compression)
    *whole, last = _lines(found) or [b""]
    if isinstance(last, RejectedLine):
        assert last.why.reason == "truncated_stream"
        assert whole == lines[: len(whole)]
        assert [*lines, b""][len(whole)].startswith(last.record)
    else:
        # A cut exactly between two members cannot be seen.
        assert pack not in (_gzip, bz2.compress, lzma.compress) or not torn or torn == data
    assert found[-1].digest == hashlib.sha256(torn).digest()


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "xz"])
def test_a_damaged_stream_is_read_to_its_end_for_its_digest(compression: str) -> None:
    """If the digest differed, the file would look changed, and every run would read it again."""
    data = b"this is not a compressed stream" * 5000
    (found,) = _read(data, compression)
    assert found.digest == hashlib.sha256(data).digest()
    assert [(reject.line, reject.why.reason) for reject in found.rejects] == [(1, "truncated_stream")]


def _lines_until_the_break(packed: bytes) -> list[bytes]:
    """The lines that a damaged gzip stream gives, byte by byte, before it raises an error."""
    stream, found = zlib.decompressobj(wbits=31), b""
    with suppress(zlib.error):
        for at in range(len(packed)):
            found += stream.decompress(packed[at : at + 1])
    return found.split(b"\n")[:-1]


@examples(40, thorough=60)
@given(
    count=st.integers(1, 400),
    texts=st.sampled_from(
        [[b"line"], [hashlib.sha256(bytes([at])).hexdigest().encode() for at in range(256)]]
    ),
    place=st.floats(0, 1),
    flip=st.integers(1, 255),
    read=st.integers(1, 2000),
)
def test_a_damaged_gzip_gives_all_lines_before_the_break(
    count: int, texts: list[bytes], place: float, flip: int, read: int
) -> None:
    """A kilobyte of gzip has twenty to sixty plays, and more if they are alike."""
    lines = (texts * count)[:count]
    packed = bytearray(_gzip(b"".join(line + b"\n" for line in lines)))
    at = 10 + int(place * (len(packed) - 11))  # not in the header, whose time zlib ignores
    packed[at] ^= flip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression_module, "FEED_BYTES", read)
        *whole, last = found = _lines(_read(bytes(packed), "gzip"))
    if found == lines:  # equal lines can be compressed in several ways
        return
    assert isinstance(last, RejectedLine)
    assert last.why.reason == "truncated_stream"
    surely = _lines_until_the_break(bytes(packed))
    assert whole[: len(surely)] == surely


@pytest.mark.parametrize(("compression", "pack"), [("gzip", _gzip), ("zstd", _zstd_with_checksum)])
def test_a_wrong_checksum_costs_no_line(compression: str, pack: Pack) -> None:
    lines = [b"one", b"two", b"three"]
    packed = bytearray(pack(b"one\ntwo\nthree\n"))
    packed[-8 if compression == "gzip" else -1] ^= 1
    *whole, last = _lines(_read(bytes(packed), compression))
    assert whole == lines
    assert isinstance(last, RejectedLine)
    assert (last.line, last.why.reason, last.record) == (4, "truncated_stream", b"")


@pytest.mark.parametrize("packed", [packed for packed in PACKED if packed[0]])
@pytest.mark.parametrize("zeros", [1, 511, 5000])
def test_zeros_behind_a_stream_are_padding(packed: tuple[str, Pack], zeros: int) -> None:
    """Tapes and block devices add them, and the gzip program ignores them too."""
    compression, pack = packed
    data = pack(b"one\n") + bytes(zeros) + pack(b"two\n") + bytes(zeros)
    assert _lines(_read(data, compression)) == [b"one", b"two"]
    (reject,) = _lines(_read(bytes(zeros), compression))
    assert isinstance(reject, RejectedLine)
    *_, last = _lines(_read(data + b"x", compression))
    assert isinstance(last, RejectedLine)


@pytest.mark.parametrize("planned", [0, 1, 6, 7, 9])
def test_what_a_growing_file_gains_is_left_to_the_next_run(planned: int) -> None:
    data = b"first\nsecond\n"
    found = _read(data, size=planned)
    assert _lines(found) == _reference(data[:planned])
    assert found[-1].digest == hashlib.sha256(data[:planned]).digest()


@pytest.mark.parametrize(
    ("compression", "pack", "checksum"),
    [("gzip", _gzip, -8), ("bzip2", bz2.compress, -2), ("xz", lzma.compress, -24)],
)
def test_a_wrong_checksum_loses_no_line(compression: str, pack: Pack, checksum: int) -> None:
    """The checksum follows the lines. But a block of bzip2 whose own checksum is wrong is lost."""
    lines = [b"one", b"two", b"three"]
    packed = bytearray(pack(b"one\ntwo\nthree\n"))
    packed[checksum] ^= 1
    *whole, last = _lines(_read(bytes(packed), compression))
    assert isinstance(last, RejectedLine)
    assert "is damaged" in last.why.detail
    assert whole == lines


@pytest.mark.parametrize("share", [0.1, 0.34, 0.67, 0.99])
def test_blocks_of_bzip2_before_the_damaged_one_are_given(share: float) -> None:
    data = b"".join(b"%s\n" % hashlib.sha256(b"%d" % at).hexdigest().encode() for at in range(9000))
    packed = bytearray(bz2.compress(data, 1))
    packed[int(share * len(packed))] ^= 1
    found = _read(bytes(packed), "bzip2")
    given = b"".join(piece.data for piece in found)[:-1] + found[-1].rejects[0].record
    assert data.startswith(given)
    block = 100_000 - 19  # at compression level 1; a little less where letters repeat
    assert len(given) // (block - 200) == int(share * len(data) / block)


@pytest.mark.parametrize(
    ("compression", "pack"),
    [
        ("gzip", _gzip),
        ("gzip", _gzip_members),
        ("bzip2", bz2.compress),
        ("bzip2", _bzip2_streams),
        ("xz", lzma.compress),
    ],
)
def test_a_stream_gives_all_that_stands_before_its_end(compression: str, pack: Pack) -> None:
    """It also gives bytes that the decompressor holds back until it is called again."""
    data = b"".join(b"%s\n" % hashlib.sha256(b"%d" % at).hexdigest().encode() for at in range(3000))
    packed = pack(data)
    (found,) = _read(packed[:-1], compression)
    given = found.data[:-1] + found.rejects[0].record
    assert given == data


@pytest.mark.parametrize(("compression", "pack"), PACKED[1:])
def test_zero_bytes_behind_a_stream_are_padding(compression: str, pack: Pack) -> None:
    """But a file that a crash has left full of zero bytes is not empty: it is damaged."""
    assert _lines(_read(pack(b"one\ntwo\n") + bytes(5000), compression)) == [b"one", b"two"]
    (reject,) = _lines(_read(bytes(5000), compression))
    assert isinstance(reject, RejectedLine)


def test_xz_that_wants_much_memory() -> None:
    """The file asks for a dictionary of 200 MiB, and holds one line of three letters."""
    packed = bytes.fromhex(
        "fd377a585a000004e6d6b44602002101200000000988a5760100036f6e650a00f55cbb561fc6fd8600011c046f2c9cc11fb6f37d010000000004595a"
    )
    (reject,) = _lines(_read(packed, "xz"))
    assert isinstance(reject, RejectedLine)
    assert "needs more than 128 MiB of memory" in reject.why.detail


@pytest.mark.parametrize(
    ("name", "pack", "most", "size"),
    [
        ("zstd", zstandard.compress, MAX_LINE_BYTES, 128 << 20),
        ("bzip2", bz2.compress, 20 << 20, 80 << 20),
        ("xz", _quick_xz, 20 << 20, 80 << 20),
    ],
)
def test_a_bomb_costs_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: Pack, most: int, size: int
) -> None:
    """A kilobyte of Zstandard unpacks to 32 MiB, one of bzip2 to a gigabyte."""
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", most)
    bomb = tmp_path / "bomb.json"
    bomb.write_bytes(pack(b" " * size))
    tracemalloc.start()
    try:
        (found,) = slices(InputFile("log", str(bomb), bomb.stat().st_size, 0, name))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(reject.line, reject.record_bytes) for reject in found.rejects] == [(1, size)]
    assert peak < 3 * most


@examples(30, thorough=50)
@given(sizes=st.lists(st.integers(0, 150), max_size=8), chunk_bytes=st.integers(1, 300))
def test_chunks_are_the_slices_of_the_files_in_order(sizes: list[int], chunk_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, size in enumerate(sizes):
            path = Path(folder, f"{number}.json")
            path.write_bytes(b"x" * size + b"\n")
            files.append(InputFile("log", str(path), size + 1, 0, None))
        found = list(chunks(files, chunk_bytes=chunk_bytes))
    assert [piece.file for chunk in found for piece in chunk] == files
    for chunk in found[:-1]:
        assert sum(max(64, len(piece.data)) for piece in chunk) >= chunk_bytes
        assert sum(max(64, len(piece.data)) for piece in chunk[:-1]) < chunk_bytes


def test_a_file_that_is_gone_is_named() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        list(slices(InputFile("log", "no/such/file", 1, 0, None)))
    assert raised.value.filename == "no/such/file"


def test_the_core_reads_what_surely_can_be_read(tmp_path: Path) -> None:
    """Everything else is read by Python, which says what is wrong."""
    file, fifo, link, loop = (tmp_path / name for name in ("file", "fifo", "link", "loop"))
    file.write_bytes(b"0123456789")
    os.mkfifo(fifo)
    link.symlink_to(file)
    loop.symlink_to(loop)
    wanted = [(file, 10), (file, 4), (file, 0), (file, 11), (link, 10)]
    wanted += [(path, size) for path in (fifo, loop, tmp_path, tmp_path / "none") for size in (0, 1)]
    found = read_files([str(path) for path, _ in wanted], [size for _, size in wanted])
    contents = [read and read[0] for read in found]
    assert contents == [b"0123456789", b"0123", None, None, b"0123456789", *[None] * 8]
    assert all(hashlib.sha256(content).digest() == digest for content, digest in filter(None, found))
    for paths, sizes in ([["a\0b"], [1]], [["a"], [-1]], [["a"], []]):
        with pytest.raises((ValueError, SystemError, IndexError)):
            read_files(paths, sizes)


def test_the_core_reads_files_of_many_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks a file up from the folder of the one before; the names of the folders begin alike."""
    folders = [tmp_path / name for name in ("a", "b", "ab", "ab/c", "none", "a")]
    paths = [str(folder / name) for folder in folders for name in ("1", "2")]
    for path in paths:
        if "none" not in path:
            Path(path).parent.mkdir(exist_ok=True)
            Path(path).write_text(path[-6:])
    monkeypatch.chdir(tmp_path / "a")
    paths += ["1", "../ab/2", "/", "/none", "no/1"]
    found = [read and read[0] for read in read_files(paths, [6] * len(paths))]
    wanted = [None if "no" in path else path[-6:].encode() for path in paths[:-5]]
    assert found == [*wanted, paths[0][-6:].encode(), paths[5][-6:].encode(), None, None, None]


def test_small_files_are_read_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that has shrunk has fewer bytes; one that has vanished is named, after those before it."""
    groups: list[int] = []

    def counted(paths: list[str], sizes: list[int]) -> list[tuple[bytes, bytes] | None]:
        groups.append(len(paths))
        return read_files(paths, sizes)

    monkeypatch.setattr(storage, "GROUP_FILES", 3)
    monkeypatch.setattr(storage, "GROUP_BYTES", 25)
    monkeypatch.setattr(storage, "read_files", counted)
    files = []
    for number in range(20):
        path = tmp_path / f"{number}.json"
        path.write_bytes(b"%02d" % number * number)
        files.append(InputFile("song", str(path), 2 * number, 0, None))
    Path(files[7].path).write_bytes(b"shrunk")
    contents = [b"shrunk" if number == 7 else b"%02d" % number * number for number in range(20)]
    assert list(storage.read_small(files)) == [
        (content, hashlib.sha256(content).digest()) for content in contents
    ]
    assert groups == [3, 3, *[1] * 14]
    Path(files[17].path).unlink()
    read = storage.read_small(files)
    assert len([next(read) for _ in range(17)]) == 17
    with pytest.raises(FileNotFoundError) as error:
        next(read)
    assert error.value.filename == files[17].path
