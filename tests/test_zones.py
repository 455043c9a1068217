"""Answers by local days equal what plain Python counts from the plays with zoneinfo."""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.analytics import Selection, asking
from sparkify.analytics.selection import known_parts
from sparkify.database.connection import connect
from sparkify.database.queries import script
from sparkify.database.reading import rows
from sparkify.errors import UsageError
from tests.support.data import NOVEMBER, play, write
from tests.support.examples import examples

Event = dict[str, Any]

# Days around which clocks change somewhere: in America, Europe, Brazil, Australia, at the ends of months.
AROUND = [
    date(2018, 2, 17), date(2018, 3, 11), date(2018, 3, 25), date(2018, 4, 1), date(2018, 10, 7),
    date(2018, 10, 28), date(2018, 11, 4), date(2018, 12, 31),
]  # fmt: skip
CHICAGO, LANSING, NOWHERE = "Chicago-Naperville-Elgin, IL-IN-WI", "Lansing-East Lansing, MI", "Atlantis"
OWN = {
    CHICAGO: ZoneInfo("America/Chicago"), LANSING: ZoneInfo("America/Detroit"),
    "Phoenix-Mesa-Scottsdale, AZ": ZoneInfo("America/Phoenix"),
}  # fmt: skip
PLACES = [*OWN, NOWHERE, None]
ODD = [
    "America/New_York", "America/Los_Angeles", "America/Havana", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Atlantic/Azores", "Pacific/Apia", "Pacific/Chatham",
    "Europe/London", "Pacific/Niue", "America/St_Johns", "UTC",
]  # fmt: skip


def made_up() -> list[Event]:
    """Plays at the edges of quarters of an hour, on the days around each change."""
    chance = random.Random(1)
    found, at_once = [], set()
    for item in range(800):
        around = chance.randrange(len(AROUND))
        user = chance.randrange(1, 4 + 5 * around)  # ever more people, so that some are new on each day
        day = AROUND[around] + timedelta(chance.randrange(-2, 3))
        at = datetime(day.year, day.month, day.day, chance.randrange(24), tzinfo=UTC) + timedelta(
            minutes=15 * chance.randrange(4), milliseconds=chance.choice([0, 1, 450_000, 899_999])
        )
        if (user, at) in at_once:  # so that level changes have one order
            continue
        at_once.add((user, at))
        found.append(
            play(
                int(at.timestamp() * 1000), userId=str(user), itemInSession=item,
                sessionId=100 * user + day.toordinal() % 7, gender="FM"[user % 2],
                level=chance.choice(["free", "paid", "paid"]) if user % 3 else "free",
                location=PLACES[user % 5], song=chance.choice("aaabbc" if user % 2 else "cdefgh"),
                artist=chance.choice(["Elena", "Bjork"]), length=chance.choice([100.25, 0.5, 250.125]),
            )
        )  # fmt: skip
    # These two are new at midnight in New York, before and after the day on which its clocks change.
    for user, at in (901, datetime(2018, 11, 4, 4, tzinfo=UTC)), (902, datetime(2018, 11, 5, 5, tzinfo=UTC)):
        found.append(play(int(at.timestamp() * 1000), userId=str(user), sessionId=user, location=PLACES[0]))
    for event in found:
        event["at"] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["ts"])
    return found


EVENTS = made_up()


