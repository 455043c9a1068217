"""Decide on the lines of a chunk: first by the fast path in DuckDB, then by the judge for doubtful lines."""

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
"""The judge's answer for a line: a record, a `Reject`, or `BLANK` or `OTHER_PAGE`."""


class RecordTransform:
    """A private DuckDB, with one thread and nothing on disk, and the queries of one .sql file.

    Its table `parsed` has one row per line, with a verdict. The verdict ``ask the judge`` marks lines that
    the fast path leaves open.
    """

    QUERIES: ClassVar[str]
    FIELDS: ClassVar[Mapping[str, Field]]
    JUDGED: ClassVar[pa.Schema]
    """The columns of a judged record: slice, line, and the judge's fields."""

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
        """Free its memory."""
        self._duckdb.close()

    def _decide(
        self,
        lines: Lines,
        judge: Callable[[bytes], Verdict],
        books: list[Books],
        rejects: list[list[RejectedLine]],
        **names: object,
    ) -> None:
        """Decide on every line: put records into `parsed`, count the other lines, and collect the rejects."""
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
    """Python rows as an Arrow table; slow, so only for few rows."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)], schema=schema
    )
