"""The command line as scripts and people see it: its exit codes, stdout and stderr.

Tests of exit codes start a process; the others run in this one, where everything is imported already.
"""

import csv
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

import sparkify as sparkify_package
from sparkify import analytics, etl
from sparkify.analytics.questions import MOST_BARS
from sparkify.commands.report import print_trend
from sparkify.create_tables import create_tables
from sparkify.errors import UsageError
from tests.support.data import NOVEMBER, play, song, write

Run = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = Path(sys.executable).with_name("sparkify")


def sparkify(*arguments: object, dsn: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env={**os.environ, **({"SPARKIFY_DSN": dsn} if dsn else {}), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song())
    hostile = "\x1b[31mred\x1b[0m \u202e\x07 <b>&amp;</b> [bold]x[/bold]"
    write(
        root,
        "log_data/a.json",
        *(play(NOVEMBER + at, itemInSession=at) for at in range(3)),
        play(NOVEMBER + 10, song=hostile, artist="A" * 300, level="free", userId="16"),
        '{"torn": "\x1b]0;title\x07',
        play(NOVEMBER + 11, song=""),
    )
    return root


NOTHING = "Nothing to show. There are plays from 2018-11-01 to 2018-11-01, UTC.\n"
"""What is said of `loaded` if an answer is empty."""


@pytest.fixture(scope="module")
def loaded(data: Path, module_dsn: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    return module_dsn, sparkify("etl", data, dsn=module_dsn)


def test_etl_says_what_it_did(loaded: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    done = loaded[1]
    assert done.returncode == 0
    assert "Loaded 2 new of 2 files" in done.stdout
    assert "4 songplays, 2 users, 1 song, 1 artist, 4 times" in " ".join(done.stdout.split())
    assert "Set aside 2 lines: 1 empty_field, 1 invalid_json." in done.stderr
    assert "sparkify rejects list" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_etl_json(loaded: tuple[str, Any], data: Path) -> None:
    again = sparkify("etl", data, "--json", "--dsn", loaded[0])
    report = json.loads(again.stdout)
    assert again.stderr == ""
    assert report["status"] == "done"
    assert report["files"] == {
        "found": 2, "new": 0, "loaded": 0, "unreadable": {}, "left_to_others": 0, "other": {},
    }  # fmt: skip
    assert list(report["lines"]) == [
        "read", "blank", "page_views", "bare_pages", "loaded", "duplicates", "rejected", "forgotten",
    ]  # fmt: skip
    assert report["rows"] == {"songplays": 4, "users": 2, "songs": 1, "artists": 1, "time": 4}
    assert report["matched"] == 3
    assert report["seconds"] > 0


def test_top_json(loaded: tuple[str, Any], run_here: Run) -> None:
    rows = json.loads(run_here("top", "songs", "--json", dsn=loaded[0]).stdout)
    assert rows[0] == {
        "title": "Setanta matins", "artist": "Elena", "plays": 3, "listeners": 1,
        "song_id": "SOZCTXZ12AB0182364", "track_id": 2511568835427357078,
    }  # fmt: skip
    assert rows[1]["song_id"] is None
    assert rows[1]["title"].startswith("\x1b[31m")  # JSON gives the data unchanged
    artists = json.loads(run_here("top", "artists", "--json", dsn=loaded[0]).stdout)
    assert [row["plays"] for row in artists] == [3, 1]


@pytest.mark.parametrize(
    ("options", "plays"),
    [
        (["--level", "free"], [1]),
        (["--since", "2018-11-02"], []),
        (["--until", "2018-11-01"], [3, 1]),
        (["--until", "2018-10-31"], []),
        (["--limit", "1"], [3]),
    ],
)
def test_top_options(loaded: tuple[str, Any], options: list[str], plays: list[int], run_here: Run) -> None:
    rows = json.loads(run_here("top", "songs", "--json", *options, dsn=loaded[0]).stdout)
    assert [row["plays"] for row in rows] == plays


@pytest.mark.parametrize("command", [["top", "songs"], ["rejects", "list"], ["rejects", "show"], ["status"]])
def test_nothing_from_the_input_steers_the_terminal(
    loaded: tuple[str, Any], command: list[str], run_here: Run
) -> None:
    done = run_here(*command, dsn=loaded[0])
    assert done.returncode == 0
    assert done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)


@pytest.mark.parametrize("command", [["top", "songs"], ["top", "artists"], ["rejects", "list"], ["status"]])
def test_tables_fit_80_columns(loaded: tuple[str, Any], command: list[str], run_here: Run) -> None:
    done = run_here(*command, dsn=loaded[0])
    assert max(map(len, done.stdout.splitlines())) <= 80
    if command[0] == "top":
        assert "plays" in done.stdout
        assert "listeners" in done.stdout


@pytest.mark.parametrize("what", ["users", "locations", "devices"])
def test_other_tops(loaded: tuple[str, Any], what: str, run_here: Run) -> None:
    rows = json.loads(run_here("top", what, "--json", dsn=loaded[0]).stdout)
    assert sum(row["plays"] for row in rows) == 4
    assert run_here("top", what, "--csv", dsn=loaded[0]).stdout.splitlines()[0] == ",".join(rows[0])
    assert max(map(len, run_here("top", what, dsn=loaded[0]).stdout.splitlines())) <= 80


def test_songs_that_rise_and_fall_and_those_that_the_catalogue_lacks(
    dsn: str, tmp_path: Path, run_here: Run
) -> None:
    day = 86_400_000
    write(tmp_path, "song_data/s.json", song(title="Down"))
    plays = [play(NOVEMBER + at, song="Down") for at in (0, 1)] + [play(NOVEMBER + day, song="Up")]
    write(tmp_path, "log_data/a.json", *plays)
    etl.run(tmp_path, dsn=dsn)

    def titles(*words: str) -> list[str]:
        return [row["title"] for row in json.loads(run_here("top", *words, "--json", dsn=dsn).stdout)]

    assert titles("rising", "--since", "2018-11-02") == ["Up"]
    assert titles("falling", "--since", "2018-11-02") == ["Down"]
    assert titles("unmatched") == ["Up"]
    assert titles("unmatched", "--until", "2018-11-01") == []
    table = run_here("top", "rising", "--since", "2018-11-02", dsn=dsn).stdout.splitlines()
    assert [line.split() for line in table] == [
        ["title", "artist", "plays", "before", "change"], ["Up", "Elena", "1", "0", "1"]
    ]  # fmt: skip
    whole = ("--since", "2018-11-01")
    assert titles("rising", *whole) == ["Down", "Up"]
    said = (
        "Compared with 2018-10-30 to 2018-10-31, but the plays begin on 2018-11-01: earlier days count as"
        " days without plays.\n"
    )
    for words in ((), ("--json",), ("--csv",)):
        assert run_here("top", "rising", *whole, *words, dsn=dsn).stderr == said
    for words in (
        ("rising", "--since", "2018-11-02"),
        ("rising", "--since", "2030-01-01"),
        ("songs", *whole),
    ):
        assert "Compared" not in run_here("top", *words, dsn=dsn).stderr
    for what in ("rising", "falling"):
        refused = run_here("top", what, dsn=dsn)
        said = "sparkify: Rising songs are compared with the days before: choose the first day, `since`.\n"
        assert (refused.returncode, refused.stderr) == (2, said)


@pytest.mark.parametrize("words", [["top", "songs"], ["hours"], ["activity", "pages"]], ids=" ".join)
def test_an_answer_with_nothing_says_which_days_have_plays(
    loaded: tuple[str, Any], dsn: str, words: list[str], run_here: Run
) -> None:
    nothing = run_here(*words, "--since", "2030-01-01", dsn=loaded[0])
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", NOTHING)
    assert run_here(*words, dsn=dsn).stdout == "No plays yet. Load some: sparkify etl DATA\n"
    assert run_here(*words, "--json", dsn=dsn).stdout == "[]\n"


@pytest.mark.parametrize("words", [["top", "songs"], ["hours"], ["report"]], ids=" ".join)
def test_an_unknown_place(loaded: tuple[str, Any], words: list[str], run_here: Run) -> None:
    nothing = run_here(*words, "--location", "Chicago", dsn=loaded[0])
    places = " The places: sparkify top locations\n"
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", NOTHING.rstrip() + places)


def test_location_and_csv(loaded: tuple[str, Any], run_here: Run) -> None:
    assert (
        run_here("top", "songs", "--location", "Chicago, IL", "--json", dsn=loaded[0]).stdout.count('"plays"')
        == 2
    )
    assert json.loads(run_here("top", "songs", "--location", "Nowhere", "--json", dsn=loaded[0]).stdout) == []
    assert run_here("top", "songs", "--json", "--csv", dsn=loaded[0]).returncode == 2


@pytest.mark.parametrize(
    "options", [[], ["--level", "free"], ["--since", "2030-01-01"], ["--location", "Chicago, IL"]]
)
def test_report(loaded: tuple[str, Any], options: list[str], run_here: Run) -> None:
    done = run_here("report", *options, dsn=loaded[0])
    assert done.returncode == 0
    assert (done.stdout == "") is (done.stderr == NOTHING)
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80
    assert len(done.stdout.splitlines()) <= 24
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)
    found = json.loads(run_here("report", *options, "--json", dsn=loaded[0]).stdout)
    assert found["totals"]["plays"] == sum(row["plays"] for row in found["trend"])


@pytest.mark.parametrize("command", ["report", "listener"])
def test_help_says_when_a_trend_is_by_week_or_month(run_here: Run, command: str) -> None:
    said = " ".join(run_here(command, "--help").stdout.split())
    assert f"for more than {MOST_BARS} days by week, for more than {MOST_BARS} weeks by month" in said


def test_a_trend_of_many_days_says_that_it_has_whole_weeks(dsn: str, tmp_path: Path, run_here: Run) -> None:
    """The play of Monday, 12 November, is not chosen, but its week is counted."""
    day = 24 * 3600 * 1000
    plays = [play(NOVEMBER + days * day, itemInSession=days) for days in (11, 13, 80)]
    write(tmp_path, "log_data/a.json", *plays)
    etl.run(tmp_path, dsn=dsn)
    chosen = ("report", "--since", "2018-11-14", "--until", "2019-01-20")
    said = run_here(*chosen, dsn=dsn).stdout
    assert "\n2 plays in " in said
    assert "Plays by whole week, at most 2:" in said
    rows = list(csv.DictReader(run_here(*chosen, "--csv", dsn=dsn).stdout.splitlines()))
    assert [(row["period"], row["start"], row["plays"]) for row in rows] == [
        ("week", "2018-11-12", "2"), ("week", "2019-01-14", "1")
    ]  # fmt: skip


@pytest.mark.parametrize(("state", "said"), [("publishing", "runs held: 0."), ("failed", "failed: 1\n(see")])
def test_report_before_a_first_load_is_done(
    dsn: str, db: Connection[Any], tmp_path: Path, run_here: Run, state: str, said: str
) -> None:
    """It has published a month, and works on the next one, or could not publish it."""
    write(tmp_path, "log_data/a.json", play(length=100))
    etl.run(tmp_path, dsn=dsn)
    db.execute("UPDATE etl.runs SET state = %s, finished_at = NULL", [state])
    report = run_here("report", dsn=dsn).stdout
    assert "\n1 play in 1 session, 0.0 hours; 1 listener, 1 of them new\n" in report
    assert "\nLast loaded 20" in report
    assert said in report


def test_lists_say_that_there_is_more(dsn: str, tmp_path: Path, run_here: Run) -> None:
    for line in "ab":
        write(tmp_path, f"log_data/{line}.json", line)
        etl.run(tmp_path, dsn=dsn)
    more = "There are more. To see them, choose a larger --limit.\n"
    for command in (["rejects", "list"], ["rejects", "show"], ["runs", "list"]):
        for shown, said in ((1, more), (2, "")):
            done = run_here(*command, "--limit", str(shown), dsn=dsn)
            assert (done.returncode, done.stderr) == (0, said)
            assert (
                len(json.loads(run_here(*command, "--json", "--limit", str(shown), dsn=dsn).stdout)) == shown
            )


def test_report_of_nothing(dsn: str, run_here: Run) -> None:
    assert run_here("report", dsn=dsn).stdout == "No plays yet. Load some: sparkify etl DATA\n"


def test_a_time_zone(loaded: tuple[str, Any], run_here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plays are just after midnight, UTC: on the evening before in America."""
    zone = ("--tz", "America/Chicago")
    assert run_here("report", *zone, dsn=loaded[0]).stdout.startswith(
        "2018-10-31 to 2018-10-31, America/Chicago\n4 plays"
    )
    november = ("--since", "2018-11-01", "--json")
    assert json.loads(run_here("top", "songs", *zone, *november, dsn=loaded[0]).stdout) == []
    assert len(json.loads(run_here("top", "songs", *november, dsn=loaded[0]).stdout)) == 2
    monkeypatch.setenv("SPARKIFY_TZ", "America/Chicago")
    assert json.loads(run_here("report", "--json", dsn=loaded[0]).stdout)["since"] == "2018-10-31"
    assert json.loads(run_here("report", "--tz", "UTC", "--json", dsn=loaded[0]).stdout)["zone"] == "UTC"
    done = run_here("report", "--tz", "UTC-5", dsn=loaded[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no time zone 'UTC-5'" in done.stderr
    assert "America/New_York" in done.stderr


def test_hours(loaded: tuple[str, Any], run_here: Run) -> None:
    zone = ("--tz", "Asia/Kolkata")
    done = run_here("hours", *zone, dsn=loaded[0])
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert lines[6].split() == ["5", "0", "0", "0", "4", "0", "0", "0"]
    assert lines[-1] == "Weekdays and hours, Asia/Kolkata."
    assert max(map(len, lines)) <= 80
    rows = [{"weekday": 3, "hour": 5, "plays": 4}]
    assert json.loads(run_here("hours", *zone, "--json", dsn=loaded[0]).stdout) == rows
    assert run_here("hours", *zone, "--csv", dsn=loaded[0]).stdout == "weekday,hour,plays\n3,5,4\n"


def test_hours_by_the_clocks_of_each_place(loaded: tuple[str, Any], run_here: Run) -> None:
    found = json.loads(run_here("hours", "--own-time", "--json", dsn=loaded[0]).stdout)
    rows = [{"weekday": 2, "hour": 19, "plays": 4}]
    assert found == {"hours": rows, "plays": 4, "all_plays": 4}
    said = " ".join(run_here("hours", "--own-time", dsn=loaded[0]).stdout.split())
    assert said.endswith("the time zone is certain for 100.0% of plays.")
    assert run_here("hours", "--own-time", "--csv", dsn=loaded[0]).stdout.splitlines()[1] == "2,19,4"
    nothing = run_here("hours", "--own-time", "--since", "2030-01-01", dsn=loaded[0])
    assert (nothing.stdout, nothing.stderr) == ("", NOTHING)


@pytest.mark.parametrize(
    "words", [["report"], ["hours"], ["top", "songs"], ["listener", "1"], ["activity", "pages"]], ids=" ".join
)
def test_a_first_day_after_the_last_is_refused(words: list[str], run_here: Run) -> None:
    done = run_here(*words, "--since", "2018-12-01", "--until", "2018-11-01")
    said = "The first day, 2018-12-01, is after the last, 2018-11-01."
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"sparkify: {said}\n")


def test_bars_of_days_without_plays_are_blank(capsys: pytest.CaptureFixture[str]) -> None:
    """The latest as far as they fit, and the most is that of the bars shown."""
    days = [date(2018, 11, day) for day in (1, 2, 28, 29, 30)]
    rows = [{"start": day, "plays": plays} for day, plays in zip(days, (9, 1, 8, 4, 1), strict=True)]
    print_trend("day", rows[2:])
    assert capsys.readouterr().out == "\nPlays by day, at most 8:\n█▅▂\n\n"
    print_trend("week", [{"start": date(2018, 11, 5), "plays": 3}, {"start": date(2018, 11, 19), "plays": 3}])
    assert "\n█ █\n" in capsys.readouterr().out
    print_trend("month", [{"start": date(2018, month, 1), "plays": 1} for month in (1, 4)], whole=True)
    assert capsys.readouterr().out == "\nPlays by whole month, at most 1:\n█  █\n\n"
    with pytest.MonkeyPatch.context() as narrow:
        narrow.setenv("COLUMNS", "29")
        print_trend("day", rows)
    said = capsys.readouterr().out
    assert " ".join(said.split()[:-2]) == "Plays by day, the last 29 of 30, at most 8:"
    assert f"\n▂{' ' * 25}█▅▂\n" in said


def test_rejects(loaded: tuple[str, Any], run_here: Run) -> None:
    rows = json.loads(run_here("rejects", "show", "--json", dsn=loaded[0]).stdout)
    assert [(row["line"], row["reason"]) for row in rows] == [(5, "invalid_json"), (6, "empty_field")]
    assert rows[0]["record"] == '{"torn": "\x1b]0;title\x07'
    only = json.loads(run_here("rejects", "list", "--reason", "empty_field", "--json", dsn=loaded[0]).stdout)
    assert [(row["reason"], row["lines"]) for row in only] == [("empty_field", 1)]


def test_held_is_exit_code_3(data: Path, dsn: str, run_here: Run) -> None:
    done = sparkify("etl", data, "--max-rejects", "1", dsn=dsn)
    assert done.returncode == 3
    assert "is held" in done.stderr
    assert "nothing was published" in done.stdout
    assert "sparkify rejects show" in done.stderr
    assert "sparkify runs release 1" in done.stderr
    assert "rejects retry" not in done.stderr  # it tries no rejects of a held run
    (run,) = json.loads(run_here("runs", "list", "--json", dsn=dsn).stdout)
    assert (run["state"], run["lines"], run["loaded"]) == (
        "held",
        7,
        None,
    )  # its plays are not in the warehouse
    assert run_here("runs", "release", "1", dsn=dsn).returncode == 0
    (run,) = json.loads(run_here("runs", "list", "--json", dsn=dsn).stdout)
    assert (run["state"], run["lines"], run["loaded"]) == ("published", 7, 5)  # plays and a song


def test_one_of_everything_is_singular(tmp_path: Path, dsn: str, run_here: Run) -> None:
    write(tmp_path, "song_data/a.json", song())
    write(tmp_path, "log_data/a.json", play(), "bad")
    songs, data = ("etl", "--song-data", tmp_path / "song_data"), ("etl", tmp_path)
    said = [
        run_here(*songs, "--dry-run", dsn=dsn), run_here(*songs, dsn=dsn),
        run_here(*data, "--max-rejects", "0", dsn=dsn), run_here("runs", "release", "2", dsn=dsn),
        run_here(*data, dsn=dsn), run_here("forget", "15", dsn=dsn),
    ]  # fmt: skip
    text = " ".join(" ".join(done.stdout + done.stderr for done in said).split())
    for sentence in (
        "1 of 1 file is new.", "Loaded 1 new of 1 file in", "It read 1 file;", "Set aside 1 line:",
        "Released run 2: 1 file, 1 line loaded", "1 play matches a song", "1 input file still holds",
    ):  # fmt: skip
        assert sentence in text
    assert not re.findall(r"\b1 (?:files|lines|plays|songs)\b", text)


def test_dry_run(data: Path, dsn: str, run_here: Run) -> None:
    done = run_here("etl", data, "--dry-run", dsn=dsn)
    assert (done.returncode, done.stdout) == (0, "2 of 2 files are new. Nothing was loaded.\n")
    assert json.loads(run_here("etl", data, "--json", dsn=dsn).stdout)["files"]["new"] == 2


def test_forgetting_somebody_unknown_says_so(data: Path, tmp_path: Path, dsn: str, run_here: Run) -> None:
    """The id may be mistyped. It is kept all the same: people may be forgotten before their data comes."""
    run_here("etl", data, dsn=dsn)
    later = "From now on their lines"
    for words, said, silent in (
        (["15", "--dry-run"], "Forgetting user 15 would remove this. Nothing was changed.", later),
        (["99", "--dry-run"], "Nothing of user 99 is here. Nothing was changed.", later),
        (["99"], "Nothing of user 99 is here. Later lines of theirs will be left out.", "Forgot"),
        (["99"], "Nothing of user 99 is here. They were forgotten before.", "Later"),
        (["98", "99"], "Nothing of these 2 people is here. Later lines", "Forgot"),
        (["15", "98"], "Forgot these 2 people. This was removed:", "Nothing"),
        (["15"], "Nothing of user 15 is here. They were forgotten before.", later),
    ):
        done = " ".join(run_here("forget", *words, dsn=dsn).stdout.split())
        assert done.startswith(said)
        assert silent not in done
    write(tmp_path, "b.json", play(userId="99"))
    assert "forgotten" in run_here("etl", "--log-data", tmp_path, dsn=dsn).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["etl", "/nowhere"], "/nowhere does not exist"),
        (["etl", "--song-data", "/nowhere"], "/nowhere does not exist"),
        (["etl", ".", "--max-rejects", "many"], "The limit of rejects is 'many': give a number"),
        (["forget", "Lily"], "'Lily' is not a user id"),
        (["forget", "9" * 20], "is not a user id"),
        (["forget"], "required"),
        (["db", "roles", "--reader", "x"], "x needs a password: set SPARKIFY_PASSWORD"),
        (["db", "roles", "--reader", "x", "--loader", "y"], "not allowed with"),
        (
            ["rejects", "drop", "--reason", "nosuch"],
            "'nosuch' (choose from 'line_too_long', 'truncated_stream',",
        ),
        (["etl", "--workers", "0"], "'0' is not a whole number above 0"),
        (["listener", "abc"], "'abc' is not a user id, a whole number"),
        (["top", "songs", "--since", "yesterday"], "'yesterday' is not a day"),
        (["top"], "required"),
        ([], "required"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str, run_here: Run) -> None:
    done = run_here(*arguments, dsn="host=/nowhere")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["status"], ["top", "songs"], ["create-tables"]])
def test_failure_is_exit_code_1(command: list[str], run_here: Run) -> None:
    done = run_here(*command, dsn="postgresql://me:secret@/db?host=/nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("sparkify: Cannot connect to PostgreSQL")
    assert "on that socket? Check" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_no_warehouse_yet(server_dsn: str) -> None:
    done = sparkify("top", "songs", dsn=server_dsn)
    assert done.returncode == 1
    assert "There is no warehouse in this database yet" in done.stderr


def test_a_reader_that_has_enough(loaded: tuple[str, Any]) -> None:
    done = subprocess.run(
        f"{PROGRAM} rejects show --json | head -1", shell=True, env={**os.environ, "SPARKIFY_DSN": loaded[0]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_help_is_quick() -> None:
    """Help imports nothing heavy. The test looks at imports, not the clock: other programs share the
    machine."""
    code = "import sys; from sparkify.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"sparkify.core._core", "psycopg", "rich"}


def test_without_the_core() -> None:
    """As after `git pull`, if nothing was built."""
    code = (
        "import sys; sys.modules['sparkify.core._core'] = None\n"
        "from sparkify.cli import main; sys.exit(main(['etl', '.']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Run `make etl` or `pip install .`" in done.stderr


def test_help_names_every_environment_variable(run_here: Run) -> None:
    """Options name their variable, and the first page of the help names all."""
    assert "[env: SPARKIFY_DSN]" in " ".join(run_here("top", "--help").stdout.split())
    sources = (path.read_text() for path in Path(sparkify_package.__file__).parent.rglob("*.py"))
    used = {name for source in sources for name in re.findall(r"\bSPARKIFY_[A-Z]+\b", source)}
    assert used == set(re.findall(r"\bSPARKIFY_[A-Z]+\b", run_here("--help").stdout))


def test_nothing_new_needs_nothing_heavy(loaded: tuple[str, Any], data: Path) -> None:
    code = (
        "import sys; from sparkify.cli import main\n"
        f"main(['etl', {str(data)!r}, '--dsn', {loaded[0]!r}])\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    assert not modules & {"pyarrow", "numpy"}


def test_a_live_bar_on_a_terminal(data: Path, dsn: str) -> None:
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "etl", data, "--dsn", dsn],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and select.select([main], [], [], 60)[0]:
        try:
            shown += os.read(main, 65536)
        except OSError:  # the other end is closed
            break
    os.close(main)
    assert process.wait() == 0
    assert process.stdout is not None
    assert b"Loaded 2 new" in process.stdout.read()
    process.stdout.close()
    assert b"rows" in shown
    assert b"/s" in shown


def test_the_sample_of_the_readme(dsn: str, tmp_path: Path, run_here: Run) -> None:
    sample = tmp_path / "sample"
    assert run_here("simulate", sample).returncode == 0
    said = run_here("etl", sample, dsn=dsn).stdout.splitlines()[1:]
    said += run_here("top", "songs", dsn=dsn).stdout.splitlines()[:4]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in said if line.rstrip() not in readme] == []


@pytest.mark.parametrize(
    "command",
    [
        "create-tables --drop --dsn=", "forget 15 --dsn=", "etl x --dsn=", "top songs --tz=", "db url @",
        "db roles --reader=", "db roles --loader=", "rejects drop --file=",
        "rejects export --out=", "simulate @ --users 1", "etl x --engine spark --master=",
    ],
)  # fmt: skip
def test_an_empty_value_is_refused(run_here: Run, command: str) -> None:
    """A script whose variable is not set must not drop, load or read something else than it means."""
    refused = run_here(*("" if word == "@" else word for word in command.split()))
    assert refused.returncode == 2
    assert "the value is empty: perhaps a variable is not set; see sparkify" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("dsn", ["", " "])
def test_an_empty_dsn_is_refused_in_python(dsn: str, data: Path) -> None:
    for work in (create_tables, partial(etl.run, data), analytics.totals):
        with pytest.raises(UsageError, match="The connection string is empty: perhaps a variable"):
            work(dsn=dsn)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("etl", "x", "--max-rejects", "9" * 5000), "The limit of rejects"),
        (("etl", "x", "--max-rejects", "-1"), "The limit of rejects"),
        (("db", "url", "d" * 64), "first 63"), (("db", "url", "\udcff"), "not UTF-8"),
        (("db", "url", "postgres://u:secret@h.example/" + "d" * 64), "first 63"),
        (("db", "psql", "--database", "\udcff"), "not UTF-8"),
        (("db", "roles", "--reader", "\udcff"), "not UTF-8"),
        (("db", "roles", "--loader", "x" * 64), "first 63"),
    ],
)  # fmt: skip
def test_names_and_numbers_that_cannot_be(run_here: Run, words: tuple[str, ...], says: str) -> None:
    done = run_here(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
    assert "secret" not in done.stderr


def test_a_file_that_is_not_utf_8_is_found_by_its_name(dsn: str, tmp_path: Path, run_here: Run) -> None:
    found = [
        write(tmp_path, "log_data/caf\udce9.json", "bad"),
        write(tmp_path, "log_data/x\\caf\udce9.json", "bad"),
    ]
    etl.run(tmp_path, dsn=dsn)
    for path in found:
        for name in (path, f"log_data/{path.name}", path.name):
            assert run_here("rejects", "list", "--file", name, dsn=dsn).stdout.count("invalid_json") == 1


def test_another_psycopg_is_asked_for() -> None:
    done = sparkify("status", PSYCOPG_IMPL="c")
    assert done.returncode == 1
    assert re.fullmatch(r"sparkify: .*Unset PSYCOPG_IMPL.*\n", done.stderr)


def test_the_current_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_here: Run) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = run_here("etl", "--log-data", ".", "--song-data", "..")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_arguments_of_functions_are_checked(loaded: tuple[str, Any], data: Path) -> None:
    dsn = loaded[0]
    for question in (
        partial(analytics.top, "songs", analytics.Selection(level="\ud800")),
        partial(analytics.totals, analytics.Selection(location="\ud800")),
        partial(analytics.listener, 15, period="hour"),
        partial(analytics.rejects, reason="nonsense"),
        partial(etl.run, data, workers=0),
        partial(etl.run, data, workers=-5),
        partial(etl.run, data, batch_bytes=0),
        partial(etl.run, data, max_rejects=-1),
    ):
        with pytest.raises(UsageError):
            question(dsn=dsn)
