"""Large log files are read in parts; wherever one is cut, tables, rejects and books are those of the whole
file."""

import gzip
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.extract import batches, files, lines, rejects
from sparkify.extract.batches import Batch, Part, cut, ranges, survey
from sparkify.extract.files import InputFile
from sparkify.extract.find import find_files
from sparkify.extract.plan import make_plan
from sparkify.operations.runs import drop
from sparkify.publish.ahead import MonthsAhead
from sparkify.report import Books, StagedBatch, Tally
from sparkify.stage.parts import PartClaim, claim_large_files, cut_files
from sparkify.stage.runs import begin_run
from sparkify.stage.stager import Stager
from tests.support.data import NOVEMBER, play, write
from tests.support.warehouse import CONTENT, check_books, checksums, one

DAY = 24 * 3600 * 1000
EVERYTHING = CONTENT | {
    "heard_plays": "SELECT start_time, songplay_id, heard_song_id, item_in_session, line"
    " FROM analytics.heard_plays",
    "rejects": "SELECT line, reason, detail, record, record_bytes FROM etl.rejected_records",
    "books": "SELECT kind, state, lines, blank, page_views, bare_pages,"
    " loaded, duplicates, rejected, forgotten"
    " FROM etl.files",
}


@pytest.fixture
def tiny_parts() -> Iterator[pytest.MonkeyPatch]:
    """Let files be cut, however small they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LEAST_PART_BYTES", 1)
        patch.setattr("sparkify.extract.plan.LEAST_PART_BYTES", 1)
        yield patch


def _parts(file: InputFile, part_bytes: int, workers: int = 1) -> list[Part]:
    surveys = [survey(each) for each in ranges(file, part_bytes, workers)]
    return [Part(*piece, 0, 0) for piece in cut(file, surveys)]


def _lines(pieces: Iterator[lines.Slice]) -> list[tuple[int, bytes]]:
    found = []
    for piece in pieces:
        texts = piece.data.split(b"\n")
        assert texts.pop() == b""
        rejects = {reject.line: reject.record for reject in piece.rejects}
        found += [(number, rejects.get(number, text)) for number, text in enumerate(texts, piece.first_line)]
    return found


@given(
    pieces=st.lists(
        st.sampled_from([b"\n", b"\r\n", b"a", b"\xef\xbb\xbf", b"\xff", b"bb" * 20]), max_size=40
    ),
    part_bytes=st.integers(1, 60),
    workers=st.integers(1, 5),
    read=st.integers(1, 30),
)
@example(pieces=[b"bb" * 20] * 3, part_bytes=7, workers=1, read=5)
def test_parts_have_the_lines_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], part_bytes: int, workers: int, read: int
) -> None:
    data = b"".join(pieces)
    path = tmp_path_factory.getbasetemp() / "parts.json"
    path.write_bytes(data)
    file = InputFile("log", str(path), len(data), 0, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LEAST_PART_BYTES", 1)
        patch.setattr(files, "READ_BYTES", read)
        patch.setattr(lines, "SMALL_BYTES", 1)
        patch.setattr(lines, "MAX_LINE_BYTES", 50)
        patch.setattr(rejects, "EVIDENCE_BYTES", 50)
        whole = _lines(lines.slices(file))
        parts = _parts(file, part_bytes, workers)
        assert [part.start for part in parts] == [0, *(part.start + part.size for part in parts[:-1])][
            : len(parts)
        ]
        assert sum(part.size for part in parts) == len(data)
        found = [line for part in parts for line in _lines(lines.slices(file, part))]
        for part in parts:
            assert part.lines in {None, sum(piece.lines for piece in lines.slices(file, part))}
        assert [part for part in parts[:-1] if part.lines is None] == []
    assert found == whole


def test_a_file_is_cut_for_all_workers_and_not_too_small(tmp_path: Path) -> None:
    file = InputFile("log", "a.json", 60 << 20, 0, None)
    assert len(ranges(file, 24 << 20, 2)) == 3  # and the rest of the file: two parts for each worker
    assert len(ranges(file, 24 << 20, 500)) == 6
    assert ranges(InputFile("log", "a.json", 9 << 20, 0, None), 8 << 20, 2) == []


NASTY = [
    json.dumps(play(NOVEMBER + at, itemInSession=at)).encode() for at in range(6)
] + [
    json.dumps(play(NOVEMBER + 2, itemInSession=2, level="free")).encode(),  # a variant of a play
    b'{"page": "Home"}',
    b"",
    b" \t",
    b"torn{",
    b"\xff\xfe",
    b"\xef\xbb\xbf" + json.dumps(play(NOVEMBER + 77)).encode(),
    json.dumps(play(NOVEMBER + 88) | {"userAgent": "x" * 3000}).encode(),
]  # fmt: skip


@pytest.mark.parametrize(
    ("end", "closed", "part_bytes", "workers"), [(b"\r\n", False, 700, 2), (b"\n", True, 150, 1)]
)
def test_any_cut_gives_the_same_tables_rejects_and_books(
    new_dsn: Callable[[], str],
    tiny_parts: pytest.MonkeyPatch,
    tmp_path: Path,
    end: bytes,
    closed: bool,  # noqa: FBT001
    part_bytes: int,
    workers: int,
) -> None:
    numbers = [*range(len(NASTY)), *random.Random(part_bytes).choices(range(len(NASTY)), k=20)]
    log = tmp_path / "log_data" / "a.json"
    log.parent.mkdir()
    log.write_bytes(end.join(NASTY[number] for number in numbers) + (end if closed else b""))
    whole, cut_up = new_dsn(), new_dsn()
    expected = etl.run(tmp_path, dsn=whole, workers=1, batch_bytes=1 << 30)
    report = etl.run(tmp_path, dsn=cut_up, workers=workers, batch_bytes=part_bytes)
    assert report.books == expected.books
    assert report.tally.reasons == expected.tally.reasons
    assert report.files_loaded == expected.files_loaded == 1
    with connect(whole) as one_way, connect(cut_up) as other_way:
        check_books(other_way)
        assert checksums(other_way, EVERYTHING) == checksums(one_way, EVERYTHING)
        assert one(other_way, "SELECT count(*) FROM etl.staged_parts") == 0
    assert etl.run(tmp_path, dsn=cut_up).files_new == 0


def _large(root: Path, *more: Any) -> Path:
    plays = [play(NOVEMBER + at, itemInSession=at) for at in range(40)]
    file = write(root, "log_data/a.json", *plays, "torn{", *plays[:3], *more)
    os.utime(file, (time.time() - 100,) * 2)
    return file


def test_a_compressed_file_is_not_cut(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing can be decompressed from its middle on."""
    file = _large(tmp_path)
    packed = b"".join(gzip.compress(line) for line in file.read_bytes().splitlines(keepends=True))
    assert packed.count(b"\n") > 1
    file.unlink()
    file.with_name("a.json.gz").write_bytes(packed)
    report = etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=len(packed) // 5)
    assert report.books == Books(lines=44, loaded=40, duplicates=3, rejected=1)
    assert report.tally.unreadable == {}
    assert one(db, "SELECT cuts FROM etl.known_files") is None


