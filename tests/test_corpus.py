"""The corpus of bad input: one file a hazard, each loaded through the whole pipeline into a real PostgreSQL.

The table has the expected verdict on each line of each file, in order: ``play``, ``song``, ``other``,
``blank``, ``duplicate``, or the reason of a reject. Where records span lines, the number of each follows an
@. Every file is loaded in several layouts, because a verdict must depend neither on the lines around it nor
on the compression.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zstandard
from psycopg import Connection

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.extract.rejects import MAX_LINE_BYTES
from tests.support.data import play

CORPUS = Path(__file__).parent / "corpus"

# fmt: off
LOGS = {
    "array.json": "play " + "not_an_object play " * 3,
    "bad-numbers.json": "play " + "invalid_json play " * 12,
    "blank-end.json": "play blank",
    "blank-lines.json": "blank play " + "blank " * 5 + "blank play blank",
    "bom-at-start.json": "play play",
    "bom-in-the-middle.json": "play play invalid_json invalid_json blank blank play",
    "boolean.json": "play " + "wrong_type play " * 8,
    "comment.json": "play invalid_json play invalid_json play",
    "control-bytes.json": "play " + "invalid_json play " * 10,
    "crlf.json": "play play blank invalid_json play play",
    "deep-nesting.json": "play " * 3 + "invalid_json play " * 5 + "play " * 4,
    "delete-and-c1.json": "play " * 3,
    "duplicate-key.json": "play " + "duplicate_key play " * 8 + "invalid_json play duplicate_key play",
    "empty-file.json.gz": "",
    "empty-file.json.zst": "",
    "empty-song.json": "play empty_field play " + "play " * 10,
    "empty-stream.json.gz": "",
    "empty-stream.json.zst": "",
    "empty-user.json": "play empty_field play wrong_type play",
    "empty.json": "",
    "escaped-key.json": "play " * 5,
    "escapes.json": "play " * 3 + "invalid_json play " * 5,
    "garbage-after.json.gz": "play play truncated_stream",
    "garbage-after.json.zst": "play play truncated_stream",
    "garbage.json.gz": "truncated_stream",
    "garbage.json.zst": "truncated_stream",
    "git-lfs-pointer.json": "invalid_json " * 3,
    "gzip-without-its-name.json": "invalid_utf8 invalid_utf8",
    "html.json": "play " + "invalid_json " * 3 + "blank " + "invalid_json " * 3 + "invalid_json play",
    "integral-spellings.json": "play " * 19,
    "invalid-utf8.json": "play " + "invalid_utf8 play " * 8,
    "key-in-other-case.json": "play missing_field play missing_field play play play",
    "length.json": "play " + "out_of_range play " * 9 + "play " * 10,
    "line-separators.json": "play " * 3 + "invalid_json play " * 5 + "play play",
    "lone-surrogate.json": "play " + "lone_surrogate play " * 7,
    "long-names.json": "play " * 5,
    "members.json.gz": "play play invalid_json play",
    "members.json.zst": "play play invalid_json play",
    "missing-comma.json": "play invalid_json play invalid_json play",
    "missing-key.json": "play " + "missing_field play " * 9 + "play " * 10 + "missing_field play",
    "nan-and-infinity.json": "play " + "invalid_json play " * 7,
    "nested-values.json": "play " + "wrong_type play " * 16 + "play play",
    "no-last-newline-bad.json": "play invalid_json",
    "no-last-newline.json": "play invalid_json play",
    "no-last-newline.json.gz": "play play",
    "no-last-newline.json.zst": "play play",
    "not-an-integer.json": "play " + "wrong_type play " * 6,
    "not-json.json": "play " + "invalid_json play " * 5,
    "nul-escape.json": "play " + "nul_character play " * 5 + "play play",
    "null-key.json": "play " + "missing_field play " * 9 + "play " * 10,
    "null.json": "play " + "not_an_object play " * 3,
    "number-as-string.json": "play " + "wrong_type play " * 4,
    "number.json": "play not_an_object play not_an_object play",
    "only-bom.json": "blank",
    "only-newlines.json": "blank " * 3,
    "order-of-reasons.json": "play invalid_utf8 play invalid_json play duplicate_key play nul_character play"
                             " lone_surrogate play wrong_type play empty_field play out_of_range play",
    "other-page.json": "play view " + "bare " * 6 + "view play view play bare play",
    "second-member-torn.json.gz": "play play truncated_stream",
    "second-member-torn.json.zst": "play play truncated_stream",
    "shape-array-aligned.json": "play@1 play@2 play@3",
    "shape-array-brackets-together.json": "play@1 out_of_range@20 play@39",
    "shape-array-commas-first.json": "play@2 play@3 play@4",
    "shape-array-empty.json": "",
    "shape-array-lines.json": "play@2 play@3 bare@4 play@5",
    "shape-array-no-objects.json": "play@1 not_an_object@2 not_an_object@3 not_an_object@5 play@6"
                                   " not_an_object@7",
    "shape-array-not-closed.json": "play@2 play@22 invalid_json@42",
    "shape-array-one-line.json": "play@1 bare@2 empty_field@3 play@4",
    "shape-array-torn.json": "play@2 play@22 invalid_json@42",
    "shape-array-twice.json": "play@1 play@2 play@3 play@4 play@5 play@6",
    "shape-array.json": "play@2 play@22 bare@42 missing_field@45 play@65 play@93",
    "shape-indent-of-nothing.json": "play@1 play@26",
    "shape-indented-bad.json": "play@1 invalid_json@21 play@41 duplicate_key@61 play@81 lone_surrogate@101"
                               " play@121 invalid_json@141 play@161 invalid_json@181 play@202"
                               " nul_character@222 play@242",
    "shape-indented-crlf-bom.json": "play@1 play@23 play@45",
    "shape-indented-junk.json": "play@1 invalid_json@21 play@24 invalid_json@44 play@45 invalid_json@65",
    "shape-indented-not-utf8.json": "play@1 invalid_utf8@21 play@41",
    "shape-indented-tabs.json": "play@1 play@21",
    "shape-indented-torn.json": "invalid_json@1 play@11 play@31 invalid_json@51 play@70 play@90"
                                " invalid_json@111 play@128 invalid_json@148",
    "shape-indented-torn.json.gz": " ".join(f"play@{1 + 20 * at}" for at in range(30))
        + " truncated_stream@601",
    "shape-indented.json": "play@1 play@21 bare@41 play@44",
    "shell-command.json": "invalid_json " * 3 + "invalid_json play play",
    "string-as-number.json": "play " + "wrong_type play " * 9,
    "surrogate-pair.json": "play " * 9,
    "too-many-digits.json": "play " + "out_of_range play " * 5 + "play " * 4 + "out_of_range play"
    " out_of_range play " + "play " * 4 + "out_of_range play out_of_range play",
    "torn-first-line-then-junk.json": "invalid_json@1 play@3 play@5",
    "torn-first-line.json": "invalid_json play play",
    "torn.json": "play " + "invalid_json play " * 3,
    "torn.json.gz": "play " * 30 + "truncated_stream",
    "torn.json.zst": "play " * 30 + "truncated_stream",
    "trailing-comma.json": "play " + "invalid_json play " * 3,
    "ts-range.json": "play " + "out_of_range play " * 9 + "play " * 4,
    "twice.json": "duplicate play play duplicate",
    "two-objects.json": "play " + "invalid_json play " * 3,
    "user-spellings.json": "play " * 9 + "wrong_type play " * 12 + "play " * 4,
    "utf16.json": "play invalid_json invalid_utf8 play",
    "whitespace-in-json.json": "play " * 9 + "invalid_json play invalid_json play",
    "whole.json.gz": "play invalid_json play",
    "whole.json.zst": "play invalid_json play",
    "without-trailer.json.gz": "play play truncated_stream",
    "wrong-checksum.json.gz": "play " * 3 + "truncated_stream",
    "wrong-checksum.json.zst": "play " * 3 + "truncated_stream",
    "zeros-behind.json.gz": "play play",
}
SONGS = {
    "duplicate-key.json": "song duplicate_key song duplicate_key song",
    "empty-field.json": "song empty_field song empty_field song " + "song " * 6,
    "empty.json": "",
    "html.json": "invalid_json " * 3 + "blank " + "invalid_json " * 4,
    "invalid-utf8.json": "song invalid_utf8 song",
    "long-id.json": "song " + "out_of_range song " * 3 + "song " * 4,
    "missing-key.json": "song " + "missing_field song " * 5 + "song " * 10 + "missing_field song",
    "nan.json": "song invalid_json song invalid_json song",
    "no-last-newline.json": "song song",
    "nul-and-surrogates.json": "song nul_character song lone_surrogate song song song",
    "null-key.json": "song " + "missing_field song " * 5 + "song " * 10,
    "number-as-title.json": "song song wrong_type wrong_type wrong_type song invalid_json wrong_type song"
                            " " + "wrong_type " * 3 + "missing_field",
    "one-object.json": "song",
    "pretty-bad.json": "out_of_range@1",
    "pretty-crlf-bom.json": "song@1",
    "pretty-duplicate-key.json": "duplicate_key@1",
    "pretty-huge-number.json": "song@1",
    "pretty-nan.json": "invalid_json@1",
    "pretty-torn-then-whole.json": "invalid_json@1 song@7",
    "pretty-torn.json": "invalid_json@1",
    "pretty.json": "song@1",
    "pretty.json.zst": "song@1",
    "range.json": "song " + "out_of_range song " * 7 + "song " * 6,
    "shape-array-indented.json": "song@2 song@14 song@26",
    "shape-array.json": "song@1 song@2 out_of_range@3 song@4",
    "shape-indented.json": "song@1 out_of_range@13 song@25",
    "torn.json": "song invalid_json song invalid_json song " + "not_an_object song " * 3 + "invalid_json song"
                                                                                           " blank song blank"
                                                                                           " song",
    "torn.json.gz": "song truncated_stream",
    "whole.json.gz": "song",
    "wrong-type.json": "song " + "wrong_type song " * 10,
}
# fmt: on

EVIDENCE_BYTES = 1 << 20


def _small(session: int, item: int, **fields: Any) -> bytes:
    return json.dumps(play(sessionId=session, itemInSession=item, **fields)).encode()


def _huge_line() -> bytes:
    """A valid play of 14 MB, which is more than a chunk has, and a torn one, between small ones."""
    huge = _small(9001, 2, song="14 MB " * 2_350_000)
    return b"\n".join([_small(9001, 1), huge, _small(9001, 3), huge[:-2], _small(9001, 5), b""])


def _huge_key() -> bytes:
    """A key of 2 MB: no expression with such a key can be compiled."""
    huge = _small(9002, 2)[:-1] + b', "' + b"k" * (2 << 20) + b'": 1}'
    return b"\n".join([_small(9002, 1), huge, _small(9002, 3), b""])


def _bomb(session: int, compress: Callable[[bytes], bytes]) -> bytes:
    """A few kilobytes that expand to a line longer than one may be and the lines around it."""
    return compress(
        _small(session, 1) + b"\n" + b" " * (MAX_LINE_BYTES + 1) + b"\n" + _small(session, 3) + b"\n"
    )


GENERATED: dict[str, tuple[Callable[[], bytes], str]] = {
    "huge-line.json": (_huge_line, "play play play invalid_json play"),
    "huge-key.json": (_huge_key, "play play play"),
    "bomb.json.gz": (lambda: _bomb(9003, lambda data: gzip.compress(data, 1)), "play line_too_long play"),
    "bomb.json.zst": (lambda: _bomb(9004, zstandard.compress), "play line_too_long play"),
}
"""Files that are too large for the repository."""


def test_every_file_is_expected() -> None:
    assert {path.name for path in (CORPUS / "log_data").glob("[!.]*")} == set(LOGS)
    assert {path.name for path in (CORPUS / "song_data").glob("[!.]*")} == set(SONGS)


# --- layouts ------------------------------------------------------------------------------------------------


@dataclass
class Expected:
    """A file of a layout: the verdict on each of its lines or records, their numbers, and the lines."""

    verdicts: list[str]
    lines: list[bytes]
    numbers: list[int]

    @classmethod
    def of(cls, name: str, data: bytes, words: str) -> "Expected":
        found = [word.partition("@") for word in words.split()]
        verdicts = [verdict for verdict, _, _ in found]
        if "@" in words or "shape-" in name:  # other tests cover the evidence of such records
            return cls(verdicts, [], [int(number) for _, _, number in found])
        return cls(verdicts, _lines(name, data, verdicts), list(range(1, len(found) + 1)))


@dataclass
class Layout:
    """Files on disk, how they are loaded, and their expected verdicts, by folder and name."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Expected] = field(default_factory=dict)


