"""The content of a warehouse, for comparison: its tables as checksums, its books file by file."""

from typing import Any, Final

from psycopg import Connection, sql

from tests.support.warehouse import CONTENT, check_books, checksums

MORE: Final = {
    "files": "SELECT kind, path, state, lines, blank, page_views, bare_pages, loaded + duplicates, rejected"
    " FROM etl.files",
    "rejects": (
        "SELECT path, r.line, reason, detail, record, record_bytes"
        " FROM etl.rejected_records r JOIN etl.files USING (file_id)"
    ),
    "catalogue_records": (
        "SELECT path, c.line, to_jsonb(c) - 'file_id' FROM etl.catalogue_records c JOIN etl.files USING"
        " (file_id)"
    ),
    "totals": "SELECT kind, sum(loaded), sum(duplicates) FROM etl.files GROUP BY kind",
    "unfinished runs": "SELECT run_id FROM etl.runs WHERE state <> 'published'",
}
"""Queries for content that `tests.support.warehouse` does not compare.

What each file said is the same, whoever read it, and when.
"""

Content = dict[str, str]


def read(connection: Connection[Any]) -> Content:
    """Check the books; return the checksums of everything.

    Raises:
        AssertionError: the books do not balance, or staging is left behind.
    """
    check_books(connection)
    return checksums(connection, CONTENT | MORE)


def rows(connection: Connection[Any], query: str) -> set[tuple[Any, ...]]:
    """The rows of a query, as a set."""
    return set(connection.execute(sql.SQL(query)).fetchall())  # type: ignore[arg-type]


def differences(found: Content, expected: Content) -> str:
    """Which tables differ, and how; empty if none does."""
    return "; ".join(
        f"{name}: {found[name]}, expected {expected[name]}"
        for name in expected
        if found[name] != expected[name]
    )
