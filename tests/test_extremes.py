"""Whatever the judge accepts can be stored, counted, checked and shown: each field at both ends."""

import importlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection, sql

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.analytics.names import repaired
from sparkify.analytics.selection import known_parts
from sparkify.commands.report import print_report
from sparkify.commands.status import print_status
from sparkify.database.connection import connect
from sparkify.extract.lines import Slice
from sparkify.operations.check import check
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.transform.plays import PlayTransform
from tests.support import copied
from tests.support.data import NOVEMBER, play, song, write
from tests.support.differential import FILE
from tests.support.examples import examples
from tests.support.warehouse import checksums, one

HOUR = 3600 * 1000
LARGEST = 2**63 - 1
LONGEST = 1.7976931348623157e308  # the largest and the smallest double above 0
SHORTEST = 5e-324
FIRST, LAST = 946684800000, 4102444799999  # of the years 2000 to 2099
LONG = "".join(
    map(chr, random.Random(9).choices(range(0x4E00, 0x9FFF), k=50_000))
)  # 150 kB, and twice that as JSON; no index can hold it

TEXTS = [
    "", " ", "all", "ALL", "free", "Paid ", "Other", "\t\r\n\\N", "'\";--%s{}$1", "\x01\x1b[31m\x7f",
    "\ue000\ufffe\uffff\U0010ffff",
    "e\u0301 é", "ﬁ ß İ ı", "\u202eevitagen", "العربية", "हिन्दी", "日本語", "😀👨‍👩‍👧", "Ã©", "Ã" * 3000,
    "Mozilla/5.0 (" + "a; " * 30_000, "((((" * 500 + "[", "Android 4.0; " + "; " * 30_000, "-" * 100_000,
]  # fmt: skip
PLAY_TEXTS = ("level", "song", "artist", "firstName", "lastName", "gender", "location", "userAgent")
SONG_TEXTS = ("title", "artist_name", "artist_location")
LENGTHS = [SHORTEST, 0.0004999, 0.0005, 86399.9995, 86400.0, 86400.0005, 1.8e305, 1e308, LONGEST]
NUMBERS: dict[str, list[Any]] = {
    "userId": [0, LARGEST, -LARGEST - 1, "0", str(LARGEST), "0" * 50 + "15"],
    "sessionId": [0, LARGEST, -LARGEST - 1],
    "itemInSession": [0, LARGEST, -LARGEST - 1],
    "ts": [FIRST, LAST, *(NOVEMBER + hour * HOUR + edge for hour in range(25) for edge in (-1, 0))],
    "length": LENGTHS,
}
SONG_VALUES: dict[str, list[Any]] = {
    "song_id": ["a" * 1000, "é" * 500, "\t\\N", "'"],
    "artist_id": ["a" * 1000, "é" * 500, "\t\\N", "'"],
    "artist_latitude": [LONGEST, -LONGEST, SHORTEST, -0.0, None],
    "artist_longitude": [LONGEST, -LONGEST, SHORTEST, -0.0, None],
    "year": [0, 1, 9999, None],
    "duration": [SHORTEST, 86400, LONGEST],
}


def plays(item: int) -> list[dict[str, Any]]:
    """Plays of one user, mostly on one day, each with one field or all text at an extreme; and plain ones."""
    changes: list[dict[str, Any]] = [{}, {"song": "another"}]
    changes += [{name: value} for name, values in NUMBERS.items() for value in values]
    changes += [dict.fromkeys(PLAY_TEXTS, text) | {"song": text or "a"} for text in TEXTS]
    changes += [{name: LONG} for name in PLAY_TEXTS]
    changes += [dict.fromkeys(("firstName", "lastName", "gender", "location", "userAgent"))]
    return [play(NOVEMBER + n, itemInSession=item + n) | change for n, change in enumerate(changes)]


def views() -> list[dict[str, Any]]:
    """Page views with the same extremes, also while logged out."""
    changes: list[dict[str, Any]] = [{"status": status} for status in (None, 0, 404, 2**31 - 1, -(2**31))]
    changes += [{name: value} for name in ("userId", "sessionId", "ts") for value in NUMBERS[name]]
    changes += [{"page": text, "level": text} for text in (*TEXTS, LONG) if text]
    changes += [{"page": "Submit Upgrade", "level": text} for text in (*TEXTS, LONG)]
    plain = {"page": "Thumbs Up", "sessionId": 7}
    return [
        play(NOVEMBER + n, itemInSession=2000 + 2 * n + logged_out)
        | plain | ({"userId": ""} if logged_out else {}) | change
        for n, change in enumerate(changes) for logged_out in (False, True)
    ]  # fmt: skip


