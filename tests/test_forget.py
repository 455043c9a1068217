"""A forgotten person is in no table, and no later run brings them back."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from sparkify import etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.report import Books, Progress, StagedBatch
from sparkify.simulate import simulate
from sparkify.stage.runs import begin_run
from sparkify.transform.forgotten import WITHHELD, Whose
from sparkify.transform.judge import Play, judge_event
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.examples import examples
from tests.support.warehouse import LOCK_WAITS, UNGRANTED_LOCKS, check_books, checksums, one, wait_until
from tests.support.worlds import events, songs

DAY = 24 * 3600 * 1000
REJECTS = (
    "SELECT regexp_replace(path, '.*/', ''), line, reason, detail, record FROM etl.rejected_records"
    ' JOIN etl.known_files USING (file_id) ORDER BY path COLLATE "C", line'
)
BOOKS = (
    "SELECT kind, sum(lines), sum(blank), sum(bare_pages), sum(loaded),"
    " sum(page_views + duplicates + forgotten), sum(rejected)"
    " FROM etl.files GROUP BY kind ORDER BY kind"
)


def content(dsn: str) -> tuple[Any, ...]:
    """Everything in the warehouse that must not depend on when a person was forgotten.

    Books are added up: a repeated line of theirs counts as forgotten when its file is read again.
    """
    with connect(dsn) as connection:
        check_books(connection)
        return (
            checksums(connection),
            connection.execute(REJECTS).fetchall(),
            connection.execute(BOOKS).fetchall(),
        )


def find(connection: Connection[Any], text: str) -> list[str]:
    """The tables, in all schemas, that hold this text anywhere."""
    tables = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm')"
        " AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <>"
        " 'information_schema')"
    ).fetchall()
    hexadecimal = text.encode().hex()
    return [
        table
        for (table,) in tables
        if one(
            connection,
            f"SELECT count(*) FROM {table} r WHERE r::text LIKE '%%' || %s || '%%' OR r::text LIKE '%%' || %s"
            " || '%%'",
            text,
            hexadecimal,
        )
    ]


# --- any small world ----------------------------------------------------------------------------------------

torn = st.builds(
    lambda event, cut: json.dumps(event)[: -1 - cut], events, st.integers(0, 40)
)  # some after userId (the last field), some in it, some before it
wrong = st.builds(lambda event: {**event, "length": -1}, events)
lines_of_logs = st.one_of(events, events, events, torn, wrong)
worlds = st.tuples(
    st.lists(st.lists(lines_of_logs, max_size=6), min_size=1, max_size=4),
    st.lists(st.lists(songs, max_size=2), max_size=2),
)


@examples(2, thorough=3)
@given(world=worlds, chance=st.randoms(use_true_random=False))
def test_it_is_as_if_the_person_had_been_forgotten_before(
    new_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, world: Any, chance: random.Random
) -> None:
    logs, catalogue = world
    root = tmp_path_factory.mktemp("world")
    write(root, "log_data/empty.json")  # there must be something to load
    files = [(f"log_data/{number}.json", records) for number, records in enumerate(logs)]
    files += [(f"song_data/{number}.json", records) for number, records in enumerate(catalogue)]
    chance.shuffle(files)
    before, after = new_dsn(), new_dsn()
    now = chance.randrange(len(files) + 1)
    for name, records in files[:now]:
        write(root, name, *records)
        if chance.random() < 0.5:
            etl.run(root, dsn=after, batch_bytes=chance.choice([500, 1000]), workers=chance.choice([1, 2]))
    # With this limit a bad line makes the run hold what it staged.
    etl.run(root, dsn=after, max_rejects=chance.choice([None, 0]))
    expected = forget([1], dsn=after, dry_run=True)
    removed = forget([1], dsn=after)
    expected.dry_run = False
    assert removed == expected
    forget([1], dsn=before)
    for name, records in files[now:]:
        write(root, name, *records)
    etl.run(root, dsn=after, max_rejects="100%")
    etl.run(root, dsn=before, batch_bytes=chance.choice([500, 1000]))
    assert content(after) == content(before)


# --- what goes, what stays ----------------------------------------------------------------------------------

CANARY = "Kanarienvogel"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Data in which one person, 4711062741, is everywhere: in loaded, repeated and rejected lines."""
    mine = {
        "userId": "4711062741",
        "firstName": CANARY,
        "location": CANARY,
        "userAgent": CANARY,
        "sessionId": 52,
    }
    write(tmp_path, "song_data/a.json", song(), song("S2", title="Blue"))
    write(
        tmp_path, "log_data/a.json",
        *(play(NOVEMBER + at, itemInSession=at, song=f"{CANARY} {at}", **mine) for at in range(5)),
        play(NOVEMBER, itemInSession=0, level="zzz", song=f"{CANARY} lost", **mine),
        play(NOVEMBER + DAY, **mine), play(NOVEMBER + DAY), play(NOVEMBER + DAY + 1, song="Blue"),
        json.dumps(play(song="torn", **mine))[:-2], play(length=0, **mine), play(length=0, firstName="Ana"),
        {**mine, "page": "Home"},
    )  # fmt: skip
    write(
        tmp_path,
        "log_data/again.json",
        play(NOVEMBER, itemInSession=0, song=f"{CANARY} first", level="a", **mine),
    )
    return tmp_path


