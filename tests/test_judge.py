"""The judge, line by line: the verdict, and for a reject its reason and message, in the documented order."""

import json
import sys
import threading
from typing import Any

import pytest

from sparkify.extract.rejects import Reject
from sparkify.extract.strict_json import MAX_DEPTH
from sparkify.transform.judge import (
    BARE_PAGE,
    BLANK,
    MAX_ID_BYTES,
    CatalogueRecord,
    PageView,
    Play,
    judge_event,
    judge_song,
)
from tests.support.data import NOVEMBER, play, song, view

TS_RANGE = (946_684_800_000, 4_102_444_800_000)  # the years 2000 to 2099

ORDER = (
    "page", "userId", "sessionId", "itemInSession", "ts", "level", "song", "artist", "length",
    "firstName", "lastName", "gender", "location", "userAgent",
)  # fmt: skip
"""The order in which the judge looks at fields."""


def event(**raw: str | None) -> bytes:
    """A valid line with some values replaced by JSON text; None leaves the key out."""
    return event_of(play(), **raw)


def event_of(record: dict[str, Any], **raw: str | None) -> bytes:
    """The same of any record."""
    fields = {name: json.dumps(value) for name, value in record.items()} | raw
    return (
        "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items() if text is not None) + "}"
    ).encode()


def reject(line: bytes) -> tuple[str, str]:
    verdict = judge_event(line, TS_RANGE)
    assert isinstance(verdict, Reject), verdict
    return verdict.reason, verdict.detail


def test_a_play() -> None:
    assert judge_event(event(), TS_RANGE) == Play(
        user_id=15, session_id=818, item_in_session=0, ts=NOVEMBER, level="paid", song="Setanta matins",
        artist="Elena",
        length=269.58322, first_name="Lily", last_name="Koch", gender="F", location="Chicago, IL",
        user_agent='"Mozilla/5.0"',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"x": "\xff"', ("invalid_utf8", "byte 8 is not UTF-8")),
        (b'{"page": "NextSong"', ("invalid_json", "character 20: Expecting ',' delimiter")),
        (b'{"x": NaN}', ("invalid_json", "NaN is not a JSON number")),
        (b'{"x": [-Infinity]}', ("invalid_json", "-Infinity is not a JSON number")),
        (b'{"x": 1} {}', ("invalid_json", "character 10: Extra data")),
        (b'{"x": 1, "x": 2', ("invalid_json", "character 16: Expecting ',' delimiter")),
        (b'[{"x": 1, "x": 2}, NaN]', ("invalid_json", "NaN is not a JSON number")),
        (b"[" * 101, ("invalid_json", "nested more than 100 deep")),
        (b'["\\u0000", {"x": 1, "\\u0078": 2}]', ("duplicate_key", 'the key "x" occurs twice')),
        (
            b'["\\ud800", "\\u0000", "\\ud800"]',
            ("nul_character", "PostgreSQL cannot hold the character \\u0000"),
        ),
        (b'["\\ud800"]', ("lone_surrogate", "half of a surrogate pair is not a character")),
        (b"[]", ("not_an_object", "a record is a JSON object, this is an array")),
        (b'"page"', ("not_an_object", "a record is a JSON object, this is a string")),
        (b"null", ("not_an_object", "a record is a JSON object, this is null")),
        (b"true", ("not_an_object", "a record is a JSON object, this is a boolean")),
        (b"1.5", ("not_an_object", "a record is a JSON object, this is a number")),
        (b"{}", ("missing_field", "page is missing")),
        (event(page="null"), ("missing_field", "page is null")),
        (event(page="7"), ("wrong_type", "page is a number where text belongs")),
        (event(userId='""'), ("empty_field", "userId is empty")),
        (event(userId='"1e1"'), ("wrong_type", 'userId "1e1" is not a string of digits')),
        (event(userId='"１５"'), ("wrong_type", 'userId "\\uff11\\uff15" is not a string of digits')),
        (event(userId="[]"), ("wrong_type", "userId is an array where a number belongs")),
        (event(userId='"' + "9" * 20 + '"'), ("out_of_range", f'userId "{"9" * 20}" does not fit 64 bits')),
        (
            event(userId='"9223372036854775808"'),
            ("out_of_range", "userId 9223372036854775808 is not between 0 and 9223372036854775807"),
        ),
        (event(sessionId='"818"'), ("wrong_type", "sessionId is a string where a number belongs")),
        (event(sessionId="1.9"), ("wrong_type", "sessionId 1.9 is not an integer")),
        (event(sessionId="1e-400"), ("wrong_type", "sessionId 1E-400 is not an integer")),
        (event(sessionId="4e-" + "9" * 19), ("wrong_type", f"sessionId 4E-{'9' * 18} is not an integer")),
        (event(sessionId="4e" + "9" * 19), ("out_of_range", "sessionId inf does not fit 64 bits")),
        (event(sessionId="1" * 99), ("out_of_range", f"sessionId {'1' * 57}... does not fit 64 bits")),
        (event(sessionId="1e999999999"), ("out_of_range", "sessionId 1E+999999999 does not fit 64 bits")),
        (event(itemInSession="true"), ("wrong_type", "itemInSession is a boolean where a number belongs")),
        (
            event(ts="946684799999"),
            ("out_of_range", "ts 946684799999 is not between 946684800000 and 4102444799999"),
        ),
        (event(ts=f"{NOVEMBER}.0000001"), ("wrong_type", f"ts {NOVEMBER}.0000001 is not an integer")),
        (event(song='""'), ("empty_field", "song is empty")),
        (event(artist="{}"), ("wrong_type", "artist is an object where text belongs")),
        (event(length="0.0"), ("out_of_range", "length is 0.0: a length is above 0")),
        (event(length="1e400"), ("out_of_range", "length is beyond what a double can hold")),
        (event(firstName="7"), ("wrong_type", "firstName is a number where text belongs")),
    ],
)
def test_reasons(line: bytes, why: tuple[str, str]) -> None:
    assert reject(line) == why


