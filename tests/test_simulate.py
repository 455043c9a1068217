"""The simulator: its files have the shape of the real ones and depend only on the world and the date."""

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sparkify.cli import main
from sparkify.errors import SparkifyError, UsageError
from sparkify.simulate import simulate

Sessions = list[list[dict[str, Any]]]
Run = Callable[..., subprocess.CompletedProcess[str]]
FEEDBACK = {"Thumbs Up", "Thumbs Down", "Add to Playlist", "Add Friend"}
NOBODY = ["firstName", "gender", "lastName", "location", "registration", "userAgent"]


def _strict(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    def never(constant: str) -> None:
        pytest.fail(constant)

    record = json.loads(text, object_pairs_hook=once, parse_constant=never)
    assert isinstance(record, dict)
    return record


def _log_files(out: Path) -> list[Path]:
    return sorted((out / "log_data").rglob("*.json"))


def _events(out: Path) -> Iterator[dict[str, Any]]:
    for path in _log_files(out):
        for line in path.read_bytes().decode().split("\n"):
            yield _strict(line)


def _sessions(out: Path) -> Sessions:
    """The events of each session, in order."""
    sessions = defaultdict(list)
    for event in _events(out):
        sessions[event["sessionId"]].append(event)
    return [sorted(session, key=lambda e: e["itemInSession"]) for session in sessions.values()]


def _songs(out: Path) -> list[dict[str, Any]]:
    return [
        _strict(line)
        for path in sorted((out / "song_data").rglob("*.json"))
        for line in path.read_text().split("\n")
    ]


def _files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean")
    simulate(out, songs=2_000, unmatched=0.25, seed=7)
    return out


def test_lines_are_byte_for_byte_in_the_shape_of_the_real_ones(clean: Path) -> None:
    accents = slashes = 0
    for path in _log_files(clean):
        text = path.read_bytes().decode()
        assert not text.endswith("\n")
        times = []
        for line in text.split("\n"):
            event = _strict(line)
            assert list(event) == sorted(event)
            written = json.dumps(event, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
            assert line == written
            accents += not line.isascii()
            slashes += "\\/" in (event["song"] or "").replace("/", "\\/")
            times.append(event["ts"])
            assert f"{datetime.fromtimestamp(event['ts'] / 1000, UTC):%Y/%m/%Y-%m-%d}" in str(path)
        assert times == sorted(times)
    assert accents
    assert slashes


def test_every_line_is_valid_by_the_rules_of_the_loader(clean: Path) -> None:
    types = {
        "itemInSession": int,
        "sessionId": int,
        "status": int,
        "ts": int,
        "userId": str,
        "page": str,
        "level": str,
    }
    for event in _events(clean):
        assert {key for key, kind in types.items() if type(event[key]) is not kind} == set()
        assert event["level"] in {"free", "paid"}
        if event["page"] == "NextSong":
            assert re.fullmatch("[1-9][0-9]*", event["userId"])
            assert type(event["length"]) is float
            assert event["length"] > 0
            assert event["song"]
            assert event["artist"]
        else:
            assert [event[key] for key in ("artist", "length", "song")] == [None] * 3
        if event["auth"] == "Logged Out":
            assert event["userId"] == ""
            assert [event[key] for key in NOBODY] == [None] * len(NOBODY)
        else:
            assert type(event["registration"]) is float
            assert event["registration"] < event["ts"]
            assert all(event[key] for key in NOBODY)


def test_sessions_are_one_persons_and_numbered_through(clean: Path) -> None:
    ends: dict[str, int] = {}
    for session in sorted(_sessions(clean), key=lambda s: s[0]["ts"]):
        assert [e["itemInSession"] for e in session] == list(range(len(session)))
        assert [e["ts"] for e in session] == sorted(e["ts"] for e in session)
        people = {e["userId"] for e in session} - {""}
        assert len(people) <= 1
        for before, after in pairwise(e for e in session if e["page"] not in FEEDBACK):
            if before["page"] == "NextSong" and after["page"] in {"NextSong", "Roll Advert"}:
                assert after["ts"] - before["ts"] == int(before["length"]) * 1000
        for who in people:
            assert ends.get(who, 0) < session[0]["ts"], "one person, two sessions at a time"
            ends[who] = session[-1]["ts"]


@pytest.fixture(scope="module")
def many_sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    """The sessions of 300 people in two months."""
    out = tmp_path_factory.mktemp("many")
    simulate(out, users=300, days=60, songs=100, packed=True)
    return _sessions(out)


def test_feedback_comes_while_a_song_plays(many_sessions: Sessions) -> None:
    seen = set()
    for session in many_sessions:
        others = [n for n, event in enumerate(session) if event["page"] not in FEEDBACK]
        for before, after in pairwise([*others, len(session)]):
            play, given = session[before], session[before + 1 : after]
            if given:
                assert play["page"] == "NextSong"
                end = play["ts"] + int(play["length"]) * 1000
                if after < len(session):
                    end = min(end, session[after]["ts"])
                assert all(play["ts"] < event["ts"] < end for event in given)
            for event in given:
                assert event["level"] == play["level"]
                assert (event["method"], event["status"], event["auth"]) == ("PUT", 307, "Logged In")
                seen.add(event["page"])
    assert seen == FEEDBACK


def test_an_advert_comes_between_two_songs_and_takes_its_time(
    many_sessions: Sessions,
) -> None:
    levels: Counter[str] = Counter()
    for session in many_sessions:
        events = [event for event in session if event["page"] not in FEEDBACK]
        for n, event in enumerate(events):
            if event["page"] == "Roll Advert":
                assert (event["method"], event["status"]) == ("GET", 200)
                assert events[n - 1]["page"] == "NextSong"
                levels[event["level"]] += 1
                # The session may have ended during the advert.
                for after in events[n + 1 : n + 2]:
                    assert (after["page"], after["ts"] - event["ts"]) == ("NextSong", 30_000)
    assert levels["free"] > 10 * levels["paid"] > 0


def test_who_cancels_is_gone(many_sessions: Sessions) -> None:
    gone: dict[str, tuple[int, int]] = {}
    last: dict[str, tuple[int, int]] = {}
    for session in many_sessions:
        for before, event in pairwise(session):
            if event["page"] == "Cancel":
                assert (event["method"], event["status"]) == ("PUT", 307)
                assert (before["page"], event["ts"] - before["ts"]) == ("Settings", 1000)
            if event["page"] == "Cancellation Confirmation":
                assert (event["method"], event["status"], event["auth"]) == ("GET", 200, "Cancelled")
                assert before["page"] == "Cancel"
                gone[event["userId"]] = event["ts"], event["itemInSession"]
        for event in session:
            last[event["userId"]] = max(
                last.get(event["userId"], (0, 0)), (event["ts"], event["itemInSession"])
            )
    assert {who: last[who] for who in gone} == gone
    assert 0.02 < len(gone) / len(last) < 0.06


def test_a_person_stays_the_same_and_plays_on_one_device(clean: Path) -> None:
    said = defaultdict(set)
    for event in _events(clean):
        if event["userId"]:
            said[event["userId"]].add(tuple(event[key] for key in NOBODY))
    assert len(said) > 80
    assert {len(ways) for ways in said.values()} == {1}


def test_song_files_are_like_those_of_the_million_song_dataset(clean: Path) -> None:
    artists = defaultdict(set)
    ids = set()
    for path in (clean / "song_data").rglob("*.json"):
        text = path.read_text()
        song = _strict(text)
        assert text == json.dumps(song)
        keys = (
            "num_songs artist_id artist_latitude artist_longitude artist_location artist_name"
            " song_id title duration year"
        )
        assert list(song) == keys.split()
        assert re.fullmatch("SO[A-Z]{5}12A[0-9A-F]{8}", song["song_id"])
        assert re.fullmatch("AR[A-Z0-9]{5}1187[0-9A-F]{7}", song["artist_id"])
        assert re.fullmatch("TR[A-Z]{5}128F[0-9A-F]{7}", path.stem)
        assert path.relative_to(clean / "song_data").parts[:3] == (path.stem[2], path.stem[3], path.stem[4])
        artists[song["artist_id"]].add(tuple(song[k] for k in keys.split()[1:6]))
        ids.add(song["song_id"])
    assert len(ids) == 2_000
    assert len(artists) == 800
    assert {len(ways) for ways in artists.values()} == {1}
    assert len({name for ways in artists.values() for *_, name in ways}) == 800
    places = [next(iter(ways)) for ways in artists.values()]
    assert 0.3 < sum(place[3] == "" for place in places) / 800 < 0.5
    assert any(place[3] and place[1] is None for place in places)


def test_plays_match_the_catalogue_except_the_unmatched_share(clean: Path) -> None:
    songs = _songs(clean)
    known = {(s["title"], s["artist_name"], s["duration"]) for s in songs}
    names = {s["artist_name"] for s in songs}
    plays = [e for e in _events(clean) if e["page"] == "NextSong"]
    unmatched = [e for e in plays if (e["song"], e["artist"], e["length"]) not in known]
    assert abs(len(unmatched) / len(plays) - 0.25) < 0.03
    assert not names & {e["artist"] for e in unmatched}


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (1.0, 1)])
def test_unmatched_may_be_none_or_all(tmp_path: Path, share: float, wanted: int) -> None:
    simulate(tmp_path, users=20, days=5, songs=50, unmatched=share, packed=True)
    known = {(s["title"], s["artist_name"], s["duration"]) for s in _songs(tmp_path)}
    plays = [e for e in _events(tmp_path) if e["page"] == "NextSong"]
    assert {(e["song"], e["artist"], e["length"]) not in known for e in plays} == {bool(wanted)}


