"""The core makes of lines the rows that the judge and Python alone would make."""

import contextlib
import gc
import itertools
import json
import math
import os
import random
import struct
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_type_hints
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify.core._core import Catalogue, Plays, copy_columns, read_files
from sparkify.database.connection import connect
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import Reject
from sparkify.stage.tables import BATCH_TABLES, CHUNK_TABLES
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.forgotten import Forgotten, digest
from sparkify.transform.judge import CatalogueRecord, PageView, Play, judge_event, judge_song
from sparkify.transform.plays import PlayTransform
from tests.support import copied
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
from tests.support.data import NOVEMBER, play, song, view
from tests.support.differential import (
    FILE,
    TS_RANGE,
    check,
    check_songs,
    choose,
    heard_song_id,
    rows_of_batch,
    songplay_id,
    text_id,
    with_known_order,
)
from tests.support.examples import examples

DAY = 86_400_000


@pytest.fixture(scope="module")
def transform() -> PlayTransform:
    return PlayTransform(TS_RANGE)


@pytest.fixture
def core() -> Plays:
    return Plays(*TS_RANGE, os.urandom(16))


def slice_of(*events: dict[str, Any], first_line: int = 1) -> Slice:
    return Slice(FILE, first_line, b"".join(json.dumps(event).encode() + b"\n" for event in events))


def rows(transform: PlayTransform, table: str, month: date) -> list[tuple[Any, ...]]:
    return copied.rows(table, transform.rows(table, month))


# --- a chunk ------------------------------------------------------------------------------------------------


@examples(15, thorough=60)
@given(files=st.lists(st.lists(any_line, max_size=8), min_size=1, max_size=3))
@example(files=[[], [b""], []])
@example(files=[CORPUS])
@example(files=[CORPUS[::-1], CORPUS])
def test_the_rows_are_the_judges(transform: PlayTransform, files: list[list[bytes]]) -> None:
    check(transform, *files)


@examples(15, thorough=30)
@given(changed=st.lists(st.tuples(st.sampled_from(sorted(play())), values), min_size=1, max_size=20))
def test_one_value_is_changed(transform: PlayTransform, changed: list[tuple[str, str]]) -> None:
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


@examples(60, thorough=250)
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


def test_blank_lines(transform: PlayTransform) -> None:
    check(
        transform, [b"", b"\r", b" \t\x0b\x0c", b" \r\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"], [b""] * 1000
    )
    check(transform, [b",", b"\xc2\xa0", b"\x1f", b"\x00", "\u2028".encode(), b"x"])


def test_the_ends_of_the_range(transform: PlayTransform) -> None:
    first, end = TS_RANGE
    check(transform, [json.dumps(play(ts)).encode() for ts in (first - 1, first, end - 1, end)])


def test_odd_keys(transform: PlayTransform) -> None:
    check(transform, [GOOD[:-1] + b', "' + b"k" * (1 << 20) + b'": 1}'] * 3)
    check(transform, [GOOD[:-1] + "".join(f', "k{at}": {at}' for at in range(500)).encode() + b"}"] * 3)
    check(transform, [GOOD[:-1] + f', "{"k" * 100}{at}": 1'.encode() + b"}" for at in range(99)])


def test_all_days_of_three_centuries() -> None:
    """`time` has the calendar, also before 1970 and around leap days and new years."""
    transform = PlayTransform((-2_208_988_800_000, 7_258_118_400_000))  # 1900 to 2199
    days = range(-2_208_988_800_000, 7_258_118_400_000, DAY)
    before, after = (json.dumps(play(0)).encode() + b"\n").split(b'"ts": 0')
    lines = b"".join(b'%s"ts": %d%s' % (before, ts, after) for ts in days)
    done = transform.transform([Slice(FILE, 1, lines)], [1])
    transform.unknown_songs()
    transform.match([])
    assert len(done.months) == 300 * 12
    found = [row for month in done.months for row in rows(transform, "time", month)]
    assert len(found) == len(days)
    assert all(
        row[1:] == (0, at.day, at.isocalendar().week, at.month, at.year, at.weekday())
        for row in found
        for at in [row[0]]
    )


def test_a_reader_may_number_the_lines(transform: PlayTransform) -> None:
    piece = slice_of(play(), play(itemInSession=1), play(itemInSession=2))
    piece.numbers = array("q", [3, 70, 2**40])
    transform.begin_batch()
    transform.transform([piece], [1])
    transform.unknown_songs()
    transform.match([])
    assert [row[4] for row in rows(transform, "heard_plays", date(2018, 11, 1))] == [3, 70, 2**40]


