"""Settings of a role, a database, a DSN or the environment change nothing about a load."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify import analytics, etl
from sparkify.database.advice import advice, advice_on_connecting
from sparkify.database.connection import connect, resolve
from sparkify.database.dsn import parse
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.engines.spark.reach import is_here
from sparkify.errors import SparkifyError, UsageError
from sparkify.extract.find import find_files
from sparkify.operations.check import check
from sparkify.report import Tally
from sparkify.stage.claims import Claims
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import checksums, one, totals

Way = Callable[[str, dict[str, str]], str]
DAY = 24 * 3600 * 1000
HOUR = 3600 * 1000

PINNED = dict(re.findall(r"^    \('(\w+)', '(.*?)'\)", queries("database/session")["pin"], re.MULTILINE))
PINNED_WORK = dict(
    re.findall(r"^    \('(\w+)', '(.*?)'\)", queries("database/session")["pin_work"], re.MULTILINE)
)
TIMEOUTS = [
    "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout",
    "transaction_timeout",
]  # fmt: skip

# All ways of planning are forbidden, and everything else has a value that it should not have.
HOSTILE = {
    **{
        name: "off" if value == "on" else "on" for name, value in PINNED.items() if name.startswith("enable_")
    },
    "client_encoding": "LATIN1",
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Tokyo",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "row_security": "on",
    "gin_fuzzy_search_limit": "1",
    "client_min_messages": "debug5",
    "jit": "on",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_generic_plan",
    "constraint_exclusion": "off",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1",
    "search_path": "pg_temp",
    "synchronous_commit": "off",
    "session_replication_role": "replica",
    "check_function_bodies": "off",
    "default_statistics_target": "1",
    "work_mem": "64kB",
    "restrict_nonsystem_relation_kind": "view",
    **dict.fromkeys(TIMEOUTS, "300ms"),
}

# Few settings, because libpq does not read a longer line in a service file.
IN_A_LINE = {
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "standard_conforming_strings",
    "quote_all_identifiers",
    *TIMEOUTS[:1],
}

# Settings that none of our statements depend on, or that belong to the machine. Each was considered.
LEFT = re.compile(
    r"""
    # for watching
    debug_.*|log_.*|trace_.*|track_.*|backtrace_.*|compute_query_id|update_process_title|application_name
    # the machine's
    |.*_mem|.*_cost|.*_limit|.*_buffers|.*concurrency|.*_combine_limit|.*flush_after|hash_mem_multiplier
    |max_parallel_.*|min_parallel_.*|parallel_.*|effective_cache_size|temp_tablespaces|default_tablespace
    |max_stack_depth|file_copy_method|wal_.*|commit_.*|deadlock_timeout|default_toast_compression
    # good plans, or a little worse
    |geqo.*|cursor_tuple_fraction|recursive_worktable_factor|default_statistics_target
    |jit_.*|synchronize_seqscans|stats_fetch_consistency|vacuum_.*|ignore_.*|zero_damaged_pages
    |allow_.*|extension_destdir|force_parallel_mode|event_triggers|exit_on_error|local_preload.*|session_preload.*|.*_path|output_plugin.*
    # nothing is sorted or formatted by these
    |lc_.*|default_text_search_config|icu_.*|xml.*|timezone_abbreviations
    |escape_string_warning|backslash_quote|check_function_bodies|createrole_self_grant|lo_compat_privileges
    |password_encryption|md5_password_warnings|scram_iterations
    # no composite value is stored
    |composite_type_mismatch
    # a load says so and stops; without SERIALIZABLE it is nothing
    |default_transaction_read_only|default_transaction_deferrable
    |transaction_.*  # of the present transaction
    """,
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two deliveries: all scripts in all columns, odd numbers, rejects; then late plays, a correction."""
    root = tmp_path_factory.mktemp("wörld")
    title, artist, exact = "Où es-tu \\ 'é' \"NULL\"", "Björk 東京 🎧 NULL", 0.1 + 0.2
    plays = [
        play(
            NOVEMBER + at * DAY + at, userId=str(at % 3), itemInSession=at, firstName="Zoë", lastName="Ñandú",
            location="São Paulo", userAgent="ü" * 9, song=title, artist=artist, length=exact,
            level="free" if at % 2 else "paid",
        )
        for at in range(1, 40, 2)
    ]  # fmt: skip
    songs = [
        song("S1", title=title, artist_name=artist, artist_location="Łódź", duration=exact),
        song("S2"),
        "torn é",
    ]
    first, second = root / "1", root / "2"
    write(first, "song_data/é/a.json", *songs)
    write(first, "log_data/é/a é.json", *plays, "torn é", play(length=0, song="é"), *plays[:3])
    write(
        second,
        "song_data/é/b.json",
        song("S0", title=title, artist_name=artist, duration=exact, artist_id="A0"),
    )
    late = [p | {"ts": p["ts"] + HOUR, "sessionId": 5, "location": "東京"} for p in plays[:6]]
    write(second, "log_data/é/b.json", *late, play(plays[-1]["ts"] + DAY))
    return [first, second]


