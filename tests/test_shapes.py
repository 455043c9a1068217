"""Files of other shapes, and files without one good line, through the whole pipeline."""

import gzip
import hashlib
import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.commands.etl import MOST_FAULTS
from sparkify.database.connection import connect
from sparkify.extract import batches, find, formats, json_records, plan, strict_json
from sparkify.extract import lines as lines_module
from sparkify.extract.advice import faults
from sparkify.extract.files import InputFile, compression_of
from sparkify.extract.lines import chunks, slices
from sparkify.extract.rejects import Record, Reject, RejectedLine
from sparkify.operations.forget import forget
from tests.support.data import NOVEMBER, lines, play, song, write
from tests.support.samples import case_data
from tests.support.warehouse import check_books, checksums, one, totals

Writer = Callable[[list[dict[str, Any]]], bytes]


def _indented(records: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(record, indent=4) for record in records).encode()


def _as_pandas(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records, separators=(",", ":")).encode()


def _array_of_lines(records: list[dict[str, Any]]) -> bytes:
    return b"[\n" + b",\n".join(json.dumps(record).encode() for record in records) + b"\n]\n"


WRITERS: dict[str, Writer] = {
    "array": lambda records: json.dumps(records, indent=2, ensure_ascii=False).encode(),
    "array on one line": _as_pandas,
    "array of lines": _array_of_lines,
    "indented": _indented,
    "indented, CRLF": lambda records: b"\xef\xbb\xbf" + _indented(records).replace(b"\n", b"\r\n") + b"\r\n",
    "lines, CRLF": lambda records: lines(*records).replace(b"\n", b"\r\n"),
}


# --- another format -----------------------------------------------------------------------------------------


def _read_pages(blocks: Iterator[bytes]) -> Iterator[Record]:
    """The reader of a made-up format: records end with a form feed, and begin with a length."""
    for number, page in enumerate(b"".join(blocks).split(b"\f")[:-1], 1):
        length, _, record = page.partition(b" ")
        if len(record) == int(length):
            yield number, record
        else:
            yield RejectedLine.of(number, Reject("torn_page", f"it has {len(record)} bytes"), page)


