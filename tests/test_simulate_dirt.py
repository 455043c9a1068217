"""Dirt: the truth files record everything that happens to a record, and nothing else happens."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.simulate import simulate
from sparkify.simulate.distort import BROKEN, NAMES

Place = tuple[str, int]
WORLD: dict[str, Any] = {"users": 96, "days": 30, "songs": 1_000, "seed": 5}
DIRT = 0.05


class NotAPlay(Exception):
    """The line is neither a valid play nor an event of another page."""


def _judge(line: bytes) -> dict[str, Any] | None:
    """Parse a line as a play; None for another page. This follows the rules, not the loader's code."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise NotAPlay
        return dict(pairs)

    def never(_: str) -> None:
        raise NotAPlay

    try:
        event = json.loads(line.decode(), object_pairs_hook=once, parse_constant=never)
        json.dumps(event, ensure_ascii=False).encode()
    except ValueError as error:
        raise NotAPlay from error
    if not isinstance(event, dict) or not isinstance(event.get("page"), str):
        raise NotAPlay
    if event["page"] != "NextSong":
        return None
    whole = [event.get("sessionId"), event.get("itemInSession"), event.get("ts")]
    texts = [event.get("song"), event.get("artist"), event.get("level")]
    length = event.get("length")
    if (
        any(type(number) is not int for number in whole)
        or any(type(text) is not str or "\0" in text for text in texts)
        or type(length) not in {int, float}
        or length <= 0
        or not event["song"]
        or not str(event.get("userId", "")).isdigit()
        or not 2000 <= _year(event["ts"]) <= 2099
    ):
        raise NotAPlay
    return event


def _year(ts: int) -> int:
    return datetime.fromtimestamp(ts / 1000, UTC).year if 0 <= ts < 1 << 42 else 0


