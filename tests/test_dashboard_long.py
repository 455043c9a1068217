"""The dashboard in Chromium over a year and more: long axes, large counts, more songs than fit a list."""

import re
from datetime import date

import pytest

from sparkify import etl
from tests.support.data import NOVEMBER, play, write

for package in ("streamlit", "playwright"):
    pytest.importorskip(package, reason=f"{package} is not installed (requirements/browser.lock)")

from playwright.sync_api import Browser, Page  # noqa: E402

from tests.support.browser import Visitor, metrics  # noqa: E402

DAY = 86_400_000
MONTHS = 14
FIRST = date(2018, 11, 1)
ALIKE = "Halo", "Beyoncé"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def dsn(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fourteen people, of whom one more comes each month, and all stay; 1,200 plays in an hour of the first
    day; two songs called Halo, one of them in doubly encoded letters, and 58 songs with the word Love."""
    root = tmp_path_factory.mktemp("data")
    starts = [
        NOVEMBER + (date(2018 + n // 12, n % 12 + 1, 1) - FIRST).days * DAY for n in range(10, 10 + MONTHS)
    ]
    events = [
        (start, user, f"Song {month}", "Elena")
        for month, start in enumerate(starts) for user in range(month + 1)
    ]  # fmt: skip
    events += [(NOVEMBER, 1, "Often", "Elena")] * 1200
    title, artist = ALIKE
    doubled = artist.encode().decode("latin-1")
    events += [(NOVEMBER + day * DAY, 1, title, artist) for day in (9, 19, 40)]
    events += [(NOVEMBER + day * DAY, 1, title, doubled) for day in (10, 20)]
    events += [(NOVEMBER + 60 * DAY, 2, f"Love {n}", "Elena") for n in range(58)]
    lines = [
        play(at + 1000 * n, userId=str(user), sessionId=n, itemInSession=n, song=song, artist=by)
        for n, (at, user, song, by) in enumerate(events)
    ]
    write(root, "log_data/a.json", *lines)
    etl.run(root, dsn=module_dsn)
    return module_dsn


def texts(page: Page, number: int = 0) -> list[str]:
    """What a chart says: labels of axes, legends and marks."""
    chart = page.get_by_test_id("stVegaLiteChart").nth(number)
    chart.locator("svg text").filter(has_text=re.compile(r"\S")).first.wait_for()
    return [text for text in chart.locator("svg text").all_text_contents() if text]


def test_songs_with_the_same_name_can_be_chosen(visitor: Visitor) -> None:
    page = visitor.go("songs?q=halo")
    name = " — ".join(ALIKE)
    page.get_by_role("combobox", name="Song (2 found, the most played first)").click()
    options = page.get_by_role("option")
    options.first.wait_for()
    assert options.all_inner_texts() == [name, f"{name} (2)"]
    assert metrics(page)["Plays"] == "3"
    page = visitor.go(f"songs?q=halo&song={name} (2)")
    assert metrics(page)["Plays"] == "2"


def test_a_list_of_songs_that_is_not_all_says_so(visitor: Visitor) -> None:
    page = visitor.go("songs?q=love")
    assert page.get_by_role("combobox", name="Song (the 50 most played)", exact=True).count() == 1


def test_an_axis_has_all_chosen_days(visitor: Visitor) -> None:
    """The song was played on 10 and 20 November."""
    page = visitor.go("songs?q=halo&since=2018-11-01&until=2018-11-30")
    texts(page)
    chart = page.get_by_test_id("stVegaLiteChart")
    axis = chart.locator("g.mark-group.role-frame").locator("path.background").first.bounding_box()
    bars = [bar.bounding_box() for bar in chart.locator("g.mark-rect.marks path").all()]
    assert axis
    assert len(bars) == 2
    for bar, day in zip(bars, (9, 19), strict=True):
        assert bar
        assert (bar["x"] - axis["x"]) / axis["width"] == pytest.approx(day / 30, abs=0.01)
        assert bar["width"] / axis["width"] == pytest.approx(1 / 30, abs=0.01)
    page = visitor.go("songs?q=halo&since=2018-11-01&until=2018-11-30&by=month")
    assert [text for text in texts(page) if not text.isdecimal()] == ["Nov 2018"]


def test_counts_are_written_in_full(visitor: Visitor) -> None:
    page = visitor.go("?by=month")
    assert {"0", "1,000"} <= set(texts(page))
    page = visitor.go("when-and-where")
    for number in (0, 1):
        assert {"0", "1,000"} <= set(texts(page, number))


@pytest.mark.parametrize("width", [1280, 390])
def test_shares_stand_where_there_is_room(browser: Browser, address: str, width: int) -> None:
    visitor = Visitor(browser, address, viewport={"width": width, "height": 800})
    page = visitor.go("listeners")
    shown = texts(page, 1)
    assert str(MONTHS - 1) in shown  # months later
    assert ("100%" in shown) == (width == 1280)
    visitor.context.close()
    assert visitor.trouble == []
