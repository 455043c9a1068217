"""The core counts rollups of a new month as their definitions in SQL do."""

import itertools
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
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
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.engines.spark import task
from sparkify.extract.batches import Batch
from sparkify.extract.lines import Slice
from sparkify.operations.forget import forget
from sparkify.publish.counts import definition
from sparkify.publish.months import publish_month
from sparkify.publish.recount import staged_sources
from sparkify.report import BatchSessions, Progress, StagedBatch, Tally
from sparkify.schema.rollups import ROLLUPS
from sparkify.simulate import simulate
from sparkify.stage.claims import Claims
from sparkify.stage.copy import copy_bytes
from sparkify.stage.tables import BATCH_TABLES, CHUNK_TABLES, month_tables
from sparkify.transform import sessions
from sparkify.transform.forgotten import Forgotten, digest
from sparkify.transform.plays import PlayTransform
from sparkify.transform.sessions import COUNTED, MonthSessions, Sessions
from tests.support.data import NOVEMBER, play, view, write
from tests.support.differential import FILE, TS_RANGE
from tests.support.examples import examples
from tests.support.warehouse import content, one

DAY = 24 * 3600 * 1000
MONTH = date(2018, 11, 1)
BY_ID = ("track_months", "artist_months")
BY_DAY = tuple(name for name in COUNTED if name not in BY_ID)
FEEDBACK = "track_feedback_days"
WEEKS = "user_week_counts"
DEFINED = {rollup.name: rollup for rollup in ROLLUPS if rollup.name in COUNTED}


@pytest.fixture(scope="module")
def transform() -> PlayTransform:
    return PlayTransform(TS_RANGE)


@pytest.fixture(scope="module")
def warehouse(module_dsn: str) -> Iterator[Connection[Any]]:
    with connect(module_dsn) as connection:
        connection.autocommit = False
        yield connection


def read(transform: PlayTransform, events: list[dict[str, Any]]) -> list[date]:
    """Take events as the only chunk of a batch; returns its months."""
    transform.begin_batch()
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    months = transform.transform([Slice(FILE, 1, data)], [1]).months
    transform.unknown_songs()
    transform.match([])
    return months


def finish(transform: PlayTransform, events: list[dict[str, Any]]) -> list[date]:
    """Take events as a batch; returns its months."""
    read(transform, events)
    return transform.finish_batch()


def counted_by_core(rollup: str, month: date) -> sql.Composable:
    """The condition for the rows of a month that the core counts."""
    if rollup == FEEDBACK:
        return sql.SQL("day > {}").format(month)
    if rollup == WEEKS:
        return sql.SQL("week >= {0} AND week <= {0} + interval '1 month - 7 days'").format(month)
    return sql.SQL("true")


def part(transform: PlayTransform, *events: dict[str, Any]) -> BatchSessions:
    (month,) = finish(transform, list(events))
    found = transform.sessions(month)
    assert found
    return found


def compare(connection: Connection[Any], rollup: str, pieces: Any, rows: sql.Composable) -> None:
    """Copy pieces into a table like the rollup's, and compare them with the rows, one by one."""
    counted = sql.Identifier(f"counted_{rollup}")
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} (LIKE {})").format(counted, sql.Identifier("analytics", rollup))
    )
    for piece in pieces:
        copy_bytes(connection, counted, piece)
    differ = sql.SQL(
        "(SELECT 'core', * FROM {0} EXCEPT ALL SELECT 'core', * FROM {1} d)"
        " UNION ALL (SELECT 'SQL', * FROM {1} d EXCEPT ALL SELECT 'SQL', * FROM {0})"
    )
    assert connection.execute(differ.format(counted, rows)).fetchall() == []
    connection.execute(sql.SQL("DROP TABLE {}").format(counted))


