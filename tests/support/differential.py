"""The fast path against the judge: what the transform of a chunk must give, computed by the judge alone."""

import hashlib
import itertools
import struct
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sparkify.extract.files import InputFile
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import Reject
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import BLANK, OTHER_PAGE, CatalogueRecord, Play, judge_event, judge_song
from sparkify.transform.plays import PlayTransform

TS_RANGE = (946_684_800_000, 4_102_444_800_000)
FILE = InputFile("log", "somewhere.json", 0, 0, None)


def songplay_id(play: Play) -> int:
    identity = f"{play.user_id},{play.session_id},{play.item_in_session},{play.ts}"
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") >> 1


def heard_song_id(title: str, artist: str, length: float) -> bytes:
    return hashlib.sha256(b"\0".join([title.encode(), artist.encode(), struct.pack(">d", length)])).digest()[
        :16
    ]


def _by_bytes(*texts: str | None) -> list[tuple[bool, bytes]]:
    return [(text is not None, (text or "").encode()) for text in texts]


def _content(play: Play) -> list[Any]:
    """The sort key of plays with one identity: the smallest wins."""
    heard = heard_song_id(play.song, play.artist, play.length)
    return [*_by_bytes(play.level, play.location, play.user_agent), heard]


def check(transform: PlayTransform, *files: list[bytes]) -> None:
    """Transform lines as one chunk, and compare all of the result with the judge's."""
    pieces = [
        Slice(FILE, first_line, [line + b"\n" for line in lines])
        for first_line, lines in zip(itertools.count(1, 1000), files)
    ]
    done = transform.transform(pieces)

    variants: dict[tuple[int, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for number, (piece, lines) in enumerate(zip(pieces, files, strict=True)):
        verdicts = [judge_event(line, TS_RANGE) for line in lines]
        rejects = [
            (piece.first_line + at, verdict, lines[at], len(lines[at]))
            for at, verdict in enumerate(verdicts)
            if isinstance(verdict, Reject)
        ]
        found = sorted(done.rejects[number], key=lambda reject: reject.line)
        assert [(reject.line, reject.why, reject.record, reject.record_bytes) for reject in found] == rejects
        books = done.books[number]
        assert books.balance()
        assert (books.lines, books.blank, books.other_pages, books.rejected) == (
            len(lines),
            verdicts.count(BLANK),
            verdicts.count(OTHER_PAGE),
            len(rejects),
        )
        for at, verdict in enumerate(verdicts):
            if isinstance(verdict, Play):
                variants[verdict[:4]].append((_content(verdict), number, piece.first_line + at, verdict))

    winners = [min(of_one, key=lambda variant: variant[:3]) for of_one in variants.values()]
    assert [books.loaded for books in done.books] == [
        sum(winner[1] == number for winner in winners) for number in range(len(files))
    ]
    expected = {
        (
            number,
            line,
            *play,
            _moment(play.ts),
            songplay_id(play),
            heard_song_id(play.song, play.artist, play.length),
        )
        for _, number, line, play in winners
    }
    columns = ", ".join(("slice", "line", *Play._fields, "start_time", "songplay_id", "heard_song_id"))
    assert set(ask(transform, f"SELECT {columns} FROM plays")) == expected
    assert done.months == sorted({_moment(winner[3].ts).replace(day=1).date() for winner in winners})


def _moment(ts: int) -> datetime:
    return datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(milliseconds=ts)


def ask(transform: PlayTransform, query: str) -> list[tuple[Any, ...]]:
    # The transform returns rows by month and table only; the tests compare all that it knows of a play.
    return transform._duckdb.execute(query).fetchall()  # noqa: SLF001


def check_songs(songs: CatalogueTransform, *files: list[bytes]) -> int:
    """Transform and compare song records, one a line, too; return how many needed no judge."""
    pieces = [Slice(FILE, 2, [line + b"\n" for line in lines]) for lines in files]
    all_books, all_rejects = songs.transform(pieces)
    expected = set()
    for number, (lines, books, rejects) in enumerate(zip(files, all_books, all_rejects, strict=True)):
        verdicts = [judge_song(line) for line in lines]
        found = sorted(rejects, key=lambda reject: reject.line)
        assert [(reject.line, reject.why, reject.record) for reject in found] == [
            (at, verdict, line)
            for at, (verdict, line) in enumerate(zip(verdicts, lines, strict=True), 2)
            if isinstance(verdict, Reject)
        ]
        records = {
            (100 + number, at, *record, heard_song_id(record.title, record.artist_name, record.duration))
            for at, record in enumerate(verdicts, 2)
            if isinstance(record, CatalogueRecord)
        }
        assert books.balance()
        assert (books.lines, books.blank, books.loaded) == (len(lines), verdicts.count(BLANK), len(records))
        expected |= records
    table = songs.rows([100 + number for number in range(len(files))])
    assert set(zip(*table.to_pydict().values(), strict=True)) == expected
    (fast,) = songs._duckdb.execute(  # noqa: SLF001
        "SELECT count(*) FROM parsed WHERE verdict <> 'ask the judge' AND position IS NOT NULL"
    ).fetchall()
    return int(fast[0])
