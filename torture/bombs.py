"""Bombs: small files meant to cost a lot. Each must load within bounds of memory and time."""

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.support.client import ENVIRONMENT
from torture.arena import Arena

MOST_MEMORY: Final = 1500
"""Megabytes that a load may take at any moment, on two workers."""

MOST_SECONDS: Final = 300.0

PLAY: Final = {
    "artist": "Elena", "firstName": "Lily", "gender": "F", "itemInSession": 0, "lastName": "Koch",
    "length": 269.58322,
    "level": "paid", "location": "Chicago, IL", "page": "NextSong", "sessionId": 818,
    "song": "Setanta matins",
    "ts": 1541105830796, "userAgent": "Mozilla", "userId": "15",
}  # fmt: skip
GOOD: Final = json.dumps(PLAY).encode() + b"\n"


# The peak memory that the system reports for an ended process includes that of its parent at the fork.
_PROGRAM: Final = """
import sys
from sparkify.cli import main
code = main(sys.argv[1:])
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Bomb:
    """How to make a bomb, its size, and how many rejects and plays it must give. A good play precedes it."""

    make: Callable[[Path, int], None]
    size: int
    rejects: int | None = 1  # None: as many as its size
    plays: int | None = 1  # with the good one


def _text(pieces: Callable[[int], Iterator[bytes]]) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        with (folder / "log_data" / "bomb.json").open("wb") as file:
            file.write(GOOD)
            file.writelines(pieces(size))

    return make


_GZIP: Final = ("gz", partial(gzip.open, mode="wb", compresslevel=1))
_BZIP2: Final = ("bz2", partial(bz2.open, mode="wb", compresslevel=1))
_XZ: Final = ("xz", partial(lzma.open, mode="wb", preset=0))


def _packed(
    pieces: Callable[[int], Iterator[bytes]], how: tuple[str, Callable[[Path], Any]] = _GZIP
) -> Callable[[Path, int], None]:
    suffix, pack = how

    def make(folder: Path, size: int) -> None:
        with pack(folder / "log_data" / f"bomb.json.{suffix}") as file:
            file.write(GOOD)
            file.writelines(pieces(size))

    return make


def _sparse(folder: Path, size: int) -> None:
    path = folder / "log_data" / "bomb.json"
    path.write_bytes(GOOD)
    os.truncate(path, len(GOOD) + size)


def _blocks(block: bytes, size: int) -> Iterator[bytes]:
    for _ in range(size // len(block)):
        yield block


def _keys(count: int) -> Iterator[bytes]:
    yield b'{"page":"NextSong"'
    for start in range(0, count, 1000):
        yield b"".join(b',"%d":1' % key for key in range(start, start + 1000))
    yield b"}\n"


def _users(count: int) -> Iterator[bytes]:
    """Plays of so many users, all with one long user agent. The first is the good play once more."""
    for user_id in range(15, 15 + count):
        yield json.dumps(PLAY | {"userId": user_id, "userAgent": "x" * (1 << 20)}).encode() + b"\n"


def _songs(folder: Path, size: int) -> None:
    (folder / "log_data" / "good.json").write_bytes(GOOD)
    for number in range(size):
        (folder / "log_data" / f"{number:06}.json").touch()


BOMBS: Final = {
    "gzip of 2 GB in one line": Bomb(_packed(lambda size: _blocks(bytes(1 << 20), size)), 2 << 30),
    "bzip2 of 2 GB in one line": Bomb(_packed(lambda size: _blocks(bytes(1 << 20), size), _BZIP2), 2 << 30),
    "xz of 2 GB in one line": Bomb(_packed(lambda size: _blocks(bytes(1 << 20), size), _XZ), 2 << 30),
    "gzip of 1.5 GB in one user agent, repeated": Bomb(_packed(_users), 1500, 0, None),
    "gzip of 50 MB of line feeds": Bomb(_packed(lambda size: _blocks(b"\n" * (1 << 20), size)), 50 << 20, 0),
    "one line of 2 GB": Bomb(_sparse, 2 << 30),
    "nested 100,000 deep": Bomb(_text(lambda size: iter([b"[" * size + b"]" * size + b"\n"])), 100_000),
    "objects nested 100,000 deep": Bomb(
        _text(lambda size: iter([b'{"a":' * size + b"1" + b"}" * size + b"\n"])),
        100_000,
    ),
    "10 million keys": Bomb(_text(_keys), 10_000_000),
    "4 million keys": Bomb(_text(_keys), 4_000_000),
    "60 MB of empty arrays": Bomb(
        _text(lambda size: iter([b'{"page":[', *_blocks(b"[]," * (1 << 18), size), b"[]]}\n"])),
        60_000_000,
    ),
    "60 MB of short strings": Bomb(
        _text(lambda size: iter([b'{"page":[', *_blocks(b'"a", ' * (1 << 18), size), b'""]}\n'])),
        60_000_000,
    ),
    "60 MB of quotes": Bomb(_text(lambda size: iter([b'"' * size + b"x\n"])), 60_000_000),
    "a number of 60 MB": Bomb(
        _text(lambda size: iter([GOOD.strip()[:-1], b',"n":', b"7" * size, b"}\n"])),
        60_000_000,
        0,
    ),
    "a length of 60 MB": Bomb(
        _text(lambda size: iter([GOOD.replace(b"269.58322", b"0." + b"7" * size)])), 60_000_000, 0
    ),
    "1 million rejected lines": Bomb(_text(lambda size: iter([b"x\n" * size])), 1_000_000, None),
    "200,000 empty files": Bomb(_songs, 200_000, 0),
}


def explode(name: str, folder: Path, dsn: str, scale: float = 1.0) -> dict[str, Any]:
    """Make a bomb at this fraction of its size and load it with ``sparkify etl``; return what came of it.

    Raises:
        AssertionError: it exceeded the bounds, or the wrong lines were set aside.
    """
    bomb = BOMBS[name]
    size = int(bomb.size * scale)
    (folder / "log_data").mkdir(parents=True)
    bomb.make(folder, size)
    started = time.monotonic()
    program = [sys.executable, "-c", _PROGRAM, "etl", str(folder), "--dsn", dsn, "--workers", "2", "--json"]
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=ENVIRONMENT)
        watch = threading.Timer(MOST_SECONDS, process.kill)
        watch.start()
        process.wait()
        watch.cancel()
    said = (folder / "err").read_text(errors="replace")
    assert process.returncode == 0, (
        f"exit code {process.returncode} after {time.monotonic() - started:.0f} s: {said[-2000:]}"
    )
    report = json.loads((folder / "out").read_bytes())
    result = {
        "bomb": name,
        "seconds": round(time.monotonic() - started, 1),
        "MB": int(said.split()[-2]) // 1024,
        "rejected": report["reject_reasons"],
    }
    assert report["rows"]["songplays"] == (size if bomb.plays is None else bomb.plays), result
    assert report["lines"]["rejected"] == (size if bomb.rejects is None else bomb.rejects), result
    assert report["files"]["loaded"] == report["files"]["found"], result
    assert result["MB"] <= MOST_MEMORY, result
    return result


def campaign() -> list[dict[str, Any]]:
    """Explode all bombs at full size, one after another."""
    results = []
    with tempfile.TemporaryDirectory(prefix="sparkify-bombs-") as root:
        Path(root).chmod(0o755)
        arena = Arena(Path(root))
        try:
            for name in BOMBS:
                folder = Path(root, "bomb")
                try:
                    result = explode(name, folder, arena.database())
                except AssertionError as error:
                    result = {"bomb": name, "failed": str(error)}
                shutil.rmtree(folder)
                results.append(result)
                print(json.dumps(result), flush=True)
        finally:
            arena.stop()
    return results