def load_and_ask(dsn: str, world: list[Path]) -> dict[str, Any]:
    """Load both deliveries; return the content of the warehouse and its answers."""
    reports = [etl.run(root, dsn=dsn) for root in world]
    with connect(dsn) as connection:
        content = checksums(connection) | {
            "books": totals(connection),
            "paths": connection.execute('SELECT path FROM etl.files ORDER BY path COLLATE "C"').fetchall(),
            "rejects": connection.execute(
                "SELECT line, reason, record FROM etl.rejected_records ORDER BY 1, 2"
            ).fetchall(),
        }
    return content | {
        "loaded": [report.files_loaded for report in reports],
        "left": [report.tally.left_to_others for report in reports],
        "top": analytics.top("songs", dsn=dsn),
        "trend": analytics.trend(dsn=dsn),
        "found": analytics.search("björk", dsn=dsn),
        "rejects shown": analytics.rejects(dsn=dsn, evidence=True),
        "wrong": [finding.name for finding in check(dsn) if finding.found],
    }  # fmt: skip


@pytest.fixture(scope="module")
def expected(world: list[Path], module_dsn: str) -> dict[str, Any]:
    found = load_and_ask(module_dsn, world)
    assert found["loaded"] == [2, 2]
    assert found["wrong"] == []
    assert found["top"][0]["title"].startswith("Où")
    return found


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maintenance: Connection[Any]) -> dict[str, Way]:
    """The ways in which settings reach a session; each returns the DSN to use from then on."""

    def options(settings: dict[str, str]) -> str:
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def environment(dsn: str, settings: dict[str, str]) -> str:
        own = {"client_encoding": "PGCLIENTENCODING", "DateStyle": "PGDATESTYLE", "TimeZone": "PGTZ"}
        for name, variable in own.items():
            if name in settings:
                monkeypatch.setenv(variable, settings[name])
        monkeypatch.setenv("PGOPTIONS", options({n: v for n, v in settings.items() if n not in own}))
        return dsn

    def service(dsn: str, settings: dict[str, str]) -> str:
        settings = {name: value for name, value in settings.items() if name in IN_A_LINE}
        file = tmp_path / "services"
        encoding = settings.get("client_encoding", "UTF8")
        file.write_text(f"[mine]\nclient_encoding={encoding}\noptions={options(settings)}\n")
        monkeypatch.setenv("PGSERVICEFILE", str(file))
        return make_conninfo(dsn, service="mine")

    def in_dsn(dsn: str, settings: dict[str, str]) -> str:
        return make_conninfo(
            dsn, options=options(settings), client_encoding=settings.get("client_encoding", "UTF8")
        )

    def alter(what: str) -> Way:
        def way(dsn: str, settings: dict[str, str]) -> str:
            database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
            for name, value in settings.items():
                maintenance.execute(
                    sql.SQL("ALTER {} SET {} = {}").format(
                        sql.SQL(what).format(database),
                        sql.Identifier(name),
                        sql.Literal(value),  # type: ignore[arg-type]
                    )
                )
            return dsn

        return way

    return {
        "environment": environment, "service": service, "dsn": in_dsn,
        "role": alter("ROLE CURRENT_USER IN DATABASE {}"), "database": alter("DATABASE {}"),
    }  # fmt: skip


