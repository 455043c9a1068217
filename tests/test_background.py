"""Work that a second connection does in the background: the result is the same, come what may."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, errors
from psycopg.sql import SQL

from sparkify import etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.errors import ConnectionFailed, SparkifyError
from sparkify.operations.forget import forget
from sparkify.operations.runs import release
from sparkify.publish import background, plans, run
from sparkify.publish.activity import Activity, StagedActivity
from sparkify.publish.ahead import MonthsAhead
from sparkify.publish.days import StagedDays
from sparkify.publish.listening import ListeningRollups
from sparkify.report import Progress, StagedBatch
from sparkify.simulate import simulate
from sparkify.stage.tables import COUNTED_TABLES
from sparkify.transform.sessions import COUNTED
from tests.support.data import NOVEMBER, play, view, write
from tests.support.warehouse import check_books, content, one, wait_until

INDEXES = (
    "SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') FROM pg_indexes"
    " WHERE schemaname = 'partitions' ORDER BY 1, 2"
)
STAGED_COUNTS = (
    "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'"
    " AND substring(tablename FROM '^run[0-9]+_[0-9]+_[0-9]+_(.*)') = ANY(%s)"
)
LOCKS_TO_ANALYZE = (
    "SELECT relation::regclass::text, granted FROM pg_locks"
    " WHERE pid = ANY(%s) AND mode = 'ShareUpdateExclusiveLock'"
)
PARTITIONS = (
    "SELECT inhrelid::regclass::text, relallvisible > relpages / 2, age(relfrozenxid)"
    " FROM pg_inherits JOIN pg_class ON oid = inhrelid"
    " WHERE inhparent IN ('songplays'::regclass, 'time'::regclass) AND relpages > 0"
)
IS_ATTACHING = (
    "SELECT count(*) FROM pg_locks"
    " WHERE relation = 'songplays'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, users=30, songs=50, days=35, seed=2)
    return folder


def let_every_month_use_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plans, "MANY_PLAYS", 1)
    patch.setattr(MonthsAhead, "staged", lambda *_: None)  # no month before the last batch


@pytest.fixture(scope="module")
def usual(new_module_dsn: Callable[[], str], world: Path) -> tuple[dict[str, str], list[Any]]:
    """What a load gives that is not disturbed, and has a second connection."""
    with pytest.MonkeyPatch.context() as patch:
        let_every_month_use_it(patch)
        return loaded(new_module_dsn(), world)


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let every month use the second connection; returns whether each piece of work was done there."""
    let_every_month_use_it(monkeypatch)
    seen: list[bool] = []
    for module in (plans, run):
        monkeypatch.setattr(
            module, "succeeded", lambda work: seen.append(background.succeeded(work)) or seen[-1]
        )
    return seen


def loaded(dsn: str, world: Path, **more: int) -> tuple[dict[str, str], list[Any]]:
    assert etl.run(world, dsn=dsn, **more).status == "done"
    with connect(dsn) as db:
        return content(dsn), db.execute(INDEXES).fetchall()