def test_forgotten_people(transform: PlayTransform) -> None:
    transform.begin_batch(forget_songs=True)
    transform.forgotten = Forgotten(b"key", [digest(b"key", 1)])
    events = [play(itemInSession=at, userId=str(at % 2), song=f"of {at % 2}") for at in range(10)]
    done = transform.transform([slice_of(*events, *events)], [1])
    transform.forgotten = Forgotten()
    books = done.books[0]
    assert (books.lines, books.loaded, books.duplicates, books.forgotten) == (20, 5, 5, 10)
    assert len(copied.rows("wanted", transform.unknown_songs()[1])) == 1
    transform.match([])
    transform.finish_batch()
    assert [row[0] for row in rows(transform, "users", date(2018, 11, 1))] == [0]


def test_many_people_are_forgotten_at_once(transform: PlayTransform) -> None:
    user_ids = [*range(500), -1, -(2**63), 2**63 - 1]
    gone = [user_id for user_id in user_ids if user_id % 3]
    transform.begin_batch(forget_songs=True)
    transform.forgotten = Forgotten(b"key", [digest(b"key", user_id) for user_id in gone])
    events = [play(itemInSession=at, userId=user_id) for at, user_id in enumerate(user_ids)]
    books = transform.transform([slice_of(*events, *events[::-1])], [1]).books[0]
    transform.forgotten = Forgotten()
    kept = len(user_ids) - len(gone)
    assert (books.loaded, books.duplicates, books.forgotten) == (kept, kept, 2 * len(gone))
    transform.unknown_songs()
    transform.match([])
    assert {row[2] for row in rows(transform, "songplays", date(2018, 11, 1))} == set(user_ids) - set(gone)


# --- heard songs --------------------------------------------------------------------------------------------


def test_a_heard_song_is_asked_once_and_staged_once_a_month(transform: PlayTransform) -> None:
    def heard(*events: dict[str, Any]) -> list[tuple[Any, ...]]:
        done = transform.transform([slice_of(*events)], [1])
        wanted = copied.rows("wanted", transform.unknown_songs()[1])
        asked.append(len(wanted))
        transform.match([(number, "SO", "ÄR") for number, _ in wanted])
        return [
            (month.month, *row[1:3], *row[4:6])
            for month in done.months
            for row in rows(transform, "heard_songs", month)
        ]

    asked: list[int] = []
    transform.begin_batch(forget_songs=True)
    first, second = play(song="a", artist=""), play(NOVEMBER + 40 * DAY, song="a", artist="")
    assert heard(first, first) == [(11, "a", "", "SO", "ÄR")]
    assert heard(first, second) == [(12, "a", "", "SO", "ÄR")]
    transform.begin_batch()
    assert heard(first, second) == []
    transform.forget_staged_songs(date(2018, 11, 1))
    assert heard(first, second) == [(11, "a", "", "SO", "ÄR")]
    transform.begin_batch(forget_songs=True)
    assert len(heard(first, second)) == 2
    assert asked == [1, 0, 0, 0, 1]


