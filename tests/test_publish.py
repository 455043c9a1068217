"""The promises of publishing: to readers, dying runs, runs with too many rejects, plays and catalogue."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.errors import UsageError
from sparkify.publish import ahead
from sparkify.report import Books, RejectLimit, Report
from sparkify.simulate import simulate
from tests.support.client import Client, Instant, Nursery
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.examples import times
from tests.support.warehouse import checksums, one, totals

DAY = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made_up")
    simulate(root, users=20, songs=80, days=40, seed=3, force=True)
    return root


@pytest.fixture(scope="module")
def expected(made_up: Path, module_dsn: str) -> dict[str, str]:
    etl.run(made_up, dsn=module_dsn)
    with connect(module_dsn) as connection:
        return checksums(connection)


class Thread(threading.Thread):
    """A thread that keeps the exception that ended it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.work = work
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            self.work()
        except Exception as error:  # noqa: BLE001
            self.failure = error


# --- readers ------------------------------------------------------------------------------------------------


def test_a_reader_with_an_open_transaction_is_not_in_the_way_nor_made_to_wait(
    made_up: Path, dsn: str, tmp_path: Path
) -> None:
    """Some readers hold their locks during the whole load; others come while it runs."""
    write(tmp_path, "log_data/before.json", play())
    write(tmp_path, "song_data/before.json", song())
    etl.run(tmp_path, dsn=dsn)
    reads: list[None] = []
    torn: list[Any] = []
    stop = threading.Event()

    def read_all_the_while() -> None:
        with connect(dsn) as reader:
            reader.execute("SET lock_timeout = '500ms'")  # waiting longer would be an error
            while not stop.is_set():
                torn.extend(
                    reader.execute(
                        "SELECT p.* FROM songplays p LEFT JOIN users u USING (user_id) LEFT JOIN time t"
                        " USING (start_time)"
                        " LEFT JOIN songs s USING (song_id) LEFT JOIN artists a ON a.artist_id = p.artist_id"
                        " LEFT JOIN analytics.heard_plays h USING (start_time, songplay_id)"
                        " LEFT JOIN analytics.heard_songs g USING (heard_song_id)"
                        " WHERE u.user_id IS NULL OR t.start_time IS NULL OR g.heard_song_id IS NULL"
                        " OR (p.song_id IS NOT NULL AND (s.song_id IS NULL OR a.artist_id IS NULL))"
                    ).fetchall()
                )
                reads.append(None)

    with connect(dsn) as holder, holder.transaction():
        for table in ("songplays", "users", "songs", "artists", "time"):
            holder.execute(f"SELECT count(*) FROM {table}")
        reader = Thread(read_all_the_while)
        reader.start()
        loader = Thread(lambda: etl.run(made_up, dsn=dsn))
        loader.start()
        loader.join(timeout=60)
        assert not loader.is_alive(), "the load waits for a reader"
        assert one(holder, "SELECT count(*) FROM songplays") > 0
    stop.set()
    reader.join()
    assert torn == []
    assert len(reads) > 3
    assert [reader.failure, loader.failure] == [None, None]


def test_a_month_is_seen_as_a_whole(made_up: Path, dsn: str) -> None:
    """A reader sees a month as a whole or not at all."""
    seen: set[tuple[Any, ...]] = set()
    stop = threading.Event()

    def read_all_the_while() -> None:
        with connect(dsn) as reader:
            while not stop.is_set():
                seen.update(
                    reader.execute(
                        "SELECT date_trunc('month', start_time), count(*),"
                        " (SELECT row_count FROM etl.row_counts WHERE table_name = 'songplays')"
                        " - (SELECT count(*) FROM songplays),"
                        " (SELECT count(*) FROM analytics.heard_plays) - (SELECT count(*) FROM songplays),"
                        " (SELECT count(DISTINCT user_id) FROM songplays) - (SELECT count(*) FROM users)"
                        " FROM songplays GROUP BY 1"
                    ).fetchall()
                )

    reader = threading.Thread(target=read_all_the_while)
    reader.start()
    etl.run(made_up, dsn=dsn)
    time.sleep(0.1)
    stop.set()
    reader.join()
    with connect(dsn) as connection:
        months = connection.execute(
            "SELECT date_trunc('month', start_time), count(*) FROM songplays GROUP BY 1"
        ).fetchall()
        assert one(connection, "SELECT count(*) FROM analytics.heard_plays") == sum(n for _, n in months)
    assert {(month, count) for month, count, *_ in seen} == set(months)
    # A statement that is planned as a month is being attached runs without the month, on a snapshot that may
    # be newer than its plan: then the dimensions are ahead of the facts. The facts are never ahead of them.
    # It may also find the whole month in the one partitioned table, and not yet in the other.
    assert all(ahead >= 0 and orphans <= 0 for _, _, ahead, _, orphans in seen)
    assert {abs(heard) for _, _, _, heard, _ in seen} <= {0, *(count for _, count in months)}


