"""Short attacks, fuzzing and bombs with fixed seeds (the long forms: ``make torture``, ``make fuzz``)."""

import gzip
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkify import etl
from sparkify.extract.files import InputFile
from sparkify.extract.lines import MOST_LINES, chunks
from sparkify.extract.rejects import Reject
from sparkify.transform.judge import judge_event
from tests.support.data import play, write
from tests.support.examples import examples
from torture.__main__ import KINDS, attack
from torture.arena import Ground
from torture.bombs import BOMBS, explode
from torture.fuzz import CHUNK_LINES, Findings, fuzz_lines
from torture.mill import Mill, seeds

SHORT = ["client killed", "connection dropped", "several at once", "files replaced"]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    ground = Ground(worlds=1)
    yield ground
    ground.close(keep=False)


@pytest.mark.parametrize("kind", SHORT)
def test_a_fault(ground: Ground, kind: str) -> None:
    assert set(SHORT) <= set(KINDS)
    result = attack(ground, kind, 20181101)
    assert result["result"] == "survived", result


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    return seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("kind", ["log", "song"])
def test_damaged_lines(lines: dict[str, list[bytes]], tmp_path: Path, kind: str) -> None:
    findings = Findings(tmp_path)
    fuzz_lines(kind, lines[kind], CHUNK_LINES, 5, findings)
    assert findings.count == 0


def test_the_mill_damages_and_repeats_itself(lines: dict[str, list[bytes]]) -> None:
    first, second = (Mill(lines["log"], 3).lines(500) for _ in range(2))
    assert first == second
    verdicts = [judge_event(line, (946_684_800_000, 4_102_444_800_000)) for line in first]
    reasons = {verdict.reason for verdict in verdicts if isinstance(verdict, Reject)}
    assert {"invalid_json", "invalid_utf8", "wrong_type", "out_of_range", "duplicate_key"} <= reasons
    assert sum(isinstance(verdict, Reject) for verdict in verdicts) < 450


@examples(4, thorough=12)
@given(lines=st.lists(st.binary(max_size=30), max_size=6), kept=st.none() | st.integers(0, 60))
def test_any_bytes_as_a_file(
    dsn: str, tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], kept: int | None
) -> None:
    """Any bytes, plain, compressed or torn, are accounted for line by line, and the file beside them
    loads."""
    folder = tmp_path_factory.mktemp("bytes")
    data = b"\n".join(lines)
    data, suffix = (data, "") if kept is None else (gzip.compress(data)[:kept], ".gz")
    write(folder, "log_data/good.json", play())
    for kind in ("log", "song"):
        (folder / f"{kind}_data").mkdir(exist_ok=True)
        (folder / f"{kind}_data" / f"any.json{suffix}").write_bytes(data)
    report = etl.run(folder, dsn=dsn)
    assert report.books.balance()
    assert report.rows["songplays"] == 1
    assert (report.files_loaded, report.tally.unreadable) == (3, {})


def test_small_bombs(dsn: str, tmp_path: Path) -> None:
    """Every bomb, at a thousandth of its size, is set aside, and the plays beside it load."""
    rejects = 0
    for number, bomb in enumerate(BOMBS.values()):
        folder = tmp_path / str(number)
        (folder / "log_data").mkdir(parents=True)
        bomb.make(folder, size := bomb.size // 1000)
        rejects += size if bomb.rejects is None else bomb.rejects
    report = etl.run(log_data=tmp_path, dsn=dsn)
    assert (report.rows["songplays"], report.books.rejected) == (1, rejects)
    assert report.books.balance()


def test_a_bomb(dsn: str, tmp_path: Path) -> None:
    """Explode a bomb as ``make torture`` does, and measure the memory of the program."""
    result = explode("60 MB of empty arrays", tmp_path / "bomb", dsn, scale=0.2)
    assert result["rejected"] == {"invalid_json": 1}
    assert result["MB"] < 500


def test_a_chunk_has_a_bounded_number_of_lines(tmp_path: Path) -> None:
    """A short line costs a hundred times its bytes once it is transformed, so chunks limit lines, too."""
    path = tmp_path / "short.json"
    count = 2 * MOST_LINES + 17
    path.write_bytes(b"x\n" * count)
    found = list(chunks([InputFile("log", str(path), 2 * count, 0, None)]))
    assert max(sum(piece.lines for piece in chunk) for chunk in found) <= MOST_LINES + 1
    pieces = [piece for chunk in found for piece in chunk]
    assert [piece.first_line for piece in pieces] == [
        *accumulate((piece.lines for piece in pieces), initial=1)
    ][:-1]
    assert sum(piece.lines for piece in pieces) == count
    assert [piece.ends_file for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].digest


@pytest.mark.parametrize("part", [b"[],", b'"",', b'{"a":1},', b"1,"])
def test_a_line_of_too_many_parts_is_no_json(part: bytes) -> None:
    """Few bytes can become many Python objects."""
    few, many = (b'{"page":[' + part * count + b"1]}" for count in (1000, 1_000_001))
    assert judge_event(few, (0, 1)) == Reject("wrong_type", "page is an array where text belongs")
    assert judge_event(many, (0, 1)) == Reject(
        "invalid_json", "more than 1,000,000 strings, commas and brackets"
    )
    text = b'{"page": "' + b"," * 1_000_001 + b'"}'  # what is inside a string does not count
    assert judge_event(text, (0, 1)) == "bare page"