def test_nothing_of_the_person_is_left_anywhere(told: Path, db: Connection[Any], dsn: str) -> None:
    etl.run(told, dsn=dsn)
    write(
        told,
        "log_data/held.json",
        play(NOVEMBER + 2 * DAY, userId="04711062741", lastName=CANARY, song=CANARY),
        play(length=-1),
    )
    etl.run(told, dsn=dsn, max_rejects=0)
    tables = {
        "partitions.songplays_2018_11",
        "analytics.heard_songs",
        "users",
        "etl.rejected_records",
        "etl.latest_plays",
    }
    assert tables < set(find(db, CANARY))
    assert "analytics.user_level_days" in find(db, "4711062741")
    removed = forget([4711062741, 99], dsn=dsn)
    assert find(db, CANARY) == find(db, "4711062741") == []
    assert (removed.people, removed.newly_forgotten, removed.users) == (2, 2, 1)
    assert (removed.songplays, removed.staged_plays, removed.time) == (6, 1, 5)
    assert (removed.rejects, removed.texts_withheld, removed.unvacuumed) == (2, 0, [])
    assert [Path(path).name for path in removed.files] == ["a.json", "again.json", "held.json"]
    assert db.execute("SELECT * FROM etl.row_counts ORDER BY 1").fetchall() == [
        ("artists", 1), ("matched", 2), ("songplays", 2), ("songs", 2), ("time", 2), ("users", 1),
    ]  # fmt: skip
    books = (
        "SELECT lines, page_views, bare_pages, loaded, duplicates, rejected, forgotten FROM etl.files"
        " WHERE path LIKE '%%/a.json'"
    )
    assert one(db, f"{books} AND kind = 'log'") == (13, 0, 1, 2, 2, 1, 7)
    # No later load brings them back: a held run that is published, a file that is read again, a new file,
    # another warehouse.
    write(
        told,
        "log_data/a.json",
        play(NOVEMBER + 9 * DAY, userId="4711062741", firstName=CANARY),
        play(NOVEMBER + DAY),
    )
    write(told, "log_data/new.json", play(NOVEMBER + 40 * DAY, userId=4711062741.0, lastName=CANARY))
    report = etl.run(told, dsn=dsn, max_rejects=9)
    assert report.as_dict()["lines"]["forgotten"] == 2
    assert find(db, CANARY) == []
    create_tables(dsn, drop=True)
    assert etl.run(told, dsn=dsn).books.forgotten == 4
    assert find(db, CANARY) == []
    assert one(db, "SELECT count(*) FROM users") == 1


IN_STATISTICS = """
SELECT schemaname, tablename, attname FROM pg_stats
WHERE concat(most_common_vals, histogram_bounds, most_common_elems) ~ %s
  AND schemaname IN ('public', 'analytics', 'etl', 'partitions')
"""