@pytest.fixture(scope="module")
def warehouse(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection[Any]]:
    root = tmp_path_factory.mktemp("zones")
    events = [{name: value for name, value in event.items() if name != "at"} for event in EVENTS]
    write(root, "log_data/a.json", *events[::2])
    etl.run(root, dsn=module_dsn)
    write(root, "log_data/b.json", *events[1::2])  # every day is computed again
    etl.run(root, dsn=module_dsn)
    with connect(module_dsn, for_questions=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def zones(warehouse: Connection[Any]) -> list[str]:
    known = available_timezones()  # searches all its files at each call
    return [name for name in analytics.time_zones(dsn=warehouse) if name in known]


@cache
def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def local(event: Event, zone: str) -> datetime:
    return _local(event["at"], zone)


def chosen(selection: Selection, events: list[Event] = EVENTS) -> list[Event]:
    since, until = selection.since or date.min, selection.until or date.max
    return [
        event for event in events
        if since <= local(event, selection.zone).date() <= until
        and selection.level in {None, event["level"]} and selection.location in {None, event["location"]}
    ]  # fmt: skip


def listeners(events: list[Event]) -> set[str]:
    return {event["userId"] for event in events}


@cache
def firsts(zone: str) -> dict[str, date]:
    return {
        user: min(local(event, zone).date() for event in EVENTS if event["userId"] == user)
        for user in listeners(EVENTS)
    }


def sessions(selection: Selection) -> list[Event]:
    """The first play of each session that began within the selection."""
    began: dict[Any, Event] = {}
    for event in sorted(EVENTS, key=lambda event: event["at"]):
        began.setdefault((event["userId"], event["sessionId"]), event)
    return chosen(selection, list(began.values()))


def seconds(events: list[Event]) -> int:
    return round(sum(event["length"] for event in events))


def ranked(events: list[Event], *names: str) -> list[tuple[Any, ...]]:
    of: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        of[tuple(event[name] for name in names)].append(event)
    rows = [(*key, len(found), len(listeners(found))) for key, found in of.items()]
    return sorted(rows, key=lambda row: (-row[-2], -row[-1], *(str(value) for value in row[:-2])))


def start_of(day: date, period: str) -> date:
    return {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[period]


def days() -> st.SearchStrategy[date | None]:
    near = st.builds(lambda day, by: day + timedelta(by), st.sampled_from(AROUND), st.integers(-3, 3))
    return st.none() | near


def selections(zones: list[str]) -> st.SearchStrategy[Selection]:
    return st.builds(
        Selection, days(), days(), st.sampled_from([None, None, "free", "paid"]),
        st.sampled_from([None, None, CHICAGO]), st.sampled_from(ODD) | st.sampled_from(zones),
    )  # fmt: skip


def check_counts(selection: Selection, dsn: Connection[Any]) -> None:
    events, zone = chosen(selection), selection.zone
    new = {user for user, first in firsts(zone).items() if first >= (selection.since or date.min)}
    found = analytics.totals(selection, dsn=dsn) | analytics.listeners(selection, dsn=dsn)
    assert found == {
        "plays": len(events), "listeners": len(listeners(events)),
        "seconds": pytest.approx(seconds(events), abs=1),
        "sessions": None if selection.location else len(sessions(selection)),
        "new_listeners": len(listeners(events) & new),
    }  # fmt: skip
    levels = [(row["level"], row["plays"], row["listeners"]) for row in analytics.levels(selection, dsn=dsn)]
    assert sorted(levels) == sorted(ranked(events, "level"))
    genders = [
        (row["gender"], row["plays"], row["listeners"]) for row in analytics.genders(selection, dsn=dsn)
    ]
    assert sorted(genders) == sorted(ranked(events, "gender"))


def check_tops(selection: Selection, limit: int, dsn: Connection[Any]) -> None:
    events = chosen(selection)

    def top(what: str, *names: str) -> list[tuple[Any, ...]]:
        rows = analytics.top(what, selection, dsn=dsn, limit=limit)
        return [tuple(row[name] for name in (*names, "plays", "listeners")) for row in rows]

    assert top("songs", "title", "artist") == ranked(events, "song", "artist")[:limit]
    assert top("artists", "artist") == ranked(events, "artist")[:limit]
    locations = analytics.top("locations", selection, dsn=dsn, limit=limit)
    assert [row["plays"] for row in locations] == [row[-2] for row in ranked(events, "location")][:limit]
    users = {
        str(row["user_id"]): row["plays"] for row in analytics.top("users", selection, dsn=dsn, limit=99)
    }
    assert users == Counter(event["userId"] for event in events)
    devices = analytics.top("devices", selection, dsn=dsn, limit=99)
    assert sum(row["plays"] for row in devices) == len(events)


def check_times(selection: Selection, period: str, dsn: Connection[Any]) -> None:
    zone = selection.zone
    heat = {(row["weekday"], row["hour"]): row["plays"] for row in analytics.heat_map(selection, dsn=dsn)}
    times = [local(event, zone) for event in chosen(selection)]
    assert heat == Counter((at.weekday(), at.hour) for at in times)

    # A period that is cut is returned whole; those beyond the first and the last play have none.
    all_days = [local(event, zone).date() for event in EVENTS]
    first, last = (
        max(selection.since or min(all_days), min(all_days)),
        min(selection.until or max(all_days), max(all_days)),
    )
    expected = {}
    if first <= last:
        of: dict[date, list[Event]] = defaultdict(list)
        for event in chosen(Selection(None, None, selection.level, selection.location, zone)):
            of[start_of(local(event, zone).date(), period)].append(event)
        starts = [start for start in of if start_of(first, period) <= start <= last]
        began = Counter(
            start_of(local(event, zone).date(), period)
            for event in sessions(Selection(None, None, selection.level, None, zone))
        )
        for start in starts:
            users = listeners(of[start])
            new = {user for user in users if start_of(firsts(zone)[user], period) == start}
            expected[start] = (
                len(of[start]), len(users), len(new), None if selection.location else began[start],
                pytest.approx(seconds(of[start]), abs=1),
            )  # fmt: skip
    names = ("plays", "listeners", "new_listeners", "sessions", "seconds")
    rows = analytics.trend(period, selection, dsn=dsn)
    assert {row["start"]: tuple(row[name] for name in names) for row in rows} == expected


def check_own_time(selection: Selection, dsn: Connection[Any]) -> None:
    events = chosen(selection)
    certain = [event for event in events if event["location"] in OWN]
    own = analytics.heat_map_own_time(selection, dsn=dsn)
    assert (own["plays"], own["all_plays"]) == (len(certain), len(events))
    times = [event["at"].astimezone(OWN[event["location"]]) for event in certain]
    hours = {(row["weekday"], row["hour"]): row["plays"] for row in own["hours"]}
    assert hours == Counter((at.weekday(), at.hour) for at in times)


def check_changes(selection: Selection, dsn: Connection[Any]) -> None:
    changes: dict[Any, list[str]] = defaultdict(list)
    for user in listeners(EVENTS):
        of_user = sorted((e for e in EVENTS if e["userId"] == user), key=lambda event: event["at"])
        for before, after in pairwise(of_user):
            if before["level"] != after["level"] and chosen(Selection(
                selection.since, selection.until, selection.level, None, selection.zone), [after]
            ):  # fmt: skip
                month = local(after, selection.zone).date().replace(day=1)
                changes[month, before["level"], after["level"]].append(user)
    found = {
        (row["month"], row["level_before"], row["level"]): (row["changes"], row["users"])
        for row in analytics.level_changes(known_parts("level_changes", selection), dsn=dsn)
    }
    assert found == {key: (len(users), len(set(users))) for key, users in changes.items()}


def check_retention(selection: Selection, period: str, dsn: Connection[Any]) -> None:
    since, until, zone = selection.since or date.min, selection.until or date.max, selection.zone
    later = {
        "week": lambda a, b: (b - a).days // 7,
        "month": lambda a, b: 12 * (b.year - a.year) + b.month - a.month,
    }
    expected: dict[Any, set[str]] = defaultdict(set)
    for event in EVENTS:
        first = firsts(zone)[event["userId"]]
        if since <= first <= until:
            cohort, start = (start_of(day, period) for day in (first, local(event, zone).date()))
            expected[cohort, later[period](cohort, start)].add(event["userId"])
    chosen = known_parts("retention", selection)
    found = {
        (row["cohort"], row[f"{period}s_later"]): row["listeners"]
        for row in analytics.retention(period, chosen, dsn=dsn)
    }
    assert found == {key: len(users) for key, users in expected.items()}


def check_songs(selection: Selection, period: str, dsn: Connection[Any]) -> None:
    (song,) = [row for row in analytics.search("c Elena", dsn=dsn) if row["title"] == "c"]
    heard = [event for event in chosen(selection) if (event["song"], event["artist"]) == ("c", "Elena")]
    of: dict[date, list[Event]] = defaultdict(list)
    for event in heard:
        of[start_of(local(event, selection.zone).date(), period)].append(event)
    rows = analytics.history(song["track_id"], period, selection, dsn=dsn)
    assert [(row["start"], row["plays"], row["listeners"]) for row in rows] == [
        (start, len(of[start]), len(listeners(of[start]))) for start in sorted(of)
    ]
    fans = analytics.fans(song["track_id"], selection, dsn=dsn, limit=99)
    dates = {
        user: [local(e, selection.zone).date() for e in heard if e["userId"] == user]
        for user in listeners(heard)
    }
    assert {str(row["user_id"]): (row["plays"], row["first_day"], row["last_day"]) for row in fans} == {
        user: (len(found), min(found), max(found)) for user, found in dates.items()
    }
    by: dict[str, list[Event]] = defaultdict(list)
    for event in chosen(selection):
        if event["artist"] == "Elena":
            by[event["song"]].append(event)
    artist = analytics.artist("Elena", dsn=dsn)
    assert artist
    rows = analytics.songs(artist["track_ids"], selection, dsn=dsn, limit=99)
    assert {row["title"]: (row["plays"], row["listeners"]) for row in rows} == {
        title: (len(found), len(listeners(found))) for title, found in by.items()
    }


def test_every_answer_is_by_local_days(warehouse: Connection[Any], zones: list[str]) -> None:
    periods = st.sampled_from(["day", "week", "month"])

    @examples(8, thorough=300)
    @given(selections(zones), periods, st.sampled_from([1, 3, 1000]))
    def holds(selection: Selection, period: str, limit: int) -> None:
        check_counts(selection, warehouse)
        check_tops(selection, limit, warehouse)
        check_times(selection, period, warehouse)
        check_own_time(selection, warehouse)
        check_changes(selection, warehouse)
        check_retention(selection, "month" if period == "month" else "week", warehouse)
        check_songs(selection, period, warehouse)

    holds()


def days_of_change(zone: str) -> list[date]:
    """The days around which the clocks of a zone change; one other day if they never do."""

    def ahead(day: date) -> timedelta | None:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).utcoffset()

    return [day for day in AROUND if ahead(day) != ahead(day + timedelta(1))] or AROUND[:1]


@pytest.mark.parametrize("zone", ODD)
def test_a_day_on_which_clocks_change(warehouse: Connection[Any], zone: str) -> None:
    for day in days_of_change(zone):
        for since, until in ((day, day), (day + timedelta(1), day + timedelta(1)), (None, day)):
            selection = Selection(since, until, zone=zone)
            check_counts(selection, warehouse)
            check_retention(selection, "week", warehouse)
            heat = {
                (row["weekday"], row["hour"]): row["plays"]
                for row in analytics.heat_map(selection, dsn=warehouse)
            }
            times = [local(event, zone) for event in chosen(selection)]
            assert heat == Counter((at.weekday(), at.hour) for at in times)


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "UTC-5",
        "EST5",
        "EST",
        "GMT",
        "america/new_york",
        "",
        "0",
        "New York",
        "A\0",
        "\ud800",
    ],
)
def test_an_unknown_time_zone(warehouse: Connection[Any], name: str) -> None:
    """PostgreSQL itself would take "UTC-5" for five hours east, and any case."""
    with pytest.raises(UsageError, match=r"no time zone.*America/New_York"):
        analytics.totals(Selection(date(2018, 11, 1), zone=name), dsn=warehouse)


