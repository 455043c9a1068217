"""What users do beside listening: every answer equals what plain Python counts from the JSON."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.analytics import activity as questions
from sparkify.analytics.selection import known_parts, next_month
from sparkify.commands import arguments as codes
from sparkify.commands.activity import QUESTIONS
from sparkify.database.connection import connect
from sparkify.errors import UsageError
from sparkify.operations.check import check, examine
from sparkify.operations.forget import forget
from sparkify.publish import activity
from sparkify.schema.rollups import Rollup
from tests.support import plainly
from tests.support.data import NOVEMBER, play, view, write
from tests.support.examples import examples
from tests.support.plainly import Days, Event
from tests.support.warehouse import one

PAGES = [
    "Home", "Error", "Help", "Roll Advert", "Thumbs Up", "Thumbs Down", "Add to Playlist", "Add Friend",
    "Upgrade", "Submit Upgrade", "Downgrade", "Submit Downgrade", "Cancellation Confirmation",
]  # fmt: skip
DAY = 86_400_000


def read(log: Path) -> list[Event]:
    lines = [line for file in sorted(log.rglob("*.json")) for line in file.read_bytes().splitlines()]
    return plainly.events(json.loads(line) for line in lines if line.strip())


def made_up(seed: int) -> list[dict[str, Any]]:
    """Ten weeks of eight people; some stop coming, sessions cross midnight, some views are nobody's."""
    chance = random.Random(seed)
    moments = iter(sorted(chance.sample(range(70 * 24 * 60), k=900)))
    found, level = [], dict.fromkeys(range(1, 9), "free")
    for item, minute in enumerate(moments):
        user = chance.choice([u for u in level if minute < u * 13 * 24 * 60])
        page = chance.choice(["NextSong"] * 9 + PAGES)
        session = user * 100 + minute // 2000 if chance.random() < 0.9 else 7
        fields = {"level": level[user], "itemInSession": item, "sessionId": session, "userId": str(user)}
        level[user] = {"Submit Upgrade": "paid", "Submit Downgrade": "free"}.get(page, level[user])
        if page == "NextSong":
            fields |= {"song": chance.choice("abc"), "length": chance.choice([0.0005, 269.58322, 100.5])}
        else:
            fields |= {
                "page": page, "song": None, "artist": None, "length": None,
                "status": chance.choice([200, 307, 404, 500]),
                "userId": chance.choice([str(user)] * 4 + [""]),
            }  # fmt: skip
        found.append(play(NOVEMBER + minute * 60_000 + chance.randrange(60_000), **fields))
    return found


@pytest.fixture(scope="module", params=["the real sample", "a made-up world"])
def world(
    request: pytest.FixtureRequest, new_module_dsn: Any, tmp_path_factory: Any
) -> tuple[str, list[Event]]:
    if request.param == "the real sample":
        root = request.getfixturevalue("real_sample")
    else:
        root = tmp_path_factory.mktemp("made-up")
        events = made_up(1)
        write(root, "log_data/a.json", *events[::2])
        write(root, "log_data/b.json", *events[1::2])
    dsn = new_module_dsn()
    etl.run(root, dsn=dsn)
    return dsn, read(root / "log_data")


@pytest.fixture(scope="module")
def asked(world: tuple[str, list[Event]]) -> Iterator[Connection[Any]]:
    """A connection for many questions: each would take longer over one of its own."""
    with connect(world[0], for_questions=True) as connection:
        yield connection


CHOSEN = [
    Days(),
    Days(level="paid"),
    Days(date(2018, 11, 15), date(2018, 11, 15)),
    Days(date(2018, 11, 7), date(2018, 12, 20), "free"),
    Days(date(2018, 12, 1), date(2018, 12, 31)),
    Days(since=date(2019, 3, 1)),
    Days(date(2018, 11, 10), date(2018, 11, 9)),
]


def selection(chosen: Days) -> Selection:
    return Selection(
        None if chosen.since == date.min else chosen.since,
        None if chosen.until == date.max else chosen.until,
        chosen.level,
    )


