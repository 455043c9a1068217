"""What people do with the dashboard, in Chromium: compare, open what a row names, drag over bars, mistype."""

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkify import analytics, etl
from sparkify.analytics import Selection, shares
from tests.support.data import NOVEMBER, play, song, write

for package in ("streamlit", "playwright"):
    pytest.importorskip(package, reason=f"{package} is not installed (requirements/browser.lock)")

from playwright.sync_api import Browser, Page, expect  # noqa: E402

from sparkify.dashboard import charts, filters, headlines, tables  # noqa: E402
from sparkify.dashboard.screens import PAGES  # noqa: E402
from tests.support.browser import WAIT, Visitor, cells, cut_off, metrics, table  # noqa: E402

DAY = 86_400_000
LONG = "W" * 190
SONGS = [
    ("<b>bold</b> \"quoted\" & 'single'", "Elena"),
    ('=HYPERLINK("http://evil.test")', "100% _off_?q=1#top"),
    ("🎵 **bold** $x$ + / \\ ;", "ΜΙΚΗΣ ΘΕΟΔΩΡΑΚΗΣ"),
    ("Elena", "İZMİR"),  # a search for the first song finds this one, too
    (LONG, LONG.lower()),
    ("m" * 1500, "שלום"),
]
PLACES = ['<i>Some</i> *place*, $x$ & "quotes", CA', LONG + ", IL", "Lyon"]
NAMES = [("Lily", "Koch"), ("<u>Max</u>", "=1+1"), (LONG, LONG)]
FIRST, LAST = date(2018, 11, 1), date(2018, 12, 30)
PLAYS = [
    {
        "day": FIRST + timedelta((n * n + n // 9) % 60), "user": n % 9 + 1,
        "level": ["paid", "free"][n // 50 % 2],
        "song": SONGS[n % 11 % 6], "place": PLACES[n % 3], "length": 200 + n % 2, "session": n,
    }
    for n in range(360)
]  # fmt: skip

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse of plays on 60 days from 1 November; each play is a session."""
    root = tmp_path_factory.mktemp("data")
    write(root, "song_data/a.json", song())
    lines = [
        play(
            NOVEMBER + (event["day"] - FIRST).days * DAY + event["session"], itemInSession=0,
            sessionId=event["session"], userId=str(event["user"]), firstName=NAMES[event["user"] % 3][0],
            lastName=NAMES[event["user"] % 3][1], level=event["level"], song=event["song"][0],
            artist=event["song"][1], location=event["place"], length=event["length"],
        )
        for event in PLAYS
    ]  # fmt: skip
    write(root, "log_data/a.json", *lines)
    etl.run(root, dsn=module_dsn)
    return module_dsn


def counted(since: date, until: date, level: str | None = None, **of: Any) -> dict[str, float]:
    """The headline numbers of some days, counted from the plays themselves."""
    chosen = [
        event for event in PLAYS
        if since <= event["day"] <= until and level in (None, event["level"])
        and all(event[name] == value for name, value in of.items())
    ]  # fmt: skip
    users = {event["user"] for event in chosen}
    before = {event["user"] for event in PLAYS if event["day"] < since}
    return {
        "Plays": len(chosen), "Listeners": len(users), "New listeners": len(users - before),
        "Sessions": len(chosen), "Hours heard": sum(event["length"] for event in chosen) / 3600,
    }  # fmt: skip


def beside(page: Page) -> dict[str, list[str]]:
    """What stands beside each headline number, by its name."""
    delta = re.compile("stMetricDelta(Description)?$")
    return {
        card.get_by_test_id("stMetricLabel").inner_text(): [
            text for text in card.get_by_test_id(delta).all_inner_texts() if text
        ]
        for card in page.get_by_test_id("stMetric").all()
    }


def lines(page: Page) -> str:
    return "\n".join(page.locator(".sp-line").all_inner_texts())


def test_numbers_stand_beside_those_of_the_days_before(visitor: Visitor) -> None:
    page = visitor.go("?since=2018-12-10&until=2018-12-16&level=paid")
    now = counted(date(2018, 12, 10), date(2018, 12, 16), "paid")
    then = counted(date(2018, 12, 3), date(2018, 12, 9), "paid")
    assert metrics(page) == {name: f"{number:,.0f}" for name, number in now.items()}
    assert {name: " ".join(said) for name, said in beside(page).items()} == {
        name: f"{shares.change(now[name], then[name]) or 'unchanged'} from {then[name]:,.0f}" for name in now
    }
    assert then["Plays"] not in (0, now["Plays"])
    assert "Compared with the 7 days before: 2018-12-03 to 2018-12-09." in lines(page)
    assert "was not over" not in lines(page)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Not compared with the days before: the data begins on 2018-11-01."),
        ("until=2018-11-10", "Not compared with the days before: the data begins on 2018-11-01."),
        (
            "since=2018-11-20",
            "Not compared: the 41 days before begin on 2018-10-10, but the data begins on 2018-11-01.",
        ),
        ("since=2018-11-02&until=2018-11-02", "Compared with the day before: 2018-11-01."),
        (
            "since=2018-11-02&until=2018-11-03",
            "Not compared: the 2 days before begin on 2018-10-31, but the data begins on 2018-11-01.",
        ),
    ],
)
def test_nothing_is_claimed_where_the_data_has_not_all_days_before(
    visitor: Visitor, query: str, said: str
) -> None:
    page = visitor.go(f"?{query}")
    assert lines(page).count("ompared") == 1
    assert said in lines(page)
    deltas = page.get_by_test_id("stMetricDelta").count()
    assert deltas == (0 if said.startswith("Not") else page.get_by_test_id("stMetric").count())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=2018-11-01&until=2018-11-17", "Not compared with the days before: the data begins on"),
        ("since=2018-11-17&until=2018-12-03", "Not compared: the 17 days before begin on 2018-10-31, but"),
        ("since=2018-11-18&until=2018-12-04", "Compared with the 17 days before: 2018-11-01 to 2018-11-17."),
        ("until=2018-12-20", "Compared with the 7 days before: 2018-12-07 to 2018-12-13."),
    ],
)
def test_songs_rise_and_fall_only_where_the_data_has_all_days_before(
    visitor: Visitor, query: str, said: str
) -> None:
    page = visitor.go(f"songs?{query}")
    assert said in lines(page)
    assert lines(page).count("ompared") == 1
    shown = page.get_by_role("table").evaluate_all("all => all.map(one => one.caption.textContent)")
    assert shown == [*(["Rising", "Falling"] if said.startswith("Com") else []), "Top songs", "Top artists"]


def test_a_table_that_leaves_rows_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    drawn: list[str] = []
    monkeypatch.setattr(tables, "line", said.append)
    monkeypatch.setattr(tables.st, "html", drawn.append)
    for count in (2, 3):
        tables.show("Pages", [{"page": f"page {at}"} for at in range(count)], {"page": "page"}, most=2)
    assert said == ["The first 2 of 3."]
    assert [text.count("page ") for text in drawn] == [2, 2]


def test_a_last_day_that_was_not_over_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(tables, "line", said.append)
    last = date(2018, 11, 20)
    for loaded in (datetime(2018, 11, 20, 23, 59, tzinfo=UTC), datetime(2018, 11, 21, tzinfo=UTC)):
        state = {"first": date(2018, 11, 1), "loaded_at": loaded}
        view = filters.View(Selection(last, last), last, last, "day", state["first"], last, state, None)
        headlines.say(view)
    compared = "Compared with the day before: 2018-11-19."
    assert said == [f"{compared} The last day was not over when the data was loaded.", compared]


@given(st.sampled_from([("America/New_York", 0), ("Asia/Tokyo", 1)]), st.integers(1, 70), st.integers(1, 4))
def test_days_that_a_time_zone_cuts_are_not_compared(zone: Any, since: int, many: int) -> None:
    """All of the span before is after the first local day; a view with the last one says that it is cut.

    In the east the last local day begins after the last UTC day, which is then a whole local day.
    """
    name, later = zone
    last = LAST + timedelta(later)
    state = {"first": FIRST, "last": LAST, "loaded_at": datetime(2019, 1, 9, tzinfo=UTC)}
    end = FIRST + timedelta(since + many - 1)
    view = filters.View(Selection(zone=name), FIRST + timedelta(since), end, "day", FIRST, last, state, None)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "line", said.append)
        headlines.say(view)
    span = headlines.before(view)
    assert (span is not None) == (since > many)
    assert (f"may begin in the middle of {FIRST}." in said[0]) == (since <= many)
    assert ("may end before the last day does" in said[0]) == (span is not None and end >= last)


def test_active_listeners_are_compared(visitor: Visitor) -> None:
    """With the 1, 7 and 30 days right before; the data has all but the last of these."""
    page = visitor.go("listeners?until=2018-12-20")
    end = date(2018, 12, 20)
    for name, days in (("Active on the last day", 1), ("Active in 7 days", 7), ("Active in 30 days", 30)):
        now, then = (
            counted(until - timedelta(days - 1), until)["Listeners"] for until in (end, end - timedelta(days))
        )
        assert metrics(page)[name] == str(now)
        expected = [] if days == 30 else [shares.change(now, then) or "unchanged", f"from {then}"]
        assert beside(page)[name] == expected
    assert "Compared with as many days right before, if the data, which begins on 2018-11-01" in lines(page)


def test_a_song_and_a_listener_are_compared(visitor: Visitor, dsn: str) -> None:
    (row,) = analytics.search("quoted", dsn=dsn)
    days = (date(2018, 12, 1), date(2018, 12, 14)), (date(2018, 11, 17), date(2018, 11, 30))
    page = visitor.go(f"songs?track={row['track_id']}&since=2018-12-01&until=2018-12-14")
    now, then = (counted(*span, song=SONGS[0])["Plays"] for span in days)
    assert metrics(page)["Plays"] == str(now)
    assert beside(page)["Plays"] == [shares.change(now, then) or "unchanged", f"from {then}"]
    page = visitor.go("listeners?user=2&since=2018-12-01&until=2018-12-14")
    now, then = (counted(*span, user=2)["Plays"] for span in days)
    assert metrics(page)["Plays"] == str(now)
    assert beside(page)["Plays"] == [shares.change(now, then) or "unchanged", f"from {then}"]
    page = visitor.go("data")
    assert "there is nothing before to compare them with" in lines(page)


def test_each_song_opens(visitor: Visitor) -> None:
    """By its track, so also one that many others would hide from a search."""
    for number in range(len(SONGS)):
        page = visitor.go("?since=2018-11-05&level=paid")
        title, artist, plays, _ = cells(page, "Top songs")[number]
        table(page, "Top songs").locator("tbody tr").nth(number).locator("td").nth(2).click(force=True)
        expect(page.locator("h1")).to_have_text("Songs and artists", timeout=WAIT)
        visitor.wait()
        full = next(
            f"{one} — {by}" for one, by in SONGS if one.startswith(title.rstrip("…")) and by == artist
        )
        assert page.locator("h2").first.inner_text() == (full if len(full) <= 200 else full[:200] + "…")
        assert metrics(page)["Plays"] == plays
        assert re.search(r"/songs\?since=2018-11-05&level=paid&track=\d+$", page.url)


def test_each_artist_opens_by_keyboard(visitor: Visitor) -> None:
    for number in range(len(SONGS)):
        page = visitor.go("?until=2018-12-24&place=Lyon&by=week")
        artist = cells(page, "Top artists")[number][0]
        link = table(page, "Top artists").get_by_role("link").nth(number)
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Songs and artists", timeout=WAIT)
        visitor.wait()
        assert "until=2018-12-24&place=Lyon&by=week&artist=" in page.url
        assert page.locator("h2").first.inner_text() == artist
        songs = cells(page, "Songs")
        assert sum(int(plays) for _, plays, _ in songs) == int(metrics(page)["Plays"])
        assert len(songs) <= int(metrics(page)["Songs, ever"])


def test_each_listener_opens(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("listeners?since=2018-11-05&level=paid")
    links = table(page, "Top listeners").get_by_role("link")
    found = [(link.inner_text(), link.get_attribute("href") or "") for link in links.all()]
    assert len({href for _, href in found}) == 9
    for name, href in found[:3]:
        page = visitor.go(href)
        user = int(href.rpartition("=")[2])
        answer = analytics.listener(user, "day", Selection(date(2018, 11, 5), None, "paid"), dsn=dsn)
        assert answer
        assert page.locator("h2").first.inner_text() == name
        assert f"user {user} · F · level now " in lines(page)
        assert metrics(page)["Plays"] == str(answer["plays"])
        assert cells(page, "Levels")[0][:2] == ["paid", str(answer["plays"])]
        assert [row[2] for row in cells(page, "Top songs")] == [str(row["plays"]) for row in answer["songs"]]
    page.get_by_role("link", name="All listeners").click()
    expect(page.get_by_role("table", name="Top listeners")).to_be_visible(timeout=WAIT)
    assert page.url.endswith("/listeners?since=2018-11-05&level=paid")


def test_a_fan_opens_and_the_menu_leads_back(visitor: Visitor, dsn: str) -> None:
    (row,) = analytics.search("quoted", dsn=dsn)
    page = visitor.go(f"songs?track={row['track_id']}&level=free")
    table(page, "Top listeners").get_by_role("link").first.click()
    expect(page.locator("h1")).to_have_text("Listeners", timeout=WAIT)
    visitor.wait()
    assert re.search(r"/listeners\?level=free&user=\d+$", page.url)
    for name, there in (("Overview", "/?level=free"), ("Listeners", "/listeners?level=free")):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(page.locator("h1")).to_have_text(name, timeout=WAIT)
        visitor.wait()
        assert page.url == visitor.address + there
    expect(page.get_by_role("table", name="Top listeners")).to_be_visible()


def test_a_song_leads_to_its_artist_and_a_search_away(visitor: Visitor, dsn: str) -> None:
    (row,) = analytics.search("quoted", dsn=dsn)
    page = visitor.go(f"songs?track={row['track_id']}")
    page.get_by_role("link", name="The artist").click()
    expect(page.get_by_role("table", name="Songs")).to_be_visible(timeout=WAIT)
    visitor.wait()
    assert page.url.endswith("songs?artist=Elena")
    search = page.get_by_test_id("stTextInput").locator("input")
    search.fill("İZMİR")
    search.press("Enter")
    expect(page.get_by_text("Songs found, with all their plays")).to_be_visible(timeout=WAIT)
    visitor.wait()
    assert "artist=" not in page.url
    search.fill("")
    search.press("Enter")
    expect(page.get_by_role("table", name="Rising")).to_be_visible(timeout=WAIT)


def test_another_search_begins_with_its_own_first_song(visitor: Visitor) -> None:
    """The song that was chosen before is gone from the address, too: a reload shows the same."""
    page = visitor.go("songs?q=Elena")
    shown = page.get_by_test_id("stSelectbox").filter(has_text="found").locator("input")
    first = shown.input_value()
    shown.click()
    page.get_by_role("option").last.click()
    expect(page).to_have_url(re.compile("song="), timeout=WAIT)
    second = shown.input_value()
    assert second != first
    search = page.get_by_test_id("stTextInput").locator("input")
    for text, its_first in (("100%", " — ".join(SONGS[1])), ("elena", first)):
        search.fill(text)
        search.press("Enter")
        expect(shown).to_have_value(its_first, timeout=WAIT)
        expect(page).to_have_url(re.compile(f"q={quote(text)}$"), timeout=WAIT)
    page.reload()
    visitor.wait()
    expect(shown).to_have_value(first, timeout=WAIT)
    assert "does not find" not in lines(page)


def test_each_place_sets_the_filter(visitor: Visitor) -> None:
    for number in range(3):
        own = "&own=true" if number else ""
        page = visitor.go(f"when-and-where?level=paid{own}")
        place, plays, _ = cells(page, "Places")[number]
        table(page, "Places").locator("tbody tr").nth(number).click()
        expect(page.locator(".sp-line").first).to_contain_text(place, timeout=WAIT)
        visitor.wait()
        assert cells(page, "Places") == [[place, plays, cells(page, "Places")[0][2]]]
        assert "level=paid&place=" in page.url
        assert ("own=true" in page.url) == bool(own)
        assert page.get_by_role("switch", name="By the clocks").is_checked() == bool(own)


@pytest.mark.parametrize(
    ("query", "what"), [("track=1", "no song with the track 1"), ("track=<b>", "no song with the track <b>")]
)
def test_a_song_that_is_not_there(visitor: Visitor, query: str, what: str) -> None:
    page = visitor.go(f"songs?{query}")
    assert f"There is {what}." in lines(page)


@pytest.mark.parametrize("name", ["Nobody", "<b>", "%00", "e" * 1001])
def test_an_artist_who_is_not_there(visitor: Visitor, name: str) -> None:
    page = visitor.go(f"songs?artist={name}&level=paid")
    shown = unquote(name).replace("\0", "")[:200]
    assert f"Nobody played an artist with the name {shown}" in lines(page)
    assert page.get_by_role("link", name="All songs").get_attribute("href") == "songs?level=paid"


@pytest.mark.parametrize("user", ["99", "x", "9" * 30, "<b>1</b>", ""])
def test_a_listener_who_is_not_there(visitor: Visitor, user: str) -> None:
    page = visitor.go(f"listeners?user={user}&level=paid")
    assert f"There is no listener {user}." in lines(page)
    assert page.get_by_role("link", name="All listeners").get_attribute("href") == "listeners?level=paid"


def drag(visitor: Visitor, first: int, last: int) -> None:
    """Drag from one bar to another, or over a part of the same."""
    chart = visitor.page.get_by_test_id("stVegaLiteChart").first
    bars = chart.locator("g.marks path")
    bars.first.wait_for()
    chart.scroll_into_view_if_needed()
    frame, begin, end = (one.bounding_box() for one in (chart, bars.nth(first), bars.nth(last)))
    assert frame
    assert begin
    assert end
    mouse, height = visitor.page.mouse, frame["y"] + 100
    left, right = begin["x"] + begin["width"] / 3, end["x"] + end["width"] / 1.5
    mouse.move(left, height)
    mouse.down()
    for step in range(1, 6):
        mouse.move(left + (right - left) * step / 5, height + step)
    mouse.up()


def test_dragging_over_bars_chooses_their_days(visitor: Visitor) -> None:
    page = visitor.go("?since=2018-11-10&until=2018-11-30&level=paid")
    page.get_by_text("The numbers").click()
    starts = [row[0] for row in cells(page, "Plays by day")]
    drag(visitor, 2, 5)
    expect(page.locator(".sp-line").first).to_contain_text(f"{starts[2]} to {starts[5]}", timeout=WAIT)
    visitor.wait()
    assert f"since={starts[2]}" in page.url
    assert f"until={starts[5]}" in page.url
    assert "level=paid" in page.url
    assert metrics(page)["Plays"] == str(
        counted(date.fromisoformat(starts[2]), date.fromisoformat(starts[5]), "paid")["Plays"]
    )
    drag(visitor, 2, 1)  # to the left
    expect(page.locator(".sp-line").first).to_contain_text(f"{starts[3]} to {starts[4]}", timeout=WAIT)
    visitor.wait()
    # Streamlit makes an entry of the browser's history for the first day, and one for the last.
    page.go_back()
    visitor.wait()
    page.go_back()
    expect(page.locator(".sp-line").first).to_contain_text(f"{starts[2]} to {starts[5]}", timeout=WAIT)
    visitor.wait()
    page.get_by_role("button", name="Show all days").click()
    expect(page.locator(".sp-line").first).to_contain_text("2018-11-01 to 2018-12-30 · paid", timeout=WAIT)
    visitor.wait()
    assert page.url == f"{visitor.address}/?level=paid"
    expect(page.get_by_text("Drag over bars")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "drawn", "days"),
    [
        ("listeners?by=week&since=2018-11-08", (1, 3), "2018-11-08 to 2018-11-18"),
        ("?by=month", (0, 0), "2018-11-01 to 2018-11-30"),
        ("listeners?user=2&by=month&until=2018-12-20", (1, 1), "2018-12-01 to 2018-12-20"),
    ],
)
def test_weeks_and_months_are_whole_within_the_chosen_days(
    visitor: Visitor, path: str, drawn: tuple[int, int], days: str
) -> None:
    """The listeners' chart has two bars, new and returning, for each week."""
    page = visitor.go(path)
    drag(visitor, *drawn)
    expect(page.locator(".sp-line").first).to_contain_text(days, timeout=WAIT)
    visitor.wait()


@pytest.mark.parametrize(
    ("period", "since", "until", "is_cut"),
    [
        ("week", None, None, False),  # the data begins on a Thursday
        ("week", FIRST, LAST, False),
        ("week", date(2018, 11, 5), date(2018, 12, 23), False),
        ("week", date(2018, 11, 6), date(2018, 12, 23), True),
        ("week", date(2018, 11, 5), date(2018, 12, 22), True),
        ("month", None, date(2018, 11, 29), True),
        ("month", date(2018, 12, 1), None, False),
        ("day", date(2018, 11, 6), date(2018, 12, 22), False),
    ],
)
def test_bars_that_count_days_that_are_not_chosen(
    monkeypatch: pytest.MonkeyPatch, dsn: str, period: str, since: date | None, until: date | None,
    *, is_cut: bool,
) -> None:  # fmt: skip
    chosen, state = Selection(since, until), {"last": LAST}
    view = filters.View(chosen, since or FIRST, until or LAST, period, FIRST, LAST, state, None)
    rows, said = analytics.trend(period, chosen, dsn=dsn), list[str]()
    monkeypatch.setattr(tables, "line", said.append)
    charts.say_cut(view, rows)
    charts.say_cut(view, [])
    assert bool(said) == is_cut
    assert (sum(row["plays"] for row in rows) > analytics.totals(chosen, dsn=dsn)["plays"]) == is_cut


@pytest.mark.parametrize("path", ["", "listeners"])
def test_it_says_which_bars_count_more_than_the_chosen_days(visitor: Visitor, path: str) -> None:
    said = "Bars show whole weeks: the first or the last may include days that you did not choose."
    assert said in lines(visitor.go(f"{path}?by=week&since=2018-11-06"))


def test_a_choice_without_plays_says_none(visitor: Visitor) -> None:
    day = next(
        day for day in (date(2018, 12, 1) + timedelta(n) for n in range(30))
        if not counted(day, day, place="Lyon")["Plays"] and not counted(day, day)["New listeners"]
    )  # fmt: skip
    for path, names in {
        "": ["Plays by day"],
        "listeners": ["Listeners by day", "Listeners by month of first play"],
        "when-and-where": ["Plays by weekday and hour", "Plays by state"],
        "when-and-where?own=true": ["Plays by weekday and hour", "Plays by state"],
    }.items():
        sign = "&" if "?" in path else "?"
        page = visitor.go(f"{path}{sign}since={day}&until={day}&place=Lyon")
        for name in names:
            assert f"{name}: none." in lines(page)
        assert page.get_by_test_id("stVegaLiteChart").count() == 0
        assert "Each tile is" not in lines(page)


def test_from_days_without_plays_all_days_are_a_click_away(visitor: Visitor) -> None:
    day = next(
        day
        for day in (FIRST + timedelta(n) for n in range(60))
        if not counted(day, day, place="Lyon")["Plays"]
    )
    page = visitor.go(f"?since={day}&until={day}&place=Lyon")
    assert "Plays by day: none." in lines(page)
    page.get_by_role("button", name="Show all days").click()
    expect(page).not_to_have_url(re.compile("since="), timeout=WAIT)


@pytest.mark.parametrize("days", ["since=2018-11-01&until=2018-12-20", "since=2018-11-05&until=2018-11-19"])
def test_no_bar_is_labelled_after_the_last_day(visitor: Visitor, days: str) -> None:
    page = visitor.go(f"?{days}")
    labels = page.get_by_test_id("stVegaLiteChart").locator(".role-axis-label text").all_text_contents()
    named = [label for label in labels if not label.isdecimal()]
    assert int(days[-2:]) - 2 <= int(named[-1].split()[-1]) <= int(days[-2:])


def test_settings_in_the_current_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(
        '[server]\ncorsAllowedOrigins = ["https://evil.test"]\n'
    )
    program = (
        "import sparkify.dashboard.__main__\nfrom streamlit import config\n"
        "print(config.get_option('server.corsAllowedOrigins'))"
    )
    command = [sys.executable, "-P", "-c", program]
    assert subprocess.check_output(command, cwd=tmp_path, text=True).split() == ["[]"]


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_a_download_has_the_days_of_the_page(new_dsn: Any, tmp_path: Path, zone: str) -> None:
    """Somebody may load later days while the page is open."""
    dsn, chosen = new_dsn(), Selection(zone=zone)
    write(tmp_path, "log_data/1.json", play())
    etl.run(tmp_path, dsn=dsn)
    (shown,) = analytics.trend("day", chosen, dsn=dsn)
    day, state = shown["start"], analytics.quality(dsn=dsn)
    view = filters.View(chosen, day, day, "day", day, day, state, dsn)
    write(tmp_path, "log_data/2.json", play(NOVEMBER + 3 * DAY, itemInSession=2))
    etl.run(tmp_path, dsn=dsn)
    assert view.ask_now(analytics.trend, "day", chosen) == [shown]
    of_others = Selection(zone="Asia/Tokyo")  # other days than those of the page
    assert len(view.ask_now(analytics.trend, "day", of_others)) == 2


def test_the_state_of_the_data_is_shown_whatever_is_chosen(visitor: Visitor) -> None:
    for query in ("since=2018-12-31", "since=2018-12-20&until=2018-12-01", "until=2018-10-31&tz=Asia/Tokyo"):
        page = visitor.go(f"data?{query}")
        ((kind, state, files, read, loaded, *others),) = (
            row for row in cells(page, "Files") if row[0] == "log"
        )
        assert (kind, state, files, read, loaded) == ("log", "loaded", "1", "360", "360")
        assert set(others) == {"0"}
        assert "Most played songs that are not in the catalogue: none." in lines(page)


def test_a_click_on_a_bar_changes_nothing(visitor: Visitor) -> None:
    page = visitor.go("?level=paid")
    bar = page.get_by_test_id("stVegaLiteChart").locator("g.marks path").nth(3)
    bar.click(force=True)
    page.wait_for_timeout(700)
    visitor.wait()
    assert page.url == f"{visitor.address}/?level=paid"


@pytest.mark.parametrize("path", ["sonsg", "overview", "%3Cb%3E%20$x$", "Songs", "päge", "_stcore2"])
def test_an_unknown_address_is_said(visitor: Visitor, path: str) -> None:
    page = visitor.go(f"{path}?level=paid")
    expect(page.locator("h1")).to_have_text("No such page")
    assert f"There is no page /{unquote(path)}. There are:" in lines(page)
    assert page.get_by_role("dialog").count() + page.get_by_test_id("stMetric").count() == 0
    links = page.get_by_test_id("stMain").get_by_role("link")
    assert links.all_inner_texts() == [screen.title for screen in PAGES.values()]
    links.nth(2).click()
    expect(page.locator("h1")).to_have_text("Listeners", timeout=WAIT)
    visitor.wait()
    assert page.url == f"{visitor.address}/listeners?level=paid"


def test_the_menu_leads_away_from_an_unknown_address(visitor: Visitor) -> None:
    page = visitor.go("sonsg")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
    expect(page.locator("h1")).to_have_text("Overview", timeout=WAIT)
    visitor.wait()
    assert page.url == f"{visitor.address}/"


def test_what_the_data_does_not_know_is_said(visitor: Visitor) -> None:
    page = visitor.go("?since=2018-11-31&until=1999-01-01&level=gold&place=<b>Atlantis</b>&by=second")
    warning = page.get_by_role("status").filter(has_text="ignored")
    expect(warning).to_have_text(
        "The address has what this data does not know, so it is ignored: since=2018-11-31,"
        " until=1999-01-01, level=gold, place=<b>Atlantis</b>, by=second"
    )
    assert metrics(page)["Plays"] == str(len(PLAYS))
    page.get_by_role("radio", name="free").or_(page.get_by_role("button", name="free")).first.click()
    expect(page.locator(".sp-line").first).to_contain_text("free plays", timeout=WAIT)
    visitor.wait()
    assert warning.count() == 0
    page = visitor.go("?level=all&by=auto&place=&since=2018-11-05")
    assert warning.count() == 0
    page = visitor.go("songs?q=Elena&song=Nothing")
    assert "The address names a song that this search does not find: Nothing" in lines(page)
    visitor.go("when-and-where?own=maybe")
    expect(warning).to_have_text(re.compile("so it is ignored: own=maybe$"))
    for own in ("true", "False", ""):
        visitor.go(f"when-and-where?own={own}")
        assert warning.count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_tables_fit_their_frame(browser: Browser, address: str, dsn: str, width: int) -> None:
    visitor = Visitor(browser, address, viewport={"width": width, "height": 800})
    tracks = {row["title"]: row["track_id"] for row in analytics.top("songs", dsn=dsn)}
    user = next(event["user"] for event in PLAYS if NAMES[event["user"] % 3][0] == LONG)
    paths = [
        *("" if path == "overview" else path for path in PAGES), f"songs?track={tracks[LONG]}", "songs?q=w",
        f"songs?artist={LONG.lower()}",
        f"songs?track={tracks['m' * 1500]}&since=2018-12-10", f"listeners?user={user}&since=2018-12-10",
        "?since=2018-12-10&until=2018-12-16", W200,
    ]  # fmt: skip
    for path in paths:
        page = visitor.go(path)
        for closed in page.locator("details").all():
            closed.locator("summary").click()
        assert cut_off(page) == [], path
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, path
        main = page.get_by_test_id("stMain")
        assert main.evaluate("one => one.scrollWidth - one.clientWidth") == 0, path
    visitor.context.close()
    assert visitor.trouble == []


W200 = "W" * 200


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_change_is_never_rounded_to_none_nor_to_all(now: int, before: int) -> None:
    said = shares.change(now, before)
    assert (said is None) == (now == before)
    if said:
        assert said[0] == ("+" if now > before else "-")
        assert not re.fullmatch(r"[+-]0(\.0)?%", said)
        assert (said == "-100%") == (now == 0 < before)
        if before and "<" not in said:
            exact = 100 * (now - before) / before
            assert float(said.rstrip("%").replace(",", "")) == pytest.approx(exact, abs=0.5, rel=1e-9)
