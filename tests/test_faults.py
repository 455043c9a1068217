"""A run whose data cannot be published is set aside, dropped or released, and blocks no other run."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.errors import SparkifyError
from sparkify.extract import batches, plan
from sparkify.operations import runs
from sparkify.operations.check import check
from sparkify.operations.retry import retry
from sparkify.stage.parts import cut_files
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.examples import examples
from tests.support.warehouse import check_books, checksums, content, one
from tests.support.worlds import events, plays

DAY = 24 * 3600 * 1000
DECEMBER = NOVEMBER + 30 * DAY
JANUARY = NOVEMBER + 61 * DAY

TRIGGER = """
CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = 'poison' THEN {what}; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fault BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.fault()
"""


def put(
    db: Connection[Any], what: str = "NEW.title := exp(1e4::float8)", table: str = "analytics.heard_songs"
) -> None:
    """Make publishing fail on a song with the title poison: with an overflow, unless told otherwise."""
    db.execute(TRIGGER.format(what=what, table=table))


def remove(db: Connection[Any]) -> None:
    """Remove the fault."""
    db.execute("DROP FUNCTION public.fault CASCADE")


def clean(dsn: str) -> bool:
    """Whether `check` finds nothing."""
    return [finding for finding in check(dsn) if finding.found] == []


def states(db: Connection[Any]) -> list[str]:
    return [state for (state,) in db.execute("SELECT state FROM etl.runs ORDER BY run_id")]


def files(db: Connection[Any]) -> dict[str, tuple[Any, ...]]:
    """Each file with its state and the numbers of loaded, repeated and rejected lines."""
    rows = db.execute("SELECT path, state, loaded, duplicates, rejected FROM etl.files").fetchall()
    return {Path(path).name: tuple(books) for path, *books in rows}


def write_files(root: Path) -> None:
    """Two months. December has poison, in a file that also has plays of November."""
    write(root, "song_data/a.json", song())
    write(root, "log_data/1.json", play(), play(NOVEMBER + 1), "bad")
    write(root, "log_data/2.json", play(NOVEMBER + 2), play(DECEMBER, song="poison"), play(DECEMBER + 1))
    write(root, "log_data/3.json", play(DECEMBER + 2))
    write(root, "log_data/4.json", {"page": "Home"})
    write(root, "log_data/5.json", play(DECEMBER + 1, level="zzz"))  # a line of the second file wins


@pytest.fixture
def failed(db: Connection[Any], dsn: str, tmp_path: Path) -> str:
    """A warehouse with a failed run, and the message of the command."""
    write_files(tmp_path)
    put(db)
    with pytest.raises(SparkifyError) as caught:
        etl.run(tmp_path, dsn=dsn)
    return str(caught.value)


def expected(new_dsn: Callable[[], str], root: Path) -> dict[str, str]:
    """The content after one load of the files without the fault."""
    dsn = new_dsn()
    etl.run(root, dsn=dsn)
    return content(dsn)


def test_what_can_be_published_is_and_the_rest_is_set_aside(
    failed: str, db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    assert failed.startswith(
        f"Run 1 failed: December 2018 (of {tmp_path}/log_data/2.json and 1 more): PostgreSQL: value out of"
        " range"
    )
    assert "sparkify runs drop 1" in failed
    assert "again to go on" not in failed
    assert one(db, "SELECT count(*), max(start_time) < '2018-12-01' FROM songplays") == (3, True)
    assert one(db, "SELECT count(*) FROM songs") == 1
    assert (states(db), clean(dsn)) == (["failed"], True)
    (run,) = analytics.runs(dsn=dsn)
    assert "December 2018" in run["reason"]
    assert analytics.status(dsn=dsn)["runs"][0]["reason"] == run["reason"]
    assert one(db, "SELECT report ->> 'status' FROM etl.runs") == "failed"


def test_later_loads_go_on_without_it(
    failed: str, db: Connection[Any], dsn: str, tmp_path: Path, run_here: Callable[..., Any]
) -> None:
    write(tmp_path, "log_data/6.json", play(DECEMBER + 1, level="aaa"), play(DECEMBER + 9), play(JANUARY))
    done = run_here("etl", tmp_path, dsn=dsn)
    assert done.returncode == 0
    assert failed in done.stderr  # says the reason and what to do again
    assert (states(db), clean(dsn)) == (["failed", "published"], True)
    assert one(db, "SELECT count(*) FROM songplays") == 6
    failed_runs = etl.run(tmp_path, dsn=dsn).failed_runs
    assert failed_runs.keys() == {1}
    assert analytics.quality(dsn=dsn)["failed_runs"] == failed_runs
    for command in (("runs", "list"), ("status",)):
        assert failed in run_here(*command, dsn=dsn).stdout


def test_a_failed_run_is_released_when_the_cause_is_gone(
    failed: str, db: Connection[Any], dsn: str, tmp_path: Path, new_dsn: Callable[[], str]
) -> None:
    with pytest.raises(SparkifyError) as again:
        runs.release(1, dsn=dsn)
    assert str(again.value) == failed
    remove(db)
    assert runs.release(1, dsn=dsn).books.loaded == 7
    assert states(db) == ["published"]
    assert one(db, "SELECT reason FROM etl.runs") is None
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


def test_a_failed_run_is_dropped_and_loaded_again(
    failed: str,
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    new_dsn: Callable[[], str],
    run_here: Callable[..., Any],
) -> None:
    done = run_here("runs", "drop", "1", dsn=dsn)
    assert "reads 3 files of it again" in done.stderr
    # A file that is published as a whole stays loaded.
    assert files(db) == {
        "a.json": ("loaded", 1, 0, 0), "1.json": ("loaded", 2, 0, 1), "2.json": ("new", 0, 0, 0),
        "3.json": ("new", 0, 0, 0),
        "4.json": ("loaded", 0, 0, 0), "5.json": ("new", 0, 0, 0),
    }  # fmt: skip
    assert (states(db), clean(dsn)) == (["published"], True)
    assert one(db, "SELECT count(*) FROM songplays") == 3
    remove(db)
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.files_new, report.failed_runs) == (3, {})
    assert files(db)["2.json"] == ("loaded", 3, 0, 0)
    assert files(db)["5.json"] == ("loaded", 0, 1, 0)
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


def test_a_failed_run_is_read_again_when_a_file_is_mended(
    failed: str,
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    new_dsn: Callable[[], str],
) -> None:
    write(tmp_path, "log_data/2.json", play(NOVEMBER + 2), play(DECEMBER + 1))
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.files_new, report.failed_runs) == (3, {})
    assert states(db) == ["published", "published"]
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


def test_a_failed_run_is_read_again_when_it_has_read_a_file_in_part(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the file now is as it was when the run began, to judge by its size and time."""
    for module in (batches, plan):
        monkeypatch.setattr(module, "LEAST_PART_BYTES", 1)
    log = write(
        tmp_path, "log_data/a.json", play(song="poison"), *(play(NOVEMBER + at) for at in range(1, 20))
    )
    whole, then = log.read_bytes(), log.stat().st_mtime_ns

    def cut_and_change(*given: Any) -> Any:
        parts = cut_files(*given)
        log.write_bytes(whole[: len(whole) // 2] + b"\n" * (len(whole) // 2))
        return parts

    put(db)
    with monkeypatch.context() as patch:
        patch.setattr(etl, "cut_files", cut_and_change)
        with pytest.raises(SparkifyError, match="Run 1 failed"):
            etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=len(whole) // 4)
    assert 0 < one(db, "SELECT sum(plays) FROM etl.staged_slices") < 20
    log.write_bytes(whole)
    os.utime(log, ns=(then, then))
    remove(db)
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.failed_runs, report.books.loaded, report.books.duplicates) == ({}, 20, 0)
    assert (states(db), clean(dsn)) == (["dropped", "published"], True)


def test_without_the_file_the_rest_is_loaded(
    failed: str,
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "log_data/2.json").unlink()
    runs.drop(1, dsn=dsn)
    assert etl.run(tmp_path, dsn=dsn).failed_runs == {}
    assert files(db)["5.json"] == ("loaded", 1, 0, 0)  # the line that won is gone
    assert one(db, "SELECT count(*) FROM songplays") == 5
    assert clean(dsn)


def test_an_earlier_version_of_a_file_that_is_published_in_part(
    db: Connection[Any], dsn: str, tmp_path: Path, new_dsn: Callable[[], str]
) -> None:
    """The file loses its books: those of its earlier version would count plays that now come from another
    file."""
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "log_data/z.json", play(NOVEMBER + 1))
    etl.run(tmp_path, dsn=dsn)
    put(db)
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 2), play(DECEMBER, song="poison"))
    write(tmp_path, "log_data/z.json", play(NOVEMBER + 1), play(NOVEMBER + 3))
    with pytest.raises(SparkifyError, match="December 2018"):
        etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/b.json", play(level="free"), play(NOVEMBER + 3, level="free"))  # these win
    etl.run(tmp_path, dsn=dsn)
    runs.drop(2, dsn=dsn)
    assert files(db) == {
        "a.json": ("new", 0, 0, 0),
        "b.json": ("loaded", 2, 0, 0),
        "z.json": ("loaded", 1, 1, 0),
    }
    assert clean(dsn)
    remove(db)
    etl.run(tmp_path, dsn=dsn)
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