def songs() -> list[dict[str, Any]]:
    """Songs with the same extremes, each by another artist; some of them match plays."""
    changes: list[dict[str, Any]] = [
        {name: value} for name, values in SONG_VALUES.items() for value in values
    ]
    changes += [{"duration": length} for length in LENGTHS]
    changes += [dict.fromkeys(SONG_TEXTS, text) for text in TEXTS] + [{name: LONG} for name in SONG_TEXTS]
    return [song(f"S{n}", artist_id=f"A{n}") | change for n, change in enumerate(changes)]


SELECTIONS = (
    Selection(),
    Selection(date(2018, 11, 1), date(2018, 11, 1)),
    Selection(date(2018, 10, 20), date(2018, 11, 20), level="all"),
    Selection(level=LONG),
    Selection(location=LONG),
    Selection(date(1, 1, 1), date(9999, 12, 31)),
)
QUESTIONS: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = [
    *((f"top {what}", analytics.top, (what,))
        for what in ("songs", "artists", "users", "locations", "devices")),
    *((f"trend {period}", analytics.trend, (period,)) for period in ("day", "week", "month")),
    *((question.__name__, question, ()) for question in (
        analytics.totals, analytics.listeners, analytics.heat_map, analytics.levels, analytics.genders,
        analytics.level_changes, analytics.rising, analytics.unmatched, analytics.report, analytics.retention,
    )),
]  # fmt: skip
ACTIVITY: tuple[Callable[..., Any], ...] = (
    analytics.pages, analytics.page_days, analytics.errors, analytics.feedback, analytics.feedback_songs,
    analytics.adverts, analytics.sessions, analytics.session_ends, analytics.upgrades, analytics.churn,
    analytics.quiet, analytics.cohorts, analytics.before,
)  # fmt: skip


def faults(dsn: str) -> list[Any]:
    """The findings of `check`."""
    return [(finding.name, finding.examples) for finding in check(dsn) if finding.found]


def ask_everything(
    db: Connection[Any], subtests: pytest.Subtests, selections: Sequence[Selection] = SELECTIONS
) -> None:
    """Every question, every view."""
    for (name, question, arguments), chosen in product(QUESTIONS, selections):
        if question is analytics.rising and chosen.since is None:
            continue  # rising songs need a first day
        with subtests.test(f"{name} of {str(chosen)[:80]}"):
            assert question(*arguments, selection=known_parts(question.__name__, chosen), dsn=db) is not None
    for question, chosen in product(ACTIVITY, selections):
        if chosen.location is None:  # page views have none
            with subtests.test(f"{question.__name__} of {str(chosen)[:80]}"):
                assert question(known_parts(question.__name__, chosen), dsn=db) is not None
    with subtests.test("retention by week"):
        assert analytics.retention(period="week", dsn=db)
    with subtests.test("status"):
        print_status(analytics.status(dsn=db))
        assert analytics.locations(dsn=db)
        print_report(analytics.report(dsn=db))
    for text in ("setanta", LONG[:9], "ã", "%", "\\", "a" * 100_000):
        with subtests.test(f"search {text[:20]}"):
            for found in analytics.search(text, dsn=db, limit=3):
                for chosen in selections[:3]:
                    analytics.history(found["track_id"], "week", chosen, dsn=db)
                    analytics.audience(found["track_id"], chosen, dsn=db)
                    analytics.fans(found["track_id"], chosen, dsn=db)
    views = db.execute(
        "SELECT relnamespace::regnamespace::text, relname FROM pg_class"
        " WHERE relkind = 'v' AND relnamespace::regnamespace::text IN ('analytics', 'etl')"
    ).fetchall()
    for view in views:
        with subtests.test(view[1]):
            assert (
                db.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*view))).fetchall()
                or "change" in view[1]
            )


@pytest.fixture(scope="module")
def db(module_dsn: str) -> Iterator[Connection[Any]]:
    with connect(module_dsn) as connection:
        yield connection


@pytest.fixture(scope="module")
def dsn(module_dsn: str) -> str:
    return module_dsn


