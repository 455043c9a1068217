"""Any bytes as input: ``python -m torture.fuzz [--lines 1000000] [--seed S] [--rounds N]``, or ``make fuzz``.

Lines that look real are damaged in every way and go through the transform in chunks. Its verdicts and values
are compared with those of the judge, who sees each line alone. Then whole files of damaged lines, random
bytes and torn streams go through the real loader, and its books are compared with the judge's verdicts. A
finding is written to a folder.
"""

import argparse
import gzip
import hashlib
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import zstandard

from sparkify.database.connection import connect
from sparkify.extract.rejects import Reject
from sparkify.simulate import simulate
from sparkify.transform.catalogue import CatalogueTransform
from sparkify.transform.judge import BLANK, OTHER_PAGE, Play, judge_event
from sparkify.transform.plays import PlayTransform
from tests.support.differential import TS_RANGE, check, check_songs

CHUNK_LINES: Final = 3000
CORPUS: Final = Path(__file__).resolve().parents[1] / "tests" / "corpus"

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+')
_NUMBERS: Final = [
    b"0", b"-0", b"-0.0", b"1e2", b"0.1e1", b"1E400", b"1e-400", b"01", b"-", b"+1", b"1.", b".5", b"NaN",
    b"Infinity",
    b"-Infinity", b"0x10", b"1_0", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"1.9",
    b"818.0", b"1541105830796.5", b"99999999999999999999", b"123456789012345678", b"5e-324", b"1e999999999",
    b"4102444800000", b"4102444799999", b"946684799999",
    b"0.1000000000000000055511151231257827021181583404541015625",
]  # fmt: skip
_PIECES: Final = [
    rb"\u0000", rb"\ud800", rb"\udc00\ud800", rb"\ud83d\ude00", rb"\u00e9", rb"\n", rb"\/", rb"\x", rb"\u12",
    b"\\", b'"', b"\x00",
    b"\x1f", b"\x7f", b"\x85", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xef\xbb\xbf",
    b"\xe2\x80\xa8", b"\r",
    b"\t", b"\x0b", b"\x0c", b" ", b"\xc2\xa0", b",", b":", b"{", b"}", b"[", b"]", b"null", b"true", b'""',
    b"//", b"/**/", b"'",
]  # fmt: skip


