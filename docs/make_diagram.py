"""Write docs/diagram.md, the tables and their connections, from the catalog of a real warehouse.

    python docs/make_diagram.py

Like make_dictionary.py, it creates an empty warehouse for this and drops it afterwards.
"""

# ruff: noqa: INP001  a script, not part of a package

from itertools import groupby
from pathlib import Path
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import namedtuple_row

FILE: Final = Path(__file__).with_name("diagram.md")

HEAD: Final = """\
# Entity diagram

The tables of the star, and those of `analytics`, by the database's own catalog. What each column means is in the
[data dictionary](dictionary.md); the views that BI tools read are in [BI tools](bi.md).

This page is generated: run `python docs/make_diagram.py`. A line of the star is a foreign key. `analytics` has none, for they would cost a
load too much: there a line means that a column has the name of the other table's primary key.
"""  # noqa: E501

TITLES: Final = {"public": "The star", "analytics": "Analytics"}

COLUMNS: Final = """
SELECT n.nspname AS schema, c.relname AS table, a.attname AS column,
       split_part(replace(format_type(a.atttypid, NULL), 'timestamp with time zone', 'timestamptz'), ' ', 1)
              AS type,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND
              contype = 'p' AND a.attnum = ANY(conkey)) AS is_key
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY n.nspname DESC, c.relname, a.attnum
"""

# Foreign keys, and columns named like the only column of another table's primary key, if that table is named
# like the column.
LINES: Final = """
SELECT DISTINCT n.nspname AS schema, c.relname AS table, t.nspname AS to_schema, r.relname AS to_table,
       (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
              WHERE attrelid = c.oid AND attnum = ANY(conkey)) AS columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace t ON t.oid = r.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname = 'public'
UNION
SELECT n.nspname, c.relname, t.nspname, r.relname, a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_constraint k ON k.contype = 'p' AND cardinality(k.conkey) = 1 AND k.conrelid <> c.oid
JOIN pg_class r ON r.oid = k.conrelid JOIN pg_namespace t ON t.oid = r.relnamespace
JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = k.conkey[1] AND b.attname = a.attname
WHERE n.nspname = 'analytics' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND t.nspname IN ('public', 'analytics') AND a.attname = rtrim(r.relname, 's') || '_id'
ORDER BY 1, 2, 3, 4, 5
"""


def diagram(connection: Connection[Any]) -> str:
    """The page for the warehouse that the connection is to."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        columns = cursor.execute(COLUMNS).fetchall()
        lines = cursor.execute(LINES).fetchall()
    page = [HEAD]
    for schema, of_schema in groupby(columns, key=lambda column: column.schema):
        page += [f"## {TITLES[schema]}", "", "```mermaid", "erDiagram"]
        for table, of_table in groupby(of_schema, key=lambda column: column.table):
            page.append(f"    {table} {{")
            page += [
                f"        {column.type} {column.column}{' PK' if column.is_key else ''}"
                for column in of_table
            ]
            page.append("    }")
        page += [
            f'    {line.to_table} ||--o{{ {line.table} : "{line.columns}"'
            for line in lines
            if line.schema == schema
        ]
        page += ["```", ""]
    return "\n".join(page).rstrip("\n") + "\n"


if __name__ == "__main__":
    from make_dictionary import write_page  # beside this file

    write_page(FILE, diagram)
