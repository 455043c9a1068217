"""Every answer about the real sample equals what plain Python counts here from its JSON."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.database.connection import connect
from sparkify.database.reading import DsnOrConnection, column_names, open_existing
from sparkify.errors import UsageError
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import one

Event = dict[str, Any]


@pytest.fixture(scope="module")
def events(real_sample: Path) -> list[Event]:
    lines = [
        line
        for file in sorted((real_sample / "log_data").rglob("*.json"))
        for line in file.read_bytes().splitlines()
        if line.strip()
    ]
    found = [event for event in map(json.loads, lines) if event["page"] == "NextSong"]
    for event in found:
        event["at"] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["ts"])
        event["day"] = event["at"].date()
    return found


@pytest.fixture(scope="module")
def dsn(real_sample: Path, module_dsn: str) -> str:
    etl.run(real_sample, dsn=module_dsn)
    return module_dsn


@pytest.fixture(scope="module")
def asked(dsn: str) -> Iterator[Connection[Any]]:
    """A connection for many questions."""
    with connect(dsn, for_questions=True) as connection:
        yield connection


def plain(text: str) -> str:
    """The original of a name whose UTF-8 was read as Latin-1 and written as UTF-8 again, once or twice."""
    try:
        return plain(text.encode("latin-1").decode()) if not text.isascii() else text
    except UnicodeError:
        return text


def local(event: Event, zone: str) -> datetime:
    at: datetime = event["at"]
    return at.astimezone(ZoneInfo(zone))


def selected(events: list[Event], selection: Selection) -> list[Event]:
    since, until = selection.since or date.min, selection.until or date.max

    def day_of(event: Event) -> date:
        found: date = event["day"] if selection.zone == "UTC" else local(event, selection.zone).date()
        return found

    return [
        e for e in events
        if selection.level in {None, e["level"]} and selection.location in {None, e["location"]}
        and since <= day_of(e) <= until
    ]  # fmt: skip


SELECTIONS = [
    Selection(),
    Selection(level="free"),
    Selection(date(2018, 11, 15), date(2018, 11, 15)),
    Selection(date(2018, 11, 12), date(2018, 11, 18), "paid"),
    Selection(date(2018, 11, 3), date(2018, 11, 28)),
    Selection(date(2018, 1, 1), date(2018, 12, 31)),
    Selection(location="San Francisco-Oakland-Hayward, CA"),
    Selection(since=date(2019, 1, 1)),
    Selection(date(2018, 11, 10), date(2018, 11, 9)),
    Selection(date.max, date.max),
    Selection(date(2018, 11, 3), date(2018, 11, 28), zone="America/Los_Angeles"),
    Selection(date(2018, 11, 4), date(2018, 11, 4), zone="America/New_York"),
    Selection(until=date(2018, 11, 10), location="Chicago-Naperville-Elgin, IL-IN-WI", zone="Asia/Kolkata"),
]


def ranked(events: list[Event], key: Any) -> list[Any]:
    plays, users = Counter(map(key, events)), defaultdict(set)
    for event in events:
        users[key(event)].add(event["userId"])
    return sorted(
        ((name, count, len(users[name])) for name, count in plays.items()),
        key=lambda row: (-row[1], -row[2], row[0]),
    )


def test_every_artist_is_found_by_the_name_that_is_shown(dsn: str) -> None:
    """The logs of 2018 encode names beyond ASCII twice over."""
    rows = analytics.top("artists", limit=5000, dsn=dsn)
    named = {row["artist"]: row["plays"] for row in rows}
    assert len(named) == len(rows) > 2000
    with open_existing(dsn) as connection:
        found = {name: analytics.artist(name, dsn=connection) for name in named}
    assert {name: artist and artist["plays"] for name, artist in found.items()} == named
    for name in (name for name in named if not name.isascii()):
        rows = analytics.search(name, limit=1000, dsn=dsn)
        assert sum(row["plays"] for row in rows if row["artist"] == name) == named[name]


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_top_songs_and_artists(asked: Connection[Any], events: list[Event], selection: Selection) -> None:
    chosen = selected(events, selection)
    by_song = ranked(chosen, lambda e: (e["song"], e["artist"]))
    expected_songs = [((plain(title), plain(artist)), *rest) for (title, artist), *rest in by_song]
    expected_artists = [(plain(name), *rest) for name, *rest in ranked(chosen, lambda e: e["artist"])]
    for limit in (0, 2, 100_000):
        songs = [
            ((plain(row["title"]), plain(row["artist"])), row["plays"], row["listeners"])
            for row in analytics.top("songs", selection, dsn=asked, limit=limit)
        ]
        assert songs == expected_songs[:limit], limit
        artists = [
            (plain(row["artist"]), row["plays"], row["listeners"])
            for row in analytics.top("artists", selection, dsn=asked, limit=limit)
        ]
        assert artists == expected_artists[:limit], limit


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_other_answers(asked: Connection[Any], events: list[Event], selection: Selection) -> None:
    chosen = selected(events, selection)
    heat = {(row["weekday"], row["hour"]): row["plays"] for row in analytics.heat_map(selection, dsn=asked)}
    times = [local(e, selection.zone) for e in chosen]
    assert heat == Counter((at.weekday(), at.hour) for at in times)
    levels = [
        (row["level"], row["plays"], row["listeners"]) for row in analytics.levels(selection, dsn=asked)
    ]
    assert sorted(levels) == sorted(ranked(chosen, lambda e: e["level"]))
    genders = [
        (row["gender"], row["plays"], row["listeners"]) for row in analytics.genders(selection, dsn=asked)
    ]
    assert sorted(genders) == sorted(ranked(chosen, lambda e: e["gender"]))
    places = [
        (row["location"], row["plays"], row["listeners"])
        for row in analytics.top("locations", selection, dsn=asked, limit=999)
    ]
    assert sorted(places) == sorted(ranked(chosen, lambda e: e["location"]))
    users = {row["user_id"]: row["plays"] for row in analytics.top("users", selection, dsn=asked, limit=999)}
    assert users == Counter(int(e["userId"]) for e in chosen)
    assert sum(row["plays"] for row in analytics.top("devices", selection, dsn=asked, limit=999)) == len(
        chosen
    )
    totals = analytics.totals(selection, dsn=asked)
    assert (totals["plays"], totals["listeners"]) == (len(chosen), len(set(users)))
    assert totals["seconds"] == pytest.approx(sum(e["length"] for e in chosen), abs=1 + len(chosen) / 1000)
    firsts: dict[str, date] = {}
    for event in events:
        day = local(event, selection.zone).date()
        firsts[event["userId"]] = min(day, firsts.get(event["userId"], day))
    new = {e["userId"] for e in chosen if firsts[e["userId"]] >= (selection.since or date.min)}
    assert analytics.listeners(selection, dsn=asked) == {"listeners": len(users), "new_listeners": len(new)}


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("level", [None, "free", "paid"])
def test_trend(asked: Connection[Any], events: list[Event], period: str, level: str | None) -> None:
    def start(day: date) -> date:
        return {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[period]

    chosen = selected(events, Selection(level=level))
    firsts: dict[str, date] = {}
    sessions: dict[Any, Event] = {}
    for event in sorted(events, key=lambda e: e["ts"]):
        firsts.setdefault(event["userId"], event["day"])
        sessions.setdefault((event["userId"], event["sessionId"]), event)
    began = Counter(start(e["day"]) for e in selected(list(sessions.values()), Selection(level=level)))
    users = defaultdict(set)
    for event in chosen:
        users[start(event["day"])].add(event["userId"])
    plays = Counter(start(e["day"]) for e in chosen)
    expected = [
        (day, plays[day], len(users[day]), sum(firsts[u] >= day for u in users[day]), began[day])
        for day in sorted(plays)
    ]
    rows = analytics.trend(period, Selection(level=level), dsn=asked)
    assert [
        (row["start"], row["plays"], row["listeners"], row["new_listeners"], row["sessions"]) for row in rows
    ] == expected
    assert all(row["returning_listeners"] == row["listeners"] - row["new_listeners"] for row in rows)
    no_day = Selection(
        date(2018, 10, 30), date(2018, 10, 31), level
    )  # in the week of the first plays, but before them
    assert analytics.trend(period, no_day, dsn=asked) == []
    place = events[0]["location"]
    assert analytics.trend(period, replace(no_day, location=place), dsn=asked) == []
    rows = analytics.trend(period, Selection(level=level, location=place), dsn=asked)
    at_place = selected(chosen, Selection(location=place))
    assert {row["start"]: row["plays"] for row in rows} == Counter(start(e["day"]) for e in at_place)


def test_users_by_final_level_and_changes(dsn: str, events: list[Event]) -> None:
    final: dict[str, str] = {}
    changes = 0
    for event in sorted(events, key=lambda e: (e["ts"], e["sessionId"], e["itemInSession"])):
        changes += final.get(event["userId"], event["level"]) != event["level"]
        final[event["userId"]] = event["level"]
    rows = analytics.top("users", dsn=dsn, limit=999)
    assert Counter(row["level"] for row in rows) == Counter(final.values())
    assert sum(row["changes"] for row in analytics.level_changes(dsn=dsn)) == changes


def test_names_are_shown_repaired_and_kept_as_they_came(dsn: str) -> None:
    second = analytics.top("songs", dsn=dsn, limit=2)[1]
    assert (second["title"], second["artist"], second["plays"]) == ("Undo", "Bj\u00f6rk", 28)
    with connect(dsn) as connection:
        query = "SELECT count(*) FROM analytics.heard_songs WHERE artist = 'Bj\u00f6rk'"
        assert one(connection, query) == 0


def test_a_play_without_a_user_agent_has_no_device(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    for item, agent in enumerate((None, "", "junk")):
        write(tmp_path, f"log_data/{item}.json", play(itemInSession=item, userAgent=agent))
    dsn = new_dsn()
    etl.run(tmp_path, dsn=dsn)
    expected = [("Other", 2), (None, 1)]  # an empty text is one that ua-parser does not know
    assert [(row["device"], row["plays"]) for row in analytics.top("devices", dsn=dsn)] == expected
    with connect(dsn) as db:
        view = db.execute("SELECT device, plays FROM analytics.plays_by_device ORDER BY plays DESC")
        assert view.fetchall() == expected


def test_devices_and_quality(dsn: str) -> None:
    devices = [row["device"] for row in analytics.top("devices", dsn=dsn)]
    assert {"Mac", "iPhone", "Windows", "Linux"} <= set(devices)
    quality = analytics.quality(dsn=dsn)
    assert (quality["plays"], quality["matched"], quality["rejected"]) == (6820, 1, 0)
    assert (quality["first"], quality["last"]) == (date(2018, 11, 1), date(2018, 11, 30))


def test_rising_unmatched_retention(dsn: str, events: list[Event]) -> None:
    week = Selection(date(2018, 11, 12), date(2018, 11, 18))
    now = Counter((e["song"], e["artist"]) for e in selected(events, week))
    then = Counter(
        (e["song"], e["artist"]) for e in selected(events, Selection(date(2018, 11, 5), date(2018, 11, 11)))
    )
    for falling, sign in ((False, 1), (True, -1)):
        rows = analytics.rising(week, falling=falling, dsn=dsn, limit=5)
        assert [row["change"] for row in rows] == sorted(
            (now[song] - then[song] for song in {*now, *then}), key=lambda change: -sign * change
        )[:5]
        assert all(row["change"] == row["plays"] - row["before"] for row in rows)
    rows = analytics.unmatched(dsn=dsn, limit=100_000)
    assert sum(row["plays"] for row in rows) == 6819
    assert analytics.retention(dsn=dsn) == [{"cohort": date(2018, 11, 1), "months_later": 0, "listeners": 96}]
    assert [tuple(row.values()) for row in analytics.retention(period="week", dsn=dsn)] == by_week(events)


def test_a_selection_without_a_day_touches_no_week_and_no_month() -> None:
    given = Selection(date(2018, 11, 10), date(2018, 11, 9)).parameters()
    assert given["first"] == given["end"] == given["first"].replace(day=1)
    assert given["first"].weekday() == 0
    assert given["cut_months"] == []


def test_a_period_or_a_list_that_does_not_exist(dsn: str) -> None:
    local = Selection(zone="America/New_York")
    for question in (
        partial(analytics.trend, "year"),
        partial(analytics.trend, "Week", local),
        partial(analytics.history, 1, "hour"),
        partial(analytics.retention, period="day"),
    ):
        with pytest.raises(UsageError, match=r"There is no period .*week or month"):
            question(dsn=dsn)
    with pytest.raises(UsageError, match="no list 'albums': choose songs, artists, locations, users or dev"):
        analytics.top("albums", dsn=dsn)


def test_what_rises_needs_a_day_to_begin_with(dsn: str) -> None:
    for selection in (Selection(), Selection(until=date(2018, 11, 18), level="paid")):
        with pytest.raises(UsageError, match=r"days before.*`since`"):
            analytics.rising(selection, dsn=dsn)
    # The days end with the last one that has plays.
    assert analytics.rising(Selection(date(2018, 11, 20), date(2019, 5, 1)), dsn=dsn) == analytics.rising(
        Selection(date(2018, 11, 20), date(2018, 11, 30)), dsn=dsn
    )


def by_week(events: list[Event]) -> list[tuple[date, int, int]]:
    """How many of a week's first-time listeners listened again, by weeks later."""

    def monday(day: date) -> date:
        return day - timedelta(day.weekday())

    firsts: dict[str, date] = {}
    for event in sorted(events, key=lambda e: e["ts"]):
        firsts.setdefault(event["userId"], monday(event["day"]))
    users = defaultdict(set)
    for e in events:
        users[firsts[e["userId"]], (monday(e["day"]) - firsts[e["userId"]]).days // 7].add(e["userId"])
    return sorted((cohort, later, len(who)) for (cohort, later), who in users.items())


def test_views(dsn: str, events: list[Event]) -> None:
    """BI tools see the same."""
    final: dict[str, str] = {}
    changes = Counter()
    for e in sorted(events, key=lambda e: (e["ts"], e["sessionId"], e["itemInSession"])):
        before = final.get(e["userId"], e["level"])
        changes[before, e["level"]] += before != e["level"]
        final[e["userId"]] = e["level"]
    month = date(2018, 11, 1)
    songs, artists = (
        Counter(map(key, events)) for key in (lambda e: (e["song"], e["artist"]), lambda e: e["artist"])
    )
    days = set(Counter(e["day"] for e in events).items())
    expected: dict[str, Any] = {
        "SELECT title, artist, sum(plays) FROM analytics.plays_by_song GROUP BY 1, 2":
            {(*k, n) for k, n in songs.items()},
        "SELECT artist, sum(plays) FROM analytics.plays_by_artist GROUP BY 1": set(artists.items()),
        "SELECT day, sum(plays) FROM analytics.plays_by_day GROUP BY 1": days,
        "SELECT weekday, hour, sum(plays) FROM analytics.plays_by_hour GROUP BY 1, 2":
            {(*k, n) for k, n in Counter((e["at"].weekday(), e["at"].hour) for e in events).items()},
        "SELECT start, listeners FROM analytics.active_listeners WHERE period = 'day' AND level = 'all'":
            {(day, len({e["userId"] for e in events if e["day"] == day})) for day, _ in days},
        "SELECT location, sum(plays) FROM analytics.plays_by_location GROUP BY 1":
            set(Counter(e["location"] for e in events).items()),
        "SELECT level, sum(plays) FROM analytics.plays_by_device GROUP BY 1":
            set(Counter(e["level"] for e in events).items()),
        "SELECT level_before, level, count(*) FROM analytics.level_changes GROUP BY 1, 2":
            {(*k, n) for k, n in changes.items() if n},
        "SELECT cohort, months_later, listeners, cohort_size FROM analytics.retention_by_month":
            {(month, 0, 96, 96)},
        "SELECT cohort, weeks_later, listeners FROM analytics.retention_by_week": set(by_week(events)),
        "SELECT title, artist, change FROM analytics.rising_songs WHERE plays_before = 0":
            {(*k, n) for k, n in songs.items()},
        "SELECT sum(plays), max(first_month) FROM analytics.unmatched_songs": {(6819, month)},
        "SELECT title, artist, song_id IS NULL FROM analytics.tracks":
            {(*k, k != ("Setanta matins", "Elena")) for k in songs},
    }  # fmt: skip
    with connect(dsn) as connection:
        seconds = one(connection, "SELECT sum(seconds)::bigint FROM analytics.plays_by_day")
        assert seconds == pytest.approx(
            sum(e["length"] for e in events), abs=60
        )  # each row of a day and level is rounded to a second
        for query, rows in expected.items():
            assert set(connection.execute(query).fetchall()) == rows, query  # type: ignore[call-overload]
        views = {name for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'v'"
            " AND relnamespace = 'analytics'::regnamespace")}  # fmt: skip
    of_activity = {
        "activity_by_day",
        "feedback_by_song",
        "page_views_by_day",
        "sessions_by_day",
        "upgrades_by_week",
        "user_weeks",
    }  # test_activity.py
    assert views - of_activity - {"user_levels"} == {
        name for query in expected for name in views if f".{name}" in query
    }


