"""The known answers of the real sample, asked of PostgreSQL."""

import bz2
import lzma
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.database.connection import connect
from sparkify.report import Report
from tests.support.warehouse import checksums, one


@pytest.fixture(scope="module")
def sample(real_sample: Path, module_dsn: str) -> Iterator[tuple[Connection[Any], Report]]:
    report = etl.run(real_sample, dsn=module_dsn)
    with connect(module_dsn) as connection:
        yield connection, report


@pytest.fixture
def db(sample: tuple[Connection[Any], Report]) -> Connection[Any]:
    return sample[0]


def test_the_report(sample: tuple[Connection[Any], Report]) -> None:
    report = sample[1].as_dict()
    assert report["status"] == "done"
    assert report["files"] == {
        "found": 101, "new": 101, "loaded": 101, "unreadable": {}, "left_to_others": 0, "other": {},
    }  # fmt: skip
    assert report["rows"] == {"songplays": 6820, "users": 96, "songs": 71, "artists": 69, "time": 6813}
    assert report["matched"] == 1
    lines = report["lines"]
    assert (lines["page_views"], lines["bare_pages"], lines["duplicates"], lines["rejected"]) == (
        1236,
        0,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("table", "rows"), [("songplays", 6820), ("users", 96), ("songs", 71), ("artists", 69), ("time", 6813)]
)
def test_rows(db: Connection[Any], table: str, rows: int) -> None:
    assert one(db, f"SELECT count(*) FROM {table}") == rows
    assert one(db, "SELECT row_count FROM etl.row_counts WHERE table_name = %s", table) == rows


@pytest.mark.parametrize(
    ("fact", "query", "answer"),
    [
        (
            "lines of logs that are not blank",
            "SELECT sum(lines - blank), sum(loaded) FROM etl.files WHERE kind = 'log'",
            [(8056, 6820)],
        ),
        (
            "the one play that the catalogue has",
            "SELECT start_time::text, user_id, level, session_id, song_id, artist_id, title, name"
            " FROM songplays JOIN songs USING (song_id, artist_id) JOIN artists USING (artist_id)",
            [
                (
                    "2018-11-21 21:56:47.796+00", 15, "paid", 818, "SOZCTXZ12AB0182364", "AR5KOSW1187FB35FF4",
                    "Setanta matins", "Elena",
                )
            ],
        ),
        ("matched plays", "SELECT count(song_id), count(artist_id) FROM songplays", [(1, 1)]),
        ("songs heard", "SELECT count(*) FROM analytics.heard_songs", [(5324,)]),
        ("paid and free", "SELECT level, count(*) FROM songplays GROUP BY 1 ORDER BY 1",
            [("free", 1229), ("paid", 5591)]),
        (
            "by women and men",
            "SELECT gender, count(*) FROM songplays JOIN users USING (user_id) GROUP BY 1 ORDER BY 1",
            [("F", 4887), ("M", 1933)],
        ),
        ("final levels", "SELECT level, count(*) FROM users GROUP BY 1 ORDER BY 1",
            [("free", 74), ("paid", 22)]),
        (
            "users who change level",
            "SELECT count(*) FROM (SELECT FROM analytics.user_levels GROUP BY user_id HAVING count(*) > 1) u",
            [(8,)],
        ),
        (
            "levels of user 15",
            "SELECT array_agg(level ORDER BY valid_from) FROM analytics.user_levels WHERE user_id = 15",
            [(["paid", "free", "paid"],)],
        ),
        (
            "by ISO week",
            "SELECT week, count(*) FROM songplays JOIN time USING (start_time) GROUP BY 1 ORDER BY 1",
            [(44, 410), (45, 1257), (46, 1958), (47, 1711), (48, 1484)],
        ),
        (
            "by weekday, 0 is Monday",
            "SELECT weekday, count(*) FROM songplays JOIN time USING (start_time) GROUP BY 1 ORDER BY 1",
            list(enumerate([1014, 1071, 1364, 1052, 1295, 628, 396])),
        ),
        (
            "unknown in the catalogue",
            "SELECT count(*) FILTER (WHERE year IS NULL), count(*) FILTER (WHERE latitude IS NULL),"
            " count(*) FILTER (WHERE location IS NULL) FROM songs JOIN artists USING (artist_id)",
            [(43, 40, 28)],
        ),
    ],
)  # fmt: skip
def test_facts(db: Connection[Any], fact: str, query: str, answer: list[Any]) -> None:
    assert db.execute(query).fetchall() == answer, fact


def test_top_songs_is_complete(db: Connection[Any], module_dsn: str) -> None:
    rows = analytics.top("songs", dsn=module_dsn, limit=100_000)
    assert sum(row["plays"] for row in rows) == 6820
    assert rows[0] == {
        "title": "You're The One", "artist": "Dwight Yoakam", "plays": 37, "listeners": rows[0]["listeners"],
        "song_id": None, "track_id": rows[0]["track_id"],
    }  # fmt: skip
    assert [row["title"] for row in rows if row["song_id"]] == ["Setanta matins"]


def test_oddities_are_kept(db: Connection[Any]) -> None:
    assert one(db, "SELECT count(*) > 0 FROM songplays WHERE user_agent LIKE '\"%\"'")
    assert one(db, "SELECT count(*) > 0 FROM analytics.heard_songs WHERE artist LIKE '%\u00c3\u0083\u00c2%'")


def test_copies_of_other_endings(
    db: Connection[Any], real_sample: Path, new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    packs: list[tuple[str, Callable[[bytes], bytes]]] = [
        (".jsonl", bytes), (".NDJSON", bytes), (".json.bz2", bz2.compress), (".jsonl.xz", lzma.compress),
    ]  # fmt: skip
    for path, (ending, pack) in zip(real_sample.rglob("[!.]*.json"), cycle(packs), strict=False):
        copy = tmp_path / path.relative_to(real_sample).with_suffix(ending)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(pack(path.read_bytes()))
    report = etl.run(tmp_path, dsn=(dsn := new_dsn()))
    assert (report.files_loaded, report.other_files) == (101, {})
    with connect(dsn) as other:
        assert checksums(other) == checksums(db)