def _corpus() -> Iterator[tuple[str, bytes, Expected]]:
    for folder, table in (("log_data", LOGS), ("song_data", SONGS)):
        for name, words in table.items():
            data = (CORPUS / folder / name).read_bytes()
            yield f"{folder}/{name}", data, Expected.of(name, data, words)


def _as_it_is(layout: Layout) -> None:
    layout.folder = CORPUS
    layout.files = {name: expected for name, _, expected in _corpus()}


def _in_small_batches(layout: Layout) -> None:
    _as_it_is(layout)
    layout.options = {"batch_bytes": 20_000, "workers": 2}


def _packed(layout: Layout) -> None:
    """All plain files compressed: logs by gzip, songs by Zstandard."""
    for name, data, expected in _corpus():
        if name.endswith(".json"):
            packed, suffix = (
                (gzip.compress(data), "gz") if name.startswith("log") else (zstandard.compress(data), "zst")
            )
            _put(layout, f"{name}.{suffix}", packed)
            layout.files[f"{name}.{suffix}"] = expected


def _in_one_file(layout: Layout) -> None:
    """All plain logs as one file."""
    _join(layout, list(_plain_lines()))


def _backwards(layout: Layout) -> None:
    """The same lines in reverse order; except the two lines of one play, of which the other would then be
    first.
    """
    _join(layout, [(line, verdict) for line, verdict in _plain_lines() if verdict != "duplicate"][::-1])


