"""The fast path gives the judge's verdicts and values, whatever the lines and the lines beside them."""

import itertools
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify.database.connection import connect
from sparkify.extract.rejects import Reject
from sparkify.transform import shape
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import Play, judge_event
from sparkify.transform.plays import PlayTransform
from tests.support.data import play, song
from tests.support.differential import TS_RANGE, ask, check, check_songs, heard_song_id, songplay_id
from tests.support.examples import examples

CORPUS = [
    line
    for path in sorted((Path(__file__).parent / "corpus" / "log_data").glob("*.json"))
    for line in path.read_bytes().split(b"\n")
    if len(line) < 3000
]
GOOD = json.dumps(play()).encode()


@pytest.fixture(scope="module")
def transform() -> Iterator[PlayTransform]:
    transform = PlayTransform(TS_RANGE)
    yield transform
    transform.close()


def fast(transform: PlayTransform) -> int:
    """How many lines of the last chunk the judge did not see."""
    return len(ask(transform, "SELECT line FROM parsed WHERE verdict NOT IN ('ask the judge', 'judged')"))


# --- lines that are nearly valid ----------------------------------------------------------------------------

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


any_line = (lines() | damaged() | st.sampled_from(CORPUS) | st.just(GOOD)).map(
    lambda line: line.replace(b"\n", b"")
)


@examples(25, thorough=60)
@given(files=st.lists(st.lists(any_line, max_size=8), min_size=1, max_size=3))
@example(files=[[], [b""], []])
@example(files=[CORPUS])
@example(files=[CORPUS[::-1], CORPUS])
def test_the_fast_path_is_the_judge(transform: PlayTransform, files: list[list[bytes]]) -> None:
    check(transform, *files)


@examples(15, thorough=30)
@given(changed=st.lists(st.tuples(st.sampled_from(sorted(play())), values), min_size=1, max_size=20))
def test_one_value_is_changed(transform: PlayTransform, changed: list[tuple[str, str]]) -> None:
    """Many lines of the usual shape, each with one unusual value: the likeliest way past the judge."""
    base = {name: json.dumps(value) for name, value in play().items()}
    texts = [
        "{"
        + ", ".join(
            f'"{key}": {value}' for key, value in (base | {"itemInSession": str(at), name: text}).items()
        )
        + "}"
        for at, (name, text) in enumerate(changed)
    ]
    check(transform, [GOOD, *(text.encode("utf-8", "surrogatepass").replace(b"\n", b"") for text in texts)])


def test_every_spelling_of_every_field(transform: PlayTransform) -> None:
    """Each value is in one line, between usual ones."""
    base = {name: json.dumps(value) for name, value in play().items()}
    tokens = [*NUMBERS, *OTHERS, *(f'"a{piece}b"' for piece in PIECES)]
    changed = [
        base | {"itemInSession": str(at), name: token}
        for at, (name, token) in enumerate(itertools.product(base, tokens))
    ]
    lines = [
        "{" + ", ".join(f'"{key}": {value}' for key, value in members.items()) + "}" for members in changed
    ]
    check(transform, [GOOD, *(line.encode() for line in lines), GOOD])
    assert fast(transform) > len(lines) / 3


@examples(100, thorough=250)
@given(token=numbers)
def test_length_is_the_double_of_the_token(token: str) -> None:
    verdict = judge_event(GOOD.replace(b"269.58322", token.encode()), TS_RANGE)
    try:
        value = json.loads(token, parse_constant=lambda _: None)
    except json.JSONDecodeError:
        value = None
    if value is not None and 0 < float(token) < float("inf"):
        assert isinstance(verdict, Play)
        assert struct.pack(">d", verdict.length) == struct.pack(">d", float(token))
    else:
        assert isinstance(verdict, Reject)


# --- that the fast path is one ------------------------------------------------------------------------------


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_usual_lines_need_no_judge(transform: PlayTransform, separators: tuple[str, str]) -> None:
    events = [
        play(itemInSession=1, song='Caf\u00e9 \U0001f600 "\\/', length=100),
        play(itemInSession=2, firstName=None, location=None, userId=15),
        play(itemInSession=3, page="Home", song=None, artist=None, length=None),
        play(itemInSession=4, page="Login", userId=""),
        dict(reversed(play(itemInSession=5).items())),
        {key: value for key, value in play(itemInSession=6).items() if key != "registration"},
    ]
    texts = [json.dumps(event, ensure_ascii=False, separators=separators).encode() for event in events]
    texts += [texts[0].replace(b"/", b"\\/") + b"\r"]
    check(transform, texts)
    assert fast(transform) == len(texts)


@pytest.mark.parametrize(
    "name", ["level", "location", "userAgent", "song", "artist", "firstName", "lastName", "gender"]
)
def test_the_winner_of_one_identity(transform: PlayTransform, name: str) -> None:
    """The order does not matter, whichever field they differ in."""
    told = [
        json.dumps(play(**{name: text}), ensure_ascii=False).encode()
        for text in ("é", "z", "Z", "zz", "\U0001f600")
    ]
    # A missing value sorts before every other, so these also meet without it.
    missing = [] if name in {"level", "song", "artist"} else [json.dumps(play(**{name: None})).encode()]
    for turn in range(len(told)):
        check(transform, told[turn:], told[:turn])
        check(transform, told[turn:] + missing + told[:turn])


def test_a_last_block_that_is_shorter_than_a_key(transform: PlayTransform) -> None:
    check(transform, [b'{"page": "Home"}'] * shape.BLOCK_LINES + [b" :"])


