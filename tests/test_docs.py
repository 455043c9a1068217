"""The docs are true: commands parse, links work, every reason and option is listed, snippets run."""

# ruff: noqa: SLF001  argparse has no public way to ask a parser what it takes

import argparse
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from benchmarks.docs import KEPT, PERFORMANCE, RESULTS, filled
from sparkify import cli, etl
from sparkify.commands import arguments as codes
from sparkify.database.connection import connect
from sparkify.errors import UsageError
from sparkify.extract.compression import COMPRESSIONS
from sparkify.extract.rejects import REASONS as ALL_REASONS
from sparkify.extract.rejects import Reject
from sparkify.schema.rollups import NAMES
from sparkify.transform.judge import judge_event
from tests.support.data import NOVEMBER, play, song, write

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"\$\(sparkify ([^)]*)\)|(?<![\w(.-])(?<!: )sparkify ([^\n]*)")
DAY = 86_400_000


def blocks(page: str, language: str) -> list[str]:
    return [body for name, body in _FENCE.findall(TEXTS[page]) if name == language]


def code(text: str) -> Iterator[str]:
    """The code in a page: inline code, and the lines of blocks that are neither Python nor SQL."""
    for language, body in _FENCE.findall(text):
        if language not in {"python", "sql"}:
            yield from body.splitlines()
    yield from re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every ``sparkify …`` in the docs with its page, as arguments; ``start|stop`` gives two."""
    for page, text in TEXTS.items():
        for line in code(text):
            for match in _COMMAND.finditer(line):
                words = shlex.split(match[1] or match[2], comments=True)
                end = next(
                    (at for at, word in enumerate(words) if word in {">>", ">", "|", "&&"}), len(words)
                )
                plain = [word.strip("[]") for word in words[:end]]
                most = max((word.count("|") + 1 for word in plain), default=1)
                for choice in range(most):
                    parts = [word.split("|") for word in plain]
                    yield page, [part[min(choice, len(part) - 1)] for part in parts]


COMMANDS = sorted({(page, *arguments) for page, arguments in commands()})


def test_commands_were_found() -> None:
    assert {"docs/commands.md", "docs/how-to.md", "docs/server.md", "docs/simulator.md"} <= {
        page for page, *_ in COMMANDS
    }
    assert len(COMMANDS) > 40


def leaves(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for name, command in action.choices.items():
            yield from leaves(command, f"{path} {name}".strip())
    if not below:
        yield path, parser


LEAVES = dict(leaves(cli._parser()))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_parse(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    name = " ".join(command[1:])
    if any(f"{leaf} ".startswith(f"{name} ") for leaf in LEAVES):
        return  # only mentioned
    code = 0
    try:
        cli._parser().parse_args(command[1:])
    except SystemExit as end:
        code = end.code  # 0 after --help
    assert code == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", LEAVES)
def test_an_option_whose_value_is_two_dashes(name: str) -> None:
    """Python 3.11 takes them out, and neither checks nor converts what is left: nothing."""
    for action in LEAVES[name]._actions:
        if action.option_strings and action.nargs is None:
            needed = [next(iter(action.choices or ["1"])) for action in _positionals(LEAVES[name])]
            words = [*name.split(), *needed, f"{action.option_strings[-1]}=--"]
            try:
                options = cli._parser().parse_args(words)
            except UsageError:
                continue
            assert getattr(options, action.dest) in ("--", ["--"])


def _positionals(parser: argparse.ArgumentParser) -> list[Any]:
    return [action for action in parser._actions if not action.option_strings and action.nargs is None]


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_and_option_is_documented(name: str) -> None:
    rows = [row for row in TEXTS["docs/commands.md"].splitlines() if row.startswith("| `sparkify ")]
    (row,) = [row for row in rows if re.search(rf"`sparkify {name}\b", row)]
    where = row + (TEXTS["docs/simulator.md"] if name == "simulate" else "")
    for action in LEAVES[name]._actions:
        for option in action.option_strings:
            if option not in {"-h", "--help", "--dsn"}:  # every command has these
                assert re.search(rf"`{option}\b", where), f"{option} is not in {row}"
        if not action.option_strings and action.choices:
            for choice in action.choices:
                assert f"`sparkify {name} {choice}`" in row


@pytest.mark.parametrize("setting", sorted({"--dsn", *re.findall(r"\bSPARKIFY_[A-Z]+\b", SOURCES)}))
def test_every_setting_is_documented(setting: str) -> None:
    assert any(f"`{setting}" in text for text in TEXTS.values())


def test_exit_codes() -> None:
    documented = set(map(int, re.findall(r"^\| (\d+) \|", TEXTS["docs/commands.md"], re.MULTILINE)))
    ended = {codes.INTERRUPTED, 128 + signal.SIGTERM}
    assert documented == {codes.DONE, codes.FAILED, codes.WRONG_USAGE, codes.HELD} | ended
    assert documented == set(map(int, re.findall(r"^\| (\d+) \|", TEXTS["docs/how-to.md"], re.MULTILINE)))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    (page, link)
    for page, text in TEXTS.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text))
]


@pytest.mark.parametrize(("page", "link"), [(page, link) for page, link in LINKS if "://" not in link])
def test_links_lead_somewhere(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert target.exists()
    assert target.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(target.read_text(encoding="utf-8"))


def test_files_that_the_docs_name_exist() -> None:
    """A path in the docs is seen from the checkout or from src/sparkify; test files are in tests."""
    folders = (ROOT, ROOT / "src" / "sparkify", ROOT / "tests")
    for page, text in TEXTS.items():
        for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|sql|ipynb)|test_\w+\.py)`", text):
            assert any((folder / name).exists() for folder in folders), f"{page} names {name}"


@pytest.mark.parametrize("page", [RESULTS, PERFORMANCE], ids=lambda page: page.name)
def test_figures_are_those_of_the_benchmark(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert filled(text, json.loads(KEPT.read_text(encoding="utf-8"))["groups"]) == text


# --- the rules ----------------------------------------------------------------------------------------------

REASONS = re.findall(r"^\| `(\w+)` \|[^|]+\|([^|]*)\|[^|]+\|$", TEXTS["docs/rules.md"], re.MULTILINE)


def test_every_reject_reason_is_documented_once() -> None:
    names = [name for name, _ in REASONS]
    assert names == list(ALL_REASONS)
    assert sorted(names) == sorted(set(re.findall(r'Reject(?:ed)?\(\s*"(\w+)"', SOURCES)))


@pytest.mark.parametrize(("reason", "example"), [(r, e.strip(" `")) for r, e in REASONS if "`" in e])
def test_examples_of_rejects(reason: str, example: str) -> None:
    verdict = judge_event(example.encode(), (NOVEMBER, NOVEMBER + DAY))
    assert isinstance(verdict, Reject)
    assert verdict.reason == reason


def test_reasons_are_in_the_order_of_the_judge() -> None:
    """A line with several faults gets the reason that comes first in the table."""
    worse = b'{"page": "NextSong", "userId": %s'
    lines = {
        "invalid_utf8": b'{"a": "\\ud83c \\u0000", "a": "\xff"',
        "invalid_json": b'{"a": "\\ud83c \\u0000", "a": NaN}',
        "duplicate_key": b'[{"a": "\\ud83c \\u0000", "a": 1}]',
        "nul_character": b'["\\ud83c", "\\u0000"]',
        "lone_surrogate": b'["\\ud83c"]',
        "not_an_object": b"[1]",
        "missing_field": worse % b'null, "sessionId": "1"}',
        "wrong_type": worse % b'"a", "sessionId": 1e99}',
        "empty_field": worse % b'"", "sessionId": 1e99}',
        "out_of_range": worse % b'1e99, "sessionId": "1"}',
    }
    verdicts = [judge_event(line, (NOVEMBER, NOVEMBER + DAY)) for line in lines.values()]
    assert [verdict.reason for verdict in verdicts if isinstance(verdict, Reject)] == list(lines)
    assert [name for name, _ in REASONS if name in lines] == list(lines)


def test_an_empty_value_is_refused_as_documented() -> None:
    """Where the parser lets it in, the command refuses it in its own words."""
    accepting = set()
    for parser in LEAVES.values():
        for action in parser._actions:
            if action.nargs == 0 or action.choices:
                continue
            try:
                (action.type or str)("")  # type: ignore[operator]
            except (argparse.ArgumentTypeError, ValueError):
                continue
            accepting.add(action.dest)
    assert accepting == {"arguments", "data", "song_data", "log_data", "max_rejects"}
    for arguments in ([""], ["--song-data="], ["--log-data="], ["--max-rejects="]):
        assert cli.main(["etl", *arguments]) == codes.WRONG_USAGE


def test_what_there_is_is_listed() -> None:
    """A new rollup, page or compression is in the pages that list them all."""
    screens = (ROOT / "src/sparkify/dashboard/screens/__init__.py").read_text(encoding="utf-8")
    pages = re.findall(r'^    "([a-z-]+)": Screen\(', screens, re.MULTILINE)
    listed = {
        "docs/dashboard.md": [f"`/{page}`" for page in pages if page != "overview"],
        "docs/analytics.md": [f"`analytics.{name}`" for name in NAMES],
        "docs/rules.md": [f".{ending}" for ending in COMPRESSIONS],
        "docs/how-to.md": [f".{ending}" for ending in COMPRESSIONS],
    }
    for page, names in listed.items():
        assert names
        assert [name for name in names if name not in TEXTS[page]] == [], page


# --- how to change it -------------------------------------------------------------------------------------

GUIDE = TEXTS["CONTRIBUTING.md"]


def test_files_to_change_exist() -> None:
    table = GUIDE.partition("\n| change | files |\n| --- | --- |\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    assert len(rows) > 4
    for change, files in rows:
        named = re.findall(r"`([^`]+)`", files)
        assert named, change
        assert [name for name in named if not (ROOT / name).exists()] == [], change


def test_commands_to_contribute_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {target for line in code(GUIDE) for target in re.findall(r"\bmake ([a-z]+)", line)}
    assert {"test", "lint"} <= named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert [name for name in re.findall(r"\btests/\w+\.py\b", GUIDE) if not (ROOT / name).exists()] == []


def test_settings_of_the_tests_are_documented() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    settings = set(re.findall(r"\bSPARKIFY_TEST_[A-Z]+\b", tests))
    assert [name for name in sorted(settings) if f"`{name}`" not in GUIDE] == []


def test_make_help_fits_a_screen() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert len(shown.splitlines()) < 24
    assert [line for line in shown.splitlines() if len(line) > 80] == []


# --- the star and what runs on it ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    write(root, "data/song_data/a.json", song())
    write(
        root,
        "data/log_data/a.json",
        play(level="free"),
        play(NOVEMBER + DAY, itemInSession=1),
        play(NOVEMBER + DAY + 1, itemInSession=2, length=1.5),
        play(NOVEMBER + DAY + 2, itemInSession=3, song="In no Catalogue"),
        play(NOVEMBER + DAY + 3, itemInSession=4, page="Submit Upgrade"),
        play(NOVEMBER + DAY + 4, itemInSession=5, page="Thumbs Down"),
    )
    return root


@pytest.fixture(scope="module")
def loaded(data: Path, module_dsn: str) -> Iterator[Connection[Any]]:
    etl.run(data / "data", dsn=module_dsn)
    with connect(module_dsn) as connection:
        yield connection


SQL = [body for page in TEXTS for body in blocks(page, "sql")]


def test_sql_was_found() -> None:
    assert len(SQL) > 8


@pytest.mark.parametrize("query", SQL)
def test_sql_runs(loaded: Connection[Any], query: str) -> None:
    with loaded.transaction(force_rollback=True):
        # Roles belong to the server, not to a database: another test may have one of this name.
        cursor = loaded.execute(query.replace("analyst", f"analyst_{os.getpid()}"))  # type: ignore[call-overload]
        if query.lstrip().startswith("SELECT"):
            assert cursor.fetchall(), "on this data it should find something"


PYTHON = [
    (page, body)
    for page in ("README.md", "docs/how-to.md", "docs/analytics.md") for body in blocks(page, "python")
]  # fmt: skip


@pytest.mark.parametrize(("page", "body"), PYTHON)
def test_python_runs(
    loaded: Connection[Any],
    module_dsn: str,
    data: Path,
    page: str,
    body: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARKIFY_DSN", module_dsn)
    monkeypatch.chdir(data)
    names: dict[str, Any] = {}
    exec(body, names)  # noqa: S102  the docs are ours
    assert "report" not in names or names["report"].rows["songplays"] == 4


def test_digests_are_as_documented(loaded: Connection[Any]) -> None:
    names: dict[str, Any] = {}
    for body in blocks("docs/rules.md", "python"):
        exec(body, names)  # noqa: S102  the docs are ours
    rows = loaded.execute(
        "SELECT songplay_id, user_id, session_id, item_in_session, (extract(epoch FROM start_time) *"
        " 1000)::bigint,"
        " heard_song_id, title, artist, length FROM songplays JOIN analytics.heard_plays USING (start_time,"
        " songplay_id)"
        " JOIN analytics.heard_songs USING (heard_song_id)"
    ).fetchall()
    assert len(rows) == 4
    for songplay_id, user_id, session_id, item, ts, heard_song_id, title, artist, length in rows:
        assert names["songplay_id"](user_id, session_id, item, ts) == songplay_id
        assert names["heard_song_id"](title, artist, length) == heard_song_id


def test_the_picture_of_the_schema(loaded: Connection[Any]) -> None:
    """The README shows the star as it is: in the picture each table is a group of texts, its name first."""
    script = runpy.run_path(str(ROOT / "docs" / "make_picture.py"))
    picture = script["FILE"].read_text(encoding="utf-8")
    assert picture == script["picture"](), "run python docs/make_picture.py"
    star: dict[str, list[str]] = {}
    for table, column in loaded.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " ORDER BY table_name, ordinal_position"
    ):
        star.setdefault(table, []).append(column)
    drawn = {}
    for table in star:
        (group,) = re.findall(rf'<g id="{table}">(.*?)</g>', picture, re.DOTALL)
        name, *drawn[table] = re.findall(r"<text[^>]*>([^<]*)</text>", group)
        assert name == table
    assert drawn == star
