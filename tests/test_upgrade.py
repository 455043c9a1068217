"""A warehouse that an older program made is brought up to date in place, and is then the same as a fresh one."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

from data import NOVEMBER, play, song, write
from sparkify import analytics, answers, etl, upgrade
from sparkify.check import examine
from sparkify.connection import connect
from sparkify.create_tables import create_tables
from sparkify.errors import SparkifyError, UsageError
from sparkify.load.runs import begin_run
from sparkify.sql import load
from sparkify.upgrade import SCHEMA_VERSION
from warehouse import checksums, one, totals

VERSIONS = Path(__file__).with_name("versions")
DAY = 24 * 3600 * 1000

# Everything that a role, a tool or the loader can see of the schema. Months and staged tables come and go.
CATALOGS = {
    "schemas": "SELECT nspname, nspacl::text, obj_description(oid) FROM pg_namespace WHERE nspname !~ '^pg_'",
    "relations": "SELECT relkind, relacl::text, reloptions::text, relpersistence, obj_description(c.oid, 'pg_class') FROM {relations}",
    "columns": "SELECT attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attacl::text,"
    " pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)"
    " FROM {relations} JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)",
    "constraints": "SELECT conname, contype, convalidated, condeferrable, pg_get_constraintdef(k.oid)"
    " FROM {relations} JOIN pg_constraint k ON conrelid = c.oid AND conparentid = 0",
    "indexes": "SELECT pg_get_indexdef(indexrelid), indisvalid FROM {relations} JOIN pg_index ON indrelid = c.oid",
    "views": "SELECT pg_get_viewdef(c.oid) FROM {relations} WHERE relkind = 'v'",
    "functions": "SELECT pg_get_functiondef(p.oid), proacl::text, obj_description(p.oid) FROM pg_proc p"
    " WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')",
    "default privileges": "SELECT defaclobjtype, defaclacl::text FROM pg_default_acl",
}
RELATIONS = (
    "(SELECT c.*, nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE nspname IN ('public', 'analytics', 'etl')) c"
)


def schema(connection: Connection[Any]) -> dict[str, list[Any]]:
    """What the catalogs say of the warehouse, in an order of its own."""
    found = {}
    for name, query in CATALOGS.items():
        named = (
            query.replace("SELECT ", "SELECT c.nspname, c.relname, ", 1) if "{relations}" in query else query
        )
        found[name] = sorted(map(str, connection.execute(named.format(relations=RELATIONS)).fetchall()))
    return found


def write_files(root: Path, *, held: bool = True) -> None:
    """What the old warehouse has loaded, and what it holds."""
    write(
        root, "song_data/a.json",
        song(), song("S2", title="Blue", artist_id="A2", artist_name="Second", year=1999),
    )  # fmt: skip
    write(
        root, "log_data/2018-11.json",
        *(play(NOVEMBER + at, itemInSession=at, level="free" if at % 3 else "paid") for at in range(6)),
        *(play(NOVEMBER + DAY + at, itemInSession=at, userId="16", sessionId=900, firstName="Ana", song="Blue")
          for at in range(4)),
        play(NOVEMBER, level="zzz", song="Other"),
        {"page": "Home"}, "", '{"torn": "Lily', play(userId=""),
    )  # fmt: skip
    write(
        root, "log_data/2018-12.json", *(play(NOVEMBER + 31 * DAY + at, itemInSession=at) for at in range(3))
    )
    if held:
        write(
            root, "log_data/2019-01.json",
            *(play(NOVEMBER + 62 * DAY + at, itemInSession=at, userId=str(16 + at % 2), sessionId=901) for at in range(4)),
            play(NOVEMBER + 62 * DAY, itemInSession=0, userId="16", sessionId=901, song="Lost"),
            play(length=-1),
        )  # fmt: skip
    for path in root.rglob("*.json"):
        os.utime(path, (1546214400, 1546214400))


@pytest.fixture(scope="module", params=[1, 2])
def version(request: pytest.FixtureRequest) -> int:
    """That of the old warehouse."""
    return int(request.param)


@pytest.fixture(scope="module")
def old_template(server_dsn: str, version: int) -> Iterator[str]:
    """A database with a warehouse of an old version."""
    name = f"sparkify_test_version_{version}_{os.getpid()}"
    dump = (VERSIONS / str(version) / "warehouse.sql").read_text()
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
        with psycopg.connect(server_dsn, dbname=name) as connection:
            connection.execute(dump)  # type: ignore[call-overload]
        yield name
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def old_dsn(new_dsn: Callable[..., str], old_template: str, tmp_path: Path) -> str:
    """A clone of it that has loaded `tmp_path`, which holds the files."""
    dsn = new_dsn(old_template)
    write_files(tmp_path)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE etl.known_files SET path = replace(path, '/root-of-the-data', %s)", [str(tmp_path)]
        )
    return dsn


def test_an_upgraded_warehouse_has_the_schema_of_a_fresh_one(old_dsn: str, db: Connection[Any]) -> None:
    create_tables(old_dsn)
    with db.transaction():
        db.execute(load("rollups")["index_heard_songs"])  # as the first load does
    with connect(old_dsn) as upgraded:
        assert one(upgraded, "SELECT schema_version FROM etl.warehouse") == SCHEMA_VERSION
        assert schema(upgraded) == schema(db)


def test_loading_goes_on(old_dsn: str, dsn: str, tmp_path: Path) -> None:
    """What was loaded stays, what was held is published when that is allowed, and new files are added."""
    with psycopg.connect(old_dsn) as connection:
        before = connection.execute("SELECT * FROM songplays ORDER BY start_time").fetchall()
    again = etl.run(tmp_path, dsn=old_dsn, max_rejects=0)
    assert (again.files_new, again.held_runs) == (0, [2])
    with connect(old_dsn) as connection:
        assert connection.execute("SELECT * FROM songplays ORDER BY start_time").fetchall() == before
    write(
        tmp_path,
        "log_data/2019-02.json",
        play(NOVEMBER + 93 * DAY, song="Blue"),
        play(NOVEMBER + 1, song="A"),
    )
    report = etl.run(tmp_path, dsn=old_dsn, max_rejects=10)
    assert (report.files_new, report.files_loaded, report.held_runs) == (1, 1, [])
    etl.run(tmp_path, dsn=dsn)
    with connect(old_dsn) as upgraded, connect(dsn) as fresh:
        assert checksums(upgraded) == checksums(fresh)
        assert totals(upgraded) == totals(fresh)


def test_what_was_held_can_be_dropped(old_dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/2019-01.json", play(NOVEMBER + 62 * DAY))
    report = etl.run(tmp_path, dsn=old_dsn)
    assert (report.files_new, report.books.loaded, report.rows["songplays"]) == (1, 1, 14)


def test_several_programs_upgrade_at_once_and_it_happens_once(old_dsn: str, tmp_path: Path) -> None:
    failures: list[Exception] = []

    def load() -> None:
        try:
            etl.run(tmp_path, dsn=old_dsn)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_nothing_is_changed_when_the_upgrade_fails(old_dsn: str, version: int) -> None:
    table = {1: "etl.forgotten", 2: "partitions.track_months_2018_11"}[version]
    with connect(old_dsn) as connection:
        before = schema(connection)
        connection.execute(f"CREATE TABLE {table} (in_the_way text)")
        with pytest.raises(SparkifyError, match="PostgreSQL: "):
            create_tables(old_dsn)
        connection.execute(f"DROP TABLE {table}")
        assert schema(connection) == before
        assert one(connection, "SELECT schema_version FROM etl.warehouse") == version


@pytest.mark.parametrize(
    "table", ["etl.files", "analytics.user_days", "analytics.track_months", "analytics.plays_by_song"]
)
def test_readers_are_not_made_to_wait_for_an_upgrade(old_dsn: str, version: int, table: str) -> None:
    if version == 1 and table != "etl.files":
        return  # it has no other
    with connect(old_dsn) as reader, reader.transaction():
        reader.execute(f"SELECT * FROM {table}")
        with pytest.raises(
            SparkifyError, match=rf"of version {version}, and somebody is using it.*create-tables"
        ):
            create_tables(old_dsn)
    create_tables(old_dsn)


@pytest.mark.parametrize(
    "table", ["songplays", "analytics.sessions", "analytics.user_months", "analytics.listeners"]
)
def test_readers_of_what_stays_are_in_nobodys_way(old_dsn: str, version: int, table: str) -> None:
    if version == 1:
        return  # it has none of them but the star, where an upgrade adds columns
    with connect(old_dsn) as reader, reader.transaction():
        reader.execute(f"SELECT * FROM {table}")
        create_tables(old_dsn)


def test_the_star_is_read_while_it_is_upgraded(
    old_dsn: str, version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = ["songplays", "users"] + ["analytics.sessions", "analytics.user_months"] * (version == 2)
    waits = ["analytics.heard_songs"] + ["analytics.user_days", "analytics.plays_by_day"] * (version == 2)
    read: list[str] = []
    original = upgrade.fill

    def fill(connection: Connection[Any], since: int) -> None:
        original(connection, since)
        with connect(old_dsn) as reader:
            reader.execute("SET lock_timeout = '200ms'")
            for table in stays + waits:
                with suppress(errors.LockNotAvailable):
                    reader.execute(f"SELECT count(*) FROM {table}")
                    read.append(table)

    monkeypatch.setattr("sparkify.create_tables.fill", fill)
    create_tables(old_dsn)
    assert read == stays
    with connect(old_dsn) as connection:
        write(tmp_path, "log_data/2019-02.json", play(NOVEMBER + 93 * DAY))
        etl.run(tmp_path, dsn=old_dsn)
        analyzed = "SELECT count(*) FROM pg_stats WHERE schemaname = 'analytics' AND tablename = 'track_months' AND inherited"
        assert one(connection, analyzed) > 0


def test_views_of_others_are_not_dropped_behind_their_back(
    old_dsn: str, version: int, tmp_path: Path
) -> None:
    with connect(old_dsn) as connection:
        connection.execute("CREATE SCHEMA bi; CREATE VIEW bi.mine AS SELECT start_time FROM songplays")
        if version == 2:
            connection.execute("CREATE VIEW bi.days AS SELECT day FROM analytics.user_days")
            with pytest.raises(SparkifyError, match=r"Something that sparkify did not make .*bi\.days"):
                create_tables(old_dsn)
            connection.execute("DROP VIEW bi.days")
        create_tables(old_dsn)
        assert one(connection, "SELECT to_regclass('bi.mine')") == "bi.mine"


def test_an_upgrade_waits_for_no_run_of_an_older_program(old_dsn: str) -> None:
    with connect(old_dsn) as connection, psycopg.connect(old_dsn) as lease:
        connection.execute("INSERT INTO etl.runs DEFAULT VALUES")
        lease.execute("SELECT pg_advisory_xact_lock(hashtext('sparkify run'), 3)")
        with pytest.raises(SparkifyError, match=r"older program is loading .*\(run 3\)"):
            create_tables(old_dsn)


def test_an_older_warehouse_is_not_read_but_the_way_is_told(old_dsn: str, version: int) -> None:
    with pytest.raises(
        UsageError, match=rf"of version {version}, older than this program.*sparkify create-tables"
    ):
        answers.top("songs", dsn=old_dsn)
    create_tables(old_dsn)
    assert answers.top("songs", dsn=old_dsn)


def test_a_newer_warehouse_is_left_alone(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    write_files(tmp_path)
    db.execute("UPDATE etl.warehouse SET schema_version = 1000")
    for use in (
        lambda: create_tables(dsn),
        lambda: create_tables(dsn, drop=True),
        lambda: etl.run(tmp_path, dsn=dsn),
        lambda: answers.status(dsn=dsn),
    ):
        with pytest.raises(UsageError, match=r"of version 1000, newer than this program\. Update sparkify\."):
            use()
    with pytest.raises(SparkifyError, match="has just upgraded the warehouse"), begin_run(dsn, db):
        pass


def test_an_old_warehouse_can_be_dropped(old_dsn: str, db: Connection[Any]) -> None:
    create_tables(old_dsn, drop=True)
    with connect(old_dsn) as connection:
        assert schema(connection) == schema(db)
        assert one(connection, "SELECT count(*) FROM songplays") == 0


def test_a_warehouse_without_newer_indexes_takes_loads_and_is_completed(
    dsn: str, db: Connection[Any], tmp_path: Path
) -> None:
    """Of the same version, but made before places and sessions were found as they are now."""
    write_files(tmp_path)
    etl.run(tmp_path, dsn=dsn)
    whole = schema(db)
    db.execute("DROP INDEX analytics.user_days_location, analytics.user_months_location")
    db.execute("DROP INDEX analytics.sessions_started")
    db.execute("CREATE INDEX sessions_started_at ON analytics.sessions (started_at)")
    write(tmp_path, "log_data/2019-02.json", play(NOVEMBER + 93 * DAY))
    etl.run(tmp_path, dsn=dsn)
    there = analytics.Selection(location="Chicago, IL")
    before = [analytics.top(what, there, dsn=dsn) for what in ("songs", "users")]
    assert all(before)
    (finding,), _ = examine(db, ["indexes_valid"])
    assert finding.found == 3
    with connect(dsn) as reader, reader.transaction():
        reader.execute("SELECT FROM analytics.sessions")
        create_tables(dsn)  # does not wait for who reads: what has been replaced stays
    assert one(db, "SELECT to_regclass('analytics.sessions_started_at') IS NOT NULL")
    for _ in range(2):
        create_tables(dsn)
        assert schema(db) == whole
    assert [analytics.top(what, there, dsn=dsn) for what in ("songs", "users")] == before
