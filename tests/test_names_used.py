"""Benchmarks and attacks run seldom. So what they use of the program is looked for here."""

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from sparkify.database.queries import queries

ROOT = Path(__file__).parents[1]
SELDOM_RUN = sorted(path for folder in ("benchmarks", "torture") for path in (ROOT / folder).rglob("*.py"))
QUERIES = re.compile(r'\bqueries\("([\w/]+)"\)(?:\["(\w+)"\])?')


@pytest.mark.parametrize("path", SELDOM_RUN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_run_seldom_uses_names_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for file, name in QUERIES.findall(text):
        assert not name or name in queries(file), (file, name)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sparkify":
            module = import_module(node.module or "")
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                assert hasattr(module, alias.name) or find_spec(whole), whole
