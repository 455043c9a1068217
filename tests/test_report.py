"""What `sparkify report` and `sparkify status` say of one small world, word for word."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.operations.forget import forget
from tests.support.data import NOVEMBER, play, song, view, write

Run = Callable[..., subprocess.CompletedProcess[str]]
DAY = 24 * 3600 * 1000
LATE = 23 * 3600 * 1000 + 59 * 60 * 1000  # a play at 23:59 belongs to the day that ends
HEARD = [(-1, 5), (0, 1), (22, 4), (23, 3), (29, 1), (29, 2)]
"""The day since 1 November and the user of each run's play. Counted back from the last day, the 7 days begin
with user 3, a day after user 4, and the 30 days with the first play of user 1, a day after user 5."""
REASON = "December 2018: PostgreSQL: value out of range"
TIMES = """UPDATE etl.runs SET started_at = '2018-12-01 02:03:04Z'::timestamptz + run_id * interval '1 day',
finished_at = '2018-12-01 02:05:07Z'::timestamptz + run_id * interval '1 day'"""


@pytest.fixture(scope="module")
def world(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse that six runs have loaded; run 7 is held, and run 8 failed."""
    root = tmp_path_factory.mktemp("world")
    forget([9], dsn=module_dsn)
    write(root, "song_data/a.json", song())
    for run, (day, user) in enumerate(HEARD, 1):
        at = NOVEMBER + day * DAY + LATE
        fields = {"userId": str(user), "sessionId": run, "level": "free" if run < 3 else "paid"}
        heard = play(at, **fields) if run < 5 else play(at, **fields, song="Another", length=3600)
        others: list[Any] = [heard, "", "bad", view(at, **fields), view(at, sessionId=None), play(userId="9")]
        write(root, f"log_data/{run}.json", heard, *(others if run == 1 else []))
        etl.run(root, dsn=module_dsn)
    for run in (7, 8):
        write(root, f"log_data/{run}.json", play(NOVEMBER + 40 * DAY), "bad")
        assert etl.run(root, dsn=module_dsn, max_rejects=0).status == "held"
    with connect(module_dsn) as connection:
        connection.execute(TIMES)
        connection.execute("UPDATE etl.runs SET state = 'failed', reason = %s WHERE run_id = 8", [REASON])
    return module_dsn


def said(run_here: Run, dsn: str, *command: str) -> str:
    """What a command prints on 100 columns: nothing of this world is wider."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        done = run_here(*command, dsn=dsn)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


STATUS = f"""\
songplays  users  songs  artists  time  matched
        6      5      1        1     5        4
Plays from 2018-10-31 23:59 to 2018-11-30 23:59 UTC.

kind  state   files  lines  blank  page views  bare pages  loaded  duplicates  rejected  forgotten
log   loaded      6     12      1           1           1       6           1         1          1
log   staged      2      0      0           0           0       0           0         0          0
song  loaded      1      1      0           0           0       1           0         0          0

run id           started at          finished at  state
     8  2018-12-09 02:03:04  2018-12-09 02:05:07  failed
     7  2018-12-08 02:03:04  2018-12-08 02:05:07  held
     6  2018-12-07 02:03:04  2018-12-07 02:05:07  published
     5  2018-12-06 02:03:04  2018-12-06 02:05:07  published
     4  2018-12-05 02:03:04  2018-12-05 02:05:07  published

Run 8 failed: {REASON}. Everything else it read is published; these files are set aside and\
 later loads skip them. Fix the files and load again; or remove them and run `sparkify runs drop 8`;\
 or, if the cause lay elsewhere and is gone, run `sparkify runs release 8`.