@pytest.mark.parametrize("counts", ["on", "off"])
def test_statistics_do_not_name_them(dsn: str, db: Connection[Any], tmp_path: Path, counts: str) -> None:
    """PostgreSQL keeps frequent values of columns, also of a partitioned table as a whole.

    ANALYZE keeps those of a table that has become empty, and before version 18 nothing removes them: so only
    since then one month is theirs alone, and so are all rejects.
    """
    can_clear = db.info.server_version >= 180000
    for month in range(3):
        lines: list[Any] = []
        for at in range(180):
            others = at % 3 == 0 and (month or not can_clear)
            user, name = ("7", "B") if others else ("4711062741", CANARY)
            event = play if at % 2 else view
            start = NOVEMBER + 30 * month * DAY + at
            lines.append(event(start, itemInSession=at, userId=user, lastName=name))
        if can_clear:
            lines += [play(itemInSession=at, userId="4711062741", length=0) for at in range(50)]
        write(tmp_path, f"log_data/{month}.json", *lines)
    etl.run(tmp_path, dsn=dsn)
    db.execute("ANALYZE")
    theirs = [f"4711062741|{CANARY}"]
    found = set(db.execute(IN_STATISTICS, theirs))
    assert {("public", "songplays", "user_id"), ("analytics", "page_views", "user_id")} < found
    if counts == "off":
        db.execute(SQL("ALTER DATABASE {} SET track_counts = off").format(Identifier(db.info.dbname)))
    forget([4711062741], dsn=dsn)
    assert db.execute(IN_STATISTICS, theirs).fetchall() == []