def test_a_play_that_another_file_has_taken_over(
    db: Connection[Any], dsn: str, tmp_path: Path, new_dsn: Callable[[], str]
) -> None:
    """Nothing of z.json is published, but its earlier books count a play that now comes from a.json."""
    write(tmp_path, "log_data/z.json", play(DECEMBER))
    etl.run(tmp_path, dsn=dsn)
    put(db)
    write(tmp_path, "log_data/a.json", play(DECEMBER), play(song="poison"))
    write(tmp_path, "log_data/z.json", play(DECEMBER), play(NOVEMBER + 1))
    with pytest.raises(SparkifyError, match="November 2018"):
        etl.run(tmp_path, dsn=dsn)
    runs.drop(2, dsn=dsn)
    assert clean(dsn)
    remove(db)
    etl.run(tmp_path, dsn=dsn)
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


def test_a_catalogue_that_cannot_be_published(
    db: Connection[Any], dsn: str, tmp_path: Path, new_dsn: Callable[[], str]
) -> None:
    write(tmp_path, "song_data/a.json", song(), song("S2", title="poison"))
    write(tmp_path, "log_data/a.json", play())
    put(db, table="songs")
    with pytest.raises(SparkifyError, match=r"catalogue \(of .*a.json\): PostgreSQL"):
        etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(*), count(song_id) FROM songplays") == (1, 0)
    runs.drop(1, dsn=dsn)
    assert sorted(db.execute("SELECT kind, state FROM etl.files").fetchall()) == [
        ("log", "loaded"),
        ("song", "new"),
    ]
    assert clean(dsn)
    remove(db)
    assert etl.run(tmp_path, dsn=dsn).matched == 1
    assert (content(dsn), clean(dsn)) == (expected(new_dsn, tmp_path), True)


