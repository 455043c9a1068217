"""Any bytes as input: ``python -m torture.fuzz [--lines 1000000] [--seed S] [--rounds N]``, or ``make fuzz``.

Lines that look real are damaged in every way and go through the transform in chunks. Its verdicts and values
are compared with those of the judge, who sees each line alone. Then whole files of damaged lines, random
bytes and torn streams go through the real loader, and its books are compared with the judge's verdicts. A
finding is written to a folder.
"""

import argparse
import gzip
import hashlib
import os
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import zstandard

from sparkify.database.connection import connect
from sparkify.extract.json_records import BEGINNING_BYTES, spans_lines
from sparkify.extract.rejects import Reject
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import BARE_PAGE, BLANK, PageView, Play, judge_event
from sparkify.transform.plays import PlayTransform
from tests.support.differential import TS_RANGE, check, check_songs
from torture.mill import Mill, seeds

CHUNK_LINES: Final = 3000


class Findings:
    """Keeps each line that went wrong, as a file for the corpus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def add(self, kind: str, lines: list[bytes], error: BaseException) -> None:
        """Keep the lines of a finding."""
        self.count += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        data = b"".join(line + b"\n" for line in lines)
        path = self.folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}.json"
        path.write_bytes(data)
        _say(f"FOUND: {kind}, {len(lines)} lines in {path}: {type(error).__name__} {str(error)[:500]}")


def narrowed(lines: list[bytes], fails: Callable[[list[bytes]], bool]) -> list[bytes]:
    """As few of the lines as still fail."""
    size = len(lines) // 2
    while size:
        at = 0
        while at < len(lines):
            fewer = lines[:at] + lines[at + size :]
            if fewer and fails(fewer):
                lines = fewer
            else:
                at += size
        size //= 2
    return lines


def fuzz_lines(kind: str, lines: list[bytes], count: int, seed: int, findings: Findings) -> None:
    """Compare the transform with the judge, chunk by chunk."""
    mill = Mill(lines, seed)
    hold: Callable[..., object]
    if kind == "log":
        plays = PlayTransform(TS_RANGE)
        hold = lambda *files: check(plays, *files)  # noqa: E731
    else:
        songs = CatalogueTransform()
        hold = lambda *files: check_songs(songs, *files)  # noqa: E731

    def fails(some: list[bytes]) -> bool:
        try:
            hold(some)
        except Exception:  # noqa: BLE001  a fault of our own is not to end the campaign
            return True
        return False

    since, done = time.monotonic(), 0
    while done < count:
        chunk = mill.lines(CHUNK_LINES)
        cut = mill.luck.randint(0, CHUNK_LINES)
        try:
            hold(chunk[:cut], chunk[cut:])
        except Exception as error:  # noqa: BLE001
            findings.add(kind, narrowed(chunk, fails) if fails(chunk) else chunk, error)
        done += len(chunk)
        if done % (CHUNK_LINES * 100) == 0:
            _say(f"{kind}: {done:,} lines, {done / (time.monotonic() - since):,.0f} a second")
    _say(f"{kind}: {done:,} lines in {time.monotonic() - since:.0f} s")


# --- through the real loader --------------------------------------------------------------------------------


def _stream(luck: random.Random, data: bytes) -> tuple[str, bytes]:
    """Make a file of the data: its suffix and its bytes, perhaps torn or damaged."""
    suffix, pack = luck.choice(
        [("", bytes), ("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)]
    )
    packed = bytearray(pack(data))
    match luck.choice(["whole", "whole", "torn", "damaged", "more"]):
        case "torn":
            del packed[luck.randint(0, len(packed)) :]
        case "damaged" if packed:
            packed[luck.randrange(len(packed))] ^= 1 << luck.randrange(8)
        case "more":
            packed += luck.randbytes(luck.randint(0, 30))
    return suffix, bytes(packed)


def write_files(folder: Path, mills: dict[str, Mill], count: int) -> None:
    """Write song and log files of damaged lines and of random bytes; compress, tear and damage some."""
    for number in range(count):
        kind = ("log", "song")[number % 2]
        mill = mills[kind]
        luck = mill.luck
        match luck.choice(["lines", "lines", "lines", "bytes", "blank", "nothing", "one"]):
            case "lines":
                data = b"\n".join(mill.lines(luck.randint(1, 150))) + luck.choice([b"", b"\n", b"\r\n"])
            case "bytes":
                data = luck.randbytes(luck.randint(1, 5000))
            case "blank":
                data = b"\n" * luck.randint(1, 100)
            case "nothing":
                data = b""
            case _:
                data = mill.line().replace(b",", b",\n")
        suffix, packed = _stream(luck, data)
        path = folder / f"{kind}_data" / f"{number:04}.json{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed)


def expected_of(path: Path) -> tuple[Counter[Any], set[tuple[int, ...]]] | None:
    """What the judge says of a log file: lines of each sort, and plays.

    None if its stream is damaged, or if its lines are not its records (tests/test_shapes.py has those).
    """
    data = path.read_bytes()
    try:
        if path.suffix == ".gz":
            text = b""
            while data:
                stream = zlib.decompressobj(wbits=31)
                text += stream.decompress(data)
                if not stream.eof:
                    return None
                data = stream.unused_data
            data = text
        elif path.suffix == ".zst":
            return None
    except zlib.error:
        return None
    if spans_lines(data[:BEGINNING_BYTES]):
        return None
    lines = data.split(b"\n")
    verdicts = [judge_event(line, TS_RANGE) for line in (lines if lines[-1] else lines[:-1])]
    counts: Counter[Any] = Counter()
    for verdict in verdicts:
        if isinstance(verdict, Reject):
            counts[verdict.reason] += 1
        else:
            counts[verdict if isinstance(verdict, str) else type(verdict)] += 1
    return counts, {verdict[:4] for verdict in verdicts if isinstance(verdict, Play)}


def check_loaded(dsn: str, folder: Path) -> None:
    """Compare the books of the loaded files with the judge's verdicts.

    Raises:
        AssertionError: they differ.
    """
    from tests.support.warehouse import check_books  # noqa: PLC0415

    with connect(dsn) as connection:
        check_books(connection)
        books = {
            path: rest
            for path, *rest in connection.execute(
                "SELECT path, lines, blank, page_views, bare_pages,"
                " loaded + duplicates, rejected, state FROM etl.files"
            )
        }
        reasons: dict[str, Counter[str]] = {}
        for path, reason, count in connection.execute(
            "SELECT path, reason, count(*) FROM etl.rejected_records JOIN etl.files USING (file_id) GROUP BY"
            " 1, 2"
        ):
            reasons.setdefault(path, Counter())[reason] = count
    for path in (folder / "log_data").iterdir():
        lines, blank, views, bare, plays, rejected, state = books[str(path)]
        assert state == "loaded", path
        assert lines == blank + views + bare + plays + rejected, path
        expected = expected_of(path)
        if expected:
            counts, _ = expected
            of_lines = Counter({Play: plays, PageView: views, BLANK: blank, BARE_PAGE: bare})
            found = of_lines + reasons.get(str(path), Counter())
            assert +found == +counts, f"{path}: {found} instead of {counts}"


def fuzz_files(mills: dict[str, Mill], rounds: int, findings: Findings) -> None:
    """Compare the real loader with the judge, in several rounds into one warehouse."""
    from sparkify import etl  # noqa: PLC0415
    from torture.arena import Arena  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="sparkify-fuzz-") as root:
        Path(root).chmod(0o755)
        arena = Arena(Path(root))
        try:
            dsn = arena.database()
            for number in range(rounds):
                folder = Path(root, f"files{number}")
                write_files(folder, mills, 60)
                try:
                    etl.run(folder, dsn=dsn, batch_bytes=100_000)
                    check_loaded(dsn, folder)
                except Exception as error:  # noqa: BLE001
                    findings.add("files", [], error)
                    kept = findings.folder / folder.name
                    folder.rename(kept)
                    _say(f"its files: {kept}")
                    dsn = arena.database()
            with connect(dsn) as connection:
                row = connection.execute(
                    "SELECT count(*), sum(lines), sum(rejected) FROM etl.files"
                ).fetchone()
            _say(f"files, lines, rejects through the loader: {row}")
        finally:
            arena.stop()


def fuzz_share(kind: str, lines: list[bytes], count: int, seed: int, folder: Path) -> int:
    """Fuzz one process's share of the lines; return how many findings there are."""
    findings = Findings(folder)
    fuzz_lines(kind, lines, count, seed, findings)
    return findings.count


