"""Which song or artist record wins, and which plays match, against the same rules written in Python."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.extract.batches import Batch
from sparkify.extract.find import find_files
from sparkify.operations.check import check
from sparkify.publish.run import publish_run
from sparkify.stage import matching
from sparkify.stage.runs import begin_run
from sparkify.stage.stager import Stager
from sparkify.transform.plays import PlayTransform
from tests.support.data import NOVEMBER, play, song, write
from tests.support.differential import heard_song_id
from tests.support.examples import examples
from tests.support.warehouse import check_books, one

Record = dict[str, Any]

TITLES, NAMES, LENGTHS = ["x", "X", "é"], ["Elena", "Elena ", "B", "Zoë"], [1.5, 10.0]

# --- the rules, again ---------------------------------------------------------------------------------------


def last_if_unknown(value: Any) -> tuple[bool, Any]:
    value = value.encode() if isinstance(value, str) else value
    return (True, 0) if value in (None, b"") else (False, value)


def winning_song(records: list[Record]) -> Record:
    return min(
        records,
        key=lambda r: (
            not r["year"], r["title"].encode(), r["artist_id"].encode(), r["year"],
                r["duration"], r["artist_name"].encode()
        ),
    )  # fmt: skip


def winning_artist(records: list[Record]) -> Record:
    names = Counter(r["artist_name"].encode() for r in records)
    name = min(names, key=lambda name: (-names[name], name))
    known = ("artist_location", "artist_latitude", "artist_longitude")
    return min(
        (r for r in records if r["artist_name"].encode() == name),
        key=lambda r: (sum(r[k] in (None, "") for k in known), *(last_if_unknown(r[k]) for k in known)),
    )


def by(key: str, records: Iterable[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record[key], []).append(record)
    return groups


def expected(records: list[Record], heard: Iterable[tuple[str, str, float]]) -> dict[str, Any]:
    songs = {song_id: winning_song(group) for song_id, group in by("song_id", records).items()}
    artists = {artist_id: winning_artist(group) for artist_id, group in by("artist_id", records).items()}
    says = {song_id: (r["title"], r["artist_name"], r["duration"]) for song_id, r in songs.items()}
    matching = {what: sorted(song_id for song_id, said in says.items() if said == what) for what in heard}
    return {
        "songs": {
            (song_id, r["title"], r["artist_id"], r["year"] or None, r["duration"])
            for song_id, r in songs.items()
        },
        "artists": {
            (artist_id, r["artist_name"], r["artist_location"] or None,
                r["artist_latitude"], r["artist_longitude"])
            for artist_id, r in artists.items()
        },
        "keys": {(heard_song_id(*says[song_id]), song_id, r["artist_id"]) for song_id, r in songs.items()},
        "plays": {
            (*what, *((found[0], songs[found[0]]["artist_id"]) if found else (None, None)))
            for what, found in matching.items()
        },
    }  # fmt: skip


def actual(db: Connection[Any]) -> dict[str, Any]:
    return {
        name: set(db.execute(query).fetchall())
        for name, query in (
            ("songs", "SELECT song_id, title, artist_id, year, duration FROM songs"),
            ("artists", "SELECT artist_id, name, location, latitude, longitude FROM artists"),
            ("keys", "SELECT uuid_send(heard_song_id), song_id, artist_id FROM etl.song_keys"),
            (
                "plays",
                "SELECT title, artist, length, s.song_id, s.artist_id"
                " FROM songplays s JOIN analytics.heard_plays USING (start_time, songplay_id)"
                " JOIN analytics.heard_songs USING (heard_song_id)",
            ),
        )
    }


# --- any catalogue, cut into files in any way and loaded in any order, over what was there before -----------

records = st.builds(
    lambda number, title, artist, name, place, latitude, year, length: song(
        f"S{number}", title=title, artist_id=f"A{artist}", artist_name=name, artist_location=place,
        artist_latitude=latitude, artist_longitude=latitude and 1.0, year=year, duration=length,
    ),
    st.integers(1, 4), st.sampled_from(TITLES), st.integers(1, 2), st.sampled_from(NAMES),
    st.sampled_from(["", "a", "Z"]),
    st.sampled_from([None, 0.0, -3.5]), st.sampled_from([0, 1999, 2000]), st.sampled_from(LENGTHS),
)  # fmt: skip
# Enough songs that a file may touch few or most of them: the winners are then found in two ways.
ALWAYS = [song(f"T{number}", title="never heard", artist_id=f"B{number}") for number in range(12)]
catalogues = st.lists(st.lists(records, max_size=8), min_size=4, max_size=4)


@pytest.fixture(scope="module")
def world(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A warehouse in which everything was heard once, and its files."""
    root = tmp_path_factory.mktemp("world")
    write(root, "song_data/always.json", *ALWAYS)
    heard = enumerate(product(TITLES, NAMES, LENGTHS))
    write(
        root,
        "log_data/first.json",
        *(play(NOVEMBER + n, song=t, artist=a, length=d) for n, (t, a, d) in heard),
    )
    etl.run(root, dsn=module_dsn)
    return module_dsn, root