@pytest.mark.parametrize("at", range(len(ORDER) - 1))
def test_the_first_field_in_order_is_the_reason(at: int) -> None:
    """All fields from this one on are bad, and the line has them in the opposite order."""
    bad = dict.fromkeys(ORDER[at:], "[]")
    good = {name: json.dumps(value) for name, value in play().items() if name not in bad}
    fields = dict(reversed(bad.items())) | good
    line = "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"
    reason, detail = reject(line.encode())
    assert (reason, detail.split()[0]) == ("wrong_type", ORDER[at])


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize("text", [None, "null"])
def test_what_may_be_missing(name: str, text: str | None) -> None:
    line = event(**{name: text})
    if name in ORDER[:9]:
        assert reject(line) == ("missing_field", f"{name} is {text or 'missing'}")
    else:
        assert isinstance(judge_event(line, TS_RANGE), Play)


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        ({"userId": "15"}, "user_id", 15),
        ({"userId": "-15"}, "user_id", -15),
        ({"userId": '"' + "0" * 9999 + '15"'}, "user_id", 15),
        ({"userId": '"' + "0" * 9999 + '"'}, "user_id", 0),
        ({"userId": '"9223372036854775807"'}, "user_id", 2**63 - 1),
        ({"sessionId": "818.0"}, "session_id", 818),
        ({"sessionId": "8.18E+2"}, "session_id", 818),
        ({"sessionId": "1." + "0" * 99_999}, "session_id", 1),
        ({"sessionId": "-0"}, "session_id", 0),
        ({"sessionId": "-0.0e" + "9" * 19}, "session_id", 0),
        ({"sessionId": "-9223372036854775808"}, "session_id", -(2**63)),
        # As doubles these would become 9007199254740992 and another millisecond.
        ({"sessionId": "9007199254740993"}, "session_id", 9007199254740993),
        ({"ts": "1541030400000.000"}, "ts", NOVEMBER),
        ({"ts": "946684800000"}, "ts", TS_RANGE[0]),
        ({"ts": "4102444799999"}, "ts", TS_RANGE[1] - 1),
        ({"length": "5e-324"}, "length", 5e-324),
        ({"length": "9007199254740993"}, "length", 9007199254740992.0),
        ({"length": "0.1000000000000000055511151231257827021181583404541015625"}, "length", 0.1),
        ({"location": '""'}, "location", None),
        ({"userAgent": '""'}, "user_agent", ""),
        ({"song": '" \\ud83d\\ude00 "'}, "song", " \U0001f600 "),
        ({"artist": '""'}, "artist", ""),
    ],
)
def test_values(raw: dict[str, str], field: str, value: Any) -> None:
    verdict = judge_event(event(**raw), TS_RANGE)
    assert isinstance(verdict, Play), verdict
    assert getattr(verdict, field) == value
    assert type(getattr(verdict, field)) is type(value)


