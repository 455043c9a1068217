"""`sparkify rejects drop`: rejects go, the books say so, and touching the file brings them back."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify import analytics, etl
from sparkify.analytics.export import export_rejects
from sparkify.database.connection import connect, database_is_missing
from sparkify.errors import NoWarehouse, UsageError
from sparkify.operations.check import check, checks
from sparkify.operations.dismiss import dismiss
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.operations.runs import drop, release
from sparkify.publish.reports import tally_of
from sparkify.stage.runs import lock_publisher
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.warehouse import LOCK_WAITS, checksums, one, wait_until

BOOKS = (
    "SELECT regexp_replace(path, '.*_data/', ''), lines, loaded, rejected, dismissed, forgotten"
    " FROM etl.files WHERE rejected + dismissed > 0 ORDER BY path"
)
BAD = '{"page": "NextSong"}'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two log files and a song file, with four rejects."""
    write(tmp_path, "song_data/a.json", song(), "{")
    write(tmp_path, "log_data/a.json", play(), "{", BAD)
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1, itemInSession=1), "{")
    return tmp_path


def books_are_true(db: Connection[Any]) -> bool:
    """The findings of `check` about the books only, which takes less time."""
    return not any(
        db.execute(checks()[name]).fetchall()
        for name in ("books_balance", "books_rejected", "files_have_books", "books_loaded")
    )


def touch(path: Path) -> None:
    """Give the file another time of change, and leave its bytes."""
    now = path.stat().st_mtime_ns
    os.utime(path, ns=(now, now + 1))


def test_rejects_of_a_file_that_is_gone(tmp_path: Path, dsn: str, run_here: Callable[..., Any]) -> None:
    """The file was repaired under another name, so retry cannot help."""
    torn = write(tmp_path, "log_data/a.json", play(), '{"page": "NextSong", "ts": 15411')
    etl.run(tmp_path, dsn=dsn)
    torn.unlink()
    write(tmp_path, "log_data/a-repaired.json", play(), play(NOVEMBER + 1, itemInSession=1))
    etl.run(tmp_path, dsn=dsn)
    assert retry(dsn=dsn).remaining == {"invalid_json": 1}

    done = run_here("rejects", "drop", "--file", "log_data/a.json", dsn=dsn)
    assert (done.returncode, done.stdout) == (
        0,
        "Dismissed 1 rejected line of 1 file: 1 invalid_json.\n",
    )
    assert done.stderr == "To get them back, touch their files and load again.\n"

    assert run_here("rejects", "list", dsn=dsn).stderr == "No rejected lines.\n"
    assert analytics.report(dsn=dsn)["quality"]["rejected"] == 0
    assert retry(dsn=dsn).tried == 0
    status = json.loads(run_here("status", "--json", dsn=dsn).stdout)
    assert [(row["rejected"], row["dismissed"]) for row in status["files"]] == [(0, 1)]
    assert "dismissed" in run_here("status", dsn=dsn).stdout
    assert not any(finding.found for finding in check(dsn))


CHOICES: list[tuple[dict[str, Any], list[int]]] = [  # with how many lines of each file they dismiss
    ({"path": "log_data/a.json"}, [2, 0, 0]),
    ({"reason": "invalid_json"}, [1, 1, 1]),
    ({"run": 1, "path": "b.json"}, [0, 1, 0]),
    ({"run": 2}, [0, 0, 0]),
    ({}, [2, 1, 1]),
]


def test_what_is_chosen_goes(data: Path, dsn: str, new_dsn: Callable[..., str]) -> None:
    etl.run(data, dsn=dsn)
    with connect(dsn) as db:
        before = checksums(db)
    for chosen, dismissed in CHOICES:
        other = new_dsn(of=conninfo_to_dict(dsn)["dbname"])
        listed = sum(row["lines"] for row in analytics.rejects(dsn=other, **chosen))
        done = dismiss(dsn=other, **chosen)
        assert (done.lines, done.files, done.other_runs) == (listed, sum(map(bool, dismissed)), 0)
        with connect(other) as db:
            books = db.execute(
                "SELECT rejected + dismissed, dismissed FROM etl.files ORDER BY kind, path"
            ).fetchall()
            assert books == [(many, of) for many, of in zip([2, 1, 1], dismissed, strict=True)]
            assert checksums(db) == before
            assert books_are_true(db)


@pytest.mark.parametrize("words", [[], ["--all", "--reason", "invalid_json"]])
def test_it_must_be_said_which(words: list[str], dsn: str, run_here: Callable[..., Any]) -> None:
    done = run_here("rejects", "drop", *words, dsn=dsn)
    assert done.returncode == 2
    assert "--file, --reason or --run, or --all alone" in done.stderr


NAMED: list[tuple[str, list[str]]] = [  # what --file says, and the files that it means
    ("11.json", ["x/11.json"]),
    ("x/1.json", ["x/1.json"]),
    ("log_data/y/1.json", ["y/1.json"]),
    ("{}/log_data/x/1.json", ["x/1.json"]),
    ("1.json", ["x/1.json", "y/1.json"]),
    (".json", []),
    ("x/", []),
    ("", []),
]


