"""PostgreSQL goes away during a load and comes back: the same run ends well, nothing is lost or doubled."""

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors
from psycopg.conninfo import make_conninfo

from sparkify import etl, patience
from sparkify.database import session as sessions
from sparkify.database.connection import connect, room
from sparkify.database.session import Session
from sparkify.errors import ConnectionFailed, SparkifyError
from sparkify.operations.check import check
from sparkify.publish import background, plans
from sparkify.publish.ahead import MonthsAhead
from sparkify.server import Server
from sparkify.server.names import DATABASE
from sparkify.simulate import simulate
from sparkify.stage import blockers, runs
from sparkify.stage.parts import PartClaim
from sparkify.stage.stager import Stager
from sparkify.stage.tables import create_months
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import LOCK_WAITS, check_books, checksums, one, totals, wait_until


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days."""
    root = tmp_path_factory.mktemp("made_up")
    simulate(root, users=60, songs=10, days=2, seed=5)
    return root


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that the tests of this module may stop and kill."""
    home = Path(tempfile.mkdtemp(prefix="sparkify-test-"))
    home.chmod(0o755)
    own = Server(home / "home")
    yield own
    own.stop()
    shutil.rmtree(home)


@pytest.fixture
def server(own_server: Server) -> Server:
    """It runs, and has no warehouse yet."""
    own_server.start()
    with psycopg.connect(own_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    return own_server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEASE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "QUIET", 0.0)
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.02)


def _once(patch: pytest.MonkeyPatch, owner: Any, name: str, happens: Callable[[], None]) -> None:
    """Make something happen at the end of the first call of a method."""
    original, left, lock = getattr(owner, name), [happens], threading.Lock()

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        with lock:
            happening = left.pop() if left else None
        if happening:
            happening()
        return result

    patch.setattr(owner, name, called)


def _restarting(server: Server) -> Callable[[], None]:
    def restart() -> None:
        server.stop()
        threading.Timer(0.1, server.start).start()

    return restart


