"""`sparkify rejects retry`: a reject that passes now is stored as if it had passed at once."""

import gzip
import json
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.cli import main
from sparkify.core._core import Catalogue, Plays
from sparkify.database.connection import connect
from sparkify.extract.files import InputFile, Kind
from sparkify.extract.find import file_now
from sparkify.extract.rejects import Reject
from sparkify.operations.check import check
from sparkify.operations.forget import forget
from sparkify.operations.retry import _Retrier, retry
from sparkify.stage.runs import begin_run, lock_publisher
from sparkify.transform import judge
from tests.support.data import NOVEMBER, lines, play, song, write
from tests.support.warehouse import LOCK_WAITS, UNGRANTED_LOCKS, checksums, one, totals, wait_until

DAY = 24 * 3600 * 1000
NARROW = "UPDATE etl.warehouse SET earliest = '2018-11-02', before = '2018-12-10'"
WIDE = "UPDATE etl.warehouse SET earliest = DEFAULT, before = DEFAULT"


def books(db: Connection[Any]) -> Any:
    return db.execute(
        "SELECT kind, regexp_replace(path, '.*_data/', ''), state, lines, blank, page_views, bare_pages,"
        " loaded,"
        " duplicates, rejected"
        " FROM etl.files ORDER BY kind, path"
    ).fetchall()


def rejects(db: Connection[Any]) -> Any:
    return db.execute(
        "SELECT regexp_replace(path, '.*_data/', ''), line, reason, detail, record"
        " FROM etl.rejected_records JOIN etl.known_files USING (file_id) ORDER BY path, line"
    ).fetchall()


def sources(db: Connection[Any]) -> Any:
    return db.execute(
        "SELECT start_time, id, path, line FROM"
        " (SELECT start_time, songplay_id AS id, file_id, line FROM analytics.heard_plays"
        "  UNION ALL SELECT start_time, page_view_id, file_id, line FROM analytics.page_views) events"
        " JOIN etl.known_files USING (file_id) ORDER BY start_time, id, path, line"
    ).fetchall()


def unsound(dsn: str) -> list[Any]:
    return [finding for finding in check(dsn) if finding.found]


class Unsure:
    """The core, but it asks the judge about every line that is not blank."""

    def __init__(self, core: Plays | Catalogue) -> None:
        self._core = core

    def read(
        self, slices: tuple[tuple[bytes, int, bytes | None, int], ...]
    ) -> list[tuple[int, int, int, int]]:
        return self._core.read(tuple((data.replace(b"{", b"}"), *more) for data, *more in slices))  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@contextmanager
def an_older_version(refused: int) -> Iterator[None]:
    """Use a judge that rejects this percentage of good lines, and a core that decides on nothing."""

    def older(decide: Callable[..., Any]) -> Callable[..., Any]:
        def decide_as_of_old(line: bytes, *more: Any) -> Any:
            if line.strip() and crc32(line) % 100 < refused:
                return Reject("wrong_type", "an older version did not like it")
            return decide(line, *more)

        return decide_as_of_old

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparkify.transform.plays.judge_event", older(judge.judge_event))
        patch.setattr("sparkify.transform.catalogue.judge_song", older(judge.judge_song))
        patch.setattr("sparkify.transform.plays.Plays", lambda *arguments: Unsure(Plays(*arguments)))
        patch.setattr("sparkify.transform.catalogue.Catalogue", lambda: Unsure(Catalogue()))
        yield