WAYS = ["environment", "service", "dsn", "role", "database"]


@pytest.fixture(scope="session")
def hostile(server_dsn: str) -> dict[str, str]:
    """The hostile settings that this server knows."""
    with connect(server_dsn) as connection:
        known = {name.lower() for name in settings_of(connection)}
    return {name: value for name, value in HOSTILE.items() if name.lower() in known}


def settings_of(connection: Connection[Any]) -> dict[str, str]:
    return dict(connection.execute("SELECT name, current_setting(name) FROM pg_settings").fetchall())


@pytest.mark.parametrize("way", WAYS)
def test_a_session_inherits_nothing_that_matters(
    way: str, ways: dict[str, Way], hostile: dict[str, str], dsn: str
) -> None:
    dsn = ways[way](dsn, hostile)
    over_tcp_only = {
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
        "tcp_user_timeout",
    }
    with connect(dsn) as connection:
        found = settings_of(connection)
        wanted = PINNED | PINNED_WORK | {"statement_timeout": "0", "synchronous_commit": "on"}
        for name in (found.keys() & wanted) - over_tcp_only:
            assert (name, found[name]) == (name, wanted[name])
        assert connection.info.encoding == "utf-8"
        assert connection.prepare_threshold is None
    with connect(dsn, for_questions=True) as connection:
        found = settings_of(connection)
        for name in (found.keys() & PINNED) - over_tcp_only:
            assert (name, found[name]) == (name, PINNED[name])
        given = TIMEOUTS[:1] if way == "service" else TIMEOUTS
        assert {found[name] for name in given if name in found} == {"300ms"}


@pytest.mark.parametrize("way", ["environment", "role"])
def test_the_warehouse_is_the_same_whatever_is_set(
    way: str,
    ways: dict[str, Way],
    hostile: dict[str, str],
    dsn: str,
    world: list[Path],
    expected: dict[str, Any],
) -> None:
    # Questions keep their time limits, and such short ones would fail on a slow machine.
    patient = hostile | (
        {"statement_timeout": "5s", "transaction_timeout": "5s"} if "transaction_timeout" in hostile else {}
    )
    assert load_and_ask(ways[way](dsn, patient), world) == expected


