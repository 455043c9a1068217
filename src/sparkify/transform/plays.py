"""Turn chunks of log lines into rows for the staged months."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pyarrow as pa

from sparkify.database.queries import queries
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import RejectedLine
from sparkify.report import Books
from sparkify.transform.chunk import Lines
from sparkify.transform.forgotten import Forgotten
from sparkify.transform.judge import judge_event
from sparkify.transform.records import RecordTransform, table
from sparkify.transform.shape import Field

MOST_KNOWN_SONGS: Final = 400_000
"""Heard songs that a worker caches (about 45 MB), with the catalogue's answers and whether they are staged.

If there are more, the next batch starts with an empty cache.
"""

MOST_GATHERED_BYTES: Final = 192 << 20
"""A batch is full at this much log: usually 350,000 plays, which take about 140 MB in all."""

MOST_GATHERED_PLAYS: Final = 400_000
"""A batch of short lines is full at this many plays, because each takes memory."""

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
_rows_sql: Final = queries("transform/rows")
_ROWS_FOR: Final = {
    "songplays": "month_songplays",
    "heard_plays": "month_heard_plays",
    "time": "month_time",
    "heard_songs": "month_heard_songs",
    "repeated": "month_repeated",
    "users": "month_users",
    "levels": "month_levels",
    "user_days": "month_user_days",
    "user_agents": "month_user_agents",
    "sessions": "month_sessions",
}
"""The query for each table of a staged month (stage/tables.py)."""


@dataclass(slots=True)
class Transformed:
    """The books and rejects of each slice of a chunk, and the months of its plays."""

    books: list[Books]
    rejects: list[list[RejectedLine]]
    months: list[date] = field(default_factory=list)


class PlayTransform(RecordTransform):
    """The transform of log lines.

    `transform` takes a chunk; until the next one, `unknown_songs`, `ranges` and `rows` return its results.
    The rows of users, levels, days, user agents and sessions combine all chunks since `begin_batch`, and are
    ready after `finish_batch`. Plays of people who are `forgotten` are only counted.
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
        """Drop the combined rows of earlier chunks, and the cache of songs if it is too large."""
        self._execute("begin_batch")
        self._gathered_bytes = self._gathered_plays = 0
        (known,) = next(self._rows("count_known_songs"))
        if known > MOST_KNOWN_SONGS:
            self.forget_known_songs()

    def batch_is_full(self) -> bool:
        """Whether to finish the batch and begin another, because of the memory that it takes."""
        return self._gathered_bytes > MOST_GATHERED_BYTES or self._gathered_plays > MOST_GATHERED_PLAYS

    def finish_batch(self) -> list[date]:
        """Combine the chunks of the batch, for `rows`; returns the months of their plays."""
        self._execute("finish_batch")
        return [month for (month,) in self._rows("batch_months")]

    def forget_known_songs(self) -> None:
        """Empty the caches: which heard songs are staged, and the catalogue's answers."""
        self._execute("forget_known_songs")

    def transform(self, chunk: list[Slice]) -> Transformed:
        """Decide on every line, compute the ids of plays, and choose one of each repeated play."""
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
            books.blank -= len(piece.unread)  # an empty line stands for each of them
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
        """Stage the heard songs of a month again, because its tables were created again."""
        self._duckdb.execute(self._sql["forget_staged_songs"], {"month": month}).fetchall()

    def unknown_songs(self) -> pa.Table:
        """The keys of the songs heard in the chunk that must be looked up in the catalogue."""
        self._execute("new_heard_songs")
        return self._duckdb.sql(self._sql["unknown_songs"]).to_arrow_table()

    def match(self, unknown: pa.Table, matches: pa.Table, file_ids: list[int]) -> None:
        """Take the catalogue's answers on the `unknown` songs, and each slice's file; then `rows` is ready.

        `matches` has the columns heard_song_id (in hexadecimal), song_id and artist_id.
        """
        self._duckdb.register("unknown", unknown)
        self._duckdb.register("matches", matches)
        self._duckdb.register("files", table(list(enumerate(file_ids)), _FILES))
        self._execute("know_songs")
        self._execute("join_as_written")
        self._execute("note_listening")

    def rows(self, table: str, month: date) -> pa.Table:
        """The rows for one table of a staged month, in the order of its columns."""
        query = _rows_sql[_ROWS_FOR[table]]
        return self._duckdb.sql(query, params={"month": month}).to_arrow_table()

    def ranges(self) -> list[tuple[Any, ...]]:
        """For each month and slice of the chunk: (month, slice, first start_time, last start_time)."""
        return list(self._rows("ranges"))