def test_blank_lines_need_no_judge(transform: PlayTransform) -> None:
    """A file of line feeds has millions of lines."""
    check(
        transform, [b"", b"\r", b" \t\x0b\x0c", b" \r\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"], [b""] * 1000
    )
    assert fast(transform) == 1004
    check(transform, [b",", b"\xc2\xa0", b"\x1f", b"\x00", "\u2028".encode(), b"x"])


def test_the_ends_of_the_range(transform: PlayTransform) -> None:
    first, end = TS_RANGE
    check(transform, [json.dumps(play(ts)).encode() for ts in (first - 1, first, end - 1, end)])
    assert fast(transform) == 2


def test_odd_keys(transform: PlayTransform) -> None:
    """There are more and longer keys than an expression can hold."""
    check(transform, [GOOD[:-1] + b', "' + b"k" * (1 << 20) + b'": 1}'] * 3)
    check(transform, [GOOD[:-1] + "".join(f', "k{at}": {at}' for at in range(500)).encode() + b"}"] * 3)
    check(transform, [GOOD[:-1] + f', "{"k" * 100}{at}": 1'.encode() + b"}" for at in range(99)])
    wide = [{f"{at * shift % 83:0100}": 1.5 for at in range(82)} for shift in (1, 2, 3, 5)]
    check(transform, [json.dumps(event | play()).encode() for event in wide])
    assert fast(transform) == 4


# --- digests ------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
lengths = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_subnormal=True)
heard_songs = st.lists(st.tuples(texts, texts, lengths), min_size=1, max_size=30)


@examples(8, thorough=20)
@given(heard=heard_songs)
def test_digests_of_songs(
    transform: PlayTransform, module_dsn: str, heard: list[tuple[str, str, float]]
) -> None:
    """DuckDB, PostgreSQL and Python compute the same digests."""
    heard = [(title or "x", artist, length) for title, artist, length in heard]
    check(
        transform,
        [
            json.dumps(
                play(itemInSession=at, song=title, artist=artist, length=length), ensure_ascii=False
            ).encode()
            for at, (title, artist, length) in enumerate(heard)
        ],
    )
    expected = [heard_song_id(*song) for song in heard]
    assert set(transform.unknown_songs()["heard_song_id"].to_pylist()) == set(expected)
    with connect(module_dsn) as connection:
        rows = connection.execute(
            "SELECT uuid_send(etl.heard_song_id(title, artist, length))"
            " FROM unnest(%s::text[], %s::text[], %s::float8[]) AS heard (title, artist, length)",
            [list(column) for column in zip(*heard, strict=True)],
            binary=True,
        ).fetchall()
    assert [row[0] for row in rows] == expected


int64 = st.integers(-(2**63), 2**63 - 1)


@examples(8, thorough=20)
@given(
    identities=st.lists(
        st.tuples(int64, int64, int64, st.integers(TS_RANGE[0], TS_RANGE[1] - 1)), max_size=20
    )
)
def test_digests_of_plays(transform: PlayTransform, identities: list[tuple[int, int, int, int]]) -> None:
    check(
        transform,
        [
            json.dumps(play(ts, userId=user, sessionId=session, itemInSession=item)).encode()
            for user, session, item, ts in identities
        ],
    )


def test_a_digest_that_is_known() -> None:
    """Digests must never change: they are keys in existing warehouses."""
    verdict = judge_event(GOOD, TS_RANGE)
    assert isinstance(verdict, Play)
    assert songplay_id(verdict) == 8235228159878171588
    assert (
        heard_song_id(verdict.song, verdict.artist, verdict.length).hex()
        == "a9733e88e4dd7552109dc7386a2a3eaa"
    )


# --- song files ---------------------------------------------------------------------------------------------

SONG = json.dumps(song()).encode()
SONG_CORPUS = [
    line
    for path in sorted((Path(__file__).parent / "corpus" / "song_data").glob("*.json"))
    for line in path.read_bytes().split(b"\n")
    if len(line) < 3000
]
any_song = (
    lines(lambda at: song(f"SO{at}", title="a" * at, year=at)) | st.sampled_from(SONG_CORPUS) | st.just(SONG)
).map(lambda line: line.replace(b"\n", b""))


@pytest.fixture(scope="module")
def songs() -> Iterator[CatalogueTransform]:
    songs = CatalogueTransform()
    yield songs
    songs.close()


@examples(25, thorough=60)
@given(files=st.lists(st.lists(any_song, max_size=8), min_size=1, max_size=3))
@example(files=[SONG_CORPUS])
def test_the_fast_path_is_the_judge_of_songs(songs: CatalogueTransform, files: list[list[bytes]]) -> None:
    check_songs(songs, *files)


def test_every_spelling_of_every_field_of_a_song(songs: CatalogueTransform) -> None:
    base = {name: json.dumps(value) for name, value in song().items()}
    tokens = [
        *NUMBERS,
        *OTHERS,
        *(f'"a{piece}b"' for piece in PIECES),
        '"' + "a" * 1001 + '"',
        "10000",
        "9999",
    ]
    lines = [
        "{" + ", ".join(f'"{key}": {value}' for key, value in (base | {name: token}).items()) + "}"
        for name, token in itertools.product(base, tokens)
    ]
    assert check_songs(songs, [SONG, *(line.encode() for line in lines), SONG]) > len(lines) / 3


def test_usual_songs_need_no_judge(songs: CatalogueTransform) -> None:
    texts = [
        json.dumps(song(artist_latitude=None, artist_longitude=None, artist_location="")).encode(),
        json.dumps(song(year=2009, artist_longitude=-0.0, duration=100)).encode(),
        json.dumps(song(title='Caf\u00e9 "\\')).encode() + b"\r",
    ]
    assert check_songs(songs, texts) == len(texts)