def _plain_lines() -> Iterator[tuple[bytes, str]]:
    for name, _, expected in _corpus():
        if name.startswith("log_data") and name.endswith(".json") and expected.lines:
            yield from zip(expected.lines, expected.verdicts, strict=True)


def _join(layout: Layout, lines: list[tuple[bytes, str]]) -> None:
    _put(layout, "log_data/all.json", b"".join(line + b"\n" for line, _ in lines))
    verdicts = [verdict for _, verdict in lines]
    layout.files["log_data/all.json"] = Expected(
        verdicts, [line for line, _ in lines], list(range(1, len(lines) + 1))
    )


def _generated(layout: Layout) -> None:
    for name, (make, verdicts) in GENERATED.items():
        data = make()
        _put(layout, f"log_data/{name}", data)
        layout.files[f"log_data/{name}"] = Expected.of(name, data, verdicts)


LAYOUTS = {
    function.__name__.strip("_"): function
    for function in (_as_it_is, _in_small_batches, _packed, _in_one_file, _backwards, _generated)
}


def _put(layout: Layout, name: str, data: bytes) -> None:
    path = layout.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def _lines(name: str, data: bytes, verdicts: list[str]) -> list[bytes]:
    data = _unpacked(data, name) if name.endswith((".gz", ".zst")) else data
    lines = data.split(b"\n")
    # A torn stream gives one reject after its last whole line, even if nothing follows that line.
    return lines if lines[-1] or verdicts[-1:] == ["truncated_stream"] else lines[:-1]


