"""The page of activity in Chromium: it shows what the questions answer, wide and narrow, light and dark."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from sparkify import analytics, etl
from sparkify.analytics import Selection, shares
from tests.support.data import NOVEMBER, play, view, write

for package in ("streamlit", "playwright"):
    pytest.importorskip(package, reason=f"{package} is not installed (requirements/browser.lock)")

from playwright.sync_api import Browser, expect  # noqa: E402

from tests.support.browser import WAIT, Visitor, cells, cut_off, downloaded, metrics, serving, table  # noqa: E402

DAY = 86_400_000
MARKUP = "<b>Home</b> *page*"
PAGES = [
    MARKUP, "Error", "Roll Advert", "Thumbs Up", "Upgrade", "Submit Upgrade", "Submit Downgrade",
    "Cancellation Confirmation",
]  # fmt: skip

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fifteen weeks of plays and page views by six people, one of whom stops after three weeks. Each week
    somebody else comes, who plays one song."""
    root = tmp_path_factory.mktemp("data")
    events: list[dict[str, Any]] = []
    for day in range(105):
        if day % 7 == 0:
            events.append(play(NOVEMBER + day * DAY, userId=str(10 + day), sessionId=10_000 + day))
        for user in range(1, 7 if day < 21 else 6):
            page = PAGES[(day + user) % len(PAGES)] if day % 3 else "NextSong"
            events += [
                play(
                    NOVEMBER + day * DAY + item * 60_000, userId=str(user), sessionId=100 * user + day,
                    itemInSession=item, level="free" if user % 2 else "paid", page=what,
                )
                for item, what in enumerate(("NextSong", page) if day % 2 else (page, MARKUP))
            ]  # fmt: skip
    write(root, "log_data/a.json", *events)
    etl.run(root, dsn=module_dsn)
    return module_dsn


def recent(rows: list[dict[str, Any]], *names: str) -> list[list[str]]:
    """The last 12 weeks, and before them what all others have together."""
    assert len(rows) > 13
    earlier, last = rows[:-12], rows[-12:]
    sums = [str(sum(row[name] for row in earlier)) for name in names]
    return [
        [f"before {last[0]['week']}", *sums],
        *([str(row["week"]), *(str(row[name]) for name in names)] for row in last),
    ]


def test_downloads_are_what_the_questions_answer(visitor: Visitor, dsn: str) -> None:
    days = date(2018, 11, 8), date(2019, 1, 20)
    chosen, any_level = Selection(*days, "paid"), Selection(*days)
    page = visitor.go(f"activity?since={days[0]}&until={days[1]}&level=paid")
    for name, answer in {
        "pages": analytics.pages(chosen, dsn=dsn),
        "pages by day": analytics.page_days(chosen, dsn=dsn),
        "feedback": analytics.feedback(chosen, dsn=dsn),
        "songs before feedback": analytics.feedback_songs(chosen, dsn=dsn, limit=1000),
        "first and last pages": analytics.session_ends(chosen, dsn=dsn, limit=1000),
        "sessions by day": analytics.sessions(chosen, dsn=dsn),
        "cancellations and downgrades": analytics.churn(chosen, dsn=dsn),
        "upgrades": analytics.upgrades(any_level, dsn=dsn),
        "cohorts": analytics.cohorts(any_level, dsn=dsn),
        "weeks before leaving": analytics.before(chosen, dsn=dsn),
    }.items():
        head, *rows = downloaded(page, name)
        assert answer, name
        assert [dict(zip(head, row, strict=True)) for row in rows] == [
            {column: "" if value is None else str(value) for column, value in row.items()} for row in answer
        ]
    assert page.get_by_test_id("stDownloadButton").count() == 10


