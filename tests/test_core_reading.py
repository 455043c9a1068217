"""The core reads a line as the judge does, or asks the judge."""

import itertools
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify.core import _core
from sparkify.simulate import simulate
from sparkify.transform.judge import CatalogueRecord, PageView, Play, judge_event, judge_song
from tests.support import any_lines
from tests.support.data import play, song, view
from tests.support.differential import TS_RANGE
from tests.support.examples import examples

ODD_BYTES = [b"", *(bytes([byte]) for byte in b'"\\,:{}0 \x00\x1f\x7f\x80\xff')]
ASK_THE_JUDGE = None


def read_event(line: bytes, ts_range: tuple[int, int] = TS_RANGE) -> Any:
    """What the core says of a log line, after comparing it with the judge."""
    return _same(_core.read_event(line, *ts_range), judge_event(line, ts_range), line)


def read_song(line: bytes) -> Any:
    """What the core says of a song record, after comparing it with the judge."""
    return _same(_core.read_song(line), judge_song(line), line)


def _same(found: Any, verdict: Any, line: bytes) -> Any:
    if found is not ASK_THE_JUDGE:
        values = tuple(verdict) if isinstance(verdict, Play | PageView | CatalogueRecord) else verdict
        assert repr(found) == repr(values), line  # unlike ==, it tells 0.0 from -0.0 and from 0
    return found


def spelt(record: dict[str, Any], **tokens: str) -> bytes:
    """A record as a line, some values given as JSON."""
    members = {key: json.dumps(value) for key, value in record.items()} | tokens
    text = "{" + ", ".join(f'"{key}": {value}' for key, value in members.items()) + "}"
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b"")


# --- never anything but what the judge says -----------------------------------------------------------------


@examples(200, thorough=4000)
@given(line=any_lines.any_line)
def test_any_log_line(line: bytes) -> None:
    read_event(line)


@examples(200, thorough=4000)
@given(line=any_lines.any_song)
def test_any_song_record(line: bytes) -> None:
    read_song(line)


@examples(200, thorough=2000)
@given(line=st.binary(max_size=40) | st.text('{}[]":,\\u0d8e1.- \r\ufeffé').map(str.encode))
def test_any_bytes(line: bytes) -> None:
    read_event(line)
    read_song(line)


@pytest.mark.parametrize(
    ("read", "corpus"), [(read_event, any_lines.CORPUS), (read_song, any_lines.SONG_CORPUS)]
)
def test_the_corpus(read: Callable[[bytes], Any], corpus: list[bytes]) -> None:
    read_lines = [read(line) for line in corpus]
    assert sum(found is not ASK_THE_JUDGE for found in read_lines) > len(corpus) / 4


@examples(100, thorough=1000)
@given(name=st.sampled_from(sorted(play())), value=any_lines.values)
def test_a_field_of_a_log_line_is_changed(name: str, value: str) -> None:
    read_event(spelt(play(), **{name: value}))


@examples(100, thorough=1000)
@given(name=st.sampled_from(sorted(view())), value=any_lines.values)
def test_a_field_of_a_page_view_is_changed(name: str, value: str) -> None:
    read_event(spelt(view(), **{name: value}))


@examples(100, thorough=1000)
@given(name=st.sampled_from(sorted(song())), value=any_lines.values)
def test_a_field_of_a_song_record_is_changed(name: str, value: str) -> None:
    read_song(spelt(song(), **{name: value}))


@pytest.mark.parametrize(
    ("read", "record"), [(read_event, play()), (read_event, view()), (read_song, song())]
)
def test_every_spelling_of_every_field(read: Callable[[bytes], Any], record: dict[str, Any]) -> None:
    tokens = [
        *any_lines.NUMBERS,
        *any_lines.OTHERS,
        *(f'"a{piece}b"' for piece in any_lines.PIECES),
        "9999",
        "10000",
    ]
    found = [read(spelt(record, **{name: token})) for name in record for token in tokens]
    assert sum(value is not ASK_THE_JUDGE for value in found) > len(found) / 4


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (read_event, any_lines.GOOD),
        (read_event, spelt(view(), page=r'"\u00e9é"', userId='""', status="307")),
        (read_event, spelt(play(), location=r'"a\"\u00e9\ud83d\ude00 é😀"', userId="15", x="null")),
        (read_song, any_lines.SONG),
        (read_song, spelt(song(), title=r'"a\\\/\u00e9é😀"', year="1999")),
    ],
)
def test_damage_in_every_place(read: Callable[[bytes], Any], line: bytes) -> None:
    assert read(line) is not ASK_THE_JUDGE
    for at in range(len(line)):
        read(line[:at])
        read(line[at:])
        read(line[:at] + line[at : at + 1] + line[at:])
        for odd in ODD_BYTES:
            read(line[:at] + odd + line[at + 1 :])
            read(line[:at] + odd + line[at:])


