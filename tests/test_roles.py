"""Roles and their rights: a login that loads and a login that reads, with real passwords."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from select import select
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from sparkify import analytics, etl
from sparkify.analytics.export import export_rejects
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.check import check
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.operations.roles import create_roles
from sparkify.schema.structure import SCHEMAS
from sparkify.server.names import LOADER, READER
from sparkify.stage.runs import begin_run
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import checksums, one, wait_until

DAY = 24 * 3600 * 1000
CANARY = "cannot-be-seen-0815"
LOGINS = {"sparkify_test_etl": LOADER, "sparkify_test_bi": READER}
OWNERS = """
SELECT DISTINCT pg_get_userbyid(owner) FROM (
    SELECT relowner AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname IN ('public', 'analytics', 'etl', 'staging', 'partitions') AND relkind IN ('r', 'p', 'v')
    UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname IN ('analytics', 'etl', 'staging', 'partitions')
    UNION ALL SELECT proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
      WHERE nspname IN ('analytics', 'etl')
) owners
"""


@pytest.fixture(scope="module")
def server(server_dsn: str) -> Iterator[Connection[Any]]:
    """Yield a connection to a server that asks these logins for passwords; drop them afterwards."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        rules = Path(one(connection, "SHOW hba_file"))
        before = rules.read_bytes()
        # Add a rule that our logins need a password. The file is rewritten in place, because it belongs to
        # the server's user.
        rules.write_bytes(f"local all {','.join(LOGINS)} scram-sha-256\n".encode() + before)
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SELECT pg_sleep(0.1)")
        yield connection
        rules.write_bytes(before)
        connection.execute("SELECT pg_reload_conf()")
        for role in (*LOGINS, LOADER, READER):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture(scope="module")
