"""Tables at any width: no number is cut, no line is too long, and different texts stay different."""

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from sparkify.analytics.shares import label, share
from sparkify.commands.progress import live_bar
from sparkify.commands.tables import print_table, shorten_paths

LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "So"], exclude_characters="…")
TEXTS = st.text(LETTERS | st.just(" "), max_size=120)
PATHS = st.lists(st.text(LETTERS, min_size=1, max_size=30), min_size=1, max_size=8).map(
    lambda names: "/" + "/".join(names)
)
NUMBERS = st.integers(-(2**63), 2**63) | st.integers(0, 99_999)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
VALUES = {
    "path": PATHS,
    "title": TEXTS,
    "artist name": TEXTS,
    "started at": MOMENTS,
    "lines": NUMBERS,
    "page_views": NUMBERS | st.none(),
    "found": NUMBERS | st.just("ok"),
    "listeners": NUMBERS,
    "share": st.floats(0, 1),
}
NUMBER = re.compile(r"-?\d[\d,.:-]*(?:e[-+]\d+)?")


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=9, unique=True))
    return draw(
        st.lists(st.fixed_dictionaries({name: VALUES[name] for name in names}), min_size=1, max_size=4)
    )


@contextmanager
def terminal(width: int, encoding: str = "utf-8") -> Iterator[io.TextIOWrapper]:
    """Replace stdout by a terminal of this width."""
    with (
        pytest.MonkeyPatch.context() as patch,
        io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace") as out,
    ):
        patch.setenv("COLUMNS", str(width))
        patch.setattr(sys, "stdout", out)
        yield out
        out.flush()


def printed(rows: list[dict[str, Any]], width: int, encoding: str) -> str:
    with terminal(width, encoding) as out:
        print_table(rows)
        out.flush()
        buffer = out.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(encoding)


def numbers(rows: list[dict[str, Any]]) -> Counter[str]:
    """The numbers, as words."""
    values = [
        value for row in rows for value in row.values() if value is not None and not isinstance(value, str)
    ]
    return Counter(word for value in values for word in _written(value).split())


def _written(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


@given(rows=tables(), width=st.integers(20, 140), encoding=st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_numbers_are_whole_and_lines_are_short(rows: list[dict[str, Any]], width: int, encoding: str) -> None:
    shown = printed(rows, width, encoding)
    # Escapes of letters that the encoding lacks contain digits too.
    found = Counter(word for word in shown.split() if NUMBER.fullmatch(word))
    assert numbers(rows) <= found
    for line in shown.splitlines():
        assert cell_len(line) <= width or NUMBER.fullmatch(line.strip())


@given(one=PATHS, other=PATHS, width=st.integers(20, 80), encoding=st.sampled_from(["utf-8", "ascii"]))
def test_paths_that_differ_still_do(one: str, other: str, width: int, encoding: str) -> None:
    for first, second in (
        (one, other),
        (one + other, one),
        (f"/a{one}", f"/b{one}"),
        (f"{one}/a{other}", f"{one}/b{other}"),
    ):
        with terminal(width, encoding):
            short = shorten_paths([first, second, first], width)
        assert max(map(cell_len, short)) <= width
        assert short[0] == short[2]
        assert (short[0] == short[1]) == (first == second)


@pytest.mark.parametrize(
    ("paths", "width", "short"),
    [
        (["/srv/music/data/log_data/2018/11/a.json", "/srv/music/data/log_data/2018/11/b.json"], 18,
         ["…/2018/11/a.json", "…/2018/11/b.json"]),
        (["/srv/data/a.json"], 16, ["/srv/data/a.json"]),
        (["/srv/a-long-name-of-a-file.json"], 12, ["…a-file.json"]),
        (["/srv/january/data/events.json", "/srv/february/data/events.json"], 22,
         ["…january/da…vents.json", "…february/d…vents.json"]),
        (["/a/long-name-1/b.json", "/a/long-name-2/b.json"], 12, ["…me-1/b.json", "…me-2/b.json"]),
    ],
)  # fmt: skip
def test_how_paths_are_shortened(paths: list[str], width: int, short: list[str]) -> None:
    with terminal(width):
        assert shorten_paths(paths, width) == short


def test_a_row_as_lines() -> None:
    rows = [
        {
            "path": "/srv/music/data/log_data/2018/11/a.json",
            "lines": 12_345_678_901,
            "title": "A Title of some words",
        }
    ]
    assert printed(rows, 24, "ascii") == (
        "path   .../11/a.json\nlines  12,345,678,901\ntitle  A Title of som...\n"
    )
    assert (
        printed([{"lines": 12_345, "page_views": 7}], 20, "utf-8")
        == " lines  page views\n12,345           7\n"
    )
    assert printed([{"leaves": True, "weeks": 1}, {"leaves": False, "weeks": 2}], 20, "utf-8") == (
        "leaves  weeks\n   yes      1\n    no      2\n"
    )
    assert printed([{"lines": 12_345, "page_views": 7, "loaded": 1}], 24, "utf-8") == (
        "lines       12,345\npage views       7\nloaded           1\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_the_bar_fits(width: int, encoding: str) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding) as out:
        console = Console(file=out, force_terminal=True, width=width, color_system=None)
        with live_bar(console) as progress:
            bar = progress.bar
            bar.refresh()
            bar.update(
                progress.task,
                description="publish September 2018",
                total=12_345,
                completed=8_000,
                lines=9_876_543,
                rate=8e6,
            )
            bar.refresh()
        out.flush()
        assert isinstance(out.buffer, io.BytesIO)
        shown = re.sub(r"\x1b\[[\d?]*[a-zA-Z]", "", out.buffer.getvalue().decode(encoding))
    lines = re.split(r"[\r\n]+", shown)
    assert max(map(cell_len, lines)) <= width
    assert any("8,000/12,345" in line for line in lines)
    assert any("9,876,543 rows 8,000,000/s" in line for line in lines) is (width == 80)
    assert "…" not in shown


@pytest.mark.parametrize(
    ("part", "whole", "said", "short"),
    [
        (0, 6820, "0.0%", "0%"),
        (1, 6820, "1 of 6,820", "<1%"),
        (4, 6820, "0.1%", "<1%"),
        (3410, 6820, "50.0%", "50%"),
        (6819, 6820, "6,819 of 6,820", ">99%"),
        (6780, 6820, "99.4%", "99%"),
        (6820, 6820, "100.0%", "100%"),
        (0, 0, "0.0%", "0%"),
    ],
)
def test_a_share_does_not_say_none_or_all_of_what_is_some(
    part: int, whole: int, said: str, short: str
) -> None:
    assert (share(part, whole), label(part, whole)) == (said, short)


@given(whole=st.integers(1, 10**12), data=st.data())
def test_any_share(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole) | st.just(1) | st.just(whole - 1))
    for said in (share(part, whole), label(part, whole)):
        assert (said in {"0.0%", "0%"}) == (part == 0)
        assert (said in {"100.0%", "100%"}) == (part == whole)