def _lines(out: Path) -> Iterator[tuple[Place, bytes]]:
    for path in sorted(out.rglob("log_data/*/*/*.json")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            yield (str(path.relative_to(out)), number), line


def _truth(out: Path, folder: str) -> list[dict[str, Any]]:
    paths = sorted((out / "truth" / folder).rglob("*.ndjson"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def _places(rows: list[dict[str, Any]], effect: str) -> list[Place]:
    return sorted((row["file"], row["line"]) for row in rows if row["effect"] == effect)


def _songs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.json")}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean")
    simulate(out, **WORLD)
    return out


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dirty")
    simulate(out, **WORLD, dirt=DIRT)
    return out


def test_what_is_no_play_is_what_the_truth_says(dirty: Path) -> None:
    rejected = []
    for place, line in _lines(dirty):
        try:
            _judge(line)
        except NotAPlay:
            rejected.append(place)
    truth = _truth(dirty, "log_data")
    assert sorted(rejected) == _places(truth, "rejected")
    assert len(rejected) > 50


def test_page_views_are_those_of_the_lines(dirty: Path, dsn: str, tmp_path: Path) -> None:
    """Dirt spoils no page view, but copies of files repeat them."""
    data = tmp_path / "data"
    shutil.copytree(dirty, data)
    shutil.copytree(data / "late", data, dirs_exist_ok=True)
    report, _ = _loaded(data, dsn)
    lines = [
        json.loads(line) for place, line in _lines(data) if b'"NextSong"' not in line and b'"page"' in line
    ]
    columns = ("sessionId", "itemInSession", "userId", "level", "page", "auth", "method", "status")
    expected = {(event["ts"], *(event[name] for name in columns)) for event in lines}
    with connect(dsn) as connection:
        found = connection.execute(
            "SELECT (extract(epoch FROM start_time) * 1000)::bigint, session_id, item_in_session,"
            " coalesce(user_id::text, ''), level, page, auth, method, status FROM analytics.page_views"
        ).fetchall()
    assert len(found) == len(expected) > 1000
    assert set(found) == expected
    assert report.books.page_views > len(found)


def test_every_kind_of_dirt_does_what_it_is_for(clean: Path, tmp_path: Path) -> None:
    simulate(tmp_path, users=150, days=30, songs=300, packed=True, dirt=0.5)
    rows = _truth(tmp_path, "log_data")
    kinds = {row["what"]: row["effect"] for row in rows if row["what"] != "file copied"}
    assert set(kinds) == {*NAMES, *BROKEN, "line twice", "late file"}
    assert {what for what, effect in kinds.items() if effect == "rejected"} == set(BROKEN)
    assert {what for what, effect in kinds.items() if effect == "loaded"} == set(NAMES)
    assert {row["what"] for row in _truth(tmp_path, "song_data")} == {"late song", "torn"}
    assert not (clean / "truth").exists()
    assert not (clean / "late").exists()


def test_each_broken_line_is_rejected_by_the_judge_whatever_the_chance(clean: Path) -> None:
    from sparkify.simulate.draws import Draws

    draws = Draws([1])
    plays = [line for _, line in _lines(clean) if b'"NextSong"' in line][:150]
    for what, break_it in BROKEN.items():
        for line in plays:
            broken = break_it(line, draws)
            assert broken.strip(), what
            assert b"\n" not in broken, what
            with pytest.raises(NotAPlay):
                _judge(broken)


def test_duplicates_are_what_the_truth_says_event_by_event(dirty: Path) -> None:
    times: Counter[tuple[int, int]] = Counter()
    for _, line in _lines(dirty):
        try:
            play = _judge(line)
        except NotAPlay:
            continue
        if play is not None:
            times[play["sessionId"], play["itemInSession"]] += 1
    rows = [row for row in _truth(dirty, "log_data") if row["effect"] == "duplicate"]
    told = Counter((row["session_id"], row["item_in_session"]) for row in rows)
    assert {event: count - 1 for event, count in times.items() if count > 1} == told
    assert {row["what"] for row in rows} == {"line twice", "file copied"}


def test_nothing_happens_but_what_the_truth_says(clean: Path, dirty: Path) -> None:
    truth = {
        (row["file"], row["line"]): row for row in _truth(dirty, "log_data") if row["what"] != "late file"
    }
    originals: dict[tuple[int, int], dict[str, Any]] = {}
    expected = Counter()
    for (file, _), line in _lines(clean):
        event = json.loads(line)
        originals[event["sessionId"], event["itemInSession"]] = event
        expected[file.rsplit("/", 1)[1], line] += 1
    untouched: Counter[tuple[str, bytes]] = Counter()
    named = 0
    before = b""
    for place, line in _lines(dirty):
        row = truth.get(place)
        if row is not None and row["what"] == "line twice":
            assert line == before
        before = line
        name = place[0].rsplit("/", 1)[1]
        if row is None:
            untouched[name, line] += "-copy" not in name
            continue
        was = originals[row["session_id"], row["item_in_session"]]
        assert (row["title"], row["artist"], row["length"]) == (was["song"], was["artist"], was["length"])
        if row["effect"] == "loaded":
            now = json.loads(line)
            named += 1
            differs = {key for key in was if was[key] != now[key]}
            assert differs
            assert differs <= {"song", "artist", "length"}
            assert abs(now["length"] - was["length"]) <= 2.00001
    assert not untouched - expected
    touched = sum((expected - untouched).values())
    plays = sum(event["page"] == "NextSong" for event in originals.values())
    assert touched == sum(row["what"] not in {"line twice", "file copied"} for row in truth.values())
    assert touched + sum(row["what"] == "line twice" for row in truth.values()) == pytest.approx(
        DIRT * plays, rel=0.2
    )
    assert named > 100


def test_songs_that_come_late_or_torn(clean: Path, dirty: Path) -> None:
    rows = {Path(row["file"]).name: row for row in _truth(dirty, "song_data")}
    whole, now, late = (
        _songs(clean / "song_data"),
        _songs(dirty / "song_data"),
        _songs(dirty / "late/song_data"),
    )
    assert set(whole) == set(now) | set(late)
    assert {name for name, row in rows.items() if row["what"] == "late song"} == set(late)
    assert all(text == whole[name] for name, text in late.items())
    torn = {name for name, text in now.items() if text != whole[name]}
    assert {name for name, row in rows.items() if row["what"] == "torn"} == torn
    for name in torn:
        assert whole[name].startswith(now[name])
        with pytest.raises(ValueError):
            json.loads(now[name])
    for name, row in rows.items():
        song = json.loads(whole[name])
        assert (row["song_id"], row["title"], row["line"]) == (song["song_id"], song["title"], 1)
        assert (dirty / row["file"]).is_file()


@pytest.mark.parametrize("what", ["late file", "file copied"])
def test_each_play_of_a_late_or_copied_file_has_its_row(dirty: Path, what: str) -> None:
    rows = [row for row in _truth(dirty, "log_data") if row["what"] == what]
    files = {row["file"] for row in rows}
    paths = [str(path.relative_to(dirty)) for path in dirty.rglob("log_data/*/*/*.json")]
    if what == "late file":
        assert files == {path for path in paths if path.startswith("late/") and "-copy" not in path}
    else:
        assert files == {path for path in paths if "-copy" in path}
    plays = {}
    for place, line in _lines(dirty):
        if place[0] in files:
            try:
                play = _judge(line)
            except NotAPlay:
                play = {}
            if play is not None:
                plays[place] = play
    told = {(row["file"], row["line"]): row for row in rows}
    assert set(told) == set(plays)
    for place, play in plays.items():
        row = told[place]
        assert not play or (play["sessionId"], play["itemInSession"]) == (
            row["session_id"],
            row["item_in_session"],
        )
        assert row["effect"] == ("late" if what == "late file" else "duplicate" if play else "rejected")
        assert row["title"]


def test_late_packs_come_to_lie_beside_the_others(tmp_path: Path) -> None:
    simulate(tmp_path, users=1, days=1, songs=500, packed=True, dirt=0.3)
    late = sorted(path.name for path in (tmp_path / "late/song_data").iterdir())
    assert late == ["songs-00000-late.json"]
    shutil.copytree(tmp_path / "late", tmp_path, dirs_exist_ok=True)
    lines = [line for path in (tmp_path / "song_data").iterdir() for line in path.read_text().split("\n")]
    assert len(lines) == 500


def test_lines_in_packs_are_counted(tmp_path: Path) -> None:
    simulate(tmp_path, users=1, days=1, songs=500, packed=True, dirt=0.3)
    rows = _truth(tmp_path, "song_data")
    assert len(rows) > 100
    for row in rows:
        line = (tmp_path / row["file"]).read_text().split("\n")[row["line"] - 1]
        if row["what"] == "late song":
            assert json.loads(line)["song_id"] == row["song_id"]
        else:
            assert "year" not in line


def _loaded(out: Path, dsn: str) -> tuple[etl.Report, list[Place]]:
    report = etl.run(out, dsn=dsn, workers=2)
    with connect(dsn) as connection:
        return report, _rejects(connection, out)


def _rejects(connection: Connection[Any], out: Path) -> list[Place]:
    rows = connection.execute(
        "SELECT f.path, r.line FROM etl.rejected_records r JOIN etl.files f USING (file_id)"
    ).fetchall()
    return sorted((str(Path(path).relative_to(out)), line) for path, line in rows)


def test_clean_data_loads_without_rejects_and_matches(clean: Path, dsn: str) -> None:
    report, rejects = _loaded(clean, dsn)
    said = report.as_dict()
    assert rejects == []
    assert (said["lines"]["rejected"], said["lines"]["duplicates"]) == (0, 0)
    assert said["matched"] / said["rows"]["songplays"] == pytest.approx(0.5, abs=0.03)


def test_the_loader_rejects_and_counts_twice_what_the_truth_says(
    dirty: Path, dsn: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(dirty, data)
    logs, songs = _truth(dirty, "log_data"), _truth(dirty, "song_data")
    _loaded(data, dsn)
    # Now the late files arrive, beside the others.
    shutil.copytree(data / "late", data, dirs_exist_ok=True)
    report, rejects = _loaded(data, dsn)

    places = _places(logs, "rejected") + _places(songs, "rejected")
    assert rejects == sorted((file.removeprefix("late/"), line) for file, line in places)
    with connect(dsn) as connection:
        sources = {
            (session, item): (str(Path(path).relative_to(data)), line)
            for session, item, path, line in connection.execute(
                "SELECT session_id, item_in_session, path, line FROM songplays"
                " JOIN analytics.heard_plays USING (start_time, songplay_id) JOIN etl.files USING (file_id)"
            )
        }
        by_file = dict(
            connection.execute("SELECT path, duplicates FROM etl.files WHERE duplicates > 0").fetchall()
        )
    # Of all lines with the same event, one is loaded and the others are duplicates in their files.
    rejected = set(rejects)
    places: dict[tuple[int, int], list[Place]] = {}
    for place, line in _lines(data):
        if place[0].startswith("log_data/") and place not in rejected and (play := _judge(line)):
            places.setdefault((play["sessionId"], play["itemInSession"]), []).append(place)
    assert all(sources[event] in said for event, said in places.items())
    duplicates = {
        event: [place for place in said if place != sources[event]] for event, said in places.items()
    }
    told = Counter(
        (row["session_id"], row["item_in_session"]) for row in logs if row["effect"] == "duplicate"
    )
    assert {event: len(lost) for event, lost in duplicates.items() if lost} == told
    lost_by_file = Counter(str(data / file) for lost in duplicates.values() for file, _ in lost)
    assert lost_by_file == by_file
    assert report.as_dict()["rows"]["songs"] == WORLD["songs"] - len(_places(songs, "rejected"))
