"""The program's SQL keeps a few rules, so that one can find one's way in it (CONTRIBUTING.md)."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import sparkify
from sparkify.database.queries import queries
from sparkify.publish import staged
from sparkify.schema.rollups import RECENT, ROLLUPS, SOURCES, WHOLE, Rollup

SOURCE = Path(sparkify.__file__).parent
LONGEST_FILE = 300

SQL_FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.sql"))
PYTHON_FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

_PLANNER_SWITCH = re.compile(
    r"\b(?:SET(?:\s+LOCAL|\s+SESSION)?|RESET)\s+"
    r"(enable_\w+|plan_cache_mode|default_statistics_target|work_mem)\b",
    re.IGNORECASE,
)
_LIST_FOR_EACH_ROW = re.compile(r"NOT IN \(SELECT|IN \(SELECT(?:[^()]|\([^()]*\))*\) AS\b")
SHORT_LISTS = {"operations/check/runs.sql", "publish/rollups/session_starts.sql"}  # of runs and of days
_MADE = re.compile(
    r"\bCREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\s+(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:pg_temp\.)?([\w{}]+)"
)
_COMMON_TABLE = re.compile(
    r"(?:\bWITH(?:\s+RECURSIVE)?\s+|,\s*|^)(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.MULTILINE
)
_STATEMENT = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|LOCK|ANALYZE"
    r"|VACUUM|COPY|SET)\s"
)


def all_queries(path: str) -> dict[str, str]:
    """The queries of a file by name, with their headers."""
    _, *parts = re.split(r"^-- name: (\w+)\n", (SOURCE / path).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


QUERIES = [(path, name, text) for path in SQL_FILES for name, text in all_queries(path).items()]


def header(query: str) -> tuple[str, dict[str, list[str]]]:
    """The purpose of a query, and the names after ``reads:`` and ``makes:``."""
    purpose: list[str] = []
    declared: dict[str, list[str]] = {"reads": [], "makes": []}
    for line in query.splitlines():
        if not line.startswith("--"):
            break
        text = line.removeprefix("--").strip()
        key, colon, names = text.partition(": ")
        if key == "do":  # in a check, what to do about its findings
            break
        if colon and key in declared:
            declared[key] = names.split(", ")
        else:
            purpose.append(text)
    return " ".join(purpose), declared


def statements(query: str) -> str:
    """A query without comments."""
    return re.sub(r"--.*", "", query)


@cache
def temporary_tables() -> frozenset[str]:
    """The temporary tables that any query makes in PostgreSQL."""
    return frozenset(name for *_, text in QUERIES for name in _MADE.findall(statements(text)))


def used(query: str) -> set[str]:
    """The temporary tables that a query makes, reads, changes or drops."""
    text = statements(query)
    own = set(_COMMON_TABLE.findall(text)) - set(_MADE.findall(text))
    return {name for name in temporary_tables() - own if _stands_as_a_table(name, text)}


def _stands_as_a_table(name: str, text: str) -> bool:
    """Whether a name is where the name of a table is: after one of these words, or later in a list after
    one."""
    table = r"(?:pg_temp\.)?" + re.escape(name) + r"(?![\w.}])"
    words = "FROM|JOIN|UPDATE|USING|ANALYZE|TABLE|EXISTS|ONLY|LIKE|TRUNCATE"
    list_before = r"(?:[\w.{}]+(?:\s+(?:AS\s+)?\w+)?\s*,\s*)*"
    # After FROM, a name with parentheses is a function; after INTO, the parentheses hold columns.
    return re.search(rf"\bINTO\s+{table}|\b(?:{words})\s+{list_before}{table}(?!\s*\()", text) is not None


def test_a_query_says_in_a_sentence_what_it_is_for() -> None:
    purposes = {(path, name): header(text)[0] for path, name, text in QUERIES}
    sentence = re.compile(r"[A-Z`].+[.!?](\)| \(\S+\))?$")
    assert {query: purpose for query, purpose in purposes.items() if not sentence.match(purpose)} == {}


@pytest.mark.parametrize("path", SQL_FILES)
def test_a_query_declares_the_temporary_tables_that_it_reads_and_makes(path: str) -> None:
    """The declared names match the text of the query, and every name that is read is made by some query."""
    declared, found = {}, {}
    for name, query in all_queries(path).items():
        makes = set(_MADE.findall(statements(query)))
        # Questions make no tables. Their parts read common tables of the query around them, which may have
        # any name.
        reads = set() if path.startswith("analytics/") else used(query) - makes
        declared[name] = header(query)[1]
        found[name] = {"reads": sorted(reads), "makes": sorted(makes)}
    assert declared == found


@pytest.mark.parametrize(
    "name", [rollup.name for rollup in ROLLUPS if rollup.is_partitioned or rollup.can_be_staged]
)
def test_what_is_counted_from_a_staged_month_reads_nothing_else(name: str) -> None:
    """A definition that read a table by its name would also count what is in it of other months."""
    query = statements(all_queries(f"publish/rollups/{name}.sql")["definition"])
    own = {"unnest", "LATERAL", *_COMMON_TABLE.findall(query)}
    read = re.findall(r"\b(?:FROM|JOIN)\s+(?!\(|\{)([\w.]+)", re.sub(r"extract\(\w+ FROM", "", query))
    assert set(read) <= own


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.name)
def test_a_rollup_reads_what_there_is(rollup: Rollup) -> None:
    """The docstring of schema/rollups.py says what a definition and a scope may read."""
    known = {
        "definition": {*SOURCES, *RECENT, WHOLE, "staged_sessions", "wanted"},
        "scope": {"days", "event_days", "events", "followed"},
    }
    for name, names in known.items():
        read = {field for _, field, *_ in Formatter().parse(rollup.queries[name]) if field}
        assert read <= names, f"{rollup.name}.sql, {name}: {read - names} is none of {sorted(names)}"
    assert rollup.time


@pytest.mark.parametrize("path", SQL_FILES)
def test_a_file_of_sql_can_be_read_at_a_sitting(path: str) -> None:
    assert len((SOURCE / path).read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [path for path in SQL_FILES if path != "database/session.sql"])
def test_no_file_of_sql_sets_a_planner_switch(path: str) -> None:
    """It would hold for the statements that follow: `sparkify.database.planner` sets it for one."""
    assert _PLANNER_SWITCH.findall(statements((SOURCE / path).read_text())) == []


@pytest.mark.parametrize("path", sorted({*SQL_FILES} - SHORT_LISTS))
def test_a_list_is_joined(path: str) -> None:
    """PostgreSQL hashes these lists if they fit into work_mem. Else it reads the list again for every row."""
    assert not _LIST_FOR_EACH_ROW.search((SOURCE / path).read_text())


@pytest.mark.parametrize(
    "rule",
    [
        r"substr\(sha256\(",  # heard_song_id, songplay_id
        r"::bit\(64\)",  # track_id, artist_key, songplay_id
        r"\b86400\b",  # how long a play counts
        r"pg_get_expr\(",  # the bounds of a partition
        r"'open', 'publishing', 'held', 'failed'",  # which runs are unfinished
        r"'open', 'publishing'\)",  # which runs are at work
        r"user_agent\)?(, 'UTF8'| COLLATE| NULLS FIRST)",  # which variant of a play wins
    ],
)
def test_a_rule_is_defined_once(rule: str) -> None:
    """In the schema. The core has its own definitions; other tests hold them equal to these."""
    (path,) = (path for path in SQL_FILES if re.search(rule, (SOURCE / path).read_text()))
    assert path.startswith("schema/")


@cache
def syntax(path: str) -> ast.Module:
    return ast.parse((SOURCE / path).read_text())


@cache
def literals() -> frozenset[str]:
    """Every string that stands as a literal in the source."""
    return frozenset(
        node.value
        for path in PYTHON_FILES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_the_queries_of_a_month_have_different_names() -> None:
    names = [name for file in staged.FILES for name in queries(f"publish/{file}")]
    assert len(names) == len(set(names))


def test_a_query_is_called_by_its_name() -> None:
    """So a search for the name finds every caller."""
    called = {
        (path, name)
        for path, name, _ in QUERIES
        if not path.startswith("operations/check")  # `check` runs all of them
    }
    assert {(path, name) for path, name in called if name not in literals()} == set()


@pytest.mark.parametrize("path", PYTHON_FILES)
def test_no_name_of_a_query_is_composed(path: str) -> None:
    names = [name for _, name, _ in QUERIES]
    composed = [
        (pattern, name)
        for pattern in _composed(syntax(path))
        for name in names
        if re.fullmatch(pattern, name)
    ]
    assert composed == []


def _composed(tree: ast.AST) -> Iterator[str]:
    """A pattern for each f-string and concatenation that has at least three letters of its own and could be
    the name of a query."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                pieces = [
                    re.escape(str(value.value)) if isinstance(value, ast.Constant) else r"\w+"
                    for value in values
                ]
            case ast.BinOp(op=ast.Add(), left=left, right=right) if any(
                isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (left, right)
            ):
                pieces = [
                    re.escape(str(side.value)) if isinstance(side, ast.Constant) else r"\w+"
                    for side in (left, right)
                ]
            case _:
                continue
        if r"\w+" in pieces and re.search(r"[a-z]{3}", "".join(piece for piece in pieces if piece != r"\w+")):
            yield "".join(pieces)


@pytest.mark.parametrize(
    "path",
    [path for path in PYTHON_FILES if path != "sql_queries.py"],
)
def test_python_holds_no_statement_longer_than_a_line(path: str) -> None:
    """Longer ones have a name and a purpose in a .sql file. The statements of the star are in sql_queries.py
    by tradition."""
    long = [
        node.lineno
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and node.end_lineno != node.lineno
        and _STATEMENT.match(_text_of(node))
    ]
    assert long == []


def _text_of(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(value.value) for value in node.values if isinstance(value, ast.Constant))