def _batches(db: Connection[Any], run_id: int, root: Path) -> list[Batch]:
    plan = make_plan(db, find_files(root / "log_data", "log"))
    claims = claim_large_files(db, run_id, time.time(), plan.large_logs(4000))
    parts = cut_files(claims, 4000, 1, lambda wanted: [survey(each) for each in wanted])
    return plan.batches("log", 4000, parts)


def test_a_run_dies_between_two_parts(
    db: Connection[Any], dsn: str, new_dsn: Callable[[], str], tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _large(tmp_path)
    with begin_run(dsn, db) as run_id:
        first, *others = _batches(db, run_id, tmp_path)
        assert len(others) == 4
        stager = Stager(dsn, run_id, time.time())
        for batch in (others[0], first):
            assert (stager.stage(batch).files, stager.stage(batch).books.lines) == (
                0,
                0,
            )  # it is staged already
        assert one(db, "SELECT version FROM etl.known_files") is None
        stager.close()
        assert etl.run(tmp_path, dsn=dsn).tally.left_to_others == 1
    report = etl.run(tmp_path, dsn=dsn, batch_bytes=3000)
    assert (report.files_loaded, report.books.loaded, report.books.duplicates, report.books.rejected) == (
        1,
        40,
        3,
        1,
    )
    undisturbed = new_dsn()
    etl.run(tmp_path, dsn=undisturbed)
    with connect(undisturbed) as other:
        check_books(db)
        assert checksums(db, EVERYTHING) == checksums(other, EVERYTHING)
    assert etl.run(tmp_path, dsn=dsn).files_new == 0


def test_a_part_cannot_be_read(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = _large(tmp_path)
    content, status = file.read_bytes(), file.stat()
    with begin_run(dsn, db) as run_id:
        first, second, *others = _batches(db, run_id, tmp_path)
        stager = Stager(dsn, run_id, time.time())
        stager.stage(first)
        file.unlink()
        assert stager.stage(second).unreadable == {str(file): "No such file or directory"}
        file.write_bytes(content)
        os.utime(file, ns=(status.st_mtime_ns,) * 2)
        assert [stager.stage(batch).files for batch in others] == [0, 0, 0]
        stager.close()
    assert etl.run(tmp_path, dsn=dsn, dry_run=True).files_new == 1
    report = etl.run(tmp_path, dsn=dsn, workers=2, batch_bytes=2000)
    assert (report.files_loaded, report.books.loaded, report.books.duplicates) == (1, 40, 3)
    assert one(db, "SELECT state FROM etl.files") == "loaded"
    check_books(db)


@pytest.mark.parametrize("more", [True, False])
def test_a_file_that_changes_after_it_was_cut(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path, *, more: bool
) -> None:
    """Its lines would get the numbers of others, so it is left for the next load."""
    log = tmp_path / "log_data" / "a.json"
    log.parent.mkdir()
    long, short = b"x" * 99 + b"\n", b"y\n"
    new = short * 1000 + long * 100

    def cut_and_change(*given: Any) -> Any:
        parts = cut_files(*given)
        log.write_bytes(new)
        return parts

    log.write_bytes(long * 120 if more else short * 1000 + long * 100 + b"z" * 1998 + b"\n")
    new = new if more else long * 120
    with tiny_parts.context() as patch:
        patch.setattr(etl, "cut_files", cut_and_change)
        report = etl.run(tmp_path, dsn=dsn, workers=2, batch_bytes=4000)
    assert report.tally.unreadable == {str(log): "changed while it was read"}
    assert etl.run(tmp_path, dsn=dsn).books.rejected == new.count(b"\n")
    check_books(db)
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == new.count(b"\n")


def test_a_file_that_cannot_be_surveyed_is_one_part(tmp_path: Path) -> None:
    file = InputFile("log", str(tmp_path / "gone.json"), 100 << 20, 0, None)
    assert _parts(file, 24 << 20) == [Part(0, 100 << 20, 1, None, 0, 0)]


def test_a_touched_file_that_was_read_in_parts_is_not_read_again(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = _large(tmp_path)
    etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=4000)
    assert len(one(db, "SELECT cuts FROM etl.known_files")) == 5
    os.utime(file, (time.time() - 50,) * 2)
    assert etl.run(tmp_path, dsn=dsn).files_new == 0
    data = file.read_bytes()
    file.write_bytes(data.replace(b"Chicago", b"Boston ", 1))
    os.utime(file, (time.time() - 40,) * 2)
    assert etl.run(tmp_path, dsn=dsn, batch_bytes=1 << 30).files_loaded == 1
    assert one(db, "SELECT cuts FROM etl.known_files") is None


def test_a_held_run_has_a_file_in_parts(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = _large(tmp_path)
    held = etl.run(tmp_path, dsn=dsn, batch_bytes=4000, max_rejects=0)
    assert held.status == "held"
    os.utime(file, (time.time() - 50,) * 2)
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).held_runs == held.held_runs  # the same bytes
    _large(tmp_path, play(NOVEMBER + 99))
    report = etl.run(tmp_path, dsn=dsn, batch_bytes=4000)
    assert (report.status, report.books.loaded, report.held_runs) == ("done", 41, [])
    check_books(db)


def test_the_books_of_parts_that_end_at_the_same_moment_are_added_up(db: Connection[Any], dsn: str) -> None:
    """ON CONFLICT alone does not do that: the manifest has two keys."""
    files, workers = 100, 4
    db.execute(
        "INSERT INTO etl.known_files (kind, path, run_id, first_run_id) SELECT 'log', n::text, 1, 1"
        " FROM generate_series(1, %s) n",
        [files],
    )
    together = threading.Barrier(workers)

    def end_parts(worker: int) -> None:
        with connect(dsn) as connection:
            for number in range(1, files + 1):
                file = InputFile("log", str(number), 10 * workers, 0, None)
                together.wait()
                with connection.transaction():
                    part = PartClaim(connection, 1, file, Part(10 * worker, 10, 1, None, number, number))
                    for _, claim in part.take([lines.Slice(file, 1, b"\n")]):
                        claim.books.add(Books(lines=1, blank=1))
                    part.keep(Tally())

    with ThreadPoolExecutor(workers) as pool:
        done = [pool.submit(end_parts, worker) for worker in range(workers)]
        try:
            wait(done, return_when=FIRST_EXCEPTION)
        finally:
            together.abort()  # if a thread failed, release the others from the barrier
        for each in done:
            each.result()
    assert db.execute("SELECT DISTINCT lines, blank, count(*) OVER () FROM etl.manifest").fetchall() == [
        (workers, workers, files)
    ]


@pytest.mark.parametrize("read_before", [False, True])
def test_a_play_that_comes_again_when_its_month_is_published_already(
    db: Connection[Any],
    dsn: str,
    tiny_parts: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    read_before: bool,
) -> None:
    """A repeated line is a duplicate; no play is lost or added if the file was read before with other line
    numbers."""
    november = [play(NOVEMBER + at, itemInSession=at) for at in range(8)]
    december = [play(NOVEMBER + 31 * DAY + at, itemInSession=at) for at in range(40)]
    if read_before:
        write(tmp_path, "log_data/a.json", *december[:2], *november[:4])
        etl.run(tmp_path, dsn=dsn)
    file = write(tmp_path, "log_data/a.json", *november, *december, *november[2:5])
    os.utime(file, (time.time() - 100,) * 2)
    ahead: list[bool] = []

    def staged(self: MonthsAhead, batch: StagedBatch) -> None:
        count_ahead(self, batch)
        for month in self._published.values():
            month.result()
        ahead.append(one(db, "SELECT count(*) = 8 FROM songplays WHERE start_time < '2018-12-01 00:00+00'"))

    count_ahead = MonthsAhead.staged
    tiny_parts.setattr(MonthsAhead, "staged", staged)
    report = etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=4000)
    assert any(ahead) is not read_before
    assert (report.books.loaded, report.books.duplicates) == (48, 3)
    check_books(db)
    lines = "SELECT array_agg(line ORDER BY start_time) FROM analytics.heard_plays"
    assert one(db, lines) == [*range(1, 49)]


def test_a_drop_leaves_nothing_of_a_file_that_was_read_in_part(
    db: Connection[Any], dsn: str, tiny_parts: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its first part has rejects only, so no month has anything of it."""
    write(tmp_path, "log_data/a.json", *["torn{" * 20] * 100)
    with begin_run(dsn, db) as run_id:
        first, *_ = _batches(db, run_id, tmp_path)
        with closing(Stager(dsn, run_id, time.time())) as stager:
            stager.stage(first)
    assert drop(run_id, dsn=dsn) == 1
    assert one(db, "SELECT count(*) FROM etl.manifest") == 0
    assert one(db, "SELECT state FROM etl.runs") == "dropped"
    assert etl.run(tmp_path, dsn=dsn).books.rejected == 100
