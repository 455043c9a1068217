"""The simulated Sparkify against the real sample: each statistic within a stated tolerance of the real one.

The means of several seeds are compared: single months of 96 people differ among themselves more than from the real one.
The table in docs/simulator.md shows both; its tolerances are these.
"""

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sparkify.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "sparkify"
SEEDS = (1, 2, 3, 4)

# Statistic: how far from the real one it may be. Shares are in points of one hundred; "%" means of the real value.
TOLERANCES = {
    "events": "20 %",
    "people with plays": "8 %",
    "page NextSong": "2",
    "page Home": "2",
    "page Login": "0.5",
    "page Logout": "0.5",
    "page Downgrade": "0.3",
    "page Settings": "0.3",
    "page Help": "0.3",
    "page About": "0.2",
    "page Upgrade": "0.25",
    "other pages": "0.2",
    "logged-out events": "1",
    "plays at level paid": "6",
    "plays per session, mean": "20 %",
    "plays per session, median": "0",
    "plays per session, 3 of 4 below": "50 %",
    "plays per session, 9 of 10 below": "35 %",
    "hours between sessions, 1 of 4 below": "50 %",
    "hours between sessions, median": "25 %",
    "hours between sessions, 3 of 4 below": "30 %",
    "seconds between events, median": "5 %",
    "seconds between events, 9 of 10 below": "5 %",
    "plays at 0 to 5 h UTC": "4",
    "plays at 6 to 11 h UTC": "7",
    "plays at 12 to 17 h UTC": "7",
    "plays at 18 to 23 h UTC": "6",
    "plays Monday": "4",
    "plays Tuesday": "4",
    "plays Wednesday": "4",
    "plays Thursday": "5",
    "plays Friday": "4",
    "plays Saturday": "3",
    "plays Sunday": "3",
    "distinct songs per play": "8",
    "distinct artists per play": "6",
    "plays of the top song": "0.4",
    "plays by the top tenth of people": "10",
    "song length in seconds, median": "5 %",
}
_OTHER = {"Save Settings", "Error", "Submit Upgrade", "Submit Downgrade"}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _events(data: Path) -> list[dict[str, Any]]:
    lines = (line for path in (data / "log_data").rglob("*.json") for line in path.read_bytes().split(b"\n"))
    return [json.loads(line) for line in lines if line.strip()]


def _below(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def statistics(data: Path) -> dict[str, float]:
    """The statistics of one folder of data; shares in points of one hundred."""
    events = _events(data)
    plays = [event for event in events if event["page"] == "NextSong"]
    pages = Counter("other pages" if e["page"] in _OTHER else f"page {e['page']}" for e in events)
    sessions: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        sessions[event["sessionId"]].append(event)
    people: dict[str, list[tuple[int, int]]] = defaultdict(list)
    between: list[float] = []
    for session in sessions.values():
        session.sort(key=lambda e: e["itemInSession"])
        between += [(b["ts"] - a["ts"]) / 1000 for a, b in pairwise(session)]
        for who in {event["userId"] for event in session} - {""}:
            people[who].append((session[0]["ts"], session[-1]["ts"]))
    pauses = [
        (after[0] - before[1]) / 3_600_000
        for spans in people.values()
        for before, after in pairwise(sorted(spans))
    ]
    per_session = [float(sum(e["page"] == "NextSong" for e in session)) for session in sessions.values()]
    per_person = sorted(Counter(e["userId"] for e in plays).values(), reverse=True)
    times = [datetime.fromtimestamp(event["ts"] / 1000, UTC) for event in plays]
    hours, weekdays = Counter(t.hour // 6 for t in times), Counter(t.weekday() for t in times)
    songs = Counter((e["song"], e["artist"], e["length"]) for e in plays)
    percent = 100 / len(plays)
    return {
        "events": len(events),
        "people with plays": len(per_person),
        **{page: 100 * count / len(events) for page, count in pages.items()},
        "logged-out events": 100 * sum(e["userId"] == "" for e in events) / len(events),
        "plays at level paid": percent * sum(e["level"] == "paid" for e in plays),
        "plays per session, mean": len(plays) / len(sessions),
        "plays per session, median": _below(per_session, 0.5),
        "plays per session, 3 of 4 below": _below(per_session, 0.75),
        "plays per session, 9 of 10 below": _below(per_session, 0.9),
        "hours between sessions, 1 of 4 below": _below(pauses, 0.25),
        "hours between sessions, median": _below(pauses, 0.5),
        "hours between sessions, 3 of 4 below": _below(pauses, 0.75),
        "seconds between events, median": _below(between, 0.5),
        "seconds between events, 9 of 10 below": _below(between, 0.9),
        **{f"plays at {6 * n} to {6 * n + 5} h UTC": percent * hours[n] for n in range(4)},
        **{f"plays {name}": percent * weekdays[n] for n, name in enumerate(_WEEKDAYS)},
        "distinct songs per play": percent * len(songs),
        "distinct artists per play": percent * len({e["artist"] for e in plays}),
        "plays of the top song": percent * max(songs.values()),
        "plays by the top tenth of people": percent * sum(per_person[: len(per_person) // 10]),
        "song length in seconds, median": _below([e["length"] for e in plays], 0.5),
    }


def _allowed(name: str, real: float) -> float:
    size, _, unit = TOLERANCES[name].partition(" ")
    return float(size) * (real / 100 if unit else 1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    out = tmp_path_factory.mktemp("realism")
    months = []
    for seed in SEEDS:
        simulate(out / str(seed), users=96, days=30, seed=seed, packed=True)
        months.append(statistics(out / str(seed)))
    return {name: sum(month.get(name, 0.0) for month in months) / len(months) for name in TOLERANCES}


@pytest.fixture(scope="module")
def real() -> dict[str, float]:
    if not REAL.is_dir():
        pytest.skip("the real sample is not there: ../shared/data/sparkify, seen from the repository")
    return statistics(REAL)


@pytest.mark.parametrize("name", TOLERANCES)
def test_a_simulated_month_is_like_the_real_one(
    name: str, real: dict[str, float], simulated: dict[str, float]
) -> None:
    assert simulated[name] == pytest.approx(real[name], abs=_allowed(name, real[name]))


def test_the_docs_show_both(real: dict[str, float], simulated: dict[str, float]) -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| ([\d.]+) \| ([\d.]+) \| ± ([^|]+) \|$",
        (ROOT / "docs/simulator.md").read_text(),
        re.MULTILINE,
    )
    shown = {name: (real_value, value, tolerance) for name, real_value, value, tolerance in rows}
    expected = {
        name: (f"{real[name]:.4g}", f"{simulated[name]:.4g}", TOLERANCES[name]) for name in TOLERANCES
    }
    assert shown == expected