def test_with_it_and_without_it(
    new_dsn: Callable[[], str], world: Path, outcomes: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = loaded(new_dsn(), world)
    # Frozen plays, keys of plays and of times, days, activity, of two months; and ANALYZE.
    assert outcomes == [True] * (5 * 2 + 1)
    monkeypatch.setattr(plans, "MANY_PLAYS", 1 << 30)
    outcomes.clear()
    content, _ = loaded(new_dsn(), world)
    assert outcomes == []  # a small load opens no second connection, not even for ANALYZE
    assert alike[0] == content


def test_files_overlap_in_time(
    dsn: str,
    world: Path,
    usual: tuple[dict[str, str], list[Any]],
    outcomes: list[bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The key of `time` is not made in the background: it may have rows twice."""
    shutil.copytree(world / "song_data", tmp_path / "song_data")
    logs = sorted(world.glob("log_data/**/*.json"))
    lines = [line for log in logs for line in log.read_bytes().split(b"\n") if line]
    (tmp_path / "log_data").mkdir()
    for which in (0, 1):
        (tmp_path / "log_data" / f"{which}.json").write_bytes(b"\n".join(lines[which::2]))
    for rollup in set(COUNTED) - {"track_feedback_days", "user_week_counts"}:  # PostgreSQL counts some
        monkeypatch.setitem(queries(f"publish/rollups/{rollup}"), "definition", "SELECT 1 / 0")  # type: ignore[misc]
    found, _ = loaded(dsn, tmp_path, batch_bytes=1)
    # Frozen plays, keys of plays, days, activity, of two months; and ANALYZE.
    assert outcomes == [True] * (4 * 2 + 1)
    assert found == usual[0]


@pytest.mark.parametrize("reader_began", ["before the load", "never"])
def test_plays_are_frozen(
    dsn: str,
    db: Connection[Any],
    world: Path,
    usual: tuple[dict[str, str], list[Any]],
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    reader_began: str,
) -> None:
    """Questions need no table where an index says enough. Who began to read before the load prevents that."""
    is_frozen = reader_began == "never"
    hashed, checked_by, freeze = [], plans.Attach._checked_by, plans.Attach._freeze  # noqa: SLF001

    def check(plan: plans.Attach, times: int) -> dict[str, str]:
        settings = checked_by(plan, 0)
        hashed.append(settings["enable_hashjoin"])
        return settings

    def freeze_later(plan: plans.Attach, connection: Connection[Any]) -> None:
        """Wait for older transactions in other databases, which may keep plays from being frozen, too."""
        last = SQL("SELECT max(xmin::text::bigint) FROM {}").format(plan._month.tables["songplays"])  # noqa: SLF001
        staged, oldest = one(connection, last), "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        wait_until(lambda: one(connection, oldest) > staged)
        freeze(plan, connection)

    monkeypatch.setattr(plans.Attach, "_checked_by", check)
    monkeypatch.setattr(plans.Attach, "_freeze", freeze_later)
    with connect(dsn) as reader, reader.transaction():
        if not is_frozen:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM songplays")
        found, _ = loaded(dsn, world)
        frozen = [
            (is_visible, age < one(db, SQL("SELECT min(age(xmin)) FROM {}").format(SQL(table))))
            for table, is_visible, age in db.execute(PARTITIONS)
        ]
    assert all(outcomes)
    assert found == usual[0]
    assert frozen == [(is_frozen, is_frozen)] * 4  # plays and times of two months
    assert hashed == ["off" if is_frozen else "on"] * 2


def test_files_share_moments(dsn: str, db: Connection[Any], outcomes: list[bool], tmp_path: Path) -> None:
    """Each stages its moments; the table `time`, and its row count, have each of them once."""
    for user in "1", "2":
        write(tmp_path, f"log_data/{user}.json", *(play(NOVEMBER + at, userId=user) for at in range(5)))
    loaded(dsn, tmp_path, batch_bytes=1)
    assert all(outcomes)
    assert one(db, "SELECT count(*) FROM time") == 5
    check_books(db)


def test_somebody_has_locked_what_is_to_be_frozen(
    dsn: str,
    world: Path,
    usual: tuple[dict[str, str], list[Any]],
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They may wait for the publication, so it must not wait for them."""
    freeze = plans.Attach._freeze  # noqa: SLF001

    def freeze_meanwhile(plan: plans.Attach, connection: Connection[Any]) -> None:
        staged = plan._month.tables["songplays"]  # noqa: SLF001
        with connect(dsn) as other, other.transaction():
            other.execute(SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE").format(staged))
            connection.execute("SET statement_timeout = '2s'")
            freeze(plan, connection)
        connection.execute("RESET statement_timeout")

    monkeypatch.setattr(plans.Attach, "_freeze", freeze_meanwhile)
    assert loaded(dsn, world) == usual
    assert all(outcomes)


def test_without_a_second_connection(
    dsn: str,
    world: Path,
    usual: tuple[dict[str, str], list[Any]],
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(dsn: str) -> Connection[Any]:
        raise ConnectionFailed("The server has no connection left.")

    monkeypatch.setattr(background, "connect", refuse)
    assert loaded(dsn, world) == usual
    assert outcomes == [False] * (5 * 2)


@pytest.mark.parametrize("last", ["analytics.page_views", "analytics.heard_songs"])
def test_a_table_is_locked_only_while_it_is_analyzed(
    dsn: str,
    db: Connection[Any],
    world: Path,
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    last: str,
) -> None:
    """Other loads, which need the same locks to attach months, do not wait for all tables.

    While the analysis waits for the last table of the star, or of the rollups, it locks no other.
    """
    analyzing: list[int] = []
    analyze = run._analyze  # noqa: SLF001

    def locks() -> list[Any]:
        return db.execute(LOCKS_TO_ANALYZE, [analyzing]).fetchall()

    with connect(dsn) as other, ThreadPoolExecutor(1) as pool, other.transaction():

        def lock_and_analyze(connection: Connection[Any]) -> None:
            # Not before: publishing needs the same lock.
            other.execute(f"LOCK TABLE {last} IN SHARE UPDATE EXCLUSIVE MODE")
            analyzing.append(connection.info.backend_pid)
            analyze(connection)

        monkeypatch.setattr(run, "_analyze", lock_and_analyze)
        load = pool.submit(loaded, dsn, world)
        wait_until(lambda: (last, False) in locks())
        assert locks() == [(last, False)]
    load.result()
    assert all(outcomes)


def test_a_deadlock_with_a_third_session(
    dsn: str,
    world: Path,
    usual: tuple[dict[str, str], list[Any]],
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has what the second connection needs, and waits for what the first has; PostgreSQL cannot know that
    the first waits for the second."""
    monkeypatch.setattr(background, "_LOCK_TIMEOUT", "200ms")  # instead of a second, as for a deadlock
    monkeypatch.setenv("PGOPTIONS", "-c deadlock_timeout=200ms")
    create_tables(dsn)
    with connect(dsn) as other, connect(dsn) as looking:

        def interfere() -> None:
            with suppress(errors.DeadlockDetected), other.transaction():
                other.execute("LOCK TABLE analytics.artist_months")
                wait_until(lambda: one(looking, IS_ATTACHING) > 0)
                other.execute("LOCK TABLE songplays")

        thread = threading.Thread(target=interfere)
        thread.start()
        assert loaded(dsn, world) == usual
        thread.join()
    assert False in outcomes


def test_what_a_dead_publication_had_counted(
    new_dsn: Callable[[], str], world: Path, outcomes: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who is forgotten before the next publication is in none of its counts."""
    expected = new_dsn()
    with connect(expected) as db:
        etl.run(world, dsn=expected)
        (who,) = db.execute("SELECT min(user_id) FROM users").fetchone() or (0,)
        forget([who], dsn=expected)

    def die(activity: Activity, staged: object, counted: object) -> None:
        assert counted
        raise KeyboardInterrupt

    dsn = new_dsn()
    with connect(dsn) as db:
        for _ in range(2):
            with monkeypatch.context() as patch:
                patch.setattr(Activity, "update", die)
                with pytest.raises(KeyboardInterrupt):
                    etl.run(world, dsn=dsn)
            assert one(db, STAGED_COUNTS, [*COUNTED_TABLES]) == len(COUNTED_TABLES)
        forget([who], dsn=dsn)
        assert one(db, STAGED_COUNTS, [*COUNTED_TABLES]) == 0
    assert etl.run(world, dsn=dsn).status == "done"
    assert content(dsn) == content(expected)


@pytest.mark.parametrize("when", ["at the end", "ahead"])
def test_page_views_are_staged_twice(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """What was counted from all of them is not used; ahead, a key does not tell before the publication."""
    december = NOVEMBER + 30 * 86_400_000
    write(tmp_path, "log_data/a.json", *(play(NOVEMBER + at, itemInSession=at) for at in range(5)))
    for name, status in ("b", 404), ("c", 200):
        write(tmp_path, f"log_data/{name}.json", *(view(NOVEMBER + at, status=status) for at in range(5)))
    for at, name in enumerate("de"):
        write(tmp_path, f"log_data/{name}.json", play(december + at))
    expected, _ = loaded(new_dsn(), tmp_path)
    counted, used = [], []
    monkeypatch.setattr(plans, "MANY_PLAYS", 1)
    if when != "ahead":
        monkeypatch.setattr(MonthsAhead, "staged", lambda *_: None)
    count, update = plans.Attach.counted_activity, Activity.update

    def counted_activity(plan: plans.Attach) -> StagedActivity | None:
        activity = count(plan)
        counted.append(activity is not None)
        return activity

    monkeypatch.setattr(plans.Attach, "counted_activity", counted_activity)
    monkeypatch.setattr(Activity, "update", lambda *args: used.append(bool(args[-1])) or update(*args))
    found, _ = loaded(new_dsn(), tmp_path, batch_bytes=1, workers=1)
    # For November and December. At the end, November's unique key fails, and so nothing is counted.
    assert counted == [when == "ahead", True]
    assert used == [False, True]
    assert found == expected


def test_page_views_in_sessions_of_forgotten_people(
    new_dsn: Callable[[], str], tmp_path: Path, outcomes: list[bool]
) -> None:
    """They are counted in the background, while the publication deletes them."""
    write(tmp_path, "before/log_data/a.json", play(NOVEMBER - 86_400_000, userId="7", sessionId=70))
    write(
        tmp_path,
        "logs/log_data/a.json",
        *(play(NOVEMBER + at, itemInSession=at) for at in range(5)),
        *(view(NOVEMBER + at, userId="", sessionId=70) for at in range(5)),
        view(NOVEMBER, userId="", sessionId=71),
    )
    dsn = new_dsn()
    assert etl.run(tmp_path / "before", dsn=dsn).status == "done"
    forget([7], dsn=dsn)
    loaded(dsn, tmp_path / "logs")
    with connect(dsn) as db:
        assert one(db, "SELECT count(*) FROM analytics.page_views") == 1
        assert one(db, "SELECT sum(views) FROM analytics.page_days") == 1
        assert one(db, "SELECT sum(views) FROM analytics.session_days") == 1
    assert all(outcomes)


@pytest.mark.parametrize("month", ["new", "known"])
@pytest.mark.parametrize("many_plays", [1, 1 << 30])
def test_another_run_after_a_run_has_failed(
    dsn: str,
    db: Connection[Any],
    tmp_path: Path,
    outcomes: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    month: str,
    many_plays: int,
) -> None:
    """The failed run keeps its tables, with keys made in the background. The other has the same span."""
    for day in 0, 1, 2:
        write(tmp_path, f"{day}/log_data/a.json", play(NOVEMBER + day * 86_400_000, sessionId=day))
    if month == "known":
        etl.run(tmp_path / "0", dsn=dsn)
    db.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON analytics.sessions FOR EACH ROW WHEN (NEW.session_id = 2)"
        " EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(SparkifyError, match="refused"):
        etl.run(tmp_path / "2", dsn=dsn)
    db.execute("DROP TRIGGER refuse ON analytics.sessions")
    (failed,) = db.execute("SELECT run_id FROM etl.runs WHERE state = 'failed'").fetchone() or (0,)
    with monkeypatch.context() as patch:
        patch.setattr(plans, "MANY_PLAYS", many_plays)
        assert etl.run(tmp_path / "1", dsn=dsn).status == "done"
    release(failed, dsn=dsn)
    assert all(outcomes)
    assert one(db, "SELECT count(*) FROM songplays") == (2 if month == "new" else 3)
    check_books(db)


def refuse_months_ahead(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Make each publication ahead fail; returns, for each, whether the background work was ready."""
    staged, failed = MonthsAhead.staged, []

    def fail(*_: object, are_ready: bool, **__: object) -> None:
        failed.append(are_ready)
        raise errors.RaiseException("a trigger refuses it")

    def staged_and_published(self: MonthsAhead, batch: StagedBatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ListeningRollups, "attach", fail)
            staged(self, batch)
            for published in self._published.values():
                published.result()

    monkeypatch.setattr(MonthsAhead, "staged", staged_and_published)
    return failed


@pytest.mark.parametrize("fault", ["ADD CHECK (location <> 'bad')", "ALTER location SET NOT NULL"])
def test_a_constraint_of_others_after_a_publication_ahead_has_failed(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The staged tables have not got it, so a row that breaks it fails the month, not its file."""
    monkeypatch.setattr(plans, "MANY_PLAYS", 1)
    december = NOVEMBER + 30 * 86_400_000
    for name, first in ("a", NOVEMBER), ("b", december), ("c", december + 1):
        write(tmp_path, f"log_data/{name}.json", *(play(first + at, itemInSession=at) for at in range(5)))
    write(tmp_path, "log_data/d.json", play(NOVEMBER + 9, location="bad" if "CHECK" in fault else None))
    create_tables(dsn)
    db.execute(f"ALTER TABLE songplays {fault}")  # type: ignore[call-overload]
    failed = refuse_months_ahead(monkeypatch)
    with pytest.raises(SparkifyError, match=r"November 2018 .*(check|location)"):
        etl.run(tmp_path, dsn=dsn, batch_bytes=1, workers=1)
    assert failed == [True]
    assert one(db, "SELECT count(*) FROM etl.files WHERE state = 'unreadable'") == 0


def test_a_play_is_staged_again_after_a_publication_ahead_has_failed(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the background, staged tables get no key that would refuse the play."""
    monkeypatch.setattr(plans, "MANY_PLAYS", 1)
    december = NOVEMBER + 30 * 86_400_000
    for name, first in ("a", NOVEMBER), ("b", december), ("c", december + 1), ("d", NOVEMBER):
        write(tmp_path, f"log_data/{name}.json", *(play(first + at, itemInSession=at) for at in range(5)))
    expected = loaded(new_dsn(), tmp_path)
    failed = refuse_months_ahead(monkeypatch)
    dsn = new_dsn()
    report = etl.run(tmp_path, dsn=dsn, batch_bytes=1, workers=1)
    assert failed == [True]
    assert (report.status, report.books.duplicates) == ("done", 5)
    assert content(dsn) == expected[0]


def test_a_load_that_is_stopped(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month that is published ahead waits for background work: the work is cancelled, and the month is not
    published."""
    is_busy, prepare = threading.Event(), StagedDays.prepare

    def slowly(days: StagedDays, connection: Connection[Any], **_: object) -> None:
        is_busy.set()
        connection.execute("SELECT pg_sleep(20)")
        prepare(days, connection)

    class Stop(Progress):
        def staged(self, batch: StagedBatch) -> None:
            if self.done:
                assert is_busy.wait(60)
                raise KeyboardInterrupt
            self.done = batch.number

    monkeypatch.setattr(plans, "MANY_PLAYS", 1)
    monkeypatch.setattr(StagedDays, "prepare", slowly)
    for month in range(3):
        write(tmp_path, f"log_data/{month}.json", play(NOVEMBER + month * 31 * 86_400_000))
    with pytest.raises(KeyboardInterrupt):
        etl.run(tmp_path, dsn=dsn, batch_bytes=1, workers=1, progress=Stop())
    assert one(db, "SELECT count(*) FROM songplays") == 0


def test_submitted_work_ends_between_two_statements(dsn: str) -> None:
    """A cancel that finds no statement is lost, so there must be another one."""
    begun = threading.Event()

    def work(connection: Connection[Any]) -> None:
        connection.execute("SELECT 1")
        begun.set()
        time.sleep(0.3)
        connection.execute("SELECT pg_sleep(60)")

    second = background.Background(dsn)
    done = second.submit(work)
    begun.wait()
    started = time.monotonic()
    second.close()
    assert time.monotonic() - started < 5
    with pytest.raises(CancelledError):
        done.result()


def test_nobody_is_forgotten_while_something_is_done_in_the_background(dsn: str, db: Connection[Any]) -> None:
    """Not even when its publication has failed: who is forgotten could remain in what it counts."""
    begun, may_end = threading.Event(), threading.Event()

    def work(connection: Connection[Any]) -> None:
        begun.set()
        may_end.wait()

    with background.Background(dsn) as second:
        done = second.submit(work)
        begun.wait()
        try:
            db.execute("SET lock_timeout = '100ms'")
            with pytest.raises(errors.LockNotAvailable):
                db.execute(queries("operations/forget")["close_gate"])
        finally:
            may_end.set()
        assert background.succeeded(done)