def make_world(root: Path, seed: int, files: int) -> None:
    """Few users, moments and songs, so that many lines and files have the same play, with equal or different
    content.
    """
    chance = random.Random(seed)

    def event() -> Any:
        kind = chance.random()
        if kind < 0.05:
            return chance.choice(["torn", "", '{"page": "Home"}', '{"page": "NextSong", "ts": 1}', "[]"])
        day = chance.randrange(0, 48, 4)
        page = {"page": "Home", "userId": chance.choice(["", "1"]), "itemInSession": 0} if kind < 0.3 else {}
        if page:  # one outside the narrow range is bare, and no reject that a retry could load
            day = max(4, min(day, 36))
        return play(
            NOVEMBER + day * DAY + chance.randrange(2),
            userId=str(chance.randrange(1, 4)),
            itemInSession=chance.randrange(2), sessionId=1, level=chance.choice(["free", "paid"]),
            song=chance.choice(["Setanta matins", "Other"]), location=chance.choice(["", "a", "b"]),
            firstName=chance.choice(["A", "B"] if files > 1 else ["A"]),
        ) | page  # fmt: skip

    def record() -> Any:
        return song(
            f"S{chance.randrange(4)}", title=chance.choice(["Setanta matins", "Other"]),
            artist_id=f"A{chance.randrange(2)}", artist_name=chance.choice(["Elena", "B"]),
            year=chance.choice([0, 1999, 2000]),
        )  # fmt: skip

    for number in range(files):
        write(root, f"log_data/{number}.json", *(event() for _ in range(120)))
        write(root, f"song_data/{number}.json", *(record() for _ in range(8)), "torn")
    (root / "song_data" / "pretty.json").write_text(json.dumps(song("S9", title="Other"), indent=2))


# --- the same as a fresh load -------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "files"), [(1, 1), (2, 3)])
def test_after_a_retry_all_is_as_after_a_fresh_load(
    new_dsn: Callable[[], str], tmp_path: Path, seed: int, files: int
) -> None:
    """An older version rejected lines at random, and accepted a narrower range of times."""
    make_world(tmp_path, seed, files)
    fresh, mended = new_dsn(), new_dsn()
    etl.run(tmp_path, dsn=fresh, workers=1)
    with connect(mended) as db:
        db.execute(NARROW)
    with an_older_version(refused=40):
        etl.run(tmp_path, dsn=mended, workers=1)
    with connect(fresh) as wanted, connect(mended) as db:
        refused = one(db, "SELECT count(*) FROM etl.rejected_records")
        db.execute(WIDE)
        done = retry(dsn=mended)
        remaining = one(wanted, "SELECT count(*) FROM etl.rejected_records")
        assert (done.tried, done.passed.lines, sum(done.remaining.values())) == (
            refused, refused - remaining, remaining,
        )  # fmt: skip
        assert done.passed.lines > 40 * files
        assert done.passed.balance()
        assert checksums(db) == checksums(wanted)
        assert totals(db) == totals(wanted)
        assert rejects(db) == rejects(wanted)
        # With more files, their order decides which file counts an event as loaded, and from which line the
        # warehouse has it if lines differ only in a name.
        if files == 1:
            assert books(db) == books(wanted)
            assert sources(db) == sources(wanted)
        assert unsound(mended) == []
        etl.run(tmp_path, dsn=mended)
        assert books(db)[-1][2] == "loaded"
        assert checksums(db) == checksums(wanted)