def main() -> int:
    """Fuzz as the arguments say; return 1 if something was found."""
    options = _parser().parse_args()
    findings = Findings(options.findings)
    with tempfile.TemporaryDirectory() as folder:
        lines = seeds(Path(folder) / "world")
    _say(
        f"seed {options.seed}; {len(lines['log']):,} log lines and {len(lines['song']):,} song lines to"
        " begin with"
    )
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes) as pool:
        shares = [
            pool.submit(
                fuzz_share,
                kind,
                lines[kind],
                options.lines * fifths // 5 // processes,
                options.seed + 1000 * number,
                options.findings,
            )
            for kind, fifths in (("log", 4), ("song", 1))
            for number in range(processes)
        ]
        findings.count += sum(share.result() for share in shares)
    fuzz_files({kind: Mill(lines[kind], options.seed) for kind in lines}, options.rounds, findings)
    _say(f"{findings.count} findings")
    return int(findings.count > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torture.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--lines", type=int, default=1_000_000, metavar="N", help="how many lines (default: 1000000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=30, metavar="N", help="loads of 60 files each (default: 30)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed; another one gives other lines (default: 1)"
    )
    parser.add_argument(
        "--findings",
        type=Path,
        default=Path(".findings"),
        metavar="DIR",
        help="folder for what is found (default: .findings)",
    )
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
