"""One listener: their plays by period, levels and songs, compared with the plays; on the command line."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.errors import UsageError
from tests.support.data import NOVEMBER, play, song, write
from tests.support.examples import examples

DAY = 86_400_000
PLACES = ["Chicago, IL", "Zürich", "ZÃ¼rich"]
PLAYS = [
    {
        "ts": NOVEMBER + (n * n % 50) * DAY + n, "userId": n % 3 + 1, "level": ["free", "paid"][n // 17 % 2],
        "location": PLACES[n % 7 % 3], "song": f"Song {n * n % 11}", "length": 100 + n % 5 * 0.33,
    }
    for n in range(160)
]  # fmt: skip


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song())
    lines = [
        play(
            event["ts"], itemInSession=n, firstName="=<b>Zoë</b>", lastName="$x$", artist="Elena",
            **{name: event[name] for name in ("level", "location", "song", "length")},
            userId=str(event["userId"]),
        )
        for n, event in enumerate(PLAYS)
    ]  # fmt: skip
    write(root, "log_data/a.json", *lines)
    etl.run(root, dsn=module_dsn)
    return module_dsn


ZONES = {
    "UTC": UTC,
    "Asia/Kolkata": timezone(timedelta(hours=5, minutes=30)),
    "Etc/GMT+7": timezone(-timedelta(hours=7)),
}


def day_of(event: dict[str, Any], zone: str = "UTC") -> date:
    return datetime.fromtimestamp(event["ts"] / 1000, ZONES[zone]).date()


days = st.none() | st.dates(date(2018, 10, 25), date(2018, 12, 31))


@given(
    user=st.sampled_from([1, 2, 3]), since=days, until=days, level=st.sampled_from([None, "free", "paid"]),
    place=st.sampled_from([None, "Chicago, IL", "Zürich", "Nowhere"]), zone=st.sampled_from(sorted(ZONES)),
)  # fmt: skip
@examples(30, thorough=200)
def test_a_listener_is_what_the_plays_say(
    dsn: str,
    user: int,
    since: date | None,
    until: date | None,
    level: str | None,
    place: str | None,
    zone: str,
) -> None:
    """Zürich is spelt in two ways."""
    selection = Selection(since, until, level, place, zone)
    found = analytics.listener(user, "day", selection, dsn=dsn, limit=3)
    assert found
    chosen = [
        event for event in PLAYS
        if event["userId"] == user and (since or date.min) <= day_of(event, zone) <= (until or date.max)
        and level in (None, event["level"]) and place in (None, event["location"].replace("Ã¼", "ü"))
    ]  # fmt: skip
    assert found["plays"] == len(chosen)
    assert found["seconds"] == pytest.approx(sum(event["length"] for event in chosen), abs=1)
    assert {row["start"]: row["plays"] for row in found["trend"]} == Counter(
        day_of(event, zone) for event in chosen
    )
    assert [row["start"] for row in found["trend"]] == sorted({day_of(event, zone) for event in chosen})
    assert {row["level"]: row["plays"] for row in found["levels"]} == Counter(
        event["level"] for event in chosen
    )
    songs = Counter(event["song"] for event in chosen)
    assert [(row["title"], row["plays"]) for row in found["songs"]] == sorted(
        songs.items(), key=lambda item: (-item[1], item[0])
    )[:3]
    theirs = [day_of(event, zone) for event in PLAYS if event["userId"] == user]
    assert (found["first_day"], found["last_day"]) == (min(theirs), max(theirs))


def test_weeks_begin_on_monday_and_a_period_is_chosen(dsn: str) -> None:
    found = analytics.listener(1, period="week", dsn=dsn)
    assert found
    assert {row["start"].weekday() for row in found["trend"]} == {0}
    found = analytics.listener(1, dsn=dsn)
    assert found
    assert found["period"] == "day"


def test_seconds_are_rounded_once(dsn: str) -> None:
    """So a user has as many here as in a ranking, whatever the levels have, each rounded."""
    differs = False
    for row in analytics.top("users", dsn=dsn):
        found = analytics.listener(row["user_id"], dsn=dsn)
        assert found
        assert (found["plays"], found["seconds"]) == (row["plays"], row["seconds"])
        differs |= found["seconds"] != sum(level["seconds"] for level in found["levels"])
    assert differs


def test_nobody(dsn: str, new_module_dsn: Any) -> None:
    for user in (99, -1, 2**70):
        assert analytics.listener(user, dsn=dsn) is None
    assert analytics.listener(1, dsn=new_module_dsn()) is None
    with pytest.raises(UsageError, match="`user_id` must be a whole number, not 'Lily'"):
        analytics.listener("Lily", dsn=dsn)  # type: ignore[arg-type]


def test_its_songs_are_found_by_their_track(dsn: str) -> None:
    found = analytics.listener(1, dsn=dsn, limit=1)
    assert found
    (first,) = found["songs"]
    there = analytics.song(first["track_id"], dsn=dsn)
    assert there
    assert (there["title"], there["artist"], there["song_id"]) == (first["title"], "Elena", None)
    assert there["plays"] == sum(event["song"] == first["title"] for event in PLAYS)
    assert analytics.song(1, dsn=dsn) is None


def test_on_the_command_line(dsn: str, run_here: Any) -> None:
    said = run_here("listener", "1", "--limit", "2", dsn=dsn)
    assert said.returncode == 0
    assert said.stdout.startswith("=<b>Zoë</b> $x$ (user 1, F, now ")
    local = run_here("listener", "1", "--tz", "Asia/Kolkata", dsn=dsn)
    assert "2018-12-20, Asia/Kolkata" in " ".join(local.stdout.split())
    assert "Plays by day, at most" in said.stdout
    document = json.loads(run_here("listener", "1", "--json", "--level", "paid", dsn=dsn).stdout)
    assert [row["level"] for row in document["levels"]] == ["paid"]
    assert document["selection"]["level"] == "paid"
    lines = run_here("listener", "1", "--csv", dsn=dsn).stdout.splitlines()
    assert lines[0] == "period,start,plays,seconds"
    assert {line.partition(",")[0] for line in lines[1:]} == {"day"}
    said = run_here("listener", "99", dsn=dsn)
    assert said.returncode == 1
    assert said.stderr == "sparkify: There is no user 99. See the most active ones: sparkify top users\n"
    none = run_here("listener", "1", "--since", "2030-01-01", dsn=dsn)
    assert none.stderr == "No plays match what you chose.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--since", "2018-11-02", "--until", "2018-11-03"), "Chosen: 2018-11-02 to 2018-11-03\n"),
        (("--since", "2018-11-02"), "Chosen: from 2018-11-02\n"),
        (("--until", "2018-11-03", "--level", "free"), "Chosen: until 2018-11-03, free\n"),
        (("--location", "Nowhere"), "Chosen: Nowhere\n"),
    ],
)
def test_what_was_chosen_is_said(dsn: str, run_here: Any, words: tuple[str, ...], says: str) -> None:
    """The days beside the name are those of all plays of the user."""
    who, chosen, _ = run_here("listener", "1", *words, dsn=dsn).stdout.split("\n", 2)
    assert chosen + "\n" == says
    assert who == run_here("listener", "1", dsn=dsn).stdout.partition("\n")[0]


def test_somebody_without_a_name(new_dsn: Any, tmp_path: Any, run_here: Any) -> None:
    write(tmp_path, "log_data/a.json", play(userId="7", firstName=None, lastName=None, gender=None))
    dsn = new_dsn()
    etl.run(tmp_path, dsn=dsn)
    assert run_here("listener", "7", dsn=dsn).stdout.startswith("(user 7, now paid); plays from 2018-11-")