@pytest.mark.parametrize(
    "question",
    [
        analytics.totals, partial(analytics.trend, "day"), analytics.heat_map, analytics.heat_map_own_time,
        analytics.level_changes, analytics.rising, analytics.report, partial(analytics.top, "songs"),
        partial(analytics.retention, "week"),
        partial(analytics.history, 1, "day"), analytics.days,
    ],
)  # fmt: skip
def test_every_question_refuses_an_unknown_time_zone(warehouse: Connection[Any], question: Any) -> None:
    with pytest.raises(UsageError, match=r"no time zone.*America/New_York"):
        question(Selection(date(2018, 11, 1), zone="Mars/Olympus"), dsn=warehouse)


def test_an_empty_warehouse(dsn: str) -> None:
    nowhere = Selection(date(2018, 11, 1), zone="America/New_York")
    with connect(dsn, for_questions=True) as connection:
        assert analytics.totals(nowhere, dsn=connection)["plays"] == 0
        assert analytics.days(nowhere, dsn=connection).is_empty()
        for question, *first in (
            (analytics.trend, "day"), (analytics.history, 1, "day"), (analytics.top, "songs"),
            (analytics.retention, "week"),
        ):  # fmt: skip
            assert question(*first, nowhere, dsn=connection) == []
        assert analytics.heat_map(nowhere, dsn=connection) == []
        empty = {"hours": [], "plays": 0, "all_plays": 0}
        assert analytics.heat_map_own_time(nowhere, dsn=connection) == empty
        assert analytics.report(nowhere, dsn=connection)["totals"]["plays"] == 0


