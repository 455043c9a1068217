"""The plan compares the files with those known; its memory depends on the files, not on those known."""

import os
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.database.session import Session
from sparkify.extract import plan as planning
from sparkify.extract.batches import Part
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.find import find_files
from sparkify.extract.plan import Plan, make_plan
from sparkify.operations.runs import drop
from tests.support.data import NOVEMBER, lines, play, write


def test_many_files_that_are_not_looked_for(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(lines(play()))
    etl.run(log_data=tmp_path, dsn=dsn)
    db.execute(
        "INSERT INTO etl.known_files (kind, path, version, size, mtime_ns, run_id, first_run_id)"
        " SELECT 'log', '/elsewhere/' || n || '.json', '1-1', 1, 1, 1, 1 FROM generate_series(1, 50000) n"
    )
    files = find_files(tmp_path, "log")
    tracemalloc.start()
    try:
        plan = make_plan(db, files)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (plan.found, plan.new) == (1, [])
    assert peak < 8e6


def test_each_kind_of_file(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """In order of path: new files, changed ones, ones that only look changed, and unreadable ones."""
    names = ["changed", "grown", "new", "racy", "settled", "touched", "unread", "Ünicode"]
    for at, name in enumerate(names):
        (tmp_path / f"{name}.json").write_bytes(lines(play(NOVEMBER + at)))
        if name != "racy":
            os.utime(tmp_path / f"{name}.json", (1e9, 1e9))
    (tmp_path / "new.json").rename(tmp_path / "aside")
    etl.run(log_data=tmp_path, dsn=dsn)
    (tmp_path / "aside").rename(tmp_path / "new.json")
    (tmp_path / "changed.json").write_bytes(lines(play(NOVEMBER + 9)))
    (tmp_path / "grown.json").write_bytes(lines(play(NOVEMBER + 1), play(NOVEMBER + 8)))
    os.utime(tmp_path / "touched.json", (1.1e9, 1.1e9))
    db.execute("UPDATE etl.known_files SET trouble = 'unreadable', version = NULL WHERE path LIKE '%unread%'")
    plan = make_plan(db, [*find_files(tmp_path, "log"), *find_files(tmp_path, "song")])
    assert plan.found == 2 * len(names)
    assert [Path(file.path).stem for file in plan.new if file.kind == "log"] == [
        "changed", "grown", "new", "unread",
    ]  # fmt: skip
    assert [Path(file.path).stem for file in plan.touched] == ["racy", "touched"]
    assert [Path(file.path).stem for file in plan.new if file.kind == "song"] == names


def deny(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be compared with what was read of it."""

    def denied(file: InputFile, *_: object) -> Iterator[bytes]:
        raise PermissionError(13, "Permission denied", file.path)

    monkeypatch.setattr(planning, "blocks", denied)


def test_a_file_that_cannot_be_compared_is_new(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was dropped leaves no digest of its files, and nothing is not equal to nothing."""
    log = write(tmp_path, "log_data/a.json", play(NOVEMBER, userId="1"))
    os.utime(log, ns=(10**18, 10**18))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/a.json", play(NOVEMBER, userId="2"))  # as long as before
    bad = write(tmp_path, "log_data/bad.json", "bad")
    held = etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert held.run_id is not None
    drop(held.run_id, dsn=dsn)
    bad.unlink()
    with monkeypatch.context() as patch:
        deny(patch)
        assert make_plan(db, find_files(tmp_path / "log_data", "log")).new
    etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT user_id FROM songplays ORDER BY 1").fetchall() == [(1,), (2,)]


def test_a_held_run_is_kept_if_its_file_cannot_be_compared(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path, "log_data/a.json", play(NOVEMBER), "bad")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    os.utime(log, ns=(10**18, 10**18))
    deny(monkeypatch)
    etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert db.execute("SELECT state FROM etl.runs ORDER BY run_id").fetchone() == ("held",)


def test_a_held_run_can_be_dropped_at_once(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the backends of its connections end late, of the load that held it and of the next one."""
    write(tmp_path, "log_data/a.json", "bad")
    sessions: list[Session] = []
    close = Session.close

    def leave_open(session: Session) -> None:
        sessions.append(session)

    monkeypatch.setattr(Session, "close", leave_open)
    held = etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert held.run_id is not None
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).held_runs == [held.run_id]  # it adopts the run
    drop(held.run_id, dsn=dsn)
    for session in sessions:
        close(session)


@example(given_files=[("log", 2), ("log", 3)], batch_bytes=4, cut=set())
@example(given_files=[("log", 2), ("log", 3)], batch_bytes=5, cut=set())
@given(
    given_files=st.lists(st.tuples(st.sampled_from(["log", "log", "song"]), st.integers(0, 6)), max_size=20),
    batch_bytes=st.integers(1, 10),
    cut=st.sets(st.integers(0, 19)),
)
def test_batches_have_every_file_once_in_order(
    given_files: list[tuple[Kind, int]], batch_bytes: int, cut: set[int]
) -> None:
    """They are as large as they may be: by bytes, unless one file has more, and by files."""
    files = [InputFile(kind, f"{at}.json", size, 0, None) for at, (kind, size) in enumerate(given_files)]
    logs = [file for file in files if file.kind == "log"]
    parts = {logs[at]: [Part(0, 1, 1, 1, 1, 1), Part(1, 1, 2, None, 1, 1)] for at in cut if at < len(logs)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "BATCH_FILES", 2)
        batches = Plan(len(files), files).batches("log", batch_bytes, parts)
    expected = [(file, part) for file in logs for part in parts.get(file, [None])]
    assert [(file, batch.part) for batch in batches for file in batch.files] == expected
    sizes = [[file.size for file in batch.files] for batch in batches]
    assert all(len(each) == 1 or (len(each) <= 2 and sum(each) <= batch_bytes) for each in sizes)
    for (batch, following), (each, later) in zip(pairwise(batches), pairwise(sizes), strict=True):
        fits = len(each) < 2 and sum(each) + later[0] <= batch_bytes
        assert batch.part or following.part or not fits


@pytest.mark.parametrize(
    ("megabytes", "best"), [(0, 24), (24 * 16 - 1, 24), (100 * 16, 100), (256 * 16 + 99, 256), (10**9, 256)]
)
def test_the_best_size_of_batches(megabytes: int, best: int) -> None:
    """Eight for each worker, within bounds. Files of the other kind do not count."""
    logs = [InputFile("log", f"{at}.json", megabytes << 19, 0, None) for at in range(2)]
    plan = Plan(3, [*logs, InputFile("song", "song.json", 1 << 40, 0, None)])
    assert plan.batch_bytes("log", 2) == best << 20


def test_a_batch_has_5000_files_at_most() -> None:
    files = [InputFile("song", f"{at}.json", 1, 0, None) for at in range(5001)]
    assert [len(batch.files) for batch in Plan(5001, files).batches("song")] == [5000, 1]
