"""The core counts the tracks and artists of a new month as their definitions in SQL do."""

import json
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection, sql

from sparkify import etl
from sparkify.core._core import Month
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.engines.spark import task
from sparkify.extract.batches import Batch
from sparkify.extract.lines import Slice
from sparkify.operations.forget import forget
from sparkify.report import BatchListening, Progress, StagedBatch, Tally
from sparkify.simulate import simulate
from sparkify.stage.claims import Claims
from sparkify.stage.copy import copy_bytes
from sparkify.transform import listened
from sparkify.transform.forgotten import Forgotten, digest
from sparkify.transform.listened import Listened
from sparkify.transform.plays import PlayTransform
from tests.support.data import NOVEMBER, play, write
from tests.support.differential import FILE, TS_RANGE
from tests.support.examples import examples
from tests.support.warehouse import content, one

DAY = 24 * 3600 * 1000
MONTH = date(2018, 11, 1)
ROLLUPS = ("track_months", "artist_months")


@pytest.fixture(scope="module")
def transform() -> PlayTransform:
    return PlayTransform(TS_RANGE)


@pytest.fixture(scope="module")
def warehouse(module_dsn: str) -> Iterator[Connection[Any]]:
    with connect(module_dsn) as connection:
        connection.autocommit = False
        yield connection


def finish(transform: PlayTransform, events: list[dict[str, Any]]) -> list[date]:
    """Take events as a batch; returns its months."""
    transform.begin_batch()
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    transform.transform([Slice(FILE, 1, data)], [1])
    transform.unknown_songs()
    transform.match([])
    return transform.finish_batch()


def part(transform: PlayTransform, *events: dict[str, Any]) -> BatchListening:
    (month,) = finish(transform, list(events))
    return transform.listened(month)


def compare(
    connection: Connection[Any], rollup: str, pieces: Iterable[bytes], definition: sql.Composable
) -> None:
    """Copy the rows into a table like the rollup's, and compare them with the definition's, one by one."""
    counted = sql.Identifier(f"counted_{rollup}")
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} (LIKE {})").format(counted, sql.Identifier("analytics", rollup))
    )
    for rows in pieces:
        copy_bytes(connection, counted, rows)
    differ = sql.SQL(
        "(SELECT 'core', * FROM {0} EXCEPT ALL SELECT 'core', * FROM {1} d)"
        " UNION ALL (SELECT 'SQL', * FROM {1} d EXCEPT ALL SELECT 'SQL', * FROM {0})"
    )
    assert connection.execute(differ.format(counted, definition)).fetchall() == []
    connection.execute(sql.SQL("DROP TABLE {}").format(counted))


events = st.builds(
    lambda user, day, item, session, level, title, artist, place: play(
        NOVEMBER + day * DAY + item, userId=str(user), itemInSession=item, sessionId=session, level=level,
        song=title, artist=artist, location=place,
    ),
    st.sampled_from([1, 2, 3, 2**62, -(2**62), 666]), st.sampled_from([0, 1, 29, 30, 61]), st.integers(0, 3),
    st.integers(1, 3), st.sampled_from(["free", "paid", "", "fre", "é" * 32]), st.sampled_from("xyz"),
    st.sampled_from(["", "a", "b"]), st.sampled_from("pq"),
)  # fmt: skip


@examples(25, thorough=150)
@given(batches=st.lists(st.lists(events, max_size=25), max_size=4))
@example(batches=[])
@example(batches=[[play(itemInSession=at, userId=str(at % 7), song=str(at % 50)) for at in range(3000)]] * 2)
@example(batches=[[play(951_782_400_000, song="on 29 February 2000")]])
def test_the_rows_are_those_of_the_definition(
    transform: PlayTransform, warehouse: Connection[Any], batches: list[list[dict[str, Any]]]
) -> None:
    """User 666 is forgotten."""
    transform.forgotten = Forgotten(b"key", [digest(b"key", 666)])
    listened = Listened()
    warehouse.execute("CREATE TEMP TABLE staged_days (LIKE analytics.user_days)")
    for batch in batches:
        for month in finish(transform, batch):
            listened.add({month: [transform.listened(month)]})
            rows = transform.rows("user_days", month)
            assert rows
            copy_bytes(warehouse, sql.Identifier("staged_days"), rows)
    for month in listened.months or [MONTH]:
        days = sql.SQL("(SELECT * FROM staged_days WHERE date_trunc('month', day) = {})").format(month)
        found = warehouse.execute(sql.SQL("SELECT coalesce(sum(plays), 0) FROM {} d").format(days)).fetchone()
        assert found == (listened.plays(month),)
        for rollup in ROLLUPS:
            definition = sql.SQL(queries(f"publish/rollups/{rollup}")["definition"])
            definition_of = definition.format(user_days=days, wanted=sql.SQL("true"))
            pieces = listened.rows(rollup, month)
            compare(warehouse, rollup, pieces, sql.SQL("({})").format(definition_of))
    warehouse.rollback()


