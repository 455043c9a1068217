"""The statements that create the warehouse, in order, and what they create.

There is no second list of tables: these statements determine what is created, completed and dropped, which
names must be free, what `sparkify check` looks for, and what roles may read. This module is not an SQL
parser: it relies on our own layout, with one column a line and the comments below.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, LiteralString

from sparkify.database.queries import queries, script
from sparkify.schema import rollups
from sparkify.sql_queries import create_table_queries

SCHEMAS: Final = ("public", "analytics", "etl", "partitions", "staging")

_TABLE = re.compile(
    r"CREATE TABLE IF NOT EXISTS (\S+) \(\n(.*?)\n\)(?: PARTITION BY RANGE \((\w+)\))?", re.DOTALL
)
_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\S+)")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (\S+)\s+ON (\S+)")
_INDEX_OF_KEY = re.compile(r"CONSTRAINT (\w+) (?:PRIMARY KEY|UNIQUE)")
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\S+?)\((.*?)\)\s+RETURNS (\w+)")
_COLUMN = re.compile(r"^\s+([a-z_]+)\s+[a-z]")  # constraints begin with a capital
_COLUMN_COMMENT = re.compile(r"COMMENT ON COLUMN (\S+)\.(\w+) IS")
_COMMENT = re.compile(r"--.*")
_CONSTRAINTS: Final = {
    "primary key": r"\bPRIMARY KEY\b",
    "unique": r"\bUNIQUE\b",
    "check": r"\bCHECK \(",
    "foreign key": r"\bREFERENCES\b",
}


@cache
def statements() -> list[LiteralString]:
    """All statements that create the warehouse, in order; each may be repeated.

    To add a table, add it to one of the files, or a file to this list.
    """
    return [
        script("schema/schemas"),
        script("schema/functions"),
        script("schema/places"),
        *create_table_queries,
        script("schema/runs"),
        script("schema/files"),
        script("schema/staged"),
        script("schema/catalogue"),
        script("schema/plays"),
        script("schema/page_views"),
        script("schema/users"),
        *(rollups.queries_of(name)["table"] for name in rollups.NAMES),
        script("schema/views"),
        script("schema/activity_views"),
    ]


def _later() -> LiteralString:
    """The indexes that the first load builds: that costs a quarter of growing them with every song."""
    return queries("publish/listening")["index_heard_songs"]


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything that the statements create. Names include the schema."""

    tables: dict[str, str]
    """Tables, with the text between their parentheses."""

    partitioned: dict[str, str]
    """Partitioned tables, with the column that each is partitioned by."""

    views: list[str]
    view_columns: list[tuple[str, str]]
    """(view, column), for each column with a comment."""

    indexes: dict[str, str]
    """Indexes, with the tables they are on."""

    key_indexes: dict[str, str]
    """Named keys, with the tables they are on."""

    functions: dict[str, tuple[str, str]]
    """Functions, with arguments and result as PostgreSQL writes them."""


@cache
def structure() -> Structure:
    """Read from the statements what they create."""
    text = _COMMENT.sub("", "\n".join((*statements(), _later())))
    tables = {_qualified(name): body for name, body, _ in _TABLE.findall(text)}
    views = [_qualified(name) for name in _VIEW.findall(text)]
    return Structure(
        tables,
        {_qualified(name): key for name, _, key in _TABLE.findall(text) if key},
        views,
        [(relation, column) for relation, column in _COLUMN_COMMENT.findall(text) if relation in views],
        _indexes(text),
        {_beside(key, table): table for table, body in tables.items() for key in _INDEX_OF_KEY.findall(body)},
        {name: (arguments, result) for name, arguments, result in _FUNCTION.findall(text)},
    )


@cache
def parameters() -> dict[str, Any]:
    """Our structure as arrays, with which the checks compare the database."""
    made, later = structure(), _indexes(_later())
    columns = list(_columns(made.tables))
    constraints = [
        (table, kind, count)
        for table, body in made.tables.items()
        for kind, pattern in _CONSTRAINTS.items()
        if (count := len(re.findall(pattern, body)))
    ]
    return {
        "relations": [*made.tables, *made.views],
        "column_relations": [table for table, *_ in columns],
        "columns": [column for _, column, _ in columns],
        "not_null": [not_null for *_, not_null in columns],
        "constraint_relations": [table for table, _, _ in constraints],
        "constraint_types": [kind for _, kind, _ in constraints],
        "constraint_counts": [count for _, _, count in constraints],
        "indexes": [name for name in made.indexes if name not in later],
        "indexes_of_heard_songs": list(later),
        "partitioned": list(made.partitioned),
        "partitioned_by_month": [key == "month" for key in made.partitioned.values()],
        "schemas": list(SCHEMAS),
    }


@cache
def names() -> dict[str, Any]:
    """Our names and the form of each as arrays, for `not_ours` (create_tables.sql)."""
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


def _indexes(text: str) -> dict[str, str]:
    return {_beside(index, table): _qualified(table) for index, table in _INDEX.findall(text)}


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