@pytest.mark.parametrize("line", [b"", b"\r", b" \t\x0b\x0c\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"])
def test_blank(line: bytes) -> None:
    assert judge_event(line, TS_RANGE) == judge_song(line) == BLANK


@pytest.mark.parametrize(
    "line",
    [
        b'{"page": ""}',
        b'{"page": "nextsong"}',
        b'\xef\xbb\xbf{"page": "Home", "ts": [], "song": 7, "userId": {}}\r',
    ],
)
def test_bare_page(line: bytes) -> None:
    assert judge_event(line, TS_RANGE) == BARE_PAGE


def test_a_page_view() -> None:
    assert judge_event(json.dumps(view()).encode(), TS_RANGE) == PageView(
        session_id=818, item_in_session=0, ts=NOVEMBER, user_id=15, level="paid", page="Home",
        auth="Logged In", method="GET", status=200,
    )  # fmt: skip


ODD = {
    "userId": ("user_id", ['""', "null", '"Lily"', "1.5", "[]", '"9223372036854775808"', "1e30", "true"]),
    "level": ("level", ["null", "1", "{}", "false"]),
    "auth": ("auth", ["null", "0", '["In"]']),
    "method": ("method", ["null", "1e400", "true"]),
    "status": ("status", ["null", '"200"', "200.5", "2147483648", "-2147483649", "1e400", "[200]"]),
}
USUAL = {
    "userId": ("user_id", {"-7": -7, '"007"': 7, "7.0": 7}),
    "level": ("level", {'""': "", '"x"': "x"}),
    "page": ("page", {'""': "", '"NextSong "': "NextSong "}),
    "status": ("status", {"-2147483648": -(2**31), "2.0e2": 200, "2147483647": 2**31 - 1}),
}


def test_optional_fields_of_a_page_view() -> None:
    usual = judge_event(json.dumps(view()).encode(), TS_RANGE)
    assert isinstance(usual, PageView)
    for key, (name, texts) in ODD.items():
        for text in (None, *texts):
            assert judge_event(event_of(view(), **{key: text}), TS_RANGE) == usual._replace(**{name: None})
    for key, (name, values) in USUAL.items():
        for text, value in values.items():
            assert judge_event(event_of(view(), **{key: text}), TS_RANGE) == usual._replace(**{name: value})


@pytest.mark.parametrize("key", ["sessionId", "itemInSession", "ts"])
def test_a_page_without_identity_is_bare(key: str) -> None:
    texts = (None, "null", '"1541030400000"', "1541030400000.5", "1e400", "[]", "99999999999999999999")
    for text in texts:
        assert judge_event(event_of(view(), **{key: text}), TS_RANGE) == BARE_PAGE
    for ts in (TS_RANGE[0] - 1, TS_RANGE[1]):
        assert judge_event(json.dumps(view(ts)).encode(), TS_RANGE) == BARE_PAGE