@pytest.mark.parametrize("level", [None, "free"])
def test_it_says_what_the_questions_answer(visitor: Visitor, dsn: str, level: str | None) -> None:
    page = visitor.go("activity" if level is None else f"activity?level={level}")
    chosen = Selection(level=level)
    pages, sessions = analytics.pages(chosen, dsn=dsn), analytics.sessions(chosen, dsn=dsn)
    shown = metrics(page)
    assert shown["Page views"] == f"{sum(row['views'] for row in pages):,}"
    assert shown["Errors"] == f"{sum(row['errors'] for row in pages):,}"
    assert shown["Sessions, with or without plays"] == f"{sum(row['sessions'] for row in sessions):,}"
    assert cells(page, "Pages") == [
        [row["page"], f"{row['views']:,}", f"{row['users']:,}", f"{row['errors']:,}"] for row in pages
    ]
    ends = analytics.session_ends(chosen, dsn=dsn)
    assert cells(page, "How sessions begin and end") == [
        [row["first_page"], row["last_page"], f"{row['sessions']:,}"] for row in ends
    ]
    assert cells(page, "Cancellations and downgrades, by week") == recent(
        analytics.churn(chosen, dsn=dsn), "cancellations", "downgrades"
    )
    if songs := analytics.feedback_songs(chosen, dsn=dsn):
        assert [row[:2] for row in cells(page, "After which song")] == [
            [row["title"], row["artist"]] for row in songs
        ]
    any_level = Selection(chosen.since, chosen.until)
    ways = analytics.upgrades(any_level, dsn=dsn)
    shown_ways = cells(page, "From free to paid, by week")
    assert [row[:5] for row in shown_ways] == recent(ways, "seen", "submitted", "paid", "back")
    assert shown_ways[0][5:] == ["–"] * 3
    for row, way in zip(shown_ways[1:], ways[-12:], strict=True):
        for text, step in zip(row[5:], ("submit", "play", "back"), strict=True):
            seconds = way[f"seconds_to_{step}"]
            assert (text == "–") == (seconds is None)
            if seconds:
                number, unit = text.split()
                assert float(number) >= 1
                assert float(number) * SECONDS[unit] == pytest.approx(seconds, rel=0.05)
    assert {row[5].split()[-1] for row in shown_ways} >= {"days", "–"}
    cohorts = analytics.cohorts(any_level, dsn=dsn)
    left = cells(page, "Who is left, by week of first event")
    assert [row[:4] for row in left] == recent(cohorts, "users", "cancelled", "quiet")
    active, users = (sum(row[name] for row in cohorts[:-12]) for name in ("active", "users"))
    assert left[0][4] == shares.label(active, users)
    quiet = analytics.quiet(Selection(level=chosen.level), dsn=dsn)
    users, silent = (sum(row[name] for row in quiet) for name in ("users", "quiet"))
    whose = f" whose last level is {level}" if level else ""
    said = f"not matter in this table. Of all {users} users{whose}, {silent} have gone quiet"
    expect(page.get_by_text(said)).to_be_visible()
    before = {row["leaves"]: row for row in analytics.before(chosen, dsn=dsn)}
    plays = [f"{round(before[leaves]['plays'], 2)}" if leaves in before else "–" for leaves in (True, False)]
    assert cells(page, "A user's week, before leaving and otherwise")[0] == ["plays", *plays]
    leaving, others = (before[leaves]["weeks"] if leaves in before else 0 for leaves in (True, False))
    said = f"Weeks before leaving: {leaving}. Other weeks: {others}. Leaving is"
    expect(page.get_by_text(said)).to_be_visible()


def test_weeks_of_which_nobody_knows_who_left(visitor: Visitor) -> None:
    page = visitor.go("activity?since=2019-02-11")
    said = "A user's week, before leaving and otherwise: none. Only four weeks after a week does the data"
    expect(page.get_by_text(said)).to_be_visible()


def test_numbers_stand_beside_those_of_the_days_before(visitor: Visitor, dsn: str) -> None:
    """In UTC days, whichever time zone is chosen."""
    days = "since=2018-12-01&until=2018-12-14"
    page = visitor.go(f"activity?{days}&tz=America/New_York")
    now, then = (
        (
            sum(row["views"] for row in analytics.pages(span, dsn=dsn)),
            sum(row["seconds"] for row in rows) / 60 / sum(row["sessions"] for row in rows),
        )
        for span in (
            Selection(date(2018, 12, 1), date(2018, 12, 14)),
            Selection(date(2018, 11, 17), date(2018, 11, 30)),
        )
        for rows in [analytics.sessions(span, dsn=dsn)]
    )
    shown = page.get_by_test_id("stMetric").all_inner_texts()
    for name, digits, number, before in zip(
        ("Page views", "Minutes of a session"), (0, 1), now, then, strict=True
    ):
        (card,) = (text for text in shown if text.startswith(f"{name}\n"))
        assert f"\n{number:,.{digits}f}\n" in card
        assert (shares.change(number, before, digits) or "unchanged") in card
        assert f"from {before:,.{digits}f}" in card
    expect(page.get_by_text("Compared with the 14 days before: 2018-11-17 to 2018-11-30.")).to_be_visible()