CERTAIN = {
    "San Francisco-Oakland-Hayward, CA": "America/Los_Angeles", "Janesville-Beloit, WI": "America/Chicago",
    "Washington-Arlington-Alexandria, DC-VA-MD-WV": "America/New_York",
    "Salt Lake City, UT": "America/Denver",
    "Lake Havasu City-Kingman, AZ": "America/Phoenix", "Urban Honolulu, HI": "Pacific/Honolulu",
    "Anchorage, AK": "America/Anchorage", "El Paso, TX": "America/Denver", CHICAGO: "America/Chicago",
    "Louisville/Jefferson County, KY-IN": "America/New_York", "Marinette, WI-MI": "America/Chicago",
    "Nashville-Davidson--Murfreesboro--Franklin, TN": "America/Chicago", "Boise City, ID": "America/Boise",
    "Coeur d'Alene, ID": "America/Los_Angeles", "Plymouth, IN": "America/Indiana/Indianapolis",
    "Pensacola-Ferry Pass-Brent, FL": "America/Chicago", "Memphis, TN-MS-AR": "America/Chicago",
}  # fmt: skip
UNCERTAIN = [
    "Chattanooga, TN-GA", "Columbus, GA-AL", "Panama City, FL", "Bismarck, ND", "Flagstaff, AZ", "Elko, NV",
    "Paris, TX", "Somewhere, CA-XX", "Somewhere, XX", "Somewhere, ca", "CA", "Lyon", "",
    "Oakland, CA ", "Oakland,CA",
]  # fmt: skip


