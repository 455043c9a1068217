"""What commands print. Output that cannot be written: never a traceback, but one line that says so, if it
can be written."""

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparkify import etl
from sparkify.commands.output import by_level, print_csv
from tests.support.data import NOVEMBER, play, song, write

FULL = Path("/dev/full")
NO_SPACE = "sparkify: Cannot write to stdout: No space left on device."
TEXT = [
    "top songs",
    "top users",
    "report",
    "status",
    "rejects list",
    "rejects show",
    "rejects retry",
    "etl DATA",
]
COMMANDS = [
    *TEXT, "top users --csv", "report --json", "status --json", "rejects show --json", "rejects export",
    "rejects drop --file nonsense --json", "runs list", "check --json", "forget 99 --dry-run",
    "forget 99 --json", "etl DATA --json", "etl DATA --dry-run",
    "--help", "--version", "etl --help", "rejects",
]  # fmt: skip
CHANGED = {
    "etl DATA": "The load is done.", "etl DATA --json": "The load is done.",
    "etl DATA --dry-run": "Nothing was loaded.",
    "forget 99 --dry-run": "Nothing was changed.", "forget 99 --json": "They are forgotten.",
    "rejects retry": "What passed is loaded.",
    "rejects drop --file nonsense --json": "The lines are dismissed.",
}  # fmt: skip
# Runs each command in one process and prints its exit code.
ALL = """
import sys
from sparkify.cli import main
for words in sys.argv[1:]:
    print("#", words, file=sys.stderr)
    print("=", main(words.split()), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with names that ASCII cannot encode, one of them a file's."""
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song(title="Où es-tu", artist_name="Juniper Röck"))
    plays = (
        play(
            NOVEMBER + at,
            itemInSession=at,
            song="Où es-tu",
            artist="Juniper Röck",
            location="Zürich",
            firstName="愛",
        )
        for at in range(3)
    )
    write(root, "log_data/é.json", *plays, '{"é')
    return root


@pytest.fixture(scope="module")
def loaded(data: Path, module_dsn: str) -> str:
    etl.run(data, dsn=module_dsn)
    return module_dsn


def run(command: str, dsn: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line in the shell."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command.replace("DATA", '"$DATA"'), shell=True, capture_output=True, text=True, check=False,
        timeout=120,
        env={**os.environ, "PATH": path, "SPARKIFY_DSN": dsn, **environment},
    )  # fmt: skip