@pytest.mark.parametrize(
    "fault",
    [
        "ALTER TABLE analytics.heard_songs ADD CHECK (title <> 'poison')",
        "CREATE INDEX fault ON analytics.heard_songs (title)",
        TRIGGER.format(table="analytics.heard_songs", what="RAISE EXCEPTION 'not this one'"),
    ],
    ids=["constraint", "limit", "somebody's trigger"],
)
def test_faults_that_lie_in_the_data(db: Connection[Any], dsn: str, tmp_path: Path, fault: str) -> None:
    long = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=10_000))
    write(tmp_path, "log_data/a.json", play(song="poison"), play(NOVEMBER + 1, song=long))
    db.execute(fault)
    with pytest.raises(SparkifyError, match="runs drop 1"):
        etl.run(tmp_path, dsn=dsn)
    assert states(db) == ["failed"]
    runs.drop(1, dsn=dsn)
    assert states(db) == ["dropped"]
    assert clean(dsn)


@pytest.mark.parametrize("state", ["53100", "57014", "XX000"])
def test_other_faults_leave_the_run_to_the_next_command(
    db: Connection[Any], dsn: str, tmp_path: Path, state: str
) -> None:
    write(tmp_path, "log_data/a.json", play(song="poison"))
    put(db, f"RAISE EXCEPTION 'of the server' USING ERRCODE = '{state}'")
    with pytest.raises(SparkifyError, match="of the server"):
        etl.run(tmp_path, dsn=dsn)
    assert states(db) == ["publishing"]
    remove(db)
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1


