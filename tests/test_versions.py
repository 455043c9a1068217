"""Versions: a newer warehouse is refused, an older one migrated at once, an incomplete one completed.

No version has been released, so the migrations here are made up.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.create_tables import create_tables
from sparkify.database import version as schema_version
from sparkify.database.connection import connect
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.check import examine
from sparkify.stage.runs import begin_run
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import brief_waits_for_locks, one

NEWEST = 3


@pytest.fixture
def loaded(dsn: str, tmp_path: Path) -> str:
    """A warehouse of the version that there is."""
    write(tmp_path, "song_data/a.json", song())
    write(tmp_path, "log_data/2018-11.json", play(NOVEMBER), play(NOVEMBER + 1))
    etl.run(tmp_path, dsn=dsn)
    return dsn


@pytest.fixture
def newer_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program of version 3, and the folder of its migrations."""
    (tmp_path / "migrate_2.sql").write_text(
        "ALTER TABLE etl.runs ADD COLUMN host text; CREATE TABLE etl.hosts (host text)"
    )
    (tmp_path / "migrate_3.sql").write_text(
        "DROP TABLE etl.hosts; UPDATE etl.runs SET host = 'unknown'; ALTER TABLE etl.runs ALTER host SET NOT"
        " NULL,"
        " ALTER host SET DEFAULT 'unknown'"
    )
    monkeypatch.setattr(schema_version, "_MIGRATIONS", tmp_path)
    for module in ("database.version", "create_tables", "stage.runs"):
        monkeypatch.setattr(f"sparkify.{module}.SCHEMA_VERSION", NEWEST)
    return tmp_path


def version(connection: Connection[Any]) -> int:
    return int(one(connection, "SELECT schema_version FROM etl.warehouse"))


@pytest.mark.parametrize("by", [create_tables, lambda dsn: etl.run("elsewhere", dsn=dsn)])
def test_migrations_run_in_order_and_loads_go_on(
    loaded: str, db: Connection[Any], newer_program: Path, by: Callable[[str], Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "elsewhere", "log_data/2018-12.json", play(NOVEMBER + 31 * 24 * 3600 * 1000))
    by(loaded)
    assert version(db) == NEWEST
    assert set(db.execute("SELECT host FROM etl.runs").fetchall()) == {("unknown",)}
    assert etl.run(tmp_path / "elsewhere", dsn=loaded).rows["songplays"] == 3


def test_nothing_is_changed_when_a_migration_fails(
    loaded: str, db: Connection[Any], newer_program: Path
) -> None:
    newer_program.joinpath("migrate_3.sql").write_text("DROP TABLE etl.hosts; SELECT 1/0")
    with pytest.raises(SparkifyError, match="PostgreSQL: division by zero"):
        create_tables(loaded)
    assert version(db) == 1
    assert one(db, "SELECT to_regclass('etl.hosts') IS NULL")
    newer_program.joinpath("migrate_3.sql").write_text("DROP TABLE etl.hosts")
    create_tables(loaded)
    assert version(db) == NEWEST


def test_several_programs_migrate_at_once_and_it_happens_once(
    loaded: str, db: Connection[Any], newer_program: Path
) -> None:
    failures: list[Exception] = []

    def create() -> None:
        try:
            create_tables(loaded)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []  # migrate_2.sql cannot run twice
    assert version(db) == NEWEST


def test_an_older_warehouse_is_not_read_but_the_way_is_told(loaded: str, newer_program: Path) -> None:
    with pytest.raises(UsageError, match=r"version 1, older than this program's.*sparkify create-tables"):
        analytics.top("songs", dsn=loaded)
    create_tables(loaded)
    assert analytics.top("songs", dsn=loaded)


def test_a_newer_warehouse_is_left_alone(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    write(tmp_path, "log_data/2018-11.json", play(NOVEMBER))
    db.execute("UPDATE etl.warehouse SET schema_version = 1000")
    for use in (
        lambda: create_tables(dsn),
        lambda: create_tables(dsn, drop=True),
        lambda: etl.run(tmp_path, dsn=dsn),
        lambda: analytics.status(dsn=dsn),
    ):
        with pytest.raises(UsageError, match=r"version 1000, newer than this program's\. Update sparkify\."):
            use()
    with pytest.raises(SparkifyError, match="has just upgraded the warehouse"), begin_run(dsn, db):
        pass


def test_what_is_missing_is_made(loaded: str, db: Connection[Any]) -> None:
    db.execute("DROP INDEX analytics.user_days_location, analytics.sessions_started")
    db.execute("DROP VIEW analytics.plays_by_day")
    with connect(loaded) as reader, reader.transaction():
        reader.execute("SELECT FROM etl.files")
        refused = pytest.raises(SparkifyError, match=r"Somebody is using the warehouse.*create-tables")
        with brief_waits_for_locks(), refused:
            create_tables(loaded)
    create_tables(loaded)
    assert [finding.found for finding in examine(db, ["tables_there", "indexes_valid"])[0]] == [0, 0]