@pytest.fixture(scope="module")
def loaded(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with every extreme, and the content of the warehouse after its loads.

    It loads them; then the same plays as other, late events; then the first files in reverse order.
    """
    root = tmp_path_factory.mktemp("extremes")
    write(root, "song_data/a.json", *songs())
    write(root, "log_data/a.json", *plays(0))
    books = etl.run(root, dsn=module_dsn).books
    assert (books.loaded, books.lines) == (len(plays(0)) + len(songs()),) * 2
    assert faults(module_dsn) == []
    write(root, "log_data/b.json", *plays(1000))
    write(root, "log_data/c.json", *views())
    assert etl.run(root, dsn=module_dsn).books.rejected == 0
    assert faults(module_dsn) == []
    write(root, "song_data/a.json", *reversed(songs()))
    write(root, "log_data/a.json", *reversed(plays(0)))
    assert etl.run(root, dsn=module_dsn).books.rejected == 0
    assert faults(module_dsn) == []
    with connect(module_dsn) as db:
        return root, checksums(db)


@pytest.fixture(scope="module")
def root(loaded: tuple[Path, dict[str, str]]) -> Path:
    return loaded[0]


def test_every_extreme_is_stored_as_it_came(root: Path, db: Connection[Any]) -> None:
    kept = {
        "title": "SELECT title FROM analytics.heard_songs",
        "artist": "SELECT artist FROM analytics.heard_songs",
        "level": "SELECT level FROM songplays", "location": "SELECT location FROM songplays",
        "user agent": "SELECT user_agent FROM songplays", "title of a song": "SELECT title FROM songs",
        "name of an artist": "SELECT name FROM artists",
    }  # fmt: skip
    for name, query in kept.items():
        assert {*TEXTS, LONG} - {""} <= {text for (text,) in db.execute(query)}, name  # type: ignore[call-overload]
    for query in ("SELECT length FROM analytics.heard_songs", "SELECT duration FROM songs"):
        assert {*LENGTHS} <= {length for (length,) in db.execute(query)}  # type: ignore[call-overload]
    assert one(db, "SELECT min(user_id), max(user_id) FROM users") == (-LARGEST - 1, LARGEST)
    assert one(db, "SELECT (extract(epoch FROM max(start_time)) * 1000)::bigint FROM time") == LAST


def test_every_question_is_answered(root: Path, db: Connection[Any], subtests: pytest.Subtests) -> None:
    ask_everything(db, subtests)


def test_every_page_is_drawn(
    root: Path, dsn: str, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    testing = pytest.importorskip("streamlit.testing.v1", reason="Streamlit is not installed")
    screens = importlib.import_module("sparkify.dashboard.screens")
    monkeypatch.setenv("SPARKIFY_DSN", dsn)
    script = (
        "import os\n"
        "from sparkify.dashboard import filters, source\n"
        "from sparkify.dashboard.screens import PAGES\n"
        "page, dsn = PAGES[{page!r}], os.environ['SPARKIFY_DSN']\n"
        "state = source.state(dsn)\n"
        "days = filters.days_with_events(state, dsn)\n"
        "kind = {{'with_page_views': page.with_page_views, 'of_all_days': page.of_all_days}}\n"
        "view = filters.choose(state, dsn, days, **kind)\n"
        "filters.say(view)\n"
        "with view.asking() as ask:\n"
        "    page.show(view, ask)\n"
    )
    for page in screens.PAGES:
        with subtests.test(page):
            drawn = testing.AppTest.from_string(script.format(page=page), default_timeout=60).run()
            assert [error.value for error in drawn.exception] == []
            assert max(map(len, drawn.sidebar.selectbox[0].options)) < 10_000


def test_a_level_named_all_is_told_from_all_levels(root: Path, db: Connection[Any]) -> None:
    rows = db.execute(
        "SELECT all_levels, plays FROM analytics.active_listeners"
        " WHERE period = 'day' AND start = '2018-11-01' AND level = 'all' ORDER BY all_levels"
    ).fetchall()
    assert [row[0] for row in rows] == [False, True]
    assert rows[0][1] == 2 < rows[1][1]


def test_retried_and_forgotten(
    loaded: tuple[Path, dict[str, str]], new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    """Rejects that are retried give the same content as one load; users with extreme ids can be forgotten."""
    root, expected = loaded
    retried = new_dsn()
    write(tmp_path, "log_data/a.json", *plays(0), *plays(1000))
    with connect(retried) as db:
        db.execute("UPDATE etl.warehouse SET before = '2001-01-01 00:00+00'")
        etl.run(tmp_path, dsn=retried)
        etl.run(song_data=root / "song_data", dsn=retried)
        db.execute("UPDATE etl.warehouse SET before = '2100-01-01 00:00+00'")
        done = retry(dsn=retried)
        assert (done.tried, done.remaining) == (done.passed.lines, {})
        write(tmp_path, "log_data/c.json", *views())  # before, some would be bare, and not rejects
        etl.run(log_data=tmp_path / "log_data", dsn=retried)
        assert faults(retried) == []
        assert checksums(db) == expected
    assert forget([0, LARGEST, -LARGEST - 1, 15], dsn=retried).users == 4
    assert faults(retried) == []


@pytest.mark.parametrize(
    ("earliest", "before"),
    [
        ("-infinity", "infinity"),
        ("1899-12-31 00:00+00", "2000-01-01 00:00+00"),
        ("2000-01-01 00:00+00", "2200-01-02 00:00+00"),
        ("2001-01-01 00:00+00", "2000-01-01 00:00+00"),
    ],
)
def test_the_range_of_event_times_has_ends(db: Connection[Any], earliest: str, before: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="range_within_1900_to_2199"):
        db.execute(
            "UPDATE etl.warehouse SET earliest = %s, before = %s",
            [earliest, before],
        )


def test_the_widest_range(
    dsn: str, new_dsn: Callable[[], str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    dsn = new_dsn()
    with connect(dsn) as db:
        db.execute(
            "UPDATE etl.warehouse SET earliest = '1900-01-01 00:00+00', before = '2200-01-01 00:00+00'"
        )
        ends = [-2208988800000, 7258118399999]
        write(tmp_path, "song_data/a.json", song(title="not heard"))
        write(tmp_path, "log_data/a.json", *map(play, ends), play(ends[0] - 1), play(ends[1] + 1))
        assert etl.run(tmp_path, dsn=dsn).books.rejected == 2
        pages = [
            play(ts, itemInSession=item, page=page, userId=who)
            for ts in ends for who in ("", "15") for item, page in ((8, "Thumbs Up"), (9, "Submit Upgrade"))
        ]  # fmt: skip
        write(tmp_path, "log_data/b.json", *(play(ts, itemInSession=7) for ts in ends), *pages)
        assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 4
        assert faults(dsn) == []
        ask_everything(db, subtests, [Selection(), Selection(date(1, 1, 1), date(9999, 12, 31))])


def _milliseconds(length: float) -> int:
    """What a play of this length counts, by the loader."""
    transform = PlayTransform((0, 1 << 42))
    line = json.dumps(play(length=length)).encode() + b"\n"
    (month,) = transform.transform([Slice(FILE, 1, line)], [1]).months
    transform.unknown_songs()
    transform.match([])
    transform.finish_batch()
    ((*_, milliseconds, _, _, _, _),) = copied.rows("user_days", transform.rows("user_days", month))
    return int(milliseconds)


def test_milliseconds_are_what_they_were(db: Connection[Any]) -> None:
    """The loader and PostgreSQL round alike, and as before for what is no longer than a day."""
    luck = random.Random(5)
    lengths = [*LENGTHS, *(luck.uniform(0, 1000) for _ in range(2000)), *(n / 2000 for n in range(1, 4000))]
    here = [_milliseconds(length) for length in lengths]
    there = one(
        db,
        "SELECT array_agg(analytics.milliseconds(x) ORDER BY n)"
        " FROM unnest(%s::float8[]) WITH ORDINALITY AS t (x, n)",
        lengths,
    )
    assert here == there
    assert there == [
        min(int(length * 1000 + 0.5), 86_400_000) if length < 1e9 else 86_400_000 for length in lengths
    ]


def test_a_name_that_is_no_name_is_not_repaired() -> None:
    assert repaired([{"name": "Ã©"}, {"name": "Ã©" * 1000}]) == [{"name": "é"}, {"name": "Ã©" * 1000}]


@examples(2, thorough=4)
@given(data=st.data())
def test_any_extremes_together(root: Path, dsn: str, data: st.DataObject) -> None:
    """Plays with several extremes, on new days and on days that exist, leave the warehouse sound."""
    texts = st.sampled_from(TEXTS[:18]) | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5
    )
    fields = {name: st.sampled_from(values) for name, values in NUMBERS.items()} | dict.fromkeys(
        PLAY_TEXTS, texts
    )
    changes = data.draw(st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=12))
    found = [play() | change for change in changes]
    write(root, "log_data/c.json", *(event | {"song": event["song"] or "a"} for event in found))
    assert etl.run(root, dsn=dsn).books.rejected == 0
    assert faults(dsn) == []
