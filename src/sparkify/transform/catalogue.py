"""Turn chunks of song files into catalogue records."""

from typing import ClassVar, Final

import pyarrow as pa

from sparkify.extract.lines import Slice
from sparkify.extract.rejects import RejectedLine
from sparkify.report import Books
from sparkify.transform.chunk import Lines
from sparkify.transform.judge import judge_song
from sparkify.transform.records import RecordTransform, table
from sparkify.transform.shape import Field

_TEXTS: Final = ("song_id", "title", "artist_id", "artist_name", "artist_location")
_NUMBERS: Final = ("artist_latitude", "artist_longitude")
_FILES: Final = pa.schema([("slice", pa.int32()), ("file_id", pa.int32())])


class CatalogueTransform(RecordTransform):
    """The transform of song files: `transform` takes a chunk, then `rows` returns its records."""

    QUERIES = "transform/catalogue"
    FIELDS: ClassVar = {
        **dict.fromkeys(_TEXTS, Field.TEXT),
        **dict.fromkeys((*_NUMBERS, "duration"), Field.NUMBER),
        "year": Field.INTEGER,
    }
    JUDGED = pa.schema(
        [
            ("slice", pa.int32()),
            ("line", pa.int64()),
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.float64()) for name in _NUMBERS),
            ("year", pa.int32()),
            ("duration", pa.float64()),
        ]
    )

    def transform(self, chunk: list[Slice]) -> tuple[list[Books], list[list[RejectedLine]]]:
        """Decide on every record; returns the books and the rejects of each slice."""
        books = [Books() for _ in chunk]
        rejects = [list(piece.unread) for piece in chunk]
        lines = Lines(chunk)
        self._decide(lines, judge_song, books, rejects)
        for number, count in self._rows("books"):
            books[number].loaded = count
        for of_slice, rejected, count, piece in zip(books, rejects, lines.counts, chunk, strict=True):
            of_slice.lines = count
            of_slice.blank -= len(piece.unread)  # an empty line stands for each of them
            of_slice.rejected = len(rejected)
        return books, rejects

    def rows(self, file_ids: list[int]) -> pa.Table:
        """Rows for etl.catalogue_records, columns in its order. `file_ids` has the file of each slice."""
        self._duckdb.register("files", table(list(enumerate(file_ids)), _FILES))
        return self._duckdb.sql(self._sql["records"]).to_arrow_table()
