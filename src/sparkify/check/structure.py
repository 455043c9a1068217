"""What the program's own statements create: tables, columns, keys and indexes, read out of these statements.

So the check needs no list that could grow old. The statements are ours, a column a line; this is no parser of SQL.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from sparkify import sql
from sparkify.sql_queries import create_table_queries

SCHEMAS: Final = ("public", "analytics", "etl", "partitions", "staging")

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\S+) \(\n(.*?)\n\)", re.DOTALL)
_VIEW = re.compile(r"CREATE OR REPLACE (?:MATERIALIZED )?VIEW (\S+)")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (\S+)\s+ON (\S+)")
_COLUMN = re.compile(r"^\s+([a-z_]+)\s+[a-z]")  # constraints begin with a capital
_COMMENT = re.compile(r"--.*")
_CONSTRAINTS: Final = {
    "primary key": r"\bPRIMARY KEY\b",
    "unique": r"\bUNIQUE\b",
    "check": r"\bCHECK \(",
    "foreign key": r"\bREFERENCES\b",
}


def parameters() -> dict[str, Any]:
    """What the checks of the structure compare the database with, as arrays."""
    text = _COMMENT.sub(
        "",
        "\n".join(
            (*create_table_queries, *(sql.load(name)["create"] for name in ("warehouse", "rollups", "views")))
        ),
    )
    tables = {_qualified(name): body for name, body in _TABLE.findall(text)}
    columns = [(table, *column) for table, body in tables.items() for column in _columns(body)]
    constraints = [
        (table, kind, count)
        for table, body in tables.items()
        for kind, pattern in _CONSTRAINTS.items()
        if (count := len(re.findall(pattern, body)))
    ]
    later = sql.load("rollups")["index_heard_songs"]
    return {
        "relations": [*tables, *map(_qualified, _VIEW.findall(text))],
        "column_relations": [table for table, *_ in columns],
        "columns": [column for _, column, _ in columns],
        "not_null": [not_null for *_, not_null in columns],
        "constraint_relations": [table for table, _, _ in constraints],
        "constraint_types": [kind for _, kind, _ in constraints],
        "constraint_counts": [count for _, _, count in constraints],
        "indexes": [*_indexes(text)],
        "indexes_of_heard_songs": [*_indexes(later)],
        "schemas": list(SCHEMAS),
    }


def _qualified(name: str) -> str:
    return name if "." in name else f"public.{name}"


def _indexes(text: str) -> Iterator[str]:
    for index, table in _INDEX.findall(text):
        yield f"{_qualified(table).partition('.')[0]}.{index}"


def _columns(body: str) -> Iterator[tuple[str, bool]]:
    """The columns of a table, and whether each is declared NOT NULL."""
    for line in body.splitlines():
        if match := _COLUMN.match(line):
            yield match[1], "NOT NULL" in line