def test_levels_change_by_the_submit_pages_alone(many_sessions: Sessions) -> None:
    people = defaultdict(list)
    for session in many_sessions:
        for event in session:
            if event["userId"]:
                people[event["userId"]].append(event)
    changes = {"Submit Upgrade": 0, "Submit Downgrade": 0}
    for events in people.values():
        events.sort(key=lambda e: (e["ts"], e["sessionId"], e["itemInSession"]))
        level = events[0]["level"]
        for event in events:
            assert event["level"] == level
            if event["page"] in changes:
                changes[event["page"]] += 1
                assert level == ("free" if event["page"] == "Submit Upgrade" else "paid")
                level = "paid" if level == "free" else "free"
    assert changes["Submit Upgrade"] > 8
    assert changes["Submit Downgrade"] > 2


def test_people_join_over_time() -> None:
    from sparkify.simulate.world import World, day_number

    world = World(1_000, 10, 5, 1, date(2018, 11, 1), 0.2, 0.0)
    opened = day_number(world.opened)
    assert [world.people(opened + days) for days in (-1, 0, 365, 10_000)] == [0, 1_000, 1_500, 2_000]
    counts = [world.people(opened + days) for days in range(2_000)]
    assert counts == sorted(counts)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    for name, seed, workers in (("a", 3, 1), ("b", 3, 2), ("c", 4, 1)):
        simulate(
            tmp_path / name, users=30, days=9, songs=10_400, seed=seed, packed=True, dirt=0.1, workers=workers
        )
    first = _files(tmp_path / "a")
    assert first == _files(tmp_path / "b")
    assert set(first) & set(_files(tmp_path / "c"))
    assert all(text != first.get(name) for name, text in _files(tmp_path / "c").items())


