"""The schema: exactly the star that people know, made and dropped safely."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Literal

from sparkify import etl
from sparkify.create_tables import create_tables, wait_briefly
from sparkify.database.connection import LIBPQ_VARIABLES, connect, resolve
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.operations.check import examine
from sparkify.stage.runs import begin_run
from tests.support.data import play, song, write
from tests.support.warehouse import brief_waits_for_locks, one

STAR = {
    "songplays": [
        ("songplay_id", "bigint"), ("start_time", "timestamp with time zone"), ("user_id", "bigint"),
        ("level", "text"),
        ("song_id", "text"), ("artist_id", "text"), ("session_id", "bigint"), ("location", "text"),
        ("user_agent", "text"),
    ],
    "users": [
        ("user_id", "bigint"), ("first_name", "text"), ("last_name", "text"), ("gender", "text"),
        ("level", "text"),
    ],
    "songs": [
        ("song_id", "text"), ("title", "text"), ("artist_id", "text"), ("year", "integer"),
        ("duration", "double precision"),
    ],
    "artists": [
        ("artist_id", "text"), ("name", "text"), ("location", "text"), ("latitude", "double precision"),
        ("longitude", "double precision"),
    ],
    "time": [
        ("start_time", "timestamp with time zone"), ("hour", "smallint"), ("day", "smallint"),
        ("week", "smallint"),
        ("month", "smallint"), ("year", "smallint"), ("weekday", "smallint"),
    ],
}  # fmt: skip


def test_exactly_the_five_tables(db: Connection[Any]) -> None:
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in db.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema ="
        " 'public'"
        " ORDER BY table_name, ordinal_position"
    ):
        tables.setdefault(table, []).append((column, type_))
    assert tables == STAR


def test_keys(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The tables and an attached month have all primary and foreign keys, and all are validated."""
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    keys = {
        ("songplays", "PRIMARY KEY (start_time, songplay_id)"),
        ("songplays", 'FOREIGN KEY (start_time) REFERENCES "time"(start_time)'),
        ("songplays", "FOREIGN KEY (user_id) REFERENCES users(user_id)"),
        ("songplays", "FOREIGN KEY (song_id, artist_id) REFERENCES songs(song_id, artist_id) DEFERRABLE"),
        ("songplays", "FOREIGN KEY (artist_id) REFERENCES artists(artist_id) DEFERRABLE"),
        ("users", "PRIMARY KEY (user_id)"),
        ("songs", "PRIMARY KEY (song_id)"),
        ("songs", "FOREIGN KEY (artist_id) REFERENCES artists(artist_id) DEFERRABLE"),
        ("artists", "PRIMARY KEY (artist_id)"),
        ('"time"', "PRIMARY KEY (start_time)"),
    }
    query = (
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('p', 'f') AND convalidated AND conparentid = 0 AND connamespace ="
        " 'public'::regnamespace"
    )
    assert set(db.execute(query).fetchall()) == keys
    assert one(db, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == 0
    attached = (
        "SELECT contype::text, count(*) FROM pg_constraint"
        " WHERE conrelid = 'partitions.songplays_2018_11'::regclass AND contype IN ('p', 'f') GROUP BY 1"
        " ORDER BY 1"
    )
    assert db.execute(attached).fetchall() == [("f", 4), ("p", 1)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        db.execute("UPDATE songplays SET user_id = 99")
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute("UPDATE songplays SET song_id = 'S'")


def test_safe_to_repeat_and_drop(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "song_data/a.json", song())
    etl.run(tmp_path, dsn=dsn)
    create_tables(dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 1
    create_tables(dsn, drop=True)
    assert one(db, "SELECT count(*) FROM songplays") == 0
    assert one(db, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('partitions', 'staging')") == 0
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1


def test_drop_waits_for_nobody_and_takes_only_its_own(dsn: str, db: Connection[Any]) -> None:
    with connect(dsn) as reader, reader.transaction():
        reader.execute("SELECT * FROM analytics.heard_songs")
        with brief_waits_for_locks(), pytest.raises(SparkifyError, match="Somebody is reading"):
            create_tables(dsn, drop=True)
    db.execute("CREATE TABLE analytics.mine (note text)")
    create_tables(dsn, drop=True)
    assert one(db, "SELECT count(*) FROM analytics.mine") == 0


def test_a_run_at_work_keeps_the_warehouse_from_being_dropped(dsn: str, db: Connection[Any]) -> None:
    with begin_run(dsn, db) as run_id:
        with pytest.raises(SparkifyError, match=f"Run {run_id} is at work"):
            create_tables(dsn, drop=True)
        assert one(db, "SELECT count(*) FROM etl.runs") == 1
        create_tables(dsn)
    create_tables(dsn, drop=True)  # a dead one does not
    assert one(db, "SELECT count(*) FROM etl.runs") == 0


def test_a_wait_for_a_lock_is_longer_than_deadlock_timeout(db: Connection[Any]) -> None:
    """PostgreSQL cancels an autovacuum for whoever has waited that long, and is still waiting."""
    more = "current_setting('lock_timeout')::interval - current_setting('deadlock_timeout')::interval"
    for deadlock in ("1s", "700ms", "3s"):
        with db.transaction(force_rollback=True):
            db.execute(SQL("SET LOCAL deadlock_timeout = {}").format(Literal(deadlock)))
            wait_briefly(db)
            assert one(db, f"SELECT {more} BETWEEN '1s' AND '2s'")
    with db.transaction(force_rollback=True):
        db.execute("SET LOCAL deadlock_timeout = '1min'")
        wait_briefly(db)
        assert one(db, "SHOW lock_timeout") == "5s"  # readers queue meanwhile
    assert one(db, "SHOW lock_timeout") == "0"


def test_the_database_is_created(server_dsn: str, tmp_path: Path) -> None:
    dsn = make_conninfo(server_dsn, dbname="sparkify test, new")
    write(tmp_path, "log_data/a.json", play())
    try:
        assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 1
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute('DROP DATABASE IF EXISTS "sparkify test, new" WITH (FORCE)')


def test_a_database_with_other_tables_of_these_names_is_left_alone(server_dsn: str, dsn: str) -> None:
    with connect(dsn) as connection:
        connection.execute("DROP SCHEMA staging, etl, analytics, partitions CASCADE; DROP TABLE songplays")
        with pytest.raises(UsageError, match="already has a table artists that sparkify did not make"):
            create_tables(dsn)
        with pytest.raises(UsageError):
            create_tables(dsn, drop=True)
        assert one(connection, "SELECT count(*) FROM users") == 0


@pytest.mark.parametrize("schema", ["etl", "staging", "partitions"])
def test_a_database_with_a_schema_of_others_is_left_alone(dsn: str, schema: str) -> None:
    with connect(dsn) as connection:
        create_tables(dsn, drop=True)
        connection.execute("DROP TABLE songplays, users, songs, artists, time CASCADE")
        connection.execute("DROP SCHEMA staging, etl, analytics, partitions CASCADE")
        connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.theirs AS SELECT 1 AS one")  # type: ignore[call-overload]
        with pytest.raises(UsageError, match=f"already has a schema {schema} that sparkify did not make"):
            create_tables(dsn)
        with pytest.raises(UsageError):
            create_tables(dsn, drop=True)
        assert one(connection, f"SELECT one FROM {schema}.theirs") == 1


def test_what_is_missing_is_made_again(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    db.execute("DROP INDEX analytics.heard_plays_song, analytics.heard_songs_track")
    db.execute("DROP VIEW analytics.plays_by_day")
    found, _ = examine(db, ["tables_there", "indexes_valid"])
    assert [finding.found for finding in found] == [1, 2]
    create_tables(dsn)
    found, _ = examine(db, ["tables_there", "indexes_valid"])
    assert [finding.found for finding in found] == [0, 0]
    assert one(db, "SELECT plays FROM analytics.plays_by_day") == 1


@pytest.mark.parametrize("gone", ["TABLE etl.runs", "FUNCTION etl.is_unfinished"])
def test_what_lacks_its_runs_can_be_dropped(dsn: str, db: Connection[Any], gone: str) -> None:
    db.execute(f"DROP {gone} CASCADE")
    create_tables(dsn, drop=True)
    assert one(db, "SELECT count(*) FROM etl.runs") == 0


def test_what_is_incomplete_can_be_dropped(dsn: str, db: Connection[Any]) -> None:
    db.execute("DROP VIEW analytics.plays_by_day")
    create_tables(dsn, drop=True)
    assert one(db, "SELECT count(*) FROM analytics.plays_by_day") == 0


def test_nobody_waits_behind_what_is_made_again(dsn: str, db: Connection[Any]) -> None:
    with db.transaction():
        db.execute("SELECT FROM analytics.plays_by_day")
        refused = pytest.raises(SparkifyError, match=r"Somebody is using the warehouse.*create-tables")
        with brief_waits_for_locks(), refused:
            create_tables(dsn)
    create_tables(dsn)


@pytest.mark.parametrize("drop", ["no", 1, None])
def test_drop_is_true_or_false(dsn: str, db: Connection[Any], drop: Any) -> None:
    create_tables(dsn)
    db.execute("INSERT INTO users (user_id, level) VALUES (1, 'free')")
    with pytest.raises(UsageError, match="drop must be True or False"):
        create_tables(dsn, drop=drop)
    assert one(db, "SELECT count(*) FROM users") == 1


def test_a_role_that_may_not(server_dsn: str, new_dsn: Callable[[], str]) -> None:
    dsn = new_dsn()
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE sparkify_nobody")
    try:
        role = make_conninfo(dsn, options="-c role=sparkify_nobody")
        with pytest.raises(
            SparkifyError, match=r"may not create or change .* permission denied for schema etl. .*--loader"
        ):
            create_tables(role)
        with connect(dsn) as connection:
            connection.execute("DROP SCHEMA staging, etl, analytics, partitions CASCADE")
            connection.execute("DROP TABLE songplays, time, songs, artists, users")
        with pytest.raises(SparkifyError, match=r"may not create or change .* grant CREATE"):
            create_tables(role)
        with pytest.raises(ConnectionFailed, match=r'may not create it.*CREATE DATABASE "not-there" '):
            create_tables(make_conninfo(role, dbname="not-there"))
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE sparkify_nobody"))


def test_which_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """--dsn, else SPARKIFY_DSN, else libpq's own."""
    monkeypatch.setenv("PGHOST", "libpq")
    assert resolve() == "dbname=sparkifydb"  # libpq itself adds PGHOST
    monkeypatch.setenv("SPARKIFY_DSN", "host=setting")
    assert resolve() == "host=setting dbname=sparkifydb"
    assert resolve("postgresql://option/named") == "dbname=named host=option"
    for name in LIBPQ_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert resolve("service=mine") == "service=mine"


def test_a_dsn_that_is_none_shows_no_password() -> None:
    for dsn in ("postgresql://me:secret@[", "postgresql://me:p@secret@host/db"):
        with pytest.raises(UsageError) as error:
            resolve(dsn)
        assert "secret" not in str(error.value)


def test_no_server() -> None:
    with pytest.raises(ConnectionFailed, match="Check --dsn") as error:
        create_tables("host=/nowhere password=secret")
    assert "secret" not in str(error.value)