@pytest.mark.parametrize(
    ("rest", "deep"),
    [
        ("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), False),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, True),
        ('{"y": ' * MAX_DEPTH + "1" + "}" * MAX_DEPTH, True),
        ("[" + "[], {}, " * 999 + "[]]", False),
        ('"' + "[{" * 999 + '\\""', False),
        ('"\\\\", "z": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH, True),
    ],
)
def test_nesting(rest: str, deep: bool) -> None:  # noqa: FBT001
    verdict = judge_event(event()[:-1] + f', "x": {rest}}}'.encode(), TS_RANGE)
    assert (
        verdict == Reject("invalid_json", "nested more than 100 deep") if deep else isinstance(verdict, Play)
    )


def test_how_deep_the_caller_is_does_not_matter() -> None:
    """Python's recursion limit counts the nesting of JSON and of calls together."""
    lines = [
        event()[:-1] + f', "x": {"[" * depth}{"]" * depth}}}'.encode()
        for depth in (99, 100, 500, 940, 960, 980, 2000)
    ]

    def below(calls: int) -> list[Play | Reject | str]:
        return below(calls - 1) if calls else [judge_event(line, TS_RANGE) for line in lines]

    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(below(0)))
    thread.start()
    thread.join()
    assert verdicts == [below(sys.getrecursionlimit() // 2)]
    assert [isinstance(verdict, Play) for verdict in verdicts[0]] == [True] + [False] * 6


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line",
    [
        b'"' + b'\\"' * 2_000_000,
        b'{"x": ' + b"1" * 2_000_000 + b"}",
        b'{"page": "NextSong", "userId": "15", "sessionId": ' + b"1" * 2_000_000 + b"}",
        b'{"page": "NextSong", "userId": "' + b"0" * 2_000_000 + b'"}',
        b"[" * 200 + b'\\"' * 1_000_000,
        b'["' * 700_000,
        b"[" + b"[]," * 500_000 + b"[]]",
        b"\\u0000" * 400_000,
    ],
    ids=lambda line: line[:12].decode(),
)
def test_no_line_takes_long(line: bytes) -> None:
    """An algorithm of quadratic time would take hours here."""
    assert isinstance(judge_event(line, TS_RANGE), Reject)


# --- song files ---------------------------------------------------------------------------------------------


def record(**fields: Any) -> bytes:
    return json.dumps(song(**fields)).encode()


def test_a_song() -> None:
    assert judge_song(record()) == CatalogueRecord(
        song_id="SOZCTXZ12AB0182364", title="Setanta matins", artist_id="AR5KOSW1187FB35FF4",
        artist_name="Elena",
        artist_location="Dubai UAE", artist_latitude=49.80388, artist_longitude=15.47491, year=None,
        duration=269.58322,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"song_id": ""}, ("empty_field", "song_id is empty")),
        ({"song_id": 7}, ("wrong_type", "song_id is a number where text belongs")),
        ({"song_id": "é" * 501}, ("out_of_range", "song_id is longer than 1,000 bytes")),
        ({"artist_id": "x" * (MAX_ID_BYTES + 1)}, ("out_of_range", "artist_id is longer than 1,000 bytes")),
        ({"title": None}, ("missing_field", "title is null")),
        ({"duration": 0}, ("out_of_range", "duration is 0.0: a length is above 0")),
        ({"duration": "269.5"}, ("wrong_type", "duration is a string where a number belongs")),
        ({"year": 10000}, ("out_of_range", "year 10000 is not between 0 and 9999")),
        ({"year": 2004.5}, ("wrong_type", "year 2004.5 is not an integer")),
        ({"artist_latitude": "49"}, ("wrong_type", "artist_latitude is a string where a number belongs")),
        # The first field in the order of the columns gives the reason.
        (
            {"duration": 0, "artist_name": -7, "year": "x"},
            ("wrong_type", "artist_name is a number where text belongs"),
        ),
    ],
)
def test_reasons_of_songs(fields: dict[str, Any], why: tuple[str, str]) -> None:
    verdict = judge_song(record(**fields))
    assert isinstance(verdict, Reject)
    assert (verdict.reason, verdict.detail) == why


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"year": 0}, "year", None),
        ({"year": 2004.0}, "year", 2004),
        ({"year": None}, "year", None),
        ({"artist_location": ""}, "artist_location", None),
        ({"artist_latitude": None}, "artist_latitude", None),
        ({"artist_latitude": 0}, "artist_latitude", 0.0),
        ({"song_id": "x" * MAX_ID_BYTES}, "song_id", "x" * MAX_ID_BYTES),
        ({"title": ""}, "title", ""),
    ],
)
def test_values_of_songs(fields: dict[str, Any], name: str, value: Any) -> None:
    verdict = judge_song(record(**fields))
    assert isinstance(verdict, CatalogueRecord), verdict
    assert getattr(verdict, name) == value


@pytest.mark.parametrize("name", ["title", "artist_name"])
@pytest.mark.parametrize(
    ("token", "text"),
    [("311", "311"), ("0", "0"), ("9" * 5000, "9" * 5000), ("-1", None), ("-0", None), ("1999.0", None),
    ("1e3", None),
     ("3.11e2", None), ("1E400", None), ("true", None), ("[1]", None)],
)  # fmt: skip
def test_a_title_that_is_a_number(name: str, token: str, text: str | None) -> None:
    """The digits are taken as they are written.

    A number that may have been written in another way is rejected.
    """
    verdict = judge_song(record(**{name: "@"}).replace(b'"@"', token.encode()))
    if text is None:
        assert isinstance(verdict, Reject)
        assert verdict.reason == "wrong_type"
    else:
        assert isinstance(verdict, CatalogueRecord)
        assert getattr(verdict, name) == text


@pytest.mark.parametrize("name", ["song", "artist", "level", "location"])
def test_text_of_a_log_line_is_no_number(name: str) -> None:
    assert reject(event(**{name: "311"})) == ("wrong_type", f"{name} is a number where text belongs")