def run_all(
    commands: list[str], data: Path, dsn: str, out: Any, **environment: str
) -> dict[str, tuple[int, str]]:
    """Run each command with stdout to `out`; returns its exit code and its stderr."""
    words = [command.replace("DATA", str(data)) for command in commands]
    done = subprocess.run(
        [sys.executable, "-c", ALL, *words], stdout=out, stderr=subprocess.PIPE, check=False, timeout=300,
        env={**os.environ, "SPARKIFY_DSN": dsn, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^# .*\n", done.stderr.decode("utf-8", "surrogateescape"), flags=re.MULTILINE)[1:]
    found = {}
    for command, part in zip(commands, parts, strict=True):
        said, _, code = part.rpartition("= ")
        found[command] = int(code), said
    return found


@pytest.fixture(scope="module")
def full(data: Path, loaded: str) -> Iterator[dict[str, tuple[int, str]]]:
    if not FULL.exists():
        pytest.skip("this system has no /dev/full")
    with FULL.open("wb") as out:
        yield run_all(COMMANDS, data, loaded, out)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(full: dict[str, tuple[int, str]], command: str) -> None:
    code, said = full[command]
    if command == "rejects":  # wrong usage: it writes nothing
        assert (code, said.count("\n")) == (2, 1)
        return
    assert code == 1
    done = f" {CHANGED[command]}" if command in CHANGED else ""
    assert said == f"{NO_SPACE}{done}\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("sparkify status --json", {"PYTHONDEVMODE": "1"}),
        ("sparkify --help", {}),
        ("sparkify --help", {"PYTHONUNBUFFERED": "1"}),
        ("python -m sparkify.etl DATA", {}),
    ],
)
def test_a_full_disk_to_the_end_of_the_process(
    data: Path, loaded: str, command: str, settings: dict[str, str]
) -> None:
    """Python flushes its buffers when it exits."""
    done = run(f"{command} > /dev/full", loaded, DATA=str(data), **settings)
    assert done.returncode == 1
    assert done.stderr == NO_SPACE + (" The load is done.\n" if "etl" in command else "\n")


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda environment: "-".join(environment.values()))
def test_a_terminal_that_lacks_characters(
    data: Path, loaded: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    with (tmp_path / "out").open("wb") as out:
        for command, (code, said) in run_all(TEXT, data, loaded, out, **environment).items():
            assert code == 0, f"{command}: {said}"
            assert "Traceback" not in said
    encoding = "latin-1" if "latin-1" in environment.values() else "ascii"
    shown = (tmp_path / "out").read_bytes().decode(encoding)  # no byte of another encoding
    assert "Juniper" in shown
    if encoding == "ascii":
        assert "O\\xf9 es-tu" in shown
    assert "\\u611b" in shown


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed(data: Path, loaded: str, streams: str) -> None:
    """No file or connection gets the descriptor of a closed stream: messages would be written into it."""
    commands = ("sparkify etl DATA", "sparkify rejects export", "sparkify nonsense")
    load, show, wrong = (f"{command} {streams}" for command in commands)
    command = f"{load}; {show} || echo failed; {wrong}"
    done = run(command, loaded, DATA=str(data), **ENCODINGS[-1])
    can_write = streams.startswith("2>")
    assert ("failed" in done.stdout) is not can_write
    assert done.returncode == 2
    assert ("Loaded 0 new of 2" in done.stdout) is can_write
    lost = "sparkify: Cannot write to stdout: Bad file descriptor."
    said = [f"{lost} The load is done.", lost, "sparkify: argument COMMAND: invalid choice: 'nonsense'"]
    lines = done.stderr.splitlines() if streams == ">&-" else said
    assert [line.startswith(start) for line, start in zip(lines, said, strict=True)] == [True] * 3
    assert streams == ">&-" or not done.stderr


@pytest.mark.parametrize("command", ["status", "--help"])
def test_a_reader_that_has_enough(loaded: str, command: str) -> None:
    done = run(f"(sparkify {command}; echo $? >&2) | head -c 1", loaded)
    assert (len(done.stdout), done.stderr) == (1, "0\n")


def test_a_pipe_that_does_not_wait() -> None:
    """A program that shares the pipe may have made it non-blocking."""
    code = "from sparkify.commands import streams\nwith streams.safe(): print('x' * 999_999)"
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with (
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True
        ) as process,
        os.fdopen(reading, "rb") as pipe,
    ):
        os.close(writing)
        read = len(pipe.read())
        assert process.communicate()[1] == ""
    assert read == 1_000_000


@given(
    st.lists(st.text(alphabet=st.sampled_from("a,\"'\r\n\t ;=\u2028"), max_size=5), min_size=1, max_size=4)
)
@example(["cr\rhere"])
def test_rows_come_back_from_csv(texts: list[str]) -> None:
    """Whatever a text has: also a carriage return alone, which ends a row for many readers."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_csv([{"name": text, "plays": 1} for text in texts])
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [
        ["name", "plays"], *([text, "1"] for text in texts),
    ]  # fmt: skip
    assert out.getvalue().startswith("name,plays\n")
    assert not out.getvalue().endswith("\r\n")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_no_controls_from_csv(*, is_terminal: bool) -> None:
    out = io.StringIO()
    out.isatty = lambda: is_terminal  # type: ignore[method-assign]
    with contextlib.redirect_stdout(out):
        print_csv([{"name": "\x1b[2J"}])
    assert out.getvalue() == ("name\n\\x1b[2J\n" if is_terminal else "name\n\x1b[2J\n")


@pytest.mark.parametrize(
    ("plays", "said"),
    [
        ({"free": 2, "paid": 1}, "free 2, paid 1"),
        ({"": 1, "free": 20, "paid": 1000}, "(empty) 1, free 20, paid 1,000"),
        ({"family": 1, "free": 2, "paid": 1, "student": 3}, "family 1, free 2, student 3, other levels 1"),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, "c 3, d 4, e 5, other levels 3"),
    ],
)
def test_no_level_is_left_out(plays: dict[str, int], said: str) -> None:
    assert by_level([{"level": level, "plays": count} for level, count in plays.items()]) == said
