"""Objects of others that bear a name of the warehouse's are refused, and never changed or dropped."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.check import check
from sparkify.operations.retry import retry
from sparkify.operations.runs import release
from sparkify.schema.structure import names
from tests.support.data import play, song, write
from tests.support.warehouse import one

# Everything that anybody has created, with its owner and its comment.
THINGS = r"""
WITH schemas AS (SELECT * FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT array_agg(thing ORDER BY thing) FROM (
    SELECT concat_ws(' ', nspname, pg_get_userbyid(nspowner), obj_description(oid)) AS thing FROM schemas
    UNION ALL
    SELECT concat_ws(' ', relkind, nspname, relname, c.oid, pg_get_userbyid(relowner))
    FROM pg_class c JOIN schemas n ON n.oid = relnamespace
    UNION ALL
    SELECT concat_ws(' ', nspname, typname, t.oid) FROM pg_type t JOIN schemas n ON n.oid = typnamespace
    UNION ALL
    SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN schemas n ON n.oid = pronamespace
) things
"""


@pytest.fixture(scope="module")
def module_database(
    server_dsn: str, maintenance: Connection[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database without a warehouse, with a schema analytics that somebody uses."""
    name = "sparkify_test_names_taken"
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0")  # type: ignore[call-overload]
    dsn = psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
    with connect(dsn) as connection:
        connection.execute(
            "CREATE SCHEMA analytics AUTHORIZATION pg_database_owner; CREATE TABLE analytics.mine AS SELECT"
            " 1 AS x"
        )
        connection.execute("COMMENT ON SCHEMA analytics IS 'Of the analysts.'")
        connection.execute("CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    yield dsn
    maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "song_data/a.json", song())
    return tmp_path


# --- where there is no warehouse yet ------------------------------------------------------------------------

TAKEN: list[tuple[str, str, LiteralString]] = [
    ("table", "analytics.sessions", "CREATE TABLE analytics.sessions (x int)"),
    ("table", "analytics.user_days", "CREATE TABLE analytics.user_days (x int) PARTITION BY RANGE (x)"),
    ("table", "songs_artist_song_key", "CREATE TABLE songs_artist_song_key (x int)"),
    ("view", "analytics.plays_by_day", "CREATE VIEW analytics.plays_by_day AS SELECT 1 AS x"),
    ("view", "songplays", "CREATE VIEW songplays AS SELECT 1 AS x"),
    ("materialized view", "analytics.listeners", "CREATE MATERIALIZED VIEW analytics.listeners AS"
                                                 " SELECT 1 AS x"),
    ("materialized view", "time", "CREATE MATERIALIZED VIEW time AS SELECT 1 AS x"),
    (
        "foreign table",
        "analytics.heard_songs",
        "CREATE FOREIGN TABLE analytics.heard_songs (x text) SERVER files OPTIONS (filename '/dev/null')",
    ),
    ("foreign table", "users", "CREATE FOREIGN TABLE users (x text) SERVER files OPTIONS (filename"
                               " '/dev/null')"),
    ("sequence", "analytics.first_days", "CREATE SEQUENCE analytics.first_days"),
    ("sequence", "artists", "CREATE SEQUENCE artists"),
    ("index", "analytics.heard_songs_track", "CREATE INDEX heard_songs_track ON analytics.mine (x)"),
    ("index", "songplays_artist_song", "CREATE TABLE a (x int); CREATE INDEX songplays_artist_song ON a (x)"),
    ("type", "analytics.user_agents", "CREATE TYPE analytics.user_agents AS (x int)"),
    ("type", "analytics.user_levels", "CREATE TYPE analytics.user_levels AS ENUM ('free', 'paid')"),
    ("type", "songs", "CREATE DOMAIN songs AS text"),
    ("function", "analytics.text_id", "CREATE FUNCTION analytics.text_id(text) RETURNS int LANGUAGE sql"
                                      " RETURN 1"),
    ("function", "analytics.track_id", "CREATE FUNCTION analytics.track_id(int) RETURNS int LANGUAGE sql"
                                       " RETURN 1"),
    ("schema", "etl", "CREATE SCHEMA etl; CREATE TABLE etl.warehouse (x int)"),
    ("schema", "staging", "CREATE SCHEMA staging"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "made_by"), TAKEN, ids=lambda value: value.replace(" ", "-")[:30])
def test_a_name_that_is_taken_is_refused(
    module_database: str,
    root: Path,
    run_here: Callable[..., subprocess.CompletedProcess[str]],
    what: str,
    name: str,
    made_by: LiteralString,
) -> None:
    with connect(module_database) as connection:
        empty = one(connection, THINGS)
        connection.execute(made_by)
        there = one(connection, THINGS)
        for command in (["etl", root], ["create-tables", "--drop"]):
            done = run_here(*command, dsn=module_database)
            assert (done.returncode, done.stdout) == (2, "")
            (line,) = done.stderr.splitlines()
            assert f" {what} {name} that sparkify did not make. " in line
            assert f"or give that {what} another name." in line
        assert one(connection, THINGS) == there
        # Restore the database for the next case.
        if what == "schema":
            connection.execute(f"DROP SCHEMA {name} CASCADE")  # type: ignore[call-overload]
        elif what == "function":
            connection.execute(f"DROP FUNCTION {name}")  # type: ignore[call-overload]
        else:
            connection.execute(f"DROP {what} {name}")  # type: ignore[call-overload]
        connection.execute("DROP TABLE IF EXISTS a")
        assert one(connection, THINGS) == empty


def test_there_is_room_for_things_with_other_names(module_database: str, root: Path) -> None:
    """Once such objects have other names, loading and dropping a warehouse leaves them alone."""
    with connect(module_database) as connection:
        connection.execute(
            "CREATE TABLE analytics.sessions AS SELECT 7 AS x; CREATE VIEW users AS SELECT 8 AS x"
        )
        with pytest.raises(UsageError, match=r"sessions that sparkify .* The same is true of 1 more\."):
            etl.run(root, dsn=module_database)
        connection.execute(
            "ALTER TABLE analytics.sessions RENAME TO theirs; ALTER VIEW users RENAME TO theirs"
        )
        before = set(one(connection, THINGS))
        assert etl.run(root, dsn=module_database).matched == 1
        assert [finding.name for finding in check(module_database) if finding.found] == []
        create_tables(module_database, drop=True)
        assert before <= set(one(connection, THINGS))
        assert one(connection, "SELECT a.x, b.x FROM analytics.theirs a, theirs b") == (7, 8)
        assert etl.run(root, dsn=module_database).matched == 1


def test_every_name_is_known(db: Connection[Any]) -> None:
    """Except those that PostgreSQL gives to unnamed keys: if one is taken, it chooses another."""
    known = names()
    db.execute(queries("publish/listening")["index_heard_songs"])  # as the first load does
    there = db.execute(
        "SELECT concat(relnamespace::regnamespace, '.', relname) FROM pg_class WHERE"
        " relnamespace::regnamespace::text IN ('public', 'analytics')"
    )
    mine = {name for (name,) in there if not name.endswith("_pkey")} | {"public.songplays_pkey"}
    assert mine == {name for name in known["relations"] if not name.startswith("etl.")}
    functions = (
        "SELECT concat(pronamespace::regnamespace, '.', proname) FROM pg_proc"
        " WHERE pronamespace::regnamespace::text ~ '^(public|analytics|etl)$'"
    )
    assert {name for (name,) in db.execute(functions)} == set(known["functions"])


def test_without_a_schema_public(new_dsn: Callable[..., str]) -> None:
    dsn = new_dsn("template0")
    with connect(dsn) as connection:
        connection.execute("DROP SCHEMA public")
    with pytest.raises(UsageError, match=r"no schema public.*CREATE SCHEMA public"):
        create_tables(dsn)


# --- in a warehouse -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        (
            "DROP TABLE analytics.listeners CASCADE; CREATE TABLE analytics.listeners AS SELECT 1 AS x",
            "table analytics.listeners .* it lacks the column ",
        ),
        (
            "DROP TABLE analytics.listeners CASCADE; CREATE TYPE analytics.listeners AS ENUM ()",
            "type analytics.listeners .* it is of another kind",
        ),
        (
            "DROP VIEW analytics.plays_by_day; CREATE TABLE analytics.plays_by_day AS SELECT 1 AS x",
            "table analytics.plays_by_day .* it is of another kind",
        ),
        (
            "DROP VIEW analytics.plays_by_day; CREATE VIEW analytics.plays_by_day AS SELECT 1 AS x",
            "view analytics.plays_by_day .* it has a column x",
        ),
        (
            "CREATE TABLE analytics.mine (x int); DROP INDEX analytics.first_days_day;"
            "CREATE INDEX first_days_day ON analytics.mine (x)",
            r"an index analytics.first_days_day .* it is on analytics\.mine",
        ),
        (
            "DROP FUNCTION analytics.text_id; CREATE FUNCTION analytics.text_id(int) RETURNS int LANGUAGE sql"
            " RETURN 1",
            "function analytics.text_id .* it has other arguments",
        ),
        ("ALTER TABLE analytics.sessions OWNER TO pg_monitor", "it belongs to the role pg_monitor"),
    ],
)
def test_what_took_the_place_of_ours_is_refused(
    dsn: str, db: Connection[Any], instead: LiteralString, why: str
) -> None:
    db.execute(instead)
    there = one(db, THINGS)
    for drop in (False, True):
        with pytest.raises(UsageError, match=why):
            create_tables(dsn, drop=drop)
    assert one(db, THINGS) == there


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("ALTER TABLE users ADD COLUMN mine text", "users .*, not user_id, .*, level, mine: "),
        ("ALTER TABLE songplays ADD COLUMN mine text DEFAULT ''", "songplays .*, user_agent, mine: "),
        (
            "ALTER TABLE users DROP COLUMN gender; ALTER TABLE users ADD COLUMN gender text",
            "users must have the columns user_id, .*, gender, level, not user_id, .*, level, gender: ",
        ),
    ],
)
def test_a_load_refuses_other_columns_and_blames_no_file(
    dsn: str, db: Connection[Any], root: Path, change: LiteralString, why: str
) -> None:
    """COPY sends the columns in our order, without their names."""
    db.execute(change)
    with pytest.raises(UsageError, match=why):
        etl.run(root, dsn=dsn)
    assert one(db, "SELECT count(*) FROM etl.known_files") == 0