def prepared(
    server: Connection[Any], module_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A warehouse that a superuser has made and loaded, and then opened to the roles."""
    root = tmp_path_factory.mktemp("before")
    write(root, "song_data/a.json", song())
    write(
        root,
        "log_data/2018-11.json",
        play(),
        play(length=0),
        play(NOVEMBER + 1, userId="99", firstName="Gone"),
    )
    etl.run(root, dsn=module_dsn)
    for name, group in LOGINS.items():
        create_roles(module_dsn, login=(name, group, CANARY))
    yield module_dsn
    server.execute(
        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(
            sql.Identifier(psycopg.conninfo.conninfo_to_dict(module_dsn)["dbname"])
        )
    )


def as_login(dsn: str, name: str, password: str = CANARY) -> str:
    return make_conninfo(dsn, user=name, password=password)


@pytest.fixture
def loader(prepared: str) -> str:
    return as_login(prepared, "sparkify_test_etl")


@pytest.fixture
def reader(prepared: str) -> str:
    return as_login(prepared, "sparkify_test_bi")


def give_back(connection: Connection[Any]) -> None:
    """Let the roles own nothing of a database, so that they can be dropped."""
    connection.execute("RESET ROLE")
    # One after the other: in one transaction, PostgreSQL looks for default privileges that are gone.
    for owned in ("REASSIGN OWNED BY {} TO CURRENT_USER", "DROP OWNED BY {}"):
        for role in (LOADER, READER):
            connection.execute(sql.SQL(owned).format(sql.Identifier(role)))  # type: ignore[arg-type]


def test_the_roles_are_small(prepared: str, server: Connection[Any]) -> None:
    mighty = (
        "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR"
        " rolbypassrls"
        " OR (rolcanlogin AND rolname = ANY(%s))) AND rolname LIKE 'sparkify\\_%%' AND rolname = ANY(%s)"
    )
    assert server.execute(mighty, [[LOADER, READER], [LOADER, READER, *LOGINS]]).fetchall() == []
    secrets = "SELECT rolpassword FROM pg_authid WHERE rolname = ANY(%s)"
    for (secret,) in server.execute(secrets, [list(LOGINS)]):
        assert secret.startswith("SCRAM-SHA-256$")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(as_login(prepared, "sparkify_test_etl", "wrong"))


def test_everything_belongs_to_the_role_that_loads(prepared: str, loader: str, tmp_path: Path) -> None:
    """That includes tables that a superuser loads later."""
    write(tmp_path, "log_data/2018-12.json", play(NOVEMBER + 31 * DAY))
    assert etl.run(tmp_path, dsn=loader).files_loaded == 1
    write(tmp_path, "log_data/2019-01.json", play(NOVEMBER + 62 * DAY))
    assert etl.run(tmp_path, dsn=prepared).files_loaded == 1
    write(tmp_path, "log_data/2018-11.json", play(NOVEMBER + DAY), play(NOVEMBER + 62 * DAY + 1))
    assert etl.run(tmp_path, dsn=loader).books.loaded == 2
    with connect(prepared) as connection:
        assert connection.execute(OWNERS).fetchall() == [(LOADER,)]


def test_loading_with_just_this_role(
    prepared: str, loader: str, new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    """The loader can do everything to a warehouse, from creating to dropping, with the same result as a
    superuser."""
    write(tmp_path, "song_data/a.json", song())
    write(
        tmp_path,
        "log_data/a.json",
        play(),
        play(NOVEMBER + 31 * DAY, song="B"),
        play(NOVEMBER + 2, userId="99"),
        play(length=0),
    )
    everything = new_dsn()
    for dsn in (everything, loader):
        create_tables(dsn, drop=True)
        etl.run(tmp_path, dsn=dsn)
        create_tables(dsn)
        forget([99], dsn=dsn)
    write(tmp_path, "song_data/b.json", song("S2", title="B"))
    write(
        tmp_path,
        "log_data/b.json",
        play(NOVEMBER + DAY),
        play(level="a"),
        play(NOVEMBER + 3, userId="99"),
        play(length=0),
    )
    for dsn in (everything, loader):
        assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
        assert etl.run(tmp_path, dsn=dsn, max_rejects=9).held_runs == []
        retry(dsn=dsn)
        assert export_rejects(str(tmp_path / "rejects.ndjson"), dsn=dsn) == 2
        assert [finding for finding in check(dsn) if finding.found] == []
    with connect(everything) as one_way, connect(loader) as other_way:
        assert checksums(one_way) == checksums(other_way)


def test_reading_with_just_this_role(prepared: str, loader: str, reader: str, tmp_path: Path) -> None:
    """That includes a later month, and tables that were dropped and created again."""
    create_tables(loader, drop=True)
    write(tmp_path, "log_data/2019-05.json", play(NOVEMBER + 190 * DAY), play(length=0))
    etl.run(tmp_path, dsn=loader)
    assert analytics.top("songs", dsn=reader)[0]["plays"] == 1
    assert analytics.status(dsn=reader)["rows"]["songplays"] == 1
    with connect(loader) as connection:
        connection.execute("CREATE TABLE analytics.made_later AS SELECT 1 AS one")
    with psycopg.connect(reader, autocommit=True) as connection:
        for table in ("songplays", "users", "songs", "artists", "time", "analytics.heard_songs",
        "analytics.heard_plays",
                      "analytics.user_level_days", "analytics.user_levels", "analytics.made_later",
                      "etl.files", "etl.runs",
                      "etl.row_counts", "etl.manifest", "etl.catalogue_records", "etl.warehouse",
                      "etl.winning_songs", "etl.winning_artists"):  # fmt: skip
            connection.execute(f"SELECT * FROM {table}")
        assert one(connection, "SELECT reason, count(*) FROM etl.rejected_records GROUP BY reason") == (
            "out_of_range",
            1,
        )
        assert one(connection, "SHOW default_transaction_read_only") == "on"
        assert one(connection, "SHOW statement_timeout") == "5min"
        assert one(connection, "SHOW jit") == "off"
    with connect(loader) as connection:
        connection.execute("DROP TABLE analytics.made_later")


SETTINGS = "SELECT name, current_setting(name) FROM pg_settings WHERE source LIKE '%user'"
READ_SETTINGS = {
    "default_transaction_read_only": "on", "statement_timeout": "5min", "jit": "off",
    "idle_in_transaction_session_timeout": "10min",
}  # fmt: skip


def test_a_login_has_the_settings_of_its_role(
    prepared: str, reader: str, loader: str, server_dsn: str
) -> None:
    """They hold in this database alone, and change with the role."""

    def settings(dsn: str) -> dict[str, str]:
        with psycopg.connect(dsn) as connection:
            return dict(connection.execute(SETTINGS).fetchall())

    assert settings(reader) == READ_SETTINGS
    assert (settings(as_login(server_dsn, "sparkify_test_bi")), settings(loader)) == ({}, {})
    try:
        create_roles(prepared, login=("sparkify_test_bi", LOADER, CANARY))
        assert settings(reader) == {}
    finally:
        create_roles(prepared, login=("sparkify_test_bi", READER, CANARY))
    assert settings(reader) == READ_SETTINGS


RIGHTS = """
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%(schemas)s)
), relations AS (
    SELECT c.oid, nspname || '.' || relname AS name, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END AS kind
    FROM pg_class c JOIN ours ON ours.oid = relnamespace WHERE relkind NOT IN ('i', 'I', 'c')
)
SELECT privilege_type, datname FROM pg_database d, aclexplode(acldefault('d', 10))
WHERE datname = current_database() AND has_database_privilege(%(login)s, d.oid, privilege_type)
UNION SELECT privilege_type, nspname FROM ours, aclexplode(acldefault('n', 10))
WHERE has_schema_privilege(%(login)s, oid, privilege_type)
UNION SELECT privilege_type, name FROM relations, aclexplode(acldefault(kind::"char", 10))
WHERE CASE kind WHEN 'r' THEN has_table_privilege(%(login)s, oid, privilege_type)
                ELSE has_sequence_privilege(%(login)s, oid, privilege_type) END
