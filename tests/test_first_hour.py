"""The first hour of a new user: make, the environment, the made-up sample, paths as shells pass them on."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from sparkify import etl, simulate
from sparkify.analytics.export import export_rejects
from sparkify.commands import load_sample
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.server import Server
from sparkify.server.home import home_folder
from sparkify.server.names import DATABASE, SAMPLE_DATABASE
from sparkify.simulate.sample import FOLDER
from tests.support.data import play, song, write
from tests.support.warehouse import checksums

ROOT = Path(__file__).resolve().parents[1]

CORE = "src/sparkify/core/_core.abi3.so"

# Stands in for both Pythons, the system's and the environment's, and every program of the environment.
PROGRAM = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$(basename "$0") $*" >> "$LOG"  # echo would read backslashes
case "$*" in
"-m venv "*)
    mkdir -p "$3/bin" && touch "$3/bin/pip" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/sparkify" ;;
"-c import sys, pip"*) [ -e "$here/pip" ] ;;
"-c import ensurepip"*) [ -z "$NO_VENV" ] ;;
"-c import sys;"*) [ -z "$OLD" ] ;;
"-c from setup import compiler"*) [ -z "$NO_COMPILER" ] ;;
"setup.py "*) touch src/sparkify/core/_core.abi3.so ;;
"-m pip "*"-r "*)
    [ -e "$here/pip" ] || exit 1
    if [ -n "$CTRL_C" ]; then trap : INT; kill -INT 0; exit 1; fi  # pip's own answer to Ctrl-C
    exit "${PIP:-0}" ;;
"-m sparkify.commands.load_sample --needed") echo "$NEEDED" ;;
"-m sparkify.commands.load_sample") echo postgresql:///sparkify_sample ;;
*) printf '%s\\n' "$SPARKIFY_DSN|$PGHOST" >> "$LOG"; shift; printf '%s' "$1" > "$LOG.data" ;;
esac
"""


class Checkout:
    """A copy of what make needs, with programs that only log how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "Makefile", folder)
        for name in (
            "pyproject.toml",
            "setup.py",
            CORE,
            "requirements/run.lock",
            "requirements/dashboard.lock",
            "requirements/notebook.lock",
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        (folder / "python").write_text(PROGRAM)
        (folder / "python").chmod(0o755)

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        inherited = {name: value for name, value in os.environ.items() if name not in {"DATA", "MAKEFLAGS"}}
        return subprocess.run(
            ["make", "PYTHON=./python", *words], cwd=self.folder, text=True, capture_output=True, check=False,
            env=inherited | {"LOG": str(self.log)} | environment, start_new_session=True,
        )  # fmt: skip

    @property
    def did(self) -> str:
        """The log of calls, without the checks whether the environment works."""
        return "\n".join(line for line in self.log.read_text().splitlines() if " -c " not in line)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with an environment, as make leaves it."""
    made = Checkout(tmp_path / "check out")
    programs = made.folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "pip").touch()
    for name in ("python", "sparkify"):
        shutil.copy(made.folder / "python", programs / name)
    for name in ("run", "dashboard", "notebook"):
        (programs.parent / name).write_text(f"{made.folder}\n")
    return made


# --- the environment


def test_the_environment_is_made_once(checkout: Checkout) -> None:
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "-m venv" not in checkout.did
    assert "-m pip" not in checkout.did


def test_a_changed_lock_file_is_installed_into_it(checkout: Checkout) -> None:
    lock = checkout.folder / "requirements" / "run.lock"
    os.utime(lock, ns=(later := (checkout.folder / ".venv/run").stat().st_mtime_ns + 1_000_000, later))
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "-m venv" not in checkout.did
    assert "-m pip" in checkout.did


def test_a_compiler_is_fetched_only_where_none_is(checkout: Checkout) -> None:
    (checkout.folder / ".venv/run").unlink()
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "zig.lock" not in checkout.did
    (checkout.folder / ".venv/run").unlink()
    assert checkout.make("etl", "DATA=x", NO_COMPILER="yes").returncode == 2
    assert "--require-hashes -r requirements/zig.lock" in checkout.did
    assert "sparkify etl" not in checkout.did


def test_the_core_is_built_again_after_a_change(checkout: Checkout) -> None:
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "setup.py" not in checkout.did
    sources = (checkout.folder / CORE).parent
    (sources / "event.c").touch()
    for expected in (1, 0):
        assert checkout.make("etl", "DATA=x").returncode == 0
        assert checkout.did.count("python setup.py -q build_ext --inplace") == expected