def _unpacked(data: bytes, name: str) -> bytes:
    """The lines of a compressed file, up to the point where it breaks off."""
    result = bytearray()
    while data:
        stream: Any = (
            zlib.decompressobj(wbits=31)
            if name.endswith("gz")
            else zstandard.ZstdDecompressor().decompressobj()
        )
        try:
            for at in range(len(data)):
                result += stream.decompress(data[at : at + 1])
                if stream.eof:
                    data = data[at + 1 :].lstrip(b"\0")
                    break
            else:
                break
        except (zlib.error, zstandard.ZstdError):
            break
    return bytes(result)


# --- what came of them --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LAYOUTS)
def loaded(
    request: pytest.FixtureRequest,
    new_module_dsn: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Connection[Any], Layout]]:
    """A warehouse with one layout of the corpus, loaded in one run."""
    layout = Layout(tmp_path_factory.mktemp(request.param))
    LAYOUTS[request.param](layout)
    dsn = new_module_dsn()
    report = etl.run(layout.folder, dsn=dsn, **layout.options)
    assert report.status == "done"
    assert report.files_loaded == len(layout.files)
    assert report.books.balance()
    again = etl.run(layout.folder, dsn=dsn)
    assert (again.files_new, again.rows) == (0, report.rows)
    with connect(dsn) as connection:
        yield connection, layout