def test_a_table_in_use_is_not_vacuumed(
    told: Path, db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    etl.run(told, dsn=dsn)
    monkeypatch.setattr("sparkify.operations.forget.VACUUM_LOCK_TIMEOUT", "50ms")
    with connect(dsn) as other, other.transaction():
        other.execute("LOCK partitions.songplays_2018_11, songs IN SHARE UPDATE EXCLUSIVE MODE")
        removed = forget([4711062741], dsn=dsn)
    # Songs lost no rows: nobody tries to vacuum that table. Before 18 songplays is analyzed as a whole.
    whole = [] if db.info.server_version >= 180000 else ['"public"."songplays"']
    assert removed.unvacuumed == ['"partitions"."songplays_2018_11"', *whole]


@pytest.mark.parametrize(
    "wrong", [[15.0], [15.7], "15", b"15", ["15"], [None], [2**63], [-(2**63) - 1], [float("nan")]]
)
def test_ids_are_whole_numbers(told: Path, dsn: str, wrong: Any) -> None:
    """PostgreSQL would round a float, and the digest of 15.0 is not that of 15."""
    with pytest.raises(UsageError, match="user id"):
        forget(wrong, dsn=dsn)


def test_files_with_nothing_but_rejects_of_theirs_are_named(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "log_data/b.json", play(length=0))
    write(tmp_path, "log_data/c.json", play(length=0, userId="16"), "torn")
    etl.run(tmp_path, dsn=dsn)
    assert [Path(path).name for path in forget([15], dsn=dsn).files] == ["a.json", "b.json"]


def test_a_lost_connection_after_the_commit_is_no_error(
    told: Path, db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    etl.run(told, dsn=dsn)
    monkeypatch.setattr("sparkify.operations.forget.VACUUM_LOCK_TIMEOUT", "1min")
    with ThreadPoolExecutor(1) as pool, connect(dsn) as other, other.transaction():
        other.execute("LOCK users IN SHARE UPDATE EXCLUSIVE MODE")
        removed = pool.submit(forget, [4711062741], dsn=dsn)
        kill = LOCK_WAITS.replace("*", "pg_terminate_backend(pid)")
        wait_until(lambda: one(db, f"{kill} AND query LIKE 'VACUUM%'") > 0)
    assert removed.result().songplays == 6
    assert '"public"."users"' in removed.result().unvacuumed
    assert removed.result().files


def test_it_says_whose_lock_it_waits_for(
    told: Path, dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    etl.run(told, dsn=dsn)
    monkeypatch.setattr("sparkify.stage.blockers.BLOCKED_SECONDS", 0.1)
    monkeypatch.setattr("sparkify.stage.blockers.LOOK_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(dsn, application_name="somebody's tool") as other:
        other.execute("LOCK TABLE users IN SHARE MODE")
        removed = pool.submit(forget, [4711062741], dsn=dsn)
        wait_until(lambda: f"process {other.info.backend_pid}, user" in caplog.text)
        other.commit()
        assert removed.result().songplays == 6


def test_a_lock_that_is_kept_too_long_leaves_all_as_it_was(
    told: Path, db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    etl.run(told, dsn=dsn)
    before = checksums(db)
    monkeypatch.setattr("sparkify.operations.forget.LOCK_TIMEOUT", "100ms")
    with connect(dsn) as other, other.transaction():
        other.execute("SET idle_in_transaction_session_timeout = '5s'")  # should forgetting not give up
        other.execute("LOCK TABLE users IN SHARE MODE")
        with pytest.raises(SparkifyError, match="keeps a lock that this needs"):
            forget([4711062741], dsn=dsn)
    assert checksums(db) == before
    assert one(db, "SELECT count(*) FROM etl.forgotten") == 0
    assert forget([4711062741], dsn=dsn).songplays == 6


def test_a_line_that_may_be_anyones_keeps_no_text(told: Path, db: Connection[Any], dsn: str) -> None:
    write(told, "log_data/a.json", json.dumps(play(firstName=CANARY))[:250], play(length=0, userId="16"))
    write(told, "song_data/a.json", '{"torn": "a song')
    etl.run(told, dsn=dsn)
    forget([4711062741], dsn=dsn)
    rows = db.execute(REJECTS).fetchall()
    assert {(line, detail == WITHHELD, record == b"") for _, line, _, detail, record in rows} == {
        (1, True, True),  # the log line
        (2, False, False),
        (1, False, False),  # the song
    }
    assert find(db, CANARY) == []
    write(told, "log_data/a.json", json.dumps(play(firstName=CANARY))[:240], play(length=0, userId="16"), "")
    etl.run(told, dsn=dsn)
    assert find(db, CANARY) == []
    assert one(db, "SELECT record_bytes FROM etl.rejected_records WHERE detail = %s", WITHHELD) == 240


@pytest.mark.parametrize(
    ("line", "ids", "doubtful"),
    [
        (b'{"userId": "15"}', {15}, False),
        (b'{"userId":15}', {15}, False),
        (b'{"userId": 1.5e1, ', {15}, False),
        (b'{"userId": 15.0}', {15}, False),
        (b'{"userId": -15}', {-15}, False),
        (b'{"userId" : "00015" "x"', {15}, False),
        (b'{"user\\u0049d": "\\u0031\\u0035"}', {15}, False),
        (b"{'userId': '15'}", {15}, False),
        (b"userId=15;", {15}, False),
        (b'"{\\"userId\\": \\"15\\"}"', {15}, False),
        ('{"userId": "15"}'.encode("utf-16"), {15}, False),
        (b'{"userId": "15", "userId": "16"}', {15, 16}, False),
        (b'{"userId": "15", "userId": ', {15}, True),
        (b'{"userId": "15', {15}, True),
        (b'{"userId": 1.5}', set(), True),
        (b'{"userId": "Lily"}', set(), True),
        (b'{"userId": ""}', set(), True),
        (b'{"userId": null, "sessionId": 15}', set(), True),
        (b'{"userId": 1e99999999999999999999}', set(), True),
        (b'{"userId": ' + b"9" * 5000 + b"}", set(), True),
        (b'{"firstName": "Lily"}', set(), True),
        (b"<html>15</html>", set(), True),
    ],
)  # fmt: skip
def test_whose_line_it_is(line: bytes, ids: set[int], doubtful: object) -> None:
    assert Whose.of(line) == Whose(frozenset(ids), bool(doubtful))


spellings = st.sampled_from(['"{}"', "{}", "{}.0", '"000{}"', "{}0e-1", "{}.00e0", '"\\u00{:x}"'])


@given(
    user_id=st.integers(1, 9),
    spelling=spellings,
    key=st.sampled_from(["userId", "user\\u0049d", "\\u0075serId"]),
)
def test_every_spelling_that_the_judge_accepts_is_recognised(user_id: int, spelling: str, key: str) -> None:
    value = spelling.format(ord(str(user_id)) if ":x" in spelling else user_id)
    line = json.dumps(play()).replace('"userId": "15"', f'"{key}": {value}').encode()
    judged = judge_event(line, (0, 2**62))
    assert isinstance(judged, Play)
    assert Whose.of(line[:-1]).named == {judged.user_id} == {user_id}


# --- at the same time ---------------------------------------------------------------------------------------


def waits_at_the_gate(work: Callable[[], Any], db: Connection[Any], gate: Connection[Any], lock: str) -> bool:
    """Whether this work waits for a transaction that holds the lock of the gate, and finishes after it."""
    waiting = f"{UNGRANTED_LOCKS} AND locktype = 'advisory'"
    thread = threading.Thread(target=work)
    with gate.transaction():
        gate.execute(f"SELECT {lock}(hashtext('sparkify'), hashtext('forget'))")
        thread.start()
        waits = False
        while thread.is_alive() and not waits:
            waits = one(db, waiting) == 1
    thread.join()
    return waits


def test_it_waits_for_who_stages_and_who_stages_waits_for_it(
    told: Path, db: Connection[Any], dsn: str
) -> None:
    etl.run(told, dsn=dsn)
    with connect(dsn) as gate:
        assert waits_at_the_gate(
            lambda: forget([4711062741], dsn=dsn), db, gate, "pg_advisory_xact_lock_shared"
        )
        write(told, "log_data/more.json", play(NOVEMBER + 3 * DAY))
        assert waits_at_the_gate(lambda: etl.run(told, dsn=dsn), db, gate, "pg_advisory_xact_lock")
        assert waits_at_the_gate(lambda: retry(dsn=dsn), db, gate, "pg_advisory_xact_lock")
    assert one(db, "SELECT count(*) FROM songplays") == 3


def test_a_load_that_runs_meanwhile_cannot_undo_it(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    simulate(tmp_path, users=4, songs=30, days=35, seed=5, force=True)
    events = [
        json.loads(line)
        for path in tmp_path.glob("log_data/**/*.json")
        for line in path.read_bytes().splitlines()
    ]
    ((user_id, _),) = Counter(int(e["userId"]) for e in events if e["page"] == "NextSong").most_common(1)
    before, meanwhile = new_dsn(), new_dsn()
    forget([user_id], dsn=before)
    etl.run(tmp_path, dsn=before)
    with ThreadPoolExecutor(2) as pool, connect(meanwhile) as gate, connect(meanwhile) as connection:

        class Held(Progress):
            is_held = False

            def staged(self, batch: StagedBatch) -> None:
                """Stage no more once November is passed, and so published ahead."""
                if batch.months == [date(2018, 12, 1)] and not self.is_held:
                    self.is_held = True
                    gate.execute("SELECT pg_advisory_lock(hashtext('sparkify'), hashtext('forget'))")

        loading = pool.submit(etl.run, tmp_path, dsn=meanwhile, workers=1, batch_bytes=2000, progress=Held())
        wait_until(lambda: one(connection, "SELECT count(*) FROM songplays WHERE user_id = %s", user_id) > 0)
        forgetting = pool.submit(forget, [user_id], dsn=meanwhile)
        waiting = f"{UNGRANTED_LOCKS} AND locktype = 'advisory' AND mode = 'ExclusiveLock'"
        wait_until(lambda: one(connection, waiting) > 0)
        assert not loading.done(), "it was to be forgotten in the middle"
        gate.execute("SELECT pg_advisory_unlock_all()")
        assert forgetting.result(60).songplays > 0
        loading.result(60)
    assert content(meanwhile) == content(before)


def test_a_run_that_died_has_staged_for_nobody(told: Path, db: Connection[Any], dsn: str) -> None:
    from sparkify.extract.find import find_files
    from sparkify.extract.plan import make_plan
    from sparkify.stage.stager import Stager

    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time())
        for batch in make_plan(db, find_files(told / "log_data", "log")).batches("log"):
            stager.stage(batch)
        stager.close()
    assert forget([4711062741], dsn=dsn).staged_plays == 6
    assert find(db, CANARY) == find(db, "4711062741") == []
    etl.run(told, dsn=dsn)
    assert find(db, CANARY) == []
    assert one(db, "SELECT count(*) FROM songplays") == 2


def test_nobody_forgotten_costs_nothing(told: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkify.transform.forgotten.digest", lambda *_: pytest.fail("it looks for people"))
    monkeypatch.setattr(Whose, "of", lambda *_: pytest.fail("it looks at rejects"))
    assert etl.run(told, dsn=dsn).books.forgotten == 0


def test_books_with_forgotten_lines_balance() -> None:
    assert Books(lines=3, loaded=1, forgotten=2).balance()
    assert not Books(lines=3, loaded=1, forgotten=1).balance()
