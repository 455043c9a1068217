"""Chunks of log lines become rows for the staged months."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from sparkify import sql
from sparkify.books import Books
from sparkify.extract.judge import BLANK, OTHER_PAGE, Play, Reject, judge_event
from sparkify.extract.lines import RejectedLine, Slice
from sparkify.transform.shape import EVENT_TYPES, shape

_SAMPLES: Final = 64

_JUDGED: Final = pa.schema(
    [
        ("slice", pa.int32()),
        ("line", pa.int64()),
        *((name, pa.int64()) for name in ("user_id", "session_id", "item_in_session", "ts")),
        *((name, pa.string()) for name in ("level", "song", "artist")),
        ("length", pa.float64()),
        *((name, pa.string()) for name in ("first_name", "last_name", "gender", "location", "user_agent")),
    ]
)
_MATCHES: Final = pa.schema(
    [("heard_song_id", pa.binary()), ("song_id", pa.string()), ("artist_id", pa.string())]
)


@dataclass(slots=True)
class Transformed:
    """What a chunk came to, slice by slice."""

    books: list[Books]
    rejects: list[list[RejectedLine]]
    months: list[date] = field(default_factory=list)


class PlayTransform:
    """The transform of one worker: a DuckDB of its own, one thread, nothing on disk.

    `transform` takes a chunk; afterwards `heard_song_ids` and `rows` give what it came to, until the next chunk.
    """

    def __init__(self, ts_range: tuple[int, int]) -> None:
        self._ts_range = ts_range
        self._duckdb = duckdb.connect(
            config={
                "threads": 1,
                "enable_external_access": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._sql = sql.load("transform")

    def close(self) -> None:
        """Free the memory."""
        self._duckdb.close()

    def transform(self, chunk: list[Slice]) -> Transformed:
        """Decide on every line and compute what the valid plays need."""
        done = Transformed([Books() for _ in chunk], [list(piece.unread) for piece in chunk])
        lines = _Lines(chunk)
        self._parse(lines)
        for number, other_pages, blank in self._rows("census"):
            done.books[number].other_pages = other_pages
            # A line that could not be read stands there as an empty one.
            done.books[number].blank = blank - len(chunk[number].unread)
        plays = []
        for number, line, position in (*self._rows("doubtful"), *lines.not_text()):
            books = done.books[number]
            text = lines.bytes_of(position)
            match judge_event(text, self._ts_range):
                case Play() as play:
                    plays.append((number, line, *play))
                case Reject() as why:
                    done.rejects[number].append(RejectedLine.of(line, why, text))
                case verdict:
                    books.other_pages += verdict == OTHER_PAGE
                    books.blank += verdict == BLANK
        self._duckdb.register("judged", _table(plays, _JUDGED))
        self._execute("plays")
        self._execute("heard_songs")
        if not next(self._rows("identities"))[0]:
            self._execute("rank_repeated")
            for number, count in self._rows("repeated"):
                done.books[number].duplicates = count
            self._execute("keep_winners")
        else:
            self._execute("nothing_repeated")
        for number, count in self._rows("books"):
            done.books[number].loaded = count
        for books, rejects, count in zip(done.books, done.rejects, lines.counts, strict=True):
            books.lines = count
            books.rejected = len(rejects)
        done.months = [month for (month,) in self._rows("months")]
        return done

    def heard_song_ids(self) -> list[bytes]:
        """The keys of all songs heard in the chunk."""
        return [
            row[0]
            for row in self._duckdb.execute("SELECT DISTINCT heard_song_id FROM heard_songs").fetchall()
        ]

    def match(self, matches: list[tuple[bytes, str, str]], file_ids: list[tuple[int, int]]) -> None:
        """Say which heard songs the catalogue has, and which slices are to be loaded, with their `file_id`."""
        self._duckdb.register("matches", _table(matches, _MATCHES))
        self._duckdb.register(
            "claimed", _table(file_ids, pa.schema([("slice", pa.int32()), ("file_id", pa.int32())]))
        )

    def rows(self, table: str, month: date) -> pa.Table:
        """The rows for one table of a staged month, in the order of its columns."""
        return self._duckdb.sql(self._sql[f"month_{table}"], params={"month": month}).to_arrow_table()

    def _parse(self, lines: "_Lines") -> None:
        self._duckdb.register("lines", lines.table())
        earliest, before = self._ts_range
        query = self._sql["parse"].format(
            shape=shape(lines.samples()).replace("'", "''"),
            fields=EVENT_TYPES,
            earliest=earliest,
            before=before,
        )
        self._duckdb.execute(query).fetchall()

    def _execute(self, name: str) -> None:
        self._duckdb.execute(self._sql[name]).fetchall()

    def _rows(self, name: str) -> Iterator[tuple[Any, ...]]:
        yield from self._duckdb.execute(self._sql[name]).fetchall()


class _Lines:
    """The lines of a chunk as one Arrow array over the bytes as they were read; nothing is copied per line."""

    def __init__(self, chunk: list[Slice]) -> None:
        self._data = b"".join(piece.data for piece in chunk)
        ends = np.flatnonzero(np.frombuffer(self._data, dtype=np.uint8) == ord("\n")) + 1
        self._offsets = np.concatenate(([0], ends)).astype(np.int32)
        slice_ends = np.cumsum([len(piece.data) for piece in chunk])
        stops = np.searchsorted(ends, slice_ends, side="right")
        self.counts: list[int] = np.diff(stops, prepend=0).tolist()
        self._slice = np.repeat(np.arange(len(chunk), dtype=np.int32), self.counts)
        firsts = np.repeat(np.array([piece.first_line for piece in chunk], dtype=np.int64), self.counts)
        starts = np.repeat(np.concatenate(([0], stops[:-1])), self.counts)
        self._line = np.arange(len(ends), dtype=np.int64) - starts + firsts
        self._text = self._array(self._data)
        self._not_text: list[int] = []
        try:
            self._text.validate(full=True)
        except pa.ArrowInvalid:
            self._set_aside_what_is_not_utf8()

    def _array(self, data: bytes) -> pa.Array:
        return pa.StringArray.from_buffers(
            len(self._offsets) - 1, pa.py_buffer(self._offsets), pa.py_buffer(data)
        )

    def _set_aside_what_is_not_utf8(self) -> None:
        for position in range(len(self._line)):
            try:
                self.bytes_of(position).decode()
            except UnicodeDecodeError:
                self._not_text.append(position)

    def table(self) -> pa.Table:
        """The lines that are text, with the slice and line that they are, and their position in the chunk."""
        table = pa.table(
            {
                "slice": self._slice,
                "line": self._line,
                "position": np.arange(len(self._line), dtype=np.int32),
                "text": self._text,
            }
        )
        if self._not_text:
            mask = np.ones(len(self._line), dtype=bool)
            mask[self._not_text] = False
            table = table.filter(pa.array(mask))
        return table

    def not_text(self) -> Iterator[tuple[int, int, int]]:
        """Slice, line and position of the lines that are not UTF-8."""
        return ((int(self._slice[at]), int(self._line[at]), at) for at in self._not_text)

    def bytes_of(self, position: int) -> bytes:
        """A line as it was read, without its line feed."""
        return self._data[self._offsets[position] : self._offsets[position + 1] - 1]

    def samples(self) -> Iterator[str]:
        """Some lines from all over the chunk."""
        count = len(self._line)
        for position in range(0, count, max(1, count // _SAMPLES)):
            yield self.bytes_of(position).decode("utf-8", "replace")


def _table(rows: list[Any], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)], schema=schema
    )
