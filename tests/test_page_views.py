"""Page views: the rows, the winner of several lines, lineage, and months without plays."""

import json
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.create_tables import create_tables
from sparkify.extract import batches
from sparkify.operations.check import check
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.operations.runs import drop, release
from sparkify.publish import months
from sparkify.publish.plans import choose
from sparkify.publish.staged import MonthSummary
from tests.support.data import NOVEMBER, play, view, write
from tests.support.examples import times
from tests.support.warehouse import check_books, content, one

DAY = 24 * 3600 * 1000
Event = dict[str, Any]
TEXTS = ["", "a", "B", "é", "\U0001f600", "\uffff"]


def stored(db: Connection[Any]) -> dict[Any, Any]:
    """By identity (user, session, item, ts): content and lineage."""
    return {
        row[:4]: row[4:]
        for row in db.execute(
            "SELECT user_id, session_id, item_in_session, (extract(epoch FROM start_time) * 1000)::bigint,"
            " page, level, auth, method, status, substring(path FROM '[^/]+$'), line"
            " FROM analytics.page_views JOIN etl.files USING (file_id)"
        )
    }


def smallness(content: tuple[Any, ...]) -> list[Any]:
    """The sort key of (page, level, auth, method, status): NULL first, texts by bytes."""
    *texts, status = content
    keys = [(text is not None, (text or "").encode()) for text in texts]
    return [*keys, (status is not None, status or 0)]


