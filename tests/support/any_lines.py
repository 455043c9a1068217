"""Hypothesis strategies for lines that are nearly valid, and the lines of the corpus."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.support.data import play, song, view


def _corpus(kind: str) -> list[bytes]:
    return [
        line
        for path in sorted((Path(__file__).parents[1] / "corpus" / f"{kind}_data").glob("*.json"))
        for line in path.read_bytes().split(b"\n")
        if len(line) < 3000
    ]


CORPUS = _corpus("log")
SONG_CORPUS = _corpus("song")
GOOD = json.dumps(play()).encode()
SONG = json.dumps(song()).encode()

PIECES = [
"a", "é", "\U0001f600", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", " ", "'", "{", "}]", ",", ":",
"NextSong", "15",
     r"\n", r"\/", r"\\", r"\"", r"\b", r"\u00e9", r"\u0001", r"\u001F", r"\u0010", r"\u0100", r"\u1000",
     r"\uD7ff",
     r"\uE000", r"\uffff", r"\ud83d\ude00", r"\u0022", r"\u005c",
     r"\u0000", r"\ud83d", r"\uDFFF", r"\u00g0", r"\x41", r"\u12", "\\", '"', "\t", "\x00", "\x1f", "\r",
]  # fmt: skip
pieces_of_text = st.sampled_from(PIECES)
usual_text = st.sampled_from(["a", "é", "\U0001f600", r"\n", r"\u00e9", r"\"", r"\\", "\x7f", "\u2028", " "])
strings = st.builds(
    lambda parts: '"' + "".join(parts) + '"', st.lists(pieces_of_text, max_size=4) | st.lists(usual_text)
)
NUMBERS = [
    "0", "-0", "0.0", "-0.0", "1e2", "1E+2", "0.1e1", "1e-99", "1e99", "1e100", "818.0", "1.9", "5e-324",
    "1e400",
    "01", "-", "+1", "1.", ".5", "1e", "0x1", "1_0", "NaN", "-Infinity", "123456789012345",
    "1234567890123456",
    "12345678901234567", "123456789012345678", "9223372036854775807", "9223372036854775808",
    "9007199254740993",
    "99999999999999999999", "12345678901234567890123", "-12345678901234567", "-9223372036854775809",
    "0.1000000000000000055511151231257827021181583404541015625", "269.58322000000000000000000001",
    "1541105830796", "1541105830796.0", "1.541105830796e12", "946684799999", "946684800000", "4102444800000",
]  # fmt: skip
OTHERS = [
    "true", "false", "null", "[]", "{}", '["x"]', '{"x": 1, "x": 2}', "nul", "", "[1,]", '"15"', '"00015"',
    '""', '" 15"',
    '"123456789012345678"', '"1234567890123456789"', '"12345678901234567890"', '"１５"', '"-15"', '"1e1"',
    '"1.0"',
    '"NextSong"', '"Home"',
]  # fmt: skip
numbers = (
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.floats().map(repr)
    | st.integers(-(2**65), 2**65).map(str)
    | st.sampled_from(NUMBERS)
)
others = st.sampled_from(OTHERS)
values = strings | numbers | others
keys = st.sampled_from(
    [
        *play(),
        "Page",
        "SONG",
        "x",
        "a key",
        "a-key",
        "",
        "é",
        r"pag\u0065",
        r"\u0000",
        r"\ud800",
        'x": 1, "y',
        "k" * 101,
    ]
)
spaces = st.sampled_from(["", " "] * 4 + ["  ", "\t", "\r", "\x0b", "\xa0"])

Member = tuple[str, str]


@st.composite
def lines(
    draw: st.DrawFn, record: Callable[[int], dict[str, Any]] = lambda at: play(itemInSession=at)
) -> bytes:
    """A valid line with up to three things changed."""
    members: list[Member] = [
        (key, json.dumps(value)) for key, value in record(draw(st.integers(0, 3))).items()
    ]
    if draw(st.booleans()):
        members = draw(st.permutations(members))
    after_comma, after_colon = draw(st.sampled_from([("", ""), (" ", " "), (" ", ""), ("", " ")]))
    before, after = "", ""
    for change in draw(st.lists(st.integers(0, 6), max_size=3)):
        at = draw(st.integers(0, len(members) - 1))
        match change:
            case 0 | 1:
                members[at] = (members[at][0], draw(values))
            case 2:
                members[at] = (members[at][0], draw(numbers))
            case 3:
                members.insert(at, (draw(keys), draw(values)))
            case 4:
                members[at:] = members[at + 1 :] or members[:1]
            case 5:
                members[at] = (members[at][0] + f'"{draw(spaces)}', members[at][1] + draw(spaces))
            case 6:
                before = draw(st.sampled_from(["\ufeff", " ", "\ufeff ", "x", "[", "\x0c"]))
                after = draw(st.sampled_from(["\r", " ", "\r\r", "x", "]", ",", "{}", "\x00", "\u2028"]))
    text = f",{after_comma}".join(
        f'"{key}:{after_colon}{value}' if '"' in key else f'"{key}":{after_colon}{value}'
        for key, value in members
    )
    return f"{before}{{{text}}}{after}".encode("utf-8", "surrogatepass").replace(b"\n", b"")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A line with one byte inserted, removed or replaced."""
    line = draw(lines() | st.just(GOOD))
    at = draw(st.integers(0, len(line)))
    stop = at + draw(st.integers(0, 1))
    return line[:at] + draw(st.binary(max_size=1)) + line[stop:]


any_line = (
    lines() | lines(lambda at: view(itemInSession=at)) | damaged() | st.sampled_from(CORPUS) | st.just(GOOD)
).map(lambda line: line.replace(b"\n", b""))
any_song = (
    lines(lambda at: song(f"SO{at}", title="a" * at, year=at)) | st.sampled_from(SONG_CORPUS) | st.just(SONG)
).map(lambda line: line.replace(b"\n", b""))