def test_the_cache_of_songs_is_bounded_in_bytes(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Titles may be megabytes long."""

    def asked() -> int:
        transform.begin_batch()
        transform.transform([slice_of(play(song="x" * 300_000))], [1])
        return len(copied.rows("wanted", transform.unknown_songs()[1]))

    transform.begin_batch(forget_songs=True)
    assert [asked(), asked()] == [1, 0]
    monkeypatch.setattr("sparkify.transform.plays.MOST_CACHED_BYTES", 300_000)
    assert [asked(), asked()] == [1, 1]


@pytest.mark.parametrize("play_no", [lambda at: at, lambda _: 0], ids=["other plays", "one play"])
def test_a_batch_is_full_by_the_memory_that_it_takes(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch, play_no: Callable[[int], int]
) -> None:
    """Texts that do not repeat take memory, also those of a play that does."""
    short = {
        "page": "NextSong",
        "userId": 1,
        "sessionId": 1,
        "ts": NOVEMBER,
        "song": "a",
        "artist": "b",
        "length": 1,
    }
    piece = slice_of(
        *(
            short
            | {"itemInSession": play_no(at), "level": f"{at}", "location": f"in {at}", "userAgent": f"a {at}"}
            for at in range(2000)
        )
    )
    monkeypatch.setattr("sparkify.transform.plays.MOST_GATHERED_BYTES", 300_000)
    transform.begin_batch(forget_songs=True)
    transform.transform([piece], [1])
    transform.unknown_songs()
    transform.match([])
    assert transform.batch_is_full()
    transform.begin_batch()
    assert not transform.batch_is_full()


LONG = "x" * 500_000


@pytest.mark.parametrize(
    ("table", "event"),
    [
        ("users", lambda at: play(userId=at, userAgent=LONG)),
        ("users", lambda at: play(userId=at, firstName=LONG)),
        ("users", lambda at: play(userId=at, level=LONG)),
        ("user_days", lambda at: play(userId=at, location=LONG)),
        ("sessions", lambda at: play(sessionId=at, level=LONG)),
        ("levels", lambda at: play(NOVEMBER + at, itemInSession=at, level=f"{LONG}{at % 2}")),
    ],
)
def test_a_batch_is_full_by_the_texts_that_its_rows_repeat(
    transform: PlayTransform, table: str, event: Callable[[int], dict[str, Any]]
) -> None:
    """A small gzip file may have the same long text in every line: it is kept once, and written often."""
    transform.begin_batch(forget_songs=True)
    transform.transform([slice_of(*map(event, range(40)))], [1])
    transform.unknown_songs()
    transform.match([])
    gathered = transform._core.gathered_bytes()  # noqa: SLF001
    transform.finish_batch()
    written = transform.rows(table, date(2018, 11, 1))
    assert written
    assert 40 * len(LONG) < len(written) < gathered
    transform.begin_batch()
    assert transform._core.gathered_bytes() == 0  # noqa: SLF001


def test_a_batch_is_full_when_the_cache_of_songs_is(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.transform.plays.MOST_CACHED_BYTES", 200_000)
    transform.begin_batch(forget_songs=True)
    for title, is_full in (("x", False), ("y" * 200_000, True)):
        transform.transform([slice_of(play(song=title))], [1])
        transform.unknown_songs()
        transform.match([])
        assert transform.batch_is_full() is is_full
    transform.begin_batch()
    assert not transform.batch_is_full()


def test_a_match_reaches_all_rows(transform: PlayTransform) -> None:
    transform.begin_batch(forget_songs=True)
    events = [play(itemInSession=at, song=str(at % 3)) for at in range(9)]
    transform.transform([slice_of(*events)], [1])
    keys = dict(copied.rows("wanted", transform.unknown_songs()[1]))
    known = heard_song_id("1", play()["artist"], play()["length"])
    transform.match([(number, "SO1", "AR1") for number, key in keys.items() if key == known])
    month = date(2018, 11, 1)
    assert Counter(row[4:6] for row in rows(transform, "songplays", month)) == {
        (None, None): 6,
        ("SO1", "AR1"): 3,
    }
    assert transform.counts() == {month: (9, 3, 1)}


def heard(key: bytes, song_id: str, artist_id: str) -> bytes:
    return key + copied.field(song_id.encode()) + copied.field(artist_id.encode())


def catalogue(matches: dict[bytes, tuple[str, str]]) -> list[bytes]:
    """What `all_matches` in stage/stage.sql makes of a catalogue, as PostgreSQL sends it."""
    songs = [heard(key, *ids) for key, ids in matches.items()]
    first, *others = (copied.row(b"".join(songs[at : at + 1000])) for at in range(0, len(songs), 1000))
    return [copied.HEADER + first, *others, copied.END]


@pytest.mark.parametrize("seed", range(4))
def test_a_fetched_catalogue_gives_the_rows_of_an_asked_one(seed: int) -> None:
    """It comes before the first chunk is matched or a later one, and stays when songs are forgotten."""
    chance = random.Random(seed)
    asked, fetched = PlayTransform(TS_RANGE), PlayTransform(TS_RANGE)
    artist, length = play()["artist"], play()["length"]
    matches = {
        heard_song_id(str(title), artist, length): ("S" * (title % 20), f"Ä{title}")
        for title in chance.sample(range(9000), 6000)
    }
    fetch_at = chance.randrange(3)
    for chunk in range(4):
        events = [
            play(NOVEMBER + at * 3_600_000, itemInSession=at, song=str(chance.randrange(9000)))
            for at in range(2000)
        ]
        for transform in (asked, fetched):
            if chunk == 3:  # as if songs were many
                with mock.patch("sparkify.transform.plays.MOST_CACHED_BYTES", 0):
                    transform.begin_batch()
            done = transform.transform([slice_of(*events)], [1])
            count, heard = transform.unknown_songs()
            wanted = copied.rows("wanted", heard)
            assert len(wanted) == count
            if transform is fetched and chunk >= fetch_at:
                assert (count > 0) == (chunk == fetch_at)
                if count:
                    transform.take_catalogue(catalogue(matches))
                transform.match([])
            else:
                transform.match([(number, *matches[key]) for number, key in wanted if key in matches])
        assert asked.counts() == fetched.counts()
        for table, month in itertools.product(("songplays", "heard_songs"), done.months):
            written = rows(fetched, table, month)
            assert written == rows(asked, table, month)
            assert len({row[4] for row in written}) > 15
    fetched.begin_batch(forget_songs=True)  # the catalogue, too
    fetched.transform([slice_of(*events)], [1])
    assert fetched.unknown_songs()[0] > 0


# --- a batch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_chunks_are_combined(transform: PlayTransform, seed: int) -> None:
    chance = random.Random(seed)
    texts = ["", "a", "é", "z" * 300, None]

    def event() -> dict[str, Any]:
        return play(
            NOVEMBER + chance.choice([0, 1, 3_600_000, DAY, 30 * DAY, 31 * DAY]),
            userId=chance.randrange(4), sessionId=chance.randrange(3), itemInSession=chance.randrange(40),
            level=chance.choice(["free", "paid"]), location=chance.choice(texts),
            userAgent=chance.choice(texts), firstName=chance.choice(texts), song=chance.choice("xyz"),
            length=chance.choice([0.0005, 1, 1e9]),
        )  # fmt: skip

    transform.begin_batch()
    plays, winners = [], []
    for _ in range(chance.randrange(1, 6)):
        piece = slice_of(*(event() for _ in range(chance.randrange(60))))
        transform.transform([piece], [1])
        transform.unknown_songs()
        transform.match([])
        found = [judge_event(line, TS_RANGE) for line in piece.data.splitlines()]
        heard = [(0, line, verdict) for line, verdict in enumerate(found) if isinstance(verdict, Play)]
        plays += heard
        winners += choose(heard)
    months = transform.finish_batch()
    assert months == sorted(months)
    for table, expected in rows_of_batch(plays, winners).items():
        written = [row for month in months for row in rows(transform, table, month)]
        if table == "levels":
            written = with_known_order(written)
        assert Counter(written) == Counter(expected), table


@pytest.mark.parametrize("seed", range(4))
def test_a_month_has_the_rows_that_it_has_alone(seed: int) -> None:
    """However the months of the lines follow each other."""
    chance = random.Random(seed)
    starts = [NOVEMBER + chance.choice([-2, -1, 0, 1, 2, 3]) * 61 * DAY for _ in range(300)]
    events = [
        play(
            start + chance.randrange(3) * DAY, userId=at % 7, sessionId=at % 11, itemInSession=at % 3,
            userAgent=f"agent {at % 4}", location=f"place {at % 4}", song=f"song {chance.randrange(9)}",
        )
        for at, start in enumerate(starts)
    ]  # fmt: skip
    lines = chance.choices(list(zip(starts, events, strict=True)), k=600)

    def rows_by_month(events: list[dict[str, Any]]) -> dict[tuple[str, date], Counter[Any]]:
        transform = PlayTransform(TS_RANGE)
        months = transform.transform([slice_of(*events)], [1]).months
        transform.unknown_songs()
        transform.match([])
        of_chunk = {
            (table, month): transform.rows(table, month) for table in CHUNK_TABLES for month in months
        }
        assert transform.finish_batch() == months
        assert transform.rows("users", date(2018, 10, 1)) is None
        of_batch = {
            (table, month): transform.rows(table, month) for table in BATCH_TABLES for month in months
        }
        return {key: Counter(copied.rows(key[0], data)) for key, data in (of_chunk | of_batch).items()}

    alone: dict[tuple[str, date], Counter[Any]] = {}
    for start in set(starts):
        alone |= rows_by_month([event for of, event in lines if of == start])
    together = rows_by_month([event for _, event in lines])
    assert len(together) == 6 * len(CHUNK_TABLES + BATCH_TABLES)
    assert together.keys() == alone.keys()
    for (table, month), expected in alone.items():
        found = together[table, month]
        if table == "heard_plays":  # the lines have other numbers
            assert found.total() == expected.total()
        else:
            assert found == expected, (table, month)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory in use")
def test_a_long_line_leaves_nothing_behind(core: Plays) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    catalogue = Catalogue()
    before = resident()
    long = b'{"page": "Home", "x": "' + b"x" * (40 << 20) + b'"}\n'
    core.read(((long, 1, None, 1),))
    catalogue.read(((long, 1, None, 1),))
    catalogue.read(((SONG.replace(b"Setanta", b"x" * (40 << 20)) + b"\n", 1, None, 1),))
    assert len(catalogue.rows()) > 40 << 20
    del long
    assert resident() - before < 20 << 20


# --- digests ------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
lengths = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_subnormal=True)
heard_songs = st.lists(st.tuples(texts, texts, lengths), min_size=1, max_size=30)


@examples(8, thorough=20)
@given(heard=heard_songs)
@example(heard=[("x" * size, "y" * 70, 1.0) for size in range(1, 130)])  # around the blocks of SHA-256
def test_digests_of_songs(
    transform: PlayTransform, module_dsn: str, heard: list[tuple[str, str, float]]
) -> None:
    """The core, PostgreSQL and Python compute the same digests."""
    heard = [(title or "x", artist, length) for title, artist, length in heard]
    transform.begin_batch(forget_songs=True)
    transform.transform(
        [
            slice_of(
                *(
                    play(itemInSession=at, song=title, artist=artist, length=length)
                    for at, (title, artist, length) in enumerate(heard)
                )
            )
        ],
        [1],
    )
    transform.unknown_songs()
    transform.match([])
    month = date(2018, 11, 1)
    expected = {
        (heard_song_id(*song), *song, None, None, text_id(f"{song[0]}\0{song[1]}"), text_id(song[1]))
        for song in heard
    }
    assert set(rows(transform, "heard_songs", month)) == expected
    with connect(module_dsn) as connection:
        computed = connection.execute(
            "SELECT uuid_send(etl.heard_song_id(title, artist, length)), title, artist, length, NULL, NULL,"
            " analytics.track_id(title, artist), analytics.text_id(artist)"
            " FROM unnest(%s::text[], %s::text[], %s::float8[]) AS heard (title, artist, length)",
            [list(column) for column in zip(*heard, strict=True)],
            binary=True,
        ).fetchall()
    assert set(computed) == expected


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
def songs() -> CatalogueTransform:
    return CatalogueTransform()


@examples(15, thorough=60)
@given(files=st.lists(st.lists(any_song, max_size=8), min_size=1, max_size=3))
@example(files=[SONG_CORPUS])
def test_the_records_are_the_judges(songs: CatalogueTransform, files: list[list[bytes]]) -> None:
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
    check_songs(songs, [SONG, *(line.encode() for line in lines), SONG])


# --- calls out of order -------------------------------------------------------------------------------------

LINE = GOOD + b"\n"
PLAY = judge_event(GOOD, TS_RANGE)


CALLS: dict[str, Callable[[Plays], object]] = {
    "read": lambda core: core.read(((LINE, 1, None, 1),)),
    "add": lambda core: core.add(0, 2, PLAY),  # type: ignore[arg-type]
    "users": lambda core: core.users(),
    "forget": lambda core: core.forget((15,)),
    "settle": lambda core: core.settle(),
    "months": lambda core: core.months(),
    "forget_staged": lambda core: core.forget_staged(24000),
    "unknown_songs": lambda core: core.unknown_songs(),
    "take_catalogue": lambda core: core.take_catalogue(copied.HEADER + copied.END),
    "match": lambda core: core.match([]),
    "slice_times": lambda core: core.slice_times(),
    "chunk rows": lambda core: core.rows("songplays", 24226),
    "finish_batch": lambda core: core.finish_batch(),
    "batch rows": lambda core: core.rows("user_days", 24226),
    "sessions": lambda core: core.sessions(24226),
    "begin_batch": lambda core: core.begin_batch(False),
    "forget songs": lambda core: core.begin_batch(True),
    "gathered_bytes": lambda core: core.gathered_bytes(),
    "cached_bytes": lambda core: core.cached_bytes(),
}


@pytest.mark.parametrize("seed", range(20))
def test_calls_in_any_order(core: Plays, seed: int) -> None:
    """They are refused, or do no harm."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    names = list(CALLS)
    for at in range(3000):
        name = names[at % len(names)] if chance.random() < 0.95 else chance.choice(names)
        try:
            CALLS[name](core)
        except (RuntimeError, ValueError):  # a second catalogue is an error
            continue
        done[name] += 1
    assert set(done) == set(CALLS)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda core: core.read(((b"no line feed", 1, None, 1),)),
        lambda core: core.read(((LINE, 1, b"", 1),)),
        lambda core: core.read(((LINE, 1, b"\0" * 15, 1),)),
        lambda core: core.read(((LINE, 1, b"\0" * 16, 1),)),
        lambda core: core.read(((LINE, 1, None, 2**31),)),
        lambda core: core.read((("text", 1, None),)),
        lambda core: core.read(((LINE, 1, "text", 1),)),
        lambda core: core.read([]),
        lambda core: core.read(([LINE, 1, None, 1],)),
        lambda core: core.read(((LINE, -1, None, 1),)),
        lambda core: core.read(((LINE, 2**63 - 2, None, 1),)),
        lambda core: (CALLS["read"](core), core.add(1, 1, PLAY)),
        lambda core: (CALLS["read"](core), core.add(-1, 1, PLAY)),
        lambda core: (CALLS["read"](core), core.add(2**32, 1, PLAY)),
        lambda core: (CALLS["read"](core), core.add(0, 1, (1, 2, 3))),
        lambda core: (CALLS["read"](core), core.add(0, 1, PLAY._replace(ts=2**62))),
        lambda core: (CALLS["read"](core), core.add(0, 1, PLAY._replace(length=float("nan")))),
        lambda core: (CALLS["read"](core), core.add(0, 1, PLAY._replace(song="\ud800"))),
        lambda core: (CALLS["read"](core), core.forget([15])),
        lambda core: (CALLS["read"](core), core.forget((15, 2**63))),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.match([(1, "a", "b")])),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.match([(-1, "a", "b")])),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.match([(0, "a", None)])),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.match(())),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.match([[0, "a", "b"]])),
        lambda core: (CALLS["read"](core), core.finish_batch()),
        lambda core: (CALLS["read"](core), core.settle(), core.unknown_songs(), core.finish_batch()),
        lambda core: core.rows("no_table", 1),
        lambda core: core.forget_staged(2**32),
        lambda core: (core.finish_batch(), core.sessions(2**32)),
        lambda _: Plays(*TS_RANGE, b"short"),
        lambda _: Plays(-(2**63), 0, b"s" * 16),
        lambda _: copy_columns((["int4", [1]],)),
        lambda _: read_files([__file__], [-1]),
        lambda _: read_files([__file__], [1, 1]),
        lambda _: read_files([__file__] * 2, [1]),
        lambda _: Catalogue().rows(),
        lambda _: Catalogue().add(0, 1, ()),
    ],
)
def test_wrong_arguments_are_refused(core: Plays, wrong: Callable[[Plays], object]) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError, RuntimeError, UnicodeError)):
        wrong(core)
    core.begin_batch(True)
    check_one_play(core)