def test_a_format_is_a_reader_and_its_row(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(formats.READERS, "pages", _read_pages)
    for module in (batches, plan):  # a file that is large enough to be cut into parts, if it had lines
        monkeypatch.setattr(module, "LEAST_PART_BYTES", 1)
    records = [json.dumps(play(NOVEMBER + at, itemInSession=at)).encode() for at in range(60)]
    pages = b"".join(b"%d %s\f" % (len(record), record) for record in [*records, b"{"])
    write(tmp_path, "log_data/a.pages").write_bytes(pages + b"3 {}\f")
    write(tmp_path, "log_data/b.PAGES.gz").write_bytes(gzip.compress(pages))
    report = etl.run(tmp_path, dsn=dsn, batch_bytes=1000)
    assert (report.books.loaded, report.books.duplicates, report.tally.reasons) == (
        60, 60, {"invalid_json": 2, "torn_page": 1}
    )  # fmt: skip
    check_books(db)
    assert db.execute(
        "SELECT line, record FROM etl.rejected_records WHERE reason = 'torn_page'"
    ).fetchall() == [(62, b"3 {}")]
    assert one(db, "SELECT max(line) FROM analytics.heard_plays") == 60


# --- the same content ---------------------------------------------------------------------------------------


def test_the_sample_in_its_public_shapes(
    real_sample: Path, new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    """Every file in one of the shapes, in turn; and copies in the hidden folders of notebooks."""
    for number, path in enumerate(sorted(real_sample.rglob("*.json"))):
        records = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        copy = tmp_path / path.relative_to(real_sample)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(list(WRITERS.values())[number % len(WRITERS)](records))
    hidden = tmp_path / "log_data" / ".ipynb_checkpoints"
    hidden.mkdir()
    shutil.copy(copy, hidden / "copy-checkpoint.json")
    usual, other = new_dsn(), new_dsn()
    etl.run(real_sample, dsn=usual)
    report = etl.run(tmp_path, dsn=other)
    assert report.rows == {"songplays": 6820, "users": 96, "songs": 71, "artists": 69, "time": 6813}
    assert (report.books.rejected, report.books.duplicates, report.books.page_views) == (0, 0, 1236)
    with connect(usual) as one_way, connect(other) as other_way:
        assert checksums(other_way) == checksums(one_way)
        check_books(other_way)


@pytest.mark.parametrize("shape", ["array on one line", "indented"])
def test_plays_of_one_identity(new_dsn: Callable[[], str], tmp_path: Path, shape: str) -> None:
    """Each record has its own number, even if all stand on one line: winner, books and rejects need it."""
    found = [
        play(), play(level="free"), play(), play(firstName="Ana"), play(NOVEMBER + 1), {"page": "Home"},
        play(userId=""),
        play(song=""), play(NOVEMBER + 2, length=0),
    ]  # fmt: skip
    catalogue = [song("S1"), song("S2", year=3), song("S3", year=-1)]
    usual, other = new_dsn(), new_dsn()
    packs: list[tuple[str, Path, Writer]] = [
        (usual, tmp_path / "usual", lambda found: lines(*found)),
        (other, tmp_path, WRITERS[shape]),
    ]
    for dsn, folder, pack in packs:
        write(folder, "log_data/a.json").write_bytes(pack(found))
        write(folder, "song_data/a.json").write_bytes(pack(catalogue))
        etl.run(folder, dsn=dsn)
    with connect(usual) as one_way, connect(other) as other_way:
        assert checksums(other_way) == checksums(one_way)
        assert totals(other_way) == totals(one_way)
        check_books(other_way)
        reasons = "SELECT reason, detail FROM etl.rejected_records ORDER BY file_id, line"
        assert other_way.execute(reasons).fetchall() == one_way.execute(reasons).fetchall()


def test_a_person_who_is_forgotten_is_so_in_every_shape(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    forget([15], dsn=dsn)
    torn = json.dumps(play(), indent=1)[:-2]
    write(tmp_path, "log_data/a.json").write_text(
        "\n".join([json.dumps(play(), indent=1), torn, json.dumps(play(userId=1), indent=1)])
    )
    books = etl.run(tmp_path, dsn=dsn).books
    assert (books.lines, books.loaded, books.forgotten, books.rejected) == (3, 1, 2, 0)


def test_a_song_whose_title_is_a_number_is_matched(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Pandas writes the title and artist "1999" and "311" as numbers."""
    write(tmp_path, "song_data/a.json", song(title=1999, artist_name=311))
    write(tmp_path, "log_data/a.json", play(song="1999", artist="311"), play(song=1999))
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.matched, report.tally.reasons) == (1, {"wrong_type": 1})
    assert db.execute("SELECT title, name FROM songs JOIN artists USING (artist_id)").fetchall() == [
        ("1999", "311")
    ]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)]
)
@pytest.mark.parametrize("small_bytes", [1, 1 << 19])
@pytest.mark.parametrize("shape", WRITERS)
def test_records_are_the_same_however_a_file_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    pack: Callable[[bytes], bytes],
    small_bytes: int,
    shape: str,
) -> None:
    monkeypatch.setattr(lines_module, "SMALL_BYTES", small_bytes)
    monkeypatch.setattr("sparkify.extract.files.READ_BYTES", 900)
    found = [play(itemInSession=at) for at in range(20)]
    data = pack(WRITERS[shape](found))
    path = tmp_path / f"a.json{suffix}"
    path.write_bytes(data)
    file = InputFile("log", str(path), len(data), 0, compression_of(path.name))
    pieces = [piece for chunk in chunks([file], chunk_bytes=2000) for piece in chunk]
    assert [
        json.loads(line.removeprefix(b"\xef\xbb\xbf")) for piece in pieces for line in piece.data.splitlines()
    ] == found
    assert [piece.ends_file for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].digest == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("case", "query", "answer"),
    [
        ("shape-pretty-log", "SELECT sum(lines), sum(loaded), count(*) FROM etl.files", [(3, 3, 1)]),
        ("song-numbers", "SELECT title, name FROM songs JOIN artists USING (artist_id)", [("1999", "311")]),
    ],
)
def test_a_case_that_fell_short(
    dsn: str, db: Connection[Any], case: str, query: str, answer: list[Any]
) -> None:
    assert etl.run(case_data(case), dsn=dsn).books.rejected == 0
    assert db.execute(query).fetchall() == answer  # type: ignore[call-overload]


# --- large ones ---------------------------------------------------------------------------------------------


def test_a_large_file_of_records_is_not_cut(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its beginning shows how its records are written."""
    for module in (batches, plan):
        monkeypatch.setattr(module, "LEAST_PART_BYTES", 1)
    plays = [play(NOVEMBER + at, itemInSession=at) for at in range(60)]
    write(tmp_path, "log_data/a.json").write_bytes(_indented(plays))
    write(tmp_path, "log_data/b.json").write_bytes(_as_pandas(plays))
    write(tmp_path, "log_data/c.json", *plays)
    found = plan.make_plan(db, find.find_files(tmp_path / "log_data", "log"))
    assert [Path(file.path).name for file in found.large_logs(1000)] == ["c.json"]
    books = etl.run(tmp_path, dsn=dsn, batch_bytes=9000, workers=2).books
    assert (books.lines, books.loaded, books.duplicates) == (180, 60, 120)


def test_a_large_array_on_one_line_costs_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    record = json.dumps(play(userAgent="x" * 50_000)).encode()
    file.write_bytes(b"[" + b",".join([record] * 1500) + b"]")
    tracemalloc.start()
    try:
        count = sum(
            piece.lines for piece in slices(InputFile("log", str(file), file.stat().st_size, 0, None))
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 1500
    assert peak < 60 << 20 < file.stat().st_size


def test_hostile_records_cost_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three bytes of brackets become a hundred in Python."""
    monkeypatch.setattr(strict_json, "MAX_TOKENS", 10_000)
    monkeypatch.setattr(json_records, "PIECE_CHARACTERS", 1 << 14)
    data = b'{\n"x": [' + b"[]," * (1 << 17) + b"[]]\n}\n" + _indented([play()])
    tracemalloc.start()
    try:
        bad, good = json_records.read_json(iter([data]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(bad, RejectedLine)
    assert (bad.line, bad.why.detail) == (1, "more than 10,000 strings, commas and brackets")
    assert not isinstance(good, RejectedLine)
    assert good[0] == 4
    assert peak < 10 * len(data)


# --- files at fault -----------------------------------------------------------------------------------------

FAULTY: dict[str, tuple[bytes, str]] = {
    "lfs.json": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "git lfs pull",
    ),
    "page.json": (b"\n<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n", "is a web page"),
    "error.json": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is a web page"),
    "packed.json": (gzip.compress(b"{}"), "rename it to .json.gz"),
    "utf16.json": (json.dumps(play()).encode("utf-16"), "is UTF-16"),
    "utf16-le.json": (json.dumps(play()).encode("utf-16-le"), "is UTF-16"),
    "cut.json.gz": (gzip.compress(lines(play()))[:40], "copy it again"),
    "csv.json": (
        b"artist,song\nElena,Setanta matins\n",
        "none of its 2 lines is a log event (line 1 is invalid_json). See them with `sparkify rejects show"
        " --file {path}`",
    ),
    "song.json": (
        lines(song()),
        "its only line is not a log event (missing_field). See it with `sparkify rejects show --file {path}`",
    ),
    "one-bad-of-two.json": (lines(play(), "torn"), ""),
    "blank.json": (b"\n\n", ""),
    "bad-array.json": (b"[" + b",".join([b'{"page": 7}'] * 3) + b"]", "none of its 3 lines"),
}


def test_a_file_at_fault_is_one_sentence(
    dsn: str, tmp_path: Path, run_here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, (data, _) in FAULTY.items():
        write(tmp_path, f"log_data/{name}").write_bytes(data)
    write(tmp_path, "log_data/good.json", play())
    paths = {name: str(tmp_path / "log_data" / name) for name in FAULTY}
    wanted = {paths[name]: what.replace("{path}", paths[name]) for name, (_, what) in FAULTY.items() if what}
    said = run_here("etl", tmp_path, dsn=dsn)
    assert said.returncode == 0
    shown = [path for path, what in wanted.items() if any(
        line.startswith(path) and what in line for line in said.stderr.splitlines()
    )]  # fmt: skip
    assert len(wanted) == MOST_FAULTS
    assert shown == list(wanted)
    document = json.loads(run_here("etl", tmp_path, "--json", dsn=dsn).stdout)
    assert document["faulty_files"] == {}  # the second run reads nothing
    with connect(dsn) as connection:
        kept = one(connection, "SELECT report -> 'faulty_files' FROM etl.runs WHERE run_id = 1")
    assert kept.keys() == wanted.keys()
    assert all(what in kept[path] for path, what in wanted.items())


def test_many_files_at_fault_are_few_lines(dsn: str, tmp_path: Path, run_here: Callable[..., Any]) -> None:
    for number in range(30):
        write(tmp_path, f"log_data/{number:02}.json", "torn")
    write(tmp_path, "log_data/99.json").write_bytes(FAULTY["lfs.json"][0])
    said = run_here("etl", tmp_path, "--json", dsn=dsn)
    assert len(json.loads(said.stdout)["faulty_files"]) == 31
    told = [line for line in said.stderr.splitlines() if "log_data" in line]
    assert len(told) == 10
    assert "git lfs pull" in told[0]
    assert "In 21 more files no line is valid" in said.stderr


@given(st.binary(max_size=40))
def test_no_good_beginning_is_taken_for_another_format(text: bytes) -> None:
    for beginning in (b'{"', b"[", b" {", b"\xef\xbb\xbf{"):
        (said,) = faults([("a", "log", 2, 1, "invalid_json", beginning + text.replace(b"\0", b""))]).values()
        assert said.startswith("has nothing to load")