# --- runs that die ------------------------------------------------------------------------------------------


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def test_killed_at_random_moments(
    made_up: Path,
    expected: dict[str, str],
    module_dsn: str,
    new_dsn: Callable[[], str],
    nursery: Nursery,
    tmp_path: Path,
) -> None:
    """The load is killed several times at random moments; then one run is left alone."""
    with connect(module_dsn) as connection:
        books = totals(connection)

    def start(dsn: str, seconds: float = 0) -> Client:
        arguments = ["etl", str(made_up), "--workers", "2", "--dsn", dsn]
        return Client(nursery, arguments, tmp_path / "log", Instant(seconds), {"batch_bytes": 30_000})

    assert start(new_dsn()).end() == 0  # not timed: only the first imports everything
    undisturbed = start(new_dsn())
    assert undisturbed.end() == 0
    clock = random.Random(20181101)
    kills = 0
    while kills < times(3, thorough=12):
        dsn = new_dsn()
        for _ in range(7):
            # Kill within half the time of a whole load: a later run continues what the killed ones did, so
            # some run finishes.
            process = start(dsn, clock.random() * undisturbed.seconds() / 2)
            process.reach()
            process.strike(signal.SIGKILL)
            assert process.code in {0, -signal.SIGKILL}
            if process.code == 0:
                break
            kills += process.code == -signal.SIGKILL
        etl.run(made_up, dsn=dsn)
        with connect(dsn) as connection:
            assert checksums(connection) == expected
            assert totals(connection) == books
            assert one(connection, "SELECT count(*) FROM etl.runs WHERE state <> 'published'") == 0
            assert one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == 0