def test_lines_and_books_of_every_file_when_only_the_range_was_widened(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plays that several files share pass together, in several chunks, so each line ends where a fresh load
    puts it.
    """
    monkeypatch.setattr("sparkify.operations.retry.CHUNK_RECORDS", 30)
    make_world(tmp_path, 4, 2)
    fresh, mended = new_dsn(), new_dsn()
    with connect(fresh) as wanted, connect(mended) as db:
        etl.run(tmp_path, dsn=fresh, workers=1)
        db.execute(NARROW)
        etl.run(tmp_path, dsn=mended, workers=1)
        db.execute(WIDE)
        by_file = retry(dsn=mended, path="1.json")
        assert by_file.passed.lines > 0
        assert one(db, "SELECT count(*) FROM etl.rejected_records") > 10
        assert retry(dsn=mended, reason="invalid_json").passed.lines == 0
        assert retry(dsn=mended, run=99).run_id is None
        retry(dsn=mended, run=1)
        assert (checksums(db), rejects(db), totals(db)) == (
            checksums(wanted),
            rejects(wanted),
            totals(wanted),
        )
        assert unsound(mended) == []


def test_a_crash_at_any_statement_is_harmless(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    make_world(tmp_path, 5, 1)
    fresh, mended = new_dsn(), new_dsn()
    etl.run(tmp_path, dsn=fresh)
    with connect(fresh) as wanted, connect(mended) as db:
        with an_older_version(refused=40):
            etl.run(tmp_path, dsn=mended)
        execute = Connection.execute
        for statements in (8, 30, 60):
            left = statements

            def fail(self: Connection[Any], *args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= "SET search_path" not in str(args[0])  # not while connecting
                if left < 0:
                    raise KeyboardInterrupt
                return execute(self, *args, **kwargs)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Connection, "execute", fail)
                with pytest.raises(KeyboardInterrupt):
                    retry(dsn=mended)
            # The records of songs, of logs, or of both are unchanged.
            assert one(db, "SELECT sum(rejected) FROM etl.files") == one(
                db, "SELECT count(*) FROM etl.rejected_records"
            )
            assert one(db, "SELECT count(*) FROM etl.manifest WHERE version = 'retry'") == 0
        assert etl.run(tmp_path, dsn=mended).files_new == 0  # finishes the dead run
        # No report says that the retry was a load that read nothing.
        assert one(db, "SELECT count(*) FROM etl.runs WHERE report->'files'->>'found' = '0'") == 0
        retry(dsn=mended)
        assert (checksums(db), books(db), rejects(db)) == (checksums(wanted), books(wanted), rejects(wanted))
        assert unsound(mended) == []


def test_beside_a_load_and_another_retry(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    make_world(tmp_path / "old", 6, 2)
    make_world(tmp_path / "new", 7, 2)
    fresh, mended = new_dsn(), new_dsn()
    for root in ("old", "new"):
        etl.run(tmp_path / root, dsn=fresh)
    with an_older_version(refused=40):
        etl.run(tmp_path / "old", dsn=mended)
    failures: list[Exception] = []

    def attempt(work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [
        threading.Thread(target=attempt, args=[work])
        for work in (
            lambda: retry(dsn=mended),
            lambda: retry(dsn=mended),
            lambda: etl.run(tmp_path / "new", dsn=mended, workers=1, batch_bytes=1),
            lambda: etl.run(tmp_path / "old", dsn=mended, workers=1),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with connect(fresh) as wanted, connect(mended) as db:
        assert (checksums(db), totals(db), rejects(db)) == (
            checksums(wanted),
            totals(wanted),
            rejects(wanted),
        )
    assert unsound(mended) == []


@pytest.fixture
def out_of_range(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Two rejects that a retry loads, and one that it does not."""
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 1), "torn{")
    db.execute(NARROW)
    etl.run(tmp_path, dsn=dsn)
    db.execute(WIDE)


def test_nothing_is_locked_while_it_waits_for_vacuum(
    db: Connection[Any], dsn: str, out_of_range: None
) -> None:
    """BRIN indexes are summarised after the commit: VACUUM has the lock that this needs."""
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(retry(dsn=dsn).passed.lines))
    with connect(dsn) as vacuum:
        with vacuum.transaction():
            vacuum.execute("LOCK TABLE analytics.sessions IN SHARE UPDATE EXCLUSIVE MODE")
            thread.start()
            waiting = f"{UNGRANTED_LOCKS} AND relation = 'analytics.sessions'::regclass"
            wait_until(lambda: one(db, waiting) > 0)
            assert one(db, "SELECT count(*) FROM songplays") == 2
            db.execute("SELECT FROM etl.warehouse FOR UPDATE NOWAIT")
        thread.join()
    assert done == [2]