class Staging:
    """Stages batches of events as a load does, and keeps their sessions."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.sessions = Sessions()
        self._connection = connection
        self._transform = PlayTransform(TS_RANGE)
        self._transform.forgotten = Forgotten(b"key", [digest(b"key", 666)])
        self._months: set[date] = set()

    def add(self, events: list[dict[str, Any]]) -> None:
        """Stage the rows of one batch."""
        months = read(self._transform, events)
        for month in set(months) - self._months:
            create = sql.SQL(queries("stage/stage")["create_month"])
            self._connection.execute(create.format(**month_tables(1, month)))
            self._months.add(month)
        self._copy(months, CHUNK_TABLES)
        finished = self._transform.finish_batch()
        assert finished == months
        self._copy(months, BATCH_TABLES)
        for month in months:
            found = self._transform.sessions(month)
            assert found
            self.sessions.add({month: [found]})

    def _copy(self, months: list[date], tables: tuple[str, ...]) -> None:
        for month, table in itertools.product(months, tables):
            if rows := self._transform.rows(table, month):
                copy_bytes(self._connection, month_tables(1, month)[table], rows)

    def compare(self) -> None:
        """Compare what the core counts with the definitions."""
        if not self._months:
            return
        whole = {table: self._union(table) for table in ("songplays", "heard_plays", "heard_songs")}
        self._connection.execute(
            sql.SQL(
                "INSERT INTO analytics.heard_songs SELECT DISTINCT ON (heard_song_id) {} FROM {} s"
            ).format(
                sql.SQL("heard_song_id, title, artist, length, song_id, artist_id, track_id, artist_key"),
                whole["heard_songs"],
            )
        )
        for month in self._months:
            tables = month_tables(1, month)
            known = self.sessions.of(month)
            for table, count in (("songplays", known.plays), ("page_views", known.views)):
                found = sql.SQL("SELECT count(*) FROM {}").format(tables[table])
                assert one(self._connection, found.as_string()) == count
            for rollup in COUNTED:
                sources = staged_sources(tables) | {
                    "recent_plays": whole["songplays"], "recent_heard_plays": whole["heard_plays"],
                    "level_days": tables["levels"], "wanted": counted_by_core(rollup, month),
                }  # fmt: skip
                if rollup == WEEKS:
                    of_sessions = definition(DEFINED["session_days"], staged_sources(tables))
                    sources["session_days"] = sql.SQL("({})").format(of_sessions)
                pieces = known.rows(rollup)
                if pieces is None:
                    assert rollup == FEEDBACK
                    assert self._has_moment_with_two_plays(tables["songplays"])
                else:
                    compare(
                        self._connection,
                        rollup,
                        pieces,
                        sql.SQL("({})").format(definition(DEFINED[rollup], sources)),
                    )

    def _union(self, table: str) -> sql.Composable:
        tables = [month_tables(1, month)[table] for month in self._months]
        selects = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT * FROM {}").format(table) for table in tables)
        return sql.SQL("({})").format(selects)

    def _has_moment_with_two_plays(self, songplays: sql.Identifier) -> bool:
        twice = "SELECT FROM {} GROUP BY session_id, user_id, start_time HAVING count(*) > 1"
        return bool(self._connection.execute(sql.SQL(twice).format(songplays)).fetchall())


MOMENTS = st.sampled_from([0, 1, 2, 3, 4, DAY - 2, DAY - 1])
DAYS = st.sampled_from([0, 1, 1, 1, 2, 4, 5, 5, 10, 11, 29, 30, 61])
PAGES = (
    "Thumbs Up", "Thumbs Down", "Add to Playlist", "Add Friend", "Roll Advert", "Help", "Upgrade",
    "Downgrade", "Submit Upgrade", "Submit Downgrade", "Cancellation Confirmation",
)  # fmt: skip
LEVELS = st.sampled_from(["free", "paid", "", "fre", "é" * 32])
plays = st.builds(
    lambda user, day, moment, session, level, title, artist, place: play(
        NOVEMBER + day * DAY + moment, userId=str(user), sessionId=session, level=level,
        song=title, artist=artist, location=place,
    ),
    st.sampled_from([1, 1, 2, 2, 2**62, -(2**62), 666]), DAYS, MOMENTS, st.integers(1, 2), LEVELS,
    st.sampled_from("xyz"), st.sampled_from(["", "a", "b"]), st.sampled_from("pq"),
)  # fmt: skip
views = st.builds(
    lambda user, day, moment, session, level, page, status: view(
        NOVEMBER + day * DAY + moment, userId=user, sessionId=session, level=level, page=page, status=status
    ),
    st.sampled_from(["", "1", "1", "2", "2", "0", str(2**62), str(-(2**62)), "666"]), DAYS, MOMENTS,
    st.integers(1, 2),
    LEVELS | st.none(),
    st.sampled_from([*PAGES, "Home", "Error", "", "é" * 32]),
    st.sampled_from([200, 307, 399, 400, 599, 600, None]),
)  # fmt: skip


@examples(40, thorough=400)
@given(batches=st.lists(st.lists(plays | views, max_size=25), max_size=4))
@example(batches=[])
@example(batches=[[play(NOVEMBER + at, userId=str(at % 7), song=str(at % 50)) for at in range(3000)]] * 2)
@example(batches=[[play(951_782_400_000, song="on 29 February 2000")]])
@example(batches=[[view(NOVEMBER + 5 * DAY, page="Thumbs Up"), play(NOVEMBER + 4 * DAY + 1)], [view(1)]])
@example(batches=[[play(), view(NOVEMBER + 1, page="Thumbs Up")]])  # on the first day
@example(  # on the second day, after a play of the first one
    batches=[[play(NOVEMBER + DAY - 1), view(NOVEMBER + DAY, page="Thumbs Up")]]
)
@example(  # after several plays of one moment: the first and the last line have the same track
    batches=[
        [play(NOVEMBER + DAY, song=song, sessionId=session) for song in "xyx"]
        + [view(NOVEMBER + DAY + 1, page="Thumbs Up", sessionId=session)]
        for session in range(20)
    ]
)
@example(  # after a play of somebody else in the same session
    batches=[[play(NOVEMBER + DAY), view(NOVEMBER + DAY + 1, userId="2", page="Add Friend")]]
)
@example(batches=[[view(userId=f"{user}", level=("free", "paid")[user % 2]) for user in range(1, 6)]])
@example(batches=[[view(userId="0"), view(userId=""), view(userId="1")]])
@example(  # feedback and the play before it in two batches, and then feedback a whole day after it
    batches=[
        [play(NOVEMBER + DAY)],
        [view(NOVEMBER + at, page="Add Friend") for at in (DAY, 2 * DAY - 1, 2 * DAY)],
    ]
)
@example(  # levels at the last moment of a week
    batches=[
        [play(NOVEMBER + 5 * DAY + 1, level="free"), view(NOVEMBER + 5 * DAY + 1, level="paid")],
        [play(NOVEMBER + 5 * DAY, level="é" * 32), view(NOVEMBER + 5 * DAY + 2, level=None)],
    ]
)
@example(batches=[[view(NOVEMBER + 5 * DAY, page=page, status=404) for page in PAGES]])
@example(  # logged out: the user's, nobody's, one of two users
    batches=[
        [play(NOVEMBER + 1), view(NOVEMBER, userId="", level="paid", page="Login")],
        [view(NOVEMBER, userId="", sessionId=2), view(NOVEMBER + 1, userId="", sessionId=3)],
        [view(NOVEMBER + 9, userId=user, sessionId=3) for user in "12"],
    ]
)
def test_the_rows_are_those_of_the_definition(
    warehouse: Connection[Any], batches: list[list[dict[str, Any]]]
) -> None:
    """User 666 is forgotten. No event has the identity of another."""
    staging = Staging(warehouse)
    items = itertools.count()
    with warehouse.transaction(force_rollback=True):
        for batch in batches:
            staging.add([event | {"itemInSession": next(items)} for event in batch])
        staging.compare()


def split(data: bytes) -> list[bytes]:
    """The rows of a COPY."""
    rows, at = [], 19  # behind the header
    while data[at : at + 2] != b"\xff\xff":
        start = at
        (columns,) = struct.unpack_from(">h", data, at)
        at += 2
        for _ in range(columns):
            at += 4 + max(struct.unpack_from(">i", data, at)[0], 0)  # -1 is null
        rows.append(data[start:at])
    assert at + 2 == len(data)
    return rows


def rows_of(data: bytes) -> list[tuple[int, bytes]]:
    """The rows of a COPY, each with its first column, an id."""
    return [(struct.unpack_from(">q", row, 6)[0], row) for row in split(data)]


@examples(25, thorough=300)
@given(
    batches=st.lists(st.lists(plays | views, min_size=1, max_size=25), max_size=3), pieces=st.integers(1, 40)
)
@example(batches=[], pieces=2**31 - 1)
@example(batches=[[play(NOVEMBER + 9 * DAY - 1), view(NOVEMBER + 9 * DAY, page="Thumbs Up")]], pieces=31)
def test_pieces_one_after_the_other_are_the_whole(
    transform: PlayTransform, batches: list[list[dict[str, Any]]], pieces: int
) -> None:
    """The same rows in the same order; those of tracks and artists by the id, each in the piece of its id."""
    transform.forgotten = Forgotten()
    of_month = [transform.sessions(MONTH) for batch in batches if MONTH in finish(transform, batch)]
    month = Month(tuple(found.data for found in of_month if found))
    for rollup in BY_DAY:
        parts = [month.rows(rollup, piece, pieces) for piece in range(pieces if pieces <= 40 else 0)]
        whole = month.rows(rollup, 0, 1)
        assert (whole is None) == (None in parts) or not parts
        if whole and parts:
            rows = [row for piece in parts if piece for row in split(piece)]
            assert sorted(rows) == sorted(split(whole))
    for rollup in BY_ID:
        whole = rows_of(month.rows(rollup, 0, 1) or b"")
        assert whole == sorted(whole, key=lambda row: row[0])
        for piece in range(pieces) if pieces <= 40 else (0, pieces // 2, pieces - 1):
            own = [row for row in whole if (row[0] >> 31) * pieces >> 32 == piece]
            assert rows_of(month.rows(rollup, piece, pieces) or b"") == own


def test_one_piece_of_a_month_is_held_at_a_time(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pieces are counted when they are asked for, and are of about the same size."""
    monkeypatch.setattr("sparkify.transform.sessions.A_PIECE", 200)
    transform.forgotten = Forgotten()
    known = MonthSessions(
        [part(transform, *(play(itemInSession=at, song=str(at), artist=str(at)) for at in range(2000)))]
    )
    counted: list[int] = []

    class Counted:
        def __init__(self, parts: tuple[bytes, ...]) -> None:
            self.month = Month(parts)

        def rows(self, rollup: str, piece: int, pieces: int) -> bytes | None:
            counted.append(piece)
            return self.month.rows(rollup, piece, pieces)

    monkeypatch.setattr("sparkify.transform.sessions.Month", Counted)
    for rollup in BY_ID:
        counted.clear()
        sizes = []
        for at, rows in enumerate(known.rows(rollup) or ()):
            assert counted == list(range(at + 1))
            sizes.append(len(rows_of(rows)))
        assert sum(sizes) == 2000
        assert len(sizes) == 11
        assert max(sizes) < 300