def test_the_song_before_feedback_opens(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("activity?since=2018-11-05&until=2019-01-05")
    rows = analytics.feedback_songs(Selection(date(2018, 11, 5), date(2019, 1, 5)), dsn=dsn)
    assert cells(page, "After which song") == [
        [row["title"], row["artist"], *(str(n) for n in list(row.values())[2:6])] for row in rows
    ]
    table(page, "After which song").locator("tbody tr").first.click()
    expect(page.locator(".sp-heading")).to_contain_text(rows[0]["title"], timeout=WAIT)
    assert "since=2018-11-05" in page.url
    page = visitor.go("activity?since=2018-11-01&until=2018-11-01&level=paid")  # without feedback
    assert page.get_by_text("After which song").count() == 0


def test_days_that_the_data_has_only_in_a_time_zone(visitor: Visitor) -> None:
    page = visitor.go("activity?since=2018-10-31&until=2018-10-31&tz=America/New_York")
    expect(page.get_by_text("There are no plays or page views on these days, only from")).to_be_visible()


def test_a_place_is_ignored_and_it_says_so(visitor: Visitor, dsn: str) -> None:
    page = visitor.go("activity?place=Chicago%2C+IL")
    expect(page.get_by_text("Page views have no place")).to_be_visible()
    assert metrics(page)["Page views"] == f"{sum(row['views'] for row in analytics.pages(dsn=dsn)):,}"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(browser: Browser, address: str, width: int, scheme: Any) -> None:
    visitor = Visitor(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = visitor.go("activity?since=2018-11-05&until=2019-01-05")
    table(page, "After which song")
    assert page.get_by_test_id("stException").count() == 0
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert cut_off(page) == []
    visitor.context.close()
    assert visitor.trouble == []


def test_days_without_page_views(visitor: Visitor) -> None:
    page = visitor.go("activity?since=2018-11-01&until=2018-11-01&level=paid")
    assert page.get_by_test_id("stException").count() == 0


@pytest.fixture
def one_sided(
    browser: Browser, new_dsn: Callable[[], str], tmp_path: Any, request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """A visitor of a dashboard whose page views, four a day from 1 to 20 November, begin before the plays and
    end after them."""
    played = getattr(request, "param", range(4, 10))
    events = [view(NOVEMBER + day * DAY, itemInSession=at) for day in range(20) for at in range(4)]
    events += [play(NOVEMBER + day * DAY, location="ZÃ¼rich") for day in played]
    write(tmp_path, "log_data/a.json", *events)
    dsn = new_dsn()
    etl.run(tmp_path, dsn=dsn)
    with serving(dsn) as address:
        visitor = Visitor(browser, address)
        yield visitor
        visitor.context.close()
        assert visitor.trouble == []


def test_days_with_page_views_only(one_sided: Visitor) -> None:
    """They count here, and are compared with as many days before; other pages show days with plays."""
    begins = "Not compared with the days before: the data begins on 2018-11-01"
    for query, days, views, compared in (
        ("", "2018-11-01 to 2018-11-20", "80", begins),
        ("since=2018-11-06", "2018-11-06 to 2018-11-20", "60", "Not compared: the 15 days before begin on"),
        ("since=2018-11-11&until=2018-11-15", "11-11 to 2018-11-15", "20", "Compared with the 5 days before"),
        ("since=2018-11-12&until=2018-11-13", "11-12 to 2018-11-13", "8", "Compared with the 2 days before"),
    ):
        page = one_sided.go(f"activity?{query}")
        expect(page.locator(".sp-line").first).to_contain_text(days)
        assert metrics(page)["Page views"] == views
        expect(page.get_by_text(compared)).to_be_visible()
        if compared.startswith("Compared"):
            expect(page.get_by_test_id("stMetric").first).to_contain_text("unchanged")
    page = one_sided.go("?since=2018-11-12")
    said = "There are no plays on these days, only from 2018-11-05 to 2018-11-10"
    expect(page.get_by_text(said)).to_be_visible()


def test_a_place_may_be_spelled_as_in_the_log(one_sided: Visitor) -> None:
    page = one_sided.go("?place=Z%C3%83%C2%BCrich")
    expect(page.locator(".sp-line").first).to_contain_text("· Zürich ·")
    assert metrics(page)["Plays"] == "6"
    assert page.get_by_text("ignored").count() == 0


@pytest.mark.parametrize("one_sided", [()], indirect=True)
def test_page_views_without_a_play(one_sided: Visitor) -> None:
    page = one_sided.go("")
    expect(page.get_by_text("There are no plays yet, only page views: see Activity.")).to_be_visible()
    page = one_sided.go("activity")
    assert metrics(page)["Page views"] == "80"
