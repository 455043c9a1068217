"""The content of the warehouse depends on the files alone: not on order, cut, form or who loads them."""

import gzip
import json
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.simulate import simulate
from tests.support.data import write
from tests.support.examples import examples, times
from tests.support.warehouse import checksums, content, one
from tests.support.worlds import events, songs


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month and a day; some events in two files, some with other content, records that disagree."""
    root = tmp_path_factory.mktemp("made_up")
    simulate(root, users=15, songs=40, days=32, seed=7, force=True)
    logs = sorted((root / "log_data").rglob("*.json"))
    events = [json.loads(line) for line in logs[3].read_text().splitlines()]
    plays = [event for event in events if event["page"] == "NextSong"]
    write(root, "log_data/again/exactly.json", *plays[:40])
    write(root, "log_data/again/other_level.json", *({**p, "level": "zzz"} for p in plays[:20]))
    write(root, "log_data/again/other_song.json", *({**p, "song": "A", "level": "aaa"} for p in plays[10:30]))
    write(root, "log_data/again/other_name.json", *({**p, "firstName": "Aa"} for p in plays))
    views = [event for event in events if event["page"] != "NextSong"]
    write(root, "log_data/again/other_views.json", *({**v, "level": "aaa"} for v in views[:20]))
    write(root, "log_data/again/more_views.json", *({**v, "level": "zzz"} for v in views[10:]), *views)
    records = [json.loads(path.read_bytes()) for path in sorted((root / "song_data").rglob("*.json"))]
    write(root, "song_data/again.json", *({**r, "title": "Aa", "year": 1999} for r in records[:5]))
    write(
        root,
        "song_data/names.json",
        *({**r, "artist_name": "Aa", "artist_location": "X"} for r in records[3:9]),
    )
    return root


@pytest.fixture(scope="module")
def expected(made_up: Path, module_dsn: str) -> dict[str, str]:
    etl.run(made_up, dsn=module_dsn, workers=1)
    with connect(module_dsn) as connection:
        return checksums(connection)


@pytest.mark.parametrize(
    ("workers", "batch_bytes"), [(1, 1 << 30), (1, 50_000), (2, 50_000), (2, 1 << 30), (4, 1)]
)
def test_batches_and_workers(
    made_up: Path, expected: dict[str, str], dsn: str, workers: int, batch_bytes: int
) -> None:
    etl.run(made_up, dsn=dsn, workers=workers, batch_bytes=batch_bytes)
    assert content(dsn) == expected


def test_chunks_of_one_file(
    made_up: Path, expected: dict[str, str], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.extract.files.READ_BYTES", 4096)
    monkeypatch.setattr("sparkify.extract.lines.chunks.__defaults__", (None, 10_000))
    packed = dsn and made_up.parent / "packed"
    (packed / "log_data").mkdir(parents=True, exist_ok=True)
    shutil.copytree(made_up / "song_data", packed / "song_data", dirs_exist_ok=True)
    texts = [path.read_bytes().removesuffix(b"\n") for path in sorted((made_up / "log_data").rglob("*.json"))]
    (packed / "log_data" / "all.json").write_bytes(b"\n".join(texts))
    etl.run(packed, dsn=dsn, workers=2)
    assert content(dsn) == expected


@pytest.mark.parametrize("seed", range(times(1, thorough=3)))
def test_files_in_random_order_a_few_a_run(
    made_up: Path, expected: dict[str, str], dsn: str, tmp_path: Path, seed: int
) -> None:
    paths = sorted(made_up.rglob("*.json"))
    random.Random(seed).shuffle(paths)
    for start in range(0, len(paths), 16):
        for path in paths[start : start + 16]:
            copy = tmp_path / path.relative_to(made_up)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        etl.run(tmp_path, dsn=dsn, workers=1)
    assert content(dsn) == expected


def test_logs_before_songs(made_up: Path, expected: dict[str, str], dsn: str) -> None:
    etl.run(log_data=made_up / "log_data", dsn=dsn)
    etl.run(song_data=made_up / "song_data", dsn=dsn)
    assert content(dsn) == expected


def test_everything_twice_under_other_names(
    made_up: Path, expected: dict[str, str], dsn: str, tmp_path: Path
) -> None:
    for kind in ("song_data", "log_data"):
        shutil.copytree(made_up / kind, tmp_path / kind)
        shutil.copytree(made_up / kind, tmp_path / kind / "copy")
    report = etl.run(tmp_path, dsn=dsn)
    assert content(dsn) == expected
    assert report.books.duplicates >= report.rows["songplays"]


FORMS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: data.replace(b"\n", b"\r\n"), ""),
    (gzip.compress, ".gz"),
    (zstandard.compress, ".zst"),
    (lambda data: b"\xef\xbb\xbf" + data, ""),
    (lambda data: data.replace(b"\\/", b"/"), ""),
    (lambda data: data.replace(b'":', b'": '), ""),
]


@pytest.mark.parametrize("first", range(times(2, thorough=len(FORMS))))
def test_other_forms_of_the_same_files(
    made_up: Path, expected: dict[str, str], dsn: str, tmp_path: Path, first: int
) -> None:
    """The files take turns: CR LF, gzip, zstd, byte order mark, slashes not escaped, spaces after colons."""
    for number, path in enumerate(sorted(made_up.rglob("*.json")), first):
        form, suffix = FORMS[number % len(FORMS)]
        copy = tmp_path / path.relative_to(made_up)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.with_name(copy.name + suffix).write_bytes(form(path.read_bytes()))
    etl.run(tmp_path, dsn=dsn)
    assert content(dsn) == expected


def test_song_objects_over_several_lines(
    made_up: Path, expected: dict[str, str], dsn: str, tmp_path: Path
) -> None:
    shutil.copytree(made_up, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "song_data").rglob("TR*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    etl.run(tmp_path, dsn=dsn)
    assert content(dsn) == expected


def test_a_second_run_changes_nothing(made_up: Path, expected: dict[str, str], dsn: str) -> None:
    etl.run(made_up, dsn=dsn)
    report = etl.run(made_up, dsn=dsn)
    assert (report.files_new, report.run_id, report.books.lines) == (0, None, 0)
    assert content(dsn) == expected


def test_touched_files_are_not_read_again(made_up: Path, dsn: str, tmp_path: Path) -> None:
    shutil.copytree(made_up, tmp_path, dirs_exist_ok=True)
    etl.run(tmp_path, dsn=dsn)
    for path in tmp_path.rglob("*.json"):
        path.touch()
    assert etl.run(tmp_path, dsn=dsn).files_new == 0


def test_two_runs_at_once(made_up: Path, expected: dict[str, str], dsn: str) -> None:
    failures = []

    def load() -> None:
        try:
            etl.run(made_up, dsn=dsn, workers=1, batch_bytes=20_000)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert content(dsn) == expected


def test_a_log_that_grows_while_it_is_loaded_again(
    made_up: Path, expected: dict[str, str], dsn: str, tmp_path: Path
) -> None:
    shutil.copytree(made_up, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "log_data").rglob("*.json"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    first = etl.run(tmp_path, dsn=dsn)
    assert first.books.rejected > 0  # lines cut in the middle
    shutil.copytree(made_up, tmp_path, dirs_exist_ok=True)
    etl.run(tmp_path, dsn=dsn)
    with connect(dsn) as connection:
        assert one(connection, "SELECT count(*) FROM etl.rejected_records") == 0
    assert content(dsn) == expected


# --- the same with small worlds that Hypothesis makes up: every collision there is --------------------------

worlds = st.tuples(
    st.lists(st.lists(events, max_size=6), max_size=4), st.lists(st.lists(songs, max_size=3), max_size=3)
)


@examples(3, thorough=8)
@given(world=worlds, order=st.randoms(use_true_random=False))
def test_any_small_world_in_any_order(
    new_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, world: tuple, order: random.Random
) -> None:
    logs, catalogue = world
    root = tmp_path_factory.mktemp("world")
    write(root, "log_data/empty.json")  # there must be something to load
    files = [(f"log_data/{number}.json", records) for number, records in enumerate(logs)]
    files += [(f"song_data/{number}.json", records) for number, records in enumerate(catalogue)]
    for name, records in files:
        write(root, name, *records)
    at_once, one_by_one = new_dsn(), new_dsn()
    etl.run(root, dsn=at_once, batch_bytes=order.choice([1, 1000]), workers=order.choice([1, 2]))
    order.shuffle(files)
    other = tmp_path_factory.mktemp("other")
    write(other, "log_data/empty.json")
    for name, records in files:
        write(other, name, *records)
        etl.run(other, dsn=one_by_one, workers=1)
    assert content(one_by_one) == content(at_once)