def test_died_in_every_step(
    made_up: Path, expected: dict[str, str], new_dsn: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load dies at chosen moments: between two statements of a publication."""
    execute = Connection.execute
    for statements in (3, 12, 25, 40, 60):
        dsn = new_dsn()
        left = iter(range(statements))

        def dying(self: Connection[Any], query: Any, *args: Any, left: Any = left, **kwargs: Any) -> Any:
            # Count only statements of publication; staging is in another package.
            caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001
            if Path(caller).parent.name == "publish" and next(left, None) is None:
                raise KeyboardInterrupt
            return execute(self, query, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "execute", dying)
            with pytest.raises(KeyboardInterrupt):
                etl.run(made_up, dsn=dsn)
        etl.run(made_up, dsn=dsn)
        with connect(dsn) as connection:
            assert checksums(connection) == expected


def test_a_run_that_was_taken_over_stages_no_more(dsn: str, tmp_path: Path) -> None:
    from sparkify.errors import SparkifyError
    from sparkify.extract.batches import Batch
    from sparkify.extract.find import find_files
    from sparkify.stage.runs import begin_run, set_state
    from sparkify.stage.stager import Stager

    write(tmp_path, "log_data/a.json", play())
    with connect(dsn) as connection, begin_run(dsn, connection) as run_id:
        stager = Stager(dsn, run_id, time.time())
        set_state(connection, run_id, "publishing")
        with pytest.raises(SparkifyError, match="taken over"):
            stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
        stager.close()
        assert one(connection, "SELECT count(*) FROM etl.manifest") == 0
        set_state(connection, run_id, "published")


def test_a_finished_run_is_reported_though_the_connection_is_lost(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparkify.publish import reports

    write(tmp_path, "log_data/a.json", play())
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr("sparkify.publish.run.publish_month", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            etl.run(tmp_path, dsn=dsn)
    lost: list[bool] = []
    complete_report = reports.complete_report

    def lost_once(connection: Connection[Any], report: Report) -> None:
        if not lost:
            lost.append(True)
            connection.close()
            raise psycopg.OperationalError("the connection is lost")
        complete_report(connection, report)

    monkeypatch.setattr(reports, "complete_report", lost_once)
    assert list(etl.run(tmp_path, dsn=dsn).finished_runs) == [1]
    assert lost
    assert one(db, "SELECT report IS NOT NULL FROM etl.runs WHERE run_id = 1")


def test_a_load_says_what_it_finished(
    db: Connection[Any], dsn: str, tmp_path: Path, run_here: Callable[..., Any]
) -> None:
    """A run dies while it publishes. The load that finishes it stores the report that the run could not."""
    import json

    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 1), "torn{")
    write(tmp_path, "log_data/b.json", "no line is valid")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparkify.publish.run.publish_month", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT state, report FROM etl.runs") == ("publishing", None)
    done = run_here("etl", tmp_path, dsn=dsn)
    said = "Published run 1, which an earlier load had left: 2 files, 2 lines loaded, 2 rejected."
    assert " ".join(done.stdout.split()).startswith(f"{said} Loaded 0 new of 2 files")
    assert "Set aside 2 lines: 2 invalid_json." in done.stderr
    assert "b.json" in done.stderr
    report = one(db, "SELECT report FROM etl.runs")
    assert (report["status"], report["lines"]["loaded"]) == ("done", 2)
    # A held run that the next limit allows is finished, too.
    write(tmp_path, "log_data/c.json", play(NOVEMBER + 2), "torn{")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).finished_runs == {}
    done = run_here("etl", tmp_path, "--max-rejects", "9", "--json", dsn=dsn)
    (finished,) = json.loads(done.stdout)["finished_runs"].values()
    assert (finished["files"]["loaded"], finished["lines"]["loaded"]) == (1, 1)
    assert finished["reject_reasons"] == {"invalid_json": 1}
    assert "Published" not in run_here("etl", tmp_path, dsn=dsn).stdout


def test_a_refused_folder_changes_nothing(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Neither is a held run dropped whose file has changed, nor a dead run published."""
    from sparkify.errors import UsageError

    write(tmp_path, "log_data/a.json", play(), "torn{")
    etl.run(tmp_path, dsn=dsn, max_rejects=0)
    write(tmp_path, "log_data/a.json", song())
    with pytest.raises(UsageError, match="holds songs"):
        etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT state FROM etl.runs") == "held"
    write(tmp_path, "log_data/a.json", play())
    assert etl.run(tmp_path, dsn=dsn).files_loaded == 1
    assert db.execute("SELECT state FROM etl.runs ORDER BY run_id").fetchall() == [
        ("dropped",),
        ("published",),
    ]


def test_a_run_whose_warehouse_was_dropped_fails(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`create-tables --drop` refuses while a run is alive, but a run may have lost its lease for a moment."""
    from sparkify.errors import SparkifyError
    from sparkify.stage.runs import keep_open

    write(tmp_path, "log_data/a.json", play())
    for step in ("publish_run", "complete_report"):
        work = getattr(etl, step)

        def drop_first(*given: Any, work: Callable[..., Any] = work) -> Any:
            db.execute("TRUNCATE etl.runs, etl.staged_months; DELETE FROM etl.known_files")
            return work(*given)

        with monkeypatch.context() as patch:
            patch.setattr(etl, step, drop_first)
            with pytest.raises(SparkifyError, match="not in the warehouse any more"):
                etl.run(tmp_path, dsn=dsn)
    with pytest.raises(SparkifyError, match="not in the warehouse any more"):
        keep_open(db, 1)


def test_a_run_of_a_dropped_warehouse_gives_its_number_to_no_other(db: Connection[Any], dsn: str) -> None:
    from sparkify.errors import SparkifyError
    from sparkify.stage.runs import adopt, begin_run

    with adopt(dsn, 1), pytest.raises(SparkifyError, match="also number 1, is still alive"):
        with begin_run(dsn, db):
            pass
    with begin_run(dsn, db) as run_id:
        assert run_id == 2


def test_a_live_run_is_left_alone(dsn: str, tmp_path: Path) -> None:
    from sparkify.extract.batches import Batch
    from sparkify.extract.find import find_files
    from sparkify.stage.runs import begin_run
    from sparkify.stage.stager import Stager

    write(tmp_path, "log_data/a.json", play())
    with connect(dsn) as connection:
        with begin_run(dsn, connection) as run_id:
            stager = Stager(dsn, run_id, time.time() - 60)
            stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
            stager.close()
            report = etl.run(tmp_path, dsn=dsn)
            assert (report.files_new, report.rows["songplays"]) == (0, 0)
        # Now it is dead: the next run publishes what it staged.
        assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1


def test_a_song_file_that_two_runs_read_with_a_change_between(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """A file belongs to one unfinished run; the later version waits for the next."""
    from sparkify.extract.batches import Batch
    from sparkify.extract.find import find_files
    from sparkify.publish.run import publish_run
    from sparkify.stage.runs import begin_run
    from sparkify.stage.stager import Stager

    (tmp_path / "log_data").mkdir()
    write(tmp_path, "song_data/a.json", song(title="first"))
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time() - 60)
        stager.stage(Batch(tuple(find_files(tmp_path / "song_data", "song"))))
        stager.close()
        write(tmp_path, "song_data/a.json", song(title="second"), song("S2"))
        assert etl.run(tmp_path, dsn=dsn).tally.left_to_others == 1
        publish_run(db, dsn, run_id)
    assert one(db, "SELECT title FROM songs") == "first"
    assert etl.run(tmp_path, dsn=dsn).rows["songs"] == 2
    assert one(db, "SELECT title FROM songs WHERE song_id <> 'S2'") == "second"


def test_a_file_that_an_unfinished_run_has_is_left_to_it(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """What a run has staged affects no other load: no user, no time, no duplicate that wins over its
    lines."""
    from sparkify.extract.batches import Batch
    from sparkify.extract.find import find_files
    from sparkify.publish.run import publish_run
    from sparkify.stage.runs import begin_run
    from sparkify.stage.stager import Stager

    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 5, userId="99"))
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time() - 60)
        stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
        stager.close()
        write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 5, userId="99"), play(NOVEMBER + 6))
        write(tmp_path, "log_data/b.json", play())
        report = etl.run(tmp_path, dsn=dsn)
        assert (report.tally.left_to_others, report.files_loaded) == (1, 1)
        assert report.rows == {"songplays": 1, "users": 1, "songs": 0, "artists": 0, "time": 1}
        publish_run(db, dsn, run_id)
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 3
    assert sorted(db.execute("SELECT right(path, 6), loaded, duplicates FROM etl.files").fetchall()) == [
        ("a.json", 2, 1), ("b.json", 1, 0),
    ]  # fmt: skip


def test_books_when_a_file_grows_and_another_has_a_better_record(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "log_data/x.json", play(level="paid"))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/x.json", play(level="paid"), play(NOVEMBER + 1))
    write(tmp_path, "log_data/y.json", play(level="free"))
    etl.run(tmp_path, dsn=dsn)
    assert sorted(db.execute("SELECT right(path, 6), loaded, duplicates FROM etl.files").fetchall()) == [
        ("x.json", 1, 1), ("y.json", 1, 0),
    ]  # fmt: skip


# --- too many rejects ---------------------------------------------------------------------------------------


def test_too_many_rejects_hold_everything_back(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    log = write(tmp_path, "log_data/a.json", play(), "bad", "worse")
    write(tmp_path, "song_data/a.json", song())
    report = etl.run(tmp_path, dsn=dsn, max_rejects=1)
    assert (report.status, report.held_runs, report.files_loaded) == ("held", [report.run_id], 0)
    assert report.rows == {"songplays": 0, "users": 0, "songs": 0, "artists": 0, "time": 0}
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == 2
    # The run stays held, whether the next one has no limit or one that it exceeds.
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 0
    assert etl.run(tmp_path, dsn=dsn, max_rejects="40%").status == "held"
    # Fixing the files ends that.
    log.write_bytes(log.read_bytes().replace(b"worse", b"     "))
    report = etl.run(tmp_path, dsn=dsn, max_rejects=1)
    assert (report.status, report.held_runs) == ("done", [])
    assert report.rows == {"songplays": 1, "users": 1, "songs": 1, "artists": 1, "time": 1}
    assert report.matched == 1
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == 1


def test_a_share_of_rejects_is_compared_exactly() -> None:
    """0.29 * 100 is less than 29 as a double."""
    for percent in range(101):
        limit = RejectLimit.parse(f"{percent}%")
        assert limit is not None
        assert not limit.exceeded(Books(lines=100, rejected=percent))
        assert limit.exceeded(Books(lines=100, rejected=percent + 1))
    assert RejectLimit.parse("0.7%") == RejectLimit.parse("0.70%")


@pytest.mark.parametrize("limit", ["200%", "100.01%", "1%%", "-1%", "-1", "1.5", ".5%", "", "%"])
def test_what_is_no_limit_of_rejects(limit: str) -> None:
    with pytest.raises(UsageError, match="limit of rejects"):
        RejectLimit.parse(limit)


def test_a_held_run_is_released_by_a_limit_that_allows_it(dsn: str, tmp_path: Path) -> None:
    """The share is of all lines that were read: here one of five is bad."""
    write(tmp_path, "log_data/a.json", play(), "", view(), '{"page": "Home"}', "bad")
    assert etl.run(tmp_path, dsn=dsn, max_rejects="19.999999%").status == "held"
    report = etl.run(tmp_path, dsn=dsn, max_rejects="20%")
    assert (report.status, report.rows["songplays"]) == ("done", 1)


def test_what_is_held_hides_nothing_of_the_next_run(dsn: str, tmp_path: Path) -> None:
    held = write(tmp_path, "log_data/a.json", "bad")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    write(tmp_path, "log_data/b.json", play())
    report = etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert (report.status, report.files_loaded, report.held_runs) == ("done", 1, [1])
    held.touch()
    assert etl.run(tmp_path, dsn=dsn).held_runs == [1]  # the same bytes
    assert analytics.quality(dsn=dsn)["held_runs"] == [1]


@pytest.mark.parametrize("moment", [1.4e10, -1.4e10])
def test_a_file_restored_after_it_was_held(
    db: Connection[Any], dsn: str, tmp_path: Path, moment: float
) -> None:
    log = write(tmp_path, "log_data/a.json", play())
    os.utime(log, (moment, moment))
    first = log.read_bytes()
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/a.json", "bad")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    log.write_bytes(first)
    os.utime(log, (moment, moment))
    assert etl.run(tmp_path, dsn=dsn).held_runs == []
    assert etl.run(tmp_path, dsn=dsn).files_new == 0
    assert db.execute("SELECT state, lines, loaded FROM etl.files").fetchall() == [("loaded", 1, 1)]


# --- plays and catalogue ------------------------------------------------------------------------------------


def matches(db: Connection[Any]) -> list[tuple[Any, ...]]:
    return db.execute("SELECT song_id, artist_id FROM songplays ORDER BY start_time, songplay_id").fetchall()


def test_ids_of_any_spelling_find_their_plays(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    ids = ['S"1', "S,1", "S\n1", "S\r\n1", " S1 ", "'", "\\N", "é\t\\."]
    titles = dict(enumerate(ids))
    songs = [song(song_id, artist_id=song_id + "a", title=f"title {n}") for n, song_id in titles.items()]
    write(tmp_path, "song_data/a.json", *songs)
    write(tmp_path, "log_data/a.json", *(play(NOVEMBER + n, song=f"title {n}") for n in titles))
    assert etl.run(tmp_path, dsn=dsn).matched == len(ids)
    assert matches(db) == [(song_id, song_id + "a") for song_id in ids]


def test_songs_that_come_late_change_and_go(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    artist = "AR5KOSW1187FB35FF4"
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 40 * DAY, song="Other"))
    etl.run(tmp_path, dsn=dsn)
    assert matches(db) == [(None, None), (None, None)]

    write(tmp_path, "song_data/a.json", song("S2"))
    assert etl.run(tmp_path, dsn=dsn).matched == 1
    assert matches(db) == [("S2", artist), (None, None)]

    write(
        tmp_path, "song_data/b.json", song("S1"), song("S3", title="Other")
    )  # two songs match; S1 is the smaller id
    assert etl.run(tmp_path, dsn=dsn).matched == 2
    assert matches(db) == [("S1", artist), ("S3", artist)]

    write(tmp_path, "song_data/b.json", song("S1", artist_id="A2"), song("S3", title="Third"))
    assert etl.run(tmp_path, dsn=dsn).matched == 1
    assert matches(db) == [("S1", "A2"), (None, None)]

    write(
        tmp_path,
        "song_data/c.json",
        song("S9", artist_id="A2", artist_name="Renamed", artist_location="Z" * 9),
    )
    etl.run(tmp_path, dsn=dsn)
    assert matches(db) == [("S1", "A2"), (None, None)]  # of two names, the smaller by bytes stays: "Elena"

    write(tmp_path, "song_data/b.json", song("S4", title="Third"))
    report = etl.run(tmp_path, dsn=dsn)
    assert matches(db) == [("S2", artist), (None, None)]
    assert sorted(row[0] for row in db.execute("SELECT song_id FROM songs")) == ["S2", "S4", "S9"]
    assert (report.matched, report.rows["songs"], report.rows["artists"]) == (1, 3, 2)


def test_a_guess_that_was_wrong_is_corrected(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """With a limit, plays are staged before the songs are published, so at first they match none."""
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "song_data/a.json", song())
    assert etl.run(tmp_path, dsn=dsn, max_rejects=10).matched == 1
    assert matches(db) == [("SOZCTXZ12AB0182364", "AR5KOSW1187FB35FF4")]


def test_the_catalogue_rule(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """One whole record wins, never a mixture.

    For a song, the most complete record wins; for an artist, one with the most frequent name.
    """
    write(tmp_path, "song_data/1.json", song(title="B", year=0, artist_name="Z"))
    write(tmp_path, "song_data/2.json", song(title="C", year=1990, artist_name="Y", artist_location=""))
    write(tmp_path, "song_data/3.json", song(title="D", year=1991, artist_name="Y", artist_location="Brno"))
    (tmp_path / "log_data").mkdir()
    etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT title, year FROM songs").fetchall() == [("C", 1990)]
    assert db.execute("SELECT name, location FROM artists").fetchall() == [("Y", "Brno")]


# --- files --------------------------------------------------------------------------------------------------


def test_a_file_that_changes(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play(), "torn")
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/a.json", "", play(NOVEMBER + 1), play(), play(NOVEMBER + 2))
    report = etl.run(tmp_path, dsn=dsn)
    assert report.rows["songplays"] == 3
    books = "SELECT lines, blank, page_views, bare_pages, loaded, duplicates, rejected FROM etl.files"
    assert db.execute(books).fetchall() == [(4, 1, 0, 0, 3, 0, 0)]
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == 0
    assert sorted(row[0] for row in db.execute("SELECT line FROM analytics.heard_plays")) == [2, 3, 4]


def test_other_bytes_of_the_same_size_and_time(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """A file changes so soon after it was read that its time stays the same."""
    log = write(tmp_path, "log_data/a.json", play())
    status = log.stat()
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/a.json", play(NOVEMBER + 1))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2
    assert etl.run(tmp_path, dsn=dsn).files_new == 0


def test_one_bad_file_stops_no_other(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    (tmp_path / "log_data" / "loop").symlink_to("loop")
    (tmp_path / "log_data" / "loop.json").symlink_to("loop.json")
    (tmp_path / "log_data" / "mem.json.gz").symlink_to("/proc/self/mem")  # can be opened but not read
    report = etl.run(tmp_path, dsn=dsn)
    assert report.rows["songplays"] == 1
    assert {Path(name).name for name in report.tally.unreadable} == {"loop.json", "mem.json.gz"}


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_file_that_has_become_a_pipe(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Nobody writes into the pipe, so a reader would wait for ever."""
    write(tmp_path, "log_data/a.json", play())
    pipe = write(tmp_path, "log_data/b.json", " " * size)
    from sparkify.extract.plan import make_plan

    def plan_and_replace(*args: Any) -> Any:
        plan = make_plan(*args)
        pipe.unlink()
        os.mkfifo(pipe)
        return plan

    monkeypatch.setattr(etl, "make_plan", plan_and_replace)
    report = etl.run(tmp_path, dsn=dsn)
    assert report.tally.unreadable == {str(pipe): "it is a pipe, a socket or a device: remove or rename it"}
    assert report.rows["songplays"] == 1


def test_a_file_that_vanishes_or_cannot_be_read(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "log_data/a.json", play())
    gone = write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    from sparkify.extract.plan import make_plan

    def plan_and_lose(*args: Any) -> Any:
        plan = make_plan(*args)
        gone.unlink(missing_ok=True)
        return plan

    with monkeypatch.context() as patch:
        patch.setattr(etl, "make_plan", plan_and_lose)
        report = etl.run(tmp_path, dsn=dsn)
    assert list(report.tally.unreadable) == [str(gone)]
    assert (report.files_loaded, report.rows["songplays"]) == (1, 1)
    assert one(db, "SELECT state FROM etl.files WHERE path LIKE '%b.json'") == "vanished"
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2
    assert one(db, "SELECT state FROM etl.files WHERE path LIKE '%b.json'") == "loaded"


def test_names_that_are_no_text(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "log_data").mkdir()
    source = write(tmp_path, "log_data/a.json", play())
    source.rename(os.fsdecode(os.fsencode(tmp_path) + b"/log_data/\xff.json"))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1
    assert etl.run(tmp_path, dsn=dsn).files_new == 0


def test_many_months(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """One play in each of many months."""
    months = times(6, thorough=30)
    write(tmp_path, "log_data/a.json", *(play(946684800000 + month * 31 * DAY) for month in range(months)))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == months
    assert one(db, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'songplays'::regclass") == months


def test_a_path_longer_than_an_index_entry(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    folders = "/".join(random.Random(folder).randbytes(120).hex() for folder in range(14))
    (tmp_path / "log_data").mkdir()
    write(tmp_path, f"log_data/{folders}/a.json", play())
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1
    assert etl.run(tmp_path, dsn=dsn).files_new == 0
    assert one(db, "SELECT length(path) > 3000 FROM etl.files")


def test_a_failing_server_is_an_error_of_ours(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    from sparkify.errors import SparkifyError

    write(tmp_path, "log_data/a.json", play())
    db.execute("ALTER TABLE analytics.heard_songs RENAME title TO other")
    with pytest.raises(SparkifyError, match="title"):
        etl.run(tmp_path, dsn=dsn)
    db.execute("ALTER TABLE analytics.heard_songs RENAME other TO title")
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1


# --- months published while the run goes on -----------------------------------------------------------------


def test_a_month_is_published_ahead_and_what_comes_late_for_it_is_inserted(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = []
    publish = ahead.publish_month

    def noted(connection: Connection[Any], run_id: int, month: date, **how: Any) -> None:
        published.append((month, one(db, "SELECT state FROM etl.runs WHERE run_id = %s", run_id)))
        publish(connection, run_id, month, **how)

    monkeypatch.setattr(ahead, "publish_month", noted)
    december, january = NOVEMBER + 31 * DAY, NOVEMBER + 62 * DAY
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 1))
    write(tmp_path, "log_data/b.json", play(december))
    write(tmp_path, "log_data/c.json", play(december + 1))
    # repeats the first plays, once as a winning and once as a losing variant, and adds one
    write(
        tmp_path, "log_data/d.json", play(level="free"), play(NOVEMBER + 1, level="zero"), play(NOVEMBER + 2)
    )
    write(tmp_path, "log_data/e.json", play(january))
    report = etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1)
    assert published == [(date(2018, 11, 1), "open")]
    assert (report.books.lines, report.books.loaded, report.books.duplicates) == (8, 6, 2)
    assert [level for (level,) in db.execute("SELECT level FROM songplays ORDER BY start_time")] == [
        "free", "paid", "paid", "paid", "paid", "paid"
    ]  # fmt: skip
    assert sorted(db.execute("SELECT right(path, 6), loaded, duplicates FROM etl.files").fetchall()) == [
        ("a.json", 1, 1), ("b.json", 1, 0), ("c.json", 1, 0), ("d.json", 2, 1), ("e.json", 1, 0)
    ]  # fmt: skip
    in_one_go = checksums(db)
    assert one(db, "SELECT count(*) FROM etl.staged_slices") == 0
    create_tables(dsn, drop=True)
    etl.run(tmp_path, dsn=dsn, max_rejects=100)  # with a limit nothing is published ahead
    assert checksums(db) == in_one_go
    assert len(published) == 1


def test_a_month_that_a_batch_is_staging_for_is_left_for_the_end(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """Publishing ahead does not wait for the batch: nobody else could publish meanwhile."""
    from sparkify.extract.batches import Batch
    from sparkify.extract.find import find_files
    from sparkify.publish.months import publish_month
    from sparkify.stage.runs import begin_run
    from sparkify.stage.stager import Stager

    write(tmp_path, "log_data/a.json", play())
    november = date(2018, 11, 1)
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time())
        stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
        stager.close()
        db.execute("SET lock_timeout = '100ms'")
        with connect(dsn) as batch, batch.transaction():
            batch.execute(queries("stage/stage")["lock_months"], [run_id, [november]])
            publish_month(db, run_id, november, ahead=True)
            assert one(db, "SELECT count(*) FROM songplays") == 0
            with pytest.raises(psycopg.errors.LockNotAvailable):
                publish_month(db, run_id, november)
        db.execute("RESET lock_timeout")
        publish_month(db, run_id, november, ahead=True)
    assert one(db, "SELECT count(*) FROM songplays") == 1