@examples(3, thorough=8, phases=[Phase.generate])
@given(catalogue=catalogues, order=st.randoms(use_true_random=False))
def test_any_catalogue_in_any_order(
    world: tuple[str, Path], catalogue: list[list[Record]], order: random.Random
) -> None:
    """Files come, change, shrink and become empty, a few a run; plays come before and after their songs."""
    dsn, root = world
    files = list(enumerate(catalogue))
    order.shuffle(files)
    cut = order.randrange(len(files) + 1)
    asks = mock.patch.object(matching, "FETCHED_WHILE_ASKING", order.choice([0, 1000]))  # or fetches
    for part in filter(None, (files[:cut], files[cut:])):
        for number, content in part:
            write(root, f"song_data/{number}.json", *content)
        ts = 1000 + order.randrange(1 << 30)
        write(root, f"log_data/{ts}.json", play(NOVEMBER + ts, song="x", artist="Elena", length=1.5))
        with asks:
            etl.run(root, dsn=dsn, workers=1, batch_bytes=order.choice([1, 1 << 20]))
    with connect(dsn) as db:
        everything = ALWAYS + [record for _, content in files for record in content]
        assert actual(db) == expected(everything, product(TITLES, NAMES, LENGTHS))
        check_books(db)


def test_the_check_agrees(world: tuple[str, Path]) -> None:
    """After all that."""
    assert [finding.name for finding in check(world[0]) if finding.found] == []


# --- one by one ---------------------------------------------------------------------------------------------


def test_a_run_without_song_files_leaves_the_catalogue_alone(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "song_data/a.json", song())
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    for name in ("remove_earlier_records", "rematch", "count"):
        monkeypatch.setitem(queries("publish/catalogue"), name, "SELECT 1 / 0")  # type: ignore[misc]
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2


def test_a_song_is_matched_with_the_name_in_its_own_record(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    by_west = {"artist_id": "A1", "artist_name": "Kanye West"}
    write(
        tmp_path, "song_data/a.json",
        song("S1", title="a", **by_west), song("S2", title="b", **by_west),
        song("S3", title="c", artist_id="A1", artist_name="Kanye West / Adam Levine"),
    )  # fmt: skip
    names = ["Kanye West", "Kanye West / Adam Levine"]
    heard = product("abc", names)
    write(
        tmp_path, "log_data/a.json", *(play(NOVEMBER + n, song=t, artist=a) for n, (t, a) in enumerate(heard))
    )
    assert etl.run(tmp_path, dsn=dsn).matched == 3
    assert db.execute("SELECT name FROM artists").fetchall() == [("Kanye West",)]
    matched = db.execute(
        "SELECT title, artist, song_id FROM analytics.heard_songs WHERE song_id IS NOT NULL ORDER BY title"
    ).fetchall()
    assert matched == [("a", names[0], "S1"), ("b", names[0], "S2"), ("c", names[1], "S3")]
    # A song that nobody heard makes a name the more frequent one; no other song moves.
    write(
        tmp_path,
        "song_data/b.json",
        *(song(f"S{n}", title="d", artist_id="A1", artist_name=names[1]) for n in (4, 5)),
    )
    assert etl.run(tmp_path, dsn=dsn).matched == 3
    assert db.execute("SELECT name FROM artists").fetchall() == [(names[1],)]
    write(tmp_path, "song_data/b.json")
    assert etl.run(tmp_path, dsn=dsn).matched == 3
    assert db.execute("SELECT name FROM artists").fetchall() == [(names[0],)]


def test_of_records_that_differ_in_the_name_alone_the_smaller_one_matches(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "song_data/a.json", song("S1", artist_name="B"))
    write(tmp_path, "song_data/b.json", song("S1", artist_name="A"))
    write(tmp_path, "log_data/a.json", play(artist="A"), play(NOVEMBER + 1, artist="B"))
    assert etl.run(tmp_path, dsn=dsn).matched == 1
    assert one(db, "SELECT artist FROM analytics.heard_songs WHERE song_id = 'S1'") == "A"


def test_a_large_catalogue(real_sample: Path, real_catalogue: Path, db: Connection[Any], dsn: str) -> None:
    """10,000 real songs: 440 of 3,888 artists have several names."""
    report = etl.run(song_data=real_catalogue / "song_data", log_data=real_sample / "log_data", dsn=dsn)
    assert (report.matched, report.rows["songs"], report.rows["artists"]) == (120, 10_000, 3_888)
    assert one(db, "SELECT name FROM artists WHERE artist_id = 'ARRH63Y1187FB47783'") == "Kanye West"
    assert [finding.name for finding in check(dsn) if finding.found] == []
    # Loading the sample's own songs, which this catalogue also has, loses no match.
    assert etl.run(song_data=real_sample / "song_data", dsn=dsn).matched == 120


# --- asked, or fetched as a whole ---------------------------------------------------------------------------


@pytest.fixture
def fetched() -> Iterator[mock.Mock]:
    """Is called when a worker fetches the catalogue."""
    take = PlayTransform.take_catalogue
    with mock.patch.object(PlayTransform, "take_catalogue", autospec=True, side_effect=take) as called:
        yield called


@pytest.mark.parametrize(("most", "fetches"), [(41, 1), (40, 0)])
def test_a_catalogue_is_fetched_once_if_it_is_small_and_much_is_asked(
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fetched: mock.Mock,
    most: int,
    fetches: int,
) -> None:
    monkeypatch.setattr(matching, "MOST_FETCHED_SONGS", most)
    write(tmp_path, "song_data/a.json", *(song(f"S{n}", title=f"{n}") for n in range(41)))
    for n in range(4):  # asking for four is as much as fetching 40
        write(tmp_path, f"log_data/{n}.json", play(NOVEMBER + n, song=f"{n}"))
    assert etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1).matched == 4
    assert fetched.call_count == 0
    for n in range(6):
        write(tmp_path, f"log_data/{10 + n}.json", play(NOVEMBER + 10 + n, song=f"{n * 9}"))
    assert etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1).matched == 9
    assert fetched.call_count == fetches