@pytest.mark.parametrize(
    "form",
    [
        {"packed": True},
        {"dirt": 0.05},
        {"packed": True, "zipped": True, "dirt": 0.05},
    ],
    ids=["packed", "dirty, one song a file", "dirty, packed, zipped"],
)
def test_days_made_later_continue_those_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: dict[str, Any]
) -> None:
    from sparkify.simulate import days, people, starts

    for module in (days, people, starts):
        monkeypatch.setattr(module, "BLOCK", 64)  # four blocks of people instead of one
    world: dict[str, Any] = {"users": 200, "songs": 300, "seed": 3, "workers": 1, **form}
    simulate(tmp_path / "whole", days=26, **world)
    simulate(tmp_path / "parts", days=14, **world)
    simulate(tmp_path / "parts", days=11, start=date(2018, 11, 16), force=True, **world)
    simulate(tmp_path / "parts", days=1, start=date(2018, 11, 15), force=True, **world)
    assert _files(tmp_path / "whole") == _files(tmp_path / "parts")
    if form == {"packed": True}:
        dates: dict[int, set[str]] = defaultdict(set)
        for event in _events(tmp_path / "whole"):
            dates[event["sessionId"]].add(f"{datetime.fromtimestamp(event['ts'] / 1000, UTC):%m-%d}")
        assert {"11-14", "11-15"} in dates.values(), "no session over the midnight between the parts"


