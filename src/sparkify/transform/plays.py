"""Chunks of log lines become rows for the staged months."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pyarrow as pa

from sparkify.extract.lines import Slice
from sparkify.extract.rejects import RejectedLine
from sparkify.report import Books
from sparkify.transform.chunk import Lines
from sparkify.transform.forgotten import Forgotten
from sparkify.transform.judge import judge_event
from sparkify.transform.records import RecordTransform, table
from sparkify.transform.shape import Field

MOST_KNOWN_SONGS: Final = 400_000
"""Of some so many heard songs a worker remembers that it has staged them and what the catalogue said, in some 45 MB; the
next batch then begins anew."""

MOST_GATHERED_BYTES: Final = 192 << 20
"""Of so much log a worker gathers the plays: usually some 350,000, which take it some 140 MB with what follows from them."""

MOST_GATHERED_PLAYS: Final = 400_000
"""Of short lines: what follows from each play takes memory, too."""

_FIELDS: Final = {
    **dict.fromkeys(
        ("artist", "firstName", "gender", "lastName", "level", "location", "page", "song", "userAgent"),
        Field.TEXT,
    ),
    **dict.fromkeys(("itemInSession", "sessionId", "ts"), Field.INTEGER),
    "length": Field.NUMBER,
    "userId": Field.DIGITS,
}
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
_FILES: Final = pa.schema([("slice", pa.int32()), ("file_id", pa.int32())])
_USERS: Final = pa.schema([("user_id", pa.int64())])


@dataclass(slots=True)
class Transformed:
    """What a chunk came to, slice by slice."""

    books: list[Books]
    rejects: list[list[RejectedLine]]
    months: list[date] = field(default_factory=list)


class PlayTransform(RecordTransform):
    """The transform of log lines.

    `transform` takes a chunk; afterwards `unknown_songs`, `ranges` and `rows` give what it came to, until the next
    chunk. Users, levels and what was heard on each day are those of all chunks since `begin_batch`, once `finish_batch` was
    called. Plays of people who are `forgotten` are only counted.
    """

    QUERIES = "transform/plays"
    FIELDS = _FIELDS
    JUDGED = _JUDGED

    def __init__(self, ts_range: tuple[int, int]) -> None:
        super().__init__()
        self._ts_range = ts_range
        self.forgotten = Forgotten()
        self._execute("create")
        self.begin_batch()

    def begin_batch(self) -> None:
        """Forget what the chunks before came to together."""
        self._execute("begin_batch")
        self._gathered_bytes = self._gathered_plays = 0
        (known,) = next(self._rows("count_known_songs"))
        if known > MOST_KNOWN_SONGS:
            self.forget_known_songs()

    def batch_is_full(self) -> bool:
        """Whether what the chunks came to together should be staged, and a new batch begun."""
        return self._gathered_bytes > MOST_GATHERED_BYTES or self._gathered_plays > MOST_GATHERED_PLAYS

    def finish_batch(self) -> list[date]:
        """Compute what the chunks came to together, for `rows`; the months that they touch."""
        self._execute("finish_batch")
        return [month for (month,) in self._rows("batch_months")]

    def forget_known_songs(self) -> None:
        """Forget which heard songs are staged, and what the catalogue says of them."""
        self._execute("forget_known_songs")

    def transform(self, chunk: list[Slice]) -> Transformed:
        """Decide on every line and compute what the valid plays need."""
        done = Transformed([Books() for _ in chunk], [list(piece.unread) for piece in chunk])
        self._gathered_bytes += sum(piece.size for piece in chunk)
        self._execute("join_as_planned")
        lines = Lines(chunk)
        earliest, before = self._ts_range
        self._decide(
            lines,
            lambda text: judge_event(text, self._ts_range),
            done.books,
            done.rejects,
            earliest=earliest,
            before=before,
        )
        if self.forgotten:
            self._drop_forgotten(done.books)
        self._execute("note_users")
        if next(self._rows("identities"))[0]:
            self._execute("rank_repeated")
            for number, count in self._rows("repeated"):
                done.books[number].duplicates = count
            self._execute("keep_winners")
        else:
            self._execute("nothing_repeated")
        for number, count in self._rows("books"):
            done.books[number].loaded = count
            self._gathered_plays += count
        for books, rejects, count, piece in zip(done.books, done.rejects, lines.counts, chunk, strict=True):
            books.lines = count
            books.blank -= len(piece.unread)  # a line that could not be read stands there as an empty one
            books.rejected = len(rejects)
        done.months = [month for (month,) in self._rows("months")]
        return done

    def _drop_forgotten(self, books: list[Books]) -> None:
        gone = [(user_id,) for (user_id,) in self._rows("users") if user_id in self.forgotten]
        if gone:
            self._duckdb.register("gone", table(gone, _USERS))
            self._execute("drop_forgotten")
            for number, count in self._rows("forgotten"):
                books[number].forgotten = count

    def forget_staged_songs(self, month: date) -> None:
        """Stage the heard songs of a month again: its tables are new."""
        self._duckdb.execute(self._sql["forget_staged_songs"], {"month": month}).fetchall()

    def unknown_songs(self) -> pa.Table:
        """The keys of the songs heard in the chunk that the catalogue has not been asked about."""
        self._execute("new_heard_songs")
        return self._duckdb.sql(self._sql["unknown_songs"]).to_arrow_table()

    def match(self, unknown: pa.Table, matches: pa.Table, file_ids: list[int]) -> None:
        """Say which of the unknown songs the catalogue has (heard_song_id in hexadecimal, song_id, artist_id), and of
        each slice the `file_id`. The plays are then gathered, and joins for `rows` are done as they are written."""
        self._duckdb.register("unknown", unknown)
        self._duckdb.register("matches", matches)
        self._duckdb.register("files", table(list(enumerate(file_ids)), _FILES))
        self._execute("know_songs")
        self._execute("join_as_written")
        self._execute("note_listening")

    def rows(self, table: str, month: date) -> pa.Table:
        """The rows for one table of a staged month, in the order of its columns."""
        return self._duckdb.sql(self._sql[f"month_{table}"], params={"month": month}).to_arrow_table()

    def ranges(self) -> list[tuple[Any, ...]]:
        """For each month and slice of the chunk the first and the last start_time: (month, slice, earliest, latest)."""
        return list(self._rows("ranges"))
