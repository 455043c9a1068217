"""Records over several lines and in arrays: however written and cut, the same records and line numbers."""

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify.extract import json_records, rejects
from sparkify.extract.json_records import read_json, spans_lines
from sparkify.extract.rejects import Record, RejectedLine
from tests.support.data import play
from tests.support.examples import examples

BOM = b"\xef\xbb\xbf"


def read(data: bytes, size: int = 1 << 20) -> list[Record]:
    """The records of some bytes that come in blocks of this size."""
    return list(read_json(data[start : start + size] for start in range(0, len(data), size)))


def number_of(record: Record) -> int:
    """The number of a record, sound or not."""
    return record.line if isinstance(record, RejectedLine) else record[0]


def good(data: bytes, size: int = 1 << 20) -> list[tuple[int, Any]]:
    """The numbers and values of the sound ones."""
    return [(each[0], json.loads(each[1])) for each in read(data, size) if not isinstance(each, RejectedLine)]


def bad(data: bytes) -> list[tuple[int, str, bytes]]:
    """The numbers, reasons and bytes of those that are set aside."""
    return [
        (each.line, each.why.reason, each.record) for each in read(data) if isinstance(each, RejectedLine)
    ]


# --- the shape of a file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [
        b'[{"page": "Home"}', b"[{", b"[\n  {", b" \n\r\n[ \t\n{", b"[]", b"[\n]\n", BOM + b"[{",
        b'{\n"page"', b'{\n  "page"', b'{"page":\n"Home"', b'{"page": "Home"\n, "x": 1}',
        b'{"page": "Home",\n\n\r\n "x": 1}',
        b"{\n}", b'{"x": {"page": "}"}\n}', b'{"x": "{}\\"}",\n"page"', BOM + b'\n{\r\n"page"',
    ],
)  # fmt: skip
def test_a_beginning_of_records(beginning: bytes) -> None:
    assert spans_lines(beginning)


@pytest.mark.parametrize(
    "beginning",
    [
        b"", b"\n", b"{", b"[", b"{}", b"{}\n{}", b'{"page": "Home"}\n{"page": "Home"}',
        b'["NextSong"]\n{"page"', b"[1]", b"[[{",
        b'{"torn": "\n{"page": "Home"}', b'{"torn"\n\n{"page": "Home"}\n"', b'{"torn":\nTraceback',
        b'{"page": "Home"}\n"junk"',
        b"{}\n}", b'{"x": "{"}\n,', b'"page"\n"x"', b"<!DOCTYPE html>\n<html>", b"\xff\xfe{\x00\n\x00",
        b'x\n{\n"page"',
    ],
)  # fmt: skip
def test_a_beginning_of_lines(beginning: bytes) -> None:
    assert not spans_lines(beginning)


# --- the same records, however they are written -------------------------------------------------------------