"""
RUN_JSON = {
    "run_id": 8, "started_at": "2018-12-09T02:03:04+00:00", "finished_at": "2018-12-09T02:05:07+00:00",
    "state": "failed", "reason": REASON,
}  # fmt: skip


def test_status(world: str, run_here: Run) -> None:
    assert said(run_here, world, "status") == STATUS
    found = json.loads(said(run_here, world, "status", "--json"))
    assert found["rows"] == {"songplays": 6, "users": 5, "songs": 1, "artists": 1, "time": 5, "matched": 4}
    assert found["first_play"] == "2018-10-31T23:59:00+00:00"
    assert found["last_play"] == "2018-11-30T23:59:00+00:00"
    assert list(found["files"][0].values()) == ["log", "loaded", 6, 12, 1, 1, 1, 6, 1, 1, 1, 0]
    assert [run["run_id"] for run in found["runs"]] == [8, 7, 6, 5, 4]
    assert found["runs"][0] == RUN_JSON


REPORT = """\
2018-10-31 to 2018-11-30, UTC
6 plays in 6 sessions, 2.3 hours; 5 listeners, 5 of them new
Active users: 2 on the last day, 3 in 7 days, 4 in 30 days
Plays by level: free 2, paid 4

Plays by day, at most 2:
▅▅                     ▅▅     █

title           artist  plays  listeners
Setanta matins  Elena       4          4
Another         Elena       2          2

4 of all 6 plays (66.7%) match a song in the catalogue;
1 of 13 lines were set aside.
Last loaded 2018-12-07 02:05 UTC; runs held: 1, failed: 1
(see `sparkify runs list`).
"""
CHOSEN = """\
2018-11-24 to 2018-11-30, UTC, paid, Chicago, IL
3 plays, 2.1 hours; 3 listeners, 2 of them new
Active users: 2 on the last day, 3 in 7 days, 4 in 30 days
Plays by level: paid 3
"""
REPORT_JSON = {
    "since": "2018-10-31", "until": "2018-11-30", "level": None, "location": None, "zone": "UTC",
    "totals": {"plays": 6, "listeners": 5, "seconds": 8278, "sessions": 6, "new_listeners": 5},
    "period": "day",
    "trend": {"start": "2018-11-30", "plays": 2, "listeners": 2, "new_listeners": 1,
              "returning_listeners": 1, "sessions": 2, "seconds": 7200},
    "songs": {"title": "Another", "artist": "Elena", "plays": 2, "listeners": 2,
              "song_id": None, "track_id": 4157443945152072505},
    "levels": {"level": "paid", "plays": 4, "listeners": 4, "seconds": 7739},
    "active": {"1": 2, "7": 3, "30": 4},
    "quality": {"plays": 6, "matched": 4, "page_views": 1, "rejected": 1, "lines": 13,
                "loaded_at": "2018-12-07T02:05:07+00:00", "first": "2018-10-31", "last": "2018-11-30",
                "held_runs": [7], "failed_runs": {"8": REASON}},
}  # fmt: skip
"""Of the lists, the last row."""


def test_report(world: str, run_here: Run) -> None:
    assert said(run_here, world, "report") == REPORT
    found = json.loads(said(run_here, world, "report", "--json"))
    assert [row["start"][5:] for row in found["trend"]] == ["10-31", "11-01", "11-23", "11-24", "11-30"]
    assert found | {name: found[name][-1] for name in ("trend", "songs", "levels")} == REPORT_JSON
    options = ("--since", "2018-11-24", "--level", "paid", "--location", "Chicago, IL")
    assert said(run_here, world, "report", *options)[: len(CHOSEN)] == CHOSEN


def test_a_report_of_nothing_says_which_runs_are_in_the_way(dsn: str, run_here: Run) -> None:
    with connect(dsn) as connection:
        for states, which in (
            (["held"], "1 run is held"),
            (["failed", "failed"], "2 runs failed and 1 is held"),
            (["held", "open", "dropped"], "2 runs failed and 2 are held"),
        ):
            for state in states:
                connection.execute("INSERT INTO etl.runs (state) VALUES (%s)", [state])
            expected = f"No plays yet. Load some: sparkify etl DATA\n{which}: see `sparkify runs list`.\n"
            assert said(run_here, dsn, "report") == expected