def test_a_catalogue_that_grew_during_the_batch_is_asked(
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fetched: mock.Mock,
) -> None:
    monkeypatch.setattr(matching, "MOST_FETCHED_SONGS", 1)
    begin_batch = Stager._begin_batch  # noqa: SLF001

    def then_publish_songs(stager: Stager) -> PlayTransform:
        transform = begin_batch(stager)
        etl.run(song_data=tmp_path / "song_data", dsn=dsn)
        return transform

    write(tmp_path, "song_data/a.json", song(), song("S2", title="Other"))
    write(tmp_path, "log_data/a.json", play())
    with begin_run(dsn, db) as run_id, mock.patch.object(Stager, "_begin_batch", then_publish_songs):
        stager = Stager(dsn, run_id, time.time() - 60)
        stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
        stager.close()
        assert publish_run(db, dsn, run_id) is None
    assert fetched.call_count == 0
    assert one(db, "SELECT count(song_id) FROM songplays") == 1


def test_a_song_that_arrives_after_the_catalogue_was_fetched_is_matched(
    db: Connection[Any], dsn: str, tmp_path: Path, fetched: mock.Mock
) -> None:
    """Publishing matches the first month's plays again; the second month's batch fetches once more."""
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time() - 60)
        write(tmp_path, "first/a.json", play())
        stager.stage(Batch(tuple(find_files(tmp_path / "first", "log"))))
        write(tmp_path, "song_data/a.json", song())
        etl.run(song_data=tmp_path / "song_data", dsn=dsn)
        write(tmp_path, "second/a.json", play(NOVEMBER + 40 * 24 * 3_600_000))
        stager.stage(Batch(tuple(find_files(tmp_path / "second", "log"))))
        stager.close()
        assert fetched.call_count == 2
        assert publish_run(db, dsn, run_id) is None
    assert one(db, "SELECT count(song_id) FROM songplays") == 2
    assert [finding.name for finding in check(dsn) if finding.found] == []


@pytest.mark.parametrize(("most", "fetches"), [(8, 1), (7, 0)])
def test_a_catalogue_with_long_ids_is_not_fetched(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, fetches: int
) -> None:
    monkeypatch.setattr("sparkify.stage.matching.MOST_FETCHED_BYTES", most)
    records = [song(f"S{number}", artist_id=f"A{number}", title=f"{number}") for number in range(2)]
    write(tmp_path, "song_data/a.json", *records)
    write(tmp_path, "log_data/a.json", play(song="1"))
    take = PlayTransform.take_catalogue
    with mock.patch.object(PlayTransform, "take_catalogue", autospec=True, side_effect=take) as fetched:
        assert etl.run(tmp_path, dsn=dsn).matched == 1
    assert fetched.call_count == fetches