def test_agents_that_cannot_be_named_wait(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    db.execute("ALTER TABLE analytics.user_agents ADD CONSTRAINT fault CHECK (device IS NULL)")
    assert etl.run(tmp_path, dsn=dsn).status == "done"
    db.execute("ALTER TABLE analytics.user_agents DROP CONSTRAINT fault")
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(device) FROM analytics.user_agents") == 1


@pytest.mark.parametrize(
    ("table", "fault", "remedy"),
    [
        *(
            (table, "ADD CONSTRAINT fault CHECK (start_time < '2018-12-01')", "DROP CONSTRAINT fault")
            for table in ("songplays", "time", "analytics.heard_plays", "analytics.page_views")
        ),
        ("songplays", "ALTER location SET NOT NULL", "ALTER location DROP NOT NULL"),
        ("analytics.user_days", "ALTER location SET NOT NULL", "ALTER location DROP NOT NULL"),
    ],
)
def test_a_constraint_that_some_rows_break(
    db: Connection[Any], dsn: str, tmp_path: Path, table: str, fault: str, remedy: str
) -> None:
    """Their month stays staged, like one that any other table refuses, and the others load."""
    write(tmp_path, "log_data/1.json", play(), view())
    write(tmp_path, "log_data/2.json", play(NOVEMBER + 1), play(DECEMBER, location=None), view(DECEMBER))
    write(tmp_path, "log_data/3.json", play(NOVEMBER + 2))
    create_tables(dsn)
    db.execute(f"ALTER TABLE {table} {fault}")  # type: ignore[call-overload]
    with pytest.raises(SparkifyError, match=r"December 2018 .*(fault|location)"):
        etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/4.json", play(NOVEMBER + 3))
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.rows["songplays"], list(report.failed_runs)) == (4, [1])
    assert clean(dsn)
    db.execute(f"ALTER TABLE {table} {remedy}")  # type: ignore[call-overload]
    runs.release(1, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 5
    assert clean(dsn)


@pytest.mark.parametrize("table", ["songplays", "time", "analytics.heard_plays", "analytics.page_views"])
def test_constraints_that_change_while_a_run_is_held(
    db: Connection[Any], dsn: str, tmp_path: Path, table: str
) -> None:
    """A partition gets those that its table has when it is attached, and loses them with it."""
    write(tmp_path, "log_data/a.json", play(), view(), "torn")
    create_tables(dsn)
    db.execute(f"ALTER TABLE {table} ADD CONSTRAINT of_old CHECK (start_time < '2018-11-02')")  # type: ignore[call-overload]
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    db.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT of_old,"  # type: ignore[call-overload]
        " ADD CONSTRAINT of_now CHECK (start_time < '2018-11-03') NOT VALID"
    )
    runs.release(1, dsn=dsn)
    db.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT of_now")  # type: ignore[call-overload]
    assert clean(dsn)
    write(tmp_path, "log_data/b.json", play(NOVEMBER + DAY), view(NOVEMBER + DAY))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2
    write(tmp_path, "log_data/c.json", play(NOVEMBER + 5 * DAY), view(NOVEMBER + 5 * DAY))
    with pytest.raises(SparkifyError, match="of_now"):
        etl.run(tmp_path, dsn=dsn)
    db.execute(f"ALTER TABLE {table} DROP CONSTRAINT of_now")  # type: ignore[call-overload]
    runs.release(3, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 3
    assert clean(dsn)


def test_a_publication_of_all_tables(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """PostgreSQL's hint names a table that is gone at the next try."""
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    db.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    with pytest.raises(SparkifyError, match=r"A publication includes this table.*Drop it"):
        etl.run(tmp_path, dsn=dsn)
    db.execute("DROP PUBLICATION everything")
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2
    assert clean(dsn)


def test_a_dead_run_can_be_dropped(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The cause of a failure may lie outside the data, and persist."""
    write(tmp_path, "log_data/a.json", play(song="poison"))
    put(db, "RAISE EXCEPTION 'of the server' USING ERRCODE = '42P01'")
    with pytest.raises(SparkifyError, match="of the server"):
        etl.run(tmp_path, dsn=dsn)
    assert (runs.drop(1, dsn=dsn), states(db), files(db)["a.json"][0]) == (1, ["dropped"], "new")
    with pytest.raises(SparkifyError, match="Run 1 is dropped"):
        runs.drop(1, dsn=dsn)
    remove(db)
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1


def test_a_dead_run_that_cannot_be_published_stops_no_other(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "log_data/a.json", play(song="poison"))
    put(db, "RAISE EXCEPTION 'of the server' USING ERRCODE = '53100'")
    with pytest.raises(SparkifyError):
        etl.run(tmp_path, dsn=dsn)
    remove(db)
    put(db)
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.status, report.rows["songplays"], list(report.failed_runs)) == ("done", 1, [1])
    assert states(db) == ["failed", "published"]


def test_a_held_run_fails_when_it_is_released(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play(song="poison"), "bad")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    put(db)
    with pytest.raises(SparkifyError, match="Run 1 failed: November 2018"):
        runs.release(1, dsn=dsn)
    assert states(db) == ["failed"]
    assert etl.run(tmp_path, dsn=dsn, max_rejects="99%").failed_runs.keys() == {
        1
    }  # a limit on rejects does not apply to it


def test_months_published_ahead(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """A month that cannot be published during a load stops neither the reading nor the other months."""
    put(db)
    for number in range(8):
        name = "poison" if number == 0 else "fine"
        write(tmp_path, f"log_data/{number}.json", play(NOVEMBER + number * 31 * DAY, song=name))
    with pytest.raises(SparkifyError, match=r"November 2018 \(of .*0.json\)"):
        etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1)
    assert one(db, "SELECT count(*) FROM songplays") == 7
    assert runs.drop(1, dsn=dsn) == 1
    assert clean(dsn)


def test_a_retry_that_cannot_be_published_changes_nothing(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "song_data/a.json", song(), song("S2", duration=1))
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 1, song="poison"))
    earliest = "UPDATE etl.warehouse SET earliest = %s"
    db.execute(earliest, ["2019-01-01 00:00+00"])
    etl.run(tmp_path, dsn=dsn)
    before = db.execute("SELECT * FROM etl.rejected_records ORDER BY line").fetchall(), files(db)
    db.execute(earliest, ["2018-01-01 00:00+00"])
    put(db)
    with pytest.raises(SparkifyError, match="They are unchanged"):
        retry(dsn=dsn)
    assert (db.execute("SELECT * FROM etl.rejected_records ORDER BY line").fetchall(), files(db)) == before
    assert states(db) == ["published", "published"]  # it has ended
    assert clean(dsn)
    remove(db)
    assert retry(dsn=dsn).passed.loaded == 2
    assert clean(dsn)


# --- whatever the files, the fault and the way out ----------------------------------------------------------


@examples(2, thorough=4)
@given(
    first=st.lists(st.lists(events, max_size=4), min_size=1, max_size=4),
    second=st.lists(st.lists(events, max_size=4), max_size=3),
    poison=st.lists(plays, min_size=1, max_size=2),  # page views of other months would be published
    way=st.sampled_from(["drop", "release", "mend", "drop, then a file is back"]),
    luck=st.randoms(use_true_random=False),
)
def test_any_small_world_after_a_fault(
    new_dsn: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    first: list[Any],
    second: list[Any],
    poison: list[Any],
    way: str,
    luck: random.Random,
) -> None:
    root, dsn = tmp_path_factory.mktemp("world"), new_dsn()
    before, after = [{f"{part}{n}.json": records for n, records in enumerate(lists)}
                     for part, lists in (("a", first), ("b", second))]  # fmt: skip
    bad = luck.choice(list(before))
    old = luck.choice([None, *before])
    with connect(dsn) as db:
        if old:  # an earlier version of a file
            write(root, f"log_data/{old}", *luck.sample(before[old], len(before[old]) // 2))
            etl.run(root, dsn=dsn)
        for name, records in before.items():
            write(root, f"log_data/{name}", *records)
        # Poisoned plays have their own items: a variant that loses to another play is not published, so it
        # would poison nothing.
        poisoned = [
            {**event, "song": "poison", "itemInSession": 100 + event["itemInSession"]} for event in poison
        ]
        write(root, f"log_data/{bad}", *before[bad], *poisoned)
        put(db)
        with pytest.raises(SparkifyError, match="failed"):
            etl.run(root, dsn=dsn, workers=1, batch_bytes=luck.choice([1, 1 << 20]))
        for name, records in after.items():
            write(root, f"log_data/{name}", *records)
            assert etl.run(root, dsn=dsn).failed_runs
            assert clean(dsn)
        run_id = one(db, "SELECT run_id FROM etl.runs WHERE state = 'failed'")
        if way == "release":
            remove(db)
            runs.release(run_id, dsn=dsn)
        elif way == "mend":
            write(root, f"log_data/{bad}", "", *before[bad])
            etl.run(root, dsn=dsn)
        else:
            runs.drop(run_id, dsn=dsn)
            assert clean(dsn)
            remove(db)
            if way != "drop":
                write(root, f"log_data/{old or bad}", *before[old or bad])
            etl.run(root, dsn=dsn)
        assert clean(dsn)
        check_books(db)
        found = checksums(db)
    assert found == expected(new_dsn, root)


def test_what_a_dead_run_has_published_stays_loaded_after_a_drop(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """Its plays are in the star, and books say from which file, even if that is deleted."""
    for month in range(3):
        write(
            tmp_path,
            f"log_data/{month}.json",
            play(NOVEMBER + 31 * month * DAY, song="poison" if month else "a"),
            "torn",
        )
    put(db, "RAISE EXCEPTION 'of the server' USING ERRCODE = '42P01'")
    with pytest.raises(SparkifyError, match="of the server"):
        etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 1
    assert runs.drop(1, dsn=dsn) == 2
    remove(db)
    (tmp_path / "log_data/0.json").unlink()
    assert clean(dsn)
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 3
    assert files(db) == {f"{month}.json": ("loaded", 1, 0, 1) for month in range(3)}
    check_books(db)
