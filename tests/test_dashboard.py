"""The dashboard in Chromium, over a warehouse with hostile names; it must show what the database says."""

import csv
import io
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.database.connection import connect
from sparkify.database.reading import Rows, column_names
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.roles import create_roles
from sparkify.server.names import SAMPLE_DATABASE
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import one, wait_until

for package in ("streamlit", "playwright"):
    pytest.importorskip(package, reason=f"{package} is not installed (requirements/browser.lock)")

from playwright.sync_api import Browser, expect  # noqa: E402

from sparkify.dashboard import filters, source, tables  # noqa: E402
from sparkify.dashboard.connections import MOST, borrowed  # noqa: E402
from sparkify.dashboard.screens import PAGES  # noqa: E402
from tests.support.browser import (  # noqa: E402
    WAIT,
    Visitor,
    cells,
    cut_off,
    downloaded,
    metrics,
    serving,
)  # fmt: skip

DAY = 86_400_000
MARKUP = '<script>document.title="taken"</script><b>bold</b>'
MARKDOWN = r"$\frac{1}{2}$ **bold** :red[red] [link](http://evil.test) :material/home: 🎵 `code`"
FORMULA = '=HYPERLINK("http://evil.test")'
PLACE = '<i>Some</i> *place*, $x$ & "quotes", CA'
CHICAGO = "Chicago-Naperville-Elgin, IL-IN-WI"
SONGS = [MARKUP, FORMULA, MARKDOWN]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse of plays on 60 days from 1 November, by nine people at three places."""
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song())
    plays = [
        play(
            NOVEMBER + n % 60 * DAY + n * 3_600_000 % DAY, itemInSession=n, sessionId=n // 7,
            userId=str(n % 9 + 1), firstName=["Lily", "<u>Max</u>", "$a$"][n % 3], gender="FM"[n % 2],
            level=["paid", "free", "paid"][n // 40 % 3],
            song=SONGS[n * n % 7 % 4 % 3], artist=["Elena", "*Ella*", "-1+1"][n * n % 7 % 3],
            location=[CHICAGO, PLACE, "Lyon"][n % 3], length=200.5 + n % 2,
        )
        for n in range(400)
    ]  # fmt: skip
    plays.append(
        play(
            song="Setanta matins",
            artist="Elena",
            userId="1",
            sessionId=0,
            itemInSession=400,
            location=CHICAGO,
        )
    )
    write(root, "log_data/a.json", *plays, "{", "[]", "[]")
    etl.run(root, dsn=module_dsn)
    return module_dsn


@pytest.mark.parametrize("path", PAGES)
def test_each_page(visitor: Visitor, path: str) -> None:
    page = visitor.go("" if path == "overview" else path)
    expect(page.locator("h1")).to_have_text(PAGES[path][0])
    expect(page).to_have_title(f"{PAGES[path][0]} · sparkify")
    line = page.locator(".sp-line").first.inner_text()
    assert line.startswith(
        "2018-11-01 to 2018-12-30 · plays on all levels · all places · days and hours are UTC"
    )
    assert re.search(r"loaded 20\d\d-\d\d-\d\d \d\d:\d\d UTC$", line)
    assert page.get_by_test_id("stException").count() + page.get_by_test_id("stAlert").count() == 0
    pictures = page.get_by_test_id("stVegaLiteChart")
    for picture in pictures.all():
        picture.locator("[role=graphics-document], [aria-label]").first.wait_for()
    assert (
        pictures.count()
        == {"overview": 1, "songs": 0, "listeners": 2, "when-and-where": 2, "activity": 0, "data": 0}[path]
    )
    assert page.get_by_role("table").count() > 0
    assert page.viewport_size == {"width": 1280, "height": 720}
    assert cut_off(page) == []


def test_overview_says_what_the_database_says(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("")
    totals = analytics.totals(dsn=dsn)
    assert metrics(page) == {
        "Plays": "401", "Listeners": "9", "New listeners": "9", "Sessions": str(totals["sessions"]),
        "Hours heard": f"{totals['seconds'] / 3600:,.0f}",
    }  # fmt: skip
    top = [
        [row["title"], row["artist"], str(row["plays"]), str(row["listeners"])]
        for row in analytics.top("songs", dsn=dsn)
    ]
    assert cells(page, "Top songs") == top
    assert {title for title, *_ in top} > {MARKUP, FORMULA, MARKDOWN}  # shown as they are
    assert page.locator("table b, table script, table .katex").count() == 0
    assert page.locator("table a:not([href^='songs?'])").count() == 0


def test_days_are_utc_in_america(visitor: Visitor) -> None:
    page = visitor.go("?since=2018-11-01&until=2018-11-03&by=day")
    labels = page.get_by_test_id("stVegaLiteChart").locator("svg text")
    labels.first.wait_for()
    days = [text for text in labels.all_text_contents() if re.match("Nov|Oct", text)]
    assert days == ["Nov 01", "Nov 02", "Nov 03"]
    page.get_by_text("The numbers").click()
    assert [row[0] for row in cells(page, "Plays by day")] == ["2018-11-01", "2018-11-02", "2018-11-03"]


def test_a_link_with_filters(visitor: Visitor, dsn: str) -> None:
    page = visitor.go(
        "?since=2018-11-05&until=2018-11-20&level=paid&place=Chicago-Naperville-Elgin%2C+IL-IN-WI"
    )
    chosen = Selection(date(2018, 11, 5), date(2018, 11, 20), "paid", CHICAGO)
    totals = analytics.totals(chosen, dsn=dsn)
    assert 0 < totals["plays"] < 100
    found = metrics(page)
    assert found["Plays"] == str(totals["plays"])
    assert found["New listeners"] == str(analytics.listeners(chosen, dsn=dsn)["new_listeners"])
    assert "Sessions" not in found
    assert (
        page.locator(".sp-line")
        .first.inner_text()
        .startswith(f"2018-11-05 to 2018-11-20 · paid plays · {CHICAGO} · ")
    )


def test_filters_hold_and_stand_in_the_address(visitor: Visitor, browser: Browser, dsn: str) -> None:
    page = visitor.go("?since=2018-11-05")
    page.get_by_role("radio", name="free").or_(page.get_by_role("button", name="free")).first.click()
    expect(page.locator(".sp-line").first).to_contain_text("free plays", timeout=WAIT)
    page.get_by_role("combobox", name="Place").click()
    page.get_by_role("option", name=PLACE).click()
    expect(page.locator(".sp-line").first).to_contain_text(PLACE, timeout=WAIT)
    page.get_by_role("link", name="Listeners").click()
    expect(page.locator("h1")).to_have_text("Listeners", timeout=WAIT)
    visitor.wait()
    line = page.locator(".sp-line").first.inner_text()
    assert line.startswith(f"2018-11-05 to 2018-12-30 · free plays · {PLACE} · ")
    for part in ("since=2018-11-05", "level=free", "place="):
        assert part in page.url
    levels = analytics.levels(Selection(date(2018, 11, 5), None, "free", PLACE), dsn=dsn)
    assert cells(page, "Levels") == [["free", str(levels[0]["plays"]), str(levels[0]["listeners"])]]

    other = Visitor(browser, visitor.address)
    there = other.go(page.url.removeprefix(visitor.address + "/"))
    assert there.locator(".sp-line").first.inner_text() == line
    assert cells(there, "Levels") == cells(page, "Levels")
    other.context.close()


def test_a_time_zone(visitor: Visitor, dsn: str) -> None:
    """The zone stands in the address; days, hours and people are by it, and the line says so."""
    page = visitor.go("?since=2018-11-03&until=2018-11-05&by=day&tz=America/New_York")
    chosen = Selection(date(2018, 11, 3), date(2018, 11, 5), zone="America/New_York")
    totals = analytics.totals(chosen, dsn=dsn)
    assert totals["plays"] != analytics.totals(replace(chosen, zone="UTC"), dsn=dsn)["plays"]
    assert metrics(page)["Plays"] == str(totals["plays"])
    assert metrics(page)["Sessions"] == str(totals["sessions"])
    expect(page.locator(".sp-line").first).to_contain_text("days and hours are America/New_York")
    expect(page.get_by_test_id("stSidebar")).to_contain_text("There are plays from 2018-10-31 to 2018-12-30")
    page.get_by_text("The numbers").click()
    assert cells(page, "Plays by day") == [
        [str(row["start"]), str(row["plays"])] for row in analytics.trend("day", chosen, dsn=dsn)
    ]
    page = visitor.go("listeners?tz=America/New_York")
    local = Selection(zone="America/New_York")
    active = analytics.listeners(replace(local, since=date(2018, 12, 30)), dsn=dsn)
    assert metrics(page)["Active on the last day"] == str(active["listeners"])
    cohorts = {row["cohort"] for row in analytics.retention("month", local, dsn=dsn)}
    assert len(cohorts) > len({row["cohort"] for row in analytics.retention("month", dsn=dsn)})
    expect(page.get_by_label(f"month of first play: {len(cohorts)} cohorts.").first).to_be_attached()


def test_a_time_zone_is_chosen(visitor: Visitor) -> None:
    page = visitor.go("when-and-where")
    page.get_by_role("combobox", name="Time zone").click()
    page.keyboard.type("kolk")
    page.get_by_role("option", name="Asia/Kolkata").click()
    expect(page.locator(".sp-line").first).to_contain_text("hours are Asia/Kolkata", timeout=WAIT)
    visitor.wait()
    assert "tz=Asia" in page.url
    assert "hour, Asia/Kolkata" in page.get_by_test_id("stVegaLiteChart").first.inner_text()


def test_each_place_by_its_own_clocks(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("when-and-where?until=2018-11-20&own=true")
    own = analytics.heat_map_own_time(Selection(until=date(2018, 11, 20)), dsn=dsn)
    assert 0 < own["plays"] < own["all_plays"]
    share = f"{own['plays'] / own['all_plays']:.1%}"
    assert f"{share} of plays are at places whose time zone is certain" in page.content()
    page.get_by_text("The numbers").first.click()
    rows = cells(page, "Plays by hour, local time, and weekday")
    shown = {(day, int(row[0])): int(cell) for row in rows for day, cell in enumerate(row[1:]) if int(cell)}
    assert shown == {(row["weekday"], row["hour"]): row["plays"] for row in own["hours"]}
    page.get_by_text("By the clocks of each place").click()
    expect(page.get_by_role("button", name="Download weekdays and hours.csv")).to_be_visible(timeout=WAIT)
    visitor.wait()
    assert "own" not in page.url


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=2018-12-01&until=2018-11-01", "The first day is after the last"),
        ("until=2018-01-05", "There are no plays on these days, only from 2018-11-01 to 2018-12-30"),
    ],
)
def test_days_without_plays(visitor: Visitor, query: str, said: str) -> None:
    page = visitor.go(f"?{query}")
    expect(page.get_by_test_id("stAlert")).to_contain_text(said, timeout=WAIT)


def test_nonsense_in_the_address_does_no_harm(visitor: Visitor) -> None:
    page = visitor.go("?since=<script>&level=gold&place=Atlantis&by=second")
    assert metrics(page)["Plays"] == "401"


def test_one_song(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("songs")
    search = page.get_by_role("searchbox").or_(page.get_by_role("textbox", name="Search for")).first
    search.fill("script")
    search.press("Enter")
    page.get_by_text("Top listeners", exact=True).wait_for()
    visitor.wait()
    rows = analytics.search("script", dsn=dsn)
    assert {row["title"] for row in rows} == {MARKUP}
    chosen = page.get_by_role("combobox", name="Song")
    assert (
        MARKUP
        in (chosen.input_value() or "")
        + chosen.inner_text()
        + page.get_by_test_id("stSelectbox").last.inner_text()
    )
    assert metrics(page)["Plays"] == str(rows[0]["plays"])
    fans = analytics.fans(rows[0]["track_id"], dsn=dsn)
    assert [row[0] for row in cells(page, "Top listeners")] == [fan["name"] for fan in fans]
    page.get_by_text("The numbers").click()
    history = analytics.history(rows[0]["track_id"], "day", dsn=dsn)
    assert [row[:2] for row in cells(page, "Plays of the song by day")] == [
        [row["start"].isoformat(), str(row["plays"])] for row in history
    ]
    assert "q=script" in page.url
    expect(page).to_have_title("Songs and artists · sparkify")


def test_no_song_is_found(visitor: Visitor) -> None:
    page = visitor.go("songs?q=$x$ <b>nothing</b>")
    expect(page.get_by_text("No played song has all of these words: $x$ <b>nothing</b>")).to_be_visible()


CHOSEN = Selection(None, date(2018, 11, 20), "paid")
DOWNLOADS: dict[str, dict[str, Callable[[str], Any]]] = {
    "": {
        "trend": lambda dsn: analytics.trend("day", CHOSEN, dsn=dsn),
        "top songs": lambda dsn: analytics.top("songs", CHOSEN, dsn=dsn, limit=1000),
        "top artists": lambda dsn: analytics.top("artists", CHOSEN, dsn=dsn, limit=1000),
    },
    "songs": {
        name: lambda dsn, falling=falling: analytics.rising(
            Selection(date(2018, 11, 14), date(2018, 11, 20), "paid"), falling=falling, dsn=dsn, limit=1000
        )
        for name, falling in (("rising", False), ("falling", True))
    },
    "listeners": {
        "listeners": lambda dsn: analytics.trend("day", CHOSEN, dsn=dsn),
        "top users": lambda dsn: analytics.top("users", CHOSEN, dsn=dsn, limit=1000),
        "level changes": lambda dsn: analytics.level_changes(CHOSEN, dsn=dsn),
        "retention": lambda dsn: analytics.retention("month", Selection(CHOSEN.since, CHOSEN.until), dsn=dsn),
    },
    "when-and-where": {
        "weekdays and hours": lambda dsn: analytics.heat_map(CHOSEN, dsn=dsn),
        "places": lambda dsn: analytics.top("locations", CHOSEN, dsn=dsn, limit=1000),
        "devices": lambda dsn: analytics.top("devices", CHOSEN, dsn=dsn, limit=1000),
    },
    "data": {
        "files": lambda dsn: analytics.status(dsn=dsn)["files"],
        "reasons": lambda dsn: analytics.reject_reasons(dsn=dsn),
        "runs": lambda dsn: analytics.runs(dsn=dsn, limit=1000),
        "not in the catalogue": lambda dsn: analytics.unmatched(CHOSEN, dsn=dsn, limit=1000),
    },
}


@pytest.mark.parametrize("path", DOWNLOADS)
def test_downloads_are_what_the_database_says(visitor: Visitor, dsn: str, path: str) -> None:
    page = visitor.go(f"{path}?until=2018-11-20&level=paid")
    buttons = page.get_by_test_id("stDownloadButton")
    assert buttons.count() == len(DOWNLOADS[path])
    for name, rows in DOWNLOADS[path].items():
        head, *found = downloaded(page, name)
        expected = rows(dsn)
        assert head == list(column_names(expected))
        assert [[cell.removeprefix("'") for cell in line] for line in found] == [
            ["" if value is None else str(value).removeprefix("'") for value in row.values()]
            for row in expected
        ]
        assert not [cell for line in found for cell in line if re.match(r"[=+@\t\r]|-[^\d]", cell)]


def test_state_of_the_data(visitor: Visitor) -> None:
    page = visitor.go("data")
    assert cells(page, "Lines set aside, by reason") == [["not_an_object", "2"], ["invalid_json", "1"]]
    assert metrics(page)["Lines set aside"] == "3"
    assert [row[:4] for row in cells(page, "Files")] == [
        ["log", "loaded", "1", "404"],
        ["song", "loaded", "1", "1"],
    ]


@pytest.mark.parametrize("width", [1280, 390])
def test_large_numbers_fit(browser: Browser, new_dsn: Callable[[], str], tmp_path: Path, width: int) -> None:
    write(tmp_path, "log_data/a.json", play(), "{")
    dsn, many = new_dsn(), 2_000_000_000
    etl.run(tmp_path, dsn=dsn)
    with connect(dsn) as connection:
        connection.execute(
            "UPDATE etl.manifest SET lines = lines + 4 * %(n)s::bigint, loaded = loaded + %(n)s, duplicates ="
            " %(n)s, rejected = rejected + %(n)s, dismissed = %(n)s",
            {"n": many},
        )
    with serving(dsn) as address:
        visitor = Visitor(browser, address, viewport={"width": width, "height": 800})
        page = visitor.go("data")
        assert [cell.split()[-1] for cell in cells(page, "Files")[0][3:]] == [
            f"{n:,}" for n in (4 * many + 2, many + 1, 0, many, many + 1, many)
        ]
        assert cut_off(page) == []
        visitor.context.close()


def test_map(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("when-and-where")
    page.get_by_text("The numbers").last.click()
    plays = {row["location"]: row["plays"] for row in analytics.top("locations", dsn=dsn)}
    assert dict(map(tuple, cells(page, "Plays by state"))) == {  # type: ignore[arg-type]
        "California": str(plays[PLACE]), "Illinois": str(plays[CHICAGO]),
    }  # fmt: skip
    expect(page.get_by_text(f"{plays['Lyon']} plays are at places that name no state")).to_be_visible()
    assert cells(page, "Places")[0][0] in plays


def test_by_keyboard(visitor: Visitor) -> None:
    page = visitor.go("")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Listeners":
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Listeners", timeout=WAIT)
    visitor.wait()


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_in_the_dark(browser: Browser, address: str, path: str) -> None:
    visitor = Visitor(browser, address, viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = visitor.go("" if path == "overview" else path)
    ground = page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert ground == "rgb(16, 22, 29)"
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    wide = page.locator("[data-testid=stMainBlockContainer] > *").evaluate_all(
        "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
    )
    assert wide <= 391
    assert cut_off(page) == []
    visitor.context.close()
    assert visitor.trouble == []


def told(browser: Browser, dsn: str, path: str = "") -> str:
    """What a dashboard on `dsn` says instead of a page."""
    with serving(dsn) as address:
        visitor = Visitor(browser, address)
        page = visitor.go(path)
        page.get_by_test_id("stAlert").first.wait_for()
        visitor.wait()
        said = page.get_by_test_id("stMain").inner_text()
        assert page.get_by_test_id("stException").count() == 0
        page.get_by_role("button", name="Try again").wait_for()
        visitor.context.close()
    assert visitor.trouble == []
    assert "Traceback" not in said
    return said


def test_an_empty_warehouse(browser: Browser, new_dsn: Callable[[], str]) -> None:
    assert "Nothing is loaded yet" in told(browser, new_dsn(), "songs?q=x")


def test_no_warehouse(browser: Browser, new_dsn: Callable[[str], str]) -> None:
    assert "There is no warehouse in this database yet" in told(browser, new_dsn("template0"))


def test_no_server(browser: Browser) -> None:
    said = told(browser, "postgresql://me:secret@127.0.0.1:1/none")
    assert "No server" in said
    assert "Check --dsn, SPARKIFY_DSN or the PG* variables" in said
    assert "secret" not in said


def test_an_old_schema(browser: Browser, new_dsn: Callable[[], str]) -> None:
    old = new_dsn()
    with connect(old) as connection:
        connection.execute("UPDATE etl.warehouse SET schema_version = 0")
    assert "sparkify create-tables" in told(browser, old)


@pytest.mark.parametrize(
    ("table", "path"), [("user_months", ""), ("track_months", ""), ("user_level_days", "listeners")]
)
def test_a_question_that_is_cut_off(browser: Browser, dsn: str, table: str, path: str) -> None:
    with psycopg.connect(dsn) as other:
        other.execute(sql.SQL("LOCK analytics.{}").format(sql.Identifier(table)))
        said = told(browser, make_conninfo(dsn, options="-c statement_timeout=300ms"), path)
    assert "Too slow" in said
    assert "Choose fewer days" in said


def test_questions_are_asked_side_by_side_and_remembered(dsn: str) -> None:
    meeting, met = threading.Barrier(2), []

    def meet(name: str, *, dsn: Connection[Any]) -> str:
        met.append(name)
        meeting.wait(WAIT / 1000)
        return name + dsn.info.dbname[:0]

    for _ in range(2):
        with source.asking("a version", dsn) as ask:
            answers = [ask(meet, name) for name in ("one", "another")]
            assert [answer.result() for answer in answers] == ["one", "another"]
    assert sorted(met) == ["another", "one"]


def test_no_question_is_left_when_one_fails(dsn: str) -> None:
    """Running questions are waited for; those that have not begun are cancelled."""
    ended = threading.Event()
    asked = []

    def fail(*, dsn: Connection[Any]) -> None:
        raise SparkifyError("cut off" + dsn.info.dbname[:0])

    def answer(name: int, *, dsn: Connection[Any]) -> str:
        asked.append(name)
        ended.wait(WAIT / 1000)
        return dsn.info.dbname[:0]

    def draw() -> None:
        with source.asking("a version", dsn) as ask:
            failed = ask(fail)
            for name in range(20):
                ask(answer, name)
            try:
                failed.result()
            finally:
                threading.Timer(0.5, ended.set).start()

    with pytest.raises(SparkifyError, match="cut off"):
        draw()
    assert ended.is_set()
    assert len(asked) <= MOST
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("question")]


def test_connections_wait_for_the_next_question(dsn: str) -> None:
    """Connections are reused, except those that the server has ended and one with an open transaction."""

    def server(connection: Connection[Any]) -> int:
        return int(one(connection, "SELECT pg_backend_pid()"))

    reading = source.read_only_dsn(dsn)
    with borrowed(reading) as connection, borrowed(reading) as another:
        both = {server(connection), server(another)}
    assert len(both) == 2
    with borrowed(reading) as connection:
        first = server(connection)
        assert first in both
        connection.execute("BEGIN")
    with borrowed(reading) as connection:
        (second,) = both - {first}
        assert server(connection) == second
        with connect(dsn) as other:
            there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
            wait_until(lambda: one(other, there, first) == 0)
    with connect(dsn) as other:
        assert one(other, "SELECT pg_terminate_backend(%s, 5000)", second)
    with borrowed(reading) as connection:
        assert server(connection) not in both
        assert analytics.quality(dsn=connection) == analytics.quality(dsn=dsn)


def test_a_connection_that_waited_is_not_used_for_another_version(new_dsn: Callable[[], str]) -> None:
    dsn = new_dsn()
    with borrowed(dsn):
        pass
    with connect(dsn) as connection:
        connection.execute("UPDATE etl.warehouse SET schema_version = 0")
    with pytest.raises(UsageError, match="sparkify create-tables"), borrowed(dsn):
        pass


def test_a_connection_that_waited_is_not_used_elsewhere(dsn: str, new_dsn: Callable[[], str]) -> None:
    for reached in (new_dsn(), dsn):
        with borrowed(reached) as connection:
            assert connection.info.dbname == conninfo_to_dict(reached)["dbname"]


def test_more_connections_than_wait(dsn: str) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(borrowed(dsn)) for _ in range(MOST + 2)]
    assert sum(not connection.closed for connection in many) == MOST


def test_nothing_can_be_changed(new_dsn: Callable[[], str]) -> None:
    """Without the reader role, transactions are read-only; with it, sessions also take that role."""
    dsn = new_dsn()
    for user in ("", "sparkify_reader"):
        if user:
            create_roles(dsn)
        with connect(source.read_only_dsn(dsn), for_questions=True) as connection:
            assert one(connection, "SHOW statement_timeout") == "20s"
            assert one(connection, "SHOW idle_session_timeout") == "5min"
            assert (one(connection, "SELECT current_user") == "sparkify_reader") is bool(user)
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
                connection.execute("UPDATE etl.warehouse SET schema_version = 1")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("CREATE TABLE analytics.mine ()")


def test_every_question_may_be_asked_by_the_role_that_reads(new_dsn: Callable[[str], str], dsn: str) -> None:
    # Pooled connections, here and in the module's dashboard, would keep the database from being copied.
    with connect(make_conninfo(dsn, dbname="postgres")) as other:
        name = conninfo_to_dict(dsn)["dbname"]
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    mine = new_dsn(str(name))
    create_roles(mine)
    reading = source.read_only_dsn(mine)
    for downloads in DOWNLOADS.values():
        for rows in downloads.values():
            assert rows(reading) == rows(dsn)
    (row, *_) = analytics.search("script", dsn=reading)
    assert analytics.fans(row["track_id"], dsn=reading)
    assert analytics.song(row["track_id"], dsn=reading)
    assert analytics.listener(1, dsn=reading)
    assert analytics.quality(dsn=reading) == analytics.quality(dsn=dsn)


def test_a_made_up_sample_is_called_one(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(tables, "line", said.append)
    day = date(2018, 11, 1)
    state = {"loaded_at": datetime(2018, 12, 1, tzinfo=UTC)}
    for name in (SAMPLE_DATABASE, "sparkifydb"):
        filters.say(
            filters.View(Selection(), day, day, "day", day, day, state, f"postgresql://me@/{name}?host=/run")
        )
    assert [line.startswith("a made-up sample · 2018-11-01 to") for line in said] == [True, False]


def test_csv() -> None:
    rows = [{"a": "=1", "b": -1, "c": 'x,"y"\nz', "d": None}, {"a": "🎵\udc80", "b": 2, "c": "-", "d": "@"}]
    text = tables.as_csv(rows).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["a", "b", "c", "d"], ["'=1", "-1", 'x,"y"\nz', ""], ["🎵\\udc80", "2", "'-", "'@"],
    ]  # fmt: skip
    assert tables.as_csv([]) == b"\xef\xbb\xbf"
    assert tables.as_csv(Rows([], ["a", "b"])) == b"\xef\xbb\xbfa,b\r\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110
def test_it_needs_nowhere_to_write(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = str(found.getsockname()[1])
    command = [sys.executable, "-m", "sparkify", "dashboard", "--no-browser", "--port", port, "--dsn", dsn]
    with (
        open("/dev/full", "w") as full,
        subprocess.Popen(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
        ) as process,
    ):

        def is_up() -> bool:
            assert process.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                    return bool(answer.read() == b"ok")
            except OSError:
                return False

        try:
            wait_until(is_up)
        finally:
            process.terminate()
            said = process.communicate(timeout=30)[1]
    assert said == f"sparkify: http://localhost:{port} (press Ctrl-C to stop)\n"


def test_it_listens_on_loopback_only(address: str) -> None:
    port = f":{int(address.rpartition(':')[2]):04X}"
    listening = [
        words[1]
        for name in ("/proc/net/tcp", "/proc/net/tcp6")
        for words in map(str.split, Path(name).read_text().splitlines()[1:])
        if words[1].endswith(port) and words[3] == "0A"
    ]
    assert listening == [f"0100007F{port}"]
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:  # noqa: S310  our own
        assert answer.read() == b"ok"