def test_file_names_are_matched_as_a_whole(tmp_path: Path, dsn: str, run_here: Callable[..., Any]) -> None:
    for name in ("x/1.json", "x/11.json", "y/1.json"):
        write(tmp_path, f"log_data/{name}", name)
    etl.run(log_data=tmp_path / "log_data", dsn=dsn)
    for said, names in NAMED:
        path, found = said.format(tmp_path), [f"{tmp_path}/log_data/{name}" for name in names]
        assert sorted(row["path"] for row in analytics.rejects(dsn=dsn, path=path)) == found
        assert retry(dsn=dsn, path=path).tried == len(found)
        if len(found) < 2:
            continue
        refused = run_here("rejects", "drop", "--file", path, dsn=dsn)
        assert (refused.returncode, refused.stdout, refused.stderr) == (
            2,
            "",
            f"sparkify: 1.json matches 2 files: {', '.join(found)}. Nothing was dismissed."
            " Give more of the path of one.\n",
        )
    # Only files with such lines count. Others of the same name are not touched.
    assert dismiss(dsn=dsn, path="x/1.json").files == 1
    assert dismiss(dsn=dsn, path="1.json").files == 1
    assert [row["path"] for row in analytics.rejects(dsn=dsn)] == [f"{tmp_path}/log_data/x/11.json"]


def test_json(data: Path, dsn: str, run_here: Callable[..., Any]) -> None:
    etl.run(data, dsn=dsn)
    done = run_here("rejects", "drop", "--all", "--json", dsn=dsn)
    assert json.loads(done.stdout) == {
        "dismissed": 4, "files": 3, "reasons": {"invalid_json": 3, "missing_field": 1},
        "not_dismissed": {"other_runs": 0},
    }  # fmt: skip


def test_the_state_of_the_data_changes(dsn: str, tmp_path: Path) -> None:
    """The dashboard asks everything again when it changes."""
    write(tmp_path, "log_data/a.json", play(userId="1"), view(userId="2", sessionId=2), "torn")
    etl.run(tmp_path, dsn=dsn)
    seen = [analytics.quality(dsn=dsn)]
    dismiss(dsn=dsn)
    seen.append(analytics.quality(dsn=dsn))
    forget([2], dsn=dsn)
    seen.append(analytics.quality(dsn=dsn))
    assert [(state["rejected"], state["page_views"]) for state in seen] == [(1, 1), (0, 1), (0, 0)]


@pytest.mark.parametrize("ask", [analytics.rejects, export_rejects, dismiss, retry])
def test_what_cannot_be_chosen(ask: Callable[..., Any], data: Path, dsn: str) -> None:
    etl.run(data, dsn=dsn)
    with pytest.raises(UsageError, match="There is no reason 'typo'"):
        ask(dsn=dsn, reason="typo")
    ask(dsn=dsn, run=10**30)
    assert sum(row["lines"] for row in analytics.rejects(dsn=dsn)) == 4


@pytest.mark.parametrize(
    "ask", [dismiss, retry, partial(forget, [15]), partial(drop, 1), partial(release, 1)]
)
def test_a_database_that_is_not_there_is_not_made(ask: Callable[..., Any], dsn: str) -> None:
    missing = make_conninfo(dsn, dbname="sparkify_no_such_database")
    with pytest.raises(NoWarehouse, match="There is no database sparkify_no_such_database"):
        ask(dsn=missing)
    assert database_is_missing(missing)


def test_runs_say_what_they_rejected(data: Path, dsn: str, db: Connection[Any]) -> None:
    """As their reports do, whatever is dismissed later."""
    etl.run(data, dsn=dsn)
    dismiss(dsn=dsn, reason="invalid_json")
    assert [run["rejected"] for run in analytics.runs(dsn=dsn)] == [4]
    assert tally_of(db, 1).books.rejected == 4


def test_they_stay_away_until_the_file_is_touched(data: Path, dsn: str, db: Connection[Any]) -> None:
    etl.run(data, dsn=dsn)
    before, books = checksums(db), db.execute(BOOKS).fetchall()
    dismiss(dsn=dsn)
    for _ in range(2):
        assert etl.run(data, dsn=dsn).files_new == 0
        assert analytics.rejects(dsn=dsn) == []
    touch(data / "log_data/a.json")
    assert etl.run(data, dsn=dsn).files_new == 1
    assert [row["path"][-6:] for row in analytics.rejects(dsn=dsn)] == ["a.json"] * 2
    write(data, "log_data/b.json", play(NOVEMBER + 1, itemInSession=1), "{", "")
    touch(data / "song_data/a.json")
    etl.run(data, dsn=dsn)
    # A file without dismissed lines is not read again when it is touched.
    touch(data / "song_data/a.json")
    assert etl.run(data, dsn=dsn).files_new == 0
    now = db.execute(BOOKS).fetchall()
    assert [row[3:] for row in now] == [row[3:] for row in books]
    assert checksums(db) == before
    assert books_are_true(db)


