"""The plan compares the files with those known; its memory depends on the files, not on those known."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.database.session import Session
from sparkify.extract import plan as planning
from sparkify.extract.files import InputFile
from sparkify.extract.find import find_files
from sparkify.extract.plan import make_plan
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
