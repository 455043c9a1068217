"""The fast path gives the judge's verdicts and values, whatever the lines and the lines beside them."""

import itertools
import json
import struct
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify.database.connection import connect
from sparkify.extract.rejects import Reject
from sparkify.transform import shape
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import Play, judge_event
from sparkify.transform.plays import PlayTransform
from tests.support.any_lines import (
    CORPUS,
    GOOD,
    NUMBERS,
    OTHERS,
    PIECES,
    SONG,
    SONG_CORPUS,
    any_line,
    any_song,
    numbers,
    values,
)
from tests.support.data import play, song
from tests.support.differential import TS_RANGE, ask, check, check_songs, heard_song_id, songplay_id
from tests.support.examples import examples


@pytest.fixture(scope="module")
def transform() -> Iterator[PlayTransform]:
    transform = PlayTransform(TS_RANGE)
    yield transform
    transform.close()


def fast(transform: PlayTransform) -> int:
    """How many lines of the last chunk the judge did not see."""
    return len(ask(transform, "SELECT line FROM parsed WHERE verdict NOT IN ('ask the judge', 'judged')"))


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
