"""A month that comes in large parts: each becomes another partition; the content is that of one load."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.publish import plans
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.warehouse import checksums, one

DAY = 24 * 3600 * 1000
MIDNIGHTS = [NOVEMBER + day * DAY for day in range(30)]

PARTITIONS = """
    SELECT relname, to_char(lower(span) AT TIME ZONE 'UTC', 'MM-DD'),
           to_char(upper(span) AT TIME ZONE 'UTC', 'MM-DD')
    FROM pg_inherits JOIN pg_class ON oid = inhrelid, etl.partition_span(inhrelid) AS span
    WHERE inhparent = %s::regclass ORDER BY relname
"""


@pytest.fixture(autouse=True)
def ten_plays_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MANY_PLAYS", 10)


@pytest.fixture
def other_dsn(new_dsn: Callable[[], str]) -> str:
    return new_dsn()


def a_day(root: Path, day: int, plays: int = 12) -> None:
    """Write plays of a few users at two levels, spread over one day, from its first moment to its last."""
    moments = [MIDNIGHTS[day] + at * (DAY - 1) // (plays - 1) for at in range(plays)]
    write(
        root,
        f"log_data/{day}.json",
        *(
            play(ts, userId=str(at % 3), itemInSession=at, level=("free", "paid")[at % 5 < 3])
            for at, ts in enumerate(moments)
        ),
    )


def partitions(connection: Connection[Any]) -> list[tuple[str, str, str]]:
    """The partitions with their bounds, which all three tables have alike."""
    found = [
        [
            (name.removeprefix(f"{table}_"), *bounds)
            for name, *bounds in connection.execute(PARTITIONS, [parent])
        ]
        for table, parent in (
            ("songplays", "songplays"),
            ("time", "time"),
            ("heard_plays", "analytics.heard_plays"),
        )
    ]
    assert found[0] == found[1] == found[2]
    return found[0]


def same_as_at_once(root: Path, dsn: str, other: str) -> list[tuple[str, str, str]]:
    """Check that one load of everything gives the same content; return the partitions."""
    etl.run(root, dsn=other)
    with connect(dsn) as connection, connect(other) as expected:
        assert checksums(connection) == checksums(expected)
        assert one(connection, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == 0
        found = partitions(connection)
        for name, *_ in found:
            keys = (
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
                f" AND conrelid = 'partitions.songplays_{name}'::regclass"
            )
            assert one(connection, keys) >= 4
        return found


def test_day_after_day(dsn: str, other_dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "song_data/a.json", song())
    for day in (0, 1, 4):
        a_day(tmp_path, day)
        etl.run(tmp_path, dsn=dsn)
    assert same_as_at_once(tmp_path, dsn, other_dsn) == [
        ("2018_11_01", "11-01", "11-02"),
        ("2018_11_02", "11-02", "11-03"),
        ("2018_11_03", "11-03", "11-06"),
    ]


def test_what_comes_behind_a_small_part_is_inserted(dsn: str, other_dsn: str, tmp_path: Path) -> None:
    for day, plays in enumerate((12, 2, 12)):
        a_day(tmp_path, day, plays)
        etl.run(tmp_path, dsn=dsn)
    assert same_as_at_once(tmp_path, dsn, other_dsn) == [
        ("2018_11_01", "11-01", "11-02"),
        ("2018_11_02", "11-02", "12-01"),
    ]


def test_an_index_of_somebody_with_a_long_name(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    """PostgreSQL would cut the names of its parts, and those of two months would be the same."""
    for name in ("a" * 63, "a" * 62 + "b", "ä" * 30):
        db.execute(SQL("CREATE INDEX {} ON analytics.page_views (session_id)").format(Identifier(name)))
    for month in range(2):
        write(tmp_path, f"log_data/{month}.json", view(NOVEMBER + 40 * month * DAY))
    etl.run(tmp_path, dsn=dsn)
    parts = "SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'partitions.page_views%'"
    assert one(db, parts) == 2 * 5


def test_statistics_are_made_after_a_restore(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    """A dump has none, and autovacuum never analyzes a partitioned table."""

    def analyzed() -> list[tuple[float]]:
        return db.execute(
            "SELECT reltuples FROM pg_class WHERE relname IN ('songplays', 'user_days') ORDER BY 1"
        ).fetchall()

    write(tmp_path, "log_data/1.json", *(play(NOVEMBER + at, itemInSession=at) for at in range(30)))
    etl.run(tmp_path, dsn=dsn)
    assert analyzed() == [(1,), (30,)]
    write(tmp_path, "log_data/2.json", play(NOVEMBER + DAY))
    etl.run(tmp_path, dsn=dsn)
    assert analyzed() == [(1,), (30,)]  # there is not a tenth more
    db.execute("UPDATE pg_class SET reltuples = -1 WHERE relname IN ('songplays', 'user_days')")
    write(tmp_path, "log_data/3.json", play(NOVEMBER + DAY + 1))
    etl.run(tmp_path, dsn=dsn)
    assert analyzed() == [(2,), (32,)]


def test_a_whole_month_is_one_partition(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    a_day(tmp_path, 0)
    a_day(tmp_path, 29)
    etl.run(tmp_path, dsn=dsn)
    assert partitions(db) == [("2018_11", "11-01", "12-01")]


def test_late_and_new_plays_in_one_load(dsn: str, other_dsn: str, tmp_path: Path) -> None:
    """Late plays are new to the warehouse, known already, or known with other content."""
    a_day(tmp_path, 0)
    a_day(tmp_path, 1)
    etl.run(tmp_path, dsn=dsn)
    a_day(tmp_path, 2)
    write(
        tmp_path,
        "log_data/late.json",
        play(MIDNIGHTS[0] + 5, userId="1", itemInSession=500),  # new
        play(MIDNIGHTS[1], userId="0", level="free"),  # other content, which wins
        play(MIDNIGHTS[0], userId="0"),  # known
        play(MIDNIGHTS[2] + 7, userId="1", itemInSession=501, song="never heard"),  # of the new day
    )
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.books.loaded, report.books.duplicates) == (12 + 3, 1)
    found = same_as_at_once(tmp_path, dsn, other_dsn)
    assert [name for name, *_ in found] == ["2018_11_01", "2018_11_03"]


def test_known_and_repeated_plays_in_one_load(dsn: str, other_dsn: str, tmp_path: Path) -> None:
    a_day(tmp_path, 0)
    etl.run(tmp_path, dsn=dsn)
    a_day(tmp_path, 1)
    both = b"".join((tmp_path / "log_data" / f"{day}.json").read_bytes() for day in (0, 1))
    (tmp_path / "log_data" / "copy.json").write_bytes(both)
    report = etl.run(tmp_path, dsn=dsn, batch_bytes=1)
    assert report.books.duplicates == 24
    assert len(same_as_at_once(tmp_path, dsn, other_dsn)) == 2


NOTE_SETTINGS = """
    CREATE SCHEMA seen;
    CREATE TABLE seen.settings (hashing text, merging text);
    CREATE FUNCTION seen.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO seen.settings
        SELECT current_setting('enable_hashjoin'), current_setting('enable_mergejoin')
        FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.songplays';
    END $$;
    CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION seen.note()
"""


def test_the_size_of_time_decides_how_keys_are_checked(
    dsn: str, db: Connection[Any], other_dsn: str, tmp_path: Path
) -> None:
    """By hashing while `time` has as many rows as are attached, by merging up to three times as many."""
    db.execute(NOTE_SETTINGS)
    with connect(dsn) as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT")  # keeps the plays from being frozen, which decides, too
        for day, plays in enumerate((30, 30, 54, 38, 50)):  # when `time` has 0, 30, 60, 114 and 152 rows
            a_day(tmp_path, day, plays)
            etl.run(tmp_path, dsn=dsn)
    assert db.execute("SELECT * FROM seen.settings").fetchall() == [
        ("on", "on"), ("on", "on"), ("off", "on"), ("off", "on"), ("off", "off"),
    ]  # fmt: skip
    assert len(same_as_at_once(tmp_path, dsn, other_dsn)) == 5