def test_the_server_is_restarted_in_mid_load(
    made_up: Path,
    server: Server,
    module_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    etl.run(made_up, dsn=module_dsn, workers=2, batch_bytes=20_000)
    with monkeypatch.context() as patch:
        patch.setattr("sparkify.extract.batches.LEAST_PART_BYTES", 1)
        patch.setattr("sparkify.extract.plan.LEAST_PART_BYTES", 1)
        _once(patch, PartClaim, "keep", _restarting(server))
        _once(patch, plans.Publication, "carry_out", _restarting(server))
        report = etl.run(made_up, dsn=server.url(), workers=2, batch_bytes=12_000)
    assert report.status == "done"
    assert report.files_loaded == report.files_found
    assert "Trying again, for up to 120 seconds." in caplog.text
    with connect(module_dsn) as undisturbed, connect(server.url()) as disturbed:
        check_books(disturbed)
        assert checksums(disturbed) == checksums(undisturbed)
        assert totals(disturbed) == totals(undisturbed)
        assert one(disturbed, "SELECT array_agg(DISTINCT state) FROM etl.runs") == ["published"]


def test_the_embedded_server_is_started_again_after_it_was_killed(
    made_up: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARKIFY_HOME", str(server.home))

    def kill() -> None:
        pid = server.status().pid
        assert pid
        os.kill(pid, signal.SIGKILL)

    with monkeypatch.context() as patch:
        _once(patch, plans.Publication, "carry_out", kill)
        report = etl.run(made_up)
    assert (report.status, report.files_loaded) == ("done", report.files_found)
    with connect(server.url()) as db:
        check_books(db)


def test_an_embedded_server_that_somebody_stopped_stays_down(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARKIFY_HOME", str(server.home))
    monkeypatch.setattr(sessions, "RETRY_SECONDS", 0.3)
    session = Session(server.url("postgres"))
    server.stop()
    with pytest.raises(ConnectionFailed, match="Start the embedded server: sparkify db start"):
        session.run(lambda connection: connection.execute("SELECT 1"))
    assert not server.status().running


def _end_all(db: Connection[Any]) -> None:
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_commit_whose_answer_is_lost_has_succeeded(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "log_data/a.json", play(), play(), "torn{")
    with monkeypatch.context() as patch:
        _once(patch, Stager, "_stage", lambda: _lose(db))
        report = etl.run(tmp_path, dsn=dsn)
    assert (report.files_loaded, report.tally.left_to_others) == (1, 0)
    assert (report.books.loaded, report.books.duplicates, report.tally.reasons) == (
        1,
        1,
        {"invalid_json": 1},
    )
    check_books(db)


def _lose(db: Connection[Any]) -> None:
    _end_all(db)
    raise psycopg.OperationalError("the connection is lost")


def test_finishing_a_dead_run_is_retried(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 40 * 86_400_000))
    with monkeypatch.context() as patch:
        _once(patch, MonthsAhead, "__exit__", lambda: _lose(db))
        with pytest.raises(SparkifyError, match="the connection is lost"):
            etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT state FROM etl.runs") == "open"
    with monkeypatch.context() as patch:
        _once(patch, plans.Publication, "carry_out", lambda: _end_all(db))
        report = etl.run(tmp_path, dsn=dsn)
    assert (report.status, report.files_new, report.rows["songplays"]) == ("done", 0, 2)
    assert one(db, "SELECT state FROM etl.runs") == "published"
    check_books(db)


@pytest.mark.parametrize("failures", [[], [MemoryError()]])
def test_the_lease_is_taken_again(
    db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch, failures: list[Exception]
) -> None:
    execute = Connection.execute

    def execute_or_fail(connection: Connection[Any], *given: Any) -> Any:
        if failures and threading.current_thread().name == "sparkify-lease":
            raise failures.pop()
        return execute(connection, *given)

    monkeypatch.setattr(Connection, "execute", execute_or_fail)
    with connect(dsn) as other, runs.begin_run(dsn, other) as run_id:
        _end_all(db)
        for _ in range(200):
            with runs.adopt(dsn, run_id) as is_dead:
                if not is_dead:
                    break
            time.sleep(0.02)
        assert not is_dead
    with runs.adopt(dsn, run_id) as is_dead:
        assert is_dead


def test_a_load_says_whose_lock_it_waits_for(
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(blockers, "BLOCKED_SECONDS", 0.1)
    write(tmp_path, "log_data/a.json", play())
    with psycopg.connect(dsn, application_name="somebody's tool") as other:
        session = f"process {other.info.backend_pid}, user {other.info.user}, program somebody's tool."
        other.execute("LOCK TABLE users IN SHARE MODE")
        load = threading.Thread(target=etl.run, args=[tmp_path], kwargs={"dsn": dsn})
        load.start()
        wait_until(lambda: "Waiting for a lock" in caplog.text)
        time.sleep(0.2)
    load.join()
    (said,) = (record.getMessage() for record in caplog.records)
    assert session in said
    assert one(db, "SELECT count(*) FROM songplays") == 1


def test_a_load_that_waits_for_another_says_nothing(
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(blockers, "BLOCKED_SECONDS", 0.05)
    write(tmp_path, "log_data/a.json", play())
    with connect(dsn) as other, other.transaction():
        runs.lock_publisher(other)
        load = threading.Thread(target=etl.run, args=[tmp_path], kwargs={"dsn": dsn})
        load.start()
        wait_until(lambda: one(db, LOCK_WAITS) > 0)
        time.sleep(0.25)
    load.join()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.SerializationFailure(), True),
        (errors.DeadlockDetected(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.ConnectionFailure(), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.OperationalError("couldn't get result: out of memory"), False),
        (ConnectionFailed("Cannot connect to PostgreSQL: out of memory."), False),
        (errors.UniqueViolation(), False),
        (errors.QueryCanceled(), False),
        (errors.DiskFull(), False),
        (errors.TooManyConnections(), False),
        (errors.LockNotAvailable(), False),
        (psycopg.DataError(), False),
        (SparkifyError("taken over"), False),
    ],
)
def test_what_is_tried_again(
    module_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    again: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)
    session, left = Session(module_dsn), [error, error]

    def work(connection: Connection[Any], result: int) -> int:
        if left:
            raise left.pop()
        return result

    if again:
        assert session.run(work, 7) == 7
    else:
        with pytest.raises(type(error)):
            session.run(work, 7)
        assert len(left) == 1
    session.close()


def test_not_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sessions, "RETRY_SECONDS", 0.3)
    session = Session(make_conninfo(server.url("postgres"), password="secret"))  # noqa: S106
    server.stop()
    with pytest.raises(ConnectionFailed, match="Cannot connect to PostgreSQL"):
        session.run(lambda connection: connection.execute("SELECT 1"))
    assert "secret" not in caplog.text
    assert {record.name for record in caplog.records} <= {"sparkify", "asyncio"}
    assert caplog.records[0].levelno == logging.WARNING
    assert "PostgreSQL: Cannot connect to PostgreSQL" not in caplog.text


def test_a_first_connection_that_fails_is_retried(module_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may restart while a worker begins."""
    failures = [ConnectionFailed("the server closed the connection")]
    connect_now = sessions.connect

    def connect_later(dsn: str) -> Connection[Any]:
        if failures:
            raise failures.pop()
        return connect_now(dsn)

    monkeypatch.setattr(sessions, "connect", connect_later)
    with closing(Session(module_dsn)) as session:
        assert session.run(lambda connection: one(connection, "SELECT 1")) == 1


@pytest.mark.parametrize(
    ("error", "counts", "attempts"),
    [(errors.DeadlockDetected, 0.0, 5), (errors.DeadlockDetected, 0.02, 3), (ConnectionFailed, 0.0, 5)],
)
def test_lost_work_counts_only_in_part(
    module_dsn: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception], counts: float, attempts: int
) -> None:
    """Work that fails late is retried, but not for ever."""
    monkeypatch.setattr(sessions, "_answers", lambda _: False)  # else two refusals are final
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(sessions, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(sessions, "MOST_OF_WORK", counts)
    session, done = Session(module_dsn), []

    def work(connection: Connection[Any]) -> int:
        done.append(1)
        time.sleep(0.04)
        if len(done) < 5:
            raise error
        return 7

    if attempts == 5:
        assert session.run(work) == 7
    else:
        with pytest.raises(error):
            session.run(work)
    assert len(done) == attempts
    session.close()


def test_who_is_refused_does_not_wait(db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(make_conninfo(dsn))
    db.execute("SELECT pg_terminate_backend(%s)", [session.connection.info.backend_pid])
    session.dsn = make_conninfo(dsn, dbname="no such database")
    waited: list[float] = []
    wait = session.given_up.wait
    # Measure the pauses it asks for: a busy machine makes them last longer.
    monkeypatch.setattr(session.given_up, "wait", lambda pause: waited.append(pause) or wait(pause))
    with pytest.raises(ConnectionFailed, match="no such database"):
        session.run(lambda connection: connection.execute("SELECT 1"))
    assert sum(waited) < 5


def test_who_is_refused_hears_of_no_retry(module_dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    """It would promise two minutes, and the command ends at once."""
    session = Session(make_conninfo(module_dsn, dbname="no such database"))
    with pytest.raises(ConnectionFailed, match="no such database"):
        session.run(lambda connection: connection.execute("SELECT 1"))
    assert caplog.text == ""


def _takes_one(db: Connection[Any], dsn: str) -> bool:
    free = room(db)
    with connect(dsn):
        return room(db) == free - 1


def test_no_more_workers_than_there_is_room_for(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = set()
    stage = Stager.stage
    monkeypatch.setattr(Stager, "stage", lambda self, batch: at_work.add(self) or stage(self, batch))
    wait_until(lambda: _takes_one(db, dsn))  # earlier sessions may still be ending
    (name,) = db.execute("SELECT current_database()").fetchone() or ("",)
    db.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 9')
    wait_until(lambda: room(db) == 8)
    for number in range(20):
        write(tmp_path, f"log_data/{number}.json", play(itemInSession=number))
    try:
        report = etl.run(tmp_path, dsn=dsn, workers=20, batch_bytes=1)
    finally:
        db.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    assert report.rows["songplays"] == 20
    assert len(at_work) == 2  # of nine connections three are in use, and one is for months published ahead


def test_a_small_load_opens_two_connections(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for all its work, one for the lease: each further one takes the server several milliseconds."""
    write(tmp_path, "song_data/a.json", song("S1"))
    write(tmp_path, "log_data/a.json", play())
    opened, connect_ = [], psycopg.connect
    monkeypatch.setattr(
        psycopg, "connect", lambda *args, **named: opened.append(1) or connect_(*args, **named)
    )
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1
    assert len(opened) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_retried_batch_stages_its_heard_songs_again(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """The worker remembers which songs it has staged, and the rollback took them away.

    A worker that is alone makes the tables of a month in its own transaction: they go, too.
    """
    for worker in range(workers):
        months = (
            play(NOVEMBER + month * 31 * 86_400_000 + at, song=f"{worker} {month} {at}", sessionId=worker)
            for month in range(2)
            for at in range(9)
        )
        write(tmp_path, f"log_data/{worker}.json", *months)
    monkeypatch.setattr("sparkify.extract.lines.SMALL_BYTES", 100)
    monkeypatch.setattr("sparkify.extract.files.READ_BYTES", 1000)
    monkeypatch.setattr("sparkify.extract.lines.chunks.__defaults__", (None, 1000))
    december = [date(2018, 12, 1)]
    asked: list[list[date]] = []

    def refused_once(connection: Connection[Any], run_id: int, months: list[date]) -> None:
        asked.append(months)
        if months == december and asked.count(december) == 1:
            raise ConnectionFailed("too many clients")
        create_months(connection, run_id, months)

    monkeypatch.setattr("sparkify.stage.stager.create_months", refused_once)
    report = etl.run(tmp_path, dsn=dsn, workers=workers, batch_bytes=1)
    assert report.rows["songplays"] == 18 * workers
    assert asked.count(december) > 1
    assert one(db, "SELECT count(*) FROM analytics.heard_songs") == 18 * workers
    check_books(db)
    assert [finding.name for finding in check(dsn) if finding.found] == []


def _stuck(connection: Connection[Any]) -> None:
    """Fail as psycopg does if it finds the socket closed before libpq does."""
    connection.pgconn.send_query(b"SELECT pg_sleep(60)")
    raise psycopg.OperationalError("connection socket closed")


def test_a_connection_that_waits_for_an_answer_is_not_used_again(dsn: str) -> None:
    used: list[Connection[Any]] = []

    def work(connection: Connection[Any]) -> Any:
        used.append(connection)
        if len(used) == 1:
            _stuck(connection)
        return one(connection, "SELECT 1")

    with closing(Session(dsn)) as session:
        assert session.run(work) == 1
    assert len(used) == 2
    with background.Background(dsn) as second:
        assert not background.succeeded(second.submit(_stuck))
        assert background.succeeded(second.submit(lambda connection: one(connection, "SELECT 1")))