def fields_of(record: Play | PageView | CatalogueRecord) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The types that each field may have."""
    for name, hint in get_type_hints(type(record)).items():
        yield name, get_args(hint) or (hint,)


def add_to(record: Play | PageView | CatalogueRecord) -> None:
    if isinstance(record, CatalogueRecord):
        catalogue = Catalogue()
        catalogue.read(((b"", 1, None, 1),))
        catalogue.add(0, 1, record)
    else:
        plays = Plays(*TS_RANGE, bytes(16))
        plays.read(((b"", 1, None, 1),))
        plays.add(0, 1, record)


RECORDS = [PLAY, judge_event(json.dumps(view()).encode(), TS_RANGE), judge_song(SONG)]


@pytest.mark.parametrize("record", RECORDS, ids=["play", "view", "song"])
def test_a_field_of_another_type_is_not_added(record: Any) -> None:
    """It would be written as another type, and PostgreSQL would read other values from its bytes."""
    for name, types in fields_of(record):
        for value in (None, 1, 1.5, "x", True, b"x"):
            changed = record._replace(**{name: NOVEMBER if name == "ts" and type(value) is int else value})
            with contextlib.nullcontext() if type(value) in types else pytest.raises((ValueError, TypeError)):
                add_to(changed)


@pytest.mark.parametrize(
    ("number", "changed"),
    [
        (0, {"song": ""}), (0, {"song": "a\0"}), (0, {"location": "a\0"}), (0, {"location": ""}),
        (0, {"length": 0.0}),
        (0, {"length": -1.0}), (0, {"length": math.inf}), (0, {"user_id": 2**63}),
        (1, {"status": 2**31}), (1, {"status": -(2**31) - 1}), (1, {"ts": TS_RANGE[1]}),
        (2, {"year": 0}), (2, {"year": 10_000}), (2, {"song_id": ""}), (2, {"artist_id": "a" * 1001}),
        (2, {"artist_location": ""}), (2, {"duration": math.nan}), (2, {"artist_latitude": math.inf}),
    ],
)  # fmt: skip
def test_a_value_that_the_judge_refuses_is_not_added(number: int, changed: dict[str, Any]) -> None:
    record: Any = RECORDS[number]
    with pytest.raises((ValueError, OverflowError)):
        add_to(record._replace(**changed))


@pytest.mark.parametrize(
    "error",
    [
        lambda core: core.add(7, 2, PLAY),
        lambda core: core.add(0, 2, PLAY._replace(ts=0)),
        lambda core: core.forget(("x",)),
        lambda core: core.forget_staged(2**40),
        lambda core: core.match([]),
    ],
)
def test_after_these_errors_the_load_goes_on(core: Plays, error: Callable[[Plays], object]) -> None:
    core.read(((LINE, 1, None, 1),))
    with pytest.raises((ValueError, TypeError, OverflowError, RuntimeError)):
        error(core)
    assert core.settle() == [(1, 0, 0, 0, 1, 0, 0)]


SONG_ROW = copied.row(heard(b"k" * 16, "SO", "AR"))


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [SONG_ROW],
        [b"x" + copied.HEADER[1:]],
        [copied.HEADER[:-1] + b"\1"],
        [copied.HEADER, copied.HEADER],
        [copied.HEADER + copied.row()],
        [copied.HEADER + copied.row(b"", b"")],
        [copied.HEADER + struct.pack(">hi", 1, -1)],  # a null
        *([copied.HEADER + copied.row(heard(b"k" * 16, "SO", "AR")[:at])] for at in range(1, 28)),
        *(
            [copied.HEADER + copied.row(b"k" * 16 + copied.field(b"SO") + struct.pack(">i", size) + b"AR")]
            for size in (-1, -(2**31), 2**31 - 1, 3)
        ),
        [copied.HEADER + SONG_ROW + copied.END + b"\0"],
        [copied.HEADER + SONG_ROW + copied.END + SONG_ROW],
        [copied.HEADER + SONG_ROW + copied.END, SONG_ROW],
        [copied.HEADER + SONG_ROW + copied.END, copied.HEADER + copied.END],
        [copied.HEADER],
        [copied.HEADER + SONG_ROW],
        *([copied.HEADER[:at]] for at in range(len(copied.HEADER))),
        *([copied.HEADER + SONG_ROW, (SONG_ROW + copied.END)[:at]] for at in range(len(SONG_ROW) + 2)),
    ],
)
def test_a_catalogue_that_is_malformed_or_has_no_end_is_refused(core: Plays, pieces: list[bytes]) -> None:
    """The object remains usable, and the next catalogue is taken."""
    CALLS["read"](core)
    core.settle()
    core.unknown_songs()
    with pytest.raises(ValueError, match="COPY"):  # noqa: PT012
        for piece in pieces:
            core.take_catalogue(piece)
        core.match([])
    with pytest.raises(RuntimeError):
        core.match([])
    core.begin_batch(False)
    check_one_play(core)


class Meddler:
    """A number that makes a call when C asks for its value."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call

    def __index__(self) -> int:
        self.call()
        return 0