UNION SELECT privilege_type, name || '.' || attname
FROM relations JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped AND kind = 'r',
     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) privilege_type
WHERE has_column_privilege(%(login)s, oid, attname, privilege_type)
UNION SELECT 'EXECUTE', nspname || '.' || proname FROM pg_proc p JOIN ours ON ours.oid = pronamespace
WHERE has_function_privilege(%(login)s, p.oid, 'EXECUTE')
"""
READ = {
    "public.songplays", "public.users", "public.songs", "public.artists", "public.time",
    "etl.catalogue_records", "etl.files", "etl.known_files", "etl.manifest", "etl.row_counts", "etl.runs",
    "etl.warehouse", "etl.winning_artists", "etl.winning_songs",
}  # fmt: skip
"""What a reader may read outside `analytics`, besides these columns of rejected lines."""
COLUMNS_READ = {
    f"etl.rejected_records.{column}"
    for column in ("manifest_id", "run_id", "file_id", "line", "reason", "record_bytes")
}


def test_who_may_do_what(prepared: str, new_dsn: Callable[[], str], tmp_path: Path) -> None:
    """All rights to all schemas, tables, columns, sequences and functions, with those that come later.

    What PostgreSQL lets everybody do is taken away first.
    """
    dsn = new_dsn()
    loader = as_login(dsn, "sparkify_test_etl")
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    create_roles(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection, contextlib.ExitStack() as end:
        end.callback(give_back, connection)
        write(tmp_path, "log_data/b.json", play(NOVEMBER + 31 * DAY), "{")
        assert etl.run(tmp_path, dsn=loader, max_rejects=0).status == "held"
        with connect(loader) as their:
            for schema in SCHEMAS:
                their.execute(f"CREATE TABLE {schema}.added (a integer)")
        database, owner = connection.info.dbname, connection.info.user
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        connection.execute(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
            "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA analytics, etl FROM PUBLIC"
        )
        everything, by_loader, by_reader = (
            set(connection.execute(RIGHTS, {"login": login, "schemas": list(SCHEMAS)}).fetchall())
            for login in (owner, *LOGINS)
        )
        definers = "SELECT count(*) FROM pg_proc WHERE prosecdef AND proowner = 'sparkify_loader'::regrole"
        with_owners_rights = one(connection, definers)
        assert analytics.totals(dsn=as_login(dsn, "sparkify_test_bi"))["plays"] == 1
    expected = {("CONNECT", database), ("TEMPORARY", database)}
    expected |= {("USAGE", schema) for schema in ("public", "analytics", "etl")}
    for right, name in everything:
        table = ".".join(name.split(".")[:2])
        is_read = table.startswith("analytics.") or table in READ or name in COLUMNS_READ
        if right == "EXECUTE" or (right == "SELECT" and is_read):
            expected.add((right, name))
    assert by_loader == everything
    assert by_reader == expected
    assert with_owners_rights == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users VALUES (1, 'a', 'b', 'c', 'free')",
        "UPDATE songplays SET level = 'paid'",
        "DELETE FROM analytics.heard_plays",
        "TRUNCATE time",
        "CREATE TABLE public.mine (a int)",
        "CREATE TABLE analytics.mine (a int)",
        "CREATE SCHEMA mine",
        "DROP TABLE songplays",
        "ALTER TABLE users ADD COLUMN mine text",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT * FROM staging.run1_catalogue",
        "SELECT record FROM etl.rejected_records",
        "SELECT detail FROM etl.rejected_records",
        "SELECT * FROM etl.forgotten",
        "SELECT * FROM etl.forgotten_key",
        "SELECT * FROM etl.forgotten_sessions",
        "SELECT * FROM etl.latest_plays",
        "UPDATE etl.warehouse SET schema_version = 1",
        "SELECT * FROM etl.warehouse FOR UPDATE",
        "SET ROLE sparkify_loader",
        "GRANT sparkify_loader TO sparkify_test_bi",
        "COPY users TO PROGRAM 'cat'",
        "COPY users TO '/tmp/users'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER SYSTEM SET fsync = off",
        "CREATE ROLE mine",
    ],
)
def test_the_reader_may_nothing_else(reader: str, loader: str, statement: str) -> None:
    with connect(loader) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS staging.run1_catalogue (a int)")
    with psycopg.connect(reader, autocommit=True) as connection:
        # The setting only guards against mistakes; the privileges keep the reader from writing.
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY users FROM PROGRAM 'true'",
        "COPY users TO PROGRAM 'cat'",
        "COPY users TO '/tmp/users'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET fsync = off",
        "CREATE ROLE mine",
        "ALTER ROLE sparkify_loader SUPERUSER",
        "CREATE DATABASE mine",
        "CREATE EXTENSION file_fdw",
        "SET session_preload_libraries = 'x'",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_terminate_backend(1), pg_reload_conf()",
        "DROP SCHEMA public",
        "SET ROLE pg_read_all_data",
    ],
)
def test_the_loader_may_nothing_of_a_superuser(loader: str, statement: str) -> None:
    with connect(loader) as connection:
        assert one(connection, "SELECT current_user") == LOADER
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFile)):
            connection.execute(statement)  # type: ignore[call-overload]


def test_who_may_not_is_told_in_a_line(prepared: str, reader: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play(NOVEMBER + 5))
    with pytest.raises(SparkifyError, match=r"permission denied|read-only transaction"):
        etl.run(tmp_path, dsn=reader)
    with pytest.raises(SparkifyError, match=r"permission denied.*Use a role that may"):
        analytics.rejects(dsn=reader, evidence=True)
    with pytest.raises(SparkifyError, match="creating roles takes a superuser"):
        create_roles(as_login(prepared, "sparkify_test_etl"), login=("sparkify_test_more", READER, "x"))


def test_row_level_security_is_said_instead_of_answering_nothing(
    prepared: str, loader: str, reader: str
) -> None:
    with psycopg.connect(prepared, autocommit=True) as connection:
        # Not a table that only views read: they read it with their owner's rights.
        connection.execute("ALTER TABLE analytics.track_months ENABLE ROW LEVEL SECURITY")
        try:
            with pytest.raises(
                SparkifyError, match=r"track_months.*Row level security would hide rows.*DISABLE"
            ):
                analytics.top("songs", dsn=reader)
            assert [finding.name for finding in check(loader) if finding.found] == ["rows_visible"]
            with pytest.raises(
                SparkifyError, match=r"ALTER TABLE analytics.track_months DISABLE ROW LEVEL SEC"
            ):
                create_roles(prepared)
        finally:
            connection.execute("ALTER TABLE analytics.track_months DISABLE ROW LEVEL SECURITY")
    create_roles(prepared)


SHADOWS = {
    "format(text, name)": "text",
    "format(text, text)": "text",
    "concat(text, name)": "text",
    "set_config(text, name, boolean)": "text",
    "ours(text, name, text)": "text",
    "quote_ident(name)": "text",
    "same(oid, regclass)": "boolean",
    "same(oid, integer)": "boolean",
}
"""Functions that are better matches for calls of ours than PostgreSQL's own, or serve an aggregate or an
operator that is."""


def test_a_loader_does_not_become_a_superuser(prepared: str, loader: str, server: Connection[Any]) -> None:
    """Who loads may make functions and operators in public. None runs while a superuser makes roles."""
    with psycopg.connect(loader, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(LOADER)))
        for shadow, result in SHADOWS.items():
            connection.execute(
                f"""CREATE FUNCTION public.{shadow} RETURNS {result} LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM pg_catalog.set_config('role', 'none', false);
                    ALTER ROLE sparkify_test_etl SUPERUSER;
                    RETURN NULL;
                EXCEPTION WHEN insufficient_privilege THEN RETURN NULL;
                END $$"""  # type: ignore[arg-type]
            )
        sums = "SFUNC = public.ours, STYPE = text, INITCOND = ''"
        connection.execute(f"CREATE AGGREGATE public.string_agg(name, text) ({sums})")
        for other in ("regclass", "integer"):
            sides = f"FUNCTION = public.same, LEFTARG = oid, RIGHTARG = {other}"
            connection.execute(f"CREATE OPERATOR public.= ({sides})")  # type: ignore[arg-type]
    try:
        create_roles(prepared, login=("sparkify_test_bi", READER, CANARY))
        assert not one(server, "SELECT rolsuper FROM pg_roles WHERE rolname = 'sparkify_test_etl'")
    finally:
        server.execute("ALTER ROLE sparkify_test_etl NOSUPERUSER")
        with psycopg.connect(prepared, autocommit=True) as connection:
            connection.execute("SET search_path = ''")
            connection.execute("DROP AGGREGATE public.string_agg(name, text)")
            connection.execute("DROP OPERATOR public.= (oid, regclass), public.= (oid, integer)")
            for shadow in SHADOWS:
                connection.execute(f"DROP FUNCTION public.{shadow}")  # type: ignore[arg-type]


def test_the_loader_is_told_whose_lock_it_waits_for(
    prepared: str,
    loader: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """PostgreSQL hides most of what other roles' sessions are."""
    monkeypatch.setattr("sparkify.stage.blockers.BLOCKED_SECONDS", 0.1)
    write(tmp_path, "log_data/blocked.json", play(NOVEMBER + 77, itemInSession=77))
    with ThreadPoolExecutor(1) as pool, psycopg.connect(prepared, application_name="tool") as other:
        other.execute("LOCK TABLE users IN SHARE MODE")
        load = pool.submit(etl.run, tmp_path, dsn=loader)
        wait_until(lambda: f"process {other.info.backend_pid}, user" in caplog.text)
        other.commit()
        assert load.result().books.loaded == 1


