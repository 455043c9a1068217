"""Chunks of lines become records: the fast path in DuckDB, the judge for what it leaves open."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

import duckdb
import pyarrow as pa

from sparkify.database.queries import queries
from sparkify.extract.rejects import Reject, RejectedLine
from sparkify.report import Books
from sparkify.transform.chunk import Lines
from sparkify.transform.judge import BLANK, OTHER_PAGE
from sparkify.transform.shape import Field, duckdb_types

Verdict = Any
"""What the judge says of a line: a record, a `Reject`, or what else the line is."""


class RecordTransform:
    """A DuckDB of its own, one thread, nothing on disk, and the queries of one file of SQL.

    Its table `parsed` has one row per line, with a verdict; ``ask the judge`` is what the fast path leaves open.
    """

    QUERIES: ClassVar[str]
    FIELDS: ClassVar[Mapping[str, Field]]
    JUDGED: ClassVar[pa.Schema]
    """A judged record: slice, line and what the judge gives."""

    def __init__(self) -> None:
        self._duckdb = duckdb.connect(
            config={
                "threads": 1,
                "enable_external_access": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._sql: Final = queries(self.QUERIES)

    def close(self) -> None:
        """Free the memory."""
        self._duckdb.close()

    def _decide(
        self,
        lines: Lines,
        judge: Callable[[bytes], Verdict],
        books: list[Books],
        rejects: list[list[RejectedLine]],
        **names: object,
    ) -> None:
        """Decide on every line, note what is no record, and have all records in `parsed`."""
        self._duckdb.register("lines", lines.table(self.FIELDS))
        query = self._sql["parse"].format(fields=duckdb_types(self.FIELDS), **names)
        self._duckdb.execute(query).fetchall()
        for number, other_pages, blank in self._rows("census"):
            books[number].other_pages += other_pages
            books[number].blank += blank
        records = []
        for number, line, position in (*self._rows("doubtful"), *lines.not_text()):
            text = lines.bytes_of(position)
            verdict = judge(text)
            if isinstance(verdict, Reject):
                rejects[number].append(RejectedLine.of(line, verdict, text))
            elif isinstance(verdict, str):
                books[number].other_pages += verdict == OTHER_PAGE
                books[number].blank += verdict == BLANK
            else:
                records.append((number, line, *verdict))
        if records:
            self._duckdb.register("judged", table(records, self.JUDGED))
            self._execute("add_judged")

    def _execute(self, name: str) -> None:
        self._duckdb.execute(self._sql[name]).fetchall()

    def _rows(self, name: str) -> Iterator[tuple[Any, ...]]:
        yield from self._duckdb.execute(self._sql[name]).fetchall()


def table(rows: list[Any], schema: pa.Schema) -> pa.Table:
    """Python rows as an Arrow table: for what is few."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)], schema=schema
    )
