"""The core against the judge: the rows of a chunk and of a batch, computed by the judge and Python alone."""

import hashlib
import itertools
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sparkify.extract.files import InputFile
from sparkify.extract.lines import Slice
from sparkify.extract.rejects import Reject
from sparkify.stage.tables import BATCH_TABLES, CHUNK_TABLES
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import (
    BARE_PAGE,
    BLANK,
    CatalogueRecord,
    PageView,
    Play,
    judge_event,
    judge_song,
)
from sparkify.transform.plays import PlayTransform
from tests.support import copied

TS_RANGE = (946_684_800_000, 4_102_444_800_000)
FILE = InputFile("log", "somewhere.json", 0, 0, None)
FIRST_FILE = 100

Heard = tuple[int, int, Play]
"""A play with the number of its slice and its line."""

Seen = tuple[int, int, PageView]
"""The same of a page view."""

Tables = dict[str, list[tuple[Any, ...]]]


def songplay_id(event: Play | PageView) -> int:
    user = "" if event.user_id is None else event.user_id
    return text_id(f"{user},{event.session_id},{event.item_in_session},{event.ts}")


def heard_song_id(title: str, artist: str, length: float) -> bytes:
    return hashlib.sha256(b"\0".join([title.encode(), artist.encode(), struct.pack(">d", length)])).digest()[
        :16
    ]