def rows_of(data: bytes) -> list[tuple[int, bytes]]:
    """The rows of a COPY, each with its first column, an id."""
    rows, at = [], 19  # behind the header
    while data[at : at + 2] != b"\xff\xff":
        start = at
        (columns,) = struct.unpack_from(">h", data, at)
        at += 2
        for _ in range(columns):
            at += 4 + struct.unpack_from(">i", data, at)[0]
        rows.append((struct.unpack_from(">q", data, start + 6)[0], data[start:at]))
    assert at + 2 == len(data)
    return rows


@examples(25, thorough=300)
@given(batches=st.lists(st.lists(events, min_size=1, max_size=25), max_size=3), pieces=st.integers(1, 40))
@example(batches=[], pieces=2**31 - 1)
def test_pieces_one_after_the_other_are_the_whole(
    transform: PlayTransform, batches: list[list[dict[str, Any]]], pieces: int
) -> None:
    """The same rows in the same order, sorted by the id, and each in the piece of its id."""
    transform.forgotten = Forgotten()
    of_month = (transform.listened(MONTH)[1] for batch in batches if MONTH in finish(transform, batch))
    month = Month(tuple(of_month))
    for rollup in ROLLUPS:
        whole = rows_of(month.rows(rollup, 0, 1))
        assert whole == sorted(whole, key=lambda row: row[0])
        for piece in range(pieces) if pieces <= 40 else (0, pieces // 2, pieces - 1):
            own = [row for row in whole if (row[0] >> 31) * pieces >> 32 == piece]
            assert rows_of(month.rows(rollup, piece, pieces)) == own


def test_one_piece_of_a_month_is_held_at_a_time(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pieces are counted when they are asked for, and are of about the same size."""
    monkeypatch.setattr("sparkify.transform.listened.A_PIECE", 200)
    transform.forgotten = Forgotten()
    listened = Listened()
    plays = (play(itemInSession=at, song=str(at), artist=str(at)) for at in range(2000))
    listened.add({MONTH: [part(transform, *plays)]})
    counted: list[int] = []

    class Counted:
        def __init__(self, parts: tuple[bytes, ...]) -> None:
            self.month = Month(parts)

        def rows(self, rollup: str, piece: int, pieces: int) -> bytes:
            counted.append(piece)
            return self.month.rows(rollup, piece, pieces)

    monkeypatch.setattr("sparkify.transform.listened.Month", Counted)
    for rollup in ROLLUPS:
        counted.clear()
        sizes = []
        for at, rows in enumerate(listened.rows(rollup, MONTH)):
            assert counted == list(range(at + 1))
            sizes.append(len(rows_of(rows)))
        assert sum(sizes) == 2000
        assert len(sizes) == 11
        assert max(sizes) < 300


def test_a_load_gathers_what_it_commits(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is rolled back and then staged file by file counts once, also if it is full early."""
    listened = Listened()
    failed: list[str] = []
    keep = Claims.keep

    class Gather(Progress):
        def staged(self, batch: StagedBatch) -> None:
            listened.add(batch.listened)

    def failing(claims: Claims, done: Tally) -> None:
        if not failed:
            failed.append("once")
            raise psycopg.errors.DataException("at the end of the batch")
        keep(claims, done)

    monkeypatch.setattr(Claims, "keep", failing)
    monkeypatch.setattr("sparkify.transform.plays.MOST_GATHERED_BYTES", 1)
    for file in range(3):
        plays = (play(NOVEMBER + at * DAY, itemInSession=file, song=f"{at % 3}") for at in range(40))
        write(tmp_path, f"log_data/{file}.json", *plays)
    etl.run(tmp_path, dsn=dsn, workers=1, progress=Gather())
    assert failed
    assert {month: listened.plays(month) for month in listened.months} == {MONTH: 90, date(2018, 12, 1): 30}
    for rollup in ROLLUPS:
        for month in listened.months:
            there = sql.SQL("(SELECT * FROM {} WHERE month = {})").format(
                sql.Identifier("analytics", rollup), month
            )
            compare(db, rollup, listened.rows(rollup, month), there)


def test_a_month_that_does_not_fit_is_dropped(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other months stay, and parts that come later do not make it look whole."""
    monkeypatch.setattr("sparkify.transform.listened.MOST_BYTES", 1000)
    listened = Listened()
    one, other = date(2018, 11, 1), date(2018, 12, 1)
    small, large = part(transform, play()), part(transform, *(play(itemInSession=at) for at in range(50)))
    listened.add({one: [small], other: [small]})
    assert [listened.plays(one), listened.plays(other)] == [1, 1]
    listened.add({one: [large]})
    listened.add({one: [small], other: [small]})
    assert [listened.plays(one), listened.plays(other)] == [0, 2]
    listened.drop(other)
    third = date(2019, 1, 1)
    listened.add({third: [small] * 3})
    assert [listened.plays(other), listened.plays(third)] == [0, 3]
    listened.add({third: [small] * 10})
    assert listened.months == {}


def test_what_is_heard_at_a_long_level_is_left_to_postgresql(transform: PlayTransform) -> None:
    """Each row of a rollup repeats the level: a long one would take gigabytes."""
    events = [play(itemInSession=at, song=f"{at}", level="x" * (64 + at % 2)) for at in range(10)]
    plays, data = part(transform, *events)
    assert plays == 5
    listened = Listened()
    listened.add({MONTH: [(plays, data)]})
    assert len(rows_of(b"".join(listened.rows("track_months", MONTH)))) == 5
    with pytest.raises(ValueError, match="not from"):
        Month((struct.pack("=qiIQ", 1, 17836, 1, 65) + b"x" * 65 + bytes(16),))


def test_a_month_is_dropped_while_parts_of_another_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of the dropped one are free again."""
    one, other, third = (date(2018, month, 1) for month in (10, 11, 12))
    gathered = Listened()
    size = listened._size  # noqa: SLF001
    part = (1, b"x" * 1000)
    monkeypatch.setattr(listened, "MOST_BYTES", 2 * size(part))
    gathered.add({one: [part]})
    dropping = threading.Thread(target=gathered.drop, args=[one])

    def interrupted(part: BatchListening) -> int:
        if not dropping.ident:
            dropping.start()
            dropping.join(0.1)
        return size(part)

    monkeypatch.setattr(listened, "_size", interrupted)
    gathered.add({other: [part]})
    dropping.join()
    gathered.add({third: [part]})
    assert gathered.months == {other: [part], third: [part]}


def test_publication_takes_the_rows_of_the_core(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL counts only what the core does not know; the result is the same."""
    simulate(tmp_path, users=20, songs=50, days=35, seed=3)
    by_core, by_postgresql = new_dsn(), new_dsn()
    with monkeypatch.context() as patch:
        for rollup in ROLLUPS:
            patch.setitem(queries(f"publish/rollups/{rollup}"), "definition", "SELECT 1 / 0")  # type: ignore[misc]
        assert etl.run(tmp_path, dsn=by_core).status == "done"
    monkeypatch.setattr(listened, "MOST_BYTES", 0)
    monkeypatch.delattr(listened, "Month")
    assert etl.run(tmp_path, dsn=by_postgresql).status == "done"
    assert content(by_core) == content(by_postgresql)


def test_somebody_is_forgotten_before_it_is_published(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core has listened to them, too, so PostgreSQL counts."""
    simulate(tmp_path, users=20, songs=50, days=20, seed=4)
    before, meanwhile = new_dsn(), new_dsn()
    etl.run(tmp_path, dsn=before)
    with connect(before) as db:
        who = one(db, "SELECT user_id FROM users ORDER BY 1 LIMIT 1")
    forget([who], dsn=before)

    class ForgetThem(Progress):
        def publishing(self, what: str) -> None:
            if what == "catalogue":
                forget([who], dsn=meanwhile)

    etl.run(tmp_path, dsn=meanwhile, progress=ForgetThem())
    assert content(meanwhile) == content(before)


def test_an_executor_sends_no_plays_to_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        def __init__(self, *_: object) -> None: ...

        def stage(self, _: Batch) -> StagedBatch:
            return StagedBatch(files=1, months=[MONTH], listened={MONTH: [(1, b"play")]})

        def close(self) -> None: ...

    monkeypatch.setattr(task, "Stager", Here)
    assert task.stage("", 1, 0.0, Batch(())) == StagedBatch(files=1, months=[MONTH])


def test_parts_that_are_cut_are_refused(transform: PlayTransform) -> None:
    _, data = part(transform, play(), play(NOVEMBER + DAY, itemInSession=1, level="paid"))
    whole = {0}  # where a user's day ends
    for size in range(len(data) + 1):
        try:
            Month((data, data[:size]))
        except ValueError:
            continue
        whole.add(size)
    assert len(whole) == 3
    assert max(whole) == len(data)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Month([]),  # type: ignore[arg-type]
        lambda: Month(("text",)),  # type: ignore[arg-type]
        lambda: Month((b"\xff" * 24,)),
        lambda: Month((struct.pack("=qiIQ", 1, 2**31 - 1, 1, 0) + bytes(16),)),
        lambda: Month((struct.pack("=qiIQ", 1, -719163, 1, 0) + bytes(16),)),
        lambda: Month(()).rows("user_days", 0, 1),
        lambda: Month(()).rows("track_months", 0, 0),
        lambda: Month(()).rows("track_months", -1, 1),
        lambda: Month(()).rows("track_months", 2, 2),
        lambda: Month(()).rows("track_months", 0, 2**31),
        lambda: Month(()).rows("track_months", 0, 2**64),
        lambda: PlayTransform(TS_RANGE).listened(MONTH),
    ],
)
def test_wrong_arguments_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError, OverflowError)):
        wrong()


def test_other_threads_run_while_it_counts(transform: PlayTransform) -> None:
    one = part(transform, *(play(itemInSession=at, song=str(at)) for at in range(5000)))
    done = threading.Event()
    month = (one[1],) * 100
    counting = threading.Thread(target=lambda: (Month(month).rows("track_months", 0, 1), done.set()))
    counting.start()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    counting.join()
    assert turns > 3