def test_a_path_is_found_whatever_the_locale_is(tmp_path: Path) -> None:
    """The encoding of the file system's names is the environment's, too."""
    file = write(tmp_path, "é.json", play())
    code = (
        "import os, sys; from sparkify.extract.files import path_of;"
        " os.stat(path_of(os.fsencode(sys.argv[1]).decode()))"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    subprocess.run([sys.executable, "-c", code, str(file)], env=os.environ | ascii_only, check=True)


@pytest.fixture(scope="module")
def one_play(new_module_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with one play."""
    root, dsn = tmp_path_factory.mktemp("one_play"), new_module_dsn()
    write(root, "log_data/a.json", play(song="Où", artist="東京"))
    etl.run(root, dsn=dsn)
    return str(conninfo_to_dict(dsn)["dbname"])


@pytest.mark.parametrize("way", WAYS)
def test_the_dashboard_reads_the_same(
    way: str, ways: dict[str, Way], hostile: dict[str, str], new_dsn: Callable[..., str], one_play: str
) -> None:
    pytest.importorskip("streamlit")
    from sparkify.dashboard.source import TIMEOUT, read_only_dsn

    dsn = new_dsn(of=one_play)
    with open_existing(read_only_dsn(ways[way](dsn, hostile | {"statement_timeout": "5s"}))) as connection:
        (row,) = analytics.top("songs", dsn=connection)
        assert (row["title"], row["artist"]) == ("Où", "東京")
        assert one(connection, "SHOW default_transaction_read_only") == "on"
        assert one(connection, "SHOW statement_timeout") == ("5s" if way == "dsn" else TIMEOUT)


@pytest.mark.parametrize(
    "settings",
    [
        {"client_encoding": "LATIN1"},
        {"DateStyle": "German"},
    ],
    ids=lambda settings: "-".join(*settings.items()),
)
def test_each_by_itself(
    settings: dict[str, str], ways: dict[str, Way], dsn: str, world: list[Path], expected: dict[str, Any]
) -> None:
    assert load_and_ask(ways["environment"](dsn, settings), world) == expected


def test_the_tablespace_of_the_database_may_be_named(
    ways: dict[str, Way],
    maintenance: Connection[Any],
    server_dsn: str,
    world: list[Path],
    expected: dict[str, Any],
) -> None:
    """PostgreSQL refuses it for partitioned tables."""
    name = f"sparkify_test_tablespace_{os.getpid()}"
    dsn = ways["environment"](make_conninfo(server_dsn, dbname=name), {"default_tablespace": "pg_default"})
    try:
        assert load_and_ask(dsn, world) == expected
    finally:
        maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_setting_is_pinned_or_left_for_a_reason(db: Connection[Any]) -> None:
    """A newer PostgreSQL may bring new settings, and each must be considered."""
    known = db.execute(
        "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser') AND name NOT LIKE '%.%'"
    )
    ours = {*PINNED, *PINNED_WORK, "search_path", "statement_timeout", "synchronous_commit"}
    assert [name for (name,) in known if name not in ours and not LEFT.fullmatch(name)] == []


def test_nothing_is_set_back_to_what_was_inherited() -> None:
    """TO DEFAULT and RESET go back to the role's setting, not to ours."""
    source = Path(connect.__code__.co_filename).parents[1]
    files = [path for suffix in ("py", "sql") for path in source.rglob(f"*.{suffix}")]
    back = r"(?i)\bset\s+(?:local\s+|session\s+)?(\w+)\s+(?:to|=)\s*default|\breset\s+(\w+)"
    names = {name for path in files for pair in re.findall(back, path.read_text()) for name in pair}
    assert names & {*PINNED, *PINNED_WORK, "search_path", "statement_timeout", "synchronous_commit"} == set()
    assert "ROLE" in names  # so the pattern does find such statements


def test_a_load_is_not_ended_by_a_limit_on_time(dsn: str, tmp_path: Path) -> None:
    """Waiting for a lock takes far longer than the limit, and other connections are idle meanwhile."""
    write(tmp_path, "log_data/a.json", play())
    limits = " ".join(
        f"-c {name}=100" for name in ("statement_timeout", "lock_timeout", "idle_session_timeout")
    )
    with psycopg.connect(dsn) as other, ThreadPoolExecutor(1) as thread:
        other.execute("LOCK TABLE analytics.heard_songs")
        load_ = thread.submit(etl.run, tmp_path, dsn=make_conninfo(dsn, options=limits))
        with pytest.raises(TimeoutError):
            load_.result(0.7)
        other.rollback()
        assert load_.result().rows["songplays"] == 1


def test_a_question_keeps_its_limit_on_time(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE analytics.heard_songs")
        with pytest.raises(SparkifyError, match=r"timeout.*Ask for less") as told:
            analytics.top("songs", dsn=make_conninfo(dsn, options="-c statement_timeout=100ms"))
    assert "run the command again" not in str(told.value)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_the_text_is_refused(
    encoding: str,
    server_dsn: str,
    maintenance: Connection[Any],
    world: list[Path],
    run_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    name = f"sparkify_test_{encoding.lower()}_{os.getpid()}"
    create = (
        "CREATE DATABASE {} ENCODING {} LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    maintenance.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
    dsn = make_conninfo(server_dsn, dbname=name)
    try:
        for command in (
            ["etl", world[0]],
            ["etl", world[0], "--dry-run"],
            ["create-tables"],
            ["status"],
            ["check"],
        ):
            done = run_here(*command, dsn=dsn)
            assert (done.returncode, done.stdout) == (2, "")
            assert f"The database {name} has the encoding {encoding}" in done.stderr
            assert done.stderr.count("\n") == 1
        with connect(dsn) as connection:
            assert (
                one(connection, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('etl', 'analytics')")
                == 0
            )
        (advised,) = re.findall("CREATE DATABASE .*template0", done.stderr)
        maintenance.execute(advised)
        assert run_here("etl", world[0], dsn=make_conninfo(server_dsn, dbname=f"{name}_utf8")).returncode == 0
    finally:
        for each in (name, f"{name}_utf8"):
            maintenance.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(each))
            )


def test_names_of_files_that_come_back_otherwise_stop_the_load(
    db: Connection[Any], dsn: str, world: list[Path]
) -> None:
    """A load once said that another run had these files, and marked them as read."""
    db.execute(
        "CREATE FUNCTION etl.garble() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN new.path = convert_from(convert_to(new.path, 'UTF8'), 'LATIN1'); RETURN new; END$$"
    )
    db.execute(
        "CREATE TRIGGER garble BEFORE INSERT ON etl.known_files FOR EACH ROW EXECUTE FUNCTION etl.garble()"
    )
    with pytest.raises(
        SparkifyError, match=r"names of files as they were sent \(.*Ã©.*Nothing of them was kept"
    ):
        etl.run(world[0], dsn=dsn)
    assert one(db, "SELECT count(*) FROM etl.known_files") == 0
    db.execute("DROP TRIGGER garble ON etl.known_files")
    assert etl.run(world[0], dsn=dsn).files_loaded == 2


def test_a_file_that_another_run_has_is_known_by_its_name(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """A file whose claim failed must be known by its name; here the server stored another name."""
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "log_data/b.json", play())
    files = find_files(tmp_path / "log_data", "log")
    assert etl.run(tmp_path, dsn=dsn).files_loaded == 2
    claims = Claims(db, 1, 0.0)
    claims._not_given = files  # noqa: SLF001
    claims.keep(done := Tally())
    assert (done.files, done.left_to_others) == (2, 0)
    last = files[-1].name
    db.execute("UPDATE etl.known_files SET path = path || '?' WHERE path = %s", [last])
    with pytest.raises(SparkifyError, match=re.escape(f"names of files as they were sent ({last})")):
        claims.keep(Tally())


def test_the_check_finds_text_that_was_stored_in_another_encoding(
    dsn: str, db: Connection[Any], world: list[Path], tmp_path: Path
) -> None:
    """It does not report names that the input itself had encoded twice."""
    write(tmp_path, "log_data/a.json", play(song="OÃ¹", artist="BjÃ¶rk", userAgent="Ã©"))
    write(tmp_path, "song_data/a.json", song(title="OÃ¹", artist_name="BjÃ¶rk"))
    for root in (world[0], tmp_path):
        etl.run(root, dsn=dsn)
    assert [finding.name for finding in check(dsn) if finding.found] == []
    once_more = "convert_from(convert_to({0}, 'UTF8'), 'LATIN1')"
    for table, columns in (
        ("analytics.heard_songs", ["title", "artist"]),
        ("etl.catalogue_records", ["title", "artist_name"]),
        ("analytics.user_agents", ["user_agent"]),
    ):
        changes = ", ".join(f"{column} = {once_more.format(column)}" for column in columns)
        db.execute(f"UPDATE {table} SET {changes}")  # type: ignore[call-overload]
    (finding,) = [finding for finding in check(dsn) if finding.name == "text_as_read"]
    assert finding.found == 6
    assert {example["in_table"] for example in finding.examples} >= {"heard_songs", "catalogue_records"}
    assert "client_encoding" in finding.advice
    assert "sparkify create-tables --drop" in finding.advice
    assert [each.found for each in check(dsn) if each.name == "heard_songs"] == [0]


@pytest.mark.parametrize(
    "settings",
    [{"default_transaction_read_only": "on"}],
    ids=["default_transaction_read_only"],
)
@pytest.mark.parametrize("way", ["environment", "role"])
def test_where_nothing_can_be_written_that_is_said(
    way: str, settings: dict[str, str], ways: dict[str, Way], dsn: str, world: list[Path],
    run_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:  # fmt: skip
    dsn = ways[way](dsn, settings)
    done = run_here("etl", world[0], dsn=dsn)
    assert done.returncode == 1
    assert "default_transaction_read_only" in done.stderr
    assert "primary" in done.stderr
    assert "again" not in done.stderr
    assert run_here("status", dsn=dsn).returncode == 0


@pytest.mark.parametrize(
    ("code", "asking", "says", "says_not"),
    [
        ("25006", False, "primary server", "again"),
        ("53100", False, "Free space.*run the command again", None),
        ("53300", True, "max_connections.*ask again", "run the command"),
        ("57014", False, "cancelled.*run the command again", "fewer days"),
        ("57014", True, "fewer days", "again"),
        ("25P04", True, "fewer days", "again"),
        ("57P05", True, "fewer days", "again"),
        ("57P01", False, "run the command again", None),
        ("57P01", True, "Ask again", "committed"),
        ("40001", False, "run the command again", None),
        ("42501", False, "db roles", "again"),
        ("42P01", True, "sparkify check", "again"),
        ("22003", False, "Trying again would fail the same way", "run the command"),
        ("23514", False, "Trying again would fail the same way", "run the command"),
        ("23503", False, "give its foreign key ON DELETE CASCADE", "would fail the same way"),
        ("XX001", True, "log says more", "again"),
        ("58030", False, "log says more.*Committed work is kept", "again"),
        ("55P03", False, "run the command again", None),
    ],
)
def test_the_advice_follows_from_the_error(
    code: str,
    asking: bool,  # noqa: FBT001
    says: str,
    says_not: str | None,
) -> None:
    said = advice(psycopg.errors.lookup(code)(), asking=asking)
    assert re.search(says, said)
    assert says_not is None or says_not not in said


def test_the_advice_where_libpq_lacks_memory() -> None:
    said = advice(psycopg.OperationalError("couldn't get result: out of memory"), asking=False)
    assert "use fewer workers" in said


def test_the_advice_on_a_connection_that_fails() -> None:
    assert "max_connections" in advice_on_connecting("FATAL: sorry, too many clients already", embedded=False)
    assert "pooler" in advice_on_connecting("FATAL: unsupported startup parameter: options", embedded=False)
    assert "password" in advice_on_connecting(
        'FATAL: password authentication failed for user "x"', embedded=False
    )
    assert "PGOPTIONS" in advice_on_connecting(
        'FATAL: unrecognized configuration parameter "x"', embedded=False
    )
    assert "more memory" in advice_on_connecting(
        "could not fork new process for connection: out of memory", embedded=False
    )
    assert "--dsn" in advice_on_connecting("could not translate host name", embedded=False)
    for said in ("Is the server running?", "server closed the connection unexpectedly"):
        assert "sparkify db start" in advice_on_connecting(said, embedded=True)
    assert "--dsn" in advice_on_connecting('database "template0" is not accepting connections', embedded=True)


DSNS = [
    ("postgresql+psycopg2://student:x@127.0.0.1/db", r"begins with postgresql\+psycopg2://, which is"
                                                     r" SQLAlchemy's. Write postgresql://"),
    ("postgres+asyncpg://student:secret@h/db", "SQLAlchemy's"),
    ("jdbc:postgresql://h/db?user=me&password=secret", "JDBC's"),
    ("mysql://u:secret@h/db", "begins with mysql://"),
    ("postgresql://u:secret@h/db?pgbouncer=true", "has pgbouncer, .*session mode"),
    ("postgresql://u:secret@h/db?sslmode=require&schema=public", "has schema, .*the schema public"),
    ("host=h pgbouncer=true password=secret", "has pgbouncer"),
    ("postgresql://u:secret@h/db?sslmode=no-verify", "sslmode=no-verify.*require"),
    ("postgresql://u@h/db?password=a&secret=x", "neither a PostgreSQL URL"),  # the password has an &
    ("postgresql://u:se%cret@h/db", "a % .*%25"),
    ("postgresql://u:se%80cret@h/db", "no character of UTF-8.*%25"),
    ("postgresql://u:se\udcffcret@h/db", "not UTF-8"),
    ("host=h password=secret user=\udcff", "not UTF-8"),
    ("postgresql://u:secret@db..example/db", "cannot be one"),
    (f"host={'h' * 64} password=secret", "cannot be one"),
    ("postgresql://u:se/cret@h/db", "a / before the @.*%2F"),
    ("postgresql://u:se@cret@h/db", "a second @.*%40"),
    ("postgresql://u:se?x@cret@h/db", "a second @.*%40"),
    ("postgresql://u:se cret@h/db", "a space.*%20"),
    ("postgresql://u:secret", "port"),
    ("postgresql://u:a?secret", "neither"),  # the password has a ?, and the host is missing
    ("postgresql://u:a/?secret=1", "neither"),
    ("host=h;port=5432;user=u;password=secret", "by spaces"),
    ("host=h,password=secret", "by spaces"),
    ("host=/tmp dbname=postgresql://u:secret@h/x", "name of the database.*connection string"),
    ("host=/tmp dbname='password=secret'", "name of the database.*connection string"),
    (f"host=/tmp password=secret dbname={'d' * 64}", "first 63"),
    (f"host=/tmp password=secret dbname={'é' * 32}", "first 63"),
    (f"host=/tmp password=secret user={'u' * 64}", "first 63"),
    (f"host=/tmp dbname=postgresql://u:secret@{'h' * 63}/x", "name of the database.*connection string"),
    ("host='h1, h2' password=secret", "space"),
    ("host=/tmp password=secret replication=database", "replication"),
    ("host=/tmp password=secret connect_timeout=x", "connect_timeout.*--dsn"),
    ("postgresql://postgres:[YOUR-PASSWORD]@h/db", "placeholder"),
    ("password=my secret=1 host=h", "neither"),
    ("'postgresql://u:secret@h/db'", "neither"),
    ("sparkifydb", "neither"),
]  # fmt: skip


@pytest.mark.parametrize(("dsn", "says"), DSNS)
def test_a_dsn_as_hosts_print_it(
    dsn: str, says: str, run_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_here("status", "--dsn", dsn)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1 if "timeout" in says else 2, "", 1)
    assert re.search(says, done.stderr)
    assert "cret" not in done.stderr


def test_a_database_that_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "/tmp")  # noqa: S108
    for name in ("d" * 64, "postgresql://u:secret@h/x", f"postgresql://u:secret@{'h' * 63}/x"):
        monkeypatch.setenv("PGDATABASE", name)
        with pytest.raises(UsageError) as refused:
            resolve()
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "dsn",
    [
        "host=h1,/tmp/a=b;c dbname=x", "host=h1,h2 dbname=x replication=off", "postgresql://u@[::1]:5432/db",
        "service=s", "host=/tmp/a@b dbname='a=b'", "postgresql://u:p%3B%3D%20@h/db",
    ],
)  # fmt: skip
def test_a_dsn_that_may_be(dsn: str) -> None:
    assert parse(resolve(dsn)) == parse(dsn)


def test_a_dsn_with_a_zero_byte() -> None:
    with pytest.raises(UsageError, match="zero byte"):
        analytics.totals(dsn="dbname=x\0_other")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4))
@example("p#w:x?y&z=1")
@example("0%80")
def test_any_password_arrives_or_the_url_is_refused(password: str) -> None:
    url = f"postgresql://u:{password}@h:5432/db"
    is_refused = re.search(r"[@/ ]|%(?![0-9A-Fa-f]{2})|%00", password)
    if is_refused or "\ufffd" in unquote(password.replace("\ufffd", "")):
        with pytest.raises(UsageError) as refused:
            parse(url)
        assert len(password) < 9 or password not in str(refused.value)
    else:
        assert parse(url) == {
            "user": "u", "password": unquote(password), "host": "h", "port": "5432", "dbname": "db",
        }  # fmt: skip
    assert parse(f" postgresql://u:{quote(password, safe='')}@h:5432/db\n")["password"] == password


def test_no_cluster_is_here_under_a_name_that_no_host_has() -> None:
    assert is_here("spark://127.0.0.1:7077")
    assert not is_here("spark://a..b:7077")
