"""A real PostgreSQL for every test: one server, one template database, and a clone of it for each test."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from tests.support.rooms import MEMORY

# Use memory if there is room: a new database is a thousand small files, and a run creates a thousand
# databases.
MUCH_MEMORY = 6 << 30
if "TMPDIR" not in os.environ and MEMORY.is_dir():
    memory, status = os.statvfs(MEMORY), Path("/proc/meminfo").read_text()
    free = 1024 * int(status.partition("MemAvailable:")[2].split()[0])
    if min(free, memory.f_bavail * memory.f_frsize) > MUCH_MEMORY and not memory.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # tempfile looks again

# A run started in the background ignores Ctrl-C, and so would every program that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from tests.support import examples  # noqa: E402, F401  loads the profile of Hypothesis
from tests.support.samples import real_data  # noqa: E402

# The user's own settings must not lead the tests to another warehouse. The settings for the tests stay: the
# processes of pytest-xdist inherit them.
TEST_DSN = os.environ.get("SPARKIFY_TEST_DSN")
for name in [name for name in os.environ if name.startswith(("PG", "SPARKIFY_"))]:
    if not name.startswith("SPARKIFY_TEST_"):
        del os.environ[name]

# Programs that the tests start need not compile their modules each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_core = Path(__file__).parents[1] / "src" / "sparkify" / "core"
_built = max((file.stat().st_mtime for file in _core.glob("_core*.so")), default=None)
if _built is not None and any(file.stat().st_mtime > _built for file in _core.glob("*.[ch]")):
    pytest.exit("The core is older than its sources: make src/sparkify/core/_core.abi3.so", returncode=2)

from sparkify.create_tables import create_tables  # noqa: E402
from sparkify.database.connection import connect  # noqa: E402
from sparkify.server import Server  # noqa: E402

TEMPLATE = f"sparkify_test_template_{os.getpid()}"
_numbers = count()


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The tests' server: the one that SPARKIFY_TEST_DSN names, as a superuser, or else an embedded one."""
    if TEST_DSN:
        yield TEST_DSN
        return
    # Do not use pytest's folder, which is private to its owner: if root runs the tests, the server runs as
    # another user.
    import shutil

    home = Path(tempfile.mkdtemp(prefix="sparkify-test-"))
    home.chmod(0o755)
    server = Server(home / "home")
    server.start()
    url = server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        # This risks data only if the machine loses power; a killed server loses nothing. There are few
        # buffers, because DROP DATABASE searches all.
        for setting in (
            "fsync = off", "full_page_writes = off", "max_wal_size = '256MB'", "shared_buffers = '64MB'",
        ):  # fmt: skip
            connection.execute(sql.SQL("ALTER SYSTEM SET {}").format(sql.SQL(setting)))
    server.stop()
    server.start()
    yield url
    server.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def maintenance(server_dsn: str) -> Iterator[Connection[Any]]:
    """The connection that creates and drops databases."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(server_dsn: str, maintenance: Connection[Any]) -> Iterator[str]:
    """The name of a database with an empty warehouse, created once."""
    create_tables(make_conninfo(server_dsn, dbname=TEMPLATE))
    yield TEMPLATE
    _drop(maintenance, [*_left, TEMPLATE])


# Databases that no test needs any more. A backend outlives its connection by a moment, and DROP DATABASE
# waits 0.1 s for it. So a database is dropped when the next is created.
_left: list[str] = []


@contextmanager
def _databases(server_dsn: str, maintenance: Connection[Any], template: str) -> Iterator[Callable[..., str]]:
    names: list[str] = []

    def clone(of: str = template) -> str:
        while _left:  # a database that cannot be dropped is not tried again
            _drop(maintenance, [_left.pop()])
        names.append(f"sparkify_test_{os.getpid()}_{next(_numbers)}")
        # Copying files takes a tenth of the time of PostgreSQL's default, which copies through the WAL.
        maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(names[-1]), sql.Identifier(of)
            )
        )
        return make_conninfo(server_dsn, dbname=names[-1])

    yield clone
    _left.extend(names)


@pytest.fixture
def new_dsn(server_dsn: str, maintenance: Connection[Any], template: str) -> Iterator[Callable[..., str]]:
    """Creates a database with an empty warehouse, or a clone of the given one, at each call."""
    with _databases(server_dsn, maintenance, template) as make:
        yield make


@pytest.fixture(scope="module")
def new_module_dsn(
    server_dsn: str, maintenance: Connection[Any], template: str
) -> Iterator[Callable[[], str]]:
    """Creates databases with an empty warehouse that the tests of a module share."""
    with _databases(server_dsn, maintenance, template) as make:
        yield make


@pytest.fixture(scope="module")
def module_dsn(new_module_dsn: Callable[[], str]) -> str:
    """A database with an empty warehouse that the tests of a module share."""
    return new_module_dsn()


@pytest.fixture
def dsn(new_dsn: Callable[[], str]) -> str:
    """A database with an empty warehouse."""
    return new_dsn()


@pytest.fixture(scope="module")
def address(dsn: str) -> Iterator[str]:
    """A running dashboard of a module's own `dsn`."""
    from tests.support.browser import serving

    with serving(dsn) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    from tests.support.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Any, address: str) -> Iterator[Any]:
    """A user of the dashboard, who meets no trouble."""
    from tests.support.browser import Visitor

    visitor = Visitor(browser, address)
    yield visitor
    visitor.context.close()
    assert visitor.trouble == []


@pytest.fixture
def db(dsn: str) -> Iterator[Connection[Any]]:
    """A connection to it."""
    with connect(dsn) as connection:
        yield connection


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 server on this machine."""
    import re
    import sys

    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        found = next(url for line in server.stderr if (url := re.search(r"http://127\.0\.0\.1:\d+", line)))
        threading.Thread(target=server.stderr.read, daemon=True).start()  # nobody reads what it says
        yield found[0]
        server.kill()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client for s3://lake; the program finds the server and its credentials in the environment.

    Clients take long to make, so s3fs keeps them, and those of the program, for the next test.
    """
    import s3fs

    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret that nobody may see")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    client = s3fs.S3FileSystem(use_listings_cache=False)
    client.call_s3("create_bucket", Bucket="lake")
    yield client
    client.rm("lake", recursive=True)


@pytest.fixture
def run_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``sparkify`` in this process, which is quicker, where a separate one would show the same."""
    from sparkify.cli import main

    def run(*arguments: object, dsn: str = "") -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        words = [str(argument) for argument in arguments]
        with monkeypatch.context() as patch:
            if dsn:
                patch.setenv("SPARKIFY_DSN", dsn)
            try:
                code = main(words)
            except SystemExit as left:  # the parser's way
                code = left.code if isinstance(left.code, int) else 1
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def real_sample() -> Path:
    """The folder with the real sample."""
    return real_data("sparkify")


@pytest.fixture(scope="session")
def real_catalogue() -> Path:
    """The folder with the larger real catalogue."""
    return real_data("catalogue")


def _drop(maintenance: Connection[Any], names: list[str]) -> None:
    for name in names:
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def pytest_report_header() -> str:
    """Which server the tests run on."""
    if not TEST_DSN:
        return "PostgreSQL: embedded"
    with psycopg.connect(TEST_DSN) as connection:
        return f"PostgreSQL: {connection.info.server_version / 10000:.0f}, from SPARKIFY_TEST_DSN"