def test_the_time_zone_of_a_place(warehouse: Connection[Any]) -> None:
    found = dict(
        warehouse.execute(
            "SELECT place, analytics.zone_of(place) FROM unnest(%s::text[]) AS place",
            [[*CERTAIN, *UNCERTAIN]],
        ).fetchall()
    )
    assert found == CERTAIN | dict.fromkeys(UNCERTAIN)


def test_the_server_knows_each_time_zone_of_a_place(warehouse: Connection[Any]) -> None:
    text = script("schema/places")
    named = set(re.findall(r"'((?:America|Pacific)/[A-Za-z_/]+)'", text))
    assert len(named) == 10
    assert named <= set(analytics.time_zones(dsn=warehouse)) | available_timezones()
    areas = re.findall(r"'([^'{}]+(?:''[^']+)?, [A-Z]{2}(?:-[A-Z]{2})*)'", text)
    assert len(areas) > 100
    assert [area for area, count in Counter(areas).items() if count > 1] == []


OF_STATES = {
    "CA OR WA": "America/Los_Angeles", "UT NM": "America/Denver", "AZ": "America/Phoenix",
    "IL IA WI AL TX LA TN MO MN": "America/Chicago",
    "ME GA NY NC CT PA DC SC VA OH WV FL MI IN KY": "America/New_York",
}  # fmt: skip


def test_the_places_of_the_real_sample(real_sample: Path, dsn: str) -> None:
    """Each is certain. The table here is right for these places in November 2018, by their first state."""
    etl.run(real_sample, dsn=dsn)
    of_state = {state: ZoneInfo(zone) for states, zone in OF_STATES.items() for state in states.split()}
    hours: Counter[tuple[int, int]] = Counter()
    for file in (real_sample / "log_data").rglob("*.json"):
        for event in map(json.loads, filter(None, file.read_text().split("\n"))):
            if event["page"] == "NextSong":
                place = event["location"]
                zone = of_state["AL" if "Pensacola" in place else place.rpartition(", ")[2][:2]]
                at = datetime.fromtimestamp(event["ts"] / 1000, zone)
                hours[at.weekday(), at.hour] += 1
    own = analytics.heat_map_own_time(dsn=dsn)
    assert (own["plays"], own["all_plays"]) == (6820, 6820)
    assert {(row["weekday"], row["hour"]): row["plays"] for row in own["hours"]} == hours