def test_a_load_that_goes_on_keeps_its_owner(
    prepared: str, new_dsn: Callable[..., str], server: Connection[Any]
) -> None:
    """It would make tables as the superuser who has begun it, which nobody else could drop."""
    dsn = new_dsn()
    with connect(dsn) as connection, begin_run(dsn, connection) as run_id:
        with pytest.raises(SparkifyError, match=f"Run {run_id} is at work on this warehouse"):
            create_roles(dsn)
        assert connection.execute(OWNERS).fetchall() == [(connection.info.user,)]
    create_roles(dsn)
    with connect(dsn) as connection:
        assert connection.execute(OWNERS).fetchall() == [(LOADER,)]
        with begin_run(dsn, connection):
            create_roles(dsn)
        give_back(connection)


def test_a_load_that_plans_goes_on_as_the_new_owner(
    prepared: str, new_dsn: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no run yet, so nothing says that it is at work."""
    dsn = new_dsn()
    make_plan = etl.make_plan

    def overtaken(*given: Any, **more: Any) -> Any:
        plan = make_plan(*given, **more)
        create_roles(dsn)
        return plan

    monkeypatch.setattr(etl, "make_plan", overtaken)
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    with connect(dsn) as connection:
        assert connection.execute(OWNERS).fetchall() == [(LOADER,)]
        give_back(connection)


def test_a_view_in_the_place_of_a_table_of_ours_is_not_read(prepared: str, loader: str) -> None:
    """It could call functions of whoever made it."""
    with psycopg.connect(loader, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(LOADER)))
        connection.execute("ALTER TABLE etl.warehouse RENAME TO kept")
        connection.execute("CREATE VIEW etl.warehouse AS SELECT *, 1 / 0 AS ran FROM etl.kept")
        try:
            with pytest.raises(UsageError, match="already has a schema etl"):
                create_roles(prepared)
        finally:
            connection.execute("DROP VIEW etl.warehouse")
            connection.execute("ALTER TABLE etl.kept RENAME TO warehouse")
    create_roles(prepared)


def test_a_schema_in_which_everybody_may_create_is_refused(prepared: str) -> None:
    with psycopg.connect(prepared, autocommit=True) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        with pytest.raises(SparkifyError, match="first: REVOKE CREATE ON SCHEMA public FROM PUBLIC"):
            create_roles(prepared)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    create_roles(prepared)


def test_a_role_that_is_something_else_is_left_alone(prepared: str, server: Connection[Any]) -> None:
    (me,) = server.execute("SELECT current_user").fetchone() or ("",)
    with pytest.raises(
        UsageError, match=f"A role {me} exists that sparkify did not make, or that may do more"
    ):
        create_roles(prepared, login=(me, READER, CANARY))
    server.execute("CREATE ROLE sparkify_test_other LOGIN")
    try:
        with pytest.raises(UsageError, match="A role sparkify_test_other exists that sparkify did not make"):
            create_roles(prepared, login=("sparkify_test_other", READER, CANARY))
    finally:
        server.execute("DROP ROLE sparkify_test_other")
    with pytest.raises(UsageError, match="is a group"):
        create_roles(prepared, login=(LOADER, READER, CANARY))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x" * 64, "first 63"), ("é" * 32, "first 63"),
        ("public", "Choose another"), ("pg_x", "Choose another"),
    ],
)  # fmt: skip
def test_a_login_that_cannot_be(prepared: str, name: str, says: str) -> None:
    """PostgreSQL would cut a long name: the login of somebody else would get the password."""
    with pytest.raises(UsageError, match=says):
        create_roles(prepared, login=(name, READER, "x"))


@pytest.mark.parametrize(("name", "password"), [("sparkify_test_x", "secret\udcff"), ("x\udcff", "secret")])
def test_a_login_that_is_not_utf_8(prepared: str, server: Connection[Any], name: str, password: str) -> None:
    with pytest.raises(UsageError, match="not UTF-8") as refused:
        create_roles(prepared, login=(name, READER, password))
    assert "secret" not in str(refused.value)
    assert one(server, "SELECT count(*) FROM pg_roles WHERE rolname = 'sparkify_test_x'") == 0


@pytest.mark.parametrize("again", ["typed-0815", "typed-0816"])
def test_a_password_is_asked_for_twice_and_never_shown(prepared: str, again: str) -> None:
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("sparkify"), "db", "roles", "--reader", "sparkify_test_bi"],
        env=os.environ | {"SPARKIFY_DSN": prepared},
        stdin=end, stdout=end, stderr=end, start_new_session=True,
    )  # fmt: skip
    os.close(end)
    said, is_same = "", again == "typed-0815"
    try:
        for prompt, answer in ("Password for sparkify_test_bi: ", "typed-0815"), ("Again: ", again):
            while not said.endswith(prompt):
                assert select([terminal], [], [], 60)[0], said
                said += os.read(terminal, 1000).decode("ascii")
            os.write(terminal, answer.encode() + b"\n")
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            while more := os.read(terminal, 1000).decode("ascii"):
                said += more
        assert process.wait(60) == (0 if is_same else 2)
        assert "typed" not in said
        assert ("The two passwords differ." in said) is not is_same
        psycopg.connect(as_login(prepared, "sparkify_test_bi", again if is_same else CANARY)).close()
    finally:
        os.close(terminal)
        process.kill()
        process.wait()
        create_roles(prepared, login=("sparkify_test_bi", READER, CANARY))


def test_what_others_have_made_beside_it_is_theirs(prepared: str, server: Connection[Any]) -> None:
    server.execute("CREATE ROLE sparkify_test_alice")
    try:
        with psycopg.connect(prepared, autocommit=True) as connection:
            connection.execute("CREATE TABLE analytics.hers AS SELECT 1 AS one")
            connection.execute("ALTER TABLE analytics.hers OWNER TO sparkify_test_alice")
            connection.execute("REVOKE ALL ON analytics.hers FROM sparkify_reader, sparkify_loader")
            create_roles(prepared)
            owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'analytics.hers'::regclass"
            assert one(connection, owner) == "sparkify_test_alice"
            readable = "SELECT has_table_privilege('sparkify_reader', 'analytics.hers', 'SELECT')"
            assert not one(connection, readable)
            connection.execute("DROP TABLE analytics.hers")
    finally:
        server.execute("DROP ROLE sparkify_test_alice")


@pytest.mark.parametrize("made", ["before the check", "after the check"])
@pytest.mark.parametrize("time", ["first", "second"])
@pytest.mark.parametrize(
    ("what", "name", "making", "owner"),
    [
        (
            "function", "month_of",
            "CREATE FUNCTION analytics.month_of(query text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
            " AS 'BEGIN EXECUTE query; END'; REVOKE ALL ON FUNCTION analytics.month_of(text) FROM PUBLIC",
            "SELECT proowner::regrole::text FROM pg_proc"
            " WHERE oid = 'analytics.month_of(text)'::regprocedure",
        ),
        (
            "view", "plays_by_hour",
            "CREATE VIEW analytics.plays_by_hour AS SELECT * FROM etl.forgotten",
            "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'analytics.plays_by_hour'::regclass",
        ),
    ],
    ids=["function", "view"],
)  # fmt: skip
def test_what_others_have_made_with_one_of_our_names_is_refused_and_stays_theirs(
    server: Connection[Any], new_dsn: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    what: str, name: str, making: LiteralString, owner: LiteralString, time: str, made: str,
) -> None:  # fmt: skip
    """As the loader's it would run with its rights, for whoever uses it. They may make it after the check."""
    dsn = new_dsn()
    server.execute("CREATE ROLE sparkify_test_alice")
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            if time == "second":
                create_roles(dsn)
            if what == "view":
                connection.execute("DROP VIEW analytics.plays_by_hour")
            connection.execute("GRANT CREATE, USAGE ON SCHEMA analytics, etl TO sparkify_test_alice")
            connection.execute("SET ROLE sparkify_test_alice")
            connection.execute(making)
            connection.execute("RESET ROLE")
            if made == "before the check":
                with pytest.raises(
                    UsageError, match=f"a {what} analytics.{name} that sparkify did not make: it"
                ):
                    create_roles(dsn)
            else:
                monkeypatch.setattr("sparkify.operations.roles.refuse_taken_names", lambda _: None)
                with pytest.raises(SparkifyError, match=f"permission denied for (function|table) {name}"):
                    create_roles(dsn)
            assert one(connection, owner) == "sparkify_test_alice"
        finally:
            connection.execute("RESET ROLE; DROP OWNED BY sparkify_test_alice")
            server.execute("DROP ROLE sparkify_test_alice")
            if time == "second":
                give_back(connection)


def test_what_was_there_before_the_warehouse_stays_as_it_was(
    server: Connection[Any], server_dsn: str, new_dsn: Callable[..., str]
) -> None:
    """Even tables that the loading role created, in somebody else's schema `analytics`, keep owner and
    rights."""
    dsn = new_dsn("template0")
    about = (
        "SELECT relowner::regrole::text, relacl::text, nspowner::regrole::text"
        " FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'salaries'"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA analytics AUTHORIZATION pg_database_owner")
        connection.execute("CREATE TABLE analytics.salaries AS SELECT 1 AS one")
        before = one(connection, about)
        create_tables(dsn)
        create_roles(dsn)
        create_tables(dsn)
        assert one(connection, about) == before
        connection.execute("SET ROLE sparkify_reader")
        connection.execute("SELECT FROM analytics.sessions")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM analytics.salaries")
        connection.execute("RESET ROLE")
        # Everything else belongs to one owner, who can go on working.
        connection.execute("DROP TABLE analytics.salaries")
        owners = {owner for (owner,) in connection.execute(OWNERS)}
        assert owners == {"pg_database_owner", "sparkify_loader"}
        create_tables(dsn, drop=True)
        connection.execute("DROP OWNED BY sparkify_loader CASCADE; DROP OWNED BY sparkify_reader")


def test_passwords_appear_nowhere(
    prepared: str,
    loader: str,
    server: Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    write(tmp_path, "log_data/a.json", play(NOVEMBER + 6), "{")
    program = str(Path(sys.executable).with_name("sparkify"))
    said, commands = "", set[str]()
    server.execute("ALTER SYSTEM SET log_statement = 'all'")
    server.execute("SELECT pg_reload_conf()")
    try:
        for arguments, dsn in (
            (["etl", str(tmp_path)], loader),
            (["db", "roles", "--reader", "sparkify_test_bi"], prepared),
        ):
            process = subprocess.Popen(
                [program, *arguments],
                env={**os.environ, "SPARKIFY_DSN": dsn, "SPARKIFY_PASSWORD": CANARY},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            while process.poll() is None:
                for line in Path("/proc").glob("[0-9]*/cmdline") if Path("/proc/self").exists() else ():
                    with contextlib.suppress(OSError):  # it has ended
                        commands.add(line.read_text(errors="replace"))
                time.sleep(0.03)  # do not take the processor from the program
            assert process.stdout is not None
            said += process.stdout.read()
            process.stdout.close()
        monkeypatch.setenv("SPARKIFY_PASSWORD", CANARY)
        for arguments, dsn in (
            (["etl", str(tmp_path), "--max-rejects", "x"], loader),
            (["status"], make_conninfo(loader, host="/nowhere")),
            (["status"], make_conninfo(loader, dbname="not_there")),
            (["status"], make_conninfo(loader, user="not_there")),
            (["status"], f"postgresql://me:{CANARY}@["),
            (["db", "roles", "--reader", "sparkify_test_bi"], loader),
            (["db", "roles", "--reader", "pg_mine"], prepared),
        ):
            done = run_here(*arguments, dsn=dsn)
            assert done.returncode
            said += done.stdout + done.stderr
    finally:
        server.execute("ALTER SYSTEM RESET log_statement")
        server.execute("SELECT pg_reload_conf()")
    assert "Traceback" not in said
    assert "Loaded 1 new" in said
    log = next(
        path
        for path in (Path(one(server, "SHOW data_directory")).parent / name for name in ("server.log", "log"))
        if path.is_file()
    )
    assert "VACUUM" in log.read_text(errors="replace") or "songplays" in log.read_text(errors="replace")
    said += log.read_text(errors="replace")
    with connect(prepared) as connection:
        for table in ("etl.runs", "etl.known_files", "pg_stat_activity", "pg_db_role_setting"):
            said += str(connection.execute(f"SELECT * FROM {table}").fetchall())
    if Path("/proc/self").exists():
        assert any(program in command for command in commands)
    assert CANARY not in said
    assert not any(CANARY in command for command in commands)


def test_a_database_is_made_by_who_logs_in(
    prepared: str, server: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the owner of a warehouse that happens to be in the database to which one connects for that: it
    may lack the right."""
    info = psycopg.conninfo.conninfo_to_dict(prepared)
    name = f"{info['dbname']}_second"
    monkeypatch.setattr("sparkify.database.connection.MAINTENANCE", info["dbname"])
    create_tables(make_conninfo(prepared, dbname=name))
    try:
        query = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = %s"
        assert one(server, query, name)
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
