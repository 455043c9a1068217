"""The compiled core of a load, in C (this folder).

It reads lines, and accepts those that are surely valid; the judge decides on the others. It computes ids,
chooses one of each repeated play, and writes rows in PostgreSQL's binary COPY format. A method that works on
many lines lets other threads run meanwhile; the object then refuses other calls with a `RuntimeError`, as it
refuses calls out of order. Every method may raise `MemoryError`.

A slice is passed as (its bytes, number of the first line, the lines' numbers as int64 or None if they follow
on the first one, id of the file). A doubtful line is returned as (number of the slice, number of the line,
start and end in the slice). A month is the number of months since the year 0.
"""

from typing import TypeAlias, final

from sparkify.transform.judge import CatalogueRecord, PageView, Play

_Slices: TypeAlias = tuple[tuple[bytes, int, bytes | None, int], ...]
_Doubtful: TypeAlias = list[tuple[int, int, int, int]]
_Books: TypeAlias = list[tuple[int, int, int, int, int, int, int]]
"""For each slice: lines, blank, page views, bare pages, loaded, duplicates, forgotten."""

@final
class Plays:
    """A worker's plays and page views: those of a chunk, and what the chunks of a batch come to together.

    The order of calls is `begin_batch`; for each chunk `read`, `add`, `forget`, `forgotten_sessions`,
    `settle`, `forget_staged`, `unknown_songs`, perhaps `take_catalogue`, `match` and `rows`; then
    `finish_batch`, `rows` and `sessions`.

    If `read`, `settle`, `unknown_songs`, `take_catalogue`, `match` or `finish_batch` fails, or memory is too
    short for `add` or `forget_staged`, then only `begin_batch` is accepted, and it forgets the songs and the
    catalogue too. A call out of order, an argument of another type and any other error change nothing.
    """

    def __new__(cls, earliest: int, before: int, seed: bytes) -> Plays:
        """Accept times within [earliest, before), in milliseconds; the hash tables use 16 random bytes."""
    def begin_batch(self, forget_songs: bool, /) -> None:
        """Drop the batch, and all cached songs if wanted."""
    def read(self, slices: _Slices, /) -> _Doubtful:
        """Read the lines of a chunk; returns those on which the judge must decide."""
    def add(self, slice_: int, line: int, event: Play | PageView, /) -> None:
        """Add a play or page view that the judge accepted; a `ValueError` if it accepts no such fields."""
    def users(self) -> set[int]:
        """The users of the chunk's plays and page views."""
    def forget(self, user_ids: tuple[int, ...], /) -> None:
        """Drop the chunk's plays and page views of forgotten people, and count them."""
    def forgotten_sessions(self) -> set[int]:
        """The sessions of what was dropped."""
    def settle(self) -> _Books:
        """Choose one of each repeated play; the chunk's books without what the judge decided."""
    def months(self) -> list[tuple[int, int, int, int]]:
        """The months of the chunk, in order: (month, plays, plays with a song_id, different times)."""
    def forget_staged(self, month: int, /) -> None:
        """Stage the heard songs of a month again."""
    def unknown_songs(self) -> tuple[int, bytes]:
        """Songs to look up in the catalogue: how many, and COPY of (number, heard_song_id)."""
    def take_catalogue(self, rows: bytes, /) -> None:
        """Look up these songs and later ones in the fetched catalogue: COPY by `all_matches` in stage.sql.

        Each call takes some whole rows; the first one begins with the header, the last one ends with the
        trailer. The catalogue stays when songs are forgotten.
        """
    def match(self, matches: list[tuple[int, str, str]], /) -> None:
        """Take the catalogue's answers: (number, song_id, artist_id)."""
    def slice_times(self) -> list[tuple[int, int, int | None, int | None]]:
        """For each month and slice of the chunk: (month, slice, first ts, last ts) of its plays.

        A slice with page views only has no times.
        """
    def finish_batch(self) -> list[int]:
        """Compute the rows of the batch; returns its months, in order."""
    def rows(self, table: str, month: int, /) -> bytes | None:
        """The rows of a month for a table (stage/tables.py), as COPY; None if there are none."""
    def sessions(self, month: int, /) -> tuple[int, int, bytes] | None:
        """The sessions of a month, for `Month`: how many plays and page views, and bytes about them.

        None if a level or page has more than 64 bytes.
        """
    def gathered_bytes(self) -> int:
        """About how much memory the batch takes, and the texts that its rows repeat; without cached songs."""
    def cached_bytes(self) -> int:
        """About how much memory the cached songs take."""

@final
class Catalogue:
    """Records of song files: `read` a chunk, `add` what the judge accepts, then take `books` and `rows`."""

    def __new__(cls) -> Catalogue: ...
    def read(self, slices: _Slices, /) -> _Doubtful:
        """Read the records of a chunk; returns those on which the judge must decide."""
    def add(self, slice_: int, line: int, record: CatalogueRecord, /) -> None:
        """Add a record that the judge accepted; a `ValueError` if it accepts no such fields."""
    def books(self) -> _Books:
        """The chunk's books without what the judge decided."""
    def rows(self) -> bytes:
        """The rows for etl.catalogue_records, as COPY."""

@final
class Month:
    """Counts rollups of new days of a month from all batches, whose bytes `Plays.sessions` made.

    Threads may share it.
    """

    def __new__(cls, batches: tuple[bytes, ...], /) -> Month: ...
    def rows(self, rollup: str, piece: int, pieces: int, /) -> bytes | None:
        """The rows of a rollup in one of so many pieces, numbered from 0, as COPY.

        Pieces of "track_months" and "artist_months" have about as many plays. One after the other, they are
        sorted by the id of the track or artist. Pieces of "session_days" have about as many sessions, those
        of "user_week_counts" about as many users, and those of "page_days" and "track_feedback_days" about as
        many days. Of "user_week_counts", weeks that are not all in the month are left out. Of
        "track_feedback_days", the first day of the month is left out, and the result is None if feedback
        follows plays of two tracks at one moment: PostgreSQL knows which is the last.
        """

def copy_columns(columns: tuple[tuple[str, object], ...], /) -> bytes:
    """Rows as COPY. Each column is its type (int4, int8, text or bytea) and a list of its values, or the one
    value of every row; None is null."""

def list_folder(path: str, /) -> tuple[tuple[int, int], list[tuple[str, bool, int, int]]]:
    """List a folder while other threads run; links are followed, and names that begin with a dot are skipped.

    Returns what identifies the folder, and for each entry its name, whether it is a folder, its size, and its
    time of modification in nanoseconds since 1970, limited to 64 bits. Size and time are 0 for a folder, and
    if the entry cannot be looked at.

    Raises:
        OSError: the folder cannot be listed.
    """

def read_files(paths: list[str], sizes: list[int], /) -> list[tuple[bytes, bytes] | None]:
    """Read small regular files while other threads run.

    Returns the first bytes of each, as many as its size, and their SHA-256; None if it cannot be read, is no
    regular file or has less, or if its size is 0.
    """

def read_event(line: bytes, earliest: int, before: int, /) -> tuple[object, ...] | str | None:
    """For tests: the fields of `Play` or `PageView`, "blank", "bare page", or None for the judge."""

def read_song(line: bytes, /) -> tuple[object, ...] | str | None:
    """For tests: the fields of `CatalogueRecord`, "blank", or None for the judge."""
