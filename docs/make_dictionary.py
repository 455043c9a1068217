"""Write docs/dictionary.md from the comments of a real warehouse.

    python docs/make_dictionary.py

It creates an empty warehouse in a separate database, on the server that sparkify would use, and drops it
afterwards.
"""

# ruff: noqa: INP001  a script, not part of a package

import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import namedtuple_row

from sparkify.create_tables import create_tables
from sparkify.database.connection import MAINTENANCE, connect, resolve

FILE: Final = Path(__file__).with_name("dictionary.md")
SCRATCH: Final = "sparkify_dictionary"

# PostgreSQL creates public with a comment, so this one stands here; the others come from the warehouse.
SCHEMAS: Final = {
    "public": "The star: one table of facts and four of dimensions.",
    "analytics": "",
    "etl": "",
}

HEAD: Final = """\
# Data dictionary

Every table and column that is there to be read, with what its comment in the warehouse says; a BI tool, or `\\d+` in
psql, shows the same. The first sentence on a table says its grain: what one row is.

This page is generated: change the comment below the table's CREATE statement (`sparkify.schema.structure` lists the files),
then run `python docs/make_dictionary.py`. Left out are `staging` (rows not published yet) and `partitions` (the months that
`songplays`, `time`, `heard_plays`, `page_views` and the large rollups consist of).
"""  # noqa: E501

# Partitions do not count as tables here. PostgreSQL does not know whether a view's columns can be NULL.
COLUMNS: Final = """
SELECT n.nspname AS schema, c.relname AS table, c.relkind = 'v' AS is_view,
       obj_description(n.oid, 'pg_namespace') AS schema_comment,
       obj_description(c.oid, 'pg_class') AS table_comment,
       c.oid AS table_id, a.attnum AS number, a.attname AS column,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null, col_description(c.oid, a.attnum) AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
ORDER BY array_position(%s, n.nspname::text),
         array_position(ARRAY['songplays', 'users', 'songs', 'artists', 'time'], c.relname::text),
                c.relname, a.attnum
"""

# A key to a partitioned table has a copy for each of its partitions: those have a parent.
KEYS: Final = """
SELECT conrelid AS table_id, contype AS kind, conkey AS columns, n.nspname AS to_schema, r.relname AS to_table
FROM pg_constraint k
LEFT JOIN pg_class r ON r.oid = k.confrelid
LEFT JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND k.conparentid = 0
ORDER BY array_position(ARRAY['p', 'u', 'f'], k.contype::text), cardinality(conkey), r.relname, k.conname
"""


def dictionary(connection: Connection[Any]) -> str:
    """The page for the warehouse that the connection is to."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        columns = cursor.execute(COLUMNS, [list(SCHEMAS)] * 2).fetchall()
        keys = cursor.execute(KEYS).fetchall()
    names = {(column.table_id, column.number): column.column for column in columns}
    lines = [HEAD]
    for schema, group in groupby(columns, key=lambda column: column.schema):
        of_schema = list(group)
        lines += [f"## {schema}", "", SCHEMAS[schema] or str(of_schema[0].schema_comment), ""]
        for _, of_table in groupby(of_schema, key=lambda column: column.table_id):
            lines += [*_table(list(of_table), keys, names), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(columns: list[Any], keys: list[Any], names: dict[tuple[int, int], str]) -> list[str]:
    table = columns[0]
    title = _name(table.schema, table.table) + (" (view)" if table.is_view else "")
    lines = [f"### {title}", "", str(table.table_comment), ""]
    lines += ["| column | type | NULL | keys | what it is |", "| --- | --- | --- | --- | --- |"]
    for column in columns:
        nullable = "" if table.is_view else "no" if column.not_null else "yes"
        cells = (f"`{column.column}`", column.type, nullable, _keys(column, keys, names), str(column.comment))
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return lines


def _keys(column: Any, keys: list[Any], names: dict[tuple[int, int], str]) -> str:
    said = []
    for key in keys:
        if key.table_id != column.table_id or column.number not in key.columns:
            continue
        others = [names[column.table_id, number] for number in key.columns if number != column.number]
        what = {"p": "primary", "u": "unique"}.get(key.kind) or _link(key)
        said.append(what + (f" with {', '.join(others)}" if others else ""))
    return "; ".join(dict.fromkeys(said))


def _link(key: Any) -> str:
    name = _name(key.to_schema, key.to_table)
    return f"→ [{name}](#{re.sub(r'[^a-z0-9_-]', '', name)})"


def _name(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_page(file: Path, page: Callable[[Connection[Any]], str]) -> None:
    """Create an empty warehouse, write the page about it, and drop it."""
    server = make_conninfo(resolve(), dbname=MAINTENANCE)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(SCRATCH))
    with connect(server) as maintenance:
        maintenance.execute(drop)
        dsn = make_conninfo(server, dbname=SCRATCH)
        try:
            create_tables(dsn)
            with connect(dsn) as connection:
                file.write_text(page(connection), encoding="utf-8")
        finally:
            maintenance.execute(drop)


if __name__ == "__main__":
    write_page(FILE, dictionary)