@pytest.mark.parametrize("lacking", [False, True])
def test_a_song_that_is_only_heard_where_the_days_cut_another_month(
    dsn: str, tmp_path: Path, *, lacking: bool
) -> None:
    """No list of November has it: in UTC it was heard on the first of December."""
    first = int(datetime(2018, 11, 1, 12, tzinfo=UTC).timestamp() * 1000)
    late = int(datetime(2018, 12, 1, 1, tzinfo=UTC).timestamp() * 1000)
    heard = [
        *(play(first + 86_400_000 * at, itemInSession=at, song="early", artist="Ann") for at in range(28)),
        *(
            play(late + at, itemInSession=50 + at, song="late", artist="Bo", userId=str(at % 3))
            for at in range(40)
        ),
        play(first - 9 * 86_400_000, itemInSession=98, song="early", artist="Ann"),
        play(first + 39 * 86_400_000, itemInSession=99, song="early", artist="Ann"),
    ]
    write(tmp_path, "log_data/a.json", *heard)
    etl.run(tmp_path, dsn=dsn)
    november = Selection(date(2018, 11, 1), date(2018, 11, 30), zone="America/New_York")
    top: Any = analytics.unmatched if lacking else partial(analytics.top, "songs")
    for limit in (1, 10):
        rows = top(november, dsn=dsn, limit=limit)
        expected = [("late", 40, 3), ("early", 28, 1)][:limit]
        assert [(row["title"], row["plays"], row["listeners"]) for row in rows] == expected
        artists = analytics.top("artists", november, dsn=dsn, limit=limit)
        assert [(row["artist"], row["plays"]) for row in artists] == [("Bo", 40), ("Ann", 28)][:limit]


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("America/St_Johns", datetime(2010, 11, 7, 3, tzinfo=UTC), date(2010, 11, 7)),  # 0:01 became 23:01
        ("Antarctica/Casey", datetime(2010, 3, 4, 15, 5, tzinfo=UTC), date(2010, 3, 5)),  # 2:00 became 23:00
        ("Antarctica/Casey", datetime(2010, 3, 4, 12, 55, tzinfo=UTC), date(2010, 3, 4)),
    ],
)
@pytest.mark.parametrize("others", [(), (-3,), (2,), (-3, 2)])
def test_clocks_that_go_back_over_midnight(
    dsn: str, tmp_path: Path, zone: str, at: datetime, day: date, others: tuple[int, ...]
) -> None:
    """Hours of the day before that come again belong to the day that has begun, whatever else there is."""
    plays = [int((at + timedelta(days)).timestamp() * 1000) for days in (0, *others)]
    write(tmp_path, "log_data/a.json", *(play(ts, itemInSession=item) for item, ts in enumerate(plays)))
    etl.run(tmp_path, dsn=dsn)
    report = analytics.report(Selection(zone=zone), dsn=dsn)
    assert sum(row["plays"] for row in report["trend"]) == report["totals"]["plays"] == len(plays)
    on_the_day = Selection(day, day, zone=zone)
    assert analytics.totals(on_the_day, dsn=dsn)["plays"] == 1
    assert [row["start"] for row in analytics.trend("day", on_the_day, dsn=dsn)] == [day]


@pytest.mark.parametrize("since", [date(2018, 11, 1), date(2018, 11, 3)])
@pytest.mark.parametrize("days", [1, 2, 7])
@pytest.mark.parametrize("zone", [*ODD, "UTC"])
def test_rising_songs(warehouse: Connection[Any], zone: str, days: int, since: date) -> None:
    """A single local day holds no whole UTC day, and no month of the rollup."""
    now = Selection(since, since + timedelta(days - 1), zone=zone)
    before = Selection(since - timedelta(days), since - timedelta(1), zone=zone)
    plays, earlier = (Counter((e["song"], e["artist"]) for e in chosen(part)) for part in (now, before))
    for falling in (False, True):
        found = analytics.rising(now, falling=falling, dsn=warehouse, limit=99)
        changes = {song: plays[song] - earlier[song] for song in plays | earlier}
        assert {(row["title"], row["artist"]): row["change"] for row in found} == {
            song: change for song, change in changes.items() if (change < 0 if falling else change > 0)
        }


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("location", [None, "Utica, NY"])
def test_a_day_opens_its_month_alone(
    db: Connection[Any],
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    location: str | None,
) -> None:
    """However many months there are: PostgreSQL does not leave out partitions for an empty list of days."""
    write(tmp_path, "log_data/a.json", *[play(NOVEMBER + month * 31 * 86_400_000) for month in range(5)])
    etl.run(tmp_path, dsn=dsn)
    opened: set[str] = set()

    def watched(connection: Connection[Any], query: Any, parameters: Any = None) -> Any:
        with connection.transaction():
            found = rows(connection, query, parameters)
            locks = connection.execute(
                "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid()"
            )
            opened.update(re.findall(r"user_days_(\d{4}_\d\d)\b", str(locks.fetchall())))
        return found

    monkeypatch.setattr(asking, "rows", watched)
    selection = Selection(date(2019, 1, 10), date(2019, 1, 10), location=location, zone=zone)
    for question in (analytics.totals, analytics.levels, analytics.genders, partial(analytics.top, "songs")):
        question(selection, dsn=db)
    assert opened == {"2019_01"}
