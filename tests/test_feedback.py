"""Feedback counts for the play before it: over midnight, in whatever order, however late the lines come."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection, sql

from sparkify import analytics, etl
from sparkify.analytics import Selection, feedback_ranking
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.operations.check import examine
from sparkify.operations.forget import forget
from sparkify.publish.recount import all_sources
from tests.support.data import NOVEMBER, play, view, write
from tests.support.examples import examples

DAY = 24 * 3600 * 1000
MINUTE = 60_000
KINDS = {
    "Thumbs Up": "thumbs_up", "Thumbs Down": "thumbs_down", "Add to Playlist": "playlist_adds",
    "Add Friend": "friends_added",
}  # fmt: skip
CHECKS = ["rollup_track_feedback_days", "rollup_track_feedback_months"]
DECEMBER = NOVEMBER + 30 * DAY


def thumb(ts: int, **fields: Any) -> dict[str, Any]:
    return view(ts, page="Thumbs Up", method="PUT", status=307, itemInSession=99, **fields)


def differences(dsn: str) -> list[Any]:
    with connect(dsn) as db:
        return [(finding.name, finding.examples) for finding in examine(db, CHECKS)[0] if finding.found]


def given_after(dsn: str, **more: Any) -> dict[str, int]:
    """How much was given after each song."""
    rows = analytics.feedback_songs(Selection(), dsn=dsn, limit=99, **more)
    return {row["title"]: sum(row[kind] for kind in KINDS.values()) for row in rows}


def plainly(db: Connection[Any]) -> dict[tuple[str, str], Counter[str]]:
    """The answer, counted by pairing everything with everything."""
    plays = db.execute(
        "SELECT start_time, songplay_id, user_id, session_id, title, artist FROM songplays"
        " JOIN analytics.heard_plays USING (start_time, songplay_id)"
        " JOIN analytics.heard_songs USING (heard_song_id) ORDER BY 1, 2"
    ).fetchall()
    views = db.execute("SELECT start_time, user_id, session_id, page FROM analytics.page_views").fetchall()
    found: dict[tuple[str, str], Counter[str]] = {}
    for at, user, session, page in views:
        before = [
            (title, artist)
            for start, _, who, where, title, artist in plays
            if (who, where) == (user, session) and start <= at and (at - start).total_seconds() < 86_400
        ]
        if page in KINDS and before:
            found.setdefault(before[-1], Counter())[KINDS[page]] += 1
    return found


PLAYS: dict[str, dict[str, Any]] = {
    "before": {},
    "at its moment": {"ts": DECEMBER + MINUTE},
    "after it": {"ts": DECEMBER + MINUTE + 1},
    "a day before": {"ts": DECEMBER + MINUTE - DAY},
    "less than a day before": {"ts": DECEMBER + MINUTE - DAY + 1},
    "of another session": {"sessionId": 1000},
    "of another user": {"userId": "100"},
}


def test_which_play_is_before(dsn: str, tmp_path: Path) -> None:
    """Each song has a user and a session of its own, in which feedback is given."""
    there = {song: {"userId": str(100 * at), "sessionId": 1000 * at} for at, song in enumerate(PLAYS, 1)}
    plays = [
        play(**{"ts": DECEMBER - MINUTE, "song": song, **there[song], **fields})
        for song, fields in PLAYS.items()
    ]
    write(tmp_path, "log_data/a.json", *plays)
    given = [thumb(DECEMBER + MINUTE, **where) for where in there.values()]
    write(tmp_path, "log_data/b.json", *given, *(view | {"userId": ""} for view in given))
    etl.run(tmp_path, dsn=dsn)
    assert given_after(dsn) == {"before": 1, "at its moment": 1, "less than a day before": 1}
    assert differences(dsn) == []


EARLY = play(DECEMBER - 2 * MINUTE, itemInSession=1, song="early")
LATE = play(DECEMBER - MINUTE, itemInSession=2, song="late")


ORDERS = [*permutations([EARLY, LATE, thumb(DECEMBER + MINUTE)])]


@pytest.mark.parametrize("order", ORDERS, ids=range(len(ORDERS)))
def test_the_play_is_of_the_day_before(dsn: str, tmp_path: Path, order: tuple[dict[str, Any], ...]) -> None:
    """The month of the feedback changes when a play of the month before arrives."""
    for number, event in enumerate(order):
        write(tmp_path, f"log_data/{number}.json", event)
        etl.run(tmp_path, dsn=dsn)
        assert differences(dsn) == []
    assert given_after(dsn) == {"late": 1}


def test_the_song_of_a_play_changes(dsn: str, tmp_path: Path) -> None:
    """Two lines have the same play; the smaller one by its song wins."""
    write(tmp_path, "log_data/a.json", LATE, thumb(DECEMBER + MINUTE))
    etl.run(tmp_path, dsn=dsn)
    seen = set()
    for number in range(4):
        write(tmp_path, f"log_data/b{number}.json", LATE | {"song": f"other {number}"})
        etl.run(tmp_path, dsn=dsn)
        assert differences(dsn) == []
        (song,) = given_after(dsn)
        seen.add(song)
    assert len(seen) > 1, "no line won"


@pytest.mark.parametrize(("page", "left"), [("About", {}), ("Add Friend", {"late": 1})])
def test_feedback_turns_out_to_be_another_page(
    dsn: str, tmp_path: Path, page: str, left: dict[str, int]
) -> None:
    write(tmp_path, "log_data/a.json", LATE, thumb(DECEMBER + MINUTE))
    etl.run(tmp_path, dsn=dsn)
    assert given_after(dsn) == {"late": 1}
    write(tmp_path, "log_data/b.json", thumb(DECEMBER + MINUTE) | {"page": page})
    etl.run(tmp_path, dsn=dsn)
    assert given_after(dsn) == left
    assert differences(dsn) == []


def test_feedback_of_two_people_after_one_song(dsn: str, tmp_path: Path) -> None:
    people = [{"userId": str(user), "sessionId": user} for user in (1, 2)]
    write(
        tmp_path, "log_data/a.json",
        *(LATE | who for who in people), *(thumb(DECEMBER + MINUTE, **who) for who in people),
    )  # fmt: skip
    etl.run(tmp_path, dsn=dsn)
    assert given_after(dsn) == {"late": 2}
    forget([1], dsn=dsn)
    assert given_after(dsn) == {"late": 1}
    forget([2], dsn=dsn)
    assert given_after(dsn) == {}
    assert differences(dsn) == []


def test_without_feedback_nothing_is_counted(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("days", "months"):
        file = queries(f"publish/rollups/track_feedback_{name}")
        monkeypatch.setitem(file, "definition", "SELECT 1 / 0")  # type: ignore[misc]
    write(tmp_path, "log_data/a.json", EARLY, LATE, view(DECEMBER + MINUTE, itemInSession=3))
    assert etl.run(tmp_path, dsn=dsn).status == "done"


# --- any small world: a file has one day, most events are near midnight, all else is few ----------


def _file(day: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(
        st.builds(
            _event, st.sampled_from([0, 1, 2, DAY - 2, DAY - 1]).map(lambda ms: NOVEMBER + day * DAY + ms),
            st.sampled_from(["NextSong"] * 4 + ["About", *KINDS]), st.sampled_from(["a", "b", "", None]),
            st.sampled_from([1, 1, 1, 2]), st.integers(0, 1), st.sampled_from(["1", "1", "1", "2", ""]),
            st.sampled_from("xyz"),
        ),
        min_size=2, max_size=8,
    )  # fmt: skip


def _event(
    ts: int, page: str, level: str | None, session: int, item: int, user: str, title: str
) -> dict[str, Any]:
    if page == "NextSong":
        return play(
            ts, itemInSession=item, sessionId=session, userId=user or "1", level=level or "a", song=title
        )
    return view(ts, itemInSession=item, sessionId=session, userId=user, level=level, page=page)


@examples(4, thorough=60)
@given(
    files=st.lists(st.sampled_from([29, 30, 29, 30, 1]).flatmap(_file), min_size=2, max_size=5),
    chance=st.randoms(use_true_random=False),
)
def test_any_small_world(
    new_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, files: Any, chance: random.Random
) -> None:
    root, dsn = tmp_path_factory.mktemp("world"), new_dsn()
    for number, events in enumerate(files):
        write(root, f"log_data/{number}.json", *events)
        if chance.random() < 0.8:
            etl.run(root, dsn=dsn, batch_bytes=chance.choice([1, None]))
            assert differences(dsn) == []
    etl.run(root, dsn=dsn)
    for _ in range(2):
        with connect(dsn) as db:
            expected = plainly(db)
        rows = analytics.feedback_songs(dsn=dsn, limit=99)
        assert {(row["title"], row["artist"]): {k: row[k] for k in KINDS.values()} for row in rows} == {
            song: {kind: counts[kind] for kind in KINDS.values()} for song, counts in expected.items()
        }
        forget([1], dsn=dsn)
        assert differences(dsn) == []


# --- the songs with most are found without adding up all ----------------------------------------------------

TRACKS = range(1, 7)
SINCE = [date(2018, 11, 1), date(2018, 11, 30), date(2018, 12, 2)]
UNTIL = [date(2018, 12, 31), date(2019, 1, 1), date(2019, 1, 31)]


@pytest.fixture(scope="module")
def tracks(module_dsn: str) -> Iterator[Connection[Any]]:
    """A warehouse that knows eight songs, and nothing else."""
    create_tables(module_dsn)
    with connect(module_dsn) as db:
        for track in TRACKS:
            db.execute(
                "INSERT INTO analytics.heard_songs"
                " VALUES (gen_random_uuid(), %s, 'Elena', 1, NULL, NULL, %s, 1)",
                [f"{track % 3} {track}", track],
            )
        yield db


def fill(db: Connection[Any], days: Mapping[tuple[date, str | None], dict[int, int]], listed: int) -> None:
    """Fill the rollups: how many thumbs up came after each track by day and level; so long are the lists."""
    for (day, level), after in days.items():
        counts = [after[track] for track in sorted(after)]
        nothing = [0] * len(counts)
        db.execute(
            "INSERT INTO analytics.track_feedback_days VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [day, level, sorted(after), counts, nothing, nothing, nothing],
        )
    months = queries("publish/rollups/track_feedback_months")["definition"]
    assert "<= 4000" in months
    counted = sql.SQL(months.replace("<= 4000", f"<= {listed}")).format(**all_sources())  # type: ignore[arg-type]
    db.execute(sql.SQL("INSERT INTO analytics.track_feedback_months {}").format(counted))


@examples(100, thorough=3000)
@given(
    days=st.dictionaries(
        st.tuples(
            st.dates(date(2018, 11, 29), date(2018, 12, 2)) | st.dates(date(2018, 12, 31), date(2019, 1, 2)),
            st.sampled_from(["paid", "paid", "free", None]),
        ),
        st.dictionaries(st.sampled_from(TRACKS), st.sampled_from([1, 2, 3, 8, 9]), min_size=1),
        min_size=1, max_size=6,
    ),
    chosen=st.builds(
        Selection, st.sampled_from(SINCE), st.sampled_from(UNTIL), st.sampled_from([None, None, "paid"])
    ),
    listed=st.integers(1, 3), limit=st.integers(0, 2), more=st.integers(0, 2),
)  # fmt: skip
def test_the_lists_tell_the_truth_or_nothing(
    tracks: Connection[Any],
    days: dict[tuple[date, str | None], dict[int, int]],
    chosen: Selection, listed: int, limit: int, more: int,
) -> None:  # fmt: skip
    sums = Counter[int]()
    for (day, level), after in days.items():
        assert chosen.since
        assert chosen.until
        if chosen.since <= day <= chosen.until and chosen.level in {None, level}:
            sums.update(after)
    expected = sorted(sums, key=lambda track: (-sums[track], f"{track % 3} {track}"))[:limit]
    with pytest.MonkeyPatch.context() as patch, tracks.transaction(force_rollback=True):
        patch.setattr(feedback_ranking, "depth", lambda limit: limit + more)
        fill(tracks, days, listed)
        everyone = feedback_ranking.from_all(tracks, chosen, limit)
        assert [(row["track_id"], row["thumbs_up"]) for row in everyone] == [
            (track, sums[track]) for track in expected
        ]
        assert feedback_ranking.from_lists(tracks, chosen, limit) in (None, everyone)


def test_the_lists_suffice_where_some_songs_have_much_more(tracks: Connection[Any]) -> None:
    with tracks.transaction(force_rollback=True):
        each = {**dict.fromkeys(TRACKS, 1), 5: 9, 6: 8}
        fill(tracks, {(date(2018, 11, 28) + timedelta(day), "paid"): each for day in range(9)}, listed=3)
        for limit, found in ((1, [5]), (2, [5, 6]), (3, None)):
            rows = feedback_ranking.from_lists(tracks, Selection(), limit)
            assert (rows and [row["track_id"] for row in rows]) == found
