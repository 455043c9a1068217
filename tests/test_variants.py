"""Which of several lines with one identity wins, against docs/rules.md ("Same identity") in Python."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.operations.check import check
from sparkify.publish.ahead import MonthsAhead
from sparkify.report import StagedBatch
from tests.support.data import NOVEMBER, play, write
from tests.support.differential import heard_song_id
from tests.support.warehouse import check_books, checksums, one

Event = dict[str, Any]
TEXTS = [None, "", "a", "B", "é", "\U0001f600", "\uffff"]


def by_bytes(*texts: str | None) -> list[tuple[bool, bytes]]:
    return [(text is not None, (text or "").encode()) for text in texts]


def of_the_play(event: Event) -> list[Any]:
    """The sort key of a line: the warehouse takes the play from the line with the smallest key."""
    heard = heard_song_id(event["song"], event["artist"], event["length"])
    return [*by_bytes(event["level"], event["location"] or None, event["userAgent"]), heard]


def of_the_user(event: Event) -> list[Any]:
    """The sort key that decides which names `users` shows, among lines with the same `of_the_play`."""
    return by_bytes(event["firstName"], event["lastName"], event["gender"])


def any_variant(chance: random.Random) -> Event:
    return play(
        NOVEMBER + chance.choice([0, 0, 1, 40]) * 86_400_000, userId=chance.choice("12"),
        level=chance.choice(["free", "paid"]), location=chance.choice([None, "", "x"]),
        song=chance.choice("xxy"), firstName=chance.choice(TEXTS), lastName=chance.choice(TEXTS),
        gender=chance.choice([None, "F"]),
    )  # fmt: skip


def expected_rows(
    files: dict[str, list[Event]],
) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, set[Any]]]:
    """The play of each identity, the names and level of each user, and the lines that may count as loaded.

    In each file that has the winner, that is the first line with it.
    """
    variants = defaultdict(list)
    for name, events in files.items():
        for line, event in enumerate(events, 1):
            identity = (int(event["userId"]), event["sessionId"], event["itemInSession"], event["ts"])
            variants[identity].append((of_the_play(event), of_the_user(event), name, line, event))
    plays, lines, latest = {}, {}, {}
    for identity, found in variants.items():
        content, _, _, _, winner = min(found, key=lambda variant: variant[:2])
        user, session, item, ts = identity
        plays[identity] = (winner["level"], winner["location"] or None, winner["userAgent"], winner["song"])
        latest[user] = max(latest.get(user, ()), (ts, session, item, identity))
        firsts: dict[str, int] = {}
        for other, _, name, line, _ in found:
            if other == content:
                firsts.setdefault(name, line)
        lines[identity] = set(firsts.items())
    users = {}
    for user, (*_, identity) in latest.items():
        event = min(variants[identity], key=lambda variant: variant[:2])[-1]
        users[user] = (event["firstName"], event["lastName"], event["gender"], event["level"])
    return plays, users, lines


def assert_as_expected(db: Connection[Any], files: dict[str, list[Event]]) -> None:
    plays, users, lines = expected_rows(files)
    found = {
        row[:4]: row[4:]
        for row in db.execute(
            "SELECT user_id, session_id, item_in_session, (extract(epoch FROM start_time) * 1000)::bigint,"
            " level, location, user_agent, title, substring(path FROM '[^/]+$'), line"
            " FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)"
            " JOIN analytics.heard_songs USING (heard_song_id) JOIN etl.files USING (file_id)"
        )
    }
    assert {identity: row[:4] for identity, row in found.items()} == plays
    assert {user: row for user, *row in db.execute("SELECT * FROM users")} == {
        user: list(row) for user, row in users.items()
    }
    assert [row for identity, row in found.items() if row[4:] not in lines[identity]] == []
    unheard = (
        "SELECT title FROM analytics.heard_songs h"
        " WHERE NOT EXISTS (SELECT FROM analytics.heard_plays p WHERE p.heard_song_id = h.heard_song_id)"
    )
    assert db.execute(unheard).fetchall() == []
    loaded = Counter(row[4] for row in found.values())
    books = db.execute("SELECT substring(path FROM '[^/]+$'), lines, loaded, duplicates FROM etl.files")
    assert sorted(books.fetchall()) == sorted(
        (name, len(events), loaded[name], len(events) - loaded[name]) for name, events in files.items()
    )


@pytest.mark.parametrize("seed", range(2))
def test_variants_in_any_order(
    new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Within a chunk, in several chunks and batches, against loaded plays, and in files that change."""
    chance = random.Random(seed)
    monkeypatch.setattr("sparkify.extract.lines.chunks.__defaults__", (None, chance.choice([2000, 1 << 20])))
    files: dict[str, list[Event]] = {f"{at}.json": [] for at in range(4)}
    dsn = new_dsn()
    with connect(dsn) as db:
        for _ in range(2):
            for name in chance.sample(sorted(files), 2):
                files[name] += [any_variant(chance) for _ in range(12)]
                chance.shuffle(files[name])
                write(tmp_path, f"log_data/{name}", *files[name])
            read = {name: events for name, events in files.items() if events}
            etl.run(
                tmp_path, dsn=dsn, workers=chance.choice([1, 2]), batch_bytes=chance.choice([1, 4000, None])
            )
            assert_as_expected(db, read)
        check_books(db)
        assert [finding for finding in check(dsn) if finding.found] == []
        other = new_dsn()
        etl.run(tmp_path, dsn=other, workers=1)
        with connect(other) as at_once:
            assert checksums(at_once) == checksums(db)