def test_a_deadlock_is_retried(
    db: Connection[Any], dsn: str, out_of_range: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`create-tables` locks the publisher before the files."""
    name = one(db, "SELECT current_database()")
    db.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")  # of later sessions; it is a second
    attempts: list[Kind] = []
    publish = _Retrier._publish  # noqa: SLF001

    def make_tables() -> None:
        with db.transaction():
            db.execute("SET LOCAL deadlock_timeout = '1min'")  # the retry is to find the deadlock
            lock_publisher(db)
            db.execute("LOCK TABLE etl.known_files")

    maker = threading.Thread(target=make_tables)

    def publish_beside(retrier: Any, kind: Kind) -> None:
        attempts.append(kind)
        if len(attempts) == 1:
            maker.start()
            with connect(dsn) as other:
                wait_until(lambda: one(other, LOCK_WAITS) > 0)
        publish(retrier, kind)

    monkeypatch.setattr(_Retrier, "_publish", publish_beside)
    done = retry(dsn=dsn)
    maker.join()
    assert len(attempts) == 2
    assert (done.tried, done.passed.loaded, done.remaining) == (3, 2, {"invalid_json": 1})
    assert unsound(dsn) == []


def test_a_retry_whose_commit_was_not_answered_is_not_done_again(
    dsn: str, out_of_range: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [psycopg.OperationalError("the connection is lost")]
    attempt = _Retrier._retry  # noqa: SLF001

    def lose_the_answer(retrier: Any, files: Any) -> None:
        attempt(retrier, files)
        if errors:
            raise errors.pop()

    monkeypatch.setattr(_Retrier, "_retry", lose_the_answer)
    done = retry(dsn=dsn)
    assert (done.tried, done.passed.loaded, done.remaining) == (3, 2, {"invalid_json": 1})
    assert (done.other_runs, unsound(dsn)) == (0, [])


def test_people_who_were_forgotten_stay_so(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Somebody is forgotten between the load and the retry. A line whose text is incomplete is not judged."""
    db.execute(NARROW)
    bad = [play(userId="1"), play(userId="2"), play(NOVEMBER + 5 * DAY, userId="1"), "torn"]
    log = write(tmp_path, "log_data/a.json", *bad)
    etl.run(tmp_path, dsn=dsn)
    log.unlink()
    forget([1], dsn=dsn)
    db.execute(WIDE)
    done = retry(dsn=dsn)
    assert (done.tried, done.passed.loaded, done.incomplete) == (1, 1, 1)
    assert books(db) == [("log", "a.json", "loaded", 4, 0, 0, 0, 1, 0, 1)]
    assert one(db, "SELECT forgotten FROM etl.files") == 2
    assert unsound(dsn) == []


# --- the file, and what is kept of it -----------------------------------------------------------------------


def test_a_file_that_has_changed_is_left_to_the_load(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The bad line may be the one that was mended: it must not be loaded beside the good one."""
    db.execute(NARROW)
    log = write(tmp_path, "log_data/a.json", play(NOVEMBER), play(NOVEMBER + 5 * DAY))
    etl.run(tmp_path, dsn=dsn)
    db.execute(WIDE)
    write(tmp_path, "log_data/a.json", play(NOVEMBER + 1), play(NOVEMBER + 5 * DAY), "more")
    done = retry(dsn=dsn)
    assert (done.run_id, done.tried, done.changed) == (None, 0, 1)
    etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 2
    log.unlink()  # the file is gone, so only the stored text is left
    assert retry(dsn=dsn).remaining == {"invalid_json": 1}


def test_a_file_that_is_gone_is_retried_by_its_evidence(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    db.execute(NARROW)
    log = write(
        tmp_path,
        "log_data/a.json",
        play(),
        play(NOVEMBER + 5 * DAY),
        "\ufeff" + json.dumps(play(1541030400001)),
    )
    etl.run(tmp_path, dsn=dsn)
    db.execute(WIDE)
    log.unlink()
    assert retry(dsn=dsn).passed.loaded == 2
    assert [line for (line,) in db.execute("SELECT line FROM analytics.heard_plays ORDER BY line")] == [
        1,
        2,
        3,
    ]


def test_what_is_kept_in_part_is_read_again_as_a_whole(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.extract.rejects.EVIDENCE_BYTES", 100)
    db.execute(NARROW)
    log = write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 5 * DAY), "torn")
    etl.run(tmp_path, dsn=dsn)
    db.execute(WIDE)
    for _ in range(2):
        done = retry(dsn=dsn)
        assert (done.tried, done.read_again + done.changed) == (0, 2)
    assert one(db, "SELECT state FROM etl.files") == "new"
    monkeypatch.undo()
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.files_new, report.books.loaded, report.books.rejected) == (1, 2, 1)
    assert etl.run(tmp_path, dsn=dsn).files_new == 0
    assert unsound(dsn) == []
    log.unlink()
    db.execute("UPDATE etl.rejected_records SET record_bytes = 1000")
    assert retry(dsn=dsn).incomplete == 1


def test_the_rest_of_a_damaged_stream_is_no_line(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The rest of a damaged stream is not retried, even if it looks like a record: more may have followed."""
    whole = write(tmp_path, "log_data/a.json.gz", play())
    whole.write_bytes(gzip.compress(lines(play(), play(NOVEMBER + 1)).rstrip(b"\n"))[:-8])
    etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT reason FROM etl.rejected_records").fetchall() == [("truncated_stream",)]
    whole.unlink()
    done = retry(dsn=dsn)
    assert (done.tried, done.incomplete) == (0, 1)
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == 1


def test_records_over_several_lines_are_retried_by_what_is_kept_of_them(
    new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    """Sound ones are kept on one line. A broken one keeps its line feeds, and is judged as it is."""
    plays = [play(NOVEMBER + day * DAY, sessionId=day) for day in range(0, 48, 4)]
    texts = [json.dumps(event, indent=2) for event in plays]
    texts[3] = texts[3].replace("Elena", "El\nena")
    texts[5] = texts[5][:100]
    (tmp_path / "log_data").mkdir()
    files = [tmp_path / "log_data" / name for name in ("a.json", "b.json", "c.json")]
    files[0].write_text("\n".join(texts))
    files[1].write_text(json.dumps([event | {"userId": 7} for event in plays] + ["x"]))
    files[2].write_text(json.dumps([play(userId=8)], indent=1)[:-2])
    fresh, mended = new_dsn(), new_dsn()
    with connect(fresh) as wanted, connect(mended) as db:
        etl.run(tmp_path, dsn=fresh)
        db.execute(NARROW)
        etl.run(tmp_path, dsn=mended)
        db.execute(WIDE)
        for file in files:
            file.unlink()
        done = retry(dsn=mended)
        assert done.passed.loaded > 5
        assert done.remaining == {"invalid_json": 3, "not_an_object": 1}
        assert (checksums(db), rejects(db), sources(db), books(db)) == (
            checksums(wanted), rejects(wanted), sources(wanted), books(wanted),
        )  # fmt: skip
        assert unsound(mended) == []
        kept = [record for *_, record in rejects(db)]
        assert kept[0] == texts[3].encode()
        assert kept[1] == texts[5].encode()
        assert kept[2:] == [b'"x"', b"["]


def test_what_is_held_is_not_retried(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    db.execute(NARROW)
    write(tmp_path, "log_data/a.json", play())
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    db.execute(WIDE)
    done = retry(dsn=dsn)
    assert (done.tried, done.other_runs) == (0, 1)
    assert main(["runs", "release", "1", "--dsn", dsn]) == 0
    assert retry(dsn=dsn).passed.loaded == 1


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw and b"/" not in raw))
def test_a_path_is_found_by_the_name_it_is_known_by(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.fsdecode(os.fsencode(folder) + b"/" + raw + b".json")
        Path(path).touch()
        now = file_now("log", InputFile("log", path, 0, 0, None).name)
        assert now is not None
        assert now.path == path


# --- the command line ---------------------------------------------------------------------------------------


def test_what_retry_says(db: Connection[Any], dsn: str, tmp_path: Path, capsys: Any) -> None:
    db.execute(NARROW)
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER), "torn")
    write(tmp_path, "log_data/b.json", play())
    etl.run(tmp_path, dsn=dsn)
    db.execute(WIDE)
    write(tmp_path, "log_data/b.json", play(), play(NOVEMBER + 1))
    assert main(["rejects", "retry", "--dsn", dsn, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    seconds = document.pop("seconds")
    assert document == {
        "run_id": 2,
        "tried": 3,
        "passed": 2,
        "became": {
            "blank": 0,
            "page_views": 0,
            "bare_pages": 0,
            "loaded": 1,
            "duplicates": 1,
            "forgotten": 0,
        },
        "remaining": {"invalid_json": 1},
        "not_tried": {"changed": 1, "read_again": 0, "incomplete": 0, "other_runs": 0},
    }
    assert seconds > 0
    assert one(db, "SELECT report ->> 'tried' FROM etl.runs WHERE run_id = 2") == "3"
    assert main(["rejects", "retry", "--dsn", dsn]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(
        "Tried 1 rejected line again: 0 passed, 1 did not.\nStill rejected: 1 invalid_json.\n"
    )
    assert "Did not try 1 line: their files have changed" in said.err


def test_export(dsn: str, tmp_path: Path, capsys: Any) -> None:
    source = write(tmp_path, "log_data/a.json", *('{"a": "ü\x1b"' for _ in range(300)))
    source.write_bytes(source.read_bytes() + b"\xff\xfe\n")
    write(tmp_path, "log_data/b.json", "[1]")
    etl.run(tmp_path, dsn=dsn)
    assert main(["rejects", "export", "--dsn", dsn]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 302
    assert rows[0] | {"path": "", "detail": ""} == {
        "path": "", "line": 1, "reason": "invalid_json", "detail": "", "record": '{"a": "ü\x1b"',
        "record_base64": None,
        "record_bytes": 11, "run_id": 1,
    }  # fmt: skip
    assert (rows[300]["record"], rows[300]["record_base64"]) == (None, "//4=")
    out = tmp_path / "rejects.ndjson"
    assert main(["rejects", "export", "--dsn", dsn, "--file", "b.json", "--run", "1", "--out", str(out)]) == 0
    assert [json.loads(line)["record"] for line in out.read_text().splitlines()] == ["[1]"]
    assert main(["rejects", "export", "--dsn", dsn, "--out", str(tmp_path)]) == 1
    assert "Cannot write" in capsys.readouterr().err


def test_held_runs_are_listed_released_and_dropped(
    db: Connection[Any], dsn: str, tmp_path: Path, capsys: Any
) -> None:
    write(tmp_path, "log_data/a.json", play(), "torn")
    write(tmp_path, "song_data/a.json", song())
    etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert main(["runs", "list", "--dsn", dsn, "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["run_id"], run["state"], run["files"], run["rejected"]) == (1, "held", 2, 1)

    assert main(["runs", "drop", "1", "--dsn", dsn]) == 0
    assert db.execute("SELECT DISTINCT state FROM etl.files").fetchall() == [("new",)]
    assert one(db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == 0
    etl.run(tmp_path, dsn=dsn, max_rejects=0)  # read again, and held again
    assert main(["runs", "release", "2", "--dsn", dsn]) == 0
    assert "Released run 2: 2 files, 2 lines loaded, 1 rejected." in capsys.readouterr().err
    assert one(db, "SELECT count(*) FROM songplays") == 1
    assert unsound(dsn) == []
    report = one(db, "SELECT report FROM etl.runs WHERE run_id = 2")
    assert (report["status"], report["files"]["loaded"], report["rows"]["songplays"]) == ("done", 2, 1)
    assert report["held_runs"] == []

    for run_id, said in (
        (1, "is dropped"),
        (2, "is published"),
        (10**30, "There is no run"),
        (7, "There is no run"),
    ):
        for action in ("release", "drop"):
            assert main(["runs", action, str(run_id), "--dsn", dsn]) == 1
            error = capsys.readouterr().err
            assert said in error
            assert error.count("\n") == 1
    with begin_run(dsn, db):
        assert main(["runs", "drop", "3", "--dsn", dsn]) == 1
        assert "is still running" in capsys.readouterr().err
    assert main(["runs", "release", "3", "--dsn", dsn]) == 1
    assert "the next `sparkify etl` finishes it" in capsys.readouterr().err
    assert main(["runs", "drop", "3", "--dsn", dsn]) == 0