def alike(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    return len(found) == len(expected) and all(
        row == pytest.approx(other, abs=1e-9, nan_ok=False)
        for row, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
@pytest.mark.parametrize(
    "question",
    [
        "pages",
        "page_days",
        "errors",
        "feedback",
        "adverts",
        "sessions",
        "session_ends",
        "upgrades",
        "churn",
        "before",
    ],
)
def test_an_answer_is_what_the_log_says(
    world: tuple[str, list[Event]], asked: Connection[Any], chosen: Days, question: str
) -> None:
    _, log = world
    more = {"limit": 999} if question == "session_ends" else {}
    found = getattr(analytics, question)(known_parts(question, selection(chosen)), dsn=asked, **more)
    assert alike(found, getattr(plainly, question)(log, chosen)), found


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
@pytest.mark.parametrize("days", [1, 14])
def test_who_is_quiet(
    world: tuple[str, list[Event]], asked: Connection[Any], chosen: Days, days: int
) -> None:
    _, log = world
    found = analytics.quiet(known_parts("quiet", selection(chosen)), days=days, dsn=asked)
    assert alike(found, plainly.quiet(log, chosen, days))
    found = analytics.cohorts(known_parts("cohorts", selection(chosen)), days=days, dsn=asked)
    assert alike(found, plainly.cohorts(log, chosen, days))


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
def test_after_which_song(world: tuple[str, list[Event]], asked: Connection[Any], chosen: Days) -> None:
    _, log = world
    found = analytics.feedback_songs(selection(chosen), dsn=asked, limit=999)
    names = ("title", "artist", "track_id")
    counts = {
        (row["title"], row["artist"]): {k: v for k, v in row.items() if k not in names} for row in found
    }
    assert counts == plainly.feedback_songs(log, chosen)


def test_weeks_for_modellers(world: tuple[str, list[Event]]) -> None:
    dsn, log = world
    with connect(dsn) as connection:
        cursor = connection.execute("SELECT * FROM analytics.user_weeks ORDER BY user_id, week")
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    expected = plainly.user_weeks(log)
    for row in expected:
        row["seconds"] = (row.pop("milliseconds") + 500) // 1000
    assert found == expected


def test_page_views_without_a_level_count_by_day(dsn: str, tmp_path: Path) -> None:
    views = view(page="Error"), view(NOVEMBER + 1, page="Error", level=None)
    write(tmp_path, "log_data/a.json", play(), *views)
    etl.run(tmp_path, dsn=dsn)
    with connect(dsn) as connection:
        found = connection.execute(
            "SELECT level, errors FROM analytics.activity_by_day ORDER BY level"
        ).fetchall()
    assert found == [("paid", 1), (None, 1)]


def test_views_for_bi_tools(world: tuple[str, list[Event]]) -> None:
    dsn, log = world
    with connect(dsn) as connection:
        pages = connection.execute(
            "SELECT day, page, level, views, users, errors FROM analytics.page_views_by_day"
        ).fetchall()
        done = connection.execute(
            "SELECT day, level, thumbs_up, thumbs_down, playlist_adds, friends_added, adverts, errors,"
            " seconds FROM analytics.activity_by_day"
        ).fetchall()
        sessions = connection.execute(
            "SELECT day, sum(sessions), sum(without_plays), sum(plays), sum(views), sum(seconds)"
            " FROM analytics.sessions_by_day GROUP BY day"
        ).fetchall()
    assert sorted(pages) == [tuple(row.values()) for row in plainly.page_days(log, Days())]
    expected = []
    for day, level in sorted({(e.day, e.level) for e in log}):
        there = [e for e in log if (e.day, e.level) == (day, level)]
        counts = Counter(e.page for e in there)
        expected.append(
            (
                day, level, *(counts[page] for page in [*plainly.FEEDBACK, "Roll Advert"]),
                sum(e.is_error for e in there), (sum(e.milliseconds for e in there) + 500) // 1000,
            )
        )  # fmt: skip
    assert sorted(done) == expected
    assert sorted(sessions) == [tuple(row.values()) for row in plainly.sessions(log, Days())]


def test_the_view_of_upgrades(world: tuple[str, list[Event]]) -> None:
    dsn, log = world
    with connect(dsn) as connection:
        cursor = connection.execute("SELECT * FROM analytics.upgrades_by_week ORDER BY week")
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    assert found == analytics.upgrades(dsn=dsn)
    assert alike(found, plainly.upgrades(log, Days()))


def test_the_view_of_songs_before_feedback(world: tuple[str, list[Event]]) -> None:
    dsn, _ = world
    asked = analytics.feedback_songs(dsn=dsn, limit=999)
    kinds = plainly.FEEDBACK.values()
    with connect(dsn) as connection:
        found = connection.execute(
            "SELECT track_id, min(title), min(artist), sum(thumbs_up), sum(thumbs_down), sum(playlist_adds),"
            " sum(friends_added) FROM analytics.feedback_by_song GROUP BY track_id"
        ).fetchall()
        assert sorted((row[0], *row[3:]) for row in found) == sorted(
            (row["track_id"], *(row[kind] for kind in kinds)) for row in asked
        )
        for track, title, artist, *_ in found:
            assert one(connection, "SELECT analytics.track_id(%s, %s)", title, artist) == track
        for month, level in connection.execute(
            "SELECT DISTINCT month, level FROM analytics.feedback_by_song"
        ).fetchall():
            days = Selection(month, next_month(month) - timedelta(1), level)
            there = connection.execute(
                "SELECT track_id, thumbs_up, thumbs_down, playlist_adds, friends_added"
                " FROM analytics.feedback_by_song WHERE month = %s AND level = %s",
                [month, level],
            ).fetchall()
            assert sorted(there) == sorted(
                (row["track_id"], *(row[kind] for kind in kinds))
                for row in analytics.feedback_songs(days, dsn=dsn, limit=999)
            )


ASKED = {
    "pages": "pages", "days": "page_days", "errors": "errors", "feedback": "feedback", "adverts": "adverts",
    "sessions": "sessions", "ends": "session_ends", "songs": "feedback_songs", "upgrades": "upgrades",
    "churn": "churn", "quiet": "quiet", "cohorts": "cohorts", "before": "before",
}  # fmt: skip


@pytest.mark.parametrize("selection", [Selection(location="Utica, NY"), Selection(zone="America/New_York")])
def test_places_and_time_zones_are_refused(asked: Connection[Any], selection: Selection) -> None:
    for name in ASKED.values():
        with pytest.raises(UsageError, match="Page views"):
            getattr(analytics, name)(selection, dsn=asked)


@pytest.mark.parametrize(
    ("ask", "part"),
    [
        ("upgrades", "level"),
        ("cohorts", "level"),
        ("quiet", "since"),
        ("quiet", "until"),
        ("retention", "level"),
        ("retention", "location"),
        ("level_changes", "location"),
    ],
)
def test_a_part_that_a_question_does_not_know_is_refused(
    asked: Connection[Any], run_here: Any, ask: str, part: str
) -> None:
    """Ignored, it would pass for a filter."""
    day = date(2018, 11, 5)
    some = {"since": day, "until": day, "level": "paid", "location": "Utica, NY", "zone": "America/New_York"}
    with pytest.raises(UsageError, match=": leave out the "):
        getattr(analytics, ask)(selection=Selection(**{part: some[part]}), dsn=asked)
    if ask in QUESTIONS:
        found = run_here("activity", ask, f"--{part}", str(some[part]), dsn=asked.info.dsn)
        assert (found.returncode, found.stdout) == (codes.WRONG_USAGE, "")
        assert ": leave out the " in found.stderr


def test_every_question_has_a_command() -> None:
    assert set(ASKED) == set(QUESTIONS)
    functions = {
        name for name, function in vars(questions).items()
        if isfunction(function) and function.__module__ == questions.__name__ and not name.startswith("_")
    }  # fmt: skip
    assert set(ASKED.values()) == functions - {"event_days"}


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_command_prints_the_answer(world: tuple[str, list[Event]], run_here: Any, what: str) -> None:
    dsn, _ = world
    chosen = known_parts(ASKED[what], Selection(date(2018, 11, 5), date(2018, 12, 20), "paid"))
    parts = {"since": chosen.since, "until": chosen.until, "level": chosen.level}
    options = [f"--{part}={value}" for part, value in parts.items() if value]
    printed = run_here("activity", what, *options, "--json", "--dsn", dsn)
    answer = getattr(analytics, ASKED[what])(chosen, dsn=dsn)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == json.dumps(answer, default=str, indent=2) + "\n"
    csv = run_here("activity", what, *options, "--csv", "--dsn", dsn)
    assert len(csv.stdout.splitlines()) == len(answer) + 1
    shown = run_here("activity", what, *options, "--dsn", dsn)
    said = shown.stdout if answer else shown.stderr
    assert (shown.returncode, said.endswith(" UTC.\n")) == (0, True)


def test_days_of_quiet_on_the_command_line(world: tuple[str, list[Event]], run_here: Any) -> None:
    dsn, _ = world
    for what in ("quiet", "cohorts"):
        printed = run_here("activity", what, "--days", 3, "--json", "--dsn", dsn)
        assert json.loads(printed.stdout) == json.loads(
            json.dumps(getattr(analytics, what)(days=3, dsn=dsn), default=str)
        )


@pytest.mark.parametrize("days", ["0", "3651", "9999999", "-1", "x"])
def test_days_of_quiet_have_bounds(world: tuple[str, list[Event]], run_here: Any, days: str) -> None:
    for what in ("quiet", "cohorts"):
        refused = run_here("activity", what, f"--days={days}", "--dsn", world[0])
        assert refused.returncode == 2
        said = "from 1 to 3650, not" if days.isdecimal() and days != "0" else "is not a whole number above 0"
        assert said in refused.stderr
        assert run_here("activity", what, "--days", 3650, "--dsn", world[0]).returncode == 0


@pytest.mark.parametrize(
    ("what", "option"), [("churn", "--days"), ("errors", "--limit"), ("quiet", "--limit")]
)
def test_an_option_that_a_question_does_not_take_is_refused(run_here: Any, what: str, option: str) -> None:
    refused = run_here("activity", what, option, 7)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"activity {what} takes no {option}; see sparkify activity --help" in refused.stderr


def test_an_event_in_the_future_is_said(dsn: str, run_here: Any, tmp_path: Path) -> None:
    """One clock that is years fast moves the end of the data, and then everybody has gone quiet."""
    write(tmp_path, "log_data/a.json", play(), view(NOVEMBER + 1))
    (missing,) = etl.run(tmp_path, dsn=dsn).remarks
    assert missing.endswith("song_data is not there: only logs are loaded.")
    to_come = int(datetime(2099, 12, 30, 23, 59, tzinfo=UTC).timestamp() * 1000)
    write(tmp_path, "log_data/b.json", view(to_come, userId=""))
    said = run_here("etl", tmp_path, dsn=dsn).stderr
    assert "The last event is dated 2099-12-30, in the future: perhaps a clock was wrong." in said
    assert [row["quiet"] for row in analytics.quiet(dsn=dsn)] == [1]
    write(tmp_path, "log_data/c.json", play(to_come + 86_400_000))
    (_, remark) = etl.run(tmp_path, dsn=dsn).remarks
    assert "is dated 2099-12-31," in remark


@pytest.mark.parametrize("question", [analytics.quiet, analytics.cohorts])
@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_of_quiet_have_bounds_in_python(
    world: tuple[str, list[Event]], question: Callable[..., Any], days: int
) -> None:
    with pytest.raises(UsageError, match=f"from 1 to 3650, not {days}"):
        question(dsn=world[0], days=days)


def test_days_of_quiet_are_those_of_the_questions(run_here: Any) -> None:
    """The help says the number itself: to import it would make the help slow."""
    said = " ".join(run_here("activity", "--help").stdout.split())
    assert f"N from 1 to 3650 (default: {analytics.QUIET_DAYS})" in said


def test_the_made_up_world_has_everything() -> None:
    log = plainly.events(made_up(1))
    weeks = plainly.user_weeks(log)
    for name in ("cancels", "goes_back", "goes_quiet", "leaves"):
        assert {row[name] for row in weeks} == {True, False, None}, name
    assert set(PAGES) | {"NextSong"} == {e.page for e in log}
    ways = plainly.upgrades(log, Days())
    assert all(sum(way[name] for way in ways) > 1 for name in ("seen", "submitted", "paid", "back"))
    sessions = plainly.whole_sessions(log)
    assert any(s[0].day != s[-1].day for s in sessions)
    assert any(e.user is None for s in sessions if plainly.user_of(s) for e in s)
    assert any(plainly.user_of(s) is None for s in sessions)
    assert len(plainly.feedback_songs(log, Days())) == 3


def test_what_turns_out_to_be_of_somebody_forgotten_is_counted_no_more(dsn: str, tmp_path: Path) -> None:
    nobody = play(page="Home", userId="", sessionId=1)
    write(tmp_path, "log_data/a.json", nobody, play(userId="8", sessionId=2))
    etl.run(tmp_path, dsn=dsn)
    forget([15], dsn=dsn)
    assert len(analytics.pages(dsn=dsn)) == 1
    write(tmp_path, "log_data/b.json", play(NOVEMBER + DAY, userId="15", sessionId=1))
    etl.run(tmp_path, dsn=dsn)
    assert analytics.pages(dsn=dsn) == []
    assert [finding.name for finding in check(dsn) if finding.found] == []


def test_days_on_which_somebody_forgotten_was_only_logged_out(dsn: str, tmp_path: Path) -> None:
    logged_out = play(NOVEMBER + DAY, page="Home", userId="", sessionId=1)
    write(tmp_path, "log_data/a.json", play(userId="15", sessionId=1), logged_out)
    etl.run(tmp_path, dsn=dsn)
    forget([15], dsn=dsn)
    assert analytics.sessions(dsn=dsn) == []
    assert [finding.name for finding in check(dsn) if finding.found] == []


def test_a_later_play_ends_the_way_of_everybody_who_is_on_one(dsn: str, tmp_path: Path) -> None:
    for user in "12":
        write(tmp_path, f"log_data/{user}.json", play(NOVEMBER, page="Submit Upgrade", userId=user))
    etl.run(tmp_path, dsn=dsn)
    paid = [play(NOVEMBER + DAY, level="paid", userId=user, itemInSession=1) for user in "12"]
    write(tmp_path, "log_data/later.json", *paid)
    etl.run(tmp_path, dsn=dsn)
    assert [row["paid"] for row in analytics.upgrades(dsn=dsn)] == [2]


def test_page_views_have_no_place(dsn: str) -> None:
    with pytest.raises(UsageError, match="no place"):
        analytics.pages(Selection(location="Chicago, IL"), dsn=dsn)


def test_a_warehouse_without_events(dsn: str) -> None:
    for question in (
        "pages", "page_days", "errors", "feedback", "feedback_songs", "adverts", "sessions", "session_ends",
        "upgrades", "churn", "quiet", "cohorts", "before",
    ):  # fmt: skip
        assert getattr(analytics, question)(dsn=dsn) == [], question


_moments = st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year < 9999)
_names = st.sampled_from(["", "free", "paid", "Ä"])


@examples(30, thorough=300)
@given(st.lists(st.tuples(_moments, _names), min_size=1))
def test_texts_that_sort_by_a_moment(db: Connection[Any], found: list[tuple[datetime, str]]) -> None:
    """The last level of a week is found so."""
    whole = {(at.replace(microsecond=at.microsecond // 1000 * 1000), name) for at, name in found}
    pairs = sorted(whole | {(at + timedelta(milliseconds=1), name) for at, name in whole})
    texts = [one(db, "SELECT analytics.sortable(%s, %s)", *pair) for pair in pairs]
    assert texts == sorted(set(texts))
    assert [text[16:] for text in texts] == [name for _, name in pairs]


def test_a_session_that_is_never_closed(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day more of it recounts its first day and this one, not all between; an earlier day moves it."""
    days = [play(NOVEMBER + day * DAY, itemInSession=day) for day in range(40)]
    write(tmp_path, "log_data/a.json", *days[1:39])
    etl.run(tmp_path, dsn=dsn)
    recounted: list[int] = []
    count_again = activity.recount

    def counting(db: Connection[Any], rollup: Rollup, changed: Any, **more: Any) -> None:
        count_again(db, rollup, changed, **more)
        if rollup.name == "session_starts":
            recounted.append(one(db, "SELECT count(*) FROM pg_temp.scope"))

    monkeypatch.setattr(activity, "recount", counting)
    for name, day in (("b", days[39]), ("c", days[0])):
        write(tmp_path, f"log_data/{name}.json", day)
        etl.run(tmp_path, dsn=dsn)
    assert recounted == [2, 2]
    assert not [finding for finding in check(dsn) if finding.found]


# --- who pays and who leaves, after any loads in any order, and after forgetting ----------------------------

STEPS = ["Upgrade", "Submit Upgrade", "Submit Downgrade", "Cancellation Confirmation"]
ROLLUPS = ["lifetimes", "subscription_events", "upgrades", "user_week_counts", "week_outcomes"]

steps_and_plays = st.builds(
    lambda user, day, at, page, level: play(
        NOVEMBER + day * DAY + at, userId=str(user), sessionId=user, level=level,
        **({} if page == "NextSong" else {"page": page, "song": None, "artist": None, "length": None}),
    ),
    st.integers(1, 2), st.sampled_from([0, 1, 3, 4, 10, 20, 31, 32, 60, 95]), st.integers(0, 2),
    st.sampled_from(["NextSong"] * 5 + ["Help", "Submit Upgrade", *STEPS]), st.sampled_from(["free", "paid"]),
)  # fmt: skip
worlds = st.lists(st.lists(steps_and_plays, max_size=8), min_size=2, max_size=5)


def numbered(world: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Make each event another one. A last file says otherwise of every second: steps and paid plays go."""
    events = [event for file in world for event in file]
    for item, event in enumerate(events):
        event["itemInSession"] = item
    return [
        *world,
        [{**e, **({"level": "free"} if e["page"] == "NextSong" else {"page": "About"})} for e in events[::2]],
    ]


def winners(world: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each event once, with its smallest page and level."""
    events = sorted((event for file in world for event in file), key=lambda e: (e["page"], e["level"]))
    return list({event["itemInSession"]: event for event in reversed(events)}.values())


def agree(dsn: str, records: list[dict[str, Any]]) -> None:
    """The rollups equal their definitions, and the answers equal what plain Python counts."""
    log = plainly.events(records)
    with connect(dsn) as db:
        findings, _ = examine(db, [f"rollup_{name}" for name in ROLLUPS])
        assert [(finding.name, finding.examples) for finding in findings if finding.found] == []
        for chosen in CHOSEN[:5] if log else []:
            for name in ("upgrades", "quiet", "cohorts", "before"):
                days = {"days": 30} if name in {"quiet", "cohorts"} else {}
                found = getattr(analytics, name)(known_parts(name, selection(chosen)), dsn=db, **days)
                assert alike(found, getattr(plainly, name)(log, chosen, *days.values()))


@examples(3, thorough=50)
@given(world=worlds, chance=st.randoms(use_true_random=False))
def test_who_pays_and_who_leaves_in_any_small_world(
    new_dsn: Callable[[], str],
    tmp_path_factory: Any,
    world: list[list[dict[str, Any]]],
    chance: random.Random,
) -> None:
    dsn, root, loaded = new_dsn(), tmp_path_factory.mktemp("world"), []
    files = numbered(world)
    chance.shuffle(files)
    for number, file in enumerate(files):
        write(root, f"log_data/{number}.json", *file)
        etl.run(root, dsn=dsn)
        loaded.append(file)
        agree(dsn, winners(loaded))
    gone = chance.randint(1, 2)
    forget([gone], dsn=dsn)
    agree(dsn, [event for event in winners(loaded) if event["userId"] != str(gone)])