texts = st.text(max_size=6) | st.sampled_from(
    ['"', "\\", "{", "}]", "a\nb", "é\U0001f600", "\u2028", ',{"', "\x00\x1f"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
events = st.lists(st.dictionaries(texts, values, max_size=4), max_size=5)


@st.composite
def files(draw: st.DrawFn, *, usual: bool = False) -> tuple[bytes, list[tuple[int, Any]], list[int]]:
    """A file that holds records: its bytes, the records with their numbers, and where each ends.

    In a `usual` file the parts of a record are indented further than its beginning.
    """
    found = draw(events)
    spaces = st.text(" \t" if usual else " \t\n", max_size=3)
    indents = st.none() | st.integers(1 if usual else 0, 4) | st.just("\t")
    indent: int | str | None = draw(indents)
    separators = (draw(spaces) + "," + draw(spaces), ":" + draw(spaces)) if draw(st.booleans()) else None
    is_array, feed = draw(st.booleans()), draw(st.sampled_from(["\n", "\r\n"]))
    between = draw(st.sampled_from(["\n", "\n\n", "", " \t\n\x0b\x0c\n"]))
    first_is_behind_bracket = (
        usual and is_array and not between
    )  # the bracket and a space indent the first record by 2
    text = draw(st.sampled_from(["", "\n"] if first_is_behind_bracket else ["", " ", "\n"])) + (
        "[" if is_array else ""
    )
    expected, ends, last = [], [], 0
    for at, event in enumerate(found):
        text += ("," if is_array and at else "") + between
        last = max(text.count("\n") + 1, last + 1)
        expected.append((last, event))
        text += json.dumps(event, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
        ends.append(text)
    text += ("]" if is_array else "") + draw(st.sampled_from(["", "\n"]))
    start = BOM if draw(st.booleans()) else b""
    *ends, text = ((start + end.replace("\n", feed).encode()) for end in (*ends, text))
    return text, expected, [len(end) for end in ends]


@examples(60, thorough=300)
@given(file=files(), size=st.integers(1, 60), piece=st.integers(1, 60))
def test_records_are_those_that_were_written(file: Any, size: int, piece: int) -> None:
    data, expected, _ = file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "PIECE_CHARACTERS", piece)
        assert good(data, size) == expected
    assert bad(data) == []


@examples(120, thorough=400)
@given(file=files(usual=True), cut=st.floats(0, 1), size=st.integers(1, 60), piece=st.integers(1, 60))
def test_a_torn_file_gives_its_complete_records_and_one_reject(
    file: Any, cut: float, size: int, piece: int
) -> None:
    data, expected, ends = file
    torn = data[: int(cut * len(data))]
    complete = sum(end <= len(torn) for end in ends)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "PIECE_CHARACTERS", piece)
        assert good(torn, size) == expected[:complete]
    is_array = data.removeprefix(BOM).strip().startswith(b"[")
    ends_between = not torn[ends[complete - 1] if complete else 0 :].removeprefix(BOM).strip()
    is_torn = len(torn) < len(data.rstrip()) and not (ends_between and not (is_array and complete))
    assert len(bad(torn)) == is_torn


@pytest.mark.parametrize("indent", [None, 4])
def test_thousands_of_records(indent: int | None) -> None:
    plays = [play(itemInSession=at) for at in range(5000)]
    text = json.dumps(plays, indent=indent).encode()
    found = good(text)
    assert [event for _, event in found] == plays
    per_record = len(plays[0]) + 2 if indent else 1
    assert [number for number, _ in found] == [
        (1 if indent is None else 2) + at * per_record for at in range(5000)
    ]


# --- broken ones --------------------------------------------------------------------------------------------

plain = st.text("abc é\u2028", max_size=6)
flat_events = st.lists(
    st.dictionaries(plain, st.none() | st.integers() | plain, min_size=1, max_size=4), min_size=1, max_size=4
)
WRITERS: dict[str, Any] = {
    "concatenated": "\n".join,
    "array": lambda texts: "[\n" + ",\n".join(texts) + "\n]",
    "commas first": lambda texts: "[" + "\n,".join(texts) + "\n]",
    "brackets together": lambda texts: "[" + ", ".join(texts) + "]",
}


@examples(100, thorough=400)
@given(
    found=flat_events,
    writer=st.sampled_from(sorted(WRITERS)),
    indent=st.integers(1, 3),
    which=st.integers(0, 3),
    place=st.floats(0, 1),
    damage=st.sampled_from(["tear", "drop", '"', "}", "]", "{", "x", "\x00", "é", "\\", "NaN"]),
)
def test_the_records_around_a_broken_one(
    found: list[Any], writer: str, indent: int, which: int, place: float, damage: str
) -> None:
    """One record is rejected and no other is lost.

    But if no record begins a line, the next may be lost with it.
    """
    found = [event | {"number": number} for number, event in enumerate(found)]
    written = [json.dumps(event, indent=indent) for event in found]
    which %= len(written)
    victim = written[which]
    at = 1 + int(place * (len(victim) - 2))
    rest = {"tear": "", "drop": victim[at + 1 :]}.get(damage, damage + victim[at:])
    written[which] = victim[:at] + rest
    data = WRITERS[writer](written).encode()
    if not spans_lines(data):
        return
    others = [event for number, event in enumerate(found) if number != which]
    kept = [event for _, event in good(data) if event in others]
    rejects = bad(data)
    if writer == "brackets together":
        assert len(kept) >= len(others) - 1
    else:
        assert kept == others
        assert len(rejects) <= 1


@examples(300, thorough=1000)
@given(
    data=st.lists(
        st.sampled_from(
            [
                b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b"\r\n", b" ", b"1", b"-", b"null",
                b"tru", b"NaN", b"\xff", BOM,
                b'{"a": 1}', b'{\n"a": [{}]\n}', b'"x\n', b"\x00", b"\\u12", b'{\n  "page": "Home"\n}', b"[{",
                b",\n  {",
            ]
        ),
        max_size=30,
    ).map(b"".join) | st.binary(max_size=60),
    size=st.integers(1, 20),
    piece=st.integers(1, 40),
    longest=st.integers(1, 60),
)  # fmt: skip
@example(data=b'{\n  "page": "Home"\n}, {\n  "page": "Home"\n}', size=9, piece=4, longest=1)
def test_whatever_the_bytes(data: bytes, size: int, piece: int, longest: int) -> None:
    """Reading raises no error and loses only white space and separators; how the bytes arrive does not
    matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "PIECE_CHARACTERS", piece)
        patch.setattr(json_records, "MAX_LINE_BYTES", longest)
        patch.setattr(json_records, "LONGEST_GAP", 5)
        found = read(data)
        assert read(data, size) == found
    numbers = [number_of(each) for each in found]
    assert all(number < following for number, following in pairwise(numbers))
    assert all(number > 0 for number in numbers)
    for each in found:
        if isinstance(each, RejectedLine):
            assert each.why.reason == "line_too_long" or each.record_bytes == len(each.record)
        else:
            assert b"\n" not in each[1]
            json.loads(each[1].decode("latin-1"))


@pytest.mark.parametrize("gap", ["", " ", "\t", "  "])
@pytest.mark.parametrize("margin", ["", "  "])
def test_a_broken_record_behind_the_bracket_of_an_array(gap: str, margin: str) -> None:
    """PostgreSQL writes an array like this: the second record is indented as the first one is."""
    lines = ['{"a":', '{"b": 1},', '{"b": 2}]']
    data = f"{margin}[{gap}{lines[0]}\n{margin} {gap}{lines[1]}\n{margin} {gap}{lines[2]}"
    for beginning in (b"", b"\n", BOM):
        first = 1 + beginning.count(b"\n")
        assert bad(beginning + data.encode()) == [(first, "invalid_json", b'{"a":')]
        assert good(beginning + data.encode()) == [(first + 1, {"b": 1}), (first + 2, {"b": 2})]


def test_what_is_part_of_a_broken_record() -> None:
    """Objects inside it are not records: they are indented further, or the file breaks off within it."""
    inner = json.dumps({"a": [{"b": 1}, {"b": 2}], "c": 0}, indent=2)
    assert bad((inner.replace('"c": 0', '"c": tru') + "\n" + inner).encode()) == [
        (1, "invalid_json", inner.replace('"c": 0', '"c": tru').encode())
    ]
    torn = inner[: inner.index('"c"')]
    assert bad((torn + "\n" + inner).encode()) == [(1, "invalid_json", torn.rstrip().encode())]
    on_one_line = json.dumps([{"x": 1}, {"a": [{"b": 1}, {"b": 2}, {"b": 3}]}])
    for cut in range(len('[{"x": 1}'), len(on_one_line)):
        assert good(on_one_line[:cut].encode()) == [(1, {"x": 1})] + [(2, json.loads(on_one_line)[1])] * (
            cut == len(on_one_line) - 1
        )
        assert len(bad(on_one_line[:cut].encode())) == 1


def test_many_records_behind_a_long_one() -> None:
    """Each is searched in a short text, not in all that was read to find the end of the long one."""
    events = [{"x": "y" * (6 << 20)}, *({"x": number} for number in range(30_000))]
    data = json.dumps(events).encode()
    started = time.process_time()
    assert len(read(data, 8 << 20)) == len(events)
    assert time.process_time() - started < 10


@pytest.mark.timeout(60)
@pytest.mark.parametrize("record", [b'{"page": "NextSong", "song": "A"', b'{"x"'])
def test_many_broken_records_on_a_line(record: bytes) -> None:
    """The brackets of each are not followed through all the later ones, which would take minutes."""
    assert len(bad(b"[" + b",".join([record] * 2_000))) > 1_900


def test_a_record_that_is_nested_too_deeply() -> None:
    deep = b'{\n"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"\n}"
    assert bad(deep + b'\n{"a": 1}') == [(1, "invalid_json", deep)]
    assert good(deep + b'\n{"a": 1}') == [(4, {"a": 1})]


@pytest.mark.parametrize("piece", [1, 7, 16, 17, 24, 33])
def test_a_number_is_not_cut(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "PIECE_CHARACTERS", piece)
    found = read(b"[{}, 123456789012345678901234567890, -1.5e10]", piece)
    assert [each[1] for each in found if not isinstance(each, RejectedLine)] == [
        b"{}",
        b"123456789012345678901234567890",
        b"-1.5e10",
    ]


@pytest.mark.parametrize("size", [1, 10, 61, 1000])
@pytest.mark.parametrize("length", [100, 101, 150, 900])
def test_a_record_may_be_as_long_as_a_line(size: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(rejects, "EVIDENCE_BYTES", 20)
    monkeypatch.setattr(json_records, "PIECE_CHARACTERS", 30)
    text = b'{\n "a": "' + b"x" * (length - 12) + b'"\n}'
    found = read(b'[\n{"x": 1},\n' + text + b',\n{"x": 2}]', size)
    assert [number_of(each) for each in found] == [2, 3, 6]
    assert found[2] == (6, b'{"x": 2}')
    if length > 100:
        reject = found[1]
        assert isinstance(reject, RejectedLine)
        why = (reject.record, reject.why.reason, reject.record_bytes)
        assert why == (text[:20], "line_too_long", length + len(",\n"))