def text_id(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def by_bytes(*texts: str | None) -> list[bytes]:
    """A key that sorts texts by bytes, NULL first."""
    return [b"" if text is None else b"\1" + text.encode() for text in texts]


def check(transform: PlayTransform, *files: list[bytes]) -> None:
    """Transform lines as a batch of one chunk, and compare all of the result with the judge's."""
    transform.begin_batch()
    pieces = [
        Slice(FILE, first_line, b"".join(line + b"\n" for line in lines))
        for first_line, lines in zip(itertools.count(1, 1000), files)
    ]
    done = transform.transform(pieces, range(FIRST_FILE, FIRST_FILE + len(files)))
    plays: list[Heard] = []
    views: list[Seen] = []
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
        here = [
            (number, piece.first_line + at, verdict)
            for at, verdict in enumerate(verdicts)
            if isinstance(verdict, PageView)
        ]
        assert (books.lines, books.blank, books.page_views, books.bare_pages, books.rejected) == (
            len(lines),
            verdicts.count(BLANK),
            len(here),
            verdicts.count(BARE_PAGE),
            len(rejects),
        )
        views += here
        plays += [
            (number, piece.first_line + at, verdict)
            for at, verdict in enumerate(verdicts)
            if isinstance(verdict, Play)
        ]
    winners = choose(plays)
    loaded = Counter(number for number, _, _ in winners)
    assert [books.loaded for books in done.books] == [loaded[number] for number in range(len(files))]
    assert done.months == sorted({_month(event) for _, _, event in winners + views})
    check_rows(transform, plays, winners, views, done.months)


def choose(plays: list[Heard]) -> list[Heard]:
    """One of each repeated play: the smallest variant, or the first line of equal ones."""
    variants = defaultdict(list)
    for heard in plays:
        variants[heard[2][:4]].append(heard)
    return [min(of_one, key=lambda heard: (_variant(heard[2]), heard[:2])) for of_one in variants.values()]


def check_rows(
    transform: PlayTransform,
    plays: list[Heard],
    winners: list[Heard],
    views: list[Seen],
    months: list[date],
) -> None:
    """Take the rows of all tables, and compare them."""
    transform.unknown_songs()
    transform.match([])
    found: Tables = {
        table: [row for month in months for row in copied.rows(table, transform.rows(table, month))]
        for table in CHUNK_TABLES
    }
    counts = transform.counts()
    assert sum(plays for plays, _, _ in counts.values()) == len(winners)
    assert sum(times for _, _, times in counts.values()) == len(found["time"])
    assert transform.finish_batch() == months
    found |= {
        table: [row for month in months for row in copied.rows(table, transform.rows(table, month))]
        for table in BATCH_TABLES
    }
    assert {row[0] for row in found.pop("heard_songs")} <= {_heard_song_id(play) for _, _, play in winners}
    found["levels"] = with_known_order(found["levels"])
    expected = rows_of_chunk(plays, winners) | rows_of_batch(plays, winners)
    expected["page_views"] = rows_of_views(views)
    assert {table: Counter(rows) for table, rows in found.items()} == {
        table: Counter(rows) for table, rows in expected.items()
    }
    order = [(row[1], row[3] is None, by_bytes(row[3]), row[0]) for row in found["user_days"]]
    assert order == sorted(order)
    assert found["levels"] == sorted(found["levels"], key=lambda row: (_month_of(row[1]), *row[:3]))


def with_known_order(levels: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The stretches of the days that are not left to publication. It finds the others by the same count."""
    days = defaultdict(list)
    for row in levels:
        days[row[:2]].append(row[2])
    return [row for row in levels if len(days[row[:2]]) == max(days[row[:2]])]


def rows_of_chunk(plays: list[Heard], winners: list[Heard]) -> Tables:
    """The rows for songplays, heard_plays, time and repeated, if no song is in the catalogue."""
    times = {_moment(play) for _, _, play in winners}
    return {
        "songplays": [
            (songplay_id(play), _moment(play), play.user_id, play.level, None, None, play.session_id,
             play.location, play.user_agent)
            for _, _, play in winners
        ],
        "heard_plays": [
            (_moment(play), songplay_id(play), _heard_song_id(play), play.item_in_session, line,
             FIRST_FILE + number)
            for number, line, play in winners
        ],
        "time": [
            (at, at.hour, at.day, at.isocalendar().week, at.month, at.year, at.weekday()) for at in times
        ],
        "repeated": [
            (_moment(play), songplay_id(play), FIRST_FILE + number)
            for number, _, play in set(plays) - set(winners)
        ],
    }  # fmt: skip


def rows_of_views(views: list[Seen]) -> list[tuple[Any, ...]]:
    """The rows for page_views: all of them, because the core does not choose."""
    return [
        (_moment(view), songplay_id(view), view.session_id, view.item_in_session, view.user_id, view.level,
         view.page, view.auth, view.method, view.status, FIRST_FILE + number, line)
        for number, line, view in views
    ]  # fmt: skip


def rows_of_batch(plays: list[Heard], winners: list[Heard]) -> Tables:
    """The rows for users, levels, user_days, user_agents and sessions."""
    latest, levels, days, sessions = (defaultdict[Any, list[Play]](list) for _ in range(4))
    for _, _, play in plays:
        latest[_month(play), play.user_id].append(play)
    for _, _, play in winners:
        day = _moment(play).date()
        levels[play.user_id, day].append(play)
        days[play.user_id, day, play.level, play.location, play.user_agent].append(play)
        sessions[_moment(play).date(), play.user_id, play.session_id, play.level].append(play)
    agents = {(_month(play), play.user_agent) for _, _, play in winners if play.user_agent is not None}
    return {
        "users": [_user(of_user) for of_user in latest.values()],
        "levels": [(*key, *row) for key, of_day in levels.items() for row in _stretches(of_day)],
        "user_days": [
            (*key[:4], None if key[4] is None else text_id(key[4]), len(of_day), sum(map(_ms, of_day)),
             *zip(*sorted(map(_heard, of_day)), strict=True))
            for key, of_day in days.items()
        ],
        "user_agents": [(text_id(agent), agent) for _, agent in agents],
        "sessions": [
            (user_id, session_id, first, level, last, len(of_session))
            for (_, user_id, session_id, level), of_session in sessions.items()
            for first, last in [_first_and_last(of_session)]
        ],
    }  # fmt: skip


def _heard(play: Play) -> tuple[int, int, int, int]:
    """What the arrays of user_days have of a play: quarter of an hour, track, artist, length."""
    at = _moment(play)
    track_id = text_id(f"{play.song}\0{play.artist}")
    return 4 * at.hour + at.minute // 15, track_id, text_id(play.artist), _ms(play)


def _stretches(plays: list[Play]) -> list[tuple[int, str, datetime, datetime]]:
    """The stretches of a user's day at one level; none if plays at two levels have the same time."""
    levels = {(play.ts, play.level) for play in plays}
    if len({ts for ts, _ in levels}) < len(levels):
        return []
    stretches = itertools.groupby(sorted(plays, key=lambda play: play.ts), lambda play: play.level)
    return [(at, level, *_first_and_last(list(of_one))) for at, (level, of_one) in enumerate(stretches, 1)]


def _user(plays: list[Play]) -> tuple[Any, ...]:
    """The row of a user and month: the latest play, in the variant and with the names that win."""
    last = max(plays, key=lambda play: (play.ts, play.session_id, play.item_in_session, songplay_id(play)))
    play = min(
        (play for play in plays if play[:4] == last[:4]),
        key=lambda play: (_variant(play), by_bytes(play.first_name, play.last_name, play.gender)),
    )
    return (
        play.user_id, play.first_name, play.last_name, play.gender, play.level, _moment(play),
        play.session_id, play.item_in_session, songplay_id(play), b"".join(_variant(play)),
    )  # fmt: skip


def _variant(play: Play) -> list[bytes]:
    """Its parts in order. No text has a zero byte, so they are in the same order when they are joined."""
    texts = (play.level, play.location, play.user_agent)
    return [
        *(b"\0" if text is None else b"\1" + text.encode() + b"\0" for text in texts),
        _heard_song_id(play),
    ]


def _heard_song_id(play: Play) -> bytes:
    return heard_song_id(play.song, play.artist, play.length)


def _ms(play: Play) -> int:
    return int(min(play.length, 86400) * 1000 + 0.5)


def _first_and_last(plays: Iterable[Play]) -> tuple[datetime, datetime]:
    moments = [_moment(play) for play in plays]
    return min(moments), max(moments)


def _moment(event: Play | PageView) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.ts)


def _month(event: Play | PageView) -> date:
    return _month_of(_moment(event).date())


def _month_of(day: date) -> date:
    return day.replace(day=1)


def check_songs(songs: CatalogueTransform, *files: list[bytes]) -> None:
    """The same for song records, one a line."""
    pieces = [Slice(FILE, 2, b"".join(line + b"\n" for line in lines)) for lines in files]
    all_books, all_rejects = songs.transform(pieces, range(FIRST_FILE, FIRST_FILE + len(files)))
    expected: Counter[str] = Counter()
    for number, (lines, books, rejects) in enumerate(zip(files, all_books, all_rejects, strict=True)):
        verdicts = [judge_song(line) for line in lines]
        found = sorted(rejects, key=lambda reject: reject.line)
        assert [(reject.line, reject.why, reject.record) for reject in found] == [
            (at, verdict, line)
            for at, (verdict, line) in enumerate(zip(verdicts, lines, strict=True), 2)
            if isinstance(verdict, Reject)
        ]
        records = {at: record for at, record in enumerate(verdicts, 2) if isinstance(record, CatalogueRecord)}
        assert books.balance()
        assert (books.lines, books.blank, books.loaded) == (len(lines), verdicts.count(BLANK), len(records))
        for at, record in records.items():
            digest = heard_song_id(record.title, record.artist_name, record.duration)
            expected[repr((FIRST_FILE + number, at, *record, digest))] += 1  # tells 0.0 from -0.0
    assert Counter(map(repr, copied.rows("catalogue", songs.rows()))) == expected