def without_pip(folder: Path) -> Path:
    """What `python3 -m venv` leaves behind on Debian without python3-venv."""
    shutil.rmtree(folder / ".venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=folder, check=True)
    return folder


def without_python(folder: Path) -> Path:
    (folder / ".venv/bin/python").unlink()
    (folder / ".venv/bin/python").symlink_to(folder / "gone")
    return folder


def interrupted(folder: Path) -> Path:
    (folder / ".venv/unfinished").touch()
    return folder


def moved(folder: Path) -> Path:
    return folder.rename(folder.with_name("moved"))


def copied(folder: Path) -> Path:
    """The worst case: the programs exist, but they belong to the other checkout."""
    return shutil.copytree(folder, folder.with_name("copied"), symlinks=True)


@pytest.mark.parametrize("harm", [without_pip, without_python, interrupted, moved, copied])
def test_a_broken_environment_is_made_anew(checkout: Checkout, harm: Callable[[Path], Path]) -> None:
    (checkout.folder / ".venv/old").touch()
    checkout.folder = harm(checkout.folder)
    checkout.log = checkout.folder / "log"
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert checkout.did.count("-m venv") == 1
    assert "-m pip" in checkout.did
    assert not (checkout.folder / ".venv/old").exists()
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "-m venv" not in checkout.did


def test_an_environment_of_a_real_python_with_pip_is_used(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True)
    for name in ("pip", "sparkify"):
        (next((tmp_path / ".venv/lib").iterdir()) / "site-packages" / f"{name}.py").touch()
    (tmp_path / "setup.py").write_text("def compiler(): ...")
    assert checkout.make(".venv/run").returncode == 0
    assert "-m venv" not in checkout.did


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@pytest.mark.parametrize(("goal", "lock"), [("etl", "run"), ("dashboard", "dashboard")])
def test_ctrl_c_while_pip_installs(checkout: Checkout, shell: str, goal: str, lock: str) -> None:
    """Shells differ: some exit with their program; bash goes on if the program, like pip, handles Ctrl-C."""
    if Path(shell).exists():
        (checkout.folder / f".venv/{lock}").unlink(missing_ok=True)
        assert checkout.make(goal, "DATA=x", f"SHELL={shell}", CTRL_C="yes").returncode in {2, -signal.SIGINT}
        assert "-m pip" in checkout.did
        assert "sparkify etl" not in checkout.did
        assert checkout.make(goal, "DATA=x").returncode == 0
        assert checkout.did.count("-m venv") == 1, "it may be half-made"


def test_an_installation_that_fails_is_tried_again(checkout: Checkout) -> None:
    (checkout.folder / ".venv/run").unlink()
    assert checkout.make("etl", "DATA=x", PIP="1").returncode == 2
    assert "sparkify etl" not in checkout.did
    assert checkout.make("etl", "DATA=x").returncode == 0
    assert "-m venv" not in checkout.did
    assert "-m pip" in checkout.did


@pytest.mark.parametrize(
    ("lack", "said"),
    [({"OLD": "yes"}, "3.11 or newer"), ({"NO_VENV": "yes"}, "apt install python3-venv")],
)
def test_a_python_that_cannot_is_one_line_and_leaves_nothing(
    tmp_path: Path, lack: dict[str, str], said: str
) -> None:
    checkout = Checkout(tmp_path)
    done = checkout.make("etl", "DATA=x", **lack)
    assert done.returncode == 2
    line, _ = done.stderr.splitlines()  # the other line is make's own
    assert said in line
    assert not (tmp_path / ".venv").exists()
    assert checkout.make("etl", "DATA=x").returncode == 0


def test_no_python_at_all_is_one_line(tmp_path: Path) -> None:
    said = Checkout(tmp_path).make("etl", "DATA=x", "PYTHON=no-such-python").stderr
    assert said.splitlines()[0].startswith(
        "sparkify needs Python 3.11 or newer, which no-such-python is not."
    )


# --- what is loaded and shown

# make drops white space at the beginning
TEXT = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]))
    .map(str.strip)
    .filter(lambda text: text[:1] not in {"", "-"})
)


@given(TEXT)
@settings(max_examples=10, deadline=None)
def test_any_path_reaches_the_program_as_it_is(made: Checkout, data: str) -> None:
    for words, environment in (([f"DATA={data}"], {}), ([], {"DATA": data})):
        assert made.make("-o.venv/run", "etl", *words, **environment).returncode == 0
        assert f"sparkify etl {data}\n" in made.did


@pytest.fixture(scope="module")
def made() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder))
        assert checkout.make("etl", "DATA=x").returncode == 0
        yield checkout


def test_without_data_the_sample_is_loaded_on_the_embedded_server(checkout: Checkout) -> None:
    done = checkout.make("etl", SPARKIFY_DSN="postgresql://mine", PGHOST="mine")
    assert "sparkify etl" not in checkout.did
    assert checkout.did.splitlines()[-2:] == ["sparkify top songs", "postgresql:///sparkify_sample|"]
    assert "made-up sample" in done.stdout
    assert "make etl DATA=dir" in done.stdout