def test_variants_have_one_order_everywhere(db: Connection[Any]) -> None:
    """In PostgreSQL and in the rule above; tests/test_core_rows.py compares the core with that rule."""
    events = [
        play(level=level, location=location, userAgent=agent, song=title)
        for level in ("free", "fr", "fr\x01", "", "\U0001f600")
        for location in (None, "a", "a\x01", "\x01", "é", "\uffff")
        for agent in (None, "", "\x01", "B", "b")
        for title in "xy"
    ]
    random.Random(1).shuffle(events)
    rows = [
        (
            event["level"],
            event["location"],
            event["userAgent"],
            heard_song_id(event["song"], event["artist"], event["length"]),
        )
        for event in events
    ]
    by_python = sorted(rows, key=lambda row: [*by_bytes(*row[:3]), row[3]])
    in_postgres = "SELECT etl.variant(jsonb_populate_record(NULL::songplays, %s), %s)"

    def variant(row: tuple[Any, ...]) -> bytes:
        play = {"level": row[0], "location": row[1], "user_agent": row[2]}
        return bytes(one(db, in_postgres, Jsonb(play), UUID(bytes=row[3])))

    assert sorted(rows, key=variant) == by_python


def test_heard_songs_are_those_of_the_plays_that_won(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    def titles() -> list[str]:
        return [title for (title,) in db.execute("SELECT title FROM analytics.heard_songs ORDER BY 1")]

    other = NOVEMBER + 86_400_000
    # Within one chunk and across two, the losing line never gets in.
    write(tmp_path, "log_data/a.json", play(level="m", song="a"), play(level="z", song="b"))
    write(tmp_path, "log_data/b.json", play(level="n", song="c"), play(other, level="z", song="d"))
    etl.run(tmp_path, dsn=dsn, batch_bytes=1)
    assert titles() == ["a", "d"]
    # Against loaded plays: a heard song goes when its last play loses, and comes back when it is heard again.
    write(tmp_path, "log_data/c.json", play(level="b", song="e"), play(other + 1, song="f"))
    etl.run(tmp_path, dsn=dsn)
    assert titles() == ["d", "e", "f"]
    write(tmp_path, "log_data/d.json", play(level="c", song="g"), play(other + 2, song="a"))
    etl.run(tmp_path, dsn=dsn)
    assert titles() == ["a", "d", "e", "f"]
    # A song stays if another play has it.
    write(tmp_path, "log_data/e.json", play(level="a", song="h"), play(other, level="a", song="a"))
    etl.run(tmp_path, dsn=dsn)
    assert titles() == ["a", "f", "h"]
    assert [finding for finding in check(dsn) if finding.found] == []


def test_songs_of_a_month_that_is_published_ahead_are_staged_again(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker stages a heard song once for a month.

    The first part of the month drops the song; then a second part has it again.
    """

    def staged_and_published(self: MonthsAhead, batch: StagedBatch) -> None:
        staged(self, batch)
        for month, done in self._published.items():
            done.result()
            published.append(month)

    published: list[date] = []
    staged = MonthsAhead.staged
    monkeypatch.setattr(MonthsAhead, "staged", staged_and_published)
    write(tmp_path, "log_data/0.json", play(level="free", song="kept"))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/1.json", play(level="paid", song="again"))
    for name in "23":
        write(tmp_path, f"log_data/{name}.json", play(NOVEMBER + 31 * 86_400_000 + int(name)))
    write(tmp_path, "log_data/4.json", play(NOVEMBER + 5, song="again"))
    etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1)
    assert published[0] == date(2018, 11, 1)
    assert sorted(title for (title,) in db.execute("SELECT title FROM analytics.heard_songs")) == [
        "Setanta matins", "again", "kept",
    ]  # fmt: skip
    assert [finding for finding in check(dsn) if finding.found] == []


def test_a_better_name_comes_later(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The better name is shown, and the play keeps the line that it was loaded from."""
    write(tmp_path, "log_data/a.json", play(firstName="Lily"))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/b.json", play(firstName="Ada"))
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.books.loaded, report.books.duplicates) == (0, 1)
    assert db.execute("SELECT first_name FROM users").fetchall() == [("Ada",)]
    assert_as_expected(db, {"a.json": [play(firstName="Lily")], "b.json": [play(firstName="Ada")]})


VARIED = {
    "level": ("level", "free", "paid"),
    "location": ("location", "a", "b"),
    "user_agent": ("userAgent", "a", "b"),
}
"""The field of the log from which a column of songplays comes, with two of its values. The columns of the
identity and of the song are left out."""


def test_every_column_decides_between_variants(
    new_dsn: Callable[[], str], db: Connection[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """If one did not, the order of two files would decide what it holds."""
    identity = {"songplay_id", "start_time", "user_id", "session_id", "song_id", "artist_id"}
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'songplays'::regclass AND attnum > 0"
    columns = {name for (name,) in db.execute(query)} - identity
    assert columns == set(VARIED), (
        "VARIED lacks the field of a column. etl.variant must tell its values apart."
    )
    for column, (field, one_value, other) in VARIED.items():
        found = []
        for values in ((one_value, other), (other, one_value)):
            root, dsn = tmp_path_factory.mktemp(column), new_dsn()
            for number, value in enumerate(values):
                write(root, f"log_data/{number}.json", play(**{field: value}))
                etl.run(root, dsn=dsn)
            with connect(dsn) as connection:
                found.append(one(connection, f"SELECT {column} FROM songplays"))  # type: ignore[arg-type]
        assert found[0] == found[1], f"the order of two files decides {column}: see etl.variant"