def test_a_load_gathers_what_it_commits(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is rolled back and then staged file by file counts once, also if it is full early."""
    gathered = Sessions()
    failed: list[str] = []
    keep = Claims.keep

    class Gather(Progress):
        def staged(self, batch: StagedBatch) -> None:
            gathered.add(batch.sessions)

    def failing(claims: Claims, done: Tally) -> None:
        if not failed:
            failed.append("once")
            raise psycopg.errors.DataException("at the end of the batch")
        keep(claims, done)

    monkeypatch.setattr(Claims, "keep", failing)
    monkeypatch.setattr("sparkify.transform.plays.MOST_GATHERED_BYTES", 1)
    for file in range(3):
        played = (play(NOVEMBER + at * DAY, itemInSession=file, song=f"{at % 3}") for at in range(40))
        write(tmp_path, f"log_data/{file}.json", *played, view(itemInSession=10 + file))
    etl.run(tmp_path, dsn=dsn, workers=1, progress=Gather())
    assert failed
    december = date(2018, 12, 1)
    known = {month: gathered.of(month) for month in gathered.months}
    assert {month: (its.plays, its.views) for month, its in known.items()} == {
        MONTH: (90, 3),
        december: (30, 0),
    }
    for rollup in COUNTED:
        for month, until in ((MONTH, december), (december, date(2019, 1, 1))):
            there = sql.SQL("(SELECT * FROM {} WHERE {time} >= {} AND {time} < {} AND {})").format(
                sql.Identifier("analytics", rollup), month, until, counted_by_core(rollup, month),
                time=sql.Identifier(DEFINED[rollup].time),
            )  # fmt: skip
            compare(db, rollup, known[month].rows(rollup), there)


def test_a_month_that_does_not_fit_is_dropped(
    transform: PlayTransform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other months stay, and parts that come later do not make it look whole."""
    monkeypatch.setattr("sparkify.transform.sessions.MOST_BYTES", 1000)
    gathered = Sessions()
    one, other = date(2018, 11, 1), date(2018, 12, 1)
    small, large = part(transform, play()), part(transform, *(play(itemInSession=at) for at in range(50)))
    gathered.add({one: [small], other: [small]})
    assert [gathered.of(one).plays, gathered.of(other).plays] == [1, 1]
    gathered.add({one: [large]})
    gathered.add({one: [small], other: [small]})
    assert [gathered.of(one).plays, gathered.of(other).plays] == [0, 2]
    gathered.drop(other)
    third = date(2019, 1, 1)
    gathered.add({third: [small] * 3})
    assert [gathered.of(other).plays, gathered.of(third).plays] == [0, 3]
    gathered.add({third: [small] * 10})
    assert set(gathered.months.values()) == {None}


@pytest.mark.parametrize("event", [play(level="x" * 65), view(level="x" * 65), view(page="x" * 65)])
def test_a_month_with_a_long_text_is_left_to_postgresql(
    transform: PlayTransform, event: dict[str, Any]
) -> None:
    """Each row of a rollup repeats the level or the page: a long one would take gigabytes."""
    short = event | {name: value[1:] for name, value in event.items() if value == "x" * 65}
    kept, batch = Sessions(), part(transform, short)
    kept.add({MONTH: [batch]})
    finish(transform, [short, event | {"itemInSession": 1}])
    assert transform.sessions(MONTH) is None
    kept.add({MONTH: None})
    kept.add({MONTH: [batch]})
    assert kept.months == {MONTH: None}
    assert (kept.of(MONTH).plays, kept.of(MONTH).views) == (0, 0)
    with pytest.raises(ValueError, match="not from"):
        Month((struct.pack("=II", 1, 65) + b"x" * 65,))


def test_postgresql_knows_which_of_two_plays_was_the_last(transform: PlayTransform) -> None:
    """It is the one with the greater songplay_id, which the core does not keep."""
    two = [play(NOVEMBER + DAY, itemInSession=at, song=f"{at}") for at in (1, 2)]
    thumb = view(NOVEMBER + DAY + 5, page="Thumbs Up")
    later = play(NOVEMBER + DAY + 3, itemInSession=3)
    for events, is_known in ((two, True), ([*two, thumb], False), ([*two, later, thumb], True)):
        assert (MonthSessions([part(transform, *events)]).rows(FEEDBACK) is not None) == is_known


def test_a_month_is_dropped_while_parts_of_another_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of the dropped one are free again."""
    one, other, third = (date(2018, month, 1) for month in (10, 11, 12))
    gathered = Sessions()
    size = sessions._size  # noqa: SLF001
    part = BatchSessions(1, 0, b"x" * 1000)
    monkeypatch.setattr(sessions, "MOST_BYTES", 2 * size(part))
    gathered.add({one: [part]})
    dropping = threading.Thread(target=gathered.drop, args=[one])

    def interrupted(part: BatchSessions) -> int:
        if not dropping.ident:
            dropping.start()
            dropping.join(0.1)
        return size(part)

    monkeypatch.setattr(sessions, "_size", interrupted)
    gathered.add({other: [part]})
    dropping.join()
    gathered.add({third: [part]})
    assert gathered.months == {one: None, other: [part], third: [part]}


def refuse_to_count(rollup: str, patch: pytest.MonkeyPatch) -> None:
    """Make PostgreSQL fail if it counts rows of a rollup that the core counts."""
    counted = queries(f"publish/rollups/{rollup}")["definition"]
    allowed = {
        FEEDBACK: "extract(day FROM day) = 1",
        WEEKS: "analytics.month_of(week) <> analytics.month_of(week + 6)",
    }.get(rollup, "false")
    refused = f"SELECT * FROM ({counted}) rows WHERE 1 / ({allowed})::integer = 1"
    patch.setitem(queries(f"publish/rollups/{rollup}"), "definition", refused)  # type: ignore[misc]


def test_publication_takes_the_rows_of_the_core(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL counts only what the core does not know; the result is the same."""
    simulate(tmp_path, users=20, songs=50, days=35, seed=3)
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    by_core, by_postgresql = new_dsn(), new_dsn()
    with monkeypatch.context() as patch:
        for rollup in COUNTED:
            refuse_to_count(rollup, patch)
        assert etl.run(tmp_path, dsn=by_core).status == "done"
    monkeypatch.setattr(sessions, "MOST_BYTES", 0)
    monkeypatch.delattr(sessions, "Month")
    assert etl.run(tmp_path, dsn=by_postgresql).status == "done"
    assert content(by_core) == content(by_postgresql)


def test_staging_waits_rather_than_drop_a_month(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All months together do not fit, and publishing is slow; yet the core counts every one."""
    simulate(tmp_path, users=20, songs=50, days=120, seed=3)
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    kept = []
    add = Sessions.add

    def adding(self: Sessions, months: Any) -> None:
        add(self, months)
        kept.append(self._bytes)

    def publishing(*args: Any, **options: Any) -> None:
        time.sleep(0.5)
        publish_month(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Sessions, "add", adding)
        assert etl.run(tmp_path, dsn=dsn, workers=2, batch_bytes=1, max_rejects="100%").status == "done"
    create_tables(dsn, drop=True)
    monkeypatch.setattr(sessions, "MOST_BYTES", max(kept) // 2)
    monkeypatch.setattr("sparkify.publish.ahead.publish_month", publishing)
    for rollup in COUNTED:
        refuse_to_count(rollup, monkeypatch)
    assert etl.run(tmp_path, dsn=dsn, workers=2, batch_bytes=1).status == "done"


def test_somebody_is_forgotten_before_it_is_published(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core has what they did, too, so PostgreSQL counts."""
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


def test_page_views_of_another_process_are_counted(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has staged a batch with page views only, whose sessions are not known here: PostgreSQL counts."""
    add = Sessions.add

    def add_those_with_plays(self: Sessions, months: dict[date, list[BatchSessions] | None]) -> None:
        add(self, {month: batches for month, batches in months.items() if batches and batches[0].plays})

    monkeypatch.setattr(Sessions, "add", add_those_with_plays)
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    write(tmp_path, "log_data/1.json", view(NOVEMBER + DAY, userId="99"))
    write(tmp_path, "log_data/2.json", play(NOVEMBER + DAY), view(NOVEMBER + DAY, itemInSession=1))
    etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1)
    assert db.execute("SELECT users FROM analytics.page_days").fetchall() == [([15, 99],)]


def test_feedback_of_the_next_month_follows_a_play(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The play comes later, and its month is counted by the core; PostgreSQL counts the day after it."""
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    december = NOVEMBER + 30 * DAY
    write(tmp_path, "log_data/1.json", play(december + DAY), view(december + 5, page="Thumbs Up"))
    etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT FROM analytics.track_feedback_days").fetchall() == []
    write(tmp_path, "log_data/2.json", play(december - 5), view(december - 4, itemInSession=9))
    etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT day, thumbs_up FROM analytics.track_feedback_days").fetchall() == [
        (date(2018, 12, 1), [1])
    ]


@pytest.mark.parametrize("first", [10, 11])
def test_a_session_lies_in_two_months(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """It counts on its first day, also weeks later, and so does its week, whichever month is loaded first."""
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    december = NOVEMBER + 30 * DAY
    months = {
        10: [play(december - at, itemInSession=at) for at in (1, 3 * DAY)],
        11: [play(december + 5, itemInSession=2), view(december + 9, itemInSession=3, page="Thumbs Up")],
    }
    months[10] += [play(december - 16 * DAY, sessionId=8)]
    months[11] += [play(december + at * DAY, sessionId=session) for session, at in ((7, 9), (8, 14))]
    months[11] += [view(december + at * DAY, userId="", sessionId=7) for at in (20, 21)]
    together, apart = new_dsn(), new_dsn()
    with monkeypatch.context() as patch:
        refuse_to_count(WEEKS, patch)  # it would, if nothing was counted in the background
        for month in (first, 21 - first):
            write(tmp_path, f"{month}/log_data/1.json", *months[month])
            etl.run(tmp_path / str(month), dsn=apart)
    write(tmp_path, "both/log_data/1.json", *months[10], *months[11])
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1 << 30)
    etl.run(tmp_path / "both", dsn=together)
    with connect(apart) as db:
        started = db.execute("SELECT day, plays FROM analytics.session_starts ORDER BY day").fetchall()
    assert started == [
        (date(2018, 11, 15), 2), (date(2018, 11, 28), 3),
        (date(2018, 12, 10), 1), (date(2018, 12, 21), 0), (date(2018, 12, 22), 0),
    ]  # fmt: skip
    assert content(apart) == content(together)


def test_somebody_with_page_views_only_is_forgotten_meanwhile(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sessions are known, but not staged any more. PostgreSQL counts, even if as many are missing."""
    gathered = PlayTransform.sessions

    def without_views_of_plays(transform: PlayTransform, month: date) -> BatchSessions | None:
        found = gathered(transform, month)
        return found._replace(views=0) if found and found.plays else found

    class ForgetThem(Progress):
        def staged(self, batch: StagedBatch) -> None:
            if batch.number == 0:
                forget([99], dsn=dsn)

    monkeypatch.setattr(PlayTransform, "sessions", without_views_of_plays)
    monkeypatch.setattr("sparkify.publish.plans.MANY_PLAYS", 1)
    write(tmp_path, "log_data/1.json", view(NOVEMBER + DAY, userId="99"))
    write(tmp_path, "log_data/2.json", play(NOVEMBER + DAY), view(NOVEMBER + DAY, itemInSession=1))
    etl.run(tmp_path, dsn=dsn, workers=1, progress=ForgetThem(), batch_bytes=1)
    assert db.execute("SELECT users FROM analytics.page_days").fetchall() == [([15],)]


def test_an_executor_sends_no_sessions_to_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        def __init__(self, *_: object) -> None: ...

        def stage(self, _: Batch) -> StagedBatch:
            return StagedBatch(files=1, months=[MONTH], sessions={MONTH: [BatchSessions(1, 0, b"play")]})

        def close(self) -> None: ...

    monkeypatch.setattr(task, "Stager", Here)
    assert task.stage("", 1, 0.0, Batch(())) == StagedBatch(files=1, months=[MONTH])


def test_parts_that_are_cut_are_refused(transform: PlayTransform) -> None:
    data = part(transform, play(), play(NOVEMBER + DAY, itemInSession=1, level="paid"), view(level=None)).data
    whole = set()  # where a session ends
    for size in range(len(data) + 1):
        try:
            Month((data, data[:size]))
        except ValueError:
            continue
        whole.add(size)
    assert len(whole) == 4  # before the first, too
    assert max(whole) == len(data)


TEXTS = struct.pack("=II", 1, 4) + b"Home"


def session(*numbers: int, plays: int = 0, views: int = 0, level: int = 1, day: int = 17836) -> bytes:
    """The bytes of a session, with the numbers of its lists."""
    lists = struct.pack(f"={len(numbers)}I", *numbers)
    return struct.pack("=qqqIIIi", 1, 1, 1000 * plays, plays, views, 2 * level + 1, day) + lists


def test_these_are_whole() -> None:
    Month((TEXTS + session(1, 0, views=1) + session(*[0] * 5, plays=1),)).rows("session_days", 0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Month([]),  # type: ignore[arg-type]
        lambda: Month(("text",)),  # type: ignore[arg-type]
        lambda: Month((b"",)),
        lambda: Month((b"\xff" * 24,)),
        lambda: Month((TEXTS + session(day=2**31 - 1),)),
        lambda: Month((TEXTS + session(day=-719163),)),
        lambda: Month((TEXTS + session(level=2),)),
        lambda: Month((TEXTS + session(0, 0, views=1),)),
        lambda: Month((TEXTS + session(2, 0, views=1),)),
        lambda: Month((TEXTS + session(views=2**32 - 1),)),
        lambda: Month((TEXTS + session(plays=2**32 - 1),)),
        lambda: Month((TEXTS + session(), TEXTS + session(day=17900))),
        lambda: Month(()).rows("user_days", 0, 1),
        lambda: Month(()).rows("track_months", 0, 0),
        lambda: Month(()).rows("track_months", -1, 1),
        lambda: Month(()).rows("track_months", 2, 2),
        lambda: Month(()).rows("page_days", 2, 2),
        lambda: Month(()).rows("track_months", 0, 2**31),
        lambda: Month(()).rows("track_months", 0, 2**64),
        lambda: PlayTransform(TS_RANGE).sessions(MONTH),
    ],
)
def test_wrong_arguments_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError, OverflowError)):
        wrong()


def test_other_threads_run_while_it_counts(transform: PlayTransform) -> None:
    one = part(transform, *(play(itemInSession=at, song=str(at)) for at in range(5000)))
    done = threading.Event()
    month = (one.data,) * 100
    counting = threading.Thread(target=lambda: (Month(month).rows("track_months", 0, 1), done.set()))
    counting.start()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    counting.join()
    assert turns > 3