def test_a_file_whose_time_goes_back(data: Path, dsn: str, db: Connection[Any]) -> None:
    """The file has the time with which it was first read, as after a restore."""
    file = data / "log_data/a.json"
    first = file.stat()
    etl.run(data, dsn=dsn)
    touch(file)
    assert etl.run(data, dsn=dsn).files_new == 0
    dismiss(dsn=dsn)
    os.utime(file, ns=(first.st_atime_ns, first.st_mtime_ns))
    assert etl.run(data, dsn=dsn).books.rejected > 0
    assert [finding.name for finding in check(dsn) if finding.found] == []


def test_a_file_that_comes_back(data: Path, dsn: str, db: Connection[Any]) -> None:
    etl.run(data, dsn=dsn)
    path = data / "log_data/b.json"
    content = path.read_bytes()
    path.unlink()
    etl.run(data, dsn=dsn)
    dismiss(dsn=dsn, path="b.json")
    assert analytics.rejects(dsn=dsn, path="b.json") == []
    path.write_bytes(content)
    etl.run(data, dsn=dsn)
    assert [row["lines"] for row in analytics.rejects(dsn=dsn, path="b.json")] == [1]
    assert books_are_true(db)


def test_a_run_that_is_held_keeps_them(
    data: Path, dsn: str, db: Connection[Any], run_here: Callable[..., Any]
) -> None:
    """The rejects decide whether the run may be published."""
    assert run_here("etl", data, "--max-rejects", "1", dsn=dsn).returncode == 3
    done = run_here("rejects", "drop", "--run", "1", dsn=dsn)
    assert (done.returncode, done.stdout) == (0, "Dismissed 0 rejected lines of 0 files.\n")
    assert done.stderr.startswith("Did not dismiss 4 lines: their run is held, failed or still at work")
    assert len(analytics.rejects(dsn=dsn, evidence=True)) == 4
    assert run_here("runs", "release", "1", dsn=dsn).returncode == 0
    assert dismiss(dsn=dsn, run=1).lines == 4
    assert books_are_true(db)


def test_a_file_that_a_load_or_a_retry_works_on_is_left_alone(
    data: Path, dsn: str, db: Connection[Any]
) -> None:
    etl.run(data, dsn=dsn)
    with connect(dsn) as other, other.transaction():
        other.execute(
            "SELECT FROM etl.known_files WHERE path LIKE '%b.json' FOR UPDATE"
        )  # as a load and a retry do
        done = dismiss(dsn=dsn)
    assert (done.lines, done.files, done.other_runs) == (3, 2, 1)
    assert [row[0] for row in db.execute(BOOKS) if row[3]] == ["b.json"]
    assert books_are_true(db)


def test_it_takes_turns_with_whoever_publishes_or_forgets(data: Path, dsn: str, db: Connection[Any]) -> None:
    """Publishing and forgetting change books, too, and lock them in another order."""
    etl.run(data, dsn=dsn)
    with ThreadPoolExecutor() as pool:
        with connect(dsn) as other, other.transaction():
            lock_publisher(other)
            done = pool.submit(dismiss, dsn=dsn)
            wait_until(lambda: one(db, LOCK_WAITS) > 0 or done.done())
            assert not done.done()
        assert done.result().lines == 4


def test_while_others_load_retry_and_forget(data: Path, dsn: str, db: Connection[Any]) -> None:
    """The books are right at every moment, whichever comes first: a constraint enforces it."""
    etl.run(data, dsn=dsn)
    db.execute("UPDATE etl.warehouse SET earliest = '2030-01-01', before = '2031-01-01'")
    ended = threading.Event()

    def repeat(work: Callable[[], object]) -> None:
        while not ended.is_set():
            work()

    with ThreadPoolExecutor() as pool:
        works = (lambda: dismiss(dsn=dsn), lambda: retry(dsn=dsn), lambda: forget([99], dsn=dsn))
        others = [pool.submit(repeat, work) for work in works]
        try:
            for n in range(3):
                plays = (play(NOVEMBER + at, itemInSession=at) for at in range(n))
                write(data, "log_data/a.json", *plays, "{", *[BAD] * n)
                etl.run(data, dsn=dsn)
        finally:
            ended.set()
        for other in others:
            other.result()
    assert books_are_true(db)


def test_a_dismissed_line_of_a_person_who_is_forgotten(data: Path, dsn: str, db: Connection[Any]) -> None:
    """Nothing is kept of a dismissed line, so there is nothing to forget until its file is read again."""
    write(data, "log_data/a.json", play(), '{"userId": "15", "song": "Secret"')
    etl.run(data, dsn=dsn)
    dismiss(dsn=dsn)
    assert forget([15], dsn=dsn).rejects == 0
    assert db.execute(BOOKS).fetchall()[0] == ("a.json", 2, 0, 0, 1, 1)
    touch(data / "log_data/a.json")
    etl.run(data, dsn=dsn)
    assert one(db, "SELECT forgotten FROM etl.files WHERE path LIKE '%log_data/a.json'") == 2
    assert books_are_true(db)
