"""A version of a file is claimed once, whether nobody has claimed the file before or somebody just has."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.core._core import copy_columns
from sparkify.database.connection import connect
from sparkify.extract.files import InputFile
from sparkify.extract.find import find_files
from sparkify.stage.claims import claim_files
from tests.support.copied import END, HEADER, field
from tests.support.data import play, song, write
from tests.support.warehouse import LOCK_WAITS, check_books, one, wait_until


def _files(*numbers: int, version: int = 1, is_known: bool = False) -> list[InputFile]:
    return [InputFile("song", f"/{n:03}", n, version, None, is_known=is_known) for n in numbers]


def _claim(db: Connection[Any], run_id: int, files: Sequence[InputFile]) -> list[int | None]:
    """Claim files; returns their file_ids."""
    claims = claim_files(db, run_id, 0.0, files, [b"digest"] * len(files))
    return [claim and claim.file_id for claim in claims]


def _known(db: Connection[Any]) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT file_id, path, version, size, mtime_ns, digest, run_id, first_run_id,"
        " extract(epoch FROM seen_at) FROM etl.known_files ORDER BY path"
    ).fetchall()


@pytest.fixture
def runs(db: Connection[Any]) -> None:
    db.execute("INSERT INTO etl.runs (state) VALUES ('open'), ('open')")


@pytest.mark.usefixtures("runs")
def test_both_ways_to_claim_store_the_same(db: Connection[Any]) -> None:
    for is_known in (False, True):
        first = _claim(db, 1, _files(1, 2, is_known=is_known))
        assert _known(db) == [
            (first[0], "/001", "1-1", 1, 1, b"digest", 1, 1, 0),
            (first[1], "/002", "2-1", 2, 1, b"digest", 1, 1, 0),
        ]
        db.execute("DELETE FROM etl.known_files")


@pytest.mark.usefixtures("runs")
def test_a_file_that_the_plan_did_not_know(db: Connection[Any]) -> None:
    """All files of the chunk are claimed the careful way then, and this run gets the others."""
    (theirs,) = _claim(db, 1, _files(2))
    first, none, last = _claim(db, 2, _files(1, 2, 3))
    assert none is None
    assert [(file_id, path, run_id) for file_id, path, *_, run_id, _, _ in _known(db)] == [
        (first, "/001", 2),
        (theirs, "/002", 1),
        (last, "/003", 2),
    ]
    assert _claim(db, 2, _files(1, 2, 3)) == [None, None, None]
    assert _claim(db, 2, _files(1, 2, 3, version=2)) == [first, None, last]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("outcome", ["COMMIT", "ROLLBACK"])
def test_two_runs_that_claim_the_same_new_files_at_once(db: Connection[Any], dsn: str, outcome: str) -> None:
    """The second waits for the first, and gets the files only if the first one gives up."""
    db.execute("BEGIN")
    first = _claim(db, 1, _files(1, 2))
    with connect(dsn) as other, connect(dsn) as watcher:
        second: list[int | None] = []
        waiting = threading.Thread(target=lambda: second.extend(_claim(other, 2, _files(1, 2, 3))))
        waiting.start()
        wait_until(lambda: one(watcher, f"{LOCK_WAITS} AND query LIKE 'COPY%'") == 1)
        db.execute(outcome)
        waiting.join()
    got = [run_id for *_, run_id, _, _ in _known(db)]
    assert got == ([1, 1, 2] if outcome == "COMMIT" else [2, 2, 2])
    assert second[:2] == [None, None] if outcome == "COMMIT" else not set(second) & set(first)


def test_long_paths_are_different_files(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    """The index holds only a digest of a path of more than 1000 bytes."""
    folder = tmp_path
    for _ in range(6):
        folder /= "ü" * 120
    write(folder, "a.json", play())
    write(folder, "b.json", play(sessionId=2))
    report = etl.run(log_data=tmp_path, dsn=dsn)
    assert (report.files_loaded, report.books.loaded) == (2, 2)
    os.utime(folder / "b.json", (1e9, 1e9))
    for _ in range(2):
        assert etl.run(log_data=tmp_path, dsn=dsn).files_new == 0
    check_books(db)


def test_files_are_claimed_in_the_order_in_which_they_are_found(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    """So two runs do not block each other. A name that is not UTF-8 is stored escaped."""
    names = [b"\x80.json", b"a.json", b"\xc3\xa9.json", b"\xf0\x9f\x8e\xb5.json", b"\xef\xbf\xbd.json"]
    for at, name in enumerate(names):
        write(tmp_path, os.fsdecode(name), song(f"S{at}"))
    found = [file.name for file in find_files(tmp_path, "song")]
    assert etl.run(song_data=tmp_path, dsn=dsn).files_loaded == len(names)
    by_id = db.execute("SELECT path FROM etl.known_files ORDER BY file_id").fetchall()
    by_path = db.execute('SELECT path FROM etl.known_files ORDER BY path COLLATE "C"').fetchall()
    assert [(name,) for name in found] == by_id == by_path


# --- columns as COPY ----------------------------------------------------------------------------------------

INT4, INT8 = (st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (32, 64))
TYPES = {
    "int4": (INT4, lambda value: value.to_bytes(4, "big", signed=True)),
    "int8": (INT8, lambda value: value.to_bytes(8, "big", signed=True)),
    "text": (st.text(st.characters(exclude_categories=["Cs"])), str.encode),
    "bytea": (st.binary(), bytes),
}


@given(st.data(), st.lists(st.sampled_from(sorted(TYPES)), max_size=15), st.integers(0, 5))
def test_any_columns_become_rows(data: st.DataObject, types: list[str], rows: int) -> None:
    values = {type_: st.none() | TYPES[type_][0] for type_ in TYPES}
    columns = [("int8", list(range(rows)))]
    for type_ in types:
        column = st.lists(values[type_], min_size=rows, max_size=rows) | values[type_]
        columns.append((type_, data.draw(column)))
    expected = [HEADER]
    for row in range(rows):
        expected.append(len(columns).to_bytes(2, "big"))
        for type_, column in columns:
            value = column[row] if isinstance(column, list) else column
            expected.append(b"\xff" * 4 if value is None else field(TYPES[type_][1](value)))
    assert copy_columns(tuple(columns)) == b"".join([*expected, END])


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ([], ValueError),
        ([("int4", 1)], ValueError),
        ([("int4", [1]), ("int4", [1, 2])], ValueError),
        ([("float8", [1.0])], ValueError),
        ([("int4", [2**31])], ValueError),
        ([("int8", [2**63])], OverflowError),
        ([("int8", ["1"])], TypeError),
        ([("text", [b"a"])], TypeError),
        ([("text", ["\udcff"])], UnicodeEncodeError),
        ([("bytea", ["a"])], TypeError),
        ([("int4", [1])] * 17, ValueError),
        ([("int4",)], TypeError),
    ],
)
def test_what_no_column_can_hold(columns: list[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        copy_columns(tuple(columns))