class Mill:
    """Damages lines. The same seed gives the same lines."""

    def __init__(self, lines: list[bytes], seed: int) -> None:
        self.luck = random.Random(seed)  # noqa: S311
        self._lines = lines
        self._ways: list[Callable[[bytes], bytes]] = [
            self._flip, self._cut, self._repeat, self._splice, self._swap, self._number, self._piece,
            self._nest, self._member,
            self._encode, self._space, self._torn, self._long,
        ]  # fmt: skip

    def line(self) -> bytes:
        """One line: unchanged, or damaged once or several times."""
        line = self.luck.choice(self._lines)
        for _ in range(self.luck.choice([0, 1, 1, 1, 1, 2, 3])):
            line = self.luck.choice(self._ways)(line)
        return line.replace(b"\n", b" ")

    def lines(self, count: int) -> list[bytes]:
        """That many lines."""
        return [self.line() for _ in range(count)]

    def _at(self, line: bytes) -> int:
        return self.luck.randint(0, len(line))

    def _flip(self, line: bytes) -> bytes:
        if not line:
            return line
        at = self.luck.randrange(len(line))
        return line[:at] + bytes([line[at] ^ (1 << self.luck.randrange(8))]) + line[at + 1 :]

    def _cut(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[:at] + line[at + self.luck.choice([1, 1, 1, 2, 5, 40]) :]

    def _repeat(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[: at + self.luck.choice([1, 1, 3, 30])] + line[at:]

    def _splice(self, line: bytes) -> bytes:
        other = self.luck.choice(self._lines)
        return line[: self._at(line)] + other[self._at(other) :]

    def _swap(self, line: bytes) -> bytes:
        tokens = [match.span() for match in _TOKENS.finditer(line)]
        if len(tokens) < 2:
            return line
        (a, b), (c, d) = sorted(self.luck.sample(tokens, 2))
        return line[:a] + line[c:d] + line[b:c] + line[a:b] + line[d:]

    def _replace(self, line: bytes, text: bytes) -> bytes:
        tokens = [match.span() for match in _TOKENS.finditer(line)]
        if not tokens:
            return line + text
        since, until = self.luck.choice(tokens)
        return line[:since] + text + line[until:]

    def _number(self, line: bytes) -> bytes:
        if self.luck.random() < 0.5:
            return self._replace(line, self.luck.choice(_NUMBERS))
        digits = "".join(self.luck.choices("0123456789", k=self.luck.randint(1, 25)))
        point = self.luck.choice(["", "", ".0", ".5", "e3", "E-2", f".{digits[:5]}", "00"])
        return self._replace(line, f"{self.luck.choice(['', '', '-'])}{digits}{point}".encode())

    def _piece(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[:at] + self.luck.choice(_PIECES) + line[at:]

    def _nest(self, line: bytes) -> bytes:
        depth = self.luck.choice([1, 2, 50, 99, 100, 101, 102, 2000])
        opening, closing = self.luck.choice(
            [(b"[", b"]"), (b'{"a":', b"}"), (b"[{", b"}]"), (b'{"a":[', b"]}"), (b"[", b"")]
        )
        inner = self.luck.choice([b"", b"1", b"null", b'"page":"Home"', b'"a":1'])
        return self._replace(line, opening * depth + inner + closing * depth)

    def _member(self, line: bytes) -> bytes:
        tokens = [match.group() for match in _TOKENS.finditer(line)]
        strings = [token for token in tokens if token.startswith(b'"')] or [b'"x"']
        member = self.luck.choice(strings) + b":" + self.luck.choice(tokens or [b"1"])
        end = line.rfind(b"}")
        where = line.find(b",") if self.luck.random() < 0.3 else end
        return line[:where] + b"," + member + line[where:] if where > 0 else line

    def _encode(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace")
        way = self.luck.choice(
            ["latin-1", "utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "utf-7", "ascii"]
        )
        return text.encode(way, "backslashreplace")

    def _space(self, line: bytes) -> bytes:
        space = self.luck.choice([b" ", b"  ", b"\t", b"\r", b"\x0b", b"\x00"])
        mark = self.luck.choice([b":", b",", b"{", b"}", b'"'])
        return line.replace(
            mark, self.luck.choice([space + mark, mark + space]), self.luck.choice([1, 1, -1])
        )

    def _torn(self, line: bytes) -> bytes:
        return line[: self._at(line)] if self.luck.random() < 0.7 else line[self._at(line) :]

    def _long(self, line: bytes) -> bytes:
        if self.luck.random() < 0.95:
            return line
        at = self._at(line)
        return (
            line[:at]
            + self.luck.choice([b"x", b"0", b" ", b"[", b"\\", b"\xc3\xa9"]) * self.luck.choice([200, 5000])
            + line[at:]
        )


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
    """What the judge says of a log file: lines of each sort, and plays; None if its stream is damaged."""
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
    lines = data.split(b"\n")
    verdicts = [judge_event(line, TS_RANGE) for line in (lines if lines[-1] else lines[:-1])]
    counts: Counter[Any] = Counter()
    for verdict in verdicts:
        counts[
            verdict.reason
            if isinstance(verdict, Reject)
            else "play"
            if isinstance(verdict, Play)
            else verdict
        ] += 1
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
                "SELECT path, lines, blank, other_pages, loaded + duplicates, rejected, state FROM etl.files"
            )
        }
        reasons: dict[str, Counter[str]] = {}
        for path, reason, count in connection.execute(
            "SELECT path, reason, count(*) FROM etl.rejected_records JOIN etl.files USING (file_id) GROUP BY"
            " 1, 2"
        ):
            reasons.setdefault(path, Counter())[reason] = count
    for path in (folder / "log_data").iterdir():
        lines, blank, other, plays, rejected, state = books[str(path)]
        assert state == "loaded", path
        assert lines == blank + other + plays + rejected, path
        expected = expected_of(path)
        if expected:
            counts, _ = expected
            found = Counter({"play": plays, BLANK: blank, OTHER_PAGE: other}) + reasons.get(
                str(path), Counter()
            )
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


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Lines that look real, by kind: simulated ones, clean and dirty, and those of the corpus."""
    simulate(folder, users=20, songs=100, days=5, seed=7, dirt=0.1, workers=1)
    found: dict[str, list[bytes]] = {}
    for kind in ("log", "song"):
        paths = [*(folder / f"{kind}_data").rglob("*.json"), *(CORPUS / f"{kind}_data").glob("*.json")]
        lines = [
            line for path in sorted(paths) for line in path.read_bytes().split(b"\n") if len(line) < 3000
        ]
        spaced = [line.replace(b'":', b'": ').replace(b',"', b', "') for line in lines[:300]]
        found[kind] = lines + spaced
    return found


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
    fuzz_lines("log", lines["log"], options.lines * 4 // 5, options.seed, findings)
    fuzz_lines("song", lines["song"], options.lines // 5, options.seed, findings)
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
