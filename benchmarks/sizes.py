"""What a play takes on the server's disk, table by table."""

from typing import Final

from benchmarks.results import Figures
from sparkify.database.connection import connect

_LEAST: Final = 0.5
"""Bytes a play; smaller tables share a line."""

_SIZES: Final = """
SELECT coalesce(inhparent, c.oid)::regclass::text, sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid))
FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid
WHERE relkind = 'r' AND relnamespace = ANY('{public, partitions, analytics, etl}'::regnamespace[])
GROUP BY 1 ORDER BY sum(pg_total_relation_size(c.oid)) DESC
"""


def bytes_a_play(dsn: str, plays: int) -> Figures:
    """The bytes of each table and of its indexes, divided by the number of plays."""
    lines: dict[str, list[float | None]] = {}
    others, total = [0.0, 0.0], [0.0, 0.0]
    with connect(dsn) as connection:
        for name, *sizes in connection.execute(_SIZES):
            each = [float(size) / plays for size in sizes]
            total = [a + b for a, b in zip(total, each, strict=True)]
            if sum(each) < _LEAST:
                others = [a + b for a, b in zip(others, each, strict=True)]
            else:
                lines[name.replace('"', "")] = [*each, sum(each)]
    lines["all others"] = [*others, sum(others)]
    lines["together"] = [*total, sum(total)]
    return Figures("bytes a play", ["rows", "indexes", "together"], lines)
