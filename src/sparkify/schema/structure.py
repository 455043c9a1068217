"""What the program's own statements create: tables, views, indexes and functions, read out of these statements.

So nobody keeps a list that could grow old: what is checked, what is dropped, and which names must not be taken all follow
from the statements. These are ours, a column a line; this is no parser of SQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sparkify.database.queries import queries
from sparkify.sql_queries import create_table_queries

SCHEMAS: Final = ("public", "analytics", "etl", "partitions", "staging")

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\S+) \(\n(.*?)\n\)( PARTITION BY)?", re.DOTALL)
_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\S+)")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (\S+)\s+ON (\S+)")
_INDEX_OF_KEY = re.compile(r"CONSTRAINT (\w+) (?:PRIMARY KEY|UNIQUE)")
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\S+?)\((.*?)\) RETURNS (\w+)")
_COLUMN = re.compile(r"^\s+([a-z_]+)\s+[a-z]")  # constraints begin with a capital
_COLUMN_COMMENT = re.compile(r"COMMENT ON COLUMN (\S+)\.(\w+) IS")
_COMMENT = re.compile(r"--.*")
_CONSTRAINTS: Final = {
    "primary key": r"\bPRIMARY KEY\b",
    "unique": r"\bUNIQUE\b",
    "check": r"\bCHECK \(",
    "foreign key": r"\bREFERENCES\b",
}


@dataclass(frozen=True, slots=True)
class Structure:
    """All that the statements create. Names have their schema."""

    tables: dict[str, str]
    """Tables and the text between their parentheses."""

    partitioned: set[str]
    views: list[str]
    view_columns: list[tuple[str, str]]
    """(view, column): every one has a comment."""

    indexes: dict[str, str]
    """Indexes, and the tables they are on."""

    key_indexes: dict[str, str]
    """The same for keys that the statements name."""

    functions: dict[str, tuple[str, str]]
    """Functions, with arguments and result as PostgreSQL writes them."""


@cache
def structure() -> Structure:
    """Read the statements."""
    files = [queries(path) for path in ("schema/warehouse", "publish/rollups", "schema/views")]
    text = _COMMENT.sub(
        "",
        "\n".join((*create_table_queries, *(f["create"] for f in files), files[1]["index_heard_songs"])),
    )
    tables = {_qualified(name): body for name, body, _ in _TABLE.findall(text)}
    views = [_qualified(name) for name in _VIEW.findall(text)]
    return Structure(
        tables,
        {_qualified(name) for name, _, partitioned in _TABLE.findall(text) if partitioned},
        views,
        [
            (view, column)
            for f in files
            for view, column in _COLUMN_COMMENT.findall(f["comments"])
            if view in views
        ],
        {_beside(index, table): _qualified(table) for index, table in _INDEX.findall(text)},
        {_beside(key, table): table for table, body in tables.items() for key in _INDEX_OF_KEY.findall(body)},
        {name: (arguments, result) for name, arguments, result in _FUNCTION.findall(text)},
    )


def parameters() -> dict[str, Any]:
    """What the checks of the structure compare the database with, as arrays."""
    made = structure()
    columns = list(_columns(made.tables))
    constraints = [
        (table, kind, count)
        for table, body in made.tables.items()
        for kind, pattern in _CONSTRAINTS.items()
        if (count := len(re.findall(pattern, body)))
    ]
    of_heard_songs = [
        _beside(*found) for found in _INDEX.findall(queries("publish/rollups")["index_heard_songs"])
    ]  # made by the first load
    return {
        "relations": [*made.tables, *made.views],
        "column_relations": [table for table, *_ in columns],
        "columns": [column for _, column, _ in columns],
        "not_null": [not_null for *_, not_null in columns],
        "constraint_relations": [table for table, _, _ in constraints],
        "constraint_types": [kind for _, kind, _ in constraints],
        "constraint_counts": [count for _, _, count in constraints],
        "indexes": [name for name in made.indexes if name not in of_heard_songs],
        "indexes_of_heard_songs": of_heard_songs,
        "schemas": list(SCHEMAS),
    }


def names() -> dict[str, Any]:
    """What `not_ours` (schema/warehouse.sql) compares the database with, as arrays: names, and what makes a thing ours."""
    made = structure()
    indexes = made.indexes | made.key_indexes
    kinds = (
        {table: "p" if table in made.partitioned else "r" for table in made.tables}
        | dict.fromkeys(made.views, "v")
        | dict.fromkeys(indexes, "i")
    )
    columns = [*((table, column) for table, column, _ in _columns(made.tables)), *made.view_columns]
    return {
        "relations": list(kinds),
        "kinds": list(kinds.values()),
        "tables": [indexes.get(name) for name in kinds],
        "column_relations": [relation for relation, _ in columns],
        "columns": [column for _, column in columns],
        "functions": list(made.functions),
        "arguments": [arguments for arguments, _ in made.functions.values()],
        "results": [result for _, result in made.functions.values()],
    }


def _qualified(name: str) -> str:
    return name if "." in name else f"public.{name}"


def _beside(index: str, table: str) -> str:
    """The name of an index with the schema of its table."""
    return f"{_qualified(table).partition('.')[0]}.{index}"


def _columns(tables: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """The columns of the tables, and whether each is declared NOT NULL."""
    for table, body in tables.items():
        for line in body.splitlines():
            if match := _COLUMN.match(line):
                yield table, match[1], "NOT NULL" in line
