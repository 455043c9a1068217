"""Describes a database from its catalog, so that nothing that the product keeps is left out."""

from dataclasses import dataclass, field
from typing import Any, Final

from sparkify.database.connection import connect

_SCHEMAS: Final = ["public", "partitions", "etl", "analytics", "staging"]

_TABLES: Final = """
SELECT c.oid::regclass::text, c.relkind, parent.inhparent::regclass::text, pg_get_expr(c.relpartbound, c.oid),
       pg_get_partition_constraintdef(c.oid)
FROM pg_class c LEFT JOIN pg_inherits parent ON parent.inhrelid = c.oid
WHERE c.relnamespace = ANY(%s::regnamespace[]) AND c.relkind IN ('r', 'p')
ORDER BY 1
"""
# A key to a partitioned table has one more entry for each partition of that table; these follow from the
# first one.
_CONSTRAINTS: Final = """
SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(c.oid),
confrelid::regclass::text, convalidated
FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid LEFT JOIN pg_class other ON other.oid = confrelid
WHERE t.relnamespace = ANY(%s::regnamespace[]) AND contype <> 'n'
AND NOT coalesce(other.relispartition, false)
ORDER BY 1, contype, 4
"""
_INDEXES: Final = """
SELECT indrelid::regclass::text, quote_ident(i.relname), pg_get_indexdef(indexrelid),
       EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')), indisvalid,
       substring(pg_get_indexdef(indexrelid) FROM ' USING .*'), indisunique
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
WHERE t.relnamespace = ANY(%s::regnamespace[])
ORDER BY 1, 6
"""
_COLUMNS: Final = """
SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull
FROM pg_attribute JOIN pg_class t ON t.oid = attrelid
WHERE t.relnamespace = ANY(%s::regnamespace[]) AND t.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
ORDER BY 1, attnum
"""
# The tables that the product itself has analyzed, as arguments of ANALYZE. Autovacuum never analyzes
# partitioned tables, and its work on others does not count here; `ONLY`, because the list also names the
# months.
_ANALYZED: Final = """
SELECT CASE relkind WHEN 'p' THEN 'ONLY ' ELSE '' END || t.oid::regclass
FROM pg_class t
WHERE t.relnamespace = ANY(%s::regnamespace[]) AND relkind IN ('r', 'p')
  AND (EXISTS (SELECT FROM pg_statistic WHERE starelid = t.oid AND stainherit)
       OR pg_stat_get_last_analyze_time(t.oid) IS NOT NULL)
ORDER BY relpages DESC, 1
"""


@dataclass
class Table:
    """One table; its names are quoted for SQL."""

    name: str
    is_partitioned: bool
    parent: str | None
    bounds: str | None
    condition: str | None  # a partition's bounds as a condition on each row
    rows: int = 0
    checksum: int | None = None
    keys: list[tuple[str, str]] = field(default_factory=list)  # primary and unique: name, definition
    foreign_keys: list[tuple[str, str, str]] = field(
        default_factory=list
    )  # name, definition, referenced table
    indexes: list[tuple[str, str]] = field(
        default_factory=list
    )  # indexes without a constraint: name, definition


@dataclass
class Schema:
    """All tables by name, and everything that must be equal in two databases with the same content."""

    tables: dict[str, Table]
    analyzed: list[str]
    definitions: list[tuple[Any, ...]]

    def differences(self, other: "Schema") -> list[str]:
        """The differences, in words; empty when there are none."""
        ours, theirs = set(self.definitions), set(other.definitions)
        found = [f"only in the first: {entry}" for entry in sorted(ours - theirs, key=str)]
        found += [f"only in the second: {entry}" for entry in sorted(theirs - ours, key=str)]
        for name, table in self.tables.items():
            if (twin := other.tables.get(name)) and (table.rows, table.checksum) != (
                twin.rows,
                twin.checksum,
            ):
                found.append(f"{name}: {table.rows} rows {table.checksum}, {twin.rows} rows {twin.checksum}")
        if sorted(self.analyzed) != sorted(other.analyzed):
            found.append(f"analyzed: {self.analyzed}, {other.analyzed}")
        return found


def describe(dsn: str, *, checksums: bool) -> Schema:
    """Read the catalog and count all rows; with `checksums` also add up a hash of every row."""
    with connect(dsn) as connection:
        connection.execute("SET search_path = pg_catalog")

        def ask(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query, [_SCHEMAS]).fetchall()

        definitions: list[tuple[Any, ...]] = []
        tables = {}
        for name, kind, parent, bounds, condition in ask(_TABLES):
            tables[name] = table = Table(name, kind == "p", parent, bounds, condition)
            definitions.append((name, kind, parent, bounds))
            if not table.is_partitioned:
                hashed = "sum(hashtextextended(t::text, 0))" if checksums else "NULL"
                row = connection.execute(
                    f"SELECT count(*), {hashed} FROM {name} t"  # noqa: S608  names as the catalog quotes them
                ).fetchone()
                assert row is not None
                table.rows, table.checksum = row
        for name, constraint, kind, definition, referenced, valid in ask(_CONSTRAINTS):
            definitions.append((name, kind, definition, valid))
            if kind == "f":
                tables[name].foreign_keys.append((constraint, definition, referenced))
            elif kind in {"p", "u"}:
                tables[name].keys.append((constraint, definition))
        for name, index, definition, of_key, valid, what, unique in ask(_INDEXES):
            definitions.append((name, "index", what, unique, valid))
            if not of_key:
                tables[name].indexes.append((index, definition))
        definitions += ask(_COLUMNS)
        return Schema(tables, [name for (name,) in ask(_ANALYZED)], definitions)
