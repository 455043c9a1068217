"""A place is chosen by what is shown of it, however the logs spell it."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.analytics.names import shown
from sparkify.analytics.places import spellings
from sparkify.database.connection import connect
from tests.support.data import NOVEMBER, play, write

DAY = 24 * 3600 * 1000
PLAIN = "São Paulo, BR"
ONCE = PLAIN.encode().decode("latin-1")
TWICE = ONCE.encode().decode("latin-1")
PARTLY = "Orléans" + " – Orléans".encode().decode("cp1252")
PLACES = [PLAIN, ONCE, TWICE, PARTLY, "Chicago, IL", "50% of Köln", "Zürich".encode().decode("latin-1"), None]


@pytest.fixture(scope="module")
def world(
    new_module_dsn: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, Any]]]:
    """Three months of plays at all these places, by people who are at several of them."""
    chance = random.Random(1)
    events = [
        play(
            NOVEMBER + chance.randrange(90) * DAY + at, itemInSession=at, userId=str(chance.randrange(5)),
            song=f"song {chance.randrange(4)}", location=chance.choice(PLACES),
            level=chance.choice(["free", "paid"]),
        )
        for at in range(300)
    ]  # fmt: skip
    root = tmp_path_factory.mktemp("places")
    write(root, "log_data/a.json", *events)
    dsn = new_module_dsn()
    etl.run(root, dsn=dsn)
    return dsn, events


def named(place: str | None) -> str | None:
    return place and {ONCE: PLAIN, TWICE: PLAIN, PLACES[6]: "Zürich", PARTLY: "Orléans – Orléans"}.get(
        place, place
    )


@pytest.mark.parametrize(
    "place",
    [PLAIN, ONCE, TWICE, PARTLY, "Orléans – Orléans", "Zürich", "50% of Köln", "Chicago, IL", "Kiruna, Å"],
)
def test_every_question_of_a_place(world: tuple[str, list[dict[str, Any]]], place: str) -> None:
    dsn, events = world
    there = [event for event in events if event["location"] and named(event["location"]) == named(place)]
    chosen = Selection(location=place)
    people = len({event["userId"] for event in there})
    assert bool(there) is (place != "Kiruna, Å")
    with connect(dsn) as connection:
        ask: dict[str, Any] = {"dsn": connection}
        totals = analytics.totals(chosen, **ask)
        assert (totals["plays"], totals["listeners"]) == (len(there), people)
        assert analytics.listeners(chosen, **ask)["listeners"] == people
        songs = Counter(event["song"] for event in there)
        assert {row["title"]: row["plays"] for row in analytics.top("songs", chosen, **ask)} == songs
        for what in ("artists", "users", "locations", "devices"):
            assert sum(row["plays"] for row in analytics.top(what, chosen, **ask)) == len(there)
        for rows in (analytics.trend("month", chosen, **ask), analytics.heat_map(chosen, **ask)):
            assert sum(row["plays"] for row in rows) == len(there)
        assert sum(row["plays"] for row in analytics.levels(chosen, **ask)) == len(there)
        assert sum(row["plays"] for row in analytics.genders(chosen, **ask)) == len(there)
        assert sum(row["plays"] for row in analytics.unmatched(chosen, **ask)) == len(there)
        assert analytics.report(chosen, **ask)["totals"]["plays"] == len(there)
        for row in analytics.search("song", **ask):
            plays = songs[row["title"]]
            assert sum(part["plays"] for part in analytics.audience(row["track_id"], chosen, **ask)) == plays
            assert (
                sum(part["plays"] for part in analytics.history(row["track_id"], "day", chosen, **ask))
                == plays
            )


def test_places_that_are_shown_alike_are_one(world: tuple[str, list[dict[str, Any]]], run_here: Any) -> None:
    dsn, events = world
    plays, people = Counter(), defaultdict(set)
    for event in events:
        plays[named(event["location"])] += 1
        people[named(event["location"])].add(event["userId"])
    rows = analytics.top("locations", dsn=dsn)
    assert {row["location"]: (row["plays"], row["listeners"]) for row in rows} == {
        place: (count, len(people[place])) for place, count in plays.items()
    }
    assert [row["plays"] for row in rows] == sorted(plays.values(), reverse=True)
    assert set(analytics.locations(dsn=dsn)) == set(plays) - {None}
    assert analytics.locations(dsn=dsn)[0] == plays.most_common(1)[0][0] == PLAIN
    lines = run_here("top", "songs", "--location", PLAIN, "--csv", dsn=dsn).stdout.splitlines()
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == plays[PLAIN]


def test_a_name_in_ascii_is_looked_for_nowhere_else() -> None:
    class Nobody:
        """Asking it fails."""

    assert spellings(Nobody(), "Chicago, IL") == ["Chicago, IL"]  # type: ignore[arg-type]
    assert spellings(Nobody(), None) == []  # type: ignore[arg-type]


ENCODINGS = ["latin-1", "cp1252", "cp1251", "cp1250", "cp437", "mac-roman", "iso-8859-2"]


@given(st.text(max_size=8), st.lists(st.sampled_from(ENCODINGS), max_size=3))
def test_what_is_shown_is_shown_as_it_is(name: str, read_as: list[str]) -> None:
    """Repairing a shown name changes nothing, and no other name is shown as an ASCII one."""
    for encoding in read_as:
        name = name.encode("utf-8", "replace").decode(encoding, "replace")
    repaired = shown(name)
    assert shown(repaired) == repaired
    assert "\0" not in repaired or "\0" in name
    assert repaired == name or not repaired.isascii()


def test_a_repair_that_is_none() -> None:
    assert shown("a\u00c3\u20ac\u20ac") == "a\u00c3\u20ac\u20ac"  # ftfy makes a NUL of it