def test_the_songs_are_written_once(tmp_path: Path) -> None:
    world: dict[str, Any] = {"users": 5, "songs": 50, "packed": True}
    simulate(tmp_path, days=2, **world)
    (pack,) = (tmp_path / "song_data").iterdir()
    before = pack.stat()
    simulate(tmp_path, days=3, force=True, **world)
    assert pack.stat() == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a small world, and its settings."""
    out, world = tmp_path_factory.mktemp("small"), {"users": 5, "songs": 50, "days": 2, "dirt": 0.3}
    simulate(out, **world)
    return out, world


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"users": 6}, "--users is 5 there, not 6"),
        ({"songs": 51}, "--songs is 50 there, not 51"),
        ({"artists": 7}, "--artists is 20 there, not 7"),
        ({"seed": 2}, "--seed is 1 there, not 2"),
        ({"opened": date(2018, 10, 1)}, "--opened is 2018-11-01 there, not 2018-10-01"),
        ({"unmatched": 0.25}, "--unmatched is 0.5 there, not 0.25"),
        ({"dirt": 0.0}, "--dirt is 0.3 there, not 0.0"),
        ({"packed": True}, "--songs-layout is files there, not ndjson"),
        ({"zipped": True}, "--gzip is not given there, not given"),
    ],
)
def test_two_worlds_are_never_mixed(
    small: tuple[Path, dict[str, Any]], setting: dict[str, Any], said: str
) -> None:
    out, world = small
    before = _files(out)
    with pytest.raises(UsageError) as raised:
        simulate(out, **{**world, **setting}, force=True)
    assert f"{out} holds another world: {said}; choose" in str(raised.value)
    assert _files(out) == before


def test_the_same_settings_mean_the_same_bytes_in_every_version() -> None:
    """If the bytes change on purpose, raise folder._EDITION: earlier days cannot be continued."""
    with tempfile.TemporaryDirectory() as out:
        simulate(out, users=150, days=9, songs=700, dirt=0.1, packed=True)
        digest = hashlib.sha256()
        for name, text in sorted(_files(Path(out)).items()):
            digest.update(f"{name} {len(text)}\n".encode() + text)
    assert digest.hexdigest()[:16] == "567280f5d36e1f00"


def test_packed_and_zipped_hold_the_same(tmp_path: Path, clean: Path) -> None:
    simulate(tmp_path, songs=2_000, unmatched=0.25, seed=7, packed=True, zipped=True)
    for path in _log_files(clean):
        assert gzip.decompress((tmp_path / f"{path.relative_to(clean)}.gz").read_bytes()) == path.read_bytes()
    assert {path.read_bytes()[3:8] for path in tmp_path.rglob("*.gz")} == {bytes(5)}, (
        "a name or a time inside"
    )
    packs = list((tmp_path / "song_data").rglob("*"))
    assert [pack.name for pack in packs] == ["songs-00000.json.gz"]
    lines = gzip.decompress(packs[0].read_bytes()).decode().split("\n")
    assert sorted(lines) == sorted(path.read_text() for path in (clean / "song_data").rglob("*.json"))


def test_popularity_has_a_long_tail_and_hits_that_rise_and_fade() -> None:
    import numpy as np

    from sparkify.simulate.catalogue import catalogue_of
    from sparkify.simulate.listening import Listening
    from sparkify.simulate.people import people_of
    from sparkify.simulate.world import World

    world = World(10, 2_000, 500, 1, date(2018, 11, 1), 0.2, 0.0)
    catalogue = catalogue_of(world)
    listening = Listening(world, catalogue, people_of(world, catalogue, 10))
    fame = np.array([np.diff(listening.limits(day), prepend=0.0) for day in range(18_000, 18_200)])
    day, song = np.unravel_index(np.argmax(fame[50:100]), (50, fame.shape[1]))
    course = fame[:, song] / fame[50 + day, song]
    assert course[50 + day - 20] < 0.1, "risen within three weeks"
    assert 0.3 < course[50 + day + 14] < 0.7, "half faded after two"
    assert course[50 + day + 90] < 0.1
    ordinary = np.sort(fame[0])[::-1]
    assert ordinary[: len(ordinary) // 2].sum() / ordinary.sum() > 0.6
    assert ordinary[-1] > 0


BAD = {
    "--users -1": "--users",
    "--users 0": "--users",
    "--songs 0": "--songs",
    "--songs 5 --artists 6": "--artists",
    "--artists 0": "--artists",
    "--days 0": "--days",
    "--days -3": "--days",
    "--start 2018-12-01 --end 2018-11-30": "--end 2018-11-30 is before --start 2018-12-01",
    "--start 2018-10-31": "--opened",
    "--opened 1999-12-31": "before the year 2000",
    "--start 2099-12-01 --days 31": "2099-12-30 or earlier",
    "--days 99999999999": "2099-12-30 or earlier",
    "--seed -1": "--seed",
    "--unmatched 1.5": "--unmatched",
    "--unmatched nan": "--unmatched",
    "--dirt -0.1": "--dirt",
    "--workers 0": "--workers",
    "--workers 65": "--workers must be from 1 to 64",
    "--songs 2000001": "--songs must be from 1 to 2,000,000",
    "--users 5000001": "--users must be from 1 to 5,000,000",
}


def _command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sparkify", "simulate", *words], capture_output=True, text=True, check=False
    )


def _refused(said: subprocess.CompletedProcess[str]) -> str:
    """The line printed on refusal."""
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.startswith("sparkify: ")
    assert said.stderr.count("\n") == 1
    return said.stderr


@pytest.mark.parametrize("words", BAD)
def test_bad_arguments_get_one_clear_line_and_change_nothing(
    tmp_path: Path, words: str, run_here: Run
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine").write_text("mine")
    assert BAD[words] in _refused(run_here("simulate", tmp_path / "out", *words.split()))
    assert BAD[words] in _refused(run_here("simulate", tmp_path / "used", "--force", *words.split()))
    assert _files(tmp_path) == {"used/mine": b"mine"}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", ["--start 2018-13-01", "--days 2 --end 2018-11-05", "--songs-layout csv"])
def test_arguments_that_cannot_be_read(tmp_path: Path, words: str, run_here: Run) -> None:
    said = run_here("simulate", tmp_path / "out", *words.split())
    assert said.returncode == 2
    (line,) = said.stderr.splitlines()
    assert words.split()[-2] in line
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path, run_here: Run) -> None:
    (tmp_path / "mine").write_text("mine")
    small = ("--users", "2", "--days", "1", "--songs", "2")
    said = _refused(_command(tmp_path, *small))
    assert "is not empty" in said
    assert "--force" in said
    assert "cannot be used as a folder" in _refused(run_here("simulate", tmp_path / "mine", *small))
    assert _files(tmp_path) == {"mine": b"mine"}
    assert run_here("simulate", tmp_path, *small, "--force").returncode == 0
    assert _files(tmp_path)["mine"] == b"mine"
    before = _files(tmp_path)
    assert "is not empty" in _refused(run_here("simulate", tmp_path, *small))
    said = _refused(run_here("simulate", tmp_path, *small, "--force", "--seed", "2"))
    assert "--seed is 1 there, not 2" in said
    assert _files(tmp_path) == before


@pytest.mark.parametrize("theirs", ["song_data", "log_data", "late", "truth"])
def test_nothing_is_mixed_with_files_of_unknown_origin(tmp_path: Path, theirs: str) -> None:
    (tmp_path / theirs).mkdir()
    (tmp_path / theirs / "a.json").write_text("{}")
    with pytest.raises(UsageError, match=f"has a {theirs} of unknown origin"):
        simulate(tmp_path, users=2, days=1, songs=2, force=True)
    assert _files(tmp_path) == {f"{theirs}/a.json": b"{}"}


@pytest.mark.parametrize(
    "record", [b"", b"{}", b"[]", b"\xff", b'{"edition": 0, "settings": {}, "unfinished": null}']
)
def test_a_record_that_says_nothing_known_is_refused(tmp_path: Path, record: bytes) -> None:
    (tmp_path / ".sparkify-world").write_bytes(record)
    with pytest.raises(UsageError, match=r"choose another folder"):
        simulate(tmp_path, users=2, days=1, songs=2, force=True)
    assert _files(tmp_path) == {".sparkify-world": record}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the runs below write if nobody interrupts them."""
    out = tmp_path_factory.mktemp("uninterrupted")
    simulate(out, users=150, days=50, songs=200, workers=1)
    return out


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_known_and_completed_by_the_same_command(
    tmp_path: Path, uninterrupted: Path, run_here: Run, end: signal.Signals
) -> None:
    words = ["--users", "150", "--days", "50", "--songs", "200", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "sparkify", "simulate", tmp_path / "out", *words],
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as run:
        while not _log_files(tmp_path / "out"):
            assert run.poll() is None
            time.sleep(0.002)
        os.killpg(run.pid, end)
        assert run.stderr is not None
        said = run.stderr.read()
    if end == signal.SIGINT:
        assert run.returncode == 130
        assert said == "sparkify: interrupted; the same command with --force completes it\n"
    left = {path.name: path.read_bytes() for path in _log_files(tmp_path / "out")}
    assert 0 < len(left) < 50
    unfinished = _refused(run_here("simulate", tmp_path / "out", *words[:2], "--songs", "200", "--force"))
    assert "--start 2018-11-01 --end 2018-12-20" in unfinished
    assert run_here("simulate", tmp_path / "out", *words, "--force").returncode == 0
    assert _files(tmp_path / "out") == _files(uninterrupted)
    days = {path.name: path.read_bytes() for path in _log_files(uninterrupted)}
    assert left.items() <= days.items(), "a day that was not complete had its final name"


