"""Turn chunks of song files into catalogue records."""

from collections.abc import Sequence

from sparkify.core._core import Catalogue
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import RejectedLine
from sparkify.report import Books
from sparkify.transform.judge import judge_song
from sparkify.transform.records import Decided


class CatalogueTransform:
    """The transform of song files: `transform` takes a chunk, then `rows` returns its records."""

    def __init__(self) -> None:
        self._core = Catalogue()

    def transform(
        self, chunk: Sequence[Slice], file_ids: Sequence[int]
    ) -> tuple[list[Books], list[list[RejectedLine]]]:
        """Decide on every record; returns the books and the rejects of each slice."""
        decided = Decided(self._core, chunk, file_ids, judge_song)
        decided.add(self._core.books())
        return decided.books, decided.rejects

    def rows(self) -> bytes:
        """Rows for etl.catalogue_records, ready for binary COPY."""
        return self._core.rows()