@pytest.mark.parametrize(
    "call",
    [
        lambda core: core.read(((LINE, Meddler(lambda: core.read(((LINE, 1, None, 1),) * 100)), None, 1),)),
        lambda core: core.read(((LINE, Meddler(lambda: core.begin_batch(True)), None, 1),)),
        lambda core: (CALLS["read"](core), core.add(Meddler(core.settle), 2, PLAY)),
        lambda core: (CALLS["read"](core), core.forget((Meddler(core.settle),))),
        lambda core: (
            CALLS["read"](core), core.settle(), core.unknown_songs(),
            core.match([(Meddler(lambda: core.begin_batch(True)), "a", "b")]),
        ),
        lambda _: meddle_with_a_catalogue(Catalogue()),
    ],
)  # fmt: skip
def test_a_number_may_not_meddle(core: Plays, call: Callable[[Plays], object]) -> None:
    """Its __index__ may call the object that asks for its value: what one of both does is refused."""
    with pytest.raises(RuntimeError):
        call(core)
    core.begin_batch(True)
    check_one_play(core)


class Garbage:
    """What makes a call when the garbage collector finalises it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call, self.cycle = call, self

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.call()


def call_with_garbage(
    call: Callable[..., object], arguments: tuple[object, ...], meddle: Callable[[], object]
) -> object:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.disable()
    Garbage(meddle)
    gc.set_threshold(1)
    gc.enable()
    try:
        return call(*arguments)
    finally:
        gc.set_threshold(*thresholds)


MANY_SLICES = tuple(
    (b"x\n" + json.dumps(play(NOVEMBER + at * 5 * DAY, userId=at, song=f"{at}")).encode() + b"\n", 1, None, 1)
    for at in range(100)
)
STEPS: dict[str, tuple[object, ...]] = {
    "read": (MANY_SLICES,), "users": (), "forget": ((1, 2),), "forgotten_sessions": (), "settle": (),
    "months": (), "slice_times": (), "unknown_songs": (), "match": ([],), "finish_batch": (),
}  # fmt: skip


@pytest.mark.parametrize("at", range(len(STEPS)), ids=list(STEPS))
def test_the_garbage_collector_may_not_meddle(at: int) -> None:
    """Python 3.11 collects garbage whenever a container is made, and a finaliser may call the object."""
    plain, core = Plays(*TS_RANGE, bytes(16)), Plays(*TS_RANGE, bytes(16))

    def meddle() -> None:
        core.begin_batch(True)
        core.read(((LINE, 1, None, 1),))

    *before, (name, arguments) = list(STEPS.items())[: at + 1]
    for earlier, of_earlier in before:
        assert getattr(core, earlier)(*of_earlier) == getattr(plain, earlier)(*of_earlier)
    found = call_with_garbage(getattr(core, name), arguments, meddle)
    assert found == getattr(plain, name)(*arguments)


def test_the_garbage_collector_may_not_meddle_with_a_catalogue() -> None:
    catalogue = Catalogue()
    lines = ((b"x\n", 1, None, 1),) * 100

    def meddle() -> None:
        catalogue.read(((SONG + b"\n", 1, None, 1),))

    found = call_with_garbage(catalogue.read, (lines,), meddle)
    assert found == [(at, 1, 0, 1) for at in range(100)]
    catalogue.read(lines)
    assert call_with_garbage(catalogue.books, (), meddle) == [(1, 0, 0, 0, 0, 0, 0)] * 100


def meddle_with_a_catalogue(catalogue: Catalogue) -> None:
    more = Meddler(lambda: catalogue.read(((SONG + b"\n", 1, None, 1),) * 100))
    catalogue.read(((SONG + b"\n", more, None, 1),))  # type: ignore[arg-type]


def check_one_play(core: Plays) -> None:
    core.read(((LINE, 1, None, 1),))
    core.settle()
    core.unknown_songs()
    core.match([])
    ((month, *_),) = core.months()
    assert len(copied.rows("songplays", core.rows("songplays", month))) == 1


def test_another_thread_is_refused_or_waits(core: Plays) -> None:
    """Two threads may have an object each; one that is in use refuses."""
    data = b"".join(
        GOOD.replace(b'"itemInSession": 0', b'"itemInSession": %d' % at) + b"\n" for at in range(20_000)
    )
    refused: list[bool] = []

    def disturb(stop: threading.Event) -> Iterator[None]:
        while not stop.is_set():
            try:
                core.cached_bytes()
            except RuntimeError:
                refused.append(True)
            yield

    stop = threading.Event()
    other = threading.Thread(target=lambda: [None for _ in disturb(stop)])
    other.start()
    try:
        for _ in range(10):
            core.begin_batch(True)
            core.read(((data, 1, None, 1),))
            core.settle()
    finally:
        stop.set()
        other.join()
    assert refused