def test_a_worker_that_fails_ends_the_others_and_says_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # the worker answers on stdout
    out = tmp_path / "é"
    world: dict[str, Any] = {"users": 3_000, "songs": 50, "packed": True, "workers": 2}
    simulate(out, days=1, **world)
    (out / "log_data/2018/12").write_text("in the way")
    with pytest.raises(SparkifyError, match=r"^could not write: .*é/log_data/2018/12") as raised:
        simulate(out, days=360, force=True, **world)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().err == ""
    assert not (out / "log_data/2019/10/2019-10-26-events.json").exists(), "the other went on to the end"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(SparkifyError) as raised:
        simulate(tmp_path / "mine" / "below", users=2, days=2, songs=20, packed=True, workers=workers)
    assert re.match(r"could not write: .*mine/below", str(raised.value))
    assert capfd.readouterr().err == ""


def test_the_command_line_reports_what_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "--users 5 --songs 20 --start 2018-11-03 --end 2018-11-09"
    assert main(["simulate", str(tmp_path), *words.split()]) == 0
    said = capsys.readouterr()
    events = list(_events(tmp_path))
    assert said.out == ""
    assert said.err.startswith(f"{len(events):,} events")
    assert {path.name[:10] for path in _log_files(tmp_path)} <= {f"2018-11-0{n}" for n in range(3, 10)}
    assert len(_songs(tmp_path)) == 20


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, sparkify.simulate; print(sorted({'numpy', 'pyarrow'} & {*sys.modules}))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[]"


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from sparkify.simulate import simulate\n"
        "simulate(sys.argv[1], users=400, songs=500, packed=True, days=int(sys.argv[2]), workers=1)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    kilobytes = [
        int(
            subprocess.run(
                [sys.executable, "-c", code, str(tmp_path / days), days],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for days in ("5", "120")
    ]
    assert kilobytes[1] < kilobytes[0] + 7_000


def test_workers_import_nothing_from_the_folder_one_is_in(tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text("raise SystemExit(7)")
    words = ["simulate", "out", "--users", "2", "--songs", "5", "--days", "2", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sparkify", *words],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