@pytest.mark.parametrize("words", [["DATA=mine"], []])
def test_data_goes_to_the_usual_warehouse(checkout: Checkout, words: list[str]) -> None:
    (checkout.folder / "data").mkdir()
    done = checkout.make("etl", *words, SPARKIFY_DSN="postgresql://mine")
    loaded = "mine" if words else "data"
    where = "postgresql://mine|"
    assert checkout.did.splitlines() == [f"sparkify etl {loaded}", where, "sparkify top songs", where]
    assert "made-up" not in done.stdout


@pytest.mark.parametrize(
    ("needed", "data", "loads", "shows"),
    [
        ("", "mine", "sparkify etl mine", "usual"),
        ("yes", "mine", "sparkify etl mine", "usual"),
        ("", "", "", "usual"),
        ("yes", "", "python -m sparkify.commands.load_sample", "postgresql:///sparkify_sample"),
    ],
)
def test_what_the_dashboard_shows(checkout: Checkout, needed: str, data: str, loads: str, shows: str) -> None:
    done = checkout.make("dashboard", f"DATA={data}", NEEDED=needed, SPARKIFY_DSN="usual")
    did = [line for line in checkout.did.splitlines() if "pip" not in line and "--needed" not in line]
    assert did[-2:] == ["sparkify dashboard", f"{shows}|"]
    assert did[:-2][:1] == ([loads] if loads else [])
    assert ("made-up" in done.stdout) == (shows != "usual")


def test_the_notebooks_are_opened_for_this_machine_alone(checkout: Checkout) -> None:
    assert checkout.make("notebook", "NOTEBOOK=--no-browser", NEEDED="yes").returncode == 0
    opened, where = checkout.did.splitlines()[-2:]
    assert opened.startswith("python -m jupyterlab --ip=127.0.0.1 ")
    assert opened.endswith(" --no-browser")
    assert where == "postgresql:///sparkify_sample|"


def test_a_server_that_cannot_be_asked_is_not_taken_for_an_empty_one(checkout: Checkout) -> None:
    program = checkout.folder / ".venv/bin/python"
    program.write_text(PROGRAM.replace('echo "$NEEDED"', "exit 1"))
    assert checkout.make("dashboard").returncode == 2
    assert "sparkify dashboard" not in checkout.did


# --- the sample


DATABASES = (DATABASE, SAMPLE_DATABASE, "alone")