def test_verdicts(loaded: tuple[Connection[Any], Layout], subtests: pytest.Subtests) -> None:
    connection, layout = loaded
    found = _found(connection, layout.folder)
    assert found.keys() == layout.files.keys()
    for name, expected in layout.files.items():
        with subtests.test(name):
            rows = found[name]
            numbered = list(zip(expected.numbers, expected.verdicts, strict=True))
            rejected = {
                line: verdict
                for line, verdict in numbered
                if verdict not in {"play", "song", "view", "bare", "blank", "duplicate"}
            }
            assert {line: reason for line, (reason, *_) in rows["rejected"].items()} == rejected
            if expected.lines:
                texts = dict(zip(expected.numbers, expected.lines, strict=True))
                assert rows["rejected"] == {
                    line: (verdict, texts[line][:EVIDENCE_BYTES], len(texts[line]))
                    for line, verdict in rejected.items()
                }
            assert rows["loaded"] == [
                line for line, verdict in numbered if verdict in {"play", "song", "view"}
            ]
            assert rows["books"] == (
                len(expected.verdicts),
                expected.verdicts.count("blank"),
                expected.verdicts.count("view"),
                expected.verdicts.count("bare"),
                len(rows["loaded"]) - expected.verdicts.count("view"),
                expected.verdicts.count("duplicate"),
                len(rows["rejected"]),
            )


def _found(connection: Connection[Any], folder: Path) -> dict[str, dict[str, Any]]:
    """The books and rejects of each file in the warehouse."""
    files: dict[int, dict[str, Any]] = {}
    names: dict[str, dict[str, Any]] = {}
    for file_id, path, *books in connection.execute(
        "SELECT file_id, path, lines, blank, page_views, bare_pages, loaded, duplicates, rejected"
        " FROM etl.files"
    ):
        files[file_id] = {"books": tuple(books), "rejected": {}, "loaded": []}
        names[str(Path(path).relative_to(folder))] = files[file_id]
    for file_id, line, *reject in connection.execute(
        "SELECT file_id, line, reason, record, record_bytes FROM etl.rejected_records", binary=True
    ):
        files[file_id]["rejected"][line] = tuple(reject)
    for file_id, line in connection.execute(
        "SELECT file_id, line FROM analytics.heard_plays UNION ALL SELECT file_id, line FROM"
        " analytics.page_views UNION ALL SELECT file_id, line FROM etl.catalogue_records"
        " ORDER BY file_id, line"
    ):
        files[file_id]["loaded"].append(line)
    return names