def test_every_byte_in_every_place() -> None:
    for line in (b"", b'{"page":"Home"}', b' {"page" : "Home" , "a" : -1.5e+7 } '):
        for at in range(len(line) + 1):
            for byte in range(256):
                read_event(line[:at] + bytes([byte]) + line[at:])
                read_event(line[:at] + bytes([byte]) + line[at + 1 :])


@examples(200, thorough=2000)
@given(token=any_lines.numbers)
def test_numbers(token: str) -> None:
    read_event(any_lines.GOOD.replace(b"269.58322", token.encode()))
    read_event(any_lines.GOOD.replace(b"818", token.encode()))
    read_song(any_lines.SONG.replace(b"49.80388", token.encode()))


@examples(200, thorough=2000)
@given(
    digits=st.integers(0, 2**53 + 2) | st.integers(2**53 - 3, 2**53 + 3),
    decimals=st.integers(0, 24),
    sign=st.sampled_from(["", "-"]),
)
@example(digits=0, decimals=1, sign="-")
@example(digits=2**53, decimals=22, sign="")
def test_a_short_decimal_needs_no_judge(digits: int, decimals: int, sign: str) -> None:
    text = f"{digits:0{decimals + 1}}"
    token = sign + (f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text)
    found = read_song(any_lines.SONG.replace(b"49.80388", token.encode()))
    if digits <= 2**53 and decimals <= 22:
        assert struct.pack(">d", found[5]) == struct.pack(">d", float(token) + 0.0)


@examples(100, thorough=1000)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), ascii_only=st.booleans())
def test_any_text(text: str, ascii_only: bool) -> None:  # noqa: FBT001
    line = json.dumps(play(artist=text, location=text), ensure_ascii=ascii_only).encode()
    found = read_event(line)
    if "\0" in text:
        assert found is ASK_THE_JUDGE
    else:
        assert (found[5], found[8]) == (text, text or None)


def test_every_character() -> None:
    for start in range(0, 0x110000, 0x800):
        if start not in range(0xD800, 0xE000):
            text = "".join(map(chr, range(start or 1, start + 0x800)))
            for ascii_only in (True, False):
                line = json.dumps(song(title=text), ensure_ascii=ascii_only).encode()
                assert read_song(line)[1] == text


def test_every_pair_around_the_ends_of_surrogates() -> None:
    ends = [0x0000, 0x0001, 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFFFF]
    for first, second in itertools.product(ends, repeat=2):
        for form in ("{:04x}", "{:04X}"):
            read_song(spelt(song(), title=f'"\\u{form.format(first)}"'))
            read_song(spelt(song(), title=f'"\\u{form.format(first)}\\u{form.format(second)}"'))


def test_every_short_sequence_of_bytes() -> None:
    """UTF-8: all of one and two bytes, and those around the ends of what is valid of three and four."""
    sequences = list(map(bytes, itertools.product(range(256), repeat=2)))
    ends = b"\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xff"
    sequences += map(bytes, itertools.product(range(0xE0, 0xF8), ends, ends))
    sequences += map(bytes, itertools.product(range(0xF0, 0xF8), ends, ends, ends))
    before, after = any_lines.SONG.split(b"Setanta")
    for sequence in sequences:
        if b"\n" not in sequence:
            read_song(before + sequence + after)


# --- that it seldom asks ------------------------------------------------------------------------------------