@pytest.fixture
def home(server_dsn: str, maintenance: Connection[Any]) -> Iterator[Path]:
    """The home of the embedded server that the tests use."""
    folder = Path(str(conninfo_to_dict(server_dsn)["host"]))
    if folder.name != "run":
        pytest.skip("the tests do not run on an embedded server")
    yield folder.parent
    for name in DATABASES:
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def here(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small sample and the user's own data; there is no server but the embedded one."""
    monkeypatch.setenv("SPARKIFY_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    simulate.simulate(FOLDER, users=5, songs=20, days=2, workers=1)
    (tmp_path / FOLDER / ".sparkify-sample").touch()
    write(tmp_path, "mine/song_data/a.json", song())
    write(tmp_path, "mine/log_data/a.json", *(play(userId=str(user), firstName="Mine") for user in range(30)))
    return tmp_path


def content(dsn: str) -> dict[str, str]:
    with connect(dsn) as connection:
        return checksums(connection)


NOTHING = "There is no database sparkifydb yet. Load your data: sparkify etl DATA"


def psql(query: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparkify", "db", "psql", "--", "-Atc", query]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_sample_and_data_never_meet(
    here: Path, capsys: pytest.CaptureFixture[str], run_here: Any
) -> None:
    """Load the sample, then own data, then both again: each warehouse holds only its own."""
    assert load_sample.main(["--needed"]) == 0
    assert capsys.readouterr().out == "yes\n"
    assert run_here("top", "songs").stderr == f"sparkify: {NOTHING}\n"
    assert psql("SELECT 1").stderr == f"sparkify: {NOTHING}\n"
    assert run_here("db", "start").stderr.splitlines()[1:] == [NOTHING]
    seen = []
    for _ in range(2):
        assert load_sample.main([]) == 0
        said = capsys.readouterr()
        assert said.out == f"{Server().url(SAMPLE_DATABASE)}\n"
        assert "Loaded" in said.err
        if not seen:  # for users who forget where the sample is
            done = run_here("top", "songs")
            assert (done.returncode, done.stderr.startswith(f"sparkify: {NOTHING}. The made-up sample")) == (
                1,
                True,
            )
            assert psql("SELECT 1").stderr.endswith(": add --database sparkify_sample\n")
            assert run_here("db", "start").stderr.endswith(": sparkify db psql --database sparkify_sample\n")
        seen.append(content(said.out.strip()))
        etl.run("mine")
        assert load_sample.main(["--needed"]) == 0
        assert capsys.readouterr().out == ""
    assert seen[0] == seen[1]
    etl.run("mine", dsn=Server().url("alone"))
    assert content(Server().url()) == content(Server().url("alone"))
    assert psql("SELECT current_database()").stdout == "sparkifydb\n"
    assert len(run_here("db", "start").stderr.splitlines()) == 1


def test_what_would_mix_them_is_refused(here: Path, run_here: Any) -> None:
    (here / "link").symlink_to("sample")
    for folder in ("sample", "sample/", "./sample", str(here / "sample"), "link"):
        done = run_here("etl", folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert "made-up sample" in done.stderr
    assert run_here("etl", "--song-data", "sample/song_data", "--log-data", "mine/log_data").returncode == 2
    assert run_here("etl", "mine", "--log-data", "sample/log_data/2018").returncode == 2
    sample_dsn = Server().url(SAMPLE_DATABASE)
    for words in (
        ("mine",),
        ("mine", "--song-data", "sample/song_data"),
        ("sample", "--log-data", "mine/log_data"),
    ):
        done = run_here("etl", *words, dsn=sample_dsn)
        assert done.returncode == 2
        assert "made-up sample only" in done.stderr


def test_a_service_that_names_its_database(
    here: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A database that the DSN does not name is known once the server has answered."""
    create_tables(Server().url(SAMPLE_DATABASE))
    given = conninfo_to_dict(Server().url(SAMPLE_DATABASE))
    (tmp_path / "services").write_text("[svc]\n" + "".join(f"{k}={v}\n" for k, v in given.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    done = run_here("etl", "mine", dsn="service=svc")
    assert (done.returncode, "made-up sample only" in done.stderr) == (2, True)


def test_the_sample_ignores_the_server_that_is_set(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    libpqs = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")
    for name in ("SPARKIFY_DSN", *libpqs):
        monkeypatch.setenv(name, "203.0.113.1" if "HOST" in name else "1")
    asked: list[list[str]] = []

    def command(words: list[str]) -> int:
        assert not any(name in os.environ for name in libpqs)
        asked.append(words)
        return 0

    monkeypatch.setattr("sparkify.cli.main", command)
    assert load_sample.main([]) == 0
    url = capsys.readouterr().out.strip()
    assert url == Server().url(SAMPLE_DATABASE)
    assert asked == [["etl", "sample", "--dsn", url]]


def test_the_sample_is_made_whole_or_made_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []
    code = 130

    def command(words: list[str]) -> int:
        asked.append(words)
        return code

    monkeypatch.setattr("sparkify.cli.main", command)
    (here / FOLDER / ".sparkify-sample").unlink()
    assert load_sample.main([]) == 130
    assert asked == [["simulate", "sample", "--force"]]
    assert capsys.readouterr().out == ""
    code = 0
    assert load_sample.main([]) == 0
    assert [words[0] for words in asked] == ["simulate", "simulate", "etl"]
    assert load_sample.main([]) == 0
    assert [words[0] for words in asked[3:]] == ["etl"]


# --- paths that begin with ~


def test_the_home_folder_is_found_wherever_a_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dsn: str, run_here: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SPARKIFY_HOME", "~/server")
    assert home_folder() == tmp_path / "server"
    write(tmp_path, "x/song_data/a.json", song())
    write(tmp_path, "x/log_data/a.json", play(), "{")
    report = etl.run(Path("~/x"), dsn=dsn, dry_run=True)
    assert report.files_found == 2
    assert (
        run_here("etl", "--song-data", "~/x/song_data", "--log-data", "~/x/log_data", dsn=dsn).returncode == 0
    )
    assert etl.run("~/x", dsn=dsn).files_new == 0
    assert export_rejects("~/rejects", dsn=dsn, reason="invalid_json") == 1
    assert (tmp_path / "rejects").exists()
    assert (
        run_here("rejects", "export", "--file=~/x/log_data/a.json", "--out=~/other", dsn=dsn).returncode == 0
    )
    assert len((tmp_path / "other").read_text().splitlines()) == 1
    assert run_here("simulate", "~/made", "--users", "2", "--songs", "5", "--days", "1").returncode == 0
    assert (tmp_path / "made" / "song_data").is_dir()
    done = run_here("etl", "~nobody-has-this-name/x", dsn=dsn)
    assert (done.returncode, "~nobody-has-this-name/x" in done.stderr) == (2, True)


def test_dash_and_make_hand_the_tilde_on(made: Checkout) -> None:
    command = shlex.join(["make", "PYTHON=./python", "etl"]) + " DATA=~/x"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=made.folder, env=os.environ | {"LOG": str(made.log)},
        check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0
