"""A song or an artist: found by words, the history, who listens; compared with the plays."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.analytics.names import CODECS, doubled, encodings, shown
from sparkify.analytics.searching import LONGEST_WORD, patterns
from tests.support.data import NOVEMBER, play, song, write
from tests.support.examples import examples

DAY = 86_400_000
CHICAGO, UTICA = "Chicago, IL", "Utica, NY"


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song())
    write(
        root, "log_data/a.json",
        play(),
        play(NOVEMBER + 1, itemInSession=1, level="free"),
        play(NOVEMBER + 40 * DAY, itemInSession=2, location=UTICA, length=1.5),
        play(NOVEMBER + 2, userId="16", firstName="MÃ¡x", gender="M", location=UTICA),
        play(NOVEMBER + 3, itemInSession=3, song="100% M_ine", artist="BjÃ¶rk"),
        play(NOVEMBER + 4, itemInSession=4, song="100 of Mine", artist="Bj\\rk"),
        play(NOVEMBER + 5, itemInSession=5, song="İZMİR", artist="ΘΕΟΔΩΡΑΚΗΣ"),
        play(NOVEMBER + 6, itemInSession=6, song="Jóga", artist="BjÃ\x83Â¶rk"),
        "{",
    )  # fmt: skip
    etl.run(root, dsn=module_dsn)
    return module_dsn


def found(dsn: str, text: str) -> list[str]:
    return [row["title"] for row in analytics.search(text, dsn=dsn)]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("setanta", ["Setanta matins"]),
        ("MATINS elena", ["Setanta matins"]),
        ("matins nobody", []),
        ("100", ["100 of Mine", "100% M_ine"]),
        ("100%", ["100% M_ine"]),
        ("m_ine", ["100% M_ine"]),
        ("BJÖRK", ["100% M_ine", "Jóga"]),
        ("jóga björk", ["Jóga"]),
        ("bjork", ["100% M_ine", "Jóga"]),
        ("joga bjørk", ["Jóga"]),
        ("mátins", ["Setanta matins"]),
        ("izmir", ["İZMİR"]),
        ("θεοδωράκης", ["İZMİR"]),
        ("bj rk", ["100 of Mine", "100% M_ine", "Jóga"]),
        ("bj.rk", []),
        ("\u0301", []),
        ("bjÃ¶rk", ["100% M_ine", "Jóga"]),
        ("björk ine", ["100% M_ine"]),
        ("bj\\rk", ["100 of Mine"]),
        ("ΘΕΟΔΩΡΑΚΗΣ İZMİR", ["İZMİR"]),  # Python writes some of these small in another way than PostgreSQL
        ("", []),
        (" \0\ud800", []),
        ("' OR 1=1 --", []),
    ],
)
def test_search(dsn: str, text: str, titles: list[str]) -> None:
    assert sorted(found(dsn, text)) == titles


ACCENTS = dict.fromkeys(range(0x300, 0x370))
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "small": lambda word: "".join(c.lower() if len(c.lower()) == 1 else c for c in word),
    "capital": lambda word: "".join(c.upper() if len(c.upper()) == 1 else c for c in word),
    "accents apart": lambda word: unicodedata.normalize("NFD", word),
    "an old typewriter": lambda word: word.replace("’", "'"),
    "no accents": lambda word: unicodedata.normalize("NFD", word).translate(ACCENTS),
}
EUROPEAN = st.characters(max_codepoint=0x4FF, categories=("Lu", "Ll", "Nd"))
CHINESE = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF, categories=("Lo",))


def test_case_and_accents_make_no_difference(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    """In a name with or without accents, encoded as it should be or again, once or twice."""
    dsn = new_dsn()
    write(tmp_path, "log_data/a.json", play(song="べつ", artist="ひと"), play(NOVEMBER + 1))
    etl.run(tmp_path, dsn=dsn)

    with psycopg.connect(dsn, autocommit=True) as connection:
        (other,) = analytics.search("べつ", dsn=connection)
        (row,) = analytics.search("elena setanta", dsn=connection)

        @given(
            st.text(EUROPEAN | CHINESE, min_size=1, max_size=60),
            st.sampled_from(sorted(WAYS)), st.sampled_from(sorted(WAYS)), st.integers(0, 2),
            st.sampled_from(CODECS),
        )  # fmt: skip
        @example("Über", "as it is", "no accents", 1, "sloppy-windows-1252")
        @example("Björk", "as it is", "no accents", 2, "latin-1")
        @example("Łódź", "no accents", "capital", 0, "latin-1")
        @example("Ａ", "small", "capital", 1, "latin-1")
        @example("x\u0302", "no accents", "as it is", 0, "latin-1")
        @example("\u0622", "as it is", "accents apart", 0, "latin-1")  # an accent of another script
        @example("Don’t", "as it is", "an old typewriter", 1, "latin-1")
        @example("Don’t", "an old typewriter", "as it is", 0, "latin-1")
        @example("Björk’s", "an old typewriter", "as it is", 0, "latin-1")
        @example(
            "か\u3099", "as it is", "as it is", 0, "latin-1"
        )  # these are composed otherwise, or not at all
        @example("\u0958\u212b\uf900", "as it is", "as it is", 0, "latin-1")
        @example("ñ" * 51, "capital", "small", 0, "latin-1")
        @examples(150, thorough=1000)
        def is_found(word: str, stored: str, asked: str, times: int, codec: str) -> None:
            title, text = WAYS[stored](word), WAYS[asked](word)
            for _ in range(times):
                title = doubled(title, "latin-1" if stored == "accents apart" else codec)
            if len(text) > LONGEST_WORD:
                text = title.lower()
            if shown(text) != text:
                return
            connection.execute(
                "UPDATE analytics.heard_songs SET title = %s WHERE track_id = %s", [title, row["track_id"]]
            )
            tracks = [found["track_id"] for found in analytics.search(text, dsn=connection)]
            assert row["track_id"] in tracks
            assert other["track_id"] not in tracks

        is_found()


@pytest.mark.parametrize(("character", "written"), [*zip("øłđðħŧı’‘´ʼ′", "olddhti" + "'" * 5, strict=True)])
def test_a_character_is_found_as_people_write_it(character: str, written: str) -> None:
    (like,), (expression,) = patterns([written])
    assert re.search(str(expression), f"Ä{character}")
    assert patterns([character])[0] == [like]


def test_a_long_text_costs_little(dsn: str) -> None:
    """Its patterns may have as much as 30 words of 50 letters, and as much as itself."""
    text = " ".join(f"{'o' * 45}{number:05}" for number in range(20_000))
    likes, expressions = patterns(text.split())
    assert sum(map(len, likes)) < 2 * len(text)
    assert sum(len(expression or "") for expression in expressions) < 3 << 20
    assert patterns(["o" * (LONGEST_WORD + 1)])[1] == [None]
    assert found(dsn, text) == []
    assert found(dsn, " ".join(("elena", *"setanmi"))) == ["Setanta matins"]


def test_the_words_beyond_those_with_any_accent_are_found_as_they_are() -> None:
    many = [f"{number:02}" for number in range(40)]
    likes, expressions = patterns([*many, "É"])
    assert (likes[-1], expressions[-1], expressions.count(None)) == ("%é%", None, 11)


def test_those_with_most_plays_are_found_first(dsn: str) -> None:
    """Songs with equally many plays are ordered by title."""
    titles = [row["title"] for row in analytics.search("e", dsn=dsn)]
    assert titles == ["Setanta matins", "100 of Mine", "100% M_ine"]
    for limit in (1, 2, 3, 4):
        assert [row["title"] for row in analytics.search("e", dsn=dsn, limit=limit)] == titles[:limit]


def test_what_is_found(dsn: str) -> None:
    (row,) = analytics.search("elena", dsn=dsn)
    assert (row["plays"], row["song_id"]) == (4, "SOZCTXZ12AB0182364")
    (row,) = analytics.search("björk ine", dsn=dsn)
    assert (row["artist"], row["plays"], row["song_id"]) == ("Björk", 1, None)


def test_history_and_audience(dsn: str) -> None:
    (row,) = analytics.search("elena", dsn=dsn)
    track = row["track_id"]
    assert [tuple(row.values()) for row in analytics.history(track, "month", dsn=dsn)] == [
        (date(2018, 11, 1), 3, 2), (date(2018, 12, 1), 1, 1),
    ]  # fmt: skip
    assert [row["start"] for row in analytics.history(track, dsn=dsn)] == [
        date(2018, 11, 1),
        date(2018, 12, 11),
    ]
    december = Selection(date(2018, 11, 2), date(2018, 12, 11))
    assert [row["plays"] for row in analytics.history(track, "week", december, dsn=dsn)] == [1]
    assert [tuple(row.values()) for row in analytics.audience(track, dsn=dsn)] == [
        ("free", "F", 1, 1), ("paid", "F", 2, 1), ("paid", "M", 1, 1),
    ]  # fmt: skip
    fans = analytics.fans(track, dsn=dsn)
    assert [(fan["user_id"], fan["name"], fan["plays"]) for fan in fans] == [
        (15, "Lily Koch", 3), (16, "Máx Koch", 1),
    ]  # fmt: skip
    assert (fans[0]["first_day"], fans[0]["last_day"]) == (date(2018, 11, 1), date(2018, 12, 11))
    assert len(analytics.fans(track, dsn=dsn, limit=1)) == 1


@pytest.mark.parametrize("name", ["Björk", "BjÃ¶rk"])
def test_all_songs_of_an_artist(dsn: str, name: str) -> None:
    artist = analytics.artist(name, dsn=dsn)
    assert artist
    assert (artist["artist"], artist["songs"], artist["plays"]) == ("Björk", 2, 2)
    tracks = artist["track_ids"]
    assert [(row["title"], row["artist"], row["plays"]) for row in analytics.songs(tracks, dsn=dsn)] == [
        ("100% M_ine", "Björk", 1), ("Jóga", "Björk", 1),
    ]  # fmt: skip
    assert len(analytics.songs(tracks, dsn=dsn, limit=1)) == 1
    # One listener of two songs is one listener.
    assert [tuple(row.values()) for row in analytics.history(tracks, dsn=dsn)] == [(date(2018, 11, 1), 2, 1)]
    assert [tuple(row.values()) for row in analytics.audience(tracks, dsn=dsn)] == [("paid", "F", 2, 1)]
    assert [(row["name"], row["plays"]) for row in analytics.fans(tracks, dsn=dsn)] == [("Lily Koch", 2)]
    for question in (analytics.songs, analytics.history, analytics.audience, analytics.fans):
        assert question(tracks, selection=Selection(location=UTICA), dsn=dsn) == []
        assert question([], dsn=dsn) == []


@pytest.mark.parametrize("name", ["", "Nobody", "bj\\rk", "bjö", "x" * 2000, "ö" * 2000, "\0"])
def test_no_such_artist(dsn: str, name: str) -> None:
    assert analytics.artist(name, dsn=dsn) is None


@pytest.mark.parametrize("name", ["Beyoncé", "Guns N’ Roses"])
@pytest.mark.parametrize("codec", CODECS)
def test_spellings_that_are_shown_alike(name: str, codec: str) -> None:
    once = doubled(name, codec)
    twice = doubled(once, codec)
    assert shown(once) == shown(twice) == name
    assert {name, once, twice} <= set(encodings(name)) == set(encodings(once)) == set(encodings(twice))


@pytest.mark.parametrize("name", ["Sång", "Björk", "I våren (Live '62)", "Å", "Ýmir", "OLÉ\u00a0!", "CAFÉ®"])
def test_a_name_that_is_encoded_twice_over_is_repaired_wholly(name: str) -> None:
    """As the logs of 2018 encode names. ftfy is not sure of every round by itself."""
    stored = doubled(doubled(name, "latin-1"), "latin-1")
    assert shown(stored) == name
    assert stored in encodings(name)


@pytest.mark.parametrize("name", ["LIBERTÉ\u00a0!", "CAFÉ®", "JOSÉ»"])
def test_a_right_name_is_not_taken_for_an_encoded_one(name: str) -> None:
    assert shown(name) == shown(doubled(name, "latin-1")) == name


@pytest.mark.parametrize("level", [None, "free", "paid"])
@pytest.mark.parametrize("until", [None, date(2018, 11, 30)])
def test_a_place_is_a_part(dsn: str, level: str | None, until: date | None) -> None:
    (row,) = analytics.search("elena", dsn=dsn)
    plays = {
        place: sum(
            row["plays"]
            for row in analytics.history(
                row["track_id"], "day", Selection(None, until, level, place), dsn=dsn
            )
        )
        for place in (None, CHICAGO, UTICA)
    }
    assert plays[None] == plays[CHICAGO] + plays[UTICA]


def test_reasons(dsn: str) -> None:
    assert analytics.reject_reasons(dsn=dsn) == [{"reason": "invalid_json", "lines": 1}]