def test_simulated_files_need_no_judge(tmp_path: Path) -> None:
    simulate(tmp_path, users=60, songs=100, days=5, workers=1)
    for kind, read in (("log", read_event), ("song", read_song)):
        lines = [
            line
            for path in (tmp_path / f"{kind}_data").rglob("*.json")
            for line in path.read_bytes().splitlines()
        ]
        assert len(lines) >= 100
        assert all(read(line) is not ASK_THE_JUDGE for line in lines)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), ("\t,\r", " :  ")])
def test_usual_log_lines_need_no_judge(separators: tuple[str, str]) -> None:
    events = [
        play(song='Caf\u00e9 \U0001f600 "\\/', length=100),
        play(firstName=None, location=None, userId=15),
        play(userId="00015", sessionId=-1),
        play(artist="", level="", firstName="", location="", userAgent=""),
        view(),
        view(userId="", level=None, auth="Logged Out", firstName=None, status=307),
        view(userId=None, method=1, level=False, status="200"),
        view(status=2**31, sessionId=None),
        view(ts=-1),
        {"page": "Home"},
        dict(reversed(play().items())),
        {key: value for key, value in play().items() if key != "registration"},
        play() | {"city": "Rome", "new": True, "": None},
    ]
    for ascii_only in (True, False):
        for event in events:
            line = json.dumps(event, ensure_ascii=ascii_only, separators=separators).encode()
            for spelling in (line, line.replace(b"/", b"\\/") + b"\r", b"\xef\xbb\xbf " + line + b"  "):
                assert read_event(spelling) is not ASK_THE_JUDGE


def test_usual_song_records_need_no_judge() -> None:
    for record in (
        song(artist_latitude=None, artist_longitude=None, artist_location=""),
        song(year=2009, artist_longitude=-0.0, duration=100),
        song(year=None, title='Caf\u00e9 "\\'),
        song(title="", artist_name=""),
        dict(sorted(song().items())),
    ):
        assert read_song(json.dumps(record).encode() + b"\r") is not ASK_THE_JUDGE


def test_the_longest_ids() -> None:
    for name, text, asks in itertools.product(("song_id", "artist_id"), ("a", "é"), (False, True)):
        longest = text * (1000 // len(text.encode())) + "a" * asks
        assert (read_song(json.dumps(song(**{name: longest})).encode()) is ASK_THE_JUDGE) == asks


def test_blank_lines_need_no_judge() -> None:
    """A file of line feeds has millions of lines."""
    for line in (b"", b"\r", b" \t\x0b\x0c", b" \r\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"):
        assert read_event(line) == read_song(line) == "blank"
    for line in (b",", b"\xc2\xa0", b"\x1f", b"\x00", "\u2028".encode(), b"x", b"\xef\xbb\xbf" * 2):
        assert read_event(line) is read_song(line) is ASK_THE_JUDGE


def test_the_ends_of_the_range() -> None:
    first, end = TS_RANGE
    found = [read_event(json.dumps(play(ts)).encode()) for ts in (first - 1, first, end - 1, end)]
    assert [value is ASK_THE_JUDGE for value in found] == [True, False, False, True]
    assert read_event(any_lines.GOOD, (0, 1)) is ASK_THE_JUDGE


def test_odd_keys() -> None:
    """The judge sees to a key that occurs twice, and to a line with many keys that are not known."""
    for keys, asks in (
        (["a", "b"], False),
        (["a", "b", "a"], True),
        (["ts"], True),
        ([r"\u0061", "b"], False),
        ([r"\u0061", "a"], True),
        ([r"t\u0073"], True),
    ):
        line = any_lines.GOOD[:-1] + "".join(f', "{key}": 1' for key in keys).encode() + b"}"
        assert (read_event(line) is ASK_THE_JUDGE) == asks
    assert read_event(any_lines.GOOD.replace(b"song", rb"s\u006Fng")) is not ASK_THE_JUDGE
    for count, asks in ((30, False), (500, True)):
        line = any_lines.GOOD[:-1] + "".join(f', "k{at}": {at}' for at in range(count)).encode() + b"}"
        assert (read_event(line) is ASK_THE_JUDGE) == asks
    assert read_event(any_lines.GOOD[:-1] + b', "' + b"k" * (1 << 20) + b'": 1}') is not ASK_THE_JUDGE