@pytest.fixture(scope="module")
def over_months(new_module_dsn: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Event]]:
    """Four months of plays by ever more people, who move and sometimes pay; and a warehouse of them."""
    chance = random.Random(1)
    events = []
    for at in range(3000):
        ts = NOVEMBER + chance.randrange(120 * 86_400_000)
        events.append(
            play(
                ts, itemInSession=at, userId=str(chance.randrange(2 + (ts - NOVEMBER) // (10 * 86_400_000))),
                song=f"song {int(chance.random() ** 3 * 60)}",
                artist=f"artist {int(chance.random() ** 3 * 40)}",
                level=chance.choice(["free", "paid"]), location=chance.choice(["Chicago, IL", "Boston, MA"]),
            )
        )  # fmt: skip
    # Somebody who pays from the 80th day on, which is their first day with plays in that month.
    events += [
        play(NOVEMBER + day * 86_400_000, itemInSession=day, sessionId=1, userId="99", level=level)
        for day, level in ((4, "free"), (80, "paid"), (81, "paid"))
    ]
    root = tmp_path_factory.mktemp("over_months")
    write(root, "log_data/a.json", *events)
    warehouse = new_module_dsn()
    etl.run(root, dsn=warehouse)
    for event in events:
        event["at"] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["ts"])
        event["day"] = event["at"].date()
    return warehouse, events


@pytest.fixture(scope="module")
def asked_of_months(over_months: tuple[str, list[Event]]) -> Iterator[Connection[Any]]:
    """A connection for many questions."""
    with connect(over_months[0], for_questions=True) as connection:
        yield connection


def test_ranges_over_months(over_months: tuple[str, list[Event]], asked_of_months: Connection[Any]) -> None:
    """Ranges that cut months or hold only days or whole months, each with short and long lists."""
    _, events = over_months
    chance = random.Random(2)
    for days in [*(chance.randrange(90) for _ in range(8)), *range(3, 11)]:
        since = date(2018, 11, 1) + timedelta(chance.randrange(100))
        selection = Selection(
            since,
            since + timedelta(days),
            chance.choice([None, "free"]),
            chance.choice([None, None, "Boston, MA"]),
            chance.choice(["UTC", "America/Los_Angeles", "Asia/Kolkata"]),
        )
        chosen = selected(events, selection)
        for what, key in (
            ("songs", lambda e: (e["song"], e["artist"])),
            ("artists", lambda e: (e["artist"],)),
        ):
            names = ("title", "artist") if what == "songs" else ("artist",)
            for limit in (3, 30, 1000):
                rows = analytics.top(what, selection, dsn=asked_of_months, limit=limit)
                found = [(tuple(row[name] for name in names), row["plays"], row["listeners"]) for row in rows]
                assert found == ranked(chosen, key)[:limit], (selection, limit)
        assert analytics.totals(selection, dsn=asked_of_months)["listeners"] == len(
            {e["userId"] for e in chosen}
        )
        users = analytics.top("users", selection, dsn=asked_of_months, limit=1000)
        assert {str(row["user_id"]): row["plays"] for row in users} == Counter(e["userId"] for e in chosen)


def test_many_songs_of_a_place_with_as_many_plays(new_dsn: Any, tmp_path: Path) -> None:
    """A hundred are heard three times, 900 twice, 50 once.

    The catalogue lacks the last songs of each group. A short list finds them among the most played songs; a
    longer one has to search all.
    """
    here, there = {"location": "Boston, MA"}, {"location": "Chicago, IL"}
    songs = [f"song {at:04}" for at in range(1050)]
    lacking = {*songs[90:100], *songs[950:]}
    listed = [
        song(song_id=f"SO{at:016}", title=title, artist_name="Ann", duration=200)
        for at, title in enumerate(songs)
        if title not in lacking
    ]
    heard = [(title, here) for part in (songs, songs[:1000], songs[:100]) for title in part]
    events = [
        play(NOVEMBER + at * 60_000, itemInSession=at, userId=str(at % 7),
            song=title, artist="Ann", length=200, **place)
        for at, (title, place) in enumerate(heard + [(title, there) for title in songs])
    ]  # fmt: skip
    write(tmp_path, "song_data/a.json", *listed)
    write(tmp_path, "log_data/a.json", *events)
    warehouse = new_dsn()
    etl.run(tmp_path, dsn=warehouse)
    boston = Selection(location="Boston, MA")
    expected = [
        (title, count, people)
        for (title, _), count, people in ranked(events[: len(heard)], lambda e: (e["song"], e["artist"]))
    ]
    unmatched = [row for row in expected if row[0] in lacking]
    for limit in (3, 12, 40, 70, 1000):
        for rows, wanted in (
            (analytics.top("songs", boston, dsn=warehouse, limit=limit), expected),
            (analytics.unmatched(boston, dsn=warehouse, limit=limit), unmatched),
        ):
            assert [(row["title"], row["plays"], row["listeners"]) for row in rows] == wanted[:limit]


def test_a_song_heard_on_one_level_here_and_on_the_other_there(new_dsn: Any, tmp_path: Path) -> None:
    """A user who is free in Boston and paid in Chicago on one day is not a free listener in Chicago."""
    boston, chicago = {"location": "Boston, MA"}, {"location": "Chicago, IL"}
    heard = [("1", "free", boston), ("1", "paid", chicago), ("2", "free", chicago)]
    events = [
        play(NOVEMBER + at * 60_000, itemInSession=at, userId=user, level=level, **place)
        for at, (user, level, place) in enumerate(heard)
    ]
    write(tmp_path, "log_data/a.json", *events)
    warehouse = new_dsn()
    etl.run(tmp_path, dsn=warehouse)
    for what in ("songs", "artists"):
        (row,) = analytics.top(what, Selection(level="free", location="Chicago, IL"), dsn=warehouse)
        assert (row["plays"], row["listeners"]) == (1, 1)


def test_the_song_that_rises_most_need_not_be_among_the_most_played(
    new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    """Nor the one that falls most. More songs than are examined first have more plays."""
    steady = {f"song {number}": (9, 9) for number in range(9)}
    days = steady | {"up a little": (4, 9), "up": (0, 6), "down a little": (9, 4), "down": (6, 0)}
    titles = [[title for title in days for _ in range(days[title][day])] for day in (0, 1)]
    write(
        tmp_path,
        "log_data/a.json",
        *(
            play(NOVEMBER + day * 86_400_000 + at, itemInSession=at, song=title)
            for day in (0, 1)
            for at, title in enumerate(titles[day])
        ),
    )
    warehouse = new_dsn()
    etl.run(tmp_path, dsn=warehouse)
    for falling, title, change in ((False, "up", 6), (True, "down", -6)):
        (row,) = analytics.rising(Selection(date(2018, 11, 2)), falling=falling, dsn=warehouse, limit=1)
        assert (row["title"], row["change"]) == (title, change)


@pytest.mark.parametrize("place", [None, "Boston, MA"])
def test_songs_over_months(over_months: tuple[str, list[Event]], place: str | None) -> None:
    """Rising and falling songs, and who heard a song when: on days that cut months, at one place or all."""
    warehouse, events = over_months
    now = Selection(date(2018, 12, 20), date(2019, 1, 24), "free", place)
    before = Selection(date(2018, 11, 14), date(2018, 12, 19), "free", place)
    plays = Counter((e["song"], e["artist"]) for e in selected(events, now))
    plays_before = Counter((e["song"], e["artist"]) for e in selected(events, before))
    change = {song: plays[song] - plays_before[song] for song in plays | plays_before}
    for falling in (False, True):
        rows = analytics.rising(now, falling=falling, dsn=warehouse, limit=5)
        assert [row["change"] for row in rows] == sorted(change.values(), reverse=not falling)[:5]
        for row in rows:
            song = row["title"], row["artist"]
            assert (row["plays"], row["before"]) == (plays[song], plays_before[song])

    (row, *_) = analytics.search("song 0 artist 0", dsn=warehouse)
    song = row["title"], row["artist"]
    assert row["plays"] == sum((e["song"], e["artist"]) == song for e in events)
    heard = [e for e in selected(events, now) if (e["song"], e["artist"]) == song]
    assert len(heard) > 2
    days, fans = Counter(e["day"] for e in heard), Counter(int(e["userId"]) for e in heard)
    rows = analytics.history(row["track_id"], "day", now, dsn=warehouse)
    assert [(row["start"], row["plays"]) for row in rows] == sorted(days.items())
    rows = analytics.fans(row["track_id"], now, dsn=warehouse, limit=1000)
    assert {row["user_id"]: row["plays"] for row in rows} == fans
    assert sum(row["plays"] for row in analytics.audience(row["track_id"], now, dsn=warehouse)) == len(heard)


def test_many_questions_over_one_connection(over_months: tuple[str, list[Event]]) -> None:
    """Questions are not prepared: PostgreSQL would make one plan, for one selection, and use it for all."""
    warehouse, _ = over_months
    selections = [
        Selection(),
        Selection(location="Boston, MA"),
        Selection(date(2018, 12, 5), date(2019, 1, 9)),
    ]
    (song, *_) = analytics.search("song", dsn=warehouse)

    def ask(where: DsnOrConnection, chosen: Selection) -> list[Any]:
        return [
            analytics.top("songs", chosen, dsn=where), analytics.trend("week", chosen, dsn=where),
            analytics.listeners(chosen, dsn=where),
            analytics.history(song["track_id"], "week", chosen, dsn=where),
        ]  # fmt: skip

    with connect(warehouse) as connection:
        for _ in range(3):
            for chosen in selections:
                assert ask(connection, chosen) == ask(warehouse, chosen)
        prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM%'"
        assert one(connection, prepared) == 0


def test_a_connection_that_would_begin_a_transaction(over_months: tuple[str, list[Event]]) -> None:
    """Settings for one question would also hold for the following ones."""
    warehouse, _ = over_months
    with psycopg.connect(warehouse) as connection, pytest.raises(UsageError, match="autocommit"):
        analytics.top("songs", dsn=connection)
    with (
        connect(warehouse) as connection,
        connection.transaction(),
        pytest.raises(UsageError, match="no transaction"),
    ):
        analytics.top("songs", dsn=connection)


def test_people_over_months(over_months: tuple[str, list[Event]]) -> None:
    """Users who are new at a place, come back or change level, over all days and over days that cut
    months."""
    warehouse, events = over_months
    events = sorted(events, key=lambda e: (e["ts"], e["itemInSession"]))
    firsts: dict[str, date] = {}
    changes: list[tuple[date, str, str, str]] = []
    levels: dict[str, str] = {}
    for e in events:
        firsts.setdefault(e["userId"], e["day"])
        before = levels.get(e["userId"], e["level"])
        if before != e["level"]:
            changes.append((e["day"], before, e["level"], e["userId"]))
        levels[e["userId"]] = e["level"]
    assert len(firsts) > 12
    _, second, *_, last_but_one, _ = sorted(set(firsts.values()))
    for selection in (
        Selection(), Selection(date(2018, 11, 20), date(2019, 1, 9)), Selection(second, last_but_one)
    ):  # fmt: skip
        since, until = selection.since or date.min, selection.until or date.max
        at_place = Selection(selection.since, selection.until, "free", "Boston, MA")
        heard = defaultdict(set)
        for e in selected(events, at_place):
            heard[e["day"]].add(e["userId"])
        assert [
            (row["start"], row["listeners"], row["new_listeners"], row["returning_listeners"])
            for row in analytics.trend("day", at_place, dsn=warehouse)
        ] == [
            (day, len(who), sum(firsts[u] >= day for u in who), sum(firsts[u] < day for u in who))
            for day, who in sorted(heard.items())
        ]
        back = Counter(
            (first.replace(day=1), (month.year - first.year) * 12 + month.month - first.month)
            for user, first, month in
                {(e["userId"], firsts[e["userId"]], e["day"].replace(day=1)) for e in events}
            if since <= first <= until
        )  # fmt: skip
        rows = analytics.retention("month", selection, dsn=warehouse)
        assert {(row["cohort"], row["months_later"]): row["listeners"] for row in rows} == back
        changed = defaultdict(list)
        for day, before, level, user in changes:
            if since <= day <= until:
                changed[day.replace(day=1), before, level].append(user)
        expected = [(*key, len(who), len(set(who))) for key, who in sorted(changed.items())]
        assert any(many > people for *_, many, people in expected)
        rows = analytics.level_changes(selection, dsn=warehouse)
        assert [tuple(row.values()) for row in rows] == expected
        to_free = Selection(selection.since, selection.until, "free")
        rows = analytics.level_changes(to_free, dsn=warehouse)
        assert [tuple(row.values()) for row in rows] == [row for row in expected if row[2] == "free"]


@pytest.mark.parametrize(
    "parts",
    [
        {"since": "2018-11-01"},
        {"until": datetime(2018, 11, 1, tzinfo=UTC)},
        {"zone": None},
        {"zone": date.min},
        {"level": ["paid"]},
        {"location": 7},
    ],
)
def test_a_selection_of_other_types_is_refused(parts: dict[str, Any]) -> None:
    said = r"selection (must (be of type datetime.date|have a name)|is text, or None for all)"
    with pytest.raises(UsageError, match=said):
        Selection(**parts)


def test_arguments_of_other_types_are_refused(dsn: str) -> None:
    """Otherwise they would be answered with nothing, or with an error that blames the warehouse."""
    a = analytics
    for ask, name in (
        *((partial(ask, "2018-11-01"), "selection") for ask in (a.totals, a.pages, a.churn, a.report)),
        (partial(a.top, "songs", date(2018, 11, 1)), "selection"),
        (partial(a.history, 1, "day", 5), "selection"),
        *((partial(a.top, "songs", limit=limit), "limit") for limit in (None, "3", 3.0, True, -1)),
        (partial(a.quiet, days=7.5), "days"),
        (partial(a.quiet, days="14"), "days"),
        *((partial(a.listener, user), "user_id") for user in ("15", 15.7, [15], None)),
        *((partial(a.song, track), "track_id") for track in ("7", 7.0, None)),
        *((partial(ask, tracks), "tracks")
          for ask in (a.songs, a.history, a.audience, a.fans)
          for tracks in ("7", b"7", 7.0, [7.0], ["7"], None)),
        (partial(a.artist, None), "name"),
        (partial(a.search, 5), "text"),
        (partial(a.rejects, run="1"), "run"),
        (partial(a.rejects, path=Path("log_data")), "path"),
        *((partial(ask, dsn=other), "dsn") for ask in (a.totals, a.status) for other in (5, Path("db"))),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=rf"^`{name}` must be .*, not "):
            partial(ask, **{"dsn": dsn} | ask.keywords)()


def test_a_missing_argument_is_told_as_python_does() -> None:
    with pytest.raises(TypeError, match=r"rising\(\) missing 1 required positional argument: 'selection'"):
        analytics.rising()  # type: ignore[call-arg]


def test_numbers_of_numpy_are_numbers(dsn: str) -> None:
    (song,) = analytics.top("songs", dsn=dsn, limit=np.int64(1))  # type: ignore[arg-type]
    track = np.int64(song["track_id"])
    assert analytics.song(track, dsn=dsn) == analytics.song(song["track_id"], dsn=dsn)  # type: ignore[arg-type]
    for tracks in (track, [track], np.array([track]), {np.int64(1), 2, track}):
        assert analytics.history(tracks, dsn=dsn) == analytics.history(song["track_id"], dsn=dsn)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_an_answer_without_rows_has_the_columns_of_others(
    asked_of_months: Connection[Any], zone: str
) -> None:
    """So its CSV has a header."""
    some = Selection(date(2018, 11, 2), date(2018, 12, 20), zone=zone)
    of_nowhere = replace(some, location="Nowhere")
    of_no_day = replace(some, since=date(2030, 1, 1), until=date(2030, 1, 2))
    questions: list[Callable[..., Any]] = [
        *(partial(analytics.top, what) for what in ("songs", "artists", "users", "locations", "devices")),
        *(partial(analytics.trend, period) for period in ("day", "week", "month")),
        analytics.heat_map, lambda *asked, dsn: analytics.heat_map_own_time(*asked, dsn=dsn)["hours"],
        analytics.rising, partial(analytics.rising, falling=True), analytics.unmatched,
    ]  # fmt: skip
    for question in questions:
        columns = list(question(some, dsn=asked_of_months)[0])
        for empty in (of_nowhere, of_no_day):
            found = question(empty, dsn=asked_of_months)
            assert (list(found), list(column_names(found))) == ([], columns)


def test_weeks_of_a_place_are_whole(new_dsn: Any, tmp_path: Path) -> None:
    """The trend reads all days of the first and the last month, and counts users of other months, too."""
    days = {
        1: datetime(2018, 11, 28, tzinfo=UTC),
        2: datetime(2018, 12, 20, tzinfo=UTC),
        3: datetime(2019, 2, 2, tzinfo=UTC),
    }
    write(
        tmp_path, "log_data/a.json",
        *(play(int(day.timestamp() * 1000), userId=str(user), sessionId=user) for user, day in days.items()),
    )  # fmt: skip
    dsn = new_dsn()
    etl.run(tmp_path, dsn=dsn)
    for until in (date(2019, 1, 31), date(2018, 12, 20)):  # many days, and few
        chosen = Selection(date(2018, 12, 1), until, location="Chicago, IL")
        weeks = {row["start"]: row["listeners"] for row in analytics.trend("week", chosen, dsn=dsn)}
        last = {date(2019, 1, 28): 1} if until.month == 1 else {}
        assert weeks == {date(2018, 11, 26): 1, date(2018, 12, 17): 1} | last


def test_what_has_as_many_plays_comes_in_an_order(new_dsn: Any, tmp_path: Path) -> None:
    """Sorted by listeners, then by the bytes of the name as logged; shows the smallest matching id."""
    names = ["b", "a", "\uffff", "\U0001f600", "Z", "Ã©"]  # the last is shown as é
    agents = ["Mozilla/5.0 (Windows NT 6.1)", "Mozilla/5.0 (X11; Linux x86_64)"]
    events = [
        play(NOVEMBER + at * 1000, itemInSession=at, userId=user, song=f"{name}{length}",
            artist=name, length=length,
             location=place, userAgent=agents[at % 2], firstName=user)
        for at, (name, user, place, length) in enumerate(
            (name, user, place, length)
            for number, name in enumerate(names)
            for user, place, length in (("30", "Z", 1), ("5" if number else "30", None, 1),
                ("200", "a", 2), ("4", "é", 2))
        )
    ]  # fmt: skip
    catalogue = [
        song(f"S{at}", title=f"b{length}", artist_name="b", artist_id=artist, duration=length)
        for at, (length, artist) in enumerate(((2, "A2"), (1, "A3"), (1, "A1")))
    ]
    write(tmp_path, "log_data/a.json", *events)
    write(
        tmp_path, "song_data/a.json", *catalogue, song("S9", title="other", artist_name="b", artist_id="A0")
    )
    dsn = new_dsn()
    etl.run(tmp_path, dsn=dsn)
    by_bytes = ["Z", "a", "\u00e9", "\uffff", "\U0001f600", "b"]  # b has fewer listeners
    artists = [(row["artist"], row["artist_id"]) for row in analytics.top("artists", dsn=dsn)]
    assert artists == [(name, "A2" if name == "b" else None) for name in by_bytes]
    songs = [row["title"] for row in analytics.top("songs", dsn=dsn, limit=100)]
    assert songs == [f"{name}{length}" for name in ("Z", "a") for length in (1, 2)] + [
        "b2", *(f"{name}{length}" for name in by_bytes[2:5] for length in (1, 2)), "b1",
    ]  # fmt: skip
    assert songs[:7] == [row["title"] for row in analytics.top("songs", dsn=dsn, limit=7)]
    assert [row["user_id"] for row in analytics.top("users", dsn=dsn)] == [30, 4, 200, 5]
    assert [row["location"] for row in analytics.top("locations", dsn=dsn)] == ["Z", "a", "é", None]
    assert [row["device"] for row in analytics.top("devices", dsn=dsn)] == ["Linux", "Windows"]


def test_days_of_a_report(dsn: str, events: list[Event]) -> None:
    """The report covers no day before the first play, and counts active users back from the last day."""
    for since, until, expected in (
        (date(2018, 1, 1), date(2018, 11, 2), (date(2018, 11, 1), date(2018, 11, 2))),
        (date(2018, 11, 29), date(2019, 7, 1), (date(2018, 11, 29), date(2018, 11, 30))),
    ):
        report = analytics.report(Selection(since, until, "free"), dsn=dsn)
        assert (report["since"], report["until"]) == expected
        assert report["active"] == {
            days: len({e["userId"]
                for e in selected(events, Selection(report["until"] - timedelta(days - 1), until, "free"))})
            for days in (1, 7, 30)
        }  # fmt: skip
    assert report["active"][30] > report["totals"]["listeners"]
    report = analytics.report(Selection(date(2019, 7, 1)), dsn=dsn)
    assert (report["since"], report["until"]) == (None, None)
    assert report["active"] == {1: 0, 7: 0, 30: 0}


@pytest.mark.parametrize("limit", [0, -1, 2**63])
def test_a_list_of_no_length(dsn: str, limit: int) -> None:
    """A limit that PostgreSQL cannot take is the caller's fault."""
    since = Selection(date(2018, 11, 4))
    for question in (
        partial(analytics.top, "songs"), partial(analytics.top, "users"), partial(analytics.rising, since),
        analytics.unmatched, analytics.feedback_songs, analytics.session_ends, analytics.runs,
        analytics.rejects, partial(analytics.fans, 1), partial(analytics.search, "a"),
    ):  # fmt: skip
        if limit:
            said = (
                "whole number of rows, 0 or more" if limit < 0 else r"^PostgreSQL: .*Ask with another number"
            )
            with pytest.raises(UsageError, match=said):
                question(dsn=dsn, limit=limit)
        else:
            assert question(dsn=dsn, limit=limit) == []


def test_a_place_that_is_no_text(dsn: str, run_here: Any) -> None:
    found = run_here("top", "songs", "--location", "\udcff", dsn=dsn)
    assert found.returncode == 2
    assert found.stderr == "sparkify: argument --location: '\\udcff' is not UTF-8; see sparkify top --help\n"