def test_other_columns_are_refused_whoever_loads(dsn: str, db: Connection[Any], root: Path) -> None:
    """A retry and a release copy rows, too."""
    write(root, "log_data/old.json", play(ts=883612800000))
    assert etl.run(root, dsn=dsn, max_rejects=0).status == "held"
    db.execute("ALTER TABLE users DROP COLUMN gender; ALTER TABLE users ADD COLUMN gender text")
    db.execute("UPDATE etl.warehouse SET earliest = '1990-01-01 00:00+00'")
    for load in (retry, partial(release, 1)):
        with pytest.raises(UsageError, match="The table users must have the columns"):
            load(dsn=dsn)


def test_an_older_view_of_ours_is_replaced(dsn: str, db: Connection[Any]) -> None:
    """An older version of a view has fewer columns."""
    db.execute(
        "DROP VIEW analytics.plays_by_day; CREATE VIEW analytics.plays_by_day AS SELECT current_date AS day"
    )
    create_tables(dsn)
    assert db.execute("SELECT day, level, plays, seconds FROM analytics.plays_by_day").fetchall() == []


@pytest.fixture(scope="module")
def loaded(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse with one play, which no test changes for good."""
    root = tmp_path_factory.mktemp("loaded")
    write(root, "log_data/a.json", play())
    etl.run(root, dsn=module_dsn)
    return module_dsn


@pytest.mark.parametrize(
    "built",
    [
        "CREATE VIEW mine AS SELECT path FROM etl.files",
        "CREATE VIEW mine AS SELECT song_id FROM partitions.songplays_2018_11",
        "CREATE VIEW analytics.mine AS SELECT plays FROM analytics.plays_by_day",
        "CREATE TABLE mine (run_id bigint REFERENCES etl.runs)",
        "CREATE TABLE etl.mine (x int)",
        "CREATE TABLE partitions.mine_2018_11 (x int)",
    ],
)
def test_what_others_have_built_on_it_is_not_dropped_with_it(loaded: str, built: LiteralString) -> None:
    with connect(loaded) as db:
        db.execute(built)
        there = one(db, THINGS)
        with pytest.raises(SparkifyError, match=r"did not make depends on the warehouse: .*mine"):
            create_tables(loaded, drop=True)
        assert one(db, THINGS) == there
        assert one(db, "SELECT count(*) FROM songplays") == 1
        what, name = built.split()[1:3]
        db.execute(f"DROP {what} {name}")  # type: ignore[call-overload]


def test_partitions_that_were_detached_go_too(dsn: str, db: Connection[Any], root: Path) -> None:
    etl.run(root, dsn=dsn)
    db.execute("ALTER TABLE songplays DETACH PARTITION partitions.songplays_2018_11")
    create_tables(dsn, drop=True)
    assert one(db, "SELECT count(*) FROM pg_class WHERE relnamespace = 'partitions'::regnamespace") == 0


def test_an_index_of_others_with_the_name_of_an_outdated_one_stays(dsn: str, db: Connection[Any]) -> None:
    db.execute("CREATE TABLE analytics.mine (x int); CREATE INDEX sessions_started_at ON analytics.mine (x)")
    create_tables(dsn)
    assert one(db, "SELECT to_regclass('analytics.sessions_started_at') IS NOT NULL")