def test_the_row_of_a_line(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(
        tmp_path, "log_data/a.json",
        view(NOVEMBER + 7, itemInSession=3, status=307, auth="Logged In", userId="0027"),
        view(NOVEMBER + 8, userId="", level="", auth=None, method=["GET"], status="200"),
        view(NOVEMBER + 9, itemInSession=1.5), view(-1), view(sessionId=None), {"page": "Home"},
        view(NOVEMBER + 10, userId="Lily", status=2**31, level=7),
    )  # fmt: skip
    report = etl.run(tmp_path, dsn=dsn).as_dict()["lines"]
    assert (report["read"], report["page_views"], report["bare_pages"], report["rejected"]) == (7, 3, 4, 0)
    assert stored(db) == {
        (27, 818, 3, NOVEMBER + 7): ("Home", "paid", "Logged In", "GET", 307, "a.json", 1),
        (None, 818, 0, NOVEMBER + 8): ("Home", "", None, None, None, "a.json", 2),
        (None, 818, 0, NOVEMBER + 10): ("Home", None, "Logged In", "GET", None, "a.json", 7),
    }
    ids = "SELECT page_view_id = etl.songplay_id(user_id, session_id, item_in_session, start_time)"
    assert one(db, f"{ids} AND page_view_id <> 0 FROM analytics.page_views WHERE user_id = 27")
    assert one(db, f"SELECT bool_and(same) FROM ({ids} AS same FROM analytics.page_views) ids")
    assert one(db, "SELECT etl.songplay_id(NULL, 8, 1, now()) <> etl.songplay_id(8, 1, NULL, now())")
    assert one(db, "SELECT count(*) FROM songplays") == 0
    assert not [finding for finding in check(dsn) if finding.found]


def test_the_smallest_variant_in_any_order(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Each of 150 page views is told by some lines, spread over the files of four loads."""
    chance = random.Random(8)
    told = defaultdict(list)
    files: dict[str, list[Event]] = {f"{run}{name}.json": [] for run in range(4) for name in "abc"}
    for session in range(150):
        user, day = chance.choice(["", "1", "2"]), chance.choice([0, 1, 30, 60])
        for _ in range(chance.randint(1, 5)):
            said = {
                "page": chance.choice(["Home", "Help", "", "é"]), "level": chance.choice([*TEXTS, None]),
                "auth": chance.choice(["In", None]), "method": chance.choice(["GET", None]),
                "status": chance.choice([-(2**31), -1, None, 0, 200, 2**31 - 1]),
            }  # fmt: skip
            name = chance.choice(sorted(files))
            for _ in range(chance.choice([1, 1, 2])):
                files[name].append(view(NOVEMBER + day * DAY, userId=user, sessionId=session) | said)
                told[int(user) if user else None, session, 0, NOVEMBER + day * DAY].append(
                    (smallness(tuple(said.values())), tuple(said.values()), name, len(files[name]))
                )
    for run in range(4):
        for name, events in files.items():
            if name.startswith(str(run)):
                write(tmp_path, f"log_data/{name}", *events)
        etl.run(tmp_path, dsn=dsn, workers=2, batch_bytes=1)
    found = stored(db)
    for identity, lines in told.items():
        wins = min(lines)[1]
        firsts: dict[str, int] = {}
        for _, said, name, line in lines:
            if said == wins:
                firsts.setdefault(name, line)
        *content, name, line = found.pop(identity)
        assert tuple(content) == wins
        assert firsts.get(name) == line
    assert found == {}
    assert one(db, "SELECT sum(page_views) FROM etl.files") == sum(map(len, files.values()))
    check_books(db)
    assert not [finding for finding in check(dsn) if finding.found]


@pytest.mark.parametrize("plays_first", [True, False])
def test_a_month_without_plays(
    db: Connection[Any], dsn: str, new_dsn: Callable[[], str], tmp_path: Path, *, plays_first: bool
) -> None:
    """Plays and page views of a month come in one load or in two, whichever is first."""
    plays = [play(NOVEMBER + at * DAY, itemInSession=at) for at in range(40)]
    views = [view(NOVEMBER + at * DAY + 1, itemInSession=at) for at in range(10, 50)]
    for events in [plays, views][:: 1 if plays_first else -1]:
        write(tmp_path, f"log_data/{events[0]['page']}.json", *events)
        report = etl.run(tmp_path, dsn=dsn)
    assert report.rows["songplays"] == (40 if plays_first or events is plays else 0)
    together = new_dsn()
    etl.run(tmp_path, dsn=together)
    assert content(dsn) == content(together)
    assert one(db, "SELECT count(*) FROM analytics.page_views") == 40
    assert not [finding for finding in check(dsn) if finding.found]


def test_a_file_with_page_views_only_comes_first(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plays of its chunk count all the same: they decide how the month is published."""
    write(tmp_path, "log_data/a.json", view(NOVEMBER))
    write(tmp_path, "log_data/b.json", *(play(NOVEMBER + at, itemInSession=at) for at in range(50)))
    seen = []

    def looking(summary: MonthSummary) -> Any:
        seen.append(summary.plays)
        return choose(summary)

    monkeypatch.setattr(months, "choose", looking)
    etl.run(tmp_path, dsn=dsn)
    assert seen == [50]


def test_lines_of_one_load_repeat(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    views = [view(NOVEMBER + at, itemInSession=at) for at in range(30)]
    write(tmp_path, "log_data/b.json", *views)
    write(tmp_path, "log_data/a.json", *views[::-1])
    assert etl.run(tmp_path, dsn=dsn, batch_bytes=1).books.page_views == 60
    assert {row[-2:] for row in stored(db).values()} == {("a.json", line) for line in range(1, 31)}
    assert one(db, "SELECT start_time FROM analytics.page_views ORDER BY 1 LIMIT 1") == datetime(
        2018, 11, 1, tzinfo=UTC
    )


def test_a_file_is_read_again(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """What is gone from it stays; lines follow its new version."""
    first, second, third = (view(NOVEMBER + at) for at in range(3))
    write(tmp_path, "log_data/a.json", first, second)
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/a.json", "", third, second | {"level": "zz"}, first)
    etl.run(tmp_path, dsn=dsn)
    assert [row[-1] for _, row in sorted(stored(db).items())] == [4, 2, 2]
    write(tmp_path, "log_data/a.json", "", "", third)
    write(tmp_path, "log_data/b.json", first)
    etl.run(tmp_path, dsn=dsn)
    assert [row[-2:] for _, row in sorted(stored(db).items())] == [
        ("b.json", 1),
        ("a.json", 2),
        ("a.json", 3),
    ]
    assert not [finding for finding in check(dsn) if finding.found]


def test_rejects_that_pass_as_page_views(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """Of equal lines of one file the first counts, also if it passes later than another."""
    write(tmp_path, "log_data/a.json", "torn", view(), "torn too", view(NOVEMBER + 1))
    assert etl.run(tmp_path, dsn=dsn).books.rejected == 2
    mended = [(json.dumps(view()).encode(), 1), (json.dumps(view(NOVEMBER + 1, level="zz")).encode(), 3)]
    for text, line in mended:  # as if an older program had rejected what this one accepts
        row = [text, len(text), line]
        db.execute("UPDATE etl.rejected_records SET record = %s, record_bytes = %s WHERE line = %s", row)
    done = retry(dsn=dsn)
    assert (done.passed.page_views, done.passed.lines, done.remaining) == (2, 2, {})
    assert [(row[1], row[-1]) for _, row in sorted(stored(db).items())] == [("paid", 1), ("paid", 4)]
    assert one(db, "SELECT page_views, rejected FROM etl.files") == (4, 0)
    assert not [finding for finding in check(dsn) if finding.found]


def test_a_large_file_in_parts(
    dsn: str, new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [view(NOVEMBER + at % 90 * DAY, itemInSession=at % 70, level=str(at % 3)) for at in range(300)]
    write(tmp_path, "log_data/a.json", *views)
    etl.run(tmp_path, dsn=dsn, workers=1)
    monkeypatch.setattr(batches, "LEAST_PART_BYTES", 1)
    monkeypatch.setattr("sparkify.extract.plan.LEAST_PART_BYTES", 1)
    in_parts = new_dsn()
    etl.run(tmp_path, dsn=in_parts, workers=2, batch_bytes=5000)
    assert content(dsn) == content(in_parts)


def test_a_held_run_is_dropped_or_released(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", view(), "torn")
    held = etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert held.status == "held"
    assert held.run_id
    assert stored(db) == {}
    drop(held.run_id, dsn=dsn)
    again = etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert again.files_new == 1
    assert again.run_id
    release(again.run_id, dsn=dsn)
    assert len(stored(db)) == 1
    check_books(db)


def test_sessions_of_forgotten_people(
    new_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whenever a person is forgotten, no page view is left of a session of theirs, logged in or not."""
    chance = random.Random(1)
    files: dict[str, list[Event]] = {f"{run}{name}.json": [] for run in range(3) for name in "ab"}
    for session in range(40):
        mine = chance.choice(["1", "2"])
        for at in range(chance.randint(1, 6)):
            user = chance.choice(["", "", mine])
            event = chance.choice([view, play])(
                NOVEMBER + (session + at * 3) % 50 * DAY,
                itemInSession=at,
                sessionId=session,
                userId=user or mine,
            )
            files[chance.choice(sorted(files))].append(
                event if user else event | {"page": "Home", "userId": ""}
            )
    found = []
    for moment in chance.sample(range(4), times(2, thorough=4)):
        dsn, root = new_dsn(), tmp_path_factory.mktemp("loads")
        for run in range(4):
            if run == moment:
                expected = forget([1], dsn=dsn, dry_run=True)
                assert forget([1], dsn=dsn).page_views == expected.page_views
            for name, events in files.items():
                if name.startswith(str(run)):
                    write(root, f"log_data/{name}", *events, "torn")
            # The second load holds what it stages, until the last one publishes it.
            etl.run(root, dsn=dsn, max_rejects=0 if run == 1 else "100%" if run == 3 else None)
        assert not [finding for finding in check(dsn) if finding.found]
        found.append(content(dsn))
    assert found[1:] == found[:1] * (len(found) - 1)


def test_a_session_is_known_later(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """What is published of a session goes when a load meets the line that tells whose it was."""
    forget([15], dsn=dsn)
    write(tmp_path, "log_data/a.json", view(userId="", sessionId=1), view(userId="", sessionId=2))
    assert etl.run(tmp_path, dsn=dsn).books.page_views == 2
    assert len(stored(db)) == 2
    write(tmp_path, "log_data/b.json", view(NOVEMBER + 40 * DAY, sessionId=1))
    books = etl.run(tmp_path, dsn=dsn).books
    assert (books.page_views, books.forgotten) == (0, 1)
    assert list(stored(db)) == [(None, 2, 0, NOVEMBER)]
    write(tmp_path, "log_data/c.json", view(NOVEMBER + 1, userId="", sessionId=1))
    assert etl.run(tmp_path, dsn=dsn).books.page_views == 1
    assert list(stored(db)) == [(None, 2, 0, NOVEMBER)]
    create_tables(dsn, drop=True)  # it keeps the sessions, too
    (tmp_path / "log_data/b.json").unlink()
    etl.run(log_data=tmp_path / "log_data", dsn=dsn)
    assert list(stored(db)) == [(None, 2, 0, NOVEMBER)]
